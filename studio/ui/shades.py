"""Colours that stand for numbers: from the page's own for nothing to one of two others for most, this way or that."""

from PySide6.QtGui import QColor

from studio.ui.theme import Palette

# Of a ground so dark or darker white stands out more than black does: there both have a contrast of 4.6 : 1.
_DARK = 0.179


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """Returns a colour between two: `one` for a share of 0, `other` for 1."""
    pairs = zip((one.redF(), one.greenF(), one.blueF()), (other.redF(), other.greenF(), other.blueF()), strict=True)
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in pairs))


def shade(palette: Palette, value: float) -> QColor:
    """Returns the colour of a value from -1 to 1; what lies beyond is as its end."""
    end = QColor(palette.series[0] if value >= 0 else palette.series[1])
    return mixed(QColor(palette.hover), end, min(1.0, abs(value)))


def ink(ground: QColor) -> str:
    """Returns the colour of text that is read on `ground`."""
    return "#ffffff" if _luminance(ground) < _DARK else "#000000"


def _luminance(colour: QColor) -> float:
    """Returns how bright a colour is to the eye, from 0 to 1 (WCAG 2, relative luminance)."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
