"""What training did to each module: the map of a run or an adapter, or of two side by side, and it in words."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from studio.core import updates
from studio.core.errors import StudioError
from studio.core.units import counted, percent
from studio.core.updates import Cell, Kind, Update
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.jobs import Command
from studio.ui.layer_map import LayerMap, Shade
from studio.ui.parts import column, label, leave_wheel, row, scrolling, selectable, set_mark
from studio.ui.session import Session
from studio.ui.theme import GRID

# Of the first's change: what rounding alone makes two differ by.
_SAME = 1e-5
# What is seen of many rows where there is little room.
_LEAST_MAP_PX = 20 * GRID

_Value = Callable[[Cell], float | None]


class LayersView(QWidget):
    """Has `studio runs layers` or `studio adapters layers` measure, and shows what it finds.

    Attributes:
        found: what is shown.
        map: the cells.
        measure: what they are coloured by.
        said: what it comes to, or what is wrong.
        told: what is looked at.

    Signals:
        measured: something else is shown; carries all that the command told.
        failed: nothing could be measured.
    """

    measured = Signal(object)
    failed = Signal()

    def __init__(self, session: Session, *before: QWidget) -> None:
        """Shows nothing yet; the widgets `before` stand in its head."""
        super().__init__()
        self._session = session
        self._command: Command | None = None
        self._beside = False
        self.found: list[Update] = []
        self.map = LayerMap(session.theme)
        self.map.looked.connect(self._tell_cell)
        self.measure = QComboBox()
        self.measure.setAccessibleName(self.tr("Coloured by"))
        self.measure.setToolTip(self.tr("What the modules are coloured by"))
        self.measure.currentIndexChanged.connect(self._colour)
        self.measure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.measure.hide()
        leave_wheel(self.measure)
        self.said = selectable(label("", "caption", wrap=True))
        self.told = selectable(label("", "caption", wrap=True))
        self.told.setMinimumHeight(self.told.fontMetrics().lineSpacing() * 2)
        self.told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._scale = Elided("", "caption")
        self._area = scrolling(self.map)
        self._area.setObjectName("bare")
        head = row(*before, self.measure, self._scale)
        head.setStretch(len(before) + 1, 1)
        layout = column(head, self.said, self.told, self._area, spacing=GRID)
        layout.setStretch(3, 1)
        layout.setContentsMargins(0, GRID, 0, 0)
        self.setLayout(layout)

    @property
    def measures(self) -> bool:
        """Whether a measurement is under way."""
        return self._command is not None

    def look(self, command: Sequence[str]) -> None:
        """Has `studio COMMAND` measure; what is shown stays until it has."""
        self.leave()
        made = self._command = Command(command, self, self._session.spare)
        made.told.connect(lambda item: self._tell_share(made, item))
        made.done.connect(lambda about: self._show(made, about))
        made.failed.connect(lambda error: self._fail(made, error))
        if not self.found:
            self._say(self.tr("Measuring the layers ..."))

    def leave(self) -> None:
        """Has nothing measured any more."""
        command, self._command = self._command, None
        if command is not None:
            command.cancel()

    def show_nothing(self, said: str = "") -> None:
        """Shows no modules, and says why."""
        self.leave()
        self.found = []
        self._colour()
        self._say(said)

    def _tell_share(self, command: Command, item: dict[str, Any]) -> None:
        if command is self._command and item.get("total") and item["done"] and not self.found:
            self._say(f"{self.tr('Measuring the layers ...')} {item['done'] / item['total']:.0%}")

    def _fail(self, command: Command, error: StudioError) -> None:
        if command is self._command:
            self.show_nothing()
            self._say(words.sentences(error), wrong=True)
            self.failed.emit()

    def _show(self, command: Command, about: dict[str, Any]) -> None:
        if command is not self._command:
            return
        self._command = None
        beside = about.get("beside") is not None
        self.found = list(map(updates.from_dict, about["modules"]))
        self._offer(beside)
        self._colour()
        fault = words.sentences(StudioError(**about["fault"])) if about["fault"] is not None else ""
        self._say(words.joined(self._pair() if beside else self._summary(), fault), wrong=bool(fault))
        self.measured.emit(about)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.said.setText(text)
        set_mark(self.said, "wrong", wrong)

    def _offer(self, beside: bool) -> None:
        """Offers what cells can be coloured by; what is chosen stays if there is such."""
        chosen, self._beside = self.measure.currentData(), beside
        offered = [(self.tr("Change"), "change")]
        if any(update.effective_rank is not None for update in self.found):
            offered.append((self.tr("Rank used"), "rank"))
        if beside:
            offered = [(self.tr("Difference"), "apart"), (self.tr("Likeness"), "cosine")]
            offered += [(self.tr("Change by the first"), "change"), (self.tr("Change by the second"), "other")]
        self.measure.blockSignals(True)
        self.measure.clear()
        for name, kind in offered:
            self.measure.addItem(name, kind)
        self.measure.setCurrentIndex(max(0, self.measure.findData(chosen)))
        self.measure.blockSignals(False)

    def _colour(self) -> None:
        """Colours the cells by what is chosen."""
        rows, chosen = updates.kinds(self.found), self.measure.currentData()
        shares = self._shares()
        value: dict[str, _Value] = {
            "change": (lambda cell: cell.share) if shares else (lambda cell: cell.norm),
            "other": (lambda cell: cell.other_share) if shares else (lambda cell: cell.other),
            "rank": lambda cell: cell.rank_used,
            "cosine": lambda cell: cell.cosine,
            "apart": (lambda cell: cell.apart_share) if shares else (lambda cell: cell.apart),
        }
        values = [[value[chosen or "change"](cell) for cell in kind.cells] for kind in rows]
        most = max((abs(one) for line in values for one in line if one is not None), default=0.0)
        if chosen in ("rank", "cosine"):
            most = 1.0
        form: Callable[[float], str] = _signed if chosen == "cosine" else _plain
        if chosen != "cosine" and (shares or chosen == "rank"):
            form = percent
        shades = [[_shade(one, most, form) for one in line] for line in values]
        self.map.show_cells(rows, shades)
        self._area.setMinimumHeight(min(_LEAST_MAP_PX, self.map.minimumHeight() + 2))
        self.measure.setVisible(bool(self.found))
        self._scale.setText(self.tr("full colour: {value}").format(value=form(most)) if most else "")

    def _shares(self) -> bool:
        """Whether what changed is known as a share of the weights, of some at least."""
        return any(update.base for update in self.found)

    def _summary(self) -> str:
        """Says in words what the map of one shows."""
        count, idle = len(self.found), [update.name for update in self.found if update.nothing]
        if count == len(idle):
            return self.tr("None of the {count} modules has learned anything yet.").format(count=f"{count:,}")
        known = [(cell.share, kind, cell) for kind in self.map.rows for cell in kind.cells if cell.share is not None]
        share = Cell(None, tuple(self.found)).share
        if share is None:
            said = counted(count, self.tr("{count} module was trained."), self.tr("{count} modules were trained."))
        else:
            one = self.tr("{count} module changed by {share} of its weights' size.")
            many = self.tr("{count} modules changed by {share} of their weights' size.")
            said = counted(count, one, many, share=percent(share))
        if len(known) > 1:
            most, least = (end(known, key=lambda item: item[0]) for end in (max, min))
            ends = self.tr("The most: {most}; the least: {least}.")
            named = [f"{self._place(kind, cell)} ({percent(size)})" for size, kind, cell in (most, least)]
            said = words.joined(said, ends.format(most=named[0], least=named[1]))
        if idle:
            nothing = self.tr("{count} learned nothing: {names}.")
            said = words.joined(said, counted(len(idle), nothing, nothing, names=words.some(idle)))
        return said

    def _pair(self) -> str:
        """Says in words what the map of two shows."""
        whole = Cell(None, tuple(self.found))
        apart, share, other = whole.apart_share, whole.share, whole.other_share
        if whole.apart is not None and whole.norm and whole.apart <= _SAME * whole.norm:
            return self.tr("The two change the weights in the same way.")
        if apart is None or share is None or other is None:
            one, many = self.tr("{count} module of the two."), self.tr("{count} modules of the two.")
            return counted(len(self.found), one, many)
        said = self.tr(
            "They differ by {apart} of the weights' size; the first changes them by {share}, the second by {other}."
        ).format(apart=percent(apart), share=percent(share), other=percent(other))
        if whole.cosine is not None:
            alike = self.tr("The likeness of the two changes is {cosine} (1: the same direction, 0: unrelated).")
            said = words.joined(said, alike.format(cosine=_signed(whole.cosine)))
        return said

    def _tell_cell(self) -> None:
        """Says all that is known of the cell that is looked at."""
        said = ""
        if self.map.chosen is not None:
            kind, cell = self.map.chosen
            said = words.listed(self._facts(kind, cell))
        self.told.setText(said)
        self.map.setAccessibleDescription(said)
        if (place := self.map.place) is not None:
            self._area.ensureVisible(round(place.center().x()), round(place.center().y()), 0, round(place.height()))

    def _facts(self, kind: Kind, cell: Cell) -> list[str]:
        several = len(cell.updates) > 1
        name = self.tr("{count} modules").format(count=len(cell.updates)) if several else cell.updates[0].name
        facts = [f"{self._place(kind, cell)}: {name}"]
        if self._beside:
            return facts + self._facts_of_two(cell)
        if cell.nothing:
            facts.append(self.tr("learned nothing"))
        elif cell.share is not None:
            facts.append(self.tr("changed by {share} of its weights' size").format(share=percent(cell.share)))
        elif cell.norm is not None:
            facts.append(
                self.tr("changed by {norm} (norm), the size of its weights is not known").format(norm=_plain(cell.norm))
            )
        else:
            facts.append(self.tr("how much it changed cannot be told: its weights are not in the base's files"))
        if cell.rank_used is not None and not cell.nothing:
            rank, used = cell.updates[0].rank, cell.rank_used
            facts.append(self.tr("{used} of {rank} directions used").format(used=f"{used * rank:.1f}", rank=rank))
        return facts

    def _facts_of_two(self, cell: Cell) -> list[str]:
        only = {update.only for update in cell.updates}
        said = {
            self.tr("changed by the first by {share}"): (cell.share, cell.norm, "first"),
            self.tr("by the second by {share}"): (cell.other_share, cell.other, "second"),
        }
        facts = [
            text.format(share=percent(share) if share is not None else _plain(norm))
            for text, (share, norm, who) in said.items()
            if norm is not None and only in ({who}, {""})
        ]
        if len(only - {""}) == 1:
            facts.append(self.tr("not trained by the other"))
        if cell.cosine is not None:
            facts.append(self.tr("likeness {cosine}").format(cosine=_signed(cell.cosine)))
        return facts

    def _place(self, kind: Kind, cell: Cell) -> str:
        if cell.layer is None:
            return kind.name
        return self.tr("{module} in layer {layer}").format(module=kind.name, layer=cell.layer)


def _shade(value: float | None, most: float, form: Callable[[float], str]) -> Shade:
    return Shade(None, "") if value is None else Shade(value / most if most else 0.0, form(value))


def _plain(norm: float) -> str:
    return f"{norm:.3g}"


def _signed(cosine: float) -> str:
    return f"{cosine:+.2f}".replace("-", "\u2212")
