"""What helps a run that failed: to be asked for something and resumed, or other settings in a new run."""

from dataclasses import dataclass, field
from typing import Any

from studio.core.config import RunConfig
from studio.core.events import Failed, Prepared, SaveMemory, SetLearningRate
from studio.core.methods import quantizes
from studio.core.progress import Progress

_LEAST_TOKENS = 64
_MOST_RATE = 0.1  # that anything learns with
# In these no pass is computed.
_BESIDE = ("queued", "loading", "downloading", "tokenizing", "saving", "finishing")
# What a run fails of as often as it is resumed with the same settings.
_OF_SETTINGS = ("usage", "config", "data", "model", "adapter")


@dataclass(frozen=True, slots=True)
class Recovery:
    """What helps.

    Attributes:
        resumes: the run is resumed; else a new one is made of its settings.
        command: what it is asked for before.
        settings: what is set otherwise in the new run.
    """

    resumes: bool
    command: SaveMemory | SetLearningRate | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def of(failed: Failed, told: Progress, config: RunConfig) -> Recovery:
    """Returns what helps a run of `config` that failed, having `told` all it did."""
    if failed.reason == "diverged":
        return Recovery(True, SetLearningRate(learning_rate=_lower(told, config)))
    if failed.reason == "memory":
        return _of_memory(told, config)
    return Recovery(failed.reason not in _OF_SETTINGS)


def spares(failed: Failed, told: Progress, config: RunConfig) -> SaveMemory | None:
    """Returns what else may help one that was killed, as the system does where memory runs out; None: nothing."""
    command = _of_memory(told, config).command if failed.killed and told.steps else None
    return command if isinstance(command, SaveMemory) else None


def hint(failed: Failed, told: Progress, config: RunConfig) -> str:
    """Returns the failure's hint, or a better one where memory ran out in the midst of a run."""
    command = of(failed, told, config).command
    if not isinstance(command, SaveMemory):
        return failed.hint
    what = "Rows and batches stay; from there on numbers may differ in their last bits, and dropout draws others."
    return f"{_way_sentence(command)} {what}"


def words(command: SaveMemory | SetLearningRate, address: str) -> str:
    """Returns the command line that resumes a run so."""
    if isinstance(command, SetLearningRate):
        return f"studio runs resume {address} --learning-rate {command.learning_rate:g}"
    if command.activation_checkpointing:
        return f"studio runs resume {address} --activation-checkpointing"
    return f"studio runs resume {address} --micro-batch-tokens {command.micro_batch_tokens}"


def _way_sentence(command: SaveMemory) -> str:
    if command.activation_checkpointing:
        return "Resume with activations computed again in the backward pass: far less memory, slower."
    return f"Resume with passes of at most {command.micro_batch_tokens:,} tokens."


def _lower(told: Progress, config: RunConfig) -> float:
    """Returns half the peak learning rate that the run came to, or a tenth of one far from any that is usual.

    So too where a lower one was of no use at all.
    """
    rates = [(-1, config.training.learning_rate), *told.learning_rates]
    in_vain = len(rates) > 1 and rates[-1][1] < rates[-2][1] and rates[-1][0] >= told.step
    return rates[-1][1] / (10 if in_vain or rates[-1][1] > _MOST_RATE else 2)


def _of_memory(told: Progress, config: RunConfig) -> Recovery:
    prepared, phase = told.prepared, told.phase
    beside = (*_BESIDE, "initialising") if config.adapter.halved else _BESIDE
    if prepared is None or (phase is not None and phase.name in beside):
        # One that has begun had room before: something else takes the memory now.
        return Recovery(True) if told.steps else Recovery(False, settings=_smaller_base(config))
    if (command := _less(prepared, config)) is not None:
        return Recovery(True, command)
    return Recovery(False, settings=_smaller_base(config))


def _less(prepared: Prepared, config: RunConfig) -> SaveMemory | None:
    """Returns what makes a run need less memory than it was prepared for; None: nothing is left."""
    # A bound that no step reaches could be halved without any good.
    of_step = -(-prepared.tokens_per_epoch // max(1, prepared.steps_per_epoch))
    halved = min(prepared.micro_batch_tokens, of_step) // 2 if prepared.batching == "flat" else 0
    # Passes of fewer tokens than a row has are of one row all the same.
    if halved >= max(config.data.max_length, _LEAST_TOKENS):
        return SaveMemory(micro_batch_tokens=halved)
    if prepared.activations == "kept":
        return SaveMemory(activation_checkpointing=True)
    return SaveMemory(micro_batch_tokens=halved) if halved >= _LEAST_TOKENS else None


def _smaller_base(config: RunConfig) -> dict[str, Any]:
    smaller = quantizes(config.adapter.method) and config.model.quantization != "nf4"
    return {"model.quantization": "nf4"} if smaller else {}
