"""What a run says (`events.jsonl`) and what is asked of it (`commands.jsonl`), one JSON object a line.

Unknown fields are ignored and unknown kinds skipped, so an older window reads a newer run.
"""

import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from studio.core.asking import Message
from studio.core.errors import Reason
from studio.core.files import length, read_lines

MOST_MESSAGES, MOST_TOKENS = 199, 8192  # of a question, and of its answer
_TAIL_BYTES = 16_384
# Without "constants" pydantic writes NaN as null, and a diverged loss is the event that matters most.
# Each kind is built with the union it is read by, not once more by itself.
_OPEN = ConfigDict(extra="ignore", ser_json_inf_nan="constants", defer_build=True)

PhaseName = Literal[
    "queued",
    "loading",
    "downloading",
    "tokenizing",
    "reference",
    "initialising",
    "training",
    "evaluating",
    "answering",
    "saving",
    "finishing",
]
Outcome = Literal["completed", "stopped", "early_stopped"]
Activations = Literal["kept", "recomputed", "offloaded"]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Phase:
    """The run entered a phase, or got further in it (`done` of `total`, in the phase's own unit).

    In `queued` it waits for its turn, behind the run that `detail` names.
    """

    kind: Literal["phase"] = "phase"
    time_s: float = Field(default_factory=time.time)
    name: PhaseName
    detail: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Prepared:
    """Model and data are ready; what the run consists of.

    Attributes:
        tokens_per_epoch: tokens fed in one epoch, padding never counted.
        trained_tokens_per_epoch: those of them that carry loss.
        batching: `flat` (rows end to end) or `padded` (the fallback where a model mixes flat rows).
        threads: processor threads it computes with.
        micro_batch_tokens: the most tokens of a pass; 0: micro-batches as configured.
        plain: fast paths that are not taken, by name, and why; the plain ones compute the same.
        activations: until the backward pass they are kept, or computed again in it, or moved out of the card's memory.
        own_attention: a card attends by this program's own kernels, which it measured to be faster.
        data: the fingerprint of the training data, whose rows the row log numbers; empty in runs of before.
        evaluation: that of the evaluation data, where it is a file of its own; empty in runs of before.
    """

    kind: Literal["prepared"] = "prepared"
    time_s: float = Field(default_factory=time.time)
    steps: int
    steps_per_epoch: int
    rows: int
    eval_rows: int
    rejected_rows: int
    truncated_rows: int
    untrained_rows: int
    tokens_per_epoch: int
    trained_tokens_per_epoch: int
    trainable_parameters: int
    total_parameters: int
    device: str
    dtype: str
    batching: Literal["flat", "padded"]
    threads: int = 0
    micro_batch_tokens: int = 0
    plain: dict[str, str] = Field(default_factory=dict)
    activations: Activations = "kept"
    own_attention: bool = False
    data: str = ""
    evaluation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Step:
    """One optimizer step.

    Attributes:
        loss: in nats: the mean over the step's trained tokens; of preferences over its rows, as the objective has it.
        tokens: tokens fed in this step; `trained_tokens` of them carry loss.
        memory_bytes: the most memory in use so far: the device's (CUDA), or the process's (CPU).
        reward_accuracy: of rows with two answers, the share whose better one is preferred; of labelled ones, the share
            whose reward has the sign of the label.
        reward_margin: by how much, in the mean: the difference of the two answers' rewards, or the reward with the
            label's sign.
    """

    kind: Literal["step"] = "step"
    time_s: float = Field(default_factory=time.time)
    step: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    trained_tokens: int
    step_s: float
    tokens_per_s: float
    memory_bytes: int
    eta_s: float
    reward_accuracy: float | None = None
    reward_margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Evaluated:
    """The evaluation rows' mean loss, in nats: over trained tokens; of preferences over rows.

    At step 0 it is the base's, before anything is learned.

    Attributes:
        best: the loss is the lowest so far.
        reward_accuracy: of rows with two answers, the share whose better one is preferred; of labelled ones, the share
            whose reward has the sign of the label.
    """

    kind: Literal["evaluated"] = "evaluated"
    time_s: float = Field(default_factory=time.time)
    step: int
    eval_loss: float
    trained_tokens: int
    best: bool
    reward_accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Answered:
    """The user's prompts were answered with the weights of a step; 0: before training.

    Attributes:
        answers: one to each of `TrainingSpec.sample_prompts`, in their order.
        faults: why one of them could not be given, by its place.
    """

    kind: Literal["answered"] = "answered"
    time_s: float = Field(default_factory=time.time)
    step: int
    answers: list[str]
    faults: dict[int, str] = Field(default_factory=dict)

    def said(self, at: int) -> tuple[str, bool]:
        """Returns what came of a prompt, and whether that is an answer rather than why there is none."""
        if at in self.faults:
            return self.faults[at], False
        return (self.answers[at], True) if at < len(self.answers) else ("", False)


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Replied:
    """A question that was put to the run meanwhile was answered with the weights of a step.

    Attributes:
        id: the question's.
        question: what was asked last.
        turn: how many messages there were before; 0: it began a conversation.
        answer: what it said.
        fault: why there is no answer; empty: there is.
    """

    kind: Literal["replied"] = "replied"
    time_s: float = Field(default_factory=time.time)
    step: int
    id: str = ""
    question: str
    turn: int = 0
    answer: str
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Saved:
    """A checkpoint is complete and verified on disk; `path` is relative to the run folder."""

    kind: Literal["saved"] = "saved"
    time_s: float = Field(default_factory=time.time)
    step: int
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Resumed:
    """The run goes on behind `step`; whatever was told of later steps is computed again.

    Attributes:
        checkpoint: the checkpoint used, relative to the run folder; empty: from the start.
        refused: why each newer checkpoint was not used, one sentence each.
    """

    kind: Literal["resumed"] = "resumed"
    time_s: float = Field(default_factory=time.time)
    step: int
    checkpoint: str
    refused: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Obeyed:
    """A command took effect behind `step`, so that a resumed run can repeat it at the same place."""

    kind: Literal["obeyed"] = "obeyed"
    time_s: float = Field(default_factory=time.time)
    step: int
    command: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Notice:
    """Something worth knowing that does not end the run; behind `step`, or 0: before the first."""

    kind: Literal["notice"] = "notice"
    time_s: float = Field(default_factory=time.time)
    step: int = 0
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Finished:
    """The run is over and its result is whole.

    Attributes:
        path: the result's folder, in the run folder relative to that.
        adapter: the result's name in the library; empty where a model trained whole could not be moved there.
        result_step: the step whose weights the result holds.
        train_s: seconds spent in steps, over all resumptions.
    """

    kind: Literal["finished"] = "finished"
    time_s: float = Field(default_factory=time.time)
    step: int
    outcome: Outcome
    path: str
    adapter: str
    result_step: int
    train_s: float

    @property
    def is_model(self) -> bool:
        """Whether the result is no adapter but a model that was trained whole."""
        return self.path != "adapter"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Failed:
    """The run ended without a result; its checkpoints are kept.

    Attributes:
        killed: its process told nothing: somebody killed it, or the system did.
    """

    kind: Literal["failed"] = "failed"
    time_s: float = Field(default_factory=time.time)
    reason: Reason | Literal["crash"]
    message: str
    hint: str
    detail: str = ""
    killed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Stop:
    """Ends the run behind the current step, with a checkpoint and, with `keep`, a result.

    Attributes:
        keep: whether there is to be a result.
        by_system: it was not the user who asked: the machine shuts down, say.
    """

    kind: Literal["stop"] = "stop"
    keep: bool = True
    by_system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Pause:
    """Holds the run behind the current step, model in memory."""

    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Continue:
    """Lets a paused run go on."""

    kind: Literal["continue"] = "continue"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Save:
    """Writes a checkpoint now."""

    kind: Literal["save"] = "save"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Evaluate:
    """Evaluates now; it counts neither for the best nor for early stopping."""

    kind: Literal["evaluate"] = "evaluate"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Question:
    """Has the run answer with its present weights, also while it is paused; nothing that it learns is changed by it.

    Attributes:
        id: by which its answer is known.
        messages: the conversation, the question last.
        max_new_tokens: of the answer; 0: as many as to the run's own prompts.
    """

    kind: Literal["question"] = "question"
    id: str = Field(default_factory=lambda: secrets.token_hex(8))
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_new_tokens: Annotated[int, Field(ge=0, le=MOST_TOKENS)] = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class SetLearningRate:
    """Changes the peak learning rate from the next step on; the schedule's shape stays."""

    kind: Literal["set_learning_rate"] = "set_learning_rate"
    learning_rate: Annotated[float, Field(gt=0, le=10)]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class SaveMemory:
    """Has a run that is resumed need less memory, now and whenever it is resumed later; rows and batches stay.

    Attributes:
        micro_batch_tokens: the most tokens of a pass; 0: as before.
        activation_checkpointing: activations are computed again in the backward pass.
    """

    kind: Literal["save_memory"] = "save_memory"
    micro_batch_tokens: Annotated[int, Field(ge=0, le=16_777_216)] = 0
    activation_checkpointing: bool = False


