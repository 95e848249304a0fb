"""A data row understood: which format it is in, and the conversation or the text it means.

Whatever is wrong with a row is said as a `StudioError("data", ...)` whose message is the reason the row is refused.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from studio.core.errors import StudioError

RowFormat = Literal["messages", "prompt_completion", "alpaca", "text"]
FORMATS: tuple[RowFormat, ...] = get_args(RowFormat)
ROLES = ("system", "user", "assistant", "tool")

# Fields of a message besides its role and content that chat templates read.
_MORE_FIELDS = ("name", "reasoning_content", "thinking", "reasoning")

# The layouts of rows for a model without a chat template.
_ALPACA_PLAIN = "Instruction:\n{instruction}\n\nResponse:\n"
_ALPACA_PLAIN_INPUT = "Instruction:\n{instruction}\n\nInput:\n{input}\n\nResponse:\n"


@dataclass(frozen=True, slots=True)
class Example:
    """What a row means.

    Attributes:
        messages: the conversation, for a chat template; empty where the row is plain text.
        trained: for each message, whether the model learns to write it; only answers are.
        prompt: what stands before the answer where no chat template is used; None: only a template can lay it out.
        answer: what is learned where no chat template is used.
    """

    messages: list[dict[str, str]]
    trained: list[bool]
    prompt: str | None
    answer: str


def shape(data: Mapping[str, Any]) -> tuple[RowFormat, str] | None:
    """Recognises a row's format by its keys, in any letter case.

    Returns:
        The format and the columns that showed it; None: no known format.
    """
    for name in ("messages", "conversations"):
        first = next(iter(_listed(_field(data, name)) or ()), None)
        if isinstance(first, dict) and (name == "messages" or {"role", "content"} <= first.keys()):
            return "messages", f"`{name}`"
    if _field(data, "prompt") is not None and _field(data, "completion") is not None:
        return "prompt_completion", "`prompt` and `completion`"
    if _field(data, "instruction") is not None and _field(data, "output") is not None:
        return "alpaca", "`instruction` and `output`"
    return ("text", "`text`") if _field(data, "text") is not None else None


def to_example(data: Mapping[str, Any], row_format: str) -> Example:
    """Reads a row.

    Args:
        data: the row's columns.
        row_format: one of `FORMATS`.

    Raises:
        StudioError: (data) the row is not usable; the message says why.
    """
    match row_format:
        case "messages":
            return _from_messages(data)
        case "prompt_completion":
            return _from_prompt(data)
        case "alpaca":
            return _from_alpaca(data)
    return Example([], [], "", _text(data, "text"))


def _from_messages(data: Mapping[str, Any]) -> Example:
    name = "messages" if _field(data, "messages") is not None else "conversations"
    value = _listed(_field(data, name))
    if value is None:
        raise _fault("`messages` is missing" if _field(data, name) is None else f"`{name}` is not a list")
    if data.get("tools"):
        raise _fault("`tools`: tool definitions are not supported")
    messages = _messages(value)
    # `weight: 0` is how OpenAI's fine-tuning files leave an answer out of the loss.
    trained = [
        item["role"] == "assistant" and raw.get("weight") not in (0, False)
        for item, raw in zip(messages, value, strict=True)
    ]
    if not any(trained):
        answered = any(item["role"] == "assistant" for item in messages)
        raise _fault("every assistant message has weight 0" if answered else "no assistant message")
    return Example(messages, trained, None, "")


def _from_prompt(data: Mapping[str, Any]) -> Example:
    prompt, completion = _listed(_field(data, "prompt")), _listed(_field(data, "completion"))
    if prompt is None and completion is None:
        before, answer = _text(data, "prompt", empty=True), _text(data, "completion")
        messages = [{"role": "user", "content": before}, {"role": "assistant", "content": answer}]
        return Example(messages, [False, True], before, answer)
    if prompt is None or completion is None:
        raise _fault("`prompt` and `completion` are neither both texts nor both lists of messages")
    asked, answers = _messages(prompt, "prompt "), _messages(completion, "completion ")
    trained = [False] * len(asked) + [item["role"] == "assistant" for item in answers]
    if not any(trained):
        raise _fault("no assistant message in `completion`")
    return Example(asked + answers, trained, None, "")


def _from_alpaca(data: Mapping[str, Any]) -> Example:
    instruction, answer = _text(data, "instruction"), _text(data, "output")
    # CSV writes what is absent as an empty text.
    extra = _text(data, "input", empty=True) if _field(data, "input") is not None else ""
    system = _text(data, "system", empty=True) if _field(data, "system") is not None else ""
    user = f"{instruction}\n\n{extra}" if extra.strip() else instruction
    messages = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    layout = _ALPACA_PLAIN_INPUT if extra.strip() else _ALPACA_PLAIN
    plain = layout.format(instruction=instruction, input=extra)
    if system.strip():
        messages.insert(0, {"role": "system", "content": system})
        plain = f"{system}\n\n{plain}"
    return Example(messages, [item["role"] == "assistant" for item in messages], plain, answer)


def _messages(value: Iterable[Any], where: str = "") -> list[dict[str, str]]:
    messages = []
    for number, item in enumerate(value, start=1):
        message = _message(item)
        if isinstance(message, str):
            raise _fault(f"{where}message {number}{message}")
        messages.append(message)
    if not messages:
        raise _fault(f"{where}the list of messages is empty")
    return messages


def _message(item: Any) -> dict[str, str] | str:
    """Reads one message; what is wrong with it, instead."""
    if not isinstance(item, dict):
        return " is not an object"
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        return f": role {_short(role)} is not one of {', '.join(ROLES)}" if "role" in item else ": `role` is missing"
    if item.get("tool_calls"):
        return ": tool calls are not supported"
    fault = _text_fault(content, empty=role != "assistant")
    if fault:
        return f": `content` {fault}"
    message = {"role": role, "content": content}
    if len(item) > 2:
        more = {key: item[key] for key in _MORE_FIELDS if isinstance(item.get(key), str)}
        for key, text in more.items():
            if fault := _text_fault(text, empty=True):
                return f": `{key}` {fault}"
        message |= more
    return message


def _field(data: Mapping[str, Any], name: str) -> Any:
    """Returns a column's value, its name in any letter case; None where it is absent."""
    if name in data:
        return data[name]
    return next((value for key, value in data.items() if key.lower() == name), None)


def _listed(value: Any) -> list[Any] | None:
    """Returns a list as it is or out of the JSON text that a CSV cell holds it in; None for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
        # A prompt may begin with a bracket: only objects are messages.
        if not (isinstance(value, list) and value and all(isinstance(item, dict) for item in value)):
            return None
    return value if isinstance(value, list) else None


def _text(data: Mapping[str, Any], name: str, empty: bool = False) -> str:
    value = _field(data, name)
    fault = _text_fault(value, empty)
    if fault:
        raise _fault(f"`{name}` {fault}")
    return str(value)


def _text_fault(value: Any, empty: bool) -> str:
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return f"is not text but {_kind(value)}"
    if not empty and not value.strip():
        return "is empty"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is not a character"
    return ""


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _fault(reason: str) -> StudioError:
    return StudioError("data", reason, "Correct the row or leave it out.")
