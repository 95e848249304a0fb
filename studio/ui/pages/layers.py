"""The layers dialog of the library: what an adapter does to each module, or how two of them differ."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from studio.core.library import Entry
from studio.ui.elided import Elided
from studio.ui.layers_view import LayersView
from studio.ui.parts import button, column, row
from studio.ui.session import Session
from studio.ui.theme import GRID

# Room for the layers of a usual model, if the window has as much.
_WIDE_PX, _TALL_PX = 110 * GRID, 62 * GRID


class LayersDialog(QDialog):
    """Shows one adapter's layers, or two adapters' side by side."""

    def __init__(self, session: Session, entries: Sequence[Entry], parent: QWidget) -> None:
        """Has them measured."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        first, *others = entries
        names = [entry.title or entry.name for entry in entries]
        one, two = self.tr("Layers of {name}"), self.tr("{name} and {other}, layer by layer")
        self.setWindowTitle(two.format(name=names[0], other=names[1]) if others else one.format(name=names[0]))
        self.view = LayersView(session)
        shut = button(self.tr("Close"), self.reject)
        layout = column(Elided(self.windowTitle(), "heading"), self.view, row(None, shut), margin=2 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        beside = ["--beside", str(others[0].folder)] if others else []
        room = parent.window().size()
        self.resize(min(_WIDE_PX, room.width() - 4 * GRID), min(_TALL_PX, room.height() - 4 * GRID))
        self.view.look(["adapters", "layers", *beside, "--", str(first.folder)])

    def done(self, result: int) -> None:
        """Has nothing measured any more."""
        self.view.leave()
        super().done(result)
