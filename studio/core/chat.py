"""A data row understood: which format it is in, and the conversation or the text it means.

Whatever is wrong with a row is said as a `StudioError("data", ...)` whose message is the reason the row is refused.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from studio.core.data import shapes
from studio.core.data.shapes import FORMATS, RowFormat, first_of, listed
from studio.core.data.shapes import field as _field
from studio.core.errors import StudioError

__all__ = [
    "FORMATS",
    "ROLES",
    "TRAINABLE",
    "Example",
    "Preference",
    "fault",
    "plain",
    "shape",
    "to_example",
    "to_pair",
    "to_preference",
    "trainable",
]

ROLES = ("system", "user", "assistant", "tool")
# What a model can learn to write; `preference` is trained on too, but by another objective.
TRAINABLE = ("messages", "prompt_completion", "alpaca", "text", "mixed")

# Fields of a message besides its role and content that chat templates read.
_MORE_FIELDS = ("name", "reasoning_content", "thinking", "reasoning", "tool_call_id")
_MORE_KEYS = frozenset((*_MORE_FIELDS, "tool_calls"))
# Columns beside the messages that say something to the model.
_BESIDES = frozenset(("tools", "system"))

# The layouts of rows for a model without a chat template.
_ALPACA_PLAIN = "Instruction:\n{instruction}\n\nResponse:\n"
_ALPACA_PLAIN_INPUT = "Instruction:\n{instruction}\n\nInput:\n{input}\n\nResponse:\n"


Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """What a row means.

    Attributes:
        messages: the conversation, for a chat template; empty where the row is plain text.
        trained: for each message, whether the model learns to write it; only answers are.
        prompt: what stands before the answer where no chat template is used; None: only a template can lay it out.
        answer: what is learned where no chat template is used.
        tools: the tools that the model is told of, as JSON schemas.
    """

    messages: list[Message]
    trained: list[bool]
    prompt: str | None
    answer: str
    tools: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one prompt, the better and the worse; all three texts or all three lists of messages."""

    prompt: str | list[Message]
    chosen: str | list[Message]
    rejected: str | list[Message]


def shape(data: Mapping[str, Any]) -> tuple[RowFormat, str] | None:
    """Recognises a row's likeliest format by its keys, in any letter case.

    Returns:
        The format and the columns that showed it; None: no known format.
    """
    return next(iter(shapes.guesses(data)), None)


def fault(data: Mapping[str, Any], row_format: str) -> str:
    """Returns why a row is not usable in a format; empty if it is."""
    if plain(data, row_format) is not None:
        return ""
    try:
        if row_format == "preference":
            to_pair(data)
        elif row_format == "kto":
            if shapes.truth(_field(data, "label")) is None:
                return "`label` is not true or false"
            _from_prompt(data)
        else:
            to_example(data, row_format)
    except StudioError as error:
        return error.message
    return ""


def plain(data: Mapping[str, Any], row_format: str) -> list[Message] | None:
    """Returns the messages of a row that is beyond doubt usable, as most are, ten times as fast as `to_example`.

    Returns:
        What `to_example` makes of it, each answer trained and no tools; None for any other row.
    """
    if row_format == "messages":
        items, answered = data.get("messages"), False
        if type(items) is not list or (len(data) > 1 and any(name.lower() in _BESIDES for name in data)):
            return None
        for item in items:
            if type(item) is not dict or len(item) != 2 or not _says(item.get("content")):
                return None
            role = item.get("role")
            if role == "assistant":
                answered = True
            elif role not in ("user", "system", "tool"):
                return None
        return items if answered else None
    if row_format == "prompt_completion":
        before, answer = data.get("prompt"), data.get("completion")
        # What begins with a bracket may be a list of messages.
        if all(_says(text) and not text.lstrip().startswith("[") for text in (before, answer)):
            return [{"role": "user", "content": before}, {"role": "assistant", "content": answer}]
    return None


def _says(value: Any) -> TypeGuard[str]:
    """Whether a value is a text with a sign in it that can be seen, and can be written."""
    if type(value) is not str or not value or value.isspace():
        return False
    return value.isascii() or not _text_fault(value, empty=True)


