"""Which runs are laid over the shown one: a list to choose them from, and the legend that names them."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QListWidget, QListWidgetItem, QSizePolicy, QWidget

from studio.ui import words
from studio.ui.elided import MIDDLE, Elided
from studio.ui.list_keys import ListKeys
from studio.ui.models import Glance, RunModel
from studio.ui.parts import as_tip, clear, column, holder, label, row
from studio.ui.plots import LETTERS
from studio.ui.tags import Chip, Flow
from studio.ui.theme import GRID, Theme

MOST = len(LETTERS) - 1
_LIST_PX = (360, 320)
_LINE_PX = 4 * GRID
_NAME_PX, _TALL_PX = 17 * GRID, 3 * GRID
_SIGN_PX = (28, 14)


class RunChoice(QFrame):
    """A list of runs that opens under a button; each is laid over the shown one or taken away by Enter or a click.

    Attributes:
        list, search: its parts.

    Signals:
        toggled: the `Glance` of a run.
    """

    toggled = Signal(object)

    def __init__(self, glances: Sequence[Glance], chosen: Callable[[Glance], bool], parent: QWidget) -> None:
        """Offers the runs of `glances`, those that are `chosen` with a tick."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("popup")
        self._glances, self._chosen = list(glances), chosen
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the runs"))
        self.search.setAccessibleName(self.search.placeholderText())
        self.search.textChanged.connect(lambda _: self._fill())
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Runs to lay over this one"))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        keys = ListKeys(self.search, self.list)
        keys.chosen.connect(self._toggle)
        hint = self.tr("Enter lays a run over the shown one or takes it away, at most {n}. Esc closes.")
        said = label(hint.format(n=MOST), "caption", wrap=True)
        self.setLayout(column(self.search, self.list, said, margin=GRID))
        self._fill()
        keys.rest_on(0)

    def open_under(self, beneath: QWidget) -> None:
        """Shows it under a widget, where the screen has room."""
        room, (wide, tall) = self.screen().availableGeometry(), _LIST_PX
        below = beneath.mapToGlobal(QPoint(0, beneath.height() + 2))
        self.setGeometry(
            max(room.left(), min(below.x(), room.right() - wide)),
            max(room.top(), min(below.y(), room.bottom() - tall)),
            wide,
            tall,
        )
        self.show()
        self.search.setFocus()

    def _fill(self) -> None:
        wanted = self.search.text().casefold().split()
        self.list.clear()
        for at, item in enumerate(self._glances):
            if all(word in f"{item.title} {item.run.name}".casefold() for word in wanted):
                self.list.addItem(self._line(at, item))
        if not self.list.count():
            none = QListWidgetItem(self.tr("No run is called so.") if wanted else self.tr("There is no other run."))
            none.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(none)
        self.list.setCurrentRow(0)

    def _line(self, at: int, item: Glance) -> QListWidgetItem:
        loss = f"{item.loss:.3f}" if item.loss is not None else ""
        made = QListWidgetItem(words.listed((item.title, words.state(item.state), loss)))
        made.setToolTip(as_tip(f"{item.title}\n{item.run.name}"))
        made.setSizeHint(QSize(0, _LINE_PX))
        made.setData(Qt.ItemDataRole.UserRole, at)
        # The list shows the tick; what toggles it is the same for mouse and keys.
        made.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        made.setCheckState(Qt.CheckState.Checked if self._chosen(item) else Qt.CheckState.Unchecked)
        return made

    def _toggle(self, line: QListWidgetItem) -> None:
        item = self._glances[line.data(Qt.ItemDataRole.UserRole)]
        self.toggled.emit(item)
        line.setCheckState(Qt.CheckState.Checked if self._chosen(item) else Qt.CheckState.Unchecked)


class RunLegend(QWidget):
    """Names the runs of a plot by colour and letter.

    Attributes:
        chips: what takes a run away, of each but the first.

    Signals:
        removed: a `RunModel`.
    """

    removed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        """Names none yet."""
        super().__init__()
        self._theme = theme
        self._models: list[RunModel] = []
        self.chips: list[Chip] = []
        self._flow = Flow(GRID // 2)
        self.setLayout(self._flow)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self._name)

    def show_runs(self, models: Sequence[RunModel]) -> None:
        """Names other runs."""
        if list(models) != self._models:
            self._models = list(models)
            self._name()

    def _name(self) -> None:
        clear(self._flow)
        self.chips = [self._chip(model) for model in self._models[1:]]
        names = [*(Elided(model.title, "", MIDDLE) for model in self._models[:1]), *self.chips]
        colours = (self._theme.palette.series[0], *self._theme.palette.beside)
        for name, letter, colour in zip(names, LETTERS, colours, strict=False):
            sign = QLabel()
            sign.setPixmap(_sign(colour, letter, self.devicePixelRatioF()))
            sign.setAccessibleName(letter)
            name.setMaximumWidth(_NAME_PX)
            part = holder(row(sign, name, None, spacing=GRID // 2))
            part.setFixedHeight(_TALL_PX)
            self._flow.addWidget(part)
        self.updateGeometry()

    def _chip(self, model: RunModel) -> Chip:
        made = Chip(model.title.replace("&", "&&"), MIDDLE)
        made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        made.setAccessibleName(self.tr("Take away the run {name}").format(name=model.title))
        made.setToolTip(as_tip(made.accessibleName()))
        self._theme.dress(made, "close")
        made.clicked.connect(lambda: self.removed.emit(model))
        return made


def _sign(colour: str, letter: str, scale: float) -> QPixmap:
    """Draws a short piece of a line and its letter."""
    wide, tall = _SIGN_PX
    made = QPixmap(round(wide * scale), round(tall * scale))
    made.setDevicePixelRatio(scale)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 2))
    painter.drawLine(QPointF(1, tall / 2), QPointF(wide - tall, tall / 2))
    font = painter.font()
    font.setPixelSize(12)
    font.setBold(True)
    painter.setFont(font)
    painter.drawText(wide - tall, 0, tall, tall, Qt.AlignmentFlag.AlignCenter, letter)
    painter.end()
    return made
