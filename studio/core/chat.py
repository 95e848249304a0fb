"""A data row understood: which format it is in, and the conversation or the text it means.

Whatever is wrong with a row is said as a `StudioError("data", ...)` whose message is the reason the row is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.core.data import shapes
from studio.core.data.shapes import FORMATS, RowFormat, first_of, listed
from studio.core.data.shapes import field as _field
from studio.core.errors import StudioError
from studio.core.messages import HALF, ROLES, Message, read, refused, says, text_fault, writable

__all__ = [
    "FORMATS",
    "ROLES",
    "Example",
    "Preference",
    "fault",
    "plain",
    "question",
    "shape",
    "to_example",
    "to_pair",
    "to_preference",
    "with_system",
]

# Columns beside the messages that say something to the model.
_BESIDES = frozenset(("tools", "functions", "system"))
# How many columns a row has that has nothing else.
_PLAIN_COLUMNS = {"messages": 1, "prompt_completion": 2}

# Of a prompt, in words and in letters of those that are written without spaces: shorter ones an answer may begin with.
_GREETING, _GREETING_LETTERS = 3, 24

# The layouts of rows for a model without a chat template.
ALPACA_PLAIN = "Instruction:\n{instruction}\n\nResponse:\n"
_ALPACA_INPUT = "Instruction:\n{instruction}\n\nInput:\n{input}\n\nResponse:\n"


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
    if len(data) > _PLAIN_COLUMNS.get(row_format, 0) and any(name.lower() in _BESIDES for name in data):
        return None
    if row_format == "messages":
        items, answered = data.get("messages"), False
        if type(items) is not list:
            return None
        for item in items:
            if type(item) is not dict or len(item) != 2 or not says(item.get("content")):
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
        if all(says(text) and not text.lstrip().startswith("[") for text in (before, answer)):
            return [{"role": "user", "content": before}, {"role": "assistant", "content": answer}]
    return None


def to_example(data: Mapping[str, Any], row_format: str, worse: bool = False) -> Example:
    """Reads a row to learn from.

    Args:
        data: the row's columns.
        row_format: one of `FORMATS`; of `mixed` rows each one's columns tell. Of a `preference` the better answer.
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
                raise refused("it is in no known format")
            return to_example(data, found[0])
        case "preference":
            return to_pair(data)[worse]
        case "kto":
            desirable(data)
            return _from_prompt(data)
    return Example([], [], "", _text(data, first_of(data, shapes.TEXTS) or "text"))


def desirable(data: Mapping[str, Any]) -> bool:
    """Returns whether a `kto` row's answer is labelled good.

    Raises:
        StudioError: (data) it is labelled neither good nor bad.
    """
    label = shapes.truth(_field(data, "label"))
    if label is None:
        raise refused("`label` is not true or false, nor yes or no, good or bad")
    return label


def with_system(data: Mapping[str, Any], system: str) -> Mapping[str, Any]:
    """Returns a row with a system's message in the column for it; one that has something there keeps its own."""
    own = _field(data, "system")
    return data if not system or (isinstance(own, str) and own.strip()) else {**data, "system": system}


def to_pair(data: Mapping[str, Any]) -> tuple[Example, Example]:
    """Reads a row of two answers as what the model would learn of each: the better and the worse.

    Raises:
        StudioError: (data) the row is not usable; the message says why.
    """
    found, tools = to_preference(data), tools_of(data)
    better, worse = (_answered(data, found.prompt, answer, tools) for answer in (found.chosen, found.rejected))
    asked = (answer[0]["role"] for answer in (found.chosen, found.rejected) if not isinstance(answer, str))
    if "user" in asked:
        good, bad = shapes.preferred(data)
        raise refused(f"`{good}` and `{bad}` answer different prompts")
    return better, worse


def _answered(
    data: Mapping[str, Any], prompt: str | list[Message], answer: str | list[Message], tools: list[Any]
) -> Example:
    if isinstance(prompt, str) and isinstance(answer, str):
        return _answered_text(data, prompt, answer, tools)
    assert not isinstance(prompt, str)
    assert not isinstance(answer, str)
    asked = [*_system(data, prompt), *prompt]
    trained = [False] * len(asked) + [item["role"] == "assistant" for item in answer]
    if not any(trained):
        good, bad = shapes.preferred(data)
        raise refused(f"no assistant message in `{good}` or in `{bad}`")
    return Example([*asked, *answer], trained, None, "", tools)


def _answered_text(data: Mapping[str, Any], prompt: str, answer: str, tools: list[Any]) -> Example:
    system = _system(data)
    asked = [*system, {"role": "user", "content": prompt}]
    # Of tools only a template can tell.
    plain = None if tools else "\n\n".join([*(item["content"] for item in system), prompt])
    return Example(
        [*asked, {"role": "assistant", "content": answer}], [False] * len(asked) + [True], plain, answer, tools
    )