def to_example(data: Mapping[str, Any], row_format: str, worse: bool = False) -> Example:
    """Reads a row to learn from.

    Args:
        data: the row's columns.
        row_format: one of `TRAINABLE`; of `mixed` rows each one's columns tell. Of a `preference` the better answer.
        worse: of a `preference` the worse answer instead.

    Raises:
        StudioError: (data) the row is not usable, or cannot be learned from; the message says why.
    """
    match row_format:
        case "messages":
            return _from_messages(data)
        case "prompt_completion":
            return _from_prompt(data)
        case "alpaca":
            return _from_alpaca(data)
        case "mixed":
            found = shape(data)
            if found is None:
                raise _fault("it is in no known format")
            return to_example(data, found[0])
        case "preference":
            return to_pair(data)[worse]
        case "kto":
            raise _fault("rows of this format cannot be learned from yet")
    return Example([], [], "", _text(data, first_of(data, shapes.TEXTS) or "text"))


def to_pair(data: Mapping[str, Any]) -> tuple[Example, Example]:
    """Reads a row of two answers as what the model would learn of each: the better and the worse.

    Raises:
        StudioError: (data) the row is not usable; the message says why.
    """
    found = to_preference(data)
    better, worse = (_answered(found.prompt, answer) for answer in (found.chosen, found.rejected))
    asked = (answer[0]["role"] for answer in (found.chosen, found.rejected) if not isinstance(answer, str))
    if "user" in asked:
        raise _fault("`chosen` and `rejected` answer different prompts")
    return better, worse


def _answered(prompt: str | list[Message], answer: str | list[Message]) -> Example:
    if isinstance(prompt, str) and isinstance(answer, str):
        messages: list[Message] = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        return Example(messages, [False, True], prompt, answer)
    assert not isinstance(prompt, str)
    assert not isinstance(answer, str)
    trained = [False] * len(prompt) + [item["role"] == "assistant" for item in answer]
    if not any(trained):
        raise _fault("no assistant message in `chosen` or in `rejected`")
    return Example([*prompt, *answer], trained, None, "")


def trainable(row_format: str, objective: str) -> bool:
    """Whether rows of a format are what an objective learns from."""
    return row_format == "preference" if objective == "dpo" else row_format in TRAINABLE


def learned_by(row_format: str) -> str | None:
    """Returns the objective that rows of a format are for, `sft` or `dpo`; None: they are not trained on."""
    return next((name for name in ("sft", "dpo") if trainable(row_format, name)), None)


def objective_for(row_format: str, asked: str) -> str:
    """Returns what rows of a format are learned by: what is asked where that takes them, else what they are for."""
    return asked if trainable(row_format, asked) else learned_by(row_format) or asked


def untrainable(row_format: str, objective: str) -> StudioError:
    """Says that rows of a format cannot be trained on with an objective, and how they can all the same."""
    if objective == "dpo":
        message = "`dpo` learns from rows with a better and a worse answer, and these have none."
        hint = "Set training.objective=sft, or name their columns: data.mapping={prompt: .., chosen: .., rejected: ..}."
        return StudioError("data", message, hint)
    if row_format == "preference":
        message = f"Rows with a better and a worse answer are not learned with `{objective}`."
        hint = "Set training.objective=dpo; for the better answers alone data.mapping={prompt: .., completion: chosen}."
        return StudioError("data", message, hint)
    hint = "To learn every completion, good or bad, set data.format=prompt_completion."
    return StudioError("data", "Training on rows with labels of good and bad is not possible yet.", hint)


def unusable(name: str, rows: int, reason: str) -> StudioError:
    """Says that there is nothing to train on in a file all of whose rows are rejected; `reason` is the first's."""
    message = f"None of the {rows:,} rows of {name} can be used; the first: {reason}."
    if rows == 1:
        message = f"The only row of {name} cannot be used: {reason}."
    return StudioError(
        "data", message, "Correct the rejected rows, or say which column plays which part (`data.mapping`)."
    )


