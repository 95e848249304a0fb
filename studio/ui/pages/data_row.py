"""One row: as it is written, as the model reads it, and as it may be edited."""

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from studio import paths
from studio.core.desk import Tokens
from studio.core.errors import StudioError
from studio.core.files import disk_error, write_atomic
from studio.ui import turns, words
from studio.ui.parts import button, column, holder, label, row, show_text, shown_keys, tabs
from studio.ui.row_editor import RowEditor
from studio.ui.row_source import Opened, RowSource, Shown
from studio.ui.session import GivenText, Session
from studio.ui.theme import GRID
from studio.ui.tokens_view import TokensView

_RESTING_MS = 200


class RowPane(QWidget):
    """The views of a row.

    Attributes:
        shows: the data whose rows are shown.

    Signals:
        saved: (the data it is of, the row as it was shown, its new data): it was edited.
        finished: the row is no longer edited, and whoever did goes on elsewhere.
        back_wanted: the place of a row whose edit is to go on.
    """

    saved = Signal(object, object, object)
    finished = Signal()
    back_wanted = Signal(int)

    def __init__(self, session: Session, request: Callable[[Shown], Tokens | str]) -> None:
        """Shows nothing; `request` says how to ask for a row's tokens, or why there are none."""
        super().__init__()
        self._session, self._request, self._asked = session, request, False
        self._row: Shown | None = None
        self._edited = False
        self._slips: dict[tuple[Opened, int], Slip] = {}
        self._saved_last: list[Slip] = []
        self.shows = Opened()
        self.written = QPlainTextEdit()
        self.written.setReadOnly(True)
        self.written.setObjectName("mono")
        self.written.setAccessibleName(self.tr("The whole row"))
        self.tokens = TokensView(session.theme)
        self.tokens.setContentsMargins(0, GRID, 0, 0)
        self.tokens.editor.tried.connect(lambda: self._show_tokens())
        self.tokens.editor.kept.connect(self._keep_template)
        self.tokens.answer_wanted.connect(self._show_tokens)
        self.tokens.scores_wanted.connect(self.show_scores)
        self.editor = RowEditor(session.theme)
        self.editor.touched.connect(self._touched)
        self.views = tabs(self.tr("Views of the row"))
        self.views.setObjectName("views")
        self.views.addTab(self.written, self.tr("As it is written"))
        self.views.addTab(self.tokens, self.tr("As the model reads it"))
        self.edit_pane = self._made_editor()
        self.views.addTab(self.edit_pane, self.tr("Edit"))
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_RESTING_MS)
        self._resting.timeout.connect(self._show_tokens)
        self.views.currentChanged.connect(lambda: self._look())
        self.setLayout(column(self.views))

    def show_data(self, source: RowSource | None) -> None:
        """Shows no row yet, and other data from now on; what can be saved of what was typed waits to be."""
        self.show_row(None)
        self.shows = Opened(source)
        self._slips = {key: slip for key, slip in self._slips.items() if not slip.fault}

    def unsaved(self) -> str | None:
        """Returns why what was typed and not saved cannot be; empty: it can; None: there is none."""
        faults = [slip.fault for slip in self._slips.values()]
        return max([*faults, self.editor.fault()] if self._edited else faults, default=None)

    def settle(self, *, save: bool) -> None:
        """Saves what was typed, or gives it up."""
        slips = list(self._slips.values())
        self._slips.clear()
        if self._edited and self._row is not None:
            slips.append(self._slip(self._row))
            self._revert()
        if save:
            self._save_slips(slips)

    def show_row(self, row: Shown | None) -> None:
        """Shows another row, or the same after it changed; an edit that was not saved is told of, and can be.

        A row that is as it was is not edited anew, for somebody may be at it.
        """
        before, self._row = self._row, row
        if before is None or row is None or (row.place, row.data) != (before.place, before.data):
            self._fill(before)
        text = "" if row is None else whole(row.data) if row.data is not None else row.raw or words.sentence(row.fault)
        show_text(self.written, text)
        self._look(shown=True)

    def _fill(self, before: Shown | None) -> None:
        """Shows the row to be edited; `before` is the one that was."""
        if self._edited and before is not None:
            self._keep(before)
        self._edited = False
        self._fill_editor()
        self._mark()

    def _fill_editor(self) -> None:
        """Fills the editor with the row, as it was typed if it was left so."""
        row = self._row if self._editing() else None
        slip = self._slips.pop((self.shows, row.place), None) if row is not None else None
        data = row.data if row is not None else None
        self.editor.show_row(data or {}, slip.typed if slip is not None else None)

    def edit(self) -> None:
        """Shows the row to be edited, and puts the cursor into it."""
        self.views.setCurrentWidget(self.edit_pane)
        # What was laid out just now is shown in the next turn, and only then takes the focus.
        QTimer.singleShot(0, self, self._focus)

    def _focus(self) -> None:
        box = self.editor.first()
        if box is not None:
            box.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Saves on Ctrl+Return, which no text box takes."""
        held, keys = event.modifiers(), (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() in keys and held & Qt.KeyboardModifier.ControlModifier and self._editing():
            self._save()
        else:
            super().keyPressEvent(event)

    def _made_editor(self) -> QWidget:
        self.save = button(self.tr("Save"), self._save, "primary")
        self.save.setToolTip(self.tr("Save the row ({keys})").format(keys=shown_keys("Ctrl+Return")))
        self.revert = button(self.tr("Revert"), self._revert)
        self._said = label("", "muted")
        made = holder(column(self.editor, row(self.save, self.revert, self._said, None), spacing=GRID))
        made.setContentsMargins(0, GRID, 0, 0)
        return made

    def _editing(self) -> bool:
        return self.views.currentWidget() is self.edit_pane

    def _look(self, shown: bool = False) -> None:
        if self._editing() and not shown and not self._edited and self._row is not None:
            self._fill_editor()
        if self._editing() and self._row is not None and self._row.data is None:
            self._said.setText(self.tr("This row cannot be read, so there is nothing to edit."))
        self._resting.start()

    def _touched(self, differs: bool) -> None:
        self._edited = differs
        self._mark()

    def _mark(self) -> None:
        fault = bool(self._edited and self.editor.fault())
        self.save.setEnabled(self._edited and not fault)
        self.revert.setEnabled(self._edited)
        self._said.setText(self.tr("Not saved yet") if self._edited else "")

    def _save(self) -> None:
        if self._row is not None and self._edited and not self.editor.fault():
            self._edited = False
            # Before its boxes go: what has the focus then would hand it to whatever is next.
            self.finished.emit()
            self._save_slips([self._slip(self._row)])
            self._mark()

    def _save_slips(self, slips: "Iterable[Slip]") -> None:
        self._saved_last = []
        for slip in slips:
            if not slip.fault:
                self._saved_last.append(slip)
                self.saved.emit(slip.of, slip.row, slip.values)

    def bring_back(self) -> None:
        """Keeps as it was typed what was to be saved last and was not."""
        last, self._saved_last = self._saved_last, []
        back = {slip.key: slip for slip in last if slip.of is self.shows and slip.holds()}
        # What was typed into such a row since is the newer.
        self._slips = back | self._slips
        if self._editing() and not self._edited:
            self._fill_editor()

    def _revert(self) -> None:
        if self._row is not None:
            self._edited = False
            self.finished.emit()
            self.editor.show_row(self._row.data or {})
            self._mark()

    def _slip(self, row: Shown) -> "Slip":
        fault = self.editor.fault()
        return Slip(self.shows, row, self.editor.typed(), fault, {} if fault else self.editor.values())

    def _keep(self, before: Shown) -> None:
        """Keeps what was typed into a row for when the row is edited again, and tells of it."""
        slip, now = self._slip(before), self._row
        self._slips[slip.key] = slip
        if not slip.fault:
            text = self.tr("The edit of row {number} was not saved.").format(number=before.number)
            self._session.tell(text, "", self.tr("Save it"), lambda: self._save_left(slip.key))
            return
        if now is not None and now.place == before.place:
            return
        text = self.tr("The edit of row {number} was not saved: {reason}.")
        text = text.format(number=before.number, reason=slip.fault)
        if now is None:
            self._session.tell(text)
        else:
            self._session.tell(text, "", self.tr("Go back to it"), lambda: self._go_back(slip))

    def _save_left(self, key: tuple[Opened, int]) -> None:
        """Saves what was typed into a row that was left, as it stands by now where the row was edited again."""
        slip = self._slips.get(key)
        if slip is not None and not slip.fault:
            del self._slips[key]
            self._save_slips([slip])
        elif self._row is not None and key == (self.shows, self._row.place):
            self._save()

    def _go_back(self, slip: "Slip") -> None:
        if slip.of is self.shows:
            self.back_wanted.emit(slip.row.place)

    def _show_tokens(self) -> None:
        """Asks for the row's tokens as the present settings make them, while they are looked at."""
        if self.views.currentWidget() is not self.tokens or self._row is None:
            return
        request = self._request(self._row)
        if isinstance(request, str):
            self.tokens.show_message(request)
            return
        if not self._asked:
            self.tokens.show_message(self.tr("The model's tokenizer is being loaded ..."))
        self._asked = True
        request = replace(request, template=self.tokens.editor.typed(), worse=self.tokens.worse.isChecked())
        self.tokens.follow(self._session.desk.ask(request))

    def show_scores(self) -> None:
        """Has the Compare page show how likely a base and adapters hold every token of the row."""
        request = self._request(self._row) if self._row is not None else ""
        if self._row is None or isinstance(request, str):
            return  # there are no tokens, and it is said why
        title = self.tr("Row {number} of {name}").format(number=self._row.number, name=Path(request.file).name)
        text = replace(request, template=self.tokens.editor.typed(), worse=self.tokens.worse.isChecked())
        self._session.compare_wanted.emit(GivenText(text, title, base=request.model))

    def _keep_template(self, text: str) -> None:
        """Has training use a template that was written here: it becomes a file that the settings name."""
        file = paths.home() / "templates" / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.jinja"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, text.encode())
        except OSError as error:
            self._session.tell_error(disk_error(file, error))
            return
        self._session.draft.edit("data.chat_template", str(file), self.tr("chat template"))
        self._session.tell(self.tr("Training uses this template now."), "good")
        self.tokens.editor.take_over()


class Slip(NamedTuple):
    """What was typed into a row and is not saved: its columns as they stood, why they cannot be, or what they make."""

    of: Opened
    row: Shown
    typed: dict[str, Any]
    fault: str
    values: dict[str, Any]

    @property
    def key(self) -> tuple[Opened, int]:
        """The row it is of."""
        return self.of, self.row.place

    def holds(self) -> bool:
        """Whether the row is as it was when it was typed into."""
        with suppress(IndexError, StudioError):
            return self.of.source is not None and self.of.source.read(self.row.place).data == self.row.data
        return False


def whole(data: dict[str, Any]) -> str:
    """Returns a row as a person reads it: a conversation as its turns, anything else as JSON."""
    parts, talks = [], {name: said for name, value in data.items() if (said := turns.told(value))}
    for name, value in data.items():
        if name in talks:
            # Where there are several, as in a pair, each needs its name.
            parts += [f"{name}:"] if len(talks) > 1 else []
            parts += [f"{who}\n{text}" for who, text in talks[name]]
        elif isinstance(value, str):
            parts.append(f"{name}\n{value}")
        else:
            parts.append(f"{name}\n{json.dumps(value, ensure_ascii=False, indent=1)}")
    return "\n\n".join(parts)
