"""What the window asks of the desk process and what it answers, one JSON object a line on a private pipe.

Every request carries an `id` and gets any number of `Progress`, `Piece`, `Found` and `Results` and then exactly one of
`Done`, `Failed` and `Cancelled` with the same id. Requests are worked on one after the other, in the order they came.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from studio.core.asking import OPEN as _OPEN
from studio.core.asking import Message as Message
from studio.core.asking import Sampling as Sampling
from studio.core.asking import Strength as Strength
from studio.core.config import DataSpec, LongText, ModelSpec, Quantization
from studio.core.data.mapping import Role
from studio.core.errors import Reason, StudioError
from studio.core.evaluations import Evaluate as Evaluate
from studio.core.evaluations import Evaluated as Evaluated
from studio.core.evaluations import Result as RowResult
from studio.core.objectives import Objective

WHOLE = 1_048_576  # a maximum length that cuts nothing
# A row may be of any length; the window is shown its beginning.
MAX_SHOWN_TOKENS = 50_000

PhaseName = Literal[
    "reading", "downloading", "loading", "counting", "answering", "checking", "comparing", "tokenizing", "scoring",
    "evaluating", "waiting",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Tokens:
    """Shows a row, or a conversation, as the model will see it. Answered by `Picture`.

    Attributes:
        file: the data file; empty: `messages` instead.
        row: its number in the file, from 0.
        mapping: which of its columns play which part, as `DataSpec.mapping`.
        model: `demo`, a folder or a hub id.
        template: the text of a chat template that is being edited; empty: the one `chat_template` names.
        worse: of a row with two answers those of the worse one, instead of the better.
    """

    kind: Literal["tokens"] = "tokens"
    id: int = 0
    file: str = ""
    row: Annotated[int, Field(ge=0)] = 0
    messages: list[Message] = Field(default_factory=list)
    format: str = "auto"
    mapping: dict[Role, str] = Field(default_factory=dict)
    model: str = "demo"
    revision: str | None = None
    max_length: Annotated[int, Field(ge=8, le=1_048_576)] = 1024
    chat_template: str = "auto"
    system: str = ""
    long_text: LongText = "cut"
    chunk_overlap: Annotated[int, Field(ge=0, le=524_288)] = 0
    train_overlap: bool = False
    template: Annotated[str, Field(max_length=1_000_000)] = ""
    worse: bool = False
    objective: Objective = "sft"


def conversation(system: str, question: str, answer: str) -> Tokens:
    """Returns how to ask for an answer behind its question; empty: no instruction. Nothing of it is cut."""
    messages = [Message(role="system", content=system)] if system else []
    messages += [Message(role="user", content=question), Message(role="assistant", content=answer)]
    return Tokens(messages=messages, max_length=WHOLE)


def tokens_of(data: DataSpec, row: int, model: ModelSpec, objective: Objective = "sft") -> Tokens:
    """Returns how to ask for a row as these settings make it."""
    return Tokens(
        file=data.path,
        row=row,
        format=data.format,
        mapping=data.mapping,
        model=model.path,
        revision=model.revision,
        max_length=data.max_length,
        chat_template=data.chat_template,
        system=data.system,
        long_text=data.long_text,
        chunk_overlap=data.chunk_overlap,
        train_overlap=data.train_overlap,
        objective=objective,
    )


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Plan:
    """Counts what a run of `config` (`to_dict`) would train and feed, or needs in memory. Answered by `Facts`."""

    kind: Literal["plan", "memory"] = "plan"
    id: int = 0
    config: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Model:
    """Reads a model's structure; no weights are loaded. Answered by `Facts`."""

    kind: Literal["model"] = "model"
    id: int = 0
    model: str = "demo"
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Hardware:
    """Looks at the machine, as `studio doctor` does. Answered by `Facts`."""

    kind: Literal["hardware"] = "hardware"
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Release:
    """Gives back the memory of the base and adapters that are loaded. Answered by `Facts` without any."""

    kind: Literal["release"] = "release"
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Answer:
    """Lets a base and adapters answer the same conversation. Answered by pieces of text and `Answers`.

    Attributes:
        model: the base; empty: the one the first adapter was made for.
        quantization: None: as in the adapters' training, by default where that differed.
        adapters: a column each: a name in the library or a PEFT folder; None: the base itself.
        strengths: how strongly each column's adapter acts; empty: all as they were trained.
        messages: the conversation, the user's turn last.
        force: even if the base is not the one an adapter was trained on.
    """

    kind: Literal["answer"] = "answer"
    id: int = 0
    model: str = ""
    revision: str | None = None
    quantization: Quantization | None = None
    adapters: Annotated[list[str | None], Field(min_length=1, max_length=64)]
    strengths: list[Strength] = Field(default_factory=list)
    messages: Annotated[list[Message], Field(min_length=1)]
    sampling: Sampling = Sampling()
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Score:
    """Has a base and adapters read the same text, and tells what each makes of every token. Answered by `Scores`.

    Attributes:
        text: the row, or a conversation that ends with an answer; all lay it out as the first adapter was trained to,
            unless it names a template itself. Its `id`, `model` and `revision` are not looked at.
        unfinished: the conversation's answer was broken off: the end that a template puts behind it does not count.
        most_shown: tokens of the text that are told of one by one.
        model: and all else as in `Answer`.
    """

    kind: Literal["score"] = "score"
    id: int = 0
    text: Tokens
    unfinished: bool = False
    most_shown: Annotated[int, Field(ge=1, le=1_048_576)] = 4_000
    model: str = ""
    revision: str | None = None
    quantization: Quantization | None = None
    adapters: Annotated[list[str | None], Field(min_length=1, max_length=64)]
    strengths: list[Strength] = Field(default_factory=list)
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Audit:
    """Looks at every row of a data file with a model's eyes. Answered by `Found` and `Audited`.

    Attributes:
        eval_path: a file of its own for evaluation; empty: `eval_split` of the rows, drawn by `seed`.
    """

    kind: Literal["audit"] = "audit"
    id: int = 0
    file: str
    format: str = "auto"
    mapping: dict[Role, str] = Field(default_factory=dict)
    eval_path: str = ""
    eval_split: Annotated[float, Field(ge=0, lt=1)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    model: str = "demo"
    revision: str | None = None
    max_length: Annotated[int, Field(ge=8, le=1_048_576)] = 1024
    chat_template: str = "auto"
    system: str = ""
    long_text: LongText = "cut"
    chunk_overlap: Annotated[int, Field(ge=0, le=524_288)] = 0
    objective: Objective = "sft"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Lengths:
    """Counts the tokens of every row, whatever the maximum length. Answered by `Measured`."""

    kind: Literal["lengths"] = "lengths"
    id: int = 0
    file: str
    format: str = "auto"
    mapping: dict[Role, str] = Field(default_factory=dict)
    model: str = "demo"
    revision: str | None = None
    chat_template: str = "auto"
    system: str = ""
    objective: Objective = "sft"


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Cancel:
    """Ends the request with this id: at once while it waits, else at the next piece of work."""

    kind: Literal["cancel"] = "cancel"
    id: int


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Picture:
    """A row as tokens: at most `MAX_SHOWN_TOKENS` of them.

    Attributes:
        text: what was tokenised.
        ids, names, trained, special, offsets: for each token its id, its name in the vocabulary, whether it carries
            loss, whether it is a special one, and where it stands in `text`, [start, end) in characters; a token
            that was added outside of the text has an empty span.
        kept: how many tokens the maximum length leaves; those behind are cut.
        tokens: how many the row has in all.
        chunks: of which of its tokens, [start, stop), a sequence is made, and from which on they carry loss; of a long
            text there may be several. All behind the first begin with the row's first `beginning` tokens too.
        written: whether a token is of what the person wrote; the others come from the template.
        answer: of a row with two whether this is the `better` one or the `worse`, of a labelled one whether it is
            `good` or `bad`; empty: it is neither.
    """

    kind: Literal["picture"] = "picture"
    text: str
    ids: list[int]
    names: list[str]
    trained: list[bool]
    special: list[bool]
    offsets: list[tuple[int, int]]
    kept: int
    tokens: int
    chunks: list[tuple[int, int, int]] = Field(default_factory=list)
    beginning: int = 0
    written: list[bool] = Field(default_factory=list)
    template: str = ""
    answer: Literal["", "better", "worse", "good", "bad"] = ""

    @property
    def paired(self) -> bool:
        """Whether its row has another answer."""
        return self.answer in ("better", "worse")

    @property
    def avoided(self) -> bool:
        """Whether its answer is learned to be avoided."""
        return self.answer in ("worse", "bad")

    def piece(self, token: int) -> str:
        """Returns what stands for a token: its part of the text, or its name if it was added."""
        left, right = self.offsets[token]
        return self.text[left:right] if right > left else self.names[token]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Column:
    """One column's whole answer; as `studio.engine.generate.Answer`. `adapter` is as it was asked for."""

    adapter: str | None
    text: str
    tokens: int
    seconds: float
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Answers:
    """All columns, in the order asked for."""

    kind: Literal["answers"] = "answers"
    columns: list[Column]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Facts:
    """What was found out, under the engine's own names: a plan, a model's structure or a report of the machine."""

    kind: Literal["facts"] = "facts"
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Audited:
    """What an audit found in all.

    Attributes:
        findings: each `studio.core.audit.findings.Finding.summary`, in the order of its `KINDS`.
        about: `rows` and `usable` rows of the file, and how many are in which of the `languages`;
            the tokenizer's `specials`, for `studio.core.versions.steps.Mend`.
        folders: where all their rows lie, for `studio.core.audit.findings.load`.
        lengths: where the rows' lengths lie, for `studio.core.audit.lengths.Lengths.load`.
    """

    kind: Literal["audited"] = "audited"
    findings: list[dict[str, Any]]
    about: dict[str, Any]
    folders: list[str]
    lengths: str


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Measured:
    """The rows' lengths in tokens.

    Attributes:
        lengths: the folder they lie in, for `studio.core.audit.lengths.Lengths.load`.
        findings: the rows that have none, and those with tools that are left out, as in `Audited`.
    """

    kind: Literal["measured"] = "measured"
    lengths: str
    findings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Scored:
    """What one column makes of every token of a text; as `studio.engine.scoring.Scored`.

    Attributes:
        adapter: as it was asked for.
        loss: the mean of the tokens that count, in nats.
        losses: of the text's first tokens, T of them, in nats; not a number where there is none.
        top_ids: the likeliest tokens of every place, `Scores.top_k` of them, the likeliest first; one place behind the
            other, T x `top_k` in all. -1: none.
        top_losses: theirs.
    """

    adapter: str | None
    loss: float
    losses: list[float]
    top_ids: list[int]
    top_losses: list[float]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Scores:
    """All columns, in the order asked for.

    Attributes:
        picture: the text.
        counts: which of its first tokens count, T of them; `counted` of all do.
        read: so many of its tokens were read; the maximum length or the model's own limit left out the others.
        top_k: how many likeliest tokens are told of a place.
        names: what stands for each of their ids.
    """

    kind: Literal["scores"] = "scores"
    picture: Picture
    columns: list[Scored]
    counts: list[bool]
    counted: int
    read: int
    top_k: int
    names: dict[int, str]


Result = Picture | Answers | Facts | Audited | Measured | Scores | Evaluated


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Progress:
    """What is being done for a request; `done` of `total` in the phase's own unit, 0 of 0 where it has none."""

    kind: Literal["progress"] = "progress"
    id: int
    phase: PhaseName
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Piece:
    """The next piece of a column's answer; never half a character."""

    kind: Literal["piece"] = "piece"
    id: int
    column: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Found:
    """Findings of an audit, as they are complete; as in `Audited`."""

    kind: Literal["found"] = "found"
    id: int
    findings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Results:
    """Rows of an evaluation as they are whole: those that were known before, then each as it comes."""

    kind: Literal["results"] = "results"
    id: int
    results: list[RowResult]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Done:
    """The request is answered."""

    kind: Literal["done"] = "done"
    id: int
    result: Annotated[Result, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Failed:
    """The request cannot be answered; as `StudioError`, or `crash` for a defect of the program."""

    kind: Literal["failed"] = "failed"
    id: int
    reason: Reason | Literal["crash"]
    message: str
    hint: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_OPEN)
class Cancelled:
    """The request was ended as asked."""

    kind: Literal["cancelled"] = "cancelled"
    id: int


Request = Tokens | Plan | Model | Hardware | Release | Answer | Score | Evaluate | Audit | Lengths
Reply = Progress | Piece | Found | Results | Done | Failed | Cancelled

_REQUESTS: TypeAdapter[Request | Cancel] = TypeAdapter(
    Annotated[Request | Cancel, Field(discriminator="kind")], config=_OPEN
)
_REPLIES: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")], config=_OPEN)
_ID: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def encode(item: Request | Cancel | Reply) -> bytes:
    """Returns `item` as one JSON line, newline included."""
    adapter: TypeAdapter[Any] = _REPLIES if isinstance(item, Reply) else _REQUESTS
    return adapter.dump_json(item) + b"\n"


def decode_request(line: bytes) -> Request | Cancel | Failed:
    """Reads one line; for one that is no request, the reply that says so."""
    try:
        return _REQUESTS.validate_json(line)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in found["loc"])
        return Failed(
            id=_id(line),
            reason="usage",
            message=f"The request cannot be read: {where or 'line'}: {found['msg'].lower()}.",
            hint="Start Finetune Studio again; its window and its helper process may be of different versions.",
        )


def decode_reply(line: bytes) -> Reply | None:
    """Reads one line; None for a torn line or a kind this version does not know."""
    try:
        return _REPLIES.validate_json(line)
    except ValidationError:
        return None


def failure(request_id: int, error: StudioError) -> Failed:
    """Returns the reply that tells of `error`."""
    return Failed(id=request_id, reason=error.reason, message=error.message, hint=error.hint, detail=error.detail)


def _id(line: bytes) -> int:
    try:
        found = _ID.validate_json(line).get("id")
    except ValidationError:
        return 0
    return found if type(found) is int else 0