def to_preference(data: Mapping[str, Any]) -> Preference:
    """Reads a row of two answers; a prompt that is in no column is what both begin with.

    Raises:
        StudioError: (data) the row is not usable; the message says why.
    """
    name = first_of(data, shapes.QUESTIONS)
    chosen, rejected = listed(_field(data, "chosen")), listed(_field(data, "rejected"))
    prompt = listed(_field(data, name)) if name else None
    if chosen is None and rejected is None:
        if not prompt:
            return _preferred_texts(data, name)
        chosen, rejected = _answering(data, "chosen"), _answering(data, "rejected")
    if chosen is None or rejected is None:
        raise _fault("`chosen` and `rejected` are neither both texts nor both lists of messages")
    better, worse = _messages(chosen, "chosen "), _messages(rejected, "rejected ")
    if prompt:
        asked = _messages(prompt, "prompt ")
        if better[: len(asked)] == asked == worse[: len(asked)]:
            better, worse = better[len(asked) :], worse[len(asked) :]
    else:
        pairs = zip(better, worse, strict=False)
        count = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(better), len(worse)))
        asked, better, worse = better[:count], better[count:], worse[count:]
        if not asked and name and prompt is None:
            asked = [{"role": "user", "content": _text(data, name)}]
    if not better or not worse or better == worse:
        raise _fault("`chosen` and `rejected` are the same")
    return Preference(asked, better, worse)


def _preferred_texts(data: Mapping[str, Any], name: str) -> Preference:
    better, worse = _text(data, "chosen"), _text(data, "rejected")
    if better == worse:
        raise _fault("`chosen` and `rejected` are the same")
    if name:
        prompt = "" if _field(data, name) == [] else _text(data, name, empty=True)
        size = len(prompt) if better.startswith(prompt) and worse.startswith(prompt) else 0
    else:
        size = next((at for at, (a, b) in enumerate(zip(better, worse, strict=False)) if a != b),
                    min(len(better), len(worse)))  # fmt: skip
        # The answers part where words part: at the last speaker's name if there are such, else at the last space.
        speaker = better.rfind("Assistant:", 0, size)
        size = speaker + len("Assistant:") if speaker >= 0 else better.rfind(" ", 0, size) + 1
        prompt = better[:size]
    if not better[size:].strip() or not worse[size:].strip():
        raise _fault("`chosen` or `rejected` is empty behind the prompt")
    return Preference(prompt, better[size:], worse[size:])


def _from_messages(data: Mapping[str, Any]) -> Example:
    name = first_of(data, shapes.LISTS)
    value = listed(_field(data, name)) if name else None
    if value is None:
        raise _fault(f"`{name}` is not a list" if name else "`messages` is missing")
    messages = _messages(value)
    # `weight: 0` is how OpenAI's fine-tuning files leave an answer out of the loss.
    trained = [
        item["role"] == "assistant" and raw.get("weight") not in (0, False)
        for item, raw in zip(messages, value, strict=True)
    ]
    # ShareGPT files may keep the system's message beside the conversation.
    system = _field(data, "system")
    if isinstance(system, str) and system.strip() and messages[0]["role"] != "system":
        messages, trained = [{"role": "system", "content": _text(data, "system")}, *messages], [False, *trained]
    if not any(trained):
        answered = any(item["role"] == "assistant" for item in messages)
        raise _fault("every assistant message has weight 0" if answered else "no assistant message")
    return Example(messages, trained, None, "", _tools(_field(data, "tools")))


def _from_prompt(data: Mapping[str, Any]) -> Example:
    before_name, answer_name = shapes.answered(data) or shapes.answered(data, empty=True) or ("prompt", "completion")
    prompt, completion = listed(_field(data, before_name)), listed(_field(data, answer_name))
    if prompt is None and completion is None:
        before, answer = _text(data, before_name, empty=True), _text(data, answer_name)
        messages: list[Message] = [{"role": "user", "content": before}, {"role": "assistant", "content": answer}]
        return Example(messages, [False, True], before, answer)
    if completion is None:
        completion = _answering(data, answer_name)
    if prompt is None:
        prompt = [{"role": "user", "content": _text(data, before_name, empty=True)}]
    asked = _messages(prompt, f"{before_name} ") if prompt else []
    answers = _messages(completion, f"{answer_name} ")
    if answers[: len(asked)] == asked:
        answers = answers[len(asked) :]
    trained = [False] * len(asked) + [item["role"] == "assistant" for item in answers]
    if not any(trained):
        raise _fault(f"no assistant message in `{answer_name}`")
    return Example(asked + answers, trained, None, "", _tools(_field(data, "tools")))


