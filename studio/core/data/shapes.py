"""What a row's columns say of its format: the names that the formats' columns go by, and the likeliest formats.

Column names count in any letter case.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, get_args

from studio.core.data.rows import Parsed
from studio.core.errors import StudioError

RowFormat = Literal["messages", "prompt_completion", "alpaca", "text", "preference", "kto"]
FORMATS: tuple[RowFormat, ...] = get_args(RowFormat)

LISTS = ("messages", "conversations", "conversation", "dialog", "dialogue")
ANSWERED = (
    ("prompt", "completion"),
    ("question", "answer"),
    ("query", "response"),
    ("prompt", "response"),
    ("question", "response"),
    ("input", "output"),
    ("instruction", "response"),
    ("instruction", "answer"),
    ("instruction", "completion"),
    ("problem", "solution"),
    ("user", "assistant"),
    ("input", "target"),
    ("source", "target"),
    ("article", "summary"),
    ("article", "highlights"),
    ("document", "summary"),
    ("dialogue", "summary"),
)
# Of a better and a worse answer; OpenAI's files name them otherwise.
PREFERRED = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"))
_SUMMARIES = ("summary", "highlights")
# Names of a task's answer, of what it is about, and of the text to learn whole.
OUTPUTS = ("output", "response")
INPUTS = ("input", "context")
TEXTS = ("text", "content")
# Names of what is asked that may have what it is about beside it.
ABOUT = ("instruction", "question")
QUESTIONS = ("prompt", "question", "instruction", "query", "input")

# ShareGPT files name the speaker in many ways.
SPEAKERS = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "observation": "tool",
    "function": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
# Of these, the ones whose turn is a call of tools, written as JSON.
_CALLERS = ("function_call", "tool_call")
_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
# A word beside an answer may say something else of it: such rows are read as judged ones where that is asked for.
_JUDGED = {"yes": True, "y": True, "good": True, "up": True, "no": False, "n": False, "bad": False, "down": False}
_LABELS = _TRUTHS | _JUDGED


@dataclass(frozen=True, slots=True)
class Guess:
    """A format that rows may be in, and what speaks for it."""

    format: str
    reason: str


def field(data: Mapping[str, Any], name: str) -> Any:
    """Returns a column's value, its name in any letter case; None where it is absent."""
    if name in data:
        return data[name]
    return next((value for key, value in data.items() if key.lower() == name), None)


def first_of(data: Mapping[str, Any], names: Iterable[str]) -> str:
    """Returns the first of the names that has a value; empty where none has."""
    return next((name for name in names if field(data, name) is not None), "")


def listed(value: Any) -> list[Any] | None:
    """Returns a list as it is or out of the JSON text that a CSV cell holds it in; None for anything else.

    One message alone, as LLaMA-Factory's files have an answer, is a list of it.
    """
    if isinstance(value, Mapping) and ({"role", "content"} <= value.keys() or {"from", "value"} <= value.keys()):
        return [value]
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
        # A text may begin with a bracket, and be JSON itself: of objects only such that somebody says are messages.
        if not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            return None
        if not any("role" in item or {"from", "value"} <= item.keys() for item in value):
            return None
    return value if isinstance(value, list) else None


def answered(data: Mapping[str, Any], empty: bool = False) -> tuple[str, str] | None:
    """Returns the names of the columns that hold a question and its answer; with `empty` also such that hold none."""
    if data.get("prompt") is not None and data.get("completion") is not None:
        return "prompt", "completion"
    names = {key.lower() for key, value in data.items() if empty or value is not None}
    found = next((pair for pair in ANSWERED if names.issuperset(pair)), None)
    # What is asked of a text is not to be left out, nor the text that is to be learned.
    if found and found[1] in _SUMMARIES and names.intersection((*QUESTIONS, *TEXTS)):
        return None
    # Beside an instruction an input is what that is about.
    return ("instruction", found[1]) if found and found[0] == "input" and "instruction" in names else found


