"""What a run can minimise, and what each objective asks of the other settings."""

from typing import Any, Literal, NamedTuple

Objective = Literal["sft", "pretraining", "dpo"]


class Needed(NamedTuple):
    """What a setting has to be for an objective, and the sentence that says why."""

    key: str
    value: Any
    message: str


WITH_DPO = (
    Needed("data.packing", False, message="With `dpo` two answers stay together, unpacked; set it to false."),
    Needed("data.long_text", "cut", message="With `dpo` no answer is made into chunks; set it to cut."),
    Needed("adapter.method", "lora", message="With `dpo` the base stays as it is, to compare with; set it to lora."),
)
# Where to begin with it: a preference pushes answers apart without end, where an answer that is learned is an end.
DPO_LEARNING_RATE = 1e-5
