"""Base models on this machine, as the model picker and `studio model list` show them."""

from dataclasses import dataclass
from typing import Literal

Source = Literal["built-in", "cache", "folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A base model that is here, or the part of one that is.

    Attributes:
        path: what `model.path` calls it: `demo`, a Hugging Face id or a folder.
        complete: whether all of its weights are here; the rest of a cached one is fetched when a run starts.
        size_bytes: of its weights files.
        architecture: its class in transformers; empty: not known.
        parameters: of its weights; None: they cannot be told without loading them.
        licence: as its model card says; empty: it does not.
        unusable: why it cannot be trained; empty: nothing is known against it.
    """

    path: str
    source: Source
    complete: bool = True
    size_bytes: int = 0
    architecture: str = ""
    parameters: int | None = None
    licence: str = ""
    unusable: str = ""
