"""What a model is asked: the turns of a conversation, and how its answer is drawn."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

# Of all that goes over the desk's pipe.
OPEN = ConfigDict(extra="ignore", ser_json_inf_nan="constants", defer_build=True)


@dataclass(frozen=True, slots=True, kw_only=True, config=OPEN)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


# How strongly an adapter acts: 1 is as it was trained, 0 the base itself.
MOST_STRENGTH = 100
Strength = Annotated[float, Field(ge=0, le=MOST_STRENGTH)]


@dataclass(frozen=True, slots=True, kw_only=True, config=OPEN)
class Sampling:
    """How the next token is chosen; the engine's own `Sampling`, with what a form needs to show it."""

    max_new_tokens: Annotated[
        int, Field(ge=1, le=1_048_576, title="Longest answer", description="Tokens; the model's context may end it.")
    ] = 256
    temperature: Annotated[
        float, Field(ge=0, le=100, title="Temperature", description="0: always the likeliest token; 1: as trained.")
    ] = 0.0
    top_p: Annotated[
        float,
        Field(gt=0, le=1, title="Top p", description="Only the likeliest tokens up to this probability; 1: all."),
    ] = 1.0
    top_k: Annotated[
        int, Field(ge=0, le=1_000_000, title="Top k", description="Only this many of the likeliest tokens; 0: all.")
    ] = 0
    repetition_penalty: Annotated[
        float, Field(gt=0, le=100, title="Repetition penalty", description="Above 1: fewer repetitions.")
    ] = 1.0
    seed: Annotated[
        int, Field(ge=0, le=2**31 - 1, title="Seed", description="The same seed gives the same answer.")
    ] = 0
