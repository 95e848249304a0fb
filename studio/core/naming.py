"""Names of modules as settings give them: by their ends, by regular expressions, and with a value for each."""

import difflib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import regex

from studio.core.errors import StudioError

Value = TypeVar("Value")

MOST_LETTERS = 1000  # of an expression
MATCHING_S = 1.0  # that a single one may take


def matching(pattern: str, names: Iterable[str], setting: str, matching_s: float = MATCHING_S) -> list[str]:
    """Returns the `names` that the regular expression `pattern` matches as a whole.

    Raises:
        StudioError: (adapter) it is no expression, too long, or so nested that matching would never end.
    """
    if len(pattern) > MOST_LETTERS:
        raise StudioError(
            "adapter", f"{setting} is an expression of {len(pattern)} characters.", f"Use at most {MOST_LETTERS}."
        )
    try:
        compiled = regex.compile(pattern)
        end = time.monotonic() + matching_s
        return [name for name in names if compiled.fullmatch(name, timeout=max(end - time.monotonic(), 0.001))]
    except regex.error as error:
        raise StudioError(
            "adapter",
            f"{setting} {pattern!r} is not a regular expression: {error}.",
            "Correct it, or name the modules in a list such as [q_proj, v_proj].",
        ) from None
    except TimeoutError:
        raise StudioError(
            "adapter",
            f"Matching {setting} {pattern!r} takes too long: its repetitions are nested.",
            "Write it without a repetition inside a repetition, or name the modules in a list.",
        ) from None


def patterns(
    given: Mapping[str, Value],
    names: Sequence[str],
    setting: str,
    strict: bool = True,
    matching_s: float = MATCHING_S,
) -> dict[str, Value]:
    """Turns rank or alpha patterns into plain names; as in PEFT, the first that matches the end of a name counts.

    Raises:
        StudioError: (adapter) one matches none of `names`; unless `strict`, that one is left out.
    """
    plain: dict[str, Value] = {}
    for key, value in given.items():
        found = matching(rf"(?:.*\.)?(?:{key})", names, setting, matching_s)
        if not found and strict:
            raise unknown(setting, key, names)
        for name in [key] if re.fullmatch(r"[\w.]+", key) else found:
            plain.setdefault(name, value)
    return plain


def unknown(setting: str, given: str, names: Sequence[str]) -> StudioError:
    """Returns the error of a name or expression that matches nothing, with what it may have meant."""
    leaves = sorted({leaf for name in names if not (leaf := name.rpartition(".")[2]).isdigit() and leaf})
    close = difflib.get_close_matches(given.rpartition(".")[2], leaves, 1, 0.5)
    advice = f"Did you mean `{close[0]}`? " if close else ""
    if given in leaves:
        advice = f"An expression must match a whole name; write it as a list: [{given}]. "
    return StudioError(
        "adapter", f"{setting}: no module matches `{given}`.", f"{advice}The model has {', '.join(leaves[:30])}."
    )


def ending(pattern: Mapping[str, Value], name: str, otherwise: Value) -> Value:
    """Returns what the first name of plain `patterns` that ends `name` says."""
    return next((value for key, value in pattern.items() if name == key or name.endswith(f".{key}")), otherwise)


def lies_in(name: str, holder: str) -> bool:
    """Whether a module is another one, or lies in it."""
    return f"{name}.".startswith(f"{holder}.")


def ends(name: str) -> list[str]:
    """Returns what a name ends in from one of its dots on, the shortest first, and itself."""
    parts = name.split(".")
    return [".".join(parts[at:]) for at in range(len(parts) - 1, -1, -1)]