def question(example: Example) -> tuple[list[Message], str] | None:
    """Returns what a row's last answer is to, and that answer; None: it has none such, or they are more than texts."""
    at = max((at for at, item in enumerate(example.messages) if item["role"] == "assistant"), default=0)
    told = example.messages[:at]
    plain = all(isinstance(item.get("content"), str) and not item.get("tool_calls") for item in told)
    if (
        not told
        or told[-1]["role"] != "user"
        or not str(told[-1].get("content")).strip()
        or not plain
        or example.tools
        or any(item["role"] == "tool" for item in told)
    ):
        return None
    return told, str(example.messages[at].get("content") or "")


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
    name = first_of(data, shapes.QUESTIONS) or _conversation(data)
    good, bad = shapes.preferred(data)
    chosen, rejected = listed(_field(data, good)), listed(_field(data, bad))
    prompt = listed(_held(data, name)) if name else None
    if chosen is None and rejected is None:
        if not prompt:
            return _preferred_texts(data, name)
        chosen, rejected = _answering(data, good), _answering(data, bad)
    if chosen is None or rejected is None:
        raise refused(f"`{good}` and `{bad}` are neither both texts nor both lists of messages")
    better, worse = read(chosen, f"{good} "), read(rejected, f"{bad} ")
    if prompt:
        asked = read(prompt, "prompt ")
        if better[: len(asked)] == asked == worse[: len(asked)]:
            better, worse = better[len(asked) :], worse[len(asked) :]
    else:
        count = common(better, worse)
        asked, better, worse = better[:count], better[count:], worse[count:]
        if name and prompt is None and not any(item["role"] == "user" for item in asked):
            at = 1 if asked and asked[0]["role"] == "system" else 0
            asked.insert(at, {"role": "user", "content": _question(data, name)})
    if not better or not worse or better == worse:
        raise refused(f"`{good}` and `{bad}` are the same")
    return Preference(asked, better, worse)


def _held(data: Mapping[str, Any], name: str) -> Any:
    """Returns a column; of OpenAI's preferences the messages are one level down, and the tools beside them."""
    value = _field(data, name)
    return value["messages"] if isinstance(value, Mapping) and "messages" in value else value


