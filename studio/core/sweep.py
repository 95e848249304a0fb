"""Several values of some settings tried: a config for each combination, named by what is its own."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from studio.core import config as declared
from studio.core import config_file, further
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.hub_ids import short_name

MOST = 50
_NAME_LETTERS = 60  # so many of it the run's and the adapter's folders are called by
_OPENING, _CLOSING, _QUOTES = "[{(", "]})", "'\""
_BEFORE = "[{(,:"  # a quote; behind a letter it is an apostrophe


def firsts(tries: Sequence[str]) -> list[str]:
    """Returns the first value of each setting tried, as assignments; raises as `combinations`."""
    return [f"{name}={values[0]}" for name, values in map(_parsed, tries)]


def combinations(config: RunConfig, tries: Sequence[str]) -> list[RunConfig]:
    """Returns a config for each combination of the values tried; the last setting's change fastest.

    Args:
        config: what they have in common.
        tries: such as `training.learning_rate=1e-4,2e-4`, each setting once; values as assignments have them, and a
            comma within brackets or quotes belongs to its value.

    Raises:
        StudioError: (usage) one is no such list, or there are more than `MOST` combinations; (config) one names no
            setting, or the values of a combination are no config.
    """
    settings = [_parsed(tried) for tried in tries]
    known = [name for name, _ in settings]
    if twice := next((name for name in known if known.count(name) > 1), None):
        raise StudioError("usage", f"`{twice}` is tried twice.", "Write all of its values behind one name.")
    count = 1
    for _, values in settings:
        count *= len(values)
    if count > MOST:
        message = f"These are {count:,} combinations, and at most {MOST} can be tried at once."
        raise StudioError("usage", message, "Try fewer values, or fewer settings.")
    found = dict[str, RunConfig]()
    for chosen in itertools.product(*([(name, value) for value in values] for name, values in settings)):
        own = ", ".join(f"{name.rpartition('.')[2]}={value}" for name, value in chosen)
        made = _made(config, chosen)
        if made not in found.values():
            found[own] = made
    return [replace(made, name=name) for made, name in zip(found.values(), _names(config, list(found)), strict=True)]


def _names(config: RunConfig, own: Sequence[str]) -> list[str]:
    """Returns a name for each run, of what is its own behind what they share; one that had to be cut has a number."""
    shared, names = config.name or short_name(config.data.path), list[str]()
    for at, said in enumerate(own, start=1):
        room = _NAME_LETTERS - len(f"{at} ")
        name = f"{shared[: max(0, room - len(said) - 1)]} {said}".strip()
        names.append(name if len(name) <= room else f"{at} {name}"[:_NAME_LETTERS])
    return names


def _made(config: RunConfig, chosen: Sequence[tuple[str, str]]) -> RunConfig:
    data = declared.to_dict(config)
    for name, value in chosen:
        config_file.assign(data, f"{name}={value}")
    return further.laid_out(config_file.resolved(config_file.build(data), Path.cwd()))


def _parsed(tried: str) -> tuple[str, list[str]]:
    name, equals, text = tried.partition("=")
    values = list(dict.fromkeys(filter(None, map(str.strip, _split(text)))))
    if not equals or not values:
        raise StudioError("usage", f"`{tried}` tries no values.", "Write it as key=value,value.")
    full = config_file.full_name(name.strip())
    if full == "name":
        raise StudioError("usage", "Names are not tried: each run has one of its own.", "Try another setting.")
    return full, values


def _split(text: str) -> Iterator[str]:
    """Yields what stands between the commas that are in no brackets and no quotes."""
    begun, depth, quote = 0, 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES and (not (before := text[begun:at].rstrip()) or before[-1] in _BEFORE):
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth = max(0, depth - 1)
        elif letter == "," and not depth:
            yield text[begun:at]
            begun = at + 1
    yield text[begun:]
