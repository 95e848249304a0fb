"""Finding a base model: the built-in one, a folder, the Hugging Face cache, or a download into that cache."""

import os
from pathlib import Path
from typing import Any, Literal

from httpx2 import HTTPError
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import DryRunError, LocalEntryNotFoundError, XetDownloadError

from studio.core import downloads, models
from studio.core.downloads import OnProgress
from studio.core.errors import StudioError
from studio.engine.weights import read_json

Need = Literal["config", "tokenizer", "weights"]

# Data only: weights as safetensors, JSON, templates and tokenizer tables. Pickles and Python files never arrive.
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken"]
_NEEDED = {"config": ["config.json"], "tokenizer": [p for p in _WANTED if p != "*.safetensors"], "weights": _WANTED}
_TOKENIZERS = ("tokenizer.json", "*.model", "vocab.*", "*.tiktoken")
# Second copies of the weights for other programs, such as Meta's and Mistral's own formats.
_UNWANTED = ["*/*.safetensors", "*/*.json", "*/*.txt", "*/*.model", "consolidated*", "*.index.*.json"]


def resolve(
    path: str, revision: str | None = None, on_progress: OnProgress | None = None, need: Need = "weights"
) -> Path:
    """Returns the folder that holds a model, downloading it if it has to.

    Args:
        path: `demo`, a folder, or a Hugging Face id; an id is looked for in the Hugging Face cache first.
        revision: branch, tag or commit of an id.
        on_progress: called with bytes done and bytes in all while downloading, from the downloading threads.
        need: what of it has to be there: the config alone, the tokenizer too, or everything.

    Raises:
        StudioError: (model) no such model, or no access to it; (network) it is not here and cannot be fetched;
            (disk) it does not fit.
    """
    folder = models.local_folder(path)
    return folder or _cached(path, revision, need) or _download(path, revision, need, on_progress)


def _cached(path: str, revision: str | None, need: Need) -> Path | None:
    try:
        folder = Path(
            snapshot_download(
                path,
                revision=revision,
                local_files_only=True,
                allow_patterns=_NEEDED[need],
                ignore_patterns=_UNWANTED,
            )
        )
    except LocalEntryNotFoundError:
        return None
    # Other programs cache single files, so a snapshot folder alone does not mean that the model is there.
    whole = (folder / "config.json").is_file()
    if need != "config":
        whole = whole and any(file for pattern in _TOKENIZERS for file in folder.glob(pattern))
    return folder if whole and (need != "weights" or _complete(folder)) else None


def _complete(folder: Path) -> bool:
    """Whether all of a model's weights are there: a download may have ended half way."""
    index = folder / "model.safetensors.index.json"
    names: Any = {"weights": "model.safetensors"}
    if index.is_file() and not (folder / "model.safetensors").is_file():
        names = read_json(index, "model").get("weight_map")
    return isinstance(names, dict) and all(os.path.isfile(folder / str(name)) for name in set(names.values()))


def _download(path: str, revision: str | None, need: Need, on_progress: OnProgress | None) -> Path:
    if constants.is_offline_mode():
        raise StudioError(
            "network",
            f"{path} is neither a folder nor in the Hugging Face cache, and offline mode is on.",
            "Unset HF_HUB_OFFLINE to download it, or name a folder that holds a model.",
        )
    wanted: dict[str, Any] = {
        "revision": revision,
        "allow_patterns": _NEEDED[need],
        "ignore_patterns": _UNWANTED,
    }
    try:
        files = snapshot_download(path, dry_run=True, tqdm_class=downloads.bar(None, 0), **wanted)
        missing = [file for file in files if file.will_download]
        total = sum(file.file_size or 0 for file in missing)
        downloads.check_space(path, total)
        bar = downloads.bar(on_progress, total)
        for file in missing:
            if file.filename.endswith(".safetensors"):
                downloads.fetch(path, file, bar)
        return Path(snapshot_download(path, tqdm_class=bar, **wanted))
    except DryRunError as error:
        # The cause is what went wrong on the network; the error itself says only that the listing failed.
        raise downloads.sentence(path, revision, error.__cause__ or error) from None
    except (HTTPError, LocalEntryNotFoundError, XetDownloadError, OSError) as error:
        raise downloads.sentence(path, revision, error) from None
