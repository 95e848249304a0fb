"""What an audit found in a dataset: each finding with why it matters, its rows, and what takes it away."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.core import desk
from studio.ui import words
from studio.ui.answer_view import FailureCard
from studio.ui.desk import Call
from studio.ui.elided import Elided
from studio.ui.parts import button, card, clear, column, empty, holder, label, pill, row, set_tone
from studio.ui.theme import GRID, Theme

_ORDER = ("error", "warning", "note")
_TONES = {"error": "bad", "warning": "warn", "note": ""}


@dataclass(frozen=True, slots=True)
class _Card:
    """A finding as it is shown; it stays while what is known of it changes, and with it the focus and the place."""

    frame: QFrame
    title: QLabel
    severity: QLabel
    count: QLabel
    why: QLabel
    done: QLabel
    undo: QPushButton
    mend: QPushButton
    show: QPushButton


class AuditView(QStackedWidget):
    """Shows an audit: offered, going on, done or failed.

    Attributes:
        findings: what was found so far, by key, as `studio.core.audit.findings.Finding.summary`.

    Signals:
        wanted: the dataset is to be audited.
        rows_wanted: (key, title): the rows of a finding are to be shown.
        mending_wanted: (key, title): a finding is to be taken away.
        undo_wanted: what was mended last is to be as it was.
        done: the `desk.Audited`.
    """

    wanted = Signal()
    rows_wanted = Signal(str, str)
    mending_wanted = Signal(str, str)
    undo_wanted = Signal()
    done = Signal(object)

    def __init__(self, theme: Theme) -> None:
        """Offers an audit."""
        super().__init__()
        self._theme = theme
        self._call: Call | None = None
        self.findings: dict[str, dict[str, Any]] = {}
        self._cards: dict[str, _Card] = {}
        self._mended: frozenset[str] = frozenset()
        self._last = ""
        begin = button(self.tr("Audit this dataset"), self.wanted.emit, "primary")
        text = self.tr(
            "Every row is looked at as the chosen model will read it: answers that are cut or never end, duplicates, "
            "leaks into the evaluation, broken encoding, secrets and more. The file is not changed."
        )
        self.why = label("", "muted", wrap=True)
        offered = column(self.why, empty(theme, "search", self.tr("What is in this data?"), text, begin), margin=GRID)
        offered.setStretch(1, 1)
        self.addWidget(holder(offered))
        self.addWidget(self._found())
        self.failure = FailureCard(theme)
        self.failure.dismissed.connect(self.offer)
        again = button(self.tr("Audit again"), self.wanted.emit)
        self.addWidget(holder(column(self.failure, row(again, None), None)))

    def offer(self, why: str = "") -> None:
        """Shows nothing found: another dataset is looked at, or `why` what was found is so no longer."""
        self.stop()
        self.why.setText(why)
        self.why.setVisible(bool(why))
        self._reset()
        self.setCurrentIndex(0)

    def follow(self, call: Call) -> None:
        """Shows an audit as it goes on."""
        self.stop()
        self._reset()
        self._call = call
        self._bar.setRange(0, 0)
        self._going.show()
        self._again.hide()
        self._about.setText("")
        call.progressed.connect(self._advance)
        call.found.connect(self._take)
        call.done.connect(self._finish)
        call.failed.connect(self._fail)
        call.cancelled.connect(self.offer)
        call.ended.connect(lambda: self._forget(call))
        self.setCurrentIndex(1)

    def mark(self, mended: Collection[str], last: str) -> None:
        """Shows which findings were taken away since, by key; that of `last`, if any, can be undone."""
        if (frozenset(mended), last) != (self._mended, self._last):
            self._mended, self._last = frozenset(mended), last
            self._lay_out()

    def stop(self) -> None:
        """Ends an audit that is going on."""
        if self._call is not None:
            call, self._call = self._call, None
            call.disconnect(self)
            call.cancel()

    def _forget(self, call: Call) -> None:
        if self._call is call:
            self._call = None

    def _reset(self) -> None:
        self.findings, self._cards, self._mended, self._last = {}, {}, frozenset(), ""
        clear(self._list)
        self._list.addStretch(1)

    def _advance(self, progress: desk.Progress) -> None:
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        share = f"  {progress.done / progress.total:.0%}" if progress.total else ""
        self._phase.setText(words.phase(progress.phase) + share)

    def _take(self, findings: list[dict[str, Any]]) -> None:
        for item in findings:
            self.findings[item["key"]] = item
        self._lay_out()

    def _finish(self, result: desk.Audited) -> None:
        self._going.hide()
        self._again.show()
        self._call = None
        self.findings = {item["key"]: item for item in result.findings}
        self._lay_out()
        languages = result.about["languages"]
        usable = max(result.about["usable"], 1)
        spoken = words.listed(
            f"{name or self.tr('unclear')} {count / usable:.1%}" for name, count in list(languages.items())[:5]
        )
        said = self.tr("Rows: {rows}. Kinds of findings: {n}. Languages: {languages}.")
        if not self.findings:
            said = self.tr("Rows: {rows}. Nothing was found. Languages: {languages}.")
        rows = f"{result.about['rows']:,}"
        self._about.setText(said.format(n=len(self.findings), rows=rows, languages=spoken or self.tr("none")))
        self.done.emit(result)

    def _fail(self, failed: desk.Failed) -> None:
        self.failure.show_failure(failed)
        self.setCurrentIndex(2)

    def _lay_out(self) -> None:
        for key in [key for key in self._cards if key not in self.findings]:
            gone = self._cards.pop(key).frame
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        listed = sorted(self.findings.values(), key=lambda item: _ORDER.index(item["severity"]))
        for at, item in enumerate(listed):
            made = self._cards.get(item["key"]) or self._new_card(item["key"])
            if self._list.indexOf(made.frame) != at:
                self._list.insertWidget(at, made.frame)
            self._fill(made, item)

    def _new_card(self, key: str) -> _Card:
        def title() -> str:
            return words.told(self.findings[key]["title"])

        heading, severity, count, why = (
            Elided("", "heading"),
            pill(""),
            label("", "muted"),
            label("", "muted", wrap=True),
        )
        done, undo = pill(self.tr("done"), "good"), button(self.tr("Undo"), self.undo_wanted.emit, "flat")
        mend = button("", lambda: self.mending_wanted.emit(key, title()))
        show = button(self.tr("Show the rows"), lambda: self.rows_wanted.emit(key, title()))
        below = row(why, undo, mend, show)
        below.setStretch(0, 1)
        frame = card(column(row(heading, severity, count, None, done), below, spacing=GRID // 2))
        self._cards[key] = made = _Card(frame, heading, severity, count, why, done, undo, mend, show)
        return made

    def _fill(self, made: _Card, item: dict[str, Any]) -> None:
        title, mending = words.told(item["title"]), self._mending(item["remedy"])
        made.title.setText(title)
        made.severity.setText(self._severity(item["severity"]))
        set_tone(made.severity, _TONES[item["severity"]])
        made.count.setText(f"{item['count']:,}")
        made.why.setText(words.told(item["why"]))
        made.show.setAccessibleName(self.tr("Show the rows: {title}").format(title=title))
        made.undo.setAccessibleName(self.tr("Undo: {title}").format(title=title))
        made.mend.setText(mending)
        made.mend.setAccessibleName(words.titled(mending, title))
        # Rows are left out of a version of the data, and a version is made of rows that are there.
        made.mend.setEnabled(self._call is None)
        self._offer(made, mend=bool(mending), done=item["key"] in self._mended, undo=item["key"] == self._last)

    def _offer(self, made: _Card, *, mend: bool, done: bool, undo: bool) -> None:
        """Shows what can be done about a finding; the focus goes to what comes in place of what it was on."""
        undo, mend = done and undo, mend and not done
        if made.undo.hasFocus() or made.mend.hasFocus():
            taking = made.undo if undo else made.mend if mend else made.show
            taking.show()
            taking.setFocus()
        made.done.setVisible(done)
        made.undo.setVisible(undo)
        made.mend.setVisible(mend)

    def _severity(self, name: str) -> str:
        return {"error": self.tr("serious"), "warning": self.tr("worth a look"), "note": self.tr("to know")}[name]

    def _mending(self, remedy: str) -> str:
        names = {
            "exclude": self.tr("Leave these rows out"),
            "redact": self.tr("Put stand-ins there"),
            "repair": self.tr("Mend the text"),
        }
        return names.get(remedy, "")

    def _found(self) -> QWidget:
        self._phase, self._about = label(""), label("", "muted", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Audit"))
        stop = button(self.tr("Cancel"), self.offer)
        self._going = holder(row(self._phase, self._bar, stop, spacing=2 * GRID))
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, GRID, 0)
        self._list.setSpacing(GRID)
        area = QScrollArea()
        area.setWidget(holder(self._list, "body"))
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName(self.tr("Findings"))
        self._again = button(self.tr("Audit again"), self.wanted.emit, "flat")
        said = row(self._about, self._again)
        said.setStretch(0, 1)
        layout = column(self._going, said, area, spacing=GRID)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setStretch(2, 1)
        return holder(layout)
