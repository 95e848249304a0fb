"""An export taken to the Hugging Face Hub, as a commit of its own: what is there already stays in the history."""

from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from studio.core.entry import PEFT_CONFIG
from studio.core.errors import StudioError
from studio.core.exportable import TAG
from studio.core.files import disk_error

_NAMES = "Write it as owner/name, of letters, digits and single signs of . _ - between them."
_COMMIT = "Upload with Finetune Studio"
_HIDDEN = [".*", "*/.*"]
_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN to a token that may write, then upload again."


def upload(folder: Path, repo: str, *, private: bool) -> str:
    """Uploads the folder of an export, and makes the model there if there is none of the name.

    Args:
        folder: what `studio export` wrote.
        repo: `owner/name`.
        private: a model that is made is seen by its owner alone; one that is there stays as it is.

    Returns:
        Where it can be seen.

    Raises:
        StudioError: (usage) it can have no such name; (export) the folder holds no export; (network) nobody is logged
            in or may write there, or the Hub is not to be reached.
    """
    _check(folder, repo)
    if constants.is_offline_mode():
        raise StudioError("network", "Offline mode is on.", "Unset HF_HUB_OFFLINE, then upload again.")
    if not get_token():
        raise StudioError("network", "Nobody is logged in to Hugging Face on this machine.", _LOG_IN)
    api = HfApi(endpoint=constants.ENDPOINT)
    try:
        place = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message=_COMMIT, ignore_patterns=_HIDDEN)
    except HfHubHTTPError as error:
        raise _sentence(repo, error) from None
    except ValueError as error:
        message, hint = "Hugging Face does not take the head of README.md.", "Mend it, then upload again."
        raise StudioError("export", message, hint, str(error)) from None
    except OSError as error:
        raise disk_error(folder, error, "Mend that, then upload again.") from None
    except (HTTPError, RuntimeError) as error:
        message = "The upload broke off: Hugging Face cannot be reached."
        raise StudioError("network", message, "Check the connection and upload again.", str(error)) from None
    return str(place)


def _check(folder: Path, repo: str) -> None:
    known = any((folder / name).is_file() for name in (PEFT_CONFIG, "config.json")) or any(folder.glob("*.gguf"))
    if not (known and _is_ours(folder / "README.md")):
        hint = "Export an adapter with `studio export`, and name its folder."
        raise StudioError("export", f"{folder} holds no export.", hint)
    try:
        validate_repo_id(repo)
        named = repo.count("/") == 1
    except HFValidationError:
        named = False
    if not named:
        raise StudioError("usage", f"`{repo}` is no name for a model on Hugging Face.", _NAMES)


def _is_ours(card: Path) -> bool:
    """Whether a model card is one that an export wrote: no other folder is to be taken anywhere by mistake."""
    try:
        return TAG in card.read_text(encoding="utf-8").partition("\n---")[0]
    except (OSError, UnicodeDecodeError):
        return False


def _sentence(repo: str, error: HfHubHTTPError) -> StudioError:
    code = error.response.status_code
    if code in (401, 403, 404):
        message = f"Hugging Face does not let this login write to {repo} ({code})."
        return StudioError("network", message, _LOG_IN, str(error))
    return StudioError("network", f"Hugging Face answered with error {code}.", "Try again later.", str(error))
