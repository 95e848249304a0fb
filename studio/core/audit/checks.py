"""The checks of rows one by one, from their text alone; some milliseconds for a thousand rows.

Arrow looks through whole batches for what could be a hit; only those rows are looked at closely.
"""

import html.entities
import json
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.core.audit import private
from studio.core.audit.findings import Collector, Finding, of_rows
from studio.core.audit.language import language
from studio.core.audit.private import Spans
from studio.core.chat import Example

_MOST_SPANS = 20  # of one kind in one message: enough to see what is wrong

# Windows-1252, with the five bytes it leaves out read as Latin-1 does.
_BYTES = {chr(code): code for code in range(256)} | {
    sign: code for code in range(0x80, 0xA0) if (sign := bytes([code]).decode("cp1252", "ignore"))
}
_TAIL = "".join(sorted(sign for sign, code in _BYTES.items() if 0x80 <= code < 0xC0))
_MOJIBAKE = re.compile(f"(?:[\xc2-\xdf][{_TAIL}]|[\xe0-\xef][{_TAIL}]{{2}}|[\xf0-\xf4][{_TAIL}]{{3}})+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
# Not a company's or a researcher's.
_MACHINE = (
    r"(?:large )?(?:language model\b|(?:AI|artificial intelligence)(?=\s*[^\w\s-]|\s*\Z|\s(?:(?:large )?language model|"
    r"(?:chat)?model|assistant|(?:chat ?)?bot|agent|entity|system|program|software|I|my|we|it|that|without|by|from|"
    r"trained|developed|created|designed|made)\b))"
)
_REFUSAL = re.compile(
    rf"\bas an? {_MACHINE}|\bI(?:['\u2019]m| am) (?:just |only )?an? {_MACHINE}"
    r"|\bI(?:['\u2019]m| am) sorry,? but (?:as|I (?:can(?:['\u2019]t|not)|am (?:unable|not able)))\b",
    re.IGNORECASE,
)
_USER = re.compile(
    r"^[ \t]*(?:#{1,4} ?(?:User|Human|Instruction|Input|Question)\b:?|(?:User|Human|Question):)", re.MULTILINE
)
_TAGS = "br|p|div|span|a|li|ul|ol|td|th|tr|table|b|i|u|strong|em|h[1-6]|img|script|style|font|sup|sub|blockquote"
# Letters and signs of print; `&sum;` or `&real;` of mathematics is an address, in code.
_NAMES = "|".join(
    name
    for name, code in html.entities.name2codepoint.items()
    if code < 0x100 or 0x2000 <= code < 0x2070 or code in (0x20AC, 0x2122)
)
_HTML = re.compile(
    rf"</?(?:{_TAGS})(?:\s[^<>]{{0,300}})?/?>|&(?:nbsp|amp|lt|gt|quot|apos|(?-i:{_NAMES})|#\d{{2,6}}|#x[0-9a-f]{{2,5}});",
    re.IGNORECASE,
)
# Without its end this may be a type's name; a paragraph needs none.
_LETTER = re.compile("<([abiu])>")
_PAGE = re.compile(r"<!doctype|<html|</script|```", re.IGNORECASE)
_OPEN_ENDS = frozenset(",;:-\u2013\u2014(/&")
_LEAST_WORDS = 8
# Scripts that leave no spaces between words, Thai to Khmer and Chinese to Japanese: so many letters are several words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{5}")
# Where most answers end with a mark, one that ends with a letter was cut; where they do not, that says nothing.
_MOSTLY_FINISHED = 0.8
# A language is an odd one out where fewer rows than this have it.
_RARE = 0.05
_CODE = {"system": "s", "user": "u", "assistant": "a", "tool": "t"}
_ORDER = re.compile(r"s?(?:u(?:at+)*a)+")


@dataclass(frozen=True, slots=True)
class Text:
    """A row's text.

    Attributes:
        number: the row's number in its file.
        parts: what each message says and who says it; plain text is one of nobody.
        answers: the places in `parts` of what is learned.
        chat: whether the parts are messages.
        worse: the place in `parts` of an answer that is not preferred, if there is one.
        tools: the place in `parts` of the tools the model is told of, as JSON, if there are any.
        label: whether its answer is a good one, if it is labelled.
    """

    number: int
    parts: list[tuple[str, str]]
    answers: list[int]
    chat: bool
    worse: int | None = None
    tools: int | None = None
    label: bool | None = None

    @property
    def joined(self) -> str:
        """All of it."""
        return "\n".join([text for _, text in self.parts])


def text_of(number: int, example: Example, worse: Example | None = None) -> Text:
    """Returns the text of what a row means; `worse`: with an answer that is not preferred."""
    if not example.messages:
        return Text(number, [("", (example.prompt or "") + example.answer)], [0], False)
    messages = example.messages
    parts = [(item["role"], _said(item)) for item in messages]
    answers = [index for index, trained in enumerate(example.trained) if trained]
    if max(map(len, messages)) > 2:
        more = (text for item in messages for key, text in item.items() if key not in ("role", "content"))
        parts += [("", text) for text in more if isinstance(text, str)]
    tools = len(parts) if example.tools else None
    if example.tools:
        parts.append(("", json.dumps(example.tools, ensure_ascii=False)))
    if worse is None:
        return Text(number, parts, answers, True, None, tools)
    # Of nobody: only that it is private, say, is a finding; that it is short or a refusal may be what is wrong with it.
    said = (_said(item) for item, trained in zip(worse.messages, worse.trained, strict=True) if trained)
    return Text(number, [*parts, ("", "\n".join(said))], answers, True, len(parts), tools)


def _said(message: Mapping[str, Any]) -> str:
    """Returns what a turn says; what it calls is a part of that, else it would be like every other call."""
    text: str = message.get("content") or ""
    if "tool_calls" not in message:
        return text
    calls = json.dumps(message["tool_calls"], ensure_ascii=False)
    return f"{text}\n{calls}" if text else calls


def mojibake(text: str) -> Spans:
    """Finds characters that are UTF-8 read as Windows-1252 or Latin-1."""
    return [found.span() for found in _MOJIBAKE.finditer(text) if _unbroken(found.group()) is not None]


def _unbroken(run: str) -> str | None:
    """Returns what a run of characters was before it was misread; None: nothing else."""
    try:
        text = bytes(_BYTES[sign] for sign in run).decode()
    except (KeyError, UnicodeDecodeError):
        return None
    # A single pair may be meant: only signs of Western Europe are taken at their word.
    sure = len(text) > 1 or len(run) > 2 or run[0] in "\xc2\xc3"
    shown = any(map(str.isprintable, text)) or text in ("\xa0", "\ufeff")
    return text if sure and shown else None


def mended(text: str, key: str) -> str:
    """Returns a text without what a check whose remedy is `repair` finds in it."""
    if key == "control":
        return _CONTROL.sub("", text)
    if key == "mojibake":
        while (better := _MOJIBAKE.sub(lambda run: _unbroken(run.group()) or run.group(), text)) != text:
            text = better
        return text
    while markup := {found.group() for found in _markup(text)}:
        text = _HTML.sub(lambda found: _plain(found.group()) if found.group() in markup else found.group(), text)
    return text


def _plain(markup: str) -> str:
    if markup.startswith("&"):
        return html.unescape(markup).replace("\xa0", " ").replace(markup, "")
    return "\n" if re.match(r"</?(?:br|p|div|li|tr|h\d)\b", markup, re.IGNORECASE) else ""


def _markup(text: str) -> list[re.Match[str]]:
    # In code, and where a page is what is talked about, tags are meant.
    found = [] if _PAGE.search(text) else list(_HTML.finditer(text))
    signs = {item.group().lower() for item in found}
    alone = {sign for sign in signs if (tag := _LETTER.fullmatch(sign)) and f"</{tag[1]}>" not in signs}
    return [item for item in found if item.group().lower() not in alone]


def _spans_html(text: str) -> Spans:
    return [found.span() for found in _markup(text)]


def _spans(expression: re.Pattern[str], text: str) -> Spans:
    return [found.span() for found in expression.finditer(text)]


def special_finder(specials: Iterable[str]) -> re.Pattern[str] | None:
    """Returns the expression that finds a tokenizer's special tokens; None: it has none."""
    known = sorted((re.escape(item) for item in specials if len(item) > 2), key=len, reverse=True)
    return re.compile("|".join(known)) if known else None


@dataclass(frozen=True, slots=True)
class _Check:
    """Arrow's expression for what could be a hit, the finder of the hits, and whether answers alone are looked at."""

    quick: str
    find: Callable[[str], Spans]
    answers: bool = False


def _checks(specials: Iterable[str]) -> dict[str, _Check]:
    checks = {
        "mojibake": _Check(f"[\\x{{c2}}-\\x{{f4}}][{re.escape(_TAIL)}]", mojibake),
        "replacement": _Check("\ufffd", partial(_spans, re.compile("\ufffd+"))),
        "control": _Check(
            r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}\x{feff}\x{fffe}\x{ffff}]", partial(_spans, _CONTROL)
        ),
        "refusal": _Check(r"(?i:\bAI\b|artificial|language model|\bsorry)", partial(_spans, _REFUSAL), True),
        "user": _Check(r"(?:User|Human|Question):|#{1,4} ?[UHIQ]", partial(_spans, _USER), True),
        "html": _Check(r"</?[a-zA-Z]|&[a-zA-Z#]", _spans_html),
    }
    checks |= {key: _Check(private.QUICK[key], find) for key, find in private.FINDERS.items()}
    special = special_finder(specials)
    if special is not None:
        checks["special"] = _Check(special.pattern.replace("/", r"\/"), partial(_spans, special))
    return checks