def _answering(data: Mapping[str, Any], name: str) -> list[Message]:
    """Returns an answer that is a text to a prompt that is a list of messages as a message too."""
    return [{"role": "assistant", "content": _text(data, name)}]


def _from_alpaca(data: Mapping[str, Any]) -> Example:
    instruction = _text(data, "instruction")
    answer = _text(data, first_of(data, shapes.OUTPUTS) or "output")
    # CSV writes what is absent as an empty text.
    name = first_of(data, shapes.INPUTS)
    extra = _text(data, name, empty=True) if name else ""
    system = _text(data, "system", empty=True) if _field(data, "system") is not None else ""
    user = f"{instruction}\n\n{extra}" if extra.strip() else instruction
    turns = _history(_field(data, "history"))
    messages = [*turns, {"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    layout = _ALPACA_PLAIN_INPUT if extra.strip() else _ALPACA_PLAIN
    plain = layout.format(instruction=instruction, input=extra)
    if turns:
        asked = [item["content"] for item in turns]
        before = zip(asked[::2], asked[1::2], strict=True)
        plain = "".join(_ALPACA_PLAIN.format(instruction=a) + f"{b}\n\n" for a, b in before) + plain
    if system.strip():
        messages.insert(0, {"role": "system", "content": system})
        plain = f"{system}\n\n{plain}"
    # Only the last answer is the row's own.
    return Example(messages, [False] * (len(messages) - 1) + [True], plain, answer)


def _history(value: Any) -> list[Message]:
    """Reads the turns before an instruction: pairs of a question and its answer."""
    turns: list[Message] = []
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _fault("`history` is not a list of pairs") from None
    if value and not isinstance(value, list):
        raise _fault("`history` is not a list of pairs")
    for pair in value or ():
        if not (isinstance(pair, list) and len(pair) == 2) or any(_text_fault(item, empty=True) for item in pair):
            raise _fault("`history` is not a list of pairs of texts")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return turns


def _tools(value: Any) -> list[Any]:
    """Reads the tools a conversation may call, a list or the JSON text of one."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _fault("`tools` is not JSON") from None
    if not value:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _fault("`tools` is not a list of objects")
    return list(value)


def _messages(value: Iterable[Any], where: str = "") -> list[Message]:
    messages = []
    for number, item in enumerate(value, start=1):
        message = _plain_message(item) or _message(item)
        if isinstance(message, str):
            raise _fault(f"{where}message {number}{message}")
        messages.append(message)
    if not messages:
        raise _fault(f"`{where.strip()}` is an empty list" if where else "the list of messages is empty")
    return messages


def _plain_message(item: Any) -> Message | None:
    """Reads a message that is beyond doubt usable, as most are; None for any other."""
    if type(item) is not dict or len(item) != 2:
        return None
    role, content = item.get("role"), item.get("content")
    if role not in ROLES or not _says(content):
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
    if speaker == "assistant" and role != speaker and (called := shapes.tool_calls(role, content)):
        return {"role": speaker, "content": "", "tool_calls": called}
    calls = item.get("tool_calls")
    fault = _text_fault(content, empty=speaker != "assistant")
    if fault and not (calls and content in (None, "")):
        return f": `{'content' if 'content' in item or 'from' not in item else 'value'}` {fault}"
    message: Message = {"role": speaker, "content": content or ""}
    if not _MORE_KEYS.isdisjoint(item):
        more = {key: item[key] for key in _MORE_FIELDS if isinstance(item.get(key), str)}
        for key, text in more.items():
            if fault := _text_fault(text, empty=True):
                return f": `{key}` {fault}"
        message |= more
        if calls:
            if not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
                return ": `tool_calls` is not a list of objects"
            if not all(map(shapes.named, calls)):
                return ": a call in `tool_calls` has no name"
            message["tool_calls"] = shapes.with_objects(calls)
    return message


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
