"""What a run answers to the user's prompts as it learns: before training beside any later step."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QSlider, QWidget

from studio.core.errors import StudioError
from studio.core.events import Answered
from studio.ui import words
from studio.ui.answer_view import mark_different
from studio.ui.models import RunModel
from studio.ui.parts import column, holder, label, leave_wheel, row, set_mark, show_text, sound
from studio.ui.session import Session
from studio.ui.theme import GRID

_LONG = 90  # letters that a prompt is seen whole by in its list
_ASKED_PX = 9 * GRID


class RunAnswers(QWidget):
    """A prompt of the run, its answer before training, and the one at the step that the slider stands at.

    Attributes:
        prompts: those of the run.
    """

    def __init__(self, session: Session) -> None:
        """Shows nothing yet."""
        super().__init__()
        self._theme = session.theme
        self._model: RunModel | None = None
        self._shown: list[Answered] = []
        self.prompts: list[str] = []
        self.prompt = QComboBox()
        self.prompt.setAccessibleName(self.tr("Prompt"))
        self.prompt.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.prompt.currentIndexChanged.connect(self._show)
        leave_wheel(self.prompt)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Evaluation whose answer is shown"))
        self.slider.setPageStep(1)
        self.slider.setMinimumWidth(20 * GRID)
        self.slider.valueChanged.connect(self._show)
        self.said = label("", "muted", wrap=True)
        self.before, self.after = _box(self.tr("Answer before training")), _box(self.tr("Answer at the step chosen"))
        self._titles = [label("", "caption"), label("", "caption")]
        self.asked = _box(self.tr("The whole prompt"))
        self.asked.setFixedHeight(_ASKED_PX)
        head = row(self.prompt, self.slider)
        head.setStretch(0, 2)
        head.setStretch(1, 1)
        boxes = zip(self._titles, (self.before, self.after), strict=True)
        both = row(*(column(title, box, spacing=GRID // 2) for title, box in boxes))
        body = column(head, self.asked, both, spacing=GRID)
        body.setStretch(2, 1)
        self._body = holder(body)
        layout = column(self.said, self._body, spacing=GRID)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setStretch(1, 1)
        layout.addStretch(0)
        self.setLayout(layout)
        session.theme.changed.connect(self._show)

    def show_run(self, model: RunModel | None) -> None:
        """Shows another run's answers, or none."""
        self._model, self._shown = model, []
        self.prompts = _prompts(model)
        self.prompt.blockSignals(True)
        self.prompt.clear()
        self.prompt.addItems([" ".join(prompt.split()) for prompt in self.prompts])
        self.prompt.blockSignals(False)
        self.slider.setMaximum(0)
        self.advance()
        self._show()

    def advance(self) -> None:
        """Takes over the answers that came since; the newest is followed where it was shown."""
        told = self._model.progress.answered if self._model is not None else []
        if told == self._shown:
            return
        follows = self.slider.value() == self.slider.maximum()
        self._shown = list(told)
        self.slider.blockSignals(True)
        self.slider.setMaximum(max(0, len(told) - 1))
        if follows:
            self.slider.setValue(self.slider.maximum())
        self.slider.blockSignals(False)
        self._show()

    def _show(self) -> None:
        self.said.setText(self._missing())
        self.said.setVisible(bool(self.said.text()))
        self._body.setVisible(not self.said.text())
        if not self._shown or not self.prompts:
            return
        item, at = self._shown[min(self.slider.value(), len(self._shown) - 1)], max(0, self.prompt.currentIndex())
        first = self._shown[0]
        self._titles[0].setText(self._named(first))
        self._titles[1].setText(self._named(item))
        self.slider.setToolTip(self._named(item))
        self.asked.setVisible("\n" in self.prompts[at] or len(self.prompts[at]) > _LONG)
        show_text(self.asked, self.prompts[at])
        before, after = first.said(at), item.said(at)
        for box, (said, is_answer) in ((self.before, before), (self.after, after)):
            show_text(box, said if is_answer else words.sentence(said))
            set_mark(box, "wrong", not is_answer)
        both = before[1] and after[1]
        mark_different(self.after, sound(before[0]) if both else None, self._theme.palette)

    def _named(self, item: Answered) -> str:
        if item.step == 0:
            return self.tr("Before training")
        return self.tr("Step {step}").format(step=f"{item.step:,}")

    def _missing(self) -> str:
        if not self.prompts:
            return self.tr(
                "This run answers no prompts. Name some in Configure, and you can read here what is learned: each is "
                "answered before training and at every evaluation."
            )
        return "" if self._shown else self.tr("Nothing was answered yet.")


def _box(name: str) -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setAccessibleName(name)
    made.setReadOnly(True)
    made.setMinimumHeight(8 * GRID)
    return made


def _prompts(model: RunModel | None) -> list[str]:
    try:
        return model.run.config().training.sample_prompts if model is not None else []
    except StudioError:
        return []
