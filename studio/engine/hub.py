"""Finding a base model: the built-in one, a folder, the Hugging Face cache, or a download into that cache."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from httpx2 import HTTPError
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    DryRunError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)
from huggingface_hub.utils.tqdm import tqdm

from studio import paths
from studio.core.errors import StudioError

OnProgress = Callable[[int, int], None]

# Data only: weights as safetensors, JSON, templates and tokenizer tables. Pickles and Python files never arrive.
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken"]
# Second copies of the weights for other programs, such as Meta's and Mistral's own formats.
_UNWANTED = ["*/*.safetensors", "*/*.json", "*/*.txt", "*/*.model", "consolidated*", "*.index.*.json"]


def resolve(
    path: str, revision: str | None = None, on_progress: OnProgress | None = None, weights: bool = True
) -> Path:
    """Returns the folder that holds a model, downloading it if it has to.

    Args:
        path: `demo`, a folder, or a Hugging Face id; an id is looked for in the Hugging Face cache first.
        revision: branch, tag or commit of an id.
        on_progress: called with bytes done and bytes in all while downloading, from the downloading threads.
        weights: False: the config is enough.

    Raises:
        StudioError: (model) no such model, or no access to it; (network) it is not here and cannot be fetched;
            (disk) it does not fit.
    """
    if path == "demo":
        return paths.resources() / "demo" / "model"
    folder = Path(path).expanduser()
    if path and folder.is_dir():
        return folder
    if path and folder.is_file():
        raise StudioError(
            "model",
            f"{folder.name} is a file, and a model is a folder of config.json, safetensors weights and a tokenizer.",
            "A GGUF or pickle file cannot be trained: choose the model's safetensors folder or its Hugging Face id.",
        )
    try:
        return _cached(path, revision, weights) or _download(path, revision, weights, on_progress)
    except HFValidationError:
        raise StudioError(
            "model",
            f"There is no folder {path}, and it is no Hugging Face id either.",
            "Name a folder, an id such as `owner/model`, or `demo` for the built-in model.",
        ) from None


def _cached(path: str, revision: str | None, weights: bool) -> Path | None:
    patterns = _WANTED if weights else ["config.json"]
    try:
        folder = Path(
            snapshot_download(
                path, revision=revision, local_files_only=True, allow_patterns=patterns, ignore_patterns=_UNWANTED
            )
        )
    except LocalEntryNotFoundError:
        return None
    # Other programs cache single files, so a snapshot folder alone does not mean that the model is there.
    whole = (folder / "config.json").is_file() and (not weights or any(folder.glob("*.safetensors")))
    return folder if whole else None


def _download(path: str, revision: str | None, weights: bool, on_progress: OnProgress | None) -> Path:
    if constants.is_offline_mode():
        raise StudioError(
            "network",
            f"{path} is neither a folder nor in the Hugging Face cache, and offline mode is on.",
            "Unset HF_HUB_OFFLINE to download it, or name a folder that holds a model.",
        )
    wanted: dict[str, Any] = {
        "revision": revision,
        "allow_patterns": _WANTED if weights else ["config.json"],
        "ignore_patterns": _UNWANTED,
    }
    try:
        files = snapshot_download(path, dry_run=True, tqdm_class=_bar(None, 0), **wanted)
        total = sum(file.file_size or 0 for file in files if file.will_download)
        _check_space(path, total)
        return Path(snapshot_download(path, tqdm_class=_bar(on_progress, total), **wanted))
    except DryRunError as error:
        # The cause is what went wrong on the network; the error itself says only that the listing failed.
        raise _sentence(path, revision, error.__cause__ or error) from None
    except (HTTPError, LocalEntryNotFoundError, XetDownloadError, OSError) as error:
        raise _sentence(path, revision, error) from None


def _check_space(path: str, total: int) -> None:
    place = Path(constants.HF_HUB_CACHE)
    while not place.exists() and place != place.parent:
        place = place.parent
    stats = os.statvfs(place) if hasattr(os, "statvfs") else None
    if stats is not None and stats.f_bavail * stats.f_frsize < total:
        free = stats.f_bavail * stats.f_frsize
        raise StudioError(
            "disk",
            f"{path} needs {total / 1e9:.1f} GB and the Hugging Face cache has {free / 1e9:.1f} GB left.",
            "Free some space, or set HF_HOME to a folder on a larger disk.",
        )


def _bar(on_progress: OnProgress | None, total: int) -> type[tqdm]:
    """Returns the class huggingface_hub makes its progress bars from: silent, and reporting bytes on the disk."""
    lock = threading.Lock()

    class Bar(tqdm):
        def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
            self._reports = name == "huggingface_hub.snapshot_download"
            self._done = 0
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            if self._reports and on_progress is not None:
                with lock:
                    self._done += int(n or 0)
                    on_progress(min(self._done, total), total)

    return Bar


def _sentence(path: str, revision: str | None, error: BaseException) -> StudioError:
    """Puts a failed look-up or download into words."""
    if isinstance(error, GatedRepoError):
        return StudioError(
            "model",
            f"{path} is only for those who accepted its terms.",
            f"Accept them on {constants.ENDPOINT}/{path}, log in with `hf auth login`, and start again.",
        )
    if isinstance(error, RepositoryNotFoundError):
        return StudioError(
            "model",
            f"There is no folder {path} and no such model on Hugging Face, or it is private.",
            "Check the spelling; for a private model log in with `hf auth login`.",
        )
    if isinstance(error, RevisionNotFoundError):
        return StudioError("model", f"{path} has no revision {revision}.", "Name an existing branch, tag or commit.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StudioError(
            "disk",
            f"The disk filled up while {path} was downloading.",
            "Free some space and start again: the download goes on where it stopped.",
        )
    if isinstance(error, HfHubHTTPError):
        code = error.response.status_code
        return StudioError("network", f"Hugging Face answered with error {code} for {path}.", "Try again later.")
    reason = "offline mode is on" if isinstance(error, OfflineModeIsEnabled) else "Hugging Face cannot be reached"
    return StudioError(
        "network",
        f"{path} is not on this machine, or not all of it, and {reason}.",
        "Check the connection and start again: a broken download goes on where it stopped.",
        str(error),
    )
