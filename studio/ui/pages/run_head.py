"""The head of a run: its name and state, the buttons that steer it, how far it is, and its figures."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QMenu, QProgressBar, QSizePolicy, QToolButton

from studio import paths
from studio.core.runs import Run
from studio.ui import words
from studio.ui.elided import MIDDLE, Elided
from studio.ui.models import RunModel, glance
from studio.ui.pages.run_figures import RunFigures
from studio.ui.parts import button, card, column, pill, row, set_mark, set_tone
from studio.ui.theme import GRID, Theme


class RunHead(QFrame):
    """Shows a `RunModel`'s state; the buttons trigger the actions it is given.

    Attributes:
        name, state: labels.
        figures: its figures.
    """

    def __init__(
        self,
        theme: Theme,
        pause: QAction,
        resume: QAction,
        now: QAction,
        stops: Sequence[QAction | None],
        more: Sequence[QAction | None],
    ) -> None:
        """Shows nothing yet; None among `stops` and `more` is a line between them."""
        super().__init__()
        self._theme = theme
        self.name = Elided("", "heading", MIDDLE)
        self.state = pill("")
        self.pause_button = button(self.tr("Pause"), pause.trigger)
        theme.dress(self.pause_button, "pause")
        self.resume_button = button(self.tr("Resume"), resume.trigger, "primary")
        theme.dress(self.resume_button, "resume", "on_accent")
        self.now_button = button(self.tr("Start"), now.trigger)
        self.now_button.setToolTip(now.text())
        theme.dress(self.now_button, "play")
        self.stop_button = self._menu_button(self.tr("Stop"), "stop", stops)
        self.more_button = self._menu_button(self.tr("More"), "", more)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.said, self.left = (Elided("", "muted", MIDDLE) for _ in range(2))
        self.left.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        buttons = (self.pause_button, self.now_button, self.resume_button, self.stop_button, self.more_button)
        head = row(self.name, self.state, None, *buttons)
        self.figures = RunFigures()
        inner = card(column(head, self.bar, row(self.said, None, self.left), self.figures, spacing=GRID))
        self.setLayout(column(inner))
        # Below its own height its buttons would be cut.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def show_run(self, model: RunModel | None) -> None:
        """Shows where the run is now."""
        if model is None:
            self.name.setText("")
            self.state.setText("")
            return
        state = model.state()
        self.name.setText(model.title)
        tone = {"completed": "good", "early_stopped": "good", "failed": "bad"}.get(state, "live" if model.alive else "")
        self.state.setText(words.state(state))
        set_tone(self.state, tone)
        self._show_progress(model)
        self.figures.show_progress(model.progress)
        paused = model.held()
        icon = "play" if paused else "pause"
        if self.pause_button.property("icon_name") != icon:
            self.pause_button.setText(self.tr("Go on") if paused else self.tr("Pause"))
            self.pause_button.setAccessibleName(self.pause_button.text())
            self._theme.dress(self.pause_button, icon)
        self.pause_button.setVisible(model.alive and state != "queued")
        self.pause_button.setEnabled(not model.asked_stop)
        self.now_button.setVisible(state == "queued")
        self.stop_button.setVisible(model.alive)
        self.stop_button.setText(self.tr("Stopping") if model.asked_stop and model.alive else self.tr("Stop"))
        self._show_resume(model)

    def _show_resume(self, model: RunModel) -> None:
        """Offers to go on; where a failure says what to do first, that is the button that stands out."""
        plain = model.progress.failed is not None
        self.resume_button.setVisible(model.can_resume())
        self.resume_button.setObjectName("" if plain else "primary")
        set_mark(self.resume_button, "plain", plain)
        self._theme.dress(self.resume_button, "resume", "" if plain else "on_accent")

    def _menu_button(self, text: str, icon: str, actions: Sequence[QAction | None]) -> QToolButton:
        made = QToolButton()
        made.setObjectName("tool")
        made.setText(text)
        made.setAccessibleName(text)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        if icon:
            self._theme.dress(made, icon)
        menu = QMenu(made)
        menu.setToolTipsVisible(True)  # an action that is off may say why
        for action in actions:
            menu.addSeparator() if action is None else menu.addAction(action)
        made.setMenu(menu)
        return made

    def _show_progress(self, model: RunModel) -> None:
        told = model.progress
        phase, planned = told.phase, told.prepared
        waits = not told.steps and told.state != "paused"
        if model.alive and told.state == "queued" and phase is not None:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)
            other = glance(Run(paths.runs_dir() / phase.detail))
            paused = other.state == "paused"  # which may hold it for ever
            said = self.tr("Waiting for {name}, which is paused") if paused else self.tr("Waiting for {name}")
            self.said.setText(said.format(name=other.title))
            self.said.setMinimumWidth(0)
            self.left.setText("")
            return
        if model.alive and (waits or told.state == "preparing"):
            known = phase is not None and phase.total > 0
            self.bar.setRange(0, phase.total if phase is not None and known else 0)
            self.bar.setValue(phase.done if phase is not None and known else 0)
            said = f"{words.phase(phase.name)} {phase.detail}".strip() if phase is not None else self.tr("Starting")
            self.said.setText(f"{said} ...")
            self.said.setMinimumWidth(0)
            self.left.setText("")
            return
        steps = planned.steps if planned is not None else 0
        self.bar.setRange(0, max(steps, 1))
        self.bar.setValue(told.step)
        done = self.tr("Step {step} of {steps}").format(step=f"{told.step:,}", steps=f"{steps:,}")
        self.said.setText(done if planned is not None else self.tr("It made no step"))
        # A long name beside it gives way, not the step.
        self.said.setMinimumWidth(self.said.sizeHint().width())
        self.left.setText(self._time_text(model))

    def _time_text(self, model: RunModel) -> str:
        told = model.progress
        if told.finished is not None:
            kind = self.tr("model") if told.finished.is_model else self.tr("adapter")
            result = f"{kind} {told.finished.adapter}" if told.finished.adapter else ""
            return words.listed((result, f"{self.tr('trained in')} {words.duration(told.finished.train_s)}"))
        if model.alive and told.steps and told.state != "paused":
            return self.tr("{time} left").format(time=words.duration(told.steps[-1].eta_s))
        return ""
