"""How long a run still takes, as its steps, evaluations and checkpoints so far took."""

from dataclasses import dataclass, field

_STEPS = 20  # that tell how long the next ones take
# An evaluation goes forward only, which is about a third of what a step does with a token.
_FORWARD = 1 / 3


@dataclass(slots=True)
class Pace:
    """What the parts of a run took.

    Attributes:
        evaluation_tokens: of one evaluation; 0: there is none.
        steps: seconds and tokens of the last steps.
        evaluation_s: seconds of the last evaluation; None: there was none yet.
        saving_s: seconds of the last checkpoint.
        answers_s: seconds of the last answers to the user's prompts.
    """

    evaluation_tokens: int
    steps: list[tuple[float, int]] = field(default_factory=list)
    evaluation_s: float | None = None
    saving_s: float = 0.0
    answers_s: float = 0.0

    def add(self, step_s: float, tokens: int) -> None:
        """Takes note of a step."""
        self.steps = [*self.steps, (step_s, tokens)][-_STEPS:]

    def left_s(self, step: int, steps: int, eval_steps: int, save_steps: int) -> float:
        """Returns the seconds until the end of a run of `steps` steps, right behind its step `step`."""
        spent, tokens = sum(step_s for step_s, _ in self.steps), sum(count for _, count in self.steps)
        evaluation_s = self.evaluation_s
        if evaluation_s is None:
            evaluation_s = self.evaluation_tokens * _FORWARD * spent / tokens
        return (
            (steps - step) * spent / len(self.steps)
            + _due(step, steps, eval_steps) * (evaluation_s + self.answers_s)
            + _due(step, steps, save_steps) * self.saving_s
        )


def _due(step: int, steps: int, every: int) -> int:
    """Returns how often something still comes that follows every so many steps and the last, `step` among them."""
    return steps // every - (step - 1) // every + (steps % every > 0)