Event = Phase | Prepared | Step | Evaluated | Answered | Replied | Saved | Resumed | Obeyed | Notice | Finished | Failed
Command = Stop | Pause | Continue | Save | Evaluate | Question | SetLearningRate | SaveMemory

_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")], config=_OPEN)
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="kind")], config=_OPEN)


def encode(item: Event | Command) -> bytes:
    """Returns `item` as one JSON line, newline included."""
    adapter: TypeAdapter[Any] = _COMMANDS if isinstance(item, Command) else _EVENTS
    return adapter.dump_json(item) + b"\n"


def decode_event(line: bytes | str) -> Event | None:
    """Reads one line; None for a torn line or a kind this version does not know."""
    try:
        return _EVENTS.validate_json(line)
    except ValidationError:
        return None


def decode_command(line: bytes | str) -> Command | None:
    """Reads one line; None for a torn line, a kind this version does not know or a value out of bounds."""
    try:
        return _COMMANDS.validate_json(line)
    except ValidationError:
        return None


def tail(path: Path, back_to: type[Event] | None = None) -> list[Event]:
    """Returns the events at the end of a run's file, at least the last one however long it is; none without a file.

    With `back_to` one of that kind is among them, if the file has one.
    """
    size, reach = length(path), _TAIL_BYTES
    while True:
        lines, _ = read_lines(path, max(0, size - reach))
        found = [event for line in lines if (event := decode_event(line)) is not None]
        if reach >= size or (found and (back_to is None or any(isinstance(event, back_to) for event in found))):
            return found
        reach *= 8


def last(path: Path) -> Event | None:
    """Returns the last event of a run's file; None: there is none."""
    return next(reversed(tail(path)), None)
