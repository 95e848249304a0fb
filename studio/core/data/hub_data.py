"""A dataset of the hub, brought file by file: only data files that are parsed here, no script and no README."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from httpx2 import HTTPError
from huggingface_hub import DryRunFileInfo, constants, snapshot_download
from huggingface_hub.errors import DryRunError, HFValidationError, LocalEntryNotFoundError, XetDownloadError

from studio.core import downloads
from studio.core.downloads import OnProgress
from studio.core.errors import StudioError
from studio.core.hub_ids import HubId

Files = list[tuple[str, Path]]
Choose = Callable[[list[str]], list[str]]


def files(wanted: HubId, choose: Choose, on_progress: OnProgress | None = None) -> Files:
    """Returns the data files of a dataset, downloading those that are not in the Hugging Face cache.

    Args:
        wanted: which dataset and which of its files.
        choose: picks the files to bring by their names.
        on_progress: told (bytes done, bytes in all), in this thread; what it raises ends the download, which goes on
            from there the next time.

    Raises:
        StudioError: (data) no such dataset, no access, or no data files in it; (network) it is not here and cannot be
            fetched; (disk) it does not fit.
    """
    options: dict[str, Any] = {"repo_type": "dataset", "revision": wanted.revision}
    try:
        if constants.is_offline_mode():
            return _held(wanted, choose, options)
        listed = snapshot_download(wanted.repo, dry_run=True, tqdm_class=downloads.bar(None, 0), **options)
        names = set(choose([file.filename for file in listed]))
        chosen = [file for file in listed if file.filename in names]
        _bring(wanted, chosen, on_progress)
        return [(file.filename, Path(file.local_path)) for file in chosen]
    except DryRunError as error:
        raise downloads.sentence(wanted.repo, wanted.revision, error.__cause__ or error, "data") from None
    except HFValidationError:
        raise StudioError("data", f"{wanted.repo} is no Hugging Face id.", "Name it as `owner/name`.") from None
    except (HTTPError, LocalEntryNotFoundError, XetDownloadError, OSError) as error:
        raise downloads.sentence(wanted.repo, wanted.revision, error, "data") from None


def _bring(wanted: HubId, chosen: list[DryRunFileInfo], on_progress: OnProgress | None) -> None:
    missing = [file for file in chosen if file.will_download]
    total = sum(file.file_size or 0 for file in missing)
    downloads.check_space(wanted.repo, total)
    bar = downloads.bar(on_progress, total)
    for file in missing:
        downloads.fetch(wanted.repo, file, bar, "data")
        if not Path(file.local_path).exists():
            # The road on which a download goes on was closed; the library's own is not.
            snapshot_download(
                wanted.repo, repo_type="dataset", revision=file.commit_hash, allow_patterns=file.filename,
                tqdm_class=bar, max_workers=1,
            )  # fmt: skip


def _held(wanted: HubId, choose: Choose, options: dict[str, Any]) -> Files:
    """Returns what the cache holds, without network."""
    try:
        folder = Path(snapshot_download(wanted.repo, local_files_only=True, **options))
    except LocalEntryNotFoundError:
        folder = None
    names = (
        sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) if folder else []
    )
    found = [(name, folder / name) for name in choose(names)] if folder else []
    if not found:
        message = f"{wanted.repo} is neither a folder nor in the Hugging Face cache, and offline mode is on."
        raise StudioError("network", message, "Unset HF_HUB_OFFLINE to download it, or name a folder or file.")
    return found
