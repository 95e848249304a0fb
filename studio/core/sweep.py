"""Several values of some settings tried: a config for each combination, named by what is its own."""

import itertools
from collections.abc import Iterator, Sequence

from studio.core import config as declared
from studio.core import config_file
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.hub_ids import short_name

MOST = 50
_NAME_LETTERS = 100  # the most that a config allows
_OPENING, _CLOSING, _QUOTES = "[{(", "]})", "'\""


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
    chosen = itertools.product(*([(name, value) for value in values] for name, values in settings))
    return [_made(config, one) for one in chosen]


def _made(config: RunConfig, chosen: Sequence[tuple[str, str]]) -> RunConfig:
    data = declared.to_dict(config)
    for name, value in chosen:
        config_file.assign(data, f"{name}={value}")
    own = ", ".join(f"{name.rpartition('.')[2]}={value}" for name, value in chosen)
    # What tells it from the others is kept.
    shared = (config.name or short_name(config.data.path))[: max(0, _NAME_LETTERS - len(own) - 1)]
    data["name"] = f"{shared} {own}".strip()[:_NAME_LETTERS]
    return config_file.build(data)


def _parsed(tried: str) -> tuple[str, list[str]]:
    name, equals, text = tried.partition("=")
    values = list(dict.fromkeys(filter(None, map(str.strip, _split(text)))))
    if not equals or not values:
        raise StudioError("usage", f"`{tried}` tries no values.", "Write it as key=value,value.")
    return config_file.full_name(name.strip()), values


def _split(text: str) -> Iterator[str]:
    """Yields what stands between the commas that are in no brackets and no quotes."""
    begun, depth, quote = 0, 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter in _OPENING + _CLOSING:
            depth += 1 if letter in _OPENING else -1
        elif letter == "," and depth <= 0:
            yield text[begun:at]
            begun = at + 1
    yield text[begun:]
