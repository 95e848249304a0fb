"""Regular expressions looked for in many rows at once, and stopped where one never comes to an end."""

import re

import numpy as np
import regex

from studio.core.data.values import ROW, VALUE, Mask
from studio.core.errors import StudioError

_MAX_PATTERN = 1000
# An expression that needs this long for one row, or for some thousands at once, never ends on purpose.
_ROW_S = 1.0
_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\\[])+\]|.", re.DOTALL)
# Of what a row's values are: each stands between two of these.
_EDGE = f"[{chr(ROW)}{chr(VALUE)}]"
_EDGES = {
    "^": f"(?<={_EDGE})",
    "\\A": f"(?<={_EDGE})",
    "$": f"(?=\n?{_EDGE})",
    "\\Z": f"(?={_EDGE})",
}
_PLAIN_ESCAPES = frozenset("dDwWsSbtnrfvxupP0123456789")
# Looking around, giving nothing back, calls, verbs, flags, and errors that are let pass.
_TOO_MUCH = re.compile(r"\(\?(?!:|P<|P=|i\))|\(\*|[*+?}]\+|\{(?![0-9]*,?[0-9]*\})|\[")


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
        joined = _across(text) if self._pattern.search("", timeout=_ROW_S) is None else ""
        # What is behind a find in its row is not looked through.
        self._joined = regex.compile(f"(?:{joined})([^{chr(ROW)}]*)") if joined else None

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

    def look(self, laid: bytes, rows: int) -> tuple[Mask, Mask]:
        """Looks through rows laid end to end; returns which of them have it, and of which only `holds` can tell."""
        fits, unsure = np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
        if self._joined is None:
            return fits, ~unsure
        text = chr(VALUE) + laid.decode("utf-8", "replace")
        tail = self._joined.groups
        try:
            looked = self._joined.finditer(text, timeout=_ROW_S, concurrent=True)
            found = np.array([(hit.start(), hit.start(tail)) for hit in looked], dtype=np.int64).reshape(-1, 2)
        except TimeoutError:
            return fits, ~unsure
        kind = (np.uint8, "latin-1") if text.isascii() else (np.uint32, "utf-32-le")
        codes = np.frombuffer(text.encode(kind[1]), dtype=kind[0])
        stops = np.flatnonzero(codes == ROW)
        edges = np.searchsorted(np.flatnonzero((codes == ROW) | (codes == VALUE)), found)
        places = np.searchsorted(stops, found)
        within = edges[:, 0] == edges[:, 1]
        fits[places[within, 0]] = True
        for first, last in places[~within].tolist():
            unsure[first : last + 1] = True
        return fits, unsure & ~fits


def _across(text: str) -> str:
    """Returns the expression for values laid end to end; empty: it may miss some there, or see past an edge.

    Whatever is left in it finds something from the same place on in one value and in many, though it may reach further.
    """
    tokens = _TOKEN.findall(text)
    if any(len(token) == 2 and token[1].isalnum() and token[1] not in _PLAIN_ESCAPES and token not in _EDGES
           for token in tokens):  # fmt: skip
        return ""
    if _TOO_MUCH.search("".join(token if len(token) == 1 else "x" for token in tokens)):
        return ""
    return "".join(_EDGES.get(token, token) for token in tokens)


def _literal(text: str) -> bytes:
    """Returns letters and digits, in lower case, that stand in all that a simple expression finds; else nothing."""
    if re.search(r"[|(\[]", text) or not text.isascii():
        return b""
    # An escape, and a sign that a repetition behind it may leave out, stand for themselves in no case.
    plain = re.sub(r"\\(?:x..|u....|U.{8}|[pPN]\{[^}]*\}|[0-9]+|.)|.(?:[?*]|\{[^}]*\})", "\0", text)
    return max(re.findall("[A-Za-z0-9]+", plain), key=len, default="").lower().encode()
