"""Regular expressions looked for in many rows at once, and stopped where one never comes to an end."""

import re

import numpy as np
import regex

from studio.core.data.values import ROW, VALUE, Laid, Mask
from studio.core.errors import StudioError

_MAX_PATTERN = 1000
# An expression that needs this long for one row, or for some thousands at once, never ends on purpose.
_ROW_S = 1.0
_TOKEN = re.compile(r"\\[pP]\{[^{}]*\}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.|\[\^?(?:\\.|[^\]\\\[])+\]|.", re.DOTALL)
# Of what a row's values are: each stands between two of these.
_EDGES = chr(ROW) + chr(VALUE)
# What looks at a text's ends, or finds almost anything, and the same for a value among others.
_AMONG_OTHERS = {
    "^": f"(?<=[{_EDGES}])",
    "\\A": f"(?<=[{_EDGES}])",
    "$": f"(?=\n?[{_EDGES}])",
    "\\Z": f"(?=[{_EDGES}])",
    ".": f"[^\n{_EDGES}]",
    "\\D": f"[^\\d{_EDGES}]",
    "\\W": f"[^\\w{_EDGES}]",
    "\\S": f"[^\\s{_EDGES}]",
}
_AMONG_OTHERS |= dict.fromkeys(("[\\s\\S]", "[\\S\\s]", "[\\w\\W]", "[\\d\\D]"), f"[^{_EDGES}]")
_PLAIN_ESCAPES = frozenset("dDwWsSbBtnrfvAZ123456789")
# Calls, verbs, flags but for letter case, errors that are let pass, and sets within sets.
_TOO_MUCH = re.compile(r"\((?:\*|\?(?!:|P?<\w|<?[=!]|P=|>|i[:)]))|\{(?![0-9]*,?[0-9]*\})|\[")
# Flags but for letter case and but at the begin, properties, what is no word's edge, and counts without a least.
_OTHERWISE = re.compile(r"(?<!^)\(\?i|\\[pPBS]|\{(?![0-9]+(?:,[0-9]*)?\})")
# Ranges with a class at their end.
_ODD_SET = re.compile(r"\\[A-Za-z]-|-\\[A-Za-z]")
_ESCAPE = re.compile(r"\\.")
# What depends on more than ASCII.
_BY_ALPHABET = re.compile(r"\\[dDwWsSb]|\(\?i")


