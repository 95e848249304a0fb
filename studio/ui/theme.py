"""The look: one typed palette for light and one for dark, poured into Qt's palette, the style sheet and the plots."""

import atexit
import gc
import math
import string
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QWidget

from studio import paths

GRID = 8
ICON_PX = 18
_FONT_PX = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of a theme, as `#rrggbb`.

    Every colour of text has a contrast of at least 4.5 : 1 with each ground the style sheet puts it on.

    Attributes:
        series: of the curves of one run.
        beside: of the runs that are laid over it, told apart also by who sees few colours (after Okabe and Ito, 2008).
    """

    dark: bool
    window: str
    panel: str
    raised: str
    hover: str
    selected: str
    border: str
    strong_border: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    link: str
    good: str
    warn: str
    bad: str
    bad_panel: str
    good_panel: str
    warn_panel: str
    grid: str
    series: tuple[str, ...]
    beside: tuple[str, ...]


LIGHT = Palette(
    dark=False,
    window="#f6f7f9",
    panel="#ffffff",
    raised="#ffffff",
    hover="#eceef2",
    selected="#e6e8fb",
    border="#e1e4ea",
    strong_border="#c4c9d4",
    text="#1b1f29",
    muted="#5d6575",
    disabled="#a3a9b6",
    accent="#4f56d6",
    accent_hover="#4148c0",
    on_accent="#ffffff",
    link="#4148c0",
    good="#18774a",
    warn="#8f5b00",
    bad="#bd2c3b",
    bad_panel="#fdf0f1",
    good_panel="#eef8f2",
    warn_panel="#fcf4e3",
    grid="#e6e8ee",
    series=("#4f56d6", "#b9560c", "#18774a", "#9a3d9e", "#0b7285"),
    beside=("#d55e00", "#009e73", "#c2609a", "#b87f00", "#3a9fd8", "#1b1f29", "#7a6a3a"),
)

DARK = Palette(
    dark=True,
    window="#131419",
    panel="#1a1c22",
    raised="#22252d",
    hover="#262932",
    selected="#2c2f52",
    border="#2a2d36",
    strong_border="#41454f",
    text="#e7e9ee",
    muted="#9aa1b0",
    disabled="#5f6573",
    accent="#5d63e2",
    accent_hover="#5157d0",
    on_accent="#ffffff",
    link="#a5a9fb",
    good="#5cc48f",
    warn="#e0ab4f",
    bad="#f2828c",
    bad_panel="#2e1d22",
    good_panel="#18291f",
    warn_panel="#2e2617",
    grid="#2a2d36",
    series=("#8f94f8", "#f0a35c", "#5cc48f", "#d78fdc", "#58c3d6"),
    beside=("#f0762a", "#1fbf92", "#e59ac2", "#f0c04a", "#6cc4f5", "#e7e9ee", "#a8966a"),
)


class Theme(QObject):
    """Keeps the application in one of the two palettes, or in the system's.

    Attributes:
        palette: the present colours.
        sheet: the style sheet in these colours.

    Signals:
        changed: another palette is shown now.
    """

    changed = Signal()

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        """Styles `app`; `mode` is `system`, `light` or `dark`."""
        super().__init__(app)
        self._app = app
        self.mode = mode
        self.palette = self._wanted()
        if not app.property("styled"):
            app.setProperty("styled", True)
            _style(app)
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._apply()

    def set_mode(self, mode: str) -> None:
        """Switches to `system`, `light` or `dark`, at once and everywhere."""
        self.mode = mode
        self._follow_system()

    def icon(self, name: str, colour: str = "", gap: int = 0) -> QIcon:
        """Returns an icon of `resources/icons` in the theme's colours, or in one colour, `gap` pixels wider."""
        icon = QIcon()
        # One picture for each density of the screens at hand: drawing them is a good part of a start.
        scales = {math.ceil(screen.devicePixelRatio()) for screen in self._app.screens()}
        shades = [
            (colour or self.palette.muted, QIcon.Mode.Normal, QIcon.State.Off),
            (colour or self.palette.text, QIcon.Mode.Active, QIcon.State.Off),
            (colour or self.palette.link, QIcon.Mode.Normal, QIcon.State.On),
            (self.palette.disabled, QIcon.Mode.Disabled, QIcon.State.Off),
        ]
        for shade, mode, state in shades:
            for scale in scales:
                icon.addPixmap(_rendered(name, shade, ICON_PX, scale, gap), mode, state)
        return icon

    def pixmap(self, name: str, size: int, colour: str) -> QPixmap:
        """Returns an icon as a picture of `size` logical pixels, sharp on the densest screen."""
        return _rendered(name, colour, size, max(1, round(self._app.devicePixelRatio())))

    def dress(self, target: QAbstractButton | QAction, name: str, role: str = "") -> None:
        """Gives a button or an action an icon that follows the theme; `role` names one of the palette's colours."""
        target.setProperty("icon_name", name)
        target.setProperty("icon_role", role)
        # A push button leaves next to nothing between its icon and its text.
        gap = GRID // 2 if isinstance(target, QPushButton) else 0
        target.setIcon(self.icon(name, getattr(self.palette, role) if role else "", gap))
        if isinstance(target, QPushButton):
            target.setIconSize(QSize(ICON_PX + gap, ICON_PX))

    def clothe(self, window: QWidget) -> None:
        """Gives a window the style sheet, now and with every change.

        It is the window's and not the application's: else Qt styles each widget anew for every layout that it is put
        into on its way to the window.
        """
        window.setStyleSheet(self.sheet)
        self.changed.connect(lambda: window.setStyleSheet(self.sheet))

    def _wanted(self) -> Palette:
        if self.mode == "system":
            dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
            return DARK if dark else LIGHT
        return DARK if self.mode == "dark" else LIGHT

    def _follow_system(self) -> None:
        wanted = self._wanted()
        if wanted is self.palette:
            return
        self.palette = wanted
        self._apply()
        with _uncollected():
            for widget in self._app.allWidgets():
                self._redress(widget)
        self.changed.emit()

    def _redress(self, widget: QWidget) -> None:
        for item in (widget, *widget.actions()):
            name = item.property("icon_name")
            if name and isinstance(item, (QAbstractButton, QAction)):
                self.dress(item, name, item.property("icon_role") or "")
            elif name and isinstance(item, QLabel):
                role = item.property("icon_role") or "muted"
                item.setPixmap(self.pixmap(name, item.property("icon_size"), getattr(self.palette, role)))

    def _apply(self) -> None:
        with _uncollected():
            self._app.setPalette(_qt_palette(self.palette))
        template = (paths.resources() / "style.qss").read_text(encoding="utf-8")
        values = {key: value for key, value in asdict(self.palette).items() if isinstance(value, str)}
        drawn = {"chevron-down": "muted", "chevron-up": "muted", "chevron-right": "muted"}
        for name, shade in (drawn | {"check": "on_accent", "minus": "on_accent"}).items():
            values[name.replace("-", "_")] = _tinted_file(name, values[shade]).as_posix()
        self.sheet = string.Template(template).substitute(values)