class Scan:
    """Looks at rows batch by batch and keeps what it found."""

    def __init__(self, specials: Iterable[str] = ()) -> None:
        """Takes the tokenizer's special tokens."""
        self._checks = _checks(specials)
        self._any = "|".join(f"(?:{check.quick})" for check in self._checks.values())
        self._hits = Collector()
        self._numbers, self._chars = array("q"), array("q")
        self._languages: list[str] = []
        self._finished, self._open = 0, array("q")

    def add(self, rows: Sequence[Text], joined: Sequence[str]) -> None:
        """Looks at some rows; `joined` is the whole text of each."""
        texts = pa.array(joined, pa.large_string())
        # Most rows hold nothing of any kind.
        some = pc.indices_nonzero(pc.match_substring_regex(texts, self._any))
        texts = texts.take(some)
        for key, check in self._checks.items():
            found = some.take(pc.indices_nonzero(pc.match_substring_regex(texts, check.quick)))
            for index in found.to_pylist():
                self._look(key, check, rows[index])
        for row, text in zip(rows, joined, strict=True):
            self._numbers.append(row.number)
            self._chars.append(len(text))
            self._languages.append(language(row.parts[row.answers[-1]][1] if row.answers else text))
            if row.chat:
                self._look_at_turns(row)

    def _look(self, key: str, check: _Check, row: Text) -> None:
        for index in row.answers if check.answers else range(len(row.parts)):
            for start, stop in check.find(row.parts[index][1])[:_MOST_SPANS]:
                self._hits.add(key, row.number, index, start, stop)

    def _look_at_turns(self, row: Text) -> None:
        order = "".join([_CODE.get(role, "") for role, _ in row.parts])
        if order != "ua" and not _ORDER.fullmatch(order):
            self._hits.add("roles", row.number)
        for index, (role, said) in enumerate(row.parts):
            if role == "user" and not said.strip():
                self._hits.add("unasked", row.number, index, 0, len(said))
        for index in row.answers:
            answer = row.parts[index][1].rstrip()
            words = answer.split(None, _LEAST_WORDS)
            if len(words) < 2 and not _UNSPACED.search(answer):
                self._hits.add("word" if words else "empty", row.number, index, 0, len(answer))
            elif len(words) > _LEAST_WORDS:
                if answer[-1].isalnum() or answer[-1] in _OPEN_ENDS:
                    self._open.extend((row.number, index, 0, len(answer), -1))
                else:
                    self._finished += 1

    def languages(self) -> Counter[str]:
        """Returns how many rows are in each language; empty: it cannot be told."""
        return Counter(self._languages)

    def found(self) -> list[Finding]:
        """Returns all findings so far, those among them that only the whole can show."""
        found = self._hits.found()
        numbers, open_ends = np.array(self._numbers, np.int64), np.array(self._open, np.int64).reshape(-1, 5)
        if len(open_ends) and self._finished >= _MOSTLY_FINISHED * (self._finished + len(open_ends)):
            found.append(Finding("unfinished", len(np.unique(open_ends[:, 0])), open_ends))
        for key, mask in (("long", _outliers(np.array(self._chars))), ("language", self._odd_languages())):
            if mask.any():
                found.append(of_rows(key, numbers[mask]))
        return found

    def _odd_languages(self) -> Any:
        counts = self.languages()
        known = sum(count for name, count in counts.items() if name)
        odd = {name for name, count in counts.items() if name and count < _RARE * known}
        return np.array([name in odd for name in self._languages], bool)


def _outliers(lengths: Any) -> Any:
    """Returns which lengths are far above the others: six deviations of their logarithms, and four times the 95 %."""
    far = np.zeros(len(lengths), bool)
    while True:
        rest = lengths[~far]
        if len(rest) < 20:
            return far
        logs = np.log(np.maximum(rest, 1))
        middle = np.median(logs)
        spread = max(1.4826 * float(np.median(np.abs(logs - middle))), 0.1)
        bound = max(float(np.exp(middle + 6 * spread)), 4 * float(np.percentile(rest, 95)))
        # Without these, others may stand out.
        if not (rest > bound).any():
            return far
        far |= lengths > bound
