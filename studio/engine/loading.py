"""PyTorch that cannot be loaded, told in words: it is damaged, or lacks something of the system's."""

import sys
import traceback

from studio.core.errors import StudioError

_TOO_LITTLE_PAGED = 1455  # ERROR_COMMITMENT_LIMIT of Windows


def as_loading_error(error: BaseException, system: str = sys.platform) -> StudioError | None:
    """Recognises an error that ended the loading of torch; None: it is another."""
    missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
    if not missing and not (isinstance(error, ImportError | OSError) and _of_torch(error)):
        return None
    hint = "Install Finetune Studio again."
    if system == "win32":
        hint = "Install Microsoft's Visual C++ Redistributable, then start Finetune Studio again."
    if getattr(error, "winerror", None) == _TOO_LITTLE_PAGED:
        hint = "Close other programs, or make Windows' paging file larger."
    cause = " ".join(str(error).split()).rstrip(".")
    return StudioError("run", f"PyTorch cannot be loaded: {cause}.", hint)


def _of_torch(error: BaseException) -> bool:
    """Whether it was raised below the outermost lines of torch, which run when it is loaded."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any((frame.f_globals.get("__name__"), frame.f_code.co_name) == ("torch", "<module>") for frame in frames)
