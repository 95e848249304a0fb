"""What a run can minimise, and what each objective asks of the rows and of the other settings."""

from typing import Any, Literal, NamedTuple

Objective = Literal["sft", "pretraining", "dpo", "ipo", "orpo", "simpo", "kto"]

# Where to begin with a preference: it pushes answers apart without end, where an answer that is learned is an end.
_PREFERENCE_RATE = 1e-5


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
    """What a setting has to be for an objective, and the sentence that says why."""

    key: str
    value: Any
    message: str


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
        found.append(Needed("adapter.method", "lora", message))
    return tuple(found)
