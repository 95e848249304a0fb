"""What a run can minimise, and what each objective asks of the rows and of the other settings."""

from typing import Any, Literal, NamedTuple, get_args

from studio.core.errors import StudioError
from studio.core.methods import ADAPTERS

Objective = Literal["sft", "pretraining", "dpo", "ipo", "orpo", "simpo", "kto"]

# Where to begin with a preference: it pushes answers apart without end, where an answer that is learned is an end.
_PREFERENCE_RATE = 1e-5


# What a model can learn to write; `preference` and `kto` are trained on too, but by other objectives.
TRAINABLE = ("messages", "prompt_completion", "alpaca", "text", "mixed")


class Asked(NamedTuple):
    """What an objective asks for.

    Attributes:
        rows: the format of the rows it learns from; empty: of those that show what to write.
        reference: whether it is measured against what the base alone makes of the answers.
        beta: the usual `training.beta`.
        learning_rate: the usual one; None: the default.
        settings: those of `training` that are for it, and not for every objective.
    """

    rows: Literal["", "preference", "kto"] = ""
    reference: bool = False
    beta: float = 0.1
    learning_rate: float | None = None
    settings: tuple[str, ...] = ()

    @property
    def compares(self) -> bool:
        """Whether a row has one loss, of its answers as a whole, and not one for each token."""
        return bool(self.rows)


class Needed(NamedTuple):
    """What a setting has to be for an objective, and the sentence that says why.

    Attributes:
        also: what it may be as well.
    """

    key: str
    value: Any
    message: str
    also: tuple[Any, ...] = ()

    def suits(self, value: Any) -> bool:
        """Whether the setting may have a value."""
        return value == self.value or value in self.also


_ASKED = {
    "dpo": Asked("preference", True, 0.1, _PREFERENCE_RATE, ("beta",)),
    "ipo": Asked("preference", True, 0.1, _PREFERENCE_RATE, ("beta",)),
    "orpo": Asked("preference", False, 0.1, _PREFERENCE_RATE, ("beta",)),
    "simpo": Asked("preference", False, 2.0, _PREFERENCE_RATE, ("beta", "simpo_gamma")),
    "kto": Asked("kto", True, 0.1, _PREFERENCE_RATE, ("beta", "desirable_weight", "undesirable_weight")),
}
OWN_SETTINGS = frozenset(name for found in _ASKED.values() for name in found.settings)


def asked(objective: str) -> Asked:
    """Returns what an objective asks for."""
    return _ASKED.get(objective, Asked())


def needed(objective: str) -> tuple[Needed, ...]:
    """Returns what other settings have to be for an objective."""
    found = list[Needed]()
    if asked(objective).compares:
        message = f"With `{objective}` rows are compared one by one, unpacked; set it to false."
        found.append(Needed("data.packing", False, message))
        message = f"With `{objective}` no answer is made into chunks; set it to cut."
        found.append(Needed("data.long_text", "cut", message))
    if asked(objective).reference:
        message = f"With `{objective}` the base stays as it is, to compare with; set it to lora."
        found.append(Needed("adapter.method", "lora", message, ADAPTERS))
    return tuple(found)


def trainable(row_format: str, objective: str) -> bool:
    """Whether rows of a format are what an objective learns from."""
    wanted = asked(objective).rows
    return row_format == wanted if wanted else row_format in TRAINABLE


def learned_by(row_format: str) -> Objective | None:
    """Returns the objective that rows of a format are for, such as `dpo`; None: they are not trained on."""
    return next((name for name in get_args(Objective) if trainable(row_format, name)), None)


def objective_for(row_format: str, asked: str) -> str:
    """Returns what rows of a format are learned by: what is asked where that takes them, else what they are for."""
    return asked if trainable(row_format, asked) else learned_by(row_format) or asked


def untrainable(row_format: str, objective: str) -> StudioError:
    """Says that rows of a format cannot be trained on with an objective, and how they can all the same."""
    if asked(objective).rows == "preference":
        message = f"`{objective}` learns from rows with a better and a worse answer, and these have none."
        hint = (
            f"Set training.objective={learned_by(row_format)}, or name their columns: "
            "data.mapping={prompt: .., chosen: .., rejected: ..}."
        )
        return StudioError("data", message, hint)
    if asked(objective).rows == "kto":
        message = f"`{objective}` learns from rows with an answer and a label of good or bad, and these have none."
        hint = (
            f"Set training.objective={learned_by(row_format)}, or name their columns: "
            "data.mapping={prompt: .., completion: .., label: ..}."
        )
        return StudioError("data", message, hint)
    if row_format == "preference":
        message = f"Rows with a better and a worse answer are not learned with `{objective}`."
        hint = "Set training.objective=dpo; for the better answers alone data.mapping={prompt: .., completion: chosen}."
        return StudioError("data", message, hint)
    message = f"Rows with labels of good and bad are not learned with `{objective}`."
    hint = "Set training.objective=kto; to learn every completion, good or bad, data.format=prompt_completion."
    return StudioError("data", message, hint)


def forget_usual(training: dict[str, Any]) -> None:
    """Leaves `beta` out of the settings of `training` where it is the objective's usual one: others have others."""
    if training.get("beta") == asked(str(training.get("objective"))).beta:
        training["beta"] = None
