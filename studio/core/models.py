"""Base models: which folder a name means, and those of this machine as `studio model list` shows them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio import paths
from studio.core.errors import StudioError, given_path
from studio.core.library import PEFT_CONFIG

# As the hub's own library takes ids: neither `--` nor `..` in one, nor `.git` at its end.
_ID = re.compile(r"(?!.*(--|\.\.|\.git$))(\b[\w.-]{1,96}\b/)?\b[\w.-]{1,96}\b", re.ASCII)

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


def local_folder(path: str) -> Path | None:
    """Returns the folder a model's name means; None: it is the id of a model on the Hugging Face Hub.

    Raises:
        StudioError: (model) it can be neither.
    """
    if path == "demo":
        return paths.resources() / "demo" / "model"
    folder = given_path(path, "model")
    if path and folder.is_dir():
        return folder
    if path and folder.is_file():
        raise StudioError(
            "model",
            f"{folder.name} is a file, and a model is a folder of config.json, safetensors weights and a tokenizer.",
            "A GGUF or pickle file cannot be trained: choose the model's safetensors folder or its Hugging Face id.",
        )
    if not _ID.fullmatch(path):
        raise StudioError(
            "model",
            f"There is no folder {path}, and it is no Hugging Face id either.",
            "Name a folder, an id such as `owner/model`, or `demo` for the built-in model.",
        )
    return None


def found(path: str, revision: str | None = None) -> Path | None:
    """Returns the folder of this machine that a model is in; None: it is in none, or only in part."""
    try:
        folder = local_folder(path)
    except StudioError:
        return None
    if folder is not None:
        return folder
    # Loaded where a model of the Hub is asked for: it takes a while.
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(path, "config.json", revision=revision)
    return Path(config).parent if isinstance(config, str) else None


def refused(folder: Path, what: str, hint: str) -> StudioError:
    """Returns the error that says why a model's folder is not opened."""
    return StudioError("model", f"The model {folder} {what}.", hint)


def check_folder(folder: Path) -> None:
    """Looks whether a folder is one of a model at all.

    Raises:
        StudioError: (model) it holds no config.json.
    """
    if (folder / "config.json").is_file():
        return
    if (folder / PEFT_CONFIG).is_file():
        raise refused(folder, "is an adapter, not a base model", "Name the base model it was trained on.")
    raise refused(folder, "holds no config.json", "Name the folder of a model in the Hugging Face format.")


def check(path: str) -> None:
    """Looks at a base model's name as far as that takes neither a library nor the network.

    Raises:
        StudioError: (model) no model can be found by it.
    """
    folder = local_folder(path)
    if folder is not None:
        check_folder(folder)
