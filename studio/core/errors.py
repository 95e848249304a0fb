"""The one kind of error a user is meant to read: what happened, and what to do about it."""

from pathlib import Path
from typing import Literal, get_args

from studio import paths

Reason = Literal[
    "usage",
    "config",
    "data",
    "model",
    "adapter",
    "memory",
    "disk",
    "diverged",
    "busy",
    "checkpoint",
    "network",
    "run",
    "export",
    "device",
]

# A command's exit code per kind of failure: 2 is the shells' code for wrong usage, the others follow in order.
EXIT_CODES: dict[str, int] = {reason: code for code, reason in enumerate(get_args(Reason), start=2)}
EXIT_CRASH = 70  # EX_SOFTWARE of sysexits.h: a defect of the program itself
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it

# PyTorch's allocators have no class of error of their own but on CUDA: of Linux, of Windows and of Apple's GPUs.
_MEMORY_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "MPS backend out of memory",
    # Of a file read through memory: ENOMEM, and ERROR_COMMITMENT_LIMIT as Python, Rust's libraries and torch put it.
    "Cannot allocate memory",
    "[WinError 1455]",
    "(os error 1455)",
    "error code: <1455>",
    # What allocates without torch, such as a card's driver and its libraries, has words of its own.
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


# How CUDA's runtime names what ends work on a card (`cudaGetErrorString`), and how torch and CUDA's libraries do; each
# with what it comes to in `_of_card`. Others, such as an invalid argument, are defects of the program.
_CARD_WORDS = {
    "no kernel image is available": "kernels",
    "compiled with an unsupported toolchain": "driver",
    "driver version is insufficient": "driver",
    "NVIDIA driver on your system is too old": "driver",
    "Found no NVIDIA driver": "gone",
    "No CUDA GPUs are available": "gone",
    "no CUDA-capable device": "gone",
    "CUDA driver initialization failed": "gone",
    "system not yet initialized": "gone",
    "is/are busy or unavailable": "gone",
    "invalid device ordinal": "gone",
    "the launch timed out": "slow",
    "uncorrectable ECC error": "memory",
    "device-side assert triggered": "assert",
    "unspecified launch failure": "lost",
    "an illegal memory access": "lost",
    "misaligned address": "lost",
    "CUDA error: unknown error": "lost",
    "CUBLAS_STATUS_": "lost",
    "CUDNN_STATUS_": "lost",
}

# ERROR_INVALID_NAME, of a pattern's `*` and `?` among others, and ERROR_BAD_PATHNAME
_NO_NAME = (123, 161)


class StudioError(Exception):
    """A failure that can be put in two sentences.

    Attributes:
        reason: the kind of failure; decides the exit code.
        message: what happened, in plain words.
        hint: what to do about it, in plain words.
        detail: anything longer (a list of rows, a library's own words), shown on demand.
    """

    def __init__(self, reason: Reason, message: str, hint: str, detail: str = "") -> None:
        """Holds the two sentences and what else there is to say."""
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        """Returns both sentences."""
        return f"{self.message} {self.hint}"

    @property
    def exit_code(self) -> int:
        """The process exit code for this kind of failure."""
        return EXIT_CODES[self.reason]


def given_path(text: str | Path, reason: Reason, folder: Path | None = None) -> Path:
    """Returns the path that someone gave, a relative one read from `folder`; nothing needs to be there.

    The bare file name of a dataset version that is not there means the one in the program's own place.

    Raises:
        StudioError: (`reason`) no file can have this name, or it lies where it cannot be looked at.
    """
    try:
        path = (folder or Path()) / Path(text).expanduser()
        path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, OSError) and is_absent(error):
            own = paths.datasets_dir() / text
            return own if paths.is_version(text) and own.parent == paths.datasets_dir() and own.is_file() else path
        # A `~` of nobody is a RuntimeError; NUL and half a surrogate are ValueErrors.
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise StudioError(reason, f"`{str(text)[:100]}` cannot be opened: {why}.", "Check the path.") from None
    return path


def is_absent(error: OSError) -> bool:
    """Whether a look at a path ended so since nothing is there; on Windows also since nothing there has such a name."""
    return isinstance(error, FileNotFoundError | NotADirectoryError) or getattr(error, "winerror", None) in _NO_NAME


def as_memory_error(error: BaseException) -> StudioError | None:
    """Recognises by its class or its words that memory ran out, on a card or in the machine; None: it did not."""
    words = str(error)
    exhausted = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if not exhausted and not any(said in words for said in _MEMORY_WORDS):
        return None
    # Rows are computed in passes of so many tokens, however many rows a batch has.
    hint = (
        "Set a smaller `training.micro_batch_tokens`, 256 say: the same training with fewer tokens at once. A smaller"
        " `max_length`, `activation_checkpointing` or an nf4 base save more."
    )
    return StudioError("memory", "Memory ran out.", hint, words)


def as_device_error(error: BaseException) -> StudioError | None:
    """Recognises by its words that a card or its driver failed; None: it is another error, such as of memory."""
    words = str(error)
    found = next((kind for said, kind in _CARD_WORDS.items() if said in words), None)
    if found is None or not isinstance(error, RuntimeError) or as_memory_error(error) is not None:
        return None
    message, hint = _of_card(found)
    return StudioError("device", message, hint, words)


def _of_card(kind: str) -> tuple[str, str]:
    """Returns what became of a card, and what to do about it."""
    match kind:
        case "kernels":
            message = "This PyTorch has no kernels for this card."
            hint = "Install a PyTorch build for the card with `python3 packaging/start.py --torch-index ADDRESS`."
        case "driver":
            message = "The card's driver is too old for this PyTorch."
            hint = "Update the NVIDIA driver, or install a PyTorch build for it with `start.py --torch-index ADDRESS`."
        case "gone":
            message = "The card cannot be reached."
            hint = "See that no other program holds it, restart its driver or the computer, then resume or try again."
        case "slow":
            message = "The system stopped the card, since a pass took longer than it allows."
            hint = "Resume or try again. If it happens again, set a smaller `training.micro_batch_tokens`."
        case "memory":
            message = "The card's memory has an error that could not be corrected."
            hint = "Restart the computer, then resume or try again. If it happens again, the card may be broken."
        case "assert":
            message = "The card met with a number that it cannot compute with."
            hint = "Resume or try again. If it happens again at the same place, please report the details."
        case _:
            message = "The card stopped working."
            hint = "Resume or try again. If it happens again, restart the computer and update the NVIDIA driver."
    return message, hint