def _style(app: QApplication) -> None:
    font = app.font()
    font.setPixelSize(_FONT_PX)
    with _uncollected():
        app.setStyle("Fusion")
        app.setFont(font)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Lets no garbage be collected meanwhile: of widgets, it would crash Qt, which goes through a list of them all."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def mixed(colour: str, ground: str, share: float) -> str:
    """Returns what `share` of a colour, both as `#rrggbb`, looks like on a ground."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + bytes(round(share * one + (1 - share) * other) for one, other in pairs).hex()


def _qt_palette(colours: Palette) -> QPalette:
    """Spells out every role: left to itself Qt keeps a light palette where no desktop theme is at work."""
    role = QPalette.ColorRole
    shades = {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.panel,
        role.AlternateBase: colours.window,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.PlaceholderText: colours.muted,
        role.Text: colours.text,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.bad,
        role.Light: colours.raised,
        role.Midlight: colours.hover,
        role.Mid: colours.border,
        role.Dark: colours.strong_border,
        role.Shadow: colours.border,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Link: colours.link,
        role.LinkVisited: colours.link,
        role.Accent: colours.accent,
    }
    palette = QPalette()
    for name, shade in shades.items():
        palette.setColor(name, QColor(shade))
    for name in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(colours.disabled))
    return palette


@cache
def _svg(name: str, colour: str) -> bytes:
    text = (paths.resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    return text.replace("currentColor", colour).encode()


@cache
def _rendered(name: str, colour: str, size: int, scale: int, gap: int = 0) -> QPixmap:
    pixmap = QPixmap(QSize(size + gap, size) * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(_svg(name, colour))).render(painter, QRectF(0, 0, size * scale, size * scale))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def _tinted_file(name: str, colour: str) -> Path:
    """Writes an icon in one colour to a file, since style sheets take pictures only by file name.

    It lies in the cache or, where that cannot be written, in a folder of this process. Where neither can be, there is
    no such file, and the style does without it.
    """
    file, data = f"{name}-{colour[1:]}.svg", _svg(name, colour)
    cached = paths.cache_dir() / "icons" / file
    with suppress(OSError):
        return _written(cached, data)
    with suppress(OSError):
        return _written(Path(_own_folder().name) / file, data)
    return cached


def _written(path: Path, data: bytes) -> Path:
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path


@cache
def _own_folder() -> "TemporaryDirectory[str]":
    """Makes a folder that is removed when the process ends."""
    folder = TemporaryDirectory(prefix="studio-icons-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder
