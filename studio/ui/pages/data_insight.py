"""What the Data page knows of a whole dataset: its audit and its lengths, asked of the desk on demand."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QStackedWidget

from studio.core import desk
from studio.core.config import TrainingSpec
from studio.core.versions.steps import Mend, spans
from studio.ui import words
from studio.ui.audit_view import AuditView
from studio.ui.parts import button, column, empty, holder, label, row
from studio.ui.session import Session

if TYPE_CHECKING:
    from studio.ui.length_view import LengthView

_DECIDE = (
    "model.path",
    "model.revision",
    "data.max_length",
    "data.chat_template",
    "data.system",
    "training.objective",
    "data.long_text",
    "data.chunk_overlap",
)


class Insight(QObject):
    """The tabs *Audit* and *Lengths* of a dataset.

    Attributes:
        audit, lengths: the two widgets.
        view: the lengths themselves, once they are known.

    Signals:
        rows_wanted: (places, title): these rows are to be shown; int64, rising.
        mending_wanted: (steps, title): these steps, a `Mend`, are to be done as one that can be undone.
        rejected_wanted: the rows that cannot be read are to be shown.
    """

    rows_wanted = Signal(object, str)
    mending_wanted = Signal(list, str)
    rejected_wanted = Signal()

    def __init__(
        self,
        session: Session,
        shown: Callable[[], desk.Lengths],
        order: Callable[[], Any],
        address: Callable[[int], tuple[int, int]],
        parent: QObject,
    ) -> None:
        """Knows nothing yet.

        Args:
            session: the window's.
            shown: says which data is looked at: its file, format and mapping.
            order: gives the places of its rows in their order, or None where a row's number is its place.
            address: gives the source of a place and the number there, as steps name it.
            parent: the page.
        """
        super().__init__(parent)
        self._session, self._shown, self._order, self._address = session, shown, order, address
        # The rows may be in another order by the time that those of a finding are asked for.
        self._audited_order: Any = None
        self._mended: dict[str, QUndoCommand] = {}
        session.undo.indexChanged.connect(lambda _index: self._mark())
        self._found: desk.Audited | None = None
        self._counting = 0
        self.audit = AuditView(session.theme)
        self.audit.wanted.connect(self._examine)
        self.audit.done.connect(self._examined)
        self.audit.rows_wanted.connect(self._show_rows)
        self.audit.mending_wanted.connect(self._mend)
        self.audit.undo_wanted.connect(session.undo.undo)
        self.view: LengthView | None = None
        self.lengths = QStackedWidget()
        count = button(self.tr("Count the tokens"), self._count, "primary")
        text = self.tr(
            "Every row is counted in the chosen model's tokens. Then a line can be dragged to see what any maximum "
            "length would cut, and what an epoch would take."
        )
        self.lengths.addWidget(empty(session.theme, "data", self.tr("How long are the rows?"), text, count))
        self._said = label("", "muted", wrap=True)
        self.lengths.addWidget(holder(column(None, row(None, self._said, None), None)))

    def forget(self, why: str = "") -> None:
        """Knows nothing any more: another dataset is shown, or `why` this one is another now."""
        self._found = None
        self._mended = {}
        self._counting += 1
        self.audit.offer(why)
        self.lengths.setCurrentIndex(0)

    def leave(self) -> None:
        """Ends what is going on."""
        self._mended = {}
        self.audit.stop()

    def _fault(self) -> str:
        faults = self._session.draft.faults()
        return next((words.sentence(faults[key]) for key in _DECIDE if key in faults), "")

    def _examine(self) -> None:
        if fault := self._fault():
            self._session.tell(fault, "bad")
            return
        draft, shown = self._session.draft, self._shown()
        self._audited_order = self._order()
        self._mended = {}
        request = desk.Audit(
            file=shown.file,
            format=shown.format,
            mapping=shown.mapping,
            eval_path=draft.value("data.eval_path") or "",
            eval_split=draft.value("data.eval_split"),
            seed=draft.value("training.seed"),
            model=draft.value("model.path"),
            revision=draft.value("model.revision"),
            max_length=draft.value("data.max_length"),
            chat_template=draft.value("data.chat_template"),
            system=draft.value("data.system"),
            long_text=draft.value("data.long_text"),
            chunk_overlap=draft.value("data.chunk_overlap"),
            objective=draft.value("training.objective"),
        )
        self.audit.follow(self._session.desk.ask(request))

    def _examined(self, found: desk.Audited) -> None:
        self._found = found
        self._show_lengths(found.lengths)

    def _show_rows(self, key: str, title: str) -> None:
        if key == "unusable":
            self.rejected_wanted.emit()
            return
        places = self._places(key)
        if places is not None:
            self.rows_wanted.emit(places, title)

    def _places(self, key: str) -> Any:
        """Returns where the rows of a finding stand in what was audited, rising; None: they are not there any more."""
        # numpy is loaded with the first audit, not with the window.
        import numpy as np

        from studio.core.audit import findings

        for folder in self._found.folders if self._found is not None else ():
            held = findings.load(Path(folder))
            for item in held[0] if held is not None else ():
                if item.key == key:
                    order = self._audited_order
                    return item.rows if order is None else np.unique(order[item.rows])
        return None

    def _mend(self, key: str, title: str) -> None:
        """Asks for the rows of a finding to be mended, whatever has been done to them or others since the audit."""
        if self._found is None:
            return
        places = self._places(key)
        if places is None or not len(places):
            return
        rows = spans(map(self._address, places.tolist()))
        self.mending_wanted.emit([Mend(finding=key, rows=rows, specials=tuple(self._found.about["specials"]))], title)
        undo = self._session.undo
        if undo.index():
            self._mended[key] = undo.command(undo.index() - 1)
        self._mark()

    def _mark(self) -> None:
        """Shows which remedies count: those that were not undone, and could be done."""
        if not self._mended:
            return
        undo = self._session.undo
        done = [undo.command(at) for at in range(undo.index())]
        mended = [key for key, edit in self._mended.items() if any(edit is item for item in done)]
        mended = [key for key in mended if not self._mended[key].isObsolete()]
        last = [key for key in mended if self._mended[key] is done[-1]]
        self.audit.mark(mended, last[0] if last else "")

    def _count(self) -> None:
        if fault := self._fault():
            self._session.tell(fault, "bad")
            return
        draft = self._session.draft
        shown = self._shown()
        request = desk.Lengths(
            file=shown.file,
            format=shown.format,
            mapping=shown.mapping,
            model=draft.value("model.path"),
            revision=draft.value("model.revision"),
            chat_template=draft.value("data.chat_template"),
            system=draft.value("data.system"),
            objective=draft.value("training.objective"),
        )
        self._counting += 1
        turn, call = self._counting, self._session.desk.ask(request)
        self._say(self.tr("Counting ..."))
        call.progressed.connect(lambda progress: self._advance(turn, progress))
        call.done.connect(lambda found: self._show_lengths(found.lengths) if turn == self._counting else None)
        call.failed.connect(
            lambda failed: self._say(words.sentence(failed.message)) if turn == self._counting else None
        )

    def _advance(self, turn: int, progress: desk.Progress) -> None:
        if turn == self._counting and progress.total:
            self._say(f"{words.phase(progress.phase)}  {progress.done / progress.total:.0%}")

    def _say(self, text: str) -> None:
        self._said.setText(text)
        self.lengths.setCurrentIndex(1)

    def _show_lengths(self, folder: str) -> None:
        from studio.core.audit.lengths import Lengths

        found = Lengths.load(Path(folder))
        if found is None or not len(found):
            self._say(self.tr("No row has a token to learn from."))
            return
        draft = self._session.draft
        spec = TrainingSpec() if draft.faults() else draft.config().training
        overlap = draft.value("data.chunk_overlap") if draft.value("data.long_text") == "chunks" else None
        if self.view is None:
            # The plotting library is loaded with it, not with the window.
            from studio.ui.length_view import LengthView

            self.view = LengthView(self._session.theme)
            self.view.chosen.connect(self._choose)
            self.lengths.addWidget(self.view)
        self.view.show_lengths(found, draft.value("data.max_length"), spec, overlap)
        self.lengths.setCurrentWidget(self.view)

    def _choose(self, cutoff: int) -> None:
        self._session.draft.edit("data.max_length", cutoff, self.tr("maximum length"))
        self._session.tell(self.tr("The maximum length is {n} tokens now.").format(n=f"{cutoff:,}"), "good")
