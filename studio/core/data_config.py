"""What a run's config says of its data; see `studio.core.config`, which it is a part of."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from studio.core.data.mapping import Role
from studio.paths import is_version

# Built when first used: a command that reads no config does not pay for it.
STRICT = ConfigDict(extra="forbid", defer_build=True, allow_inf_nan=False)
BASIC = {"basic": True}
TOKENS = {"unit": "tokens"}

Format = Literal["auto", "messages", "prompt_completion", "alpaca", "text", "preference", "kto"]
LongText = Literal["cut", "chunks"]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DataSpec:
    """What the model learns from."""

    path: Annotated[
        str,
        Field(
            min_length=1,
            title="Training data",
            description="A data file, a folder or pattern of them, an archive, a dataset version, a hub id.",
            json_schema_extra=BASIC,
        ),
    ]
    format: Annotated[
        Format, Field(title="Format", description="`auto` detects it from the columns; name one to override.")
    ] = "auto"
    mapping: Annotated[
        dict[Role, Annotated[str, Field(min_length=1, max_length=10_000)]],
        Field(
            title="Columns",
            description="Which column plays which part, such as {prompt: question, completion: answer}; a text with "
            "columns in braces joins them: {text: '{title}, {body}'}.",
        ),
    ] = Field(default_factory=dict)
    eval_path: Annotated[
        str | None,
        Field(title="Evaluation data", description="A file of its own for evaluation, instead of a split."),
    ] = None
    eval_split: Annotated[
        float,
        Field(
            ge=0.0,
            lt=1.0,
            title="Evaluation split",
            description="The share of rows held back for evaluation, drawn by the seed; none where a file is named.",
            json_schema_extra=BASIC,
        ),
    ] = 0.0
    eval_stratify_by: Annotated[
        str,
        Field(
            max_length=100,
            title="Stratify by",
            description="The split's share holds in each group of `length`, `turns`, `source` or a column.",
        ),
    ] = ""
    eval_exclusive: Annotated[
        bool,
        Field(
            title="Never train on evaluation rows",
            description="A row equal to an evaluation row is evaluated or left out, never trained on.",
        ),
    ] = True
    system: Annotated[
        str,
        Field(
            max_length=100_000,
            title="System instruction",
            description="Put before every row that has no system message of its own; the adapter is asked with it too.",
            json_schema_extra={"lines": True},
        ),
    ] = ""
    max_length: Annotated[
        int,
        Field(
            ge=8,
            le=1_048_576,
            title="Maximum length",
            description="Rows with more tokens than this are cut at the end; the cut is counted and shown.",
            json_schema_extra={"basic": True, "unit": "tokens"},
        ),
    ] = 1024
    long_text: Annotated[
        LongText,
        Field(
            title="Long texts",
            description="Plain text above the maximum length: `cut` drops the rest, `chunks` makes several rows of it.",
        ),
    ] = "cut"
    chunk_overlap: Annotated[
        int,
        Field(
            ge=0,
            le=524_288,
            title="Chunk overlap",
            description="Tokens a chunk repeats of the one before, as context; at most half the maximum length.",
            json_schema_extra=TOKENS,
        ),
    ] = 0
    train_overlap: Annotated[
        bool,
        Field(title="Learn the overlap", description="Learns repeated tokens again; otherwise every token once."),
    ] = False
    packing: Annotated[
        bool,
        Field(
            title="Packing",
            description="Lays several short rows into one sequence. No row sees another.",
            json_schema_extra=BASIC,
        ),
    ] = False
    chat_template: Annotated[
        str,
        Field(
            title="Chat template",
            description="`auto`: the model's own. `none`: plain text. Otherwise the path of a Jinja file.",
        ),
    ] = "auto"

    @property
    def evaluates(self) -> bool:
        """Whether rows are held back for evaluation; those of a dataset version are known once they are counted."""
        return bool(self.eval_split or self.eval_path or is_version(self.path))
