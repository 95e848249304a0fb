"""One run in full: state and progress, the buttons that steer it, its curves, its log and its failure."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QToolButton,
    QWidget,
)

from studio.core import events
from studio.core.config import changed, to_dict
from studio.core.errors import StudioError
from studio.core.units import size
from studio.ui import words
from studio.ui.models import RunModel
from studio.ui.parts import button, card, column, holder, icon_button, label, pill, row, selectable, set_tone, tabs
from studio.ui.plots import LinePlot
from studio.ui.session import Session
from studio.ui.theme import GRID

_LOG_BYTES = 64_000
_REFRESH_MS = 150
_LOG_MS = 1000
_OF_SETTINGS = ("usage", "config", "data", "model", "adapter", "diverged")
_SMOOTHINGS = (("0", 0.0), ("0.6", 0.6), ("0.9", 0.9), ("0.97", 0.97))


class RunView(QWidget):
    """Shows a `RunModel`.

    Signals:
        advanced: what is shown has changed.
    """

    advanced = Signal()

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._session = session
        self.model: RunModel | None = None
        self._log_size = -1
        self.plots: dict[str, LinePlot] = {}
        self._actions()
        self.tabs = tabs(self.tr("Views of the run"))
        self.tabs.addTab(self._curves(), self.tr("Curves"))
        self.tabs.addTab(self._log_view(), self.tr("Log"))
        self.tabs.addTab(self._config_view(), self.tr("Settings"))
        layout = column(self._head(), self._failure(), self.tabs, spacing=GRID)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        log = QTimer(self)
        log.timeout.connect(self._read_log)
        log.start(_LOG_MS)
        self.show_run(None)

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run, or none."""
        if model is self.model and model is not None:
            return
        if self.model is not None:
            self.model.advanced.disconnect(self._advance)
        self.model, self._log_size = model, -1
        self._log.clear()
        for name, plot in self.plots.items():
            points = model.curves["eval_loss"] if model is not None and name == "loss" else None
            plot.set_curves(model.curves[name] if model is not None else None, points)
        if model is not None:
            model.advanced.connect(self._advance)
            self._show_config(model)
        self._read_log()
        self._refresh()

    def _actions(self) -> None:
        """Steers the run; each is in the command palette too."""

        def add(text: str, act: Callable[[], object], keys: str = "") -> QAction:
            action = QAction(text, self)
            action.triggered.connect(lambda: act())
            action.setShortcut(keys)
            self.addAction(action)
            return action

        self.stop = add(self.tr("Stop and save the adapter"), lambda: self._ask(events.Stop()), "Ctrl+.")
        self.stop_bare = add(self.tr("Stop with a checkpoint only"), lambda: self._ask(events.Stop(keep=False)))
        self.terminate = add(self.tr("End now with a checkpoint"), lambda: self._end(False))
        self.kill = add(self.tr("Kill the process"), lambda: self._end(True))
        self.pause = add(self.tr("Pause or go on"), self._pause, "Ctrl+P")
        self.save_now = add(self.tr("Save a checkpoint now"), lambda: self._ask(events.Save()))
        self.evaluate = add(self.tr("Evaluate now"), lambda: self._ask(events.Evaluate()))
        self.resume = add(self.tr("Resume the run"), self._resume, "Ctrl+R")
        self.open_folder = add(self.tr("Open the run folder"), self._open_folder)
        self.again = add(self.tr("Use these settings for a new run"), self._again)

    def _head(self) -> QWidget:
        theme = self._session.theme
        self.name = selectable(label("", "heading"))
        self.state = pill("")
        self._pause_button = button(self.tr("Pause"), self.pause.trigger)
        theme.dress(self._pause_button, "pause")
        self._resume_button = button(self.tr("Resume"), self.resume.trigger, "primary")
        theme.dress(self._resume_button, "resume", "on_accent")
        self._stop_button = self._menu_button(self.tr("Stop"), "stop")
        self._stop_button.menu().addActions([self.stop, self.stop_bare])
        self._stop_button.menu().addSeparator()
        self._stop_button.menu().addActions([self.terminate, self.kill])
        more = self._menu_button(self.tr("More"), "")
        more.menu().addActions([self.save_now, self.evaluate, self.again, self.open_folder])
        self._more = more
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.said, self.left = label("", "muted"), label("", "muted")
        head = row(self.name, self.state, None, self._pause_button, self._resume_button, self._stop_button, more)
        return card(column(head, self.bar, row(self.said, None, self.left), self._figures(), spacing=GRID))

    def _menu_button(self, text: str, icon: str) -> QToolButton:
        made = QToolButton()
        made.setObjectName("tool")
        made.setText(text)
        made.setAccessibleName(text)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        if icon:
            self._session.theme.dress(made, icon)
        made.setMenu(QMenu(made))
        return made

    def _figures(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(4 * GRID)
        grid.setVerticalSpacing(0)
        names = {
            "loss": self.tr("Loss"),
            "eval": self.tr("Best eval loss"),
            "speed": self.tr("Tokens / s"),
            "epoch": self.tr("Epoch"),
            "memory": self.tr("Peak memory"),
        }
        self._values: dict[str, QLabel] = {}
        for at, (key, name) in enumerate(names.items()):
            self._values[key] = selectable(label("-", "figure"))
            self._values[key].setAccessibleName(name)
            grid.addWidget(label(name, "caption"), 0, at)
            grid.addWidget(self._values[key], 1, at)
        grid.setColumnStretch(len(names), 1)
        return grid

    def _failure(self) -> QWidget:
        self._what, self._hint = selectable(label("", "heading", wrap=True)), selectable(label("", wrap=True))
        self._detail = QPlainTextEdit()
        self._detail.setObjectName("mono")
        self._detail.setReadOnly(True)
        self._detail.setMaximumHeight(14 * GRID)
        self._detail.setAccessibleName(self.tr("Details"))
        self._remedy = button(self.tr("Resume the run"), self._mend, "primary")
        self._more_detail = button(self.tr("Details"), self._toggle_detail)
        buttons = row(self._remedy, self._more_detail, None)
        self.failure = card(column(self._what, self._hint, self._detail, buttons), "failure")
        return self.failure

    def _curves(self) -> QWidget:
        theme = self._session.theme
        self.plots["loss"] = LinePlot(theme, self.tr("Loss, training and evaluation (points)"), smoothed=True)
        self.plots["learning_rate"] = LinePlot(theme, self.tr("Learning rate"), series=2, small=True)
        self.plots["grad_norm"] = LinePlot(theme, self.tr("Gradient norm"), series=3, small=True)
        self.plots["tokens_per_s"] = LinePlot(theme, self.tr("Tokens / s"), series=4, small=True)
        log = QCheckBox(self.tr("Logarithmic"))
        log.setAccessibleName(self.tr("Logarithmic loss axis"))
        log.toggled.connect(self.plots["loss"].set_log)
        smoothing = QComboBox()
        smoothing.setAccessibleName(self.tr("Smoothing"))
        smoothing.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        smoothing.addItems([name for name, _ in _SMOOTHINGS])
        smoothing.setCurrentIndex(1)
        smoothing.currentIndexChanged.connect(self._set_smoothing)
        smoothing.wheelEvent = lambda event: event.ignore()  # type: ignore[method-assign]
        self._smoothing = smoothing
        whole = button(self.tr("Whole curve"), self._reset_views, "flat")
        tools = row(None, whole, log, label(self.tr("Smoothing"), "muted"), smoothing, spacing=GRID)
        small = row(*(self.plots[name] for name in ("learning_rate", "grad_norm", "tokens_per_s")), spacing=2 * GRID)
        layout = column(tools, self.plots["loss"], holder(small), spacing=GRID)
        layout.setStretch(1, 3)
        layout.setStretch(2, 2)
        return card(layout)

    def _log_view(self) -> QWidget:
        self._log = QPlainTextEdit()
        self._log.setObjectName("mono")
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(5000)
        self._log.setAccessibleName(self.tr("The end of the run's log"))
        folder = icon_button(self._session.theme, "folder", self.tr("Open the run folder"), self._open_folder)
        notes = row(label(self.tr("What the run and its libraries print (worker.log)"), "caption"), None, folder)
        return holder(column(notes, self._log))

    def _config_view(self) -> QWidget:
        self._config = QPlainTextEdit()
        self._config.setObjectName("mono")
        self._config.setReadOnly(True)
        self._config.setAccessibleName(self.tr("The run's settings"))
        use = button(self.tr("Use these settings for a new run"), self._again)
        head = row(label(self.tr("Settings that differ from the defaults"), "caption"), None, use)
        return holder(column(head, self._config))

    def _show_config(self, model: RunModel) -> None:
        try:
            lines = [f"{key}: {value}" for key, value in changed(model.run.config()).items()]
            self.name.setText(model.run.config().name or model.run.name)
        except (StudioError, KeyError, ValueError) as error:
            lines = [words.sentences(error) if isinstance(error, StudioError) else str(error)]
            self.name.setText(model.run.name)
        self.name.setToolTip(str(model.run.path))
        self._config.setPlainText("\n".join(lines))

    def _advance(self) -> None:
        # Many events a second become a few repaints.
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        model = self.model
        self.setEnabled(model is not None)
        self.failure.hide()
        if model is None:
            self.name.setText("")
            self.state.setText("")
            return
        told, state = model.progress, model.state()
        tone = {"completed": "good", "early_stopped": "good", "failed": "bad"}.get(state, "live" if model.alive else "")
        self.state.setText(words.state(state))
        set_tone(self.state, tone)
        self._show_progress(model)
        paused = told.state == "paused"
        self._pause_button.setText(self.tr("Go on") if paused else self.tr("Pause"))
        self._pause_button.setAccessibleName(self._pause_button.text())
        self._session.theme.dress(self._pause_button, "play" if paused else "pause")
        for widget in (self._pause_button, self._stop_button):
            widget.setVisible(model.alive)
        self._stop_button.setText(self.tr("Stopping") if model.asked_stop and model.alive else self.tr("Stop"))
        self._resume_button.setVisible(model.can_resume())
        for action in (self.stop, self.stop_bare, self.terminate, self.kill, self.save_now, self.evaluate, self.pause):
            action.setEnabled(model.alive)
        self.resume.setEnabled(model.can_resume())
        if told.failed is not None and not model.alive:
            self._show_failure(told.failed)
        self.advanced.emit()

    def _show_progress(self, model: RunModel) -> None:
        told = model.progress
        last = told.steps[-1] if told.steps else None
        phase, planned = told.phase, told.prepared
        preparing = model.alive and (last is None or told.state == "preparing")
        if preparing:
            known = phase is not None and phase.total > 0
            self.bar.setRange(0, phase.total if phase is not None and known else 0)
            self.bar.setValue(phase.done if phase is not None and known else 0)
            said = f"{words.phase(phase.name)} {phase.detail}".strip() if phase is not None else self.tr("Starting")
            self.said.setText(f"{said} ...")
            self.left.setText("")
        else:
            steps = planned.steps if planned is not None else 0
            self.bar.setRange(0, max(steps, 1))
            self.bar.setValue(told.step)
            done = self.tr("Step {step} of {steps}").format(step=f"{told.step:,}", steps=f"{steps:,}")
            self.said.setText(done if planned is not None else self.tr("It made no step"))
            self.left.setText(self._time_text(model))
        self._values["loss"].setText(f"{last.loss:.4f}" if last else "-")
        self._values["eval"].setText(f"{told.best.eval_loss:.4f}" if told.best else "-")
        self._values["speed"].setText(f"{last.tokens_per_s:,.0f}" if last else "-")
        self._values["epoch"].setText(f"{last.epoch:.2f}" if last else "-")
        self._values["memory"].setText(size(last.memory_bytes) if last else "-")

    def _time_text(self, model: RunModel) -> str:
        told = model.progress
        if told.finished is not None:
            result = f"{self.tr('adapter')} {told.finished.adapter}, " if told.finished.adapter else ""
            return f"{result}{self.tr('trained in')} {_duration(told.finished.train_s)}"
        if model.alive and told.steps and told.state != "paused":
            return self.tr("{time} left").format(time=_duration(told.steps[-1].eta_s))
        return ""

    def _show_failure(self, failed: events.Failed) -> None:
        self._what.setText(words.sentence(failed.message))
        self._hint.setText(words.sentence(failed.hint))
        self._detail.setPlainText(failed.detail)
        self._detail.hide()
        self._more_detail.setVisible(bool(failed.detail))
        if failed.reason == "memory":
            self._remedy.setText(self.tr("Halve the batch in a new run"))
        elif failed.reason in _OF_SETTINGS:
            self._remedy.setText(self.tr("Change the settings"))
        else:
            self._remedy.setText(self.tr("Resume the run"))
        self._remedy.setAccessibleName(self._remedy.text())
        self.failure.show()

    def _toggle_detail(self) -> None:
        self._detail.setVisible(self._detail.isHidden())

    def _mend(self) -> None:
        failed = self.model.progress.failed if self.model is not None else None
        if failed is None or failed.reason not in (*_OF_SETTINGS, "memory"):
            self._resume()
            return
        self._again()
        if failed.reason != "memory":
            return
        draft = self._session.draft
        size = draft.value("training.per_device_train_batch_size")
        if size > 1:
            steps = draft.value("training.gradient_accumulation_steps")
            halved = {
                "training.per_device_train_batch_size": size // 2,
                "training.gradient_accumulation_steps": steps * 2,
            }
            draft.apply(halved, self.tr("half the batch"))
        else:
            draft.apply({"training.activation_checkpointing": True}, self.tr("activation checkpointing"))

    def _ask(self, command: events.Command) -> None:
        if self.model is None or not self.model.alive:
            return
        try:
            self.model.ask(command)
        except StudioError as error:
            self._session.tell_error(error)

    def _pause(self) -> None:
        if self.model is not None:
            paused = self.model.progress.state == "paused"
            self._ask(events.Continue() if paused else events.Pause())

    def _end(self, kill: bool) -> None:
        if self.model is not None and not self.model.end_process(kill):
            self._session.tell(self.tr("The run's process is not to be found on this machine."), "bad")

    def _resume(self) -> None:
        if self.model is not None and self.model.can_resume():
            self._session.resume(self.model.run)

    def _again(self) -> None:
        if self.model is not None:
            values = to_dict(self.model.run.config())
            self._session.draft.replace(values, self.tr("settings of {name}").format(name=self.name.text()))
            self._session.page_wanted.emit("configure")

    def _open_folder(self) -> None:
        if self.model is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.model.run.path)))

    def _set_smoothing(self, index: int) -> None:
        if self.model is not None:
            self.model.curves["loss"].set_smoothing(_SMOOTHINGS[index][1])
            self.plots["loss"].redraw()

    def _reset_views(self) -> None:
        for plot in self.plots.values():
            plot.reset_view()

    def _read_log(self) -> None:
        if self.model is None or not self.isVisible():
            return
        path = self.model.run.path / "worker.log"
        try:
            size = path.stat().st_size
            if size == self._log_size:
                return
            with path.open("rb") as file:
                file.seek(max(0, size - _LOG_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return
        self._log_size = size
        bar = self._log.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 2
        self._log.setPlainText(text)
        if follows:
            bar.setValue(bar.maximum())


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return _tr("{s} s").format(s=whole)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return _tr("{h} h {min} min").format(h=hours, min=minutes)
    return _tr("{min} min {s} s").format(min=minutes, s=whole % 60)


def _tr(text: str) -> str:
    return QCoreApplication.translate("durations", text)
