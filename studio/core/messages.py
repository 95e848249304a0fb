"""One message of a conversation, in OpenAI's dialect or ShareGPT's, and what is wrong with it.

Whatever is wrong is said as a `StudioError("data", ...)` whose message is the reason the row is refused.
"""

import json
from collections.abc import Iterable
from typing import Any, TypeGuard

from studio.core.data import shapes
from studio.core.errors import StudioError

ROLES = ("system", "user", "assistant", "tool")
HALF = "holds half of a surrogate pair, which is not a character"
# Fields of a message besides its role and content that chat templates read.
_MORE_FIELDS = frozenset(("name", "reasoning_content", "thinking", "reasoning", "tool_call_id"))

Message = dict[str, Any]


def read(value: Iterable[Any], where: str = "") -> list[Message]:
    """Reads the messages of a list; `where` is what it is a part of, and a space.

    Raises:
        StudioError: (data) one is not usable, or there is none; the message says why.
    """
    messages = []
    for number, item in enumerate(value, start=1):
        message = _plain_message(item) or _message(item)
        if isinstance(message, str):
            raise refused(f"{where}message {number}{message}")
        messages.append(message)
    if not messages:
        raise refused(f"`{where.strip()}` is an empty list" if where else "the list of messages is empty")
    return messages


def _plain_message(item: Any) -> Message | None:
    """Reads a message that is beyond doubt usable, as most are; None for any other."""
    if type(item) is not dict or len(item) != 2:
        return None
    role, content = item.get("role"), item.get("content")
    if role not in ROLES or not says(content):
        return None
    return {"role": role, "content": content}


def _message(item: Any) -> Message | str:
    """Reads one message, of either dialect; what is wrong with it, instead."""
    if not isinstance(item, dict):
        return " is not an object"
    role, content = item.get("role"), item.get("content")
    if role is None and "from" in item:
        role, content = item["from"], item.get("value")
    speaker = role if role in ROLES else shapes.SPEAKERS.get(role.strip().lower()) if isinstance(role, str) else None
    if speaker is None:
        named = "role" in item or "from" in item
        return f": role {_short(role)} is not one of {', '.join(ROLES)}" if named else ": `role` is missing"
    content, calls = _joined(content), item.get("tool_calls") or _called(item)
    if speaker == "assistant" and role != speaker and (called := shapes.tool_calls(role, content)):
        calls, content = called, ""
    if calls and isinstance(content, str) and not content.strip():
        content = ""
    fault = text_fault(content, empty=speaker != "assistant")
    if fault and not (calls and content in (None, "")):
        return f": `{'content' if 'content' in item or 'from' not in item else 'value'}` {fault}"
    message: Message = {"role": speaker, "content": content or ""}
    if not _MORE_FIELDS.isdisjoint(item):
        more = {key: item[key] for key in item if key in _MORE_FIELDS and isinstance(item[key], str)}
        for key, text in more.items():
            if fault := text_fault(text, empty=True):
                return f": `{key}` {fault}"
        message |= more
    if calls:
        if fault := _calls_fault(calls):
            return fault
        message["tool_calls"] = shapes.with_objects(calls)
        if not writable(message["tool_calls"]):
            return f": `tool_calls` {HALF}"
    return message


def _joined(content: Any) -> Any:
    """Returns the text that OpenAI's files give in parts; anything else, such as parts that are pictures, as it is."""
    if not (isinstance(content, list) and content and all(isinstance(part, dict) for part in content)):
        return content
    texts = [part.get("text") for part in content if part.get("type") == "text"]
    return "".join(texts) if len(texts) == len(content) and all(isinstance(text, str) for text in texts) else content


def _called(item: dict[str, Any]) -> list[Any] | None:
    """Returns the one call that OpenAI's older files have in a field of its own, as the newer ones have it."""
    call = item.get("function_call")
    return [{"type": "function", "function": call}] if isinstance(call, dict) else None


def _calls_fault(calls: Any) -> str:
    if not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
        return ": `tool_calls` is not a list of objects"
    return "" if all(map(shapes.named, calls)) else ": a call in `tool_calls` has no name"


def writable(value: Any) -> bool:
    """Whether all texts in a value, however deep, can be written; escaped in JSON half a character passes for one."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def says(value: Any) -> TypeGuard[str]:
    """Whether a value is a text with a sign in it that can be seen, and can be written."""
    if type(value) is not str or not value or value.isspace():
        return False
    return value.isascii() or not text_fault(value, empty=True)


def text_fault(value: Any, empty: bool) -> str:
    """Returns what is wrong with a text, which may be `empty`; nothing if it is well."""
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return f"is not text but {_kind(value)}"
    if not empty and not value.strip():
        return "is empty"
    try:
        value.encode()
    except UnicodeEncodeError:
        return HALF
    return ""


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def refused(reason: str) -> StudioError:
    """Returns what a row is refused by."""
    return StudioError("data", reason, "Correct the row or leave it out.")
