r"""Columns given the parts they play: a mapping of roles to columns, or to a template that joins several.

`{"prompt": "{title}\n\n{body}", "completion": "answer"}` makes each row's prompt of two columns and its completion of
one. What stands in braces is a column's name, or a path into one such as `meta.title`; there is nothing to run in it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from studio.core import chat
from studio.core.data import shapes
from studio.core.data.rows import Parsed, from_data
from studio.core.errors import StudioError

Role = Literal[
    "messages",
    "tools",
    "system",
    "prompt",
    "completion",
    "instruction",
    "input",
    "output",
    "history",
    "text",
    "chosen",
    "rejected",
    "label",
]
_COLUMN = re.compile(r"\{([^{}]+)\}")
# Which roles a format cannot do without, the most telling first, and which it has a use for besides.
_PARTS: tuple[tuple[shapes.RowFormat, frozenset[str], frozenset[str]], ...] = (
    (
        "preference",
        frozenset({"chosen", "rejected"}),
        frozenset({"prompt", "instruction", "input", "messages", "system", "tools"}),
    ),
    ("kto", frozenset({"prompt", "completion", "label"}), frozenset({"system", "tools"})),
    ("messages", frozenset({"messages"}), frozenset({"system", "tools"})),
    ("alpaca", frozenset({"instruction", "output"}), frozenset({"input", "history", "system"})),
    ("prompt_completion", frozenset({"prompt", "completion"}), frozenset({"system", "tools"})),
    ("text", frozenset({"text"}), frozenset()),
)


def format_of(mapping: Mapping[Role, str]) -> shapes.RowFormat:
    """Returns the format whose parts a mapping gives.

    Raises:
        StudioError: (config) they make no format, or it has no use for one.
    """
    found = next((parts for parts in _PARTS if parts[1] <= mapping.keys()), None)
    if found is None:
        roles = get_args(Role)
        ways = "; ".join(
            " and ".join(f"`{role}`" for role in sorted(needed, key=roles.index)) for _, needed, _ in _PARTS
        )
        given = ", ".join(f"`{role}`" for role in mapping)
        raise StudioError("config", f"`data.mapping`: no row can be made of {given} alone.", f"Give one of: {ways}.")
    name, needed, more = found
    if left := next((role for role in mapping if role not in needed | more), None):
        message = f"`data.mapping`: rows of the format {name} have no `{left}`."
        hint = "Leave it out, or join it to another part: {prompt: '{title} {body}'} takes two columns."
        raise StudioError("config", message, hint)
    return name


def mapped(data: Mapping[str, Any], mapping: Mapping[Role, str]) -> dict[str, Any]:
    """Returns a row with the roles as its columns, the columns that play no part behind them.

    Raises:
        StudioError: (data) the row lacks a column.
    """
    used: set[str] = set()
    made: dict[str, Any] = {role: _value(data, source, used) for role, source in mapping.items()}
    return made | {name: value for name, value in data.items() if name not in used and name.lower() not in made}


def understood(row: Parsed, row_format: str, columns: Mapping[Role, str]) -> Parsed:
    """Returns a row with its columns mapped, or refused where it is not usable in a format."""
    if row.data is None:
        return row
    if columns:
        try:
            # Numbers of any size come through json as they are.
            row = from_data(mapped(json.loads(row.text), columns), row.line, row.position)
        except StudioError as error:
            return row._replace(text="", data=None, reason=error.message)
    reason = row.reason or chat.fault(row.data or {}, row_format)
    return row._replace(text="", data=None, reason=reason) if reason else row


def _value(data: Mapping[str, Any], source: str, used: set[str]) -> Any:
    if not _COLUMN.search(source):
        return _column(data, source, used)
    return _COLUMN.sub(lambda found: _joined(_column(data, found[1], used)), source)


def _joined(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _column(data: Mapping[str, Any], name: str, used: set[str]) -> Any:
    if name in data:
        used.add(name)
        return data[name]
    value: Any = data
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise StudioError("data", f"there is no column `{name[:100]}`", "Correct `data.mapping`.")
        value = value[part]
    return value