def common(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Returns how many letters two texts, or items two lists, both begin with."""
    if one[: len(other)] == other:
        return len(other)
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _preferred_texts(data: Mapping[str, Any], name: str) -> Preference:
    good, bad = shapes.preferred(data)
    better, worse = _text(data, good), _text(data, bad)
    if better == worse:
        raise refused(f"`{good}` and `{bad}` are the same")
    if name:
        prompt = "" if _field(data, name) == [] else _question(data, name)
        size = len(prompt) if _repeats(better, prompt) and _repeats(worse, prompt) else 0
    else:
        size = common(better, worse)
        # The answers part where words part: at the last speaker's name if there are such, else at the last space.
        speaker = better.rfind("Assistant:", 0, size)
        size = speaker + len("Assistant:") if speaker >= 0 else better.rfind(" ", 0, size) + 1
        prompt = better[:size]
    if not better[size:].strip() or not worse[size:].strip():
        raise refused(f"`{good}` or `{bad}` is empty behind the prompt")
    return Preference(prompt, better[size:], worse[size:])


def _repeats(answer: str, prompt: str) -> bool:
    """Whether an answer's text begins with the prompt itself, and not just as a greeting is returned."""
    long = len(prompt.split()) > _GREETING or len(prompt.strip()) > _GREETING_LETTERS
    ends = prompt[-1:].isspace() or prompt.endswith((":", "?", "="))
    inside_a_word = prompt[-1:].isalnum() and answer[len(prompt) : len(prompt) + 1].isalnum()
    return (long or ends) and answer.startswith(prompt) and not inside_a_word


def _from_messages(data: Mapping[str, Any]) -> Example:
    name = first_of(data, shapes.LISTS)
    value = listed(_field(data, name)) if name else None
    if value is None:
        raise refused(f"`{name}` is not a list" if name else "`messages` is missing")
    messages = read(value)
    system, trained = _system(data, messages), _trained(messages, value)
    messages, trained = [*system, *messages], [False] * len(system) + trained
    return Example(messages, trained, None, "", tools_of(data))


def _trained(messages: Sequence[Message], given: Sequence[Any], name: str = "") -> list[bool]:
    """Returns for each message whether it is learned.

    Args:
        messages: as they were read.
        given: as the row has them; `weight: 0` is how OpenAI's fine-tuning files leave an answer out of the loss.
        name: of the column that they are.

    Raises:
        StudioError: (data) none is.
    """
    answers = [item["role"] == "assistant" for item in messages]
    weights = [raw.get("weight") for raw in given]
    odd = (at for at, weight in enumerate(weights, start=1) if answers[at - 1] and weight not in (None, 0, 1))
    if wrong := next(odd, 0):
        where = f"{name} message" if name else "message"
        raise refused(f"{where} {wrong}: `weight` is neither 0 nor 1")
    trained = [answer and weight != 0 for answer, weight in zip(answers, weights, strict=True)]
    if any(answers) and not any(trained):
        raise refused("every assistant message has weight 0")
    if not any(trained):
        raise refused(f"no assistant message in `{name}`" if name else "no assistant message")
    return trained


def _system(data: Mapping[str, Any], messages: Sequence[Message] = ()) -> list[Message]:
    """Reads the system's message that stands in a column of its own, unless the messages begin with one."""
    value = _field(data, "system")
    if not isinstance(value, str) or not value.strip() or (messages and messages[0]["role"] == "system"):
        return []
    return [{"role": "system", "content": _text(data, "system")}]


def _from_prompt(data: Mapping[str, Any]) -> Example:
    before_name, answer_name = shapes.answered(data) or shapes.answered(data, empty=True) or ("prompt", "completion")
    prompt, completion = listed(_field(data, before_name)), listed(_field(data, answer_name))
    if prompt is None and completion is None:
        return _answered_text(data, _question(data, before_name), _text(data, answer_name), tools_of(data))
    if completion is None:
        completion = _answering(data, answer_name)
    if prompt is None:
        prompt = [{"role": "user", "content": _question(data, before_name)}]
    asked = read(prompt, f"{before_name} ") if prompt else []
    answers = read(completion, f"{answer_name} ")
    if answers[: len(asked)] == asked:
        answers, completion = answers[len(asked) :], completion[len(asked) :]
    asked = [*_system(data, asked), *asked]
    trained = [False] * len(asked) + _trained(answers, completion, answer_name)
    return Example(asked + answers, trained, None, "", tools_of(data))


def _question(data: Mapping[str, Any], name: str) -> str:
    """Reads what is asked, and behind it what it is about, where an instruction or a question has a column for that."""
    asked = _text(data, name, empty=True)
    about = _about(data) if name.lower() in shapes.ABOUT else ""
    # Lists of sources, say, are no text to read.
    if not about or not isinstance(_field(data, about), str):
        return asked
    extra = _text(data, about, empty=True)
    return f"{asked}\n\n{extra}" if extra.strip() else asked


def _about(data: Mapping[str, Any]) -> str:
    """Returns the column of what an instruction is about, one that says something before one that does not."""
    # CSV writes what is absent as an empty text.
    said = (name for name in shapes.INPUTS if _field(data, name) not in (None, ""))
    return next(said, first_of(data, shapes.INPUTS))


def _conversation(data: Mapping[str, Any]) -> str:
    """Returns the column of a conversation that two answers go on from; empty: there is none, or it is answered."""
    name = first_of(data, shapes.LISTS)
    found = listed(_field(data, name)) if name else None
    if not found or not isinstance(found[-1], dict):
        return ""
    return "" if read(found, f"{name} ")[-1]["role"] == "assistant" else name


def _answering(data: Mapping[str, Any], name: str) -> list[Message]:
    """Returns an answer that is a text to a prompt that is a list of messages as a message too."""
    return [{"role": "assistant", "content": _text(data, name)}]


def _from_alpaca(data: Mapping[str, Any]) -> Example:
    instruction = _text(data, "instruction")
    answer = _text(data, first_of(data, shapes.OUTPUTS) or "output")
    name = _about(data)
    extra = _text(data, name, empty=True) if name else ""
    system = "".join(item["content"] for item in _system(data))
    user = f"{instruction}\n\n{extra}" if extra.strip() else instruction
    turns = _history(_field(data, "history"))
    messages = [*turns, {"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    layout = _ALPACA_INPUT if extra.strip() else ALPACA_PLAIN
    plain = layout.format(instruction=instruction, input=extra)
    if turns:
        asked = [item["content"] for item in turns]
        before = zip(asked[::2], asked[1::2], strict=True)
        plain = "".join(ALPACA_PLAIN.format(instruction=a) + f"{b}\n\n" for a, b in before) + plain
    if system:
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
            raise refused("`history` is not a list of pairs") from None
    if value and not isinstance(value, list):
        raise refused("`history` is not a list of pairs")
    for pair in value or ():
        if not (isinstance(pair, list) and len(pair) == 2) or any(text_fault(item, empty=True) for item in pair):
            raise refused("`history` is not a list of pairs of texts")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return turns


def tools_of(data: Mapping[str, Any]) -> list[Any]:
    """Reads the tools a conversation may call, a list or the JSON text of one; OpenAI's older files name functions."""
    held = _field(data, "input")
    if isinstance(held, Mapping) and not first_of(data, ("tools", "functions")):
        data = held
    name = first_of(data, ("tools", "functions")) or "tools"
    value = _field(data, name)
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise refused(f"`{name}` is not JSON") from None
    if not value:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise refused(f"`{name}` is not a list of objects")
    if not writable(value):
        raise refused(f"`{name}` {HALF}")
    return list(value) if name == "tools" else [{"type": "function", "function": item} for item in value]


def _text(data: Mapping[str, Any], name: str, empty: bool = False) -> str:
    value = _field(data, name)
    fault = text_fault(value, empty)
    if fault:
        raise refused(f"`{name}` {fault}")
    return str(value)
