"""Conversations as rows hold them: who speaks, and what is said and called. No widgets."""

import json
from typing import Any

# As `messages` have them and as ShareGPT does: under which keys a turn says who speaks and what.
_DIALECTS = (("role", "content"), ("from", "value"))


def dialect(value: Any) -> tuple[str, str] | None:
    """Returns under which keys a conversation says who speaks and what; None where the value is none.

    A turn that calls tools may say nothing beside.
    """
    if not (isinstance(value, list) and value and all(isinstance(item, dict) for item in value)):
        return None
    for who, what in _DIALECTS:
        if all(who in item and (what in item or "tool_calls" in item) for item in value):
            return who, what
    return None


def told(value: Any) -> list[tuple[str, str]]:
    """Returns the turns of a conversation, who speaks and what; none where the value is no conversation."""
    keys = dialect(value)
    if keys is None:
        return []
    who, what = keys
    return [(str(item[who]), "\n".join(filter(None, (text_of(item.get(what)), calls(item))))) for item in value]


def calls(item: dict[str, Any]) -> str:
    """Returns what a turn calls, a line for each call; empty: nothing."""
    found = item.get("tool_calls")
    return "\n".join(map(text_of, found)) if isinstance(found, list) else text_of(found)


def text_of(value: Any) -> str:
    """Returns a text as it is, nothing as nothing, and anything else as JSON."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
