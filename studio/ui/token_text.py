"""A row's tokens laid out as text to show: which piece of it each token is, and in which colours it stands."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QColor, QFont, QTextCharFormat

from studio.core.desk import Picture
from studio.ui.shades import mixed
from studio.ui.theme import Palette

State = Literal["trained", "avoided", "masked", "frame", "truncated"]

_CONTROLS = {"\r": "␍", "\0": "␀", "\u2029": "¶"}  # what the text widget would swallow or take for a line of its own
_HIDDEN = {" ": "·", "\t": "→\t", "\n": "↵\n"}
_ALL = "".join(_HIDDEN)


@dataclass(frozen=True, slots=True)
class Laid:
    """Text to show.

    Attributes:
        text: all of it.
        spans: where each token stands in it, [start, end) in UTF-16 units, as Qt counts; never falling.
    """

    text: str
    spans: list[tuple[int, int]]


def state(picture: Picture, token: int) -> State:
    """Returns what becomes of a token.

    Cut ones are learned from no more, those of a worse or a bad answer are `avoided`, and a `frame` is what the
    template adds.
    """
    if token >= picture.kept:
        return "truncated"
    if picture.trained[token]:
        return "avoided" if picture.avoided else "trained"
    return "masked" if not picture.written or picture.written[token] else "frame"


def lay_out(picture: Picture, *, apart: bool = False, whitespace: bool = False, breaks: bool = False) -> Laid:
    """Lays a row out.

    Args:
        picture: the row.
        apart: every token is shown, also those that share a character with the one before.
        whitespace: spaces, line ends and invisible characters are written out.
        breaks: line ends are, if nothing else of these.
    """
    shown = _ALL if whitespace else "\n" if breaks else ""
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    said = at = 0  # characters of the row's text, and UTF-16 units of the text to show
    for (left, right), name in zip(picture.offsets, picture.names, strict=True):
        if left > said:  # no token's, such as spaces that the tokenizer drops
            at += _add(pieces, _visible(picture.text[said:left], shown))
        piece = _visible(picture.text[max(left, said) : right], shown)
        if left == right:
            piece = _visible(name, shown)
        elif not piece and apart:
            piece = "…"
        said = max(said, right)
        size = _add(pieces, piece)
        spans.append((at, at + size))
        at += size
    _add(pieces, _visible(picture.text[said:], shown) if len(picture.ids) == picture.tokens else "")
    return Laid("".join(pieces), spans)


def formats(palette: Palette) -> dict[tuple[State, bool, bool], QTextCharFormat]:
    """Returns how tokens look, by (state, special, every other one)."""
    made = {}
    for kind, back, text in (
        ("trained", palette.good_panel, palette.good),
        ("avoided", palette.warn_panel, palette.warn),
        ("masked", palette.panel, palette.text),
        ("frame", palette.panel, palette.muted),
        ("truncated", palette.bad_panel, palette.bad),
    ):
        for special in (False, True):
            for other in (False, True):
                look = QTextCharFormat()
                look.setBackground(mixed(QColor(back), QColor(text), 0.14 if other else 0.0))
                look.setForeground(QColor(palette.link if special and kind != "truncated" else text))
                # Not by colour alone.
                look.setFontUnderline(kind in ("trained", "avoided"))
                look.setFontStrikeOut(kind == "truncated")
                look.setFontItalic(kind == "frame")
                look.setFontWeight(QFont.Weight.Bold if special else QFont.Weight.Normal)
                made[kind, special, other] = look
    return made  # type: ignore[return-value]


def _add(pieces: list[str], piece: str) -> int:
    pieces.append(piece)
    return len(piece) if piece.isascii() else len(piece.encode("utf-16-le", "surrogatepass")) // 2


def _visible(text: str, shown: str) -> str:
    """Writes out those of `_HIDDEN` that are `shown`; with all of them also what has no width or turns the text."""
    if text.isprintable() and not (" " in shown and " " in text):
        return text
    return "".join(_written(letter, shown) for letter in text)


def _written(letter: str, shown: str) -> str:
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if letter in _HIDDEN:
        return _HIDDEN[letter] if letter in shown else letter
    if shown != _ALL:
        return letter
    # Among them those that turn the direction of the text and those of no width.
    hidden = unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")
    return f"⟨{ord(letter):04X}⟩" if hidden else letter
