"""Finding a base model: the built-in one, a folder, the Hugging Face cache, or a download into that cache."""

import errno
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import filelock
from httpx2 import HTTPError
from huggingface_hub import DryRunFileInfo, constants, get_hf_file_metadata, hf_hub_url, snapshot_download
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
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
from huggingface_hub.utils.tqdm import tqdm

from studio import paths
from studio.core import machine
from studio.core.cache import sha256
from studio.core.errors import StudioError, given_path
from studio.engine.weights import read_json

OnProgress = Callable[[int, int], None]
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
    try:
        return _cached(path, revision, need) or _download(path, revision, need, on_progress)
    except HFValidationError:
        raise StudioError(
            "model",
            f"There is no folder {path}, and it is no Hugging Face id either.",
            "Name a folder, an id such as `owner/model`, or `demo` for the built-in model.",
        ) from None


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
        files = snapshot_download(path, dry_run=True, tqdm_class=_bar(None, 0), **wanted)
        missing = [file for file in files if file.will_download]
        total = sum(file.file_size or 0 for file in missing)
        _check_space(path, total)
        bar = _bar(on_progress, total)
        for file in missing:
            if file.filename.endswith(".safetensors"):
                _fetch(path, file, bar)
        return Path(snapshot_download(path, tqdm_class=bar, **wanted))
    except DryRunError as error:
        # The cause is what went wrong on the network; the error itself says only that the listing failed.
        raise _sentence(path, revision, error.__cause__ or error) from None
    except (HTTPError, LocalEntryNotFoundError, XetDownloadError, OSError) as error:
        raise _sentence(path, revision, error) from None


def _fetch(path: str, file: DryRunFileInfo, bar: type[tqdm]) -> None:
    """Downloads one large file to its place in the cache, going on where an earlier process stopped.

    The library resumes within one call only and throws the part away at its end. Where this road is closed (more than
    50 GB, a server that refuses) the file is left to the library.
    """
    url = hf_hub_url(path, file.filename, revision=file.commit_hash)
    part = paths.cache_dir() / "downloads" / hashlib.sha256(url.encode()).hexdigest()
    target = Path(file.local_path)
    for folder in (part.parent, target.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{part}.lock"):
        if target.exists():
            return  # another process brought it meanwhile
        try:
            about = get_hf_file_metadata(url)
            headers = build_hf_headers()
            if urlsplit(about.location).netloc != urlsplit(url).netloc:
                headers.pop("authorization", None)  # the token is for the Hub, not for where it keeps its files
            with part.open("ab") as stream:
                done, size = stream.tell(), file.file_size
                http_get(about.location, stream, resume_size=done, headers=headers, expected_size=size, tqdm_class=bar)
        except (HfHubHTTPError, ValueError):
            return
        if re.fullmatch(r"[0-9a-f]{64}", about.etag or "") and sha256(part) != about.etag:
            part.unlink()
            raise StudioError("network", f"{file.filename} of {path} arrived damaged.", "Start again: it comes anew.")
        shutil.move(part, target)


def _check_space(path: str, total: int) -> None:
    free = machine.free_bytes(Path(constants.HF_HUB_CACHE))
    if free < total:
        raise StudioError(
            "disk",
            f"{path} needs {total / 1e9:.1f} GB and the Hugging Face cache has {free / 1e9:.1f} GB left.",
            "Free some space, or set HF_HOME to a folder on a larger disk.",
        )


def _bar(on_progress: OnProgress | None, total: int) -> type[tqdm]:
    """Returns the class huggingface_hub makes its progress bars from: silent, and reporting bytes on the disk."""
    lock, done = threading.Lock(), 0

    class Bar(tqdm):
        def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
            self._reports = name in ("huggingface_hub.snapshot_download", "huggingface_hub.http_get")
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]
            self.update(kwargs.get("initial", 0))

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            if self._reports and on_progress is not None:
                with lock:
                    done += int(n or 0)
                    on_progress(min(done, total), total)

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
