"""What of a run's configuration is about the adapter: its method, its size, and where it goes."""

from dataclasses import fields
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from studio.core import methods
from studio.core.data_config import BASIC, STRICT
from studio.core.methods import Method

# Starts with directions of the base's weights, which the result takes away again: it has twice the rank.
OF_WEIGHTS = ("pissa", "pissa_niter_16", "olora")
# Starts that are looked for when a run begins, where others are drawn.
FOUND = (*OF_WEIGHTS, "eva")
_MOST_OF_WEIGHTS = 512


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class AdapterSpec:
    """What is trained: an adapter beside frozen weights, or every weight.

    Which of its settings a method has is said by `studio.core.methods`.
    """

    path: Annotated[
        str,
        Field(
            title="Train further",
            description="An adapter of the library, or a PEFT folder, to begin with instead of a new one; it keeps its "
            "layout.",
            json_schema_extra=BASIC,
        ),
    ] = ""
    method: Annotated[
        Method,
        Field(
            title="Method",
            description="`lora` trains small matrices beside frozen weights, `full` every weight. `ia3` trains one "
            "factor for each output, at a learning rate of about 5e-3; `vera` two vectors a layer beside matrices that "
            "are drawn once, about 5e-3; `loha` and `lokr` products of more matrices, about 1e-3; `oft` turns what "
            "layers read, about 1e-3.",
            json_schema_extra=BASIC,
        ),
    ] = "lora"
    r: Annotated[
        int,
        Field(
            ge=1,
            le=1024,
            title="Rank",
            description="Width of the low-rank update: more can express more, and costs more memory. Usual: 16; of "
            "`vera`, which trains a number for each, 256.",
            json_schema_extra=BASIC,
        ),
    ] = 16
    lora_alpha: Annotated[
        float,
        Field(
            gt=0,
            le=65_536,
            title="Alpha",
            description="Strength of the update: it is scaled by alpha / rank.",
            json_schema_extra=BASIC,
        ),
    ] = 32
    lora_dropout: Annotated[
        float,
        Field(
            ge=0.0,
            lt=1.0,
            title="Dropout",
            description="Share of the update's inputs zeroed in training, against overfitting.",
            json_schema_extra=BASIC,
        ),
    ] = 0.0
    oft_block_size: Annotated[
        int,
        Field(
            ge=2,
            le=1024,
            title="Block size",
            description="Of `oft`: how many inputs are turned together; where it does not divide a layer's inputs, the "
            "nearest that does. More can express more.",
            json_schema_extra=BASIC,
        ),
    ] = 32
    decompose_factor: Annotated[
        int,
        Field(
            ge=-1,
            le=65_536,
            title="Factor",
            description="Of `lokr`: the size of the first of two matrices whose Kronecker product is the update; -1: "
            "the root of the layer's, with the fewest numbers.",
        ),
    ] = -1
    target_modules: Annotated[
        str | list[str],
        Field(
            title="Target modules",
            description="`all-linear`, a list of names such as [q_proj, v_proj], or one regular expression.",
            json_schema_extra=BASIC,
        ),
    ] = "all-linear"
    target_parameters: Annotated[
        list[str],
        Field(
            title="Experts",
            description="`experts`: LoRA goes on the experts too, which a model holds in one parameter; or names such "
            "as [experts.down_proj]. They take no dropout and no DoRA.",
        ),
        BeforeValidator(lambda value: [] if value in (None, "") else [value] if isinstance(value, str) else value),
    ] = Field(default_factory=list)
    exclude_modules: Annotated[
        str | list[str] | None, Field(title="Excluded modules", description="Names or a regular expression to skip.")
    ] = None
    layers_to_transform: Annotated[
        list[Annotated[int, Field(ge=0)]] | str | None,
        Field(title="Layers", description="Only these layers: numbers, or ranges such as `0-3,8`. Empty: all."),
        # As PEFT takes a single one.
        BeforeValidator(lambda value: [value] if type(value) is int else value),
    ] = None
    rank_pattern: Annotated[
        dict[str, Annotated[int, Field(ge=1, le=1024)]],
        Field(title="Rank pattern", description="Ranks for module names or regular expressions that differ."),
    ] = Field(default_factory=dict)
    alpha_pattern: Annotated[
        dict[str, Annotated[float, Field(gt=0)]],
        Field(title="Alpha pattern", description="Alphas for module names or regular expressions that differ."),
    ] = Field(default_factory=dict)
    modules_to_save: Annotated[
        list[str],
        Field(title="Fully trained modules", description="Modules trained whole and saved beside the adapter."),
    ] = Field(default_factory=list)
    use_rslora: Annotated[
        bool, Field(title="rsLoRA", description="Scales by alpha / sqrt(rank), steadier at high ranks.")
    ] = False
    use_dora: Annotated[
        bool, Field(title="DoRA", description="Learns each weight's length apart from its direction; slower.")
    ] = False
    bias: Annotated[
        Literal["none", "all", "lora_only"], Field(title="Bias", description="Which bias vectors are trained too.")
    ] = "none"
    init_lora_weights: Annotated[
        Literal["default", "gaussian", "orthogonal", "pissa", "pissa_niter_16", "olora", "eva"],
        Field(
            title="Start of the update",
            description="Where learning begins, always as no change at all. The first three are drawn. `pissa` begins "
            "with the strongest directions of the base's weights (`pissa_niter_16`: nearly the same ones, far sooner), "
            "`olora` with orthogonal ones; `eva` with those that the rows take in the model.",
        ),
    ] = "default"

    @property
    def found(self) -> bool:
        """Whether it is a new adapter that begins with what is found in the base's weights or in the rows."""
        return self.init_lora_weights in FOUND and self.method == "lora" and not self.path

    @property
    def halved(self) -> bool:
        """Whether it begins with directions of the base's weights, and is saved with twice the rank for that."""
        return self.found and self.init_lora_weights in OF_WEIGHTS

    @property
    def idle(self) -> list[str]:
        """The settings that are not the defaults, and that its method does not have."""
        plain = AdapterSpec()
        given = (each.name for each in fields(self) if getattr(self, each.name) != getattr(plain, each.name))
        return [name for name in given if not methods.has(self.method, name)]


