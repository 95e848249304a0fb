"""Regular expressions looked for in many rows at once, and stopped where one never comes to an end."""

import re

import numpy as np
import regex

from studio.core.data.values import ROW, VALUE, Mask
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

    def look(self, laid: bytes, rows: int) -> Mask | None:
        """Looks through rows laid end to end; returns which of them have it, or None: only `holds` can tell."""
        if self._joined is None:
            return None
        text = chr(VALUE) + laid.decode("utf-8", "replace")
        try:
            # Before the first edge and behind the last stands no value, not even an empty one.
            finds = self._joined.finditer(text, 1, timeout=_ROW_S, concurrent=True)
            found = np.fromiter((at for find in finds if (at := find.start()) < len(text)), dtype=np.int64)
        except TimeoutError:
            return None
        kind = (np.uint8, "latin-1") if text.isascii() else (np.uint32, "utf-32-le")
        stops = np.flatnonzero(np.frombuffer(text.encode(kind[1]), dtype=kind[0]) == ROW)
        fits = np.zeros(rows, dtype=np.bool_)
        fits[np.searchsorted(stops, found)] = True
        return fits


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


def _literal(text: str) -> bytes:
    """Returns letters and digits, in lower case, that stand in all that a simple expression finds; else nothing."""
    if re.search(r"[|(\[]", text) or not text.isascii():
        return b""
    # An escape, and a sign that a repetition behind it may leave out, stand for themselves in no case.
    plain = re.sub(r"\\(?:x..|u....|U.{8}|[pPN]\{[^}]*\}|[0-9]+|.)|.(?:[?*]|\{[^}]*\})", "\0", text)
    return max(re.findall("[A-Za-z0-9]+", plain), key=len, default="").lower().encode()
