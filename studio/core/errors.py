"""The one kind of error a user is meant to read: what happened, and what to do about it."""

from typing import Literal, get_args

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
]

# A command's exit code per kind of failure: 2 is the shells' code for wrong usage, the others follow in order.
EXIT_CODES: dict[str, int] = {reason: code for code, reason in enumerate(get_args(Reason), start=2)}
EXIT_CRASH = 70  # EX_SOFTWARE of sysexits.h: a defect of the program itself
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


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
        """Holds the two sentences; `str` of it joins them."""
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