def unfit(spec: AdapterSpec) -> tuple[str, str] | None:
    """Returns a setting that does not go with the others, and the sentence that says why; None: all go together."""
    if spec.method != "full" and spec.idle:
        # What every weight's training leaves unread is told of: runs have always been made so.
        name = spec.idle[0]
        usual = getattr(AdapterSpec(), name)
        shown = "empty" if usual in ([], {}, None) else str(usual).lower()
        message = f"Not a setting of {methods.title_of(spec.method)}; leave it out, which is {shown}."
        return name, message
    ranks = {"r": [spec.r], "rank_pattern": spec.rank_pattern.values()}
    if spec.halved and (name := next((key for key, of in ranks.items() if max(of, default=0) > _MOST_OF_WEIGHTS), "")):
        message = f"At most {_MOST_OF_WEIGHTS} with pissa and olora, which are saved with twice the rank."
        return name, message
    return _unfit_for_experts(spec) if spec.method == "lora" and spec.target_parameters else None


def _unfit_for_experts(spec: AdapterSpec) -> tuple[str, str] | None:
    """Returns what PEFT does not make of a parameter that is no module's weight (its `ParamWrapper`)."""
    if spec.lora_dropout:
        message = "Experts take no dropout; set it to 0."
        return "lora_dropout", message
    if spec.use_dora:
        message = "Experts take no DoRA; set it to false."
        return "use_dora", message
    if spec.init_lora_weights not in ("default", "gaussian"):
        message = "Experts cannot begin so; choose default or gaussian."
        return "init_lora_weights", message
    return None
