"""One run in full: its head, its failure if it has one, its curves, rows, answers, layers, log and its settings."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from studio.core import config_file, events, exportable, run_queue
from studio.core.config import to_dict
from studio.core.errors import StudioError
from studio.core.objectives import forget_usual
from studio.core.runs import Run
from studio.ui import given, words
from studio.ui.models import RunModel
from studio.ui.pages import run_rate
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.run_answers import RunAnswers
from studio.ui.pages.run_ask import RunAsk
from studio.ui.pages.run_capsule import CapsuleDialog
from studio.ui.pages.run_curves import RunCurves
from studio.ui.pages.run_explained import RunExplained
from studio.ui.pages.run_failure import RunFailure
from studio.ui.pages.run_happened import RunHappened
from studio.ui.pages.run_head import RunHead
from studio.ui.pages.run_layers import RunLayers
from studio.ui.pages.run_log import RunLog
from studio.ui.pages.run_rows import RunRows
from studio.ui.parts import add_action, button, column, holder, label, row, scrolling, tabs
from studio.ui.session import Session
from studio.ui.theme import GRID

_REFRESH_MS = 100


class RunView(QWidget):
    """Shows a `RunModel`, and steers it.

    Attributes:
        area: what scrolls it.

    Signals:
        advanced: what is shown has changed.
    """

    advanced = Signal()

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._session = session
        self.model: RunModel | None = None
        self._actions()
        stops = (self.stop, self.stop_bare, None, self.terminate, self.kill)
        steered = (self.save_now, self.evaluate, self.rate)
        turns = (self.now, self.earlier, self.later)
        more = (*steered, None, *turns, None, self.again, self.export, self.capsule, self.open_folder)
        self.head = RunHead(session.theme, self.pause, self.resume, self.now, stops, more)
        self.failure = RunFailure(self._resume, self._again, self._show_step)
        self.curves = RunCurves(session)
        self.curves.picked.connect(self._show_step)
        self.curves.advanced.connect(self._advance)
        self.log = RunLog(session.theme, self._open_folder)
        self.tabs = tabs(self.tr("Views of the run"))
        self.tabs.addTab(self.curves, self.tr("Curves"))
        self.rows = RunRows(session)
        self.tabs.addTab(self.rows, self.tr("Rows"))
        self.answers = RunAnswers(session)
        self.tabs.addTab(self.answers, self.tr("Answers"))
        self.talk = RunAsk(self._ask)
        self.tabs.addTab(self.talk, self.tr("Ask"))
        self.layers = RunLayers(session)
        self.tabs.addTab(self.layers, self.tr("Layers"))
        self.explained = RunExplained(self._again, self._show_step)
        self.tabs.addTab(self.explained, self.tr("Explained"))
        self.happened = RunHappened()
        self.tabs.addTab(self.happened, self.tr("History"))
        self.tabs.addTab(self.log, self.tr("Log"))
        self.tabs.addTab(self._config_view(), self.tr("Settings"))
        layout = column(self.head, self.failure, self.tabs, spacing=GRID)
        layout.setStretch(2, 1)
        # A low window has room for all of it but a failure, and then it scrolls.
        self.area = scrolling(holder(layout, "body"))
        self.area.setObjectName("bare")
        self.setLayout(column(self.area))
        # The room for it comes some time after it is shown.
        self.area.verticalScrollBar().rangeChanged.connect(lambda *_: self._show_differences())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self.show_run(None)

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run, or none."""
        if model is self.model and model is not None:
            return
        if self.model is not None:
            self.model.advanced.disconnect(self._advance)
        self.model = model
        if model is not None:
            model.advanced.connect(self._advance)
        self.curves.show_run(model)
        self.rows.show_run(model)
        self.answers.show_run(model)
        self.talk.show_run(model)
        self.layers.show_run(model)
        self.explained.show_run(model)
        self.log.show_log(model.run.path / "worker.log" if model is not None else None)
        self._config.setPlainText(_settings(model) if model is not None else "")
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Shows what has come while it was out of sight."""
        super().showEvent(event)
        self._refresh()

    def _actions(self) -> None:
        """Steers the run; each is in the command palette too."""
        self.stop = add_action(self, self.tr("Stop and save the adapter"), lambda: self._ask(events.Stop()), "Ctrl+.")
        bare = self.tr("Stop with a checkpoint only")
        self.stop_bare = add_action(self, bare, lambda: self._ask(events.Stop(keep=False)))
        self.terminate = add_action(self, self.tr("End now with a checkpoint"), lambda: self._end(False))
        self.kill = add_action(self, self.tr("Kill the process"), lambda: self._end(True))
        self.pause = add_action(self, self.tr("Pause or go on"), self._pause, "Ctrl+P")
        self.save_now = add_action(self, self.tr("Save a checkpoint now"), lambda: self._ask(events.Save()))
        self.evaluate = add_action(self, self.tr("Evaluate now"), lambda: self._ask(events.Evaluate()))
        self.rate = add_action(self, self.tr("Change the learning rate..."), self._ask_rate)
        self.resume = add_action(self, self.tr("Resume the run"), self._resume, "Ctrl+R")
        self.now = add_action(self, self.tr("Start it now"), lambda: self._requeue(run_queue.start_now))
        self.earlier = add_action(self, self.tr("Earlier in the queue"), lambda: self._shift(-1), "Ctrl+Shift+Up")
        self.later = add_action(self, self.tr("Later in the queue"), lambda: self._shift(1), "Ctrl+Shift+Down")
        beside = self.tr("Compare with other runs...")
        self.compare = add_action(self, beside, self._compare, "Ctrl+D")
        self.open_folder = add_action(self, self.tr("Open the run folder"), self._open_folder)
        self.export = add_action(self, self.tr("Export the model..."), self._export)
        self.again = add_action(self, self.tr("Use these settings for a new run"), self._again)
        self.capsule = add_action(self, self.tr("Save as a run capsule..."), self._save_capsule)

    def _config_view(self) -> QWidget:
        self._config = QPlainTextEdit()
        self._config.setObjectName("mono")
        self._config.setReadOnly(True)
        self._config.setAccessibleName(self.tr("The run's settings"))
        use = button(self.tr("Use these settings for a new run"), self._again)
        head = row(label(self.tr("Settings that differ from the defaults"), "caption"), None, use)
        return holder(column(head, self._config))

    def _advance(self) -> None:
        # Many events a second become a few repaints.
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        model = self.model
        self.setEnabled(model is not None)
        alive = model is not None and model.alive
        # What nobody sees is not worked out; actions can be triggered from every page.
        if self.isVisible() or model is None:
            self.head.show_run(model)
            self.failure.show_run(model if not alive else None)
            if self.curves.refresh():
                self._timer.start()
            self.rows.advance()
            self.answers.advance()
            self.talk.advance()
            self.layers.advance()
            self.explained.advance()
            self.happened.show_progress(model.progress if model is not None else None)
        queued = model is not None and model.state() == "queued"
        # Of one that waits there is nothing to keep.
        self.stop.setText(self.tr("Take it out of the queue") if queued else self.tr("Stop and save the adapter"))
        for action in (self.stop_bare, self.terminate, self.kill):
            action.setVisible(not queued)
        for action in (self.stop, self.stop_bare, self.terminate, self.kill, self.rate):
            action.setEnabled(alive)
        for action in (self.save_now, self.pause):
            action.setEnabled(alive and not queued)
        # One that is asked to end does nothing else any more.
        self.pause.setEnabled(self.pause.isEnabled() and model is not None and not model.asked_stop)
        self._offer_evaluation(alive and not queued)
        self.capsule.setEnabled(model is not None and not alive and model.progress.step > 0)
        self.capsule.setToolTip(self.tr("Stop the run first.") if alive else self.capsule.text())
        self.resume.setEnabled(model is not None and model.can_resume())
        finished = model.progress.finished if model is not None else None
        # An adapter is exported from the library.
        self.export.setVisible(finished is not None and not finished.adapter)
        for action in (self.now, self.earlier, self.later):
            action.setEnabled(queued)
        for action in (self.open_folder, self.again, self.compare):
            action.setEnabled(model is not None)
        self.advanced.emit()

    def _offer_evaluation(self, alive: bool) -> None:
        """Lets a run evaluate now unless it has told that it has no rows for it."""
        told = self.model.progress.prepared if self.model is not None else None
        none = told is not None and told.eval_rows == 0 and not self.answers.prompts
        self.evaluate.setEnabled(alive and not none)
        self.evaluate.setToolTip(self.tr("The run has no evaluation rows.") if none else self.evaluate.text())

    def _show_step(self, step: int) -> None:
        """Shows the rows of a step that was clicked in a curve."""
        self.tabs.setCurrentWidget(self.rows)
        self.rows.show_step(step)

    def _ask(self, command: events.Command, model: RunModel | None = None) -> bool:
        """Asks a run for something, the one shown if no other is named; one that has ended is asked nothing.

        Returns:
            Whether it was asked.
        """
        model = model or self.model
        if model is None or not model.alive:
            return False
        try:
            model.ask(command)
        except StudioError as error:
            self._session.tell_error(error)
            return False
        return True

    def _pause(self) -> None:
        if self.model is not None:
            self._ask(events.Continue() if self.model.held() else events.Pause())

    def _ask_rate(self) -> None:
        model = self.model
        if model is None or not model.alive:
            return
        try:
            peak = run_rate.peak(model.run)
        except StudioError as error:
            self._session.tell_error(error)
            return
        steps = model.progress.steps
        dialog = run_rate.RateDialog(self.window(), peak, steps[-1].learning_rate if steps else None)
        dialog.chosen.connect(lambda rate: self._ask(events.SetLearningRate(learning_rate=rate), model))
        dialog.open()

    def _end(self, kill: bool) -> None:
        try:
            if self.model is not None and not self.model.end_process(kill):
                self._session.tell(self.tr("The run's process is not to be found on this machine."), "bad")
        except StudioError as error:
            self._session.tell_error(error)

    def _resume(self, command: events.Command | None = None) -> None:
        """Has the run go on, at once or behind those at work, and asks it for something before."""
        if self.model is None or not self.model.can_resume():
            return
        try:
            if command is not None:
                self.model.run.ask(command)
        except StudioError as error:
            self._session.tell_error(error)
            return
        self._session.resume(self.model.run, queued=True)

    def _shift(self, by: int) -> None:
        """Gives a run that waits the place before or behind its own."""
        self._requeue(lambda run: run_queue.shift(run, by))

    def _requeue(self, change: Callable[[Run], None]) -> None:
        """Changes when a run that waits is to begin."""
        if self.model is None:
            return
        try:
            change(self.model.run)
        except StudioError as error:
            self._session.tell_error(error)
        self._session.runs_changed.emit()

    def _again(self, changes: Mapping[str, Any] | None = None) -> None:
        """Takes the run's settings into the draft for a new one, and changes some."""
        if self.model is None:
            return
        try:
            values = to_dict(given.original(self.model.run.config(), self._session.settings.recent_data))
        except StudioError as error:
            self._session.tell_error(error)
            return
        forget_usual(values["training"])
        for key, value in (changes or {}).items():
            config_file.put(values, key, value)
        self._session.draft.replace(values, self.tr("settings of {name}").format(name=self.model.title))
        self._session.page_wanted.emit("configure")

    def _save_capsule(self) -> None:
        """Says what the run's capsule will hold, and asks where to write it."""
        if self.model is None:
            return
        try:
            CapsuleDialog(self._session, self.model, self.window()).open()
        except StudioError as error:
            self._session.tell_error(error)

    def _show_differences(self) -> None:
        """Scrolls to what differs, where a low window has no room for all of it."""
        if self.curves.differences.isVisible():
            self.area.ensureWidgetVisible(self.curves.differences)

    def _compare(self) -> None:
        """Offers runs to lay over this one, where they are seen."""
        self._session.page_wanted.emit("train")
        self.tabs.setCurrentWidget(self.curves)
        self.curves.choose()

    def _export(self) -> None:
        """Offers the whole model of a full fine-tuning to be exported."""
        if self.model is None:
            return
        try:
            entry = exportable.result(self.model.run)
        except StudioError as error:
            self._session.tell_error(error)
            return
        if entry is None or not entry.is_model:
            self._session.tell(
                self.tr("What the run made is not in the library any more; it may be in the trash."), "bad"
            )
        else:
            ExportDialog(self._session, entry, self.window()).open()

    def _open_folder(self) -> None:
        if self.model is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.model.run.path)))


def _settings(model: RunModel) -> str:
    try:
        return "\n".join(f"{key}: {value}" for key, value in config_file.changed(model.run.config()).items())
    except StudioError as error:
        return words.sentences(error)
