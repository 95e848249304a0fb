"""Downloads from the Hugging Face Hub into its cache: with progress, going on where they stopped, told in sentences."""

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import filelock
from huggingface_hub import DryRunFileInfo, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # it is, but not listed in __all__
from huggingface_hub.utils.tqdm import tqdm

from studio import paths
from studio.core import files, machine
from studio.core.cache import sha256
from studio.core.errors import StudioError

OnProgress = Callable[[int, int], None]
What = Literal["model", "data"]
# The library tells of progress, and writes to the disk, once in so many bytes; its own 10 MB are long on a slow line.
constants.DOWNLOAD_CHUNK_SIZE = 1 << 20
_TYPES = {"model": "model", "data": "dataset"}


def fetch(path: str, file: DryRunFileInfo, bar: type[tqdm], what: What = "model") -> None:
    """Downloads one large file to its place in the cache, going on where an earlier process stopped.

    The library resumes within one call only and throws the part away at its end. Where this road is closed (more than
    50 GB, a server that refuses) the file is left to the library.
    """
    url = hf_hub_url(path, file.filename, repo_type=_TYPES[what], revision=file.commit_hash)
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
        files.move(part, target)


def check_space(path: str, total: int) -> None:
    """Refuses a download that does not fit.

    Raises:
        StudioError: (disk) it does not.
    """
    free = machine.free_bytes(Path(constants.HF_HUB_CACHE))
    if free < total:
        raise StudioError(
            "disk",
            f"{path} needs {total / 1e9:.1f} GB and the Hugging Face cache has {free / 1e9:.1f} GB left.",
            "Free some space, or set HF_HOME to a folder on a larger disk.",
        )


def bar(on_progress: OnProgress | None, total: int) -> type[tqdm]:
    """Returns the class huggingface_hub makes its progress bars from: silent, and reporting bytes on the disk."""
    lock, done = threading.Lock(), 0

    class Bar(tqdm):
        def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
            self._reports = name in ("huggingface_hub.snapshot_download", "huggingface_hub.http_get")
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call] # tqdm has no types
            self.update(kwargs.get("initial", 0))

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            if self._reports and on_progress is not None:
                with lock:
                    done += int(n or 0)
                    on_progress(min(done, total), total)

    return Bar


def sentence(path: str, revision: str | None, error: BaseException, what: What = "model") -> StudioError:
    """Puts a failed look-up or download of a model or of data into words."""
    place = path if what == "model" else f"datasets/{path}"
    if isinstance(error, GatedRepoError):
        return StudioError(
            what,
            f"{path} is only for those who accepted its terms.",
            f"Accept them on {constants.ENDPOINT}/{place}, log in with `hf auth login`, and start again.",
        )
    if isinstance(error, RepositoryNotFoundError):
        return StudioError(
            what,
            f"There is no folder {path} and no such model on Hugging Face, or it is private."
            if what == "model"
            else f"There is no folder {path} and no such dataset on Hugging Face, or it is private.",
            "Check the spelling; for what is private, log in with `hf auth login`.",
        )
    if isinstance(error, RevisionNotFoundError):
        return StudioError(what, f"{path} has no revision {revision}.", "Name an existing branch, tag or commit.")
    if isinstance(error, OSError) and files.is_full(error):
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