def preferred(data: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the names of the columns that hold the better and the worse answer."""
    return next((pair for pair in PREFERRED if first_of(data, pair)), PREFERRED[0])


def tool_calls(speaker: Any, said: Any) -> list[dict[str, Any]] | None:
    """Returns the calls of tools that a ShareGPT turn is: one object with `name` and `arguments`, or a list of such.

    None: its speaker calls no tools. An empty list: it should, and does not parse, so that it stays the text it is.
    """
    if not (isinstance(speaker, str) and speaker.strip().lower() in _CALLERS and isinstance(said, str)):
        return None
    calls = []
    found = _parsed(said)
    for item in found if isinstance(found, list) else [found]:
        given = item.get("arguments", item.get("parameters")) if isinstance(item, dict) else None
        arguments = _object(given)
        if arguments is None or not named(item):
            return []
        calls.append({"type": "function", "function": {"name": item["name"], "arguments": arguments}})
    return calls


def named(call: dict[str, Any]) -> bool:
    """Whether a call of a tool says of which; OpenAI's say it one level down."""
    held = next((item for key in ("function", "custom") if isinstance(item := call.get(key), dict)), call)
    return isinstance(name := held.get("name"), str) and bool(name.strip())


def with_objects(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns calls of tools with their arguments as objects, which templates write as JSON themselves.

    OpenAI's files hold them as a text of JSON, which would be written as a text in a text. What is no object stays.
    """
    return [_with_object(call) for call in calls]


def _with_object(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if isinstance(function, dict):
        return call | {"function": _with_object(function)}
    arguments = _object(call.get("arguments"))
    return call if arguments is None else call | {"arguments": arguments}


def _object(given: Any) -> dict[str, Any] | None:
    """Returns an object that is given as such or as a text of JSON; None: it is neither."""
    found = _parsed(given) if isinstance(given, str) else given
    return found if isinstance(found, dict) else None


def truth(value: Any) -> bool | None:
    """Returns what a label says: true or false, as such, as a number or as a word; None for anything else."""
    return _LABELS.get(str(value).strip().lower())


def guesses(data: Mapping[str, Any]) -> list[tuple[RowFormat, str]]:
    """Returns the formats a row may be in and the columns that show it, the likeliest first."""
    names = {key.lower() for key, value in data.items() if value is not None}
    found: list[tuple[RowFormat, str]] = []
    if answers := next((pair for pair in PREFERRED if names.issuperset(pair)), None):
        found.append(("preference", f"`{answers[0]}` and `{answers[1]}`"))
    if conversation := next((name for name in LISTS if name in names and _is_messages(field(data, name))), ""):
        found.append(("messages", f"`{conversation}`"))
    pair = answered(data)
    later: list[tuple[RowFormat, str]] = []
    if pair and "label" in names and truth(label := field(data, "label")) is not None:
        sure = str(label).strip().lower() in _TRUTHS
        (found if sure else later).append(("kto", f"`{pair[0]}`, `{pair[1]}` and a `label` of true and false"))
    if task := next((name for name in OUTPUTS if "instruction" in names and name in names), ""):
        (later if pair == ("prompt", "completion") else found).append(("alpaca", f"`instruction` and `{task}`"))
    if pair:
        about = next((name for name in INPUTS if pair[0] in ABOUT and isinstance(field(data, name), str)), "")
        found.append(("prompt_completion", f"`{pair[0]}`{f', `{about}`' if about else ''} and `{pair[1]}`"))
    found += later
    if text := next((name for name in TEXTS if isinstance(field(data, name), str)), ""):
        found.append(("text", f"`{text}`"))
    return found


def detect(head: Iterable[Mapping[str, Any]]) -> list[Guess]:
    """Returns the likeliest format of some rows and, where there is one, the next likeliest."""
    head = list(head)
    firsts: Counter[tuple[str, str]] = Counter()
    others: Counter[tuple[str, str]] = Counter()
    for data in head:
        for place, likely in enumerate(guesses(data)):
            (others if place else firsts)[likely] += 1
    if not firsts:
        return []
    best, count = firsts.most_common(1)[0]
    others.update(firsts)
    second = next((guess for guess, _ in others.most_common() if guess[0] != best[0]), None)
    total = firsts.total()
    share = "" if count == total else f" ({count} of {total})"
    calls = _told(head) if best[0] == "messages" else ""
    made = [Guess(best[0], f"the first rows have {best[1]}{share}{calls}")]
    return made + ([Guess(second[0], f"rows have {second[1]} too")] if second else [])


def detected(name: str, head: list[Parsed]) -> list[Guess]:
    """Returns the likeliest format of the first rows and the next likeliest, if there is one.

    Args:
        name: what messages call the source.
        head: its first rows.

    Raises:
        StudioError: (data) no row can be read, or none is in a known format.
    """
    good = [row.data for row in head if row.data is not None]
    found = detect(good)
    if found:
        return found
    hint = (
        "Give each row one of: `messages` (a list of {role, content}); `prompt` and `completion`; "
        "`instruction` and `output`; `chosen` and `rejected`; or `text`. Or say which columns play these parts: in the "
        "window by the button for columns, on the command line with `--map`, in a config with `data.mapping`."
    )
    if not good:
        where = f"line {head[0].line}: " if head[0].line else ""
        message = f"None of the first {len(head)} rows of {name} can be read ({where}{head[0].reason})."
        if len(head) == 1:
            message = f"The only row of {name} cannot be read ({where}{head[0].reason})."
        if "not UTF-8" in head[0].reason:
            hint = "If it is text, open it in an editor and save it in the encoding UTF-8."
        elif "not JSON" in head[0].reason or "not an object" in head[0].reason:
            hint = "Write one whole object a line, with no comma behind it; one array of all objects is a .json file."
        elif "never closed" in head[0].reason:
            hint = "Close the quote in that line, or save the table as CSV again."
        elif "larger than" in head[0].reason:
            hint = "Break it into shorter rows."
        raise StudioError("data", message, hint)
    names = list(dict.fromkeys(chain.from_iterable(good)))
    shown = ", ".join(f"`{column[:40]}`" for column in names[:12]) + (", ..." if len(names) > 12 else "")
    raise StudioError("data", f"{name} is in no known format; its columns are {shown or 'none'}.", hint)


def _told(head: Iterable[Mapping[str, Any]]) -> str:
    """Says what becomes of the turns that call tools."""
    lists = (listed(field(data, first_of(data, LISTS))) or () for data in head)
    turns = [item for items in lists for item in items if isinstance(item, dict)]
    calls = [tool_calls(item.get("role", item.get("from")), item.get("content", item.get("value"))) for item in turns]
    good, bad = sum(bool(call) for call in calls), sum(call == [] for call in calls)
    said = f"; turns in them that call tools: {good}" if good else ""
    fault = f"; turns that should call tools, are no JSON of such, and stay text: {bad}" if bad else ""
    return said + fault


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_messages(value: Any) -> bool:
    """Whether the first of a list is an object that names a speaker and what is said, in either dialect."""
    first = next(iter(listed(value) or ()), None)
    if not isinstance(first, dict):
        return False
    return bool({"role", "from"} & first.keys()) or "content" in first