class Expression:
    """A regular expression in which letter case counts.

    Attributes:
        literal: letters and digits, in lower case, that stand in all that it finds; may be empty.
    """

    def __init__(self, text: str) -> None:
        """Reads it.

        Raises:
            StudioError: (usage) it is none.
        """
        try:
            if len(text) > _MAX_PATTERN:
                raise ValueError(f"it is longer than {_MAX_PATTERN} characters")
            self._pattern = regex.compile(text)
        except (regex.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
            raise StudioError("usage", f"`{text[:60]}` is not a regular expression: {error}.", "Correct it.") from None
        self.literal = _literal(text)
        joined = _among_others(text) if self._pattern.search("", timeout=_ROW_S) is None else ""
        self._linear, self._ascii_only = _linear(joined), bool(_BY_ALPHABET.search(joined))
        try:
            # What is behind a find in its row is not looked through.
            self._joined = regex.compile(f"(?:{joined})[^{chr(ROW)}]*") if joined else None
        except regex.error:
            self._joined = None

    def holds(self, texts: list[str], row: int) -> bool:
        """Whether one of a row's values has it.

        Raises:
            StudioError: (usage) it takes too long.
        """
        try:
            return any(self._pattern.search(text, timeout=_ROW_S) for text in texts)
        except TimeoutError:
            message = f"The expression takes too long: it did not come to an end for row {row}."
            raise StudioError("usage", message, "Avoid repetitions within repetitions, as in `(a+)+`.") from None

    def look(self, laid: Laid) -> Mask | None:
        """Looks through rows laid end to end; returns which of them have it, or None: only `holds` can tell."""
        plain = laid.text.isascii()
        if self._linear and (plain or not self._ascii_only):
            return _rows_of(self._linear, laid)
        if self._joined is None:
            return None
        text = chr(VALUE) + laid.text.decode("utf-8", "replace")
        try:
            # Before the first edge and behind the last stands no value, not even an empty one.
            finds = self._joined.finditer(text, 1, timeout=_ROW_S, concurrent=True)
            found = np.fromiter((at for find in finds if (at := find.start()) < len(text)), dtype=np.int64)
        except TimeoutError:
            return None
        ends = laid.stops + 1 if plain else np.flatnonzero(np.frombuffer(text.encode("utf-32-le"), np.uint32) == ROW)
        fits = np.zeros(len(laid.stops), dtype=np.bool_)
        fits[np.searchsorted(ends, found)] = True
        return fits


def _rows_of(expression: str, laid: Laid) -> Mask:
    """Returns which rows have an expression of regular language; it always comes to an end.

    Raises:
        ValueError: the expression is none of RE2, which reads it.
    """
    # They take long to load, and most of those who import this look for no expression.
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = np.append(0, laid.stops + 1).astype(np.int32)
    rows = pa.StringArray.from_buffers(len(laid.stops), pa.py_buffer(bounds), pa.py_buffer(laid.text))
    # Its own way to an array loads pandas.
    bits = np.frombuffer(pc.match_substring_regex(rows, expression).buffers()[1], dtype=np.uint8)
    return np.unpackbits(bits, count=len(rows), bitorder="little").astype(np.bool_)


def _among_others(text: str) -> str:
    """Returns the expression that finds in values laid end to end what `text` finds in each; empty: none is known.

    Nothing in it finds an edge, so that it never sees beyond the value it began in.
    """
    tokens, parts = _TOKEN.findall(text), []
    for token in tokens:
        if token in _AMONG_OTHERS:
            parts.append(_AMONG_OTHERS[token])
            continue
        # A set that begins with its own closing bracket is read to its end by `regex` alone.
        if token == "[^]" or (len(token) == 2 and token[1].isalnum() and token[1] not in _PLAIN_ESCAPES):
            return ""
        if token.startswith("[^"):
            # As a range, behind which a hyphen still stands for itself.
            token = f"[^{_EDGES[0]}-{_EDGES[1]}{token[2:]}"
        elif len(token) > 2 and regex.search(token, _EDGES):
            token = f"(?:(?![{_EDGES}]){token})"
        parts.append(token)
    plain = "".join(token if len(token) == 1 else "x" for token in tokens)
    return "" if _TOO_MUCH.search(plain) or any(edge in text for edge in _EDGES) else "".join(parts)


def _linear(joined: str) -> str:
    """Returns the expression for RE2, which never goes back in a text and leaves the lock free; empty: none is known.

    Whether a text has an expression of a regular language is not up to the order in which an engine tries. What is
    beyond such a language is an error here; where the two mean something else by the same signs none is known.
    """
    if not joined or not joined.isascii() or _OTHERWISE.search(joined):
        return ""
    parts = []
    for token in _TOKEN.findall(joined):
        among = token.startswith("[") and len(token) > 1
        if among and _ODD_SET.search(token):
            return ""
        # A vertical tab is no blank in RE2.
        if token == r"\s":
            token = r"[\t-\r ]"
        elif among:
            token = _ESCAPE.sub(lambda found: r"\t-\r " if found[0] == r"\s" else found[0], token)
        parts.append(token)
    text = "".join(parts)
    try:
        _rows_of(text, Laid(bytes([ROW]), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_)))
    except ValueError:
        return ""
    return text


def _literal(text: str) -> bytes:
    """Returns letters and digits, in lower case, that stand in all that a simple expression finds; else nothing."""
    if re.search(r"[|(\[]", text) or not text.isascii():
        return b""
    # An escape, and a sign that a repetition behind it may leave out, stand for themselves in no case.
    plain = re.sub(r"\\(?:x..|u....|U.{8}|[pPN]\{[^}]*\}|[0-9]+|.)|.(?:[?*]|\{[^}]*\})", "\0", text)
    return max(re.findall("[A-Za-z0-9]+", plain), key=len, default="").lower().encode()
