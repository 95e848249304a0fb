"""What a run told besides its numbers, in sentences: its rows, what it met with, what it was asked, how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from studio.core.events import Failed, Finished, Notice, Obeyed, Prepared, Replied, Resumed
from studio.core.progress import Happening, Progress

_MOST_LETTERS = 80  # of a question


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        time_s: when, in seconds since 1970.
        step: behind which; 0: before the first, or it does not say.
        text: a sentence or two.
    """

    time_s: float
    step: int
    text: str


def lines(told: Progress) -> list[Line]:
    """Returns what happened, in order; what each attempt at a run says anew is there once."""
    found, said = list[Line](), set[str]()
    for event in told.happened:
        step = 0 if isinstance(event, Failed) else event.step
        fresh = [text for text in _texts(event) if not isinstance(event, Notice) or text not in said]
        said |= set(fresh)
        found += (Line(event.time_s, step, text) for text in fresh)
    return found


def counts(prepared: Prepared) -> list[str]:
    """Returns how many rows are used, and of how many that are not why; one sentence each."""
    found = [_rows_sentence(prepared)]
    if prepared.rejected_rows:
        found.append(_rejected_sentence(prepared))
    if prepared.untrained_rows:
        found.append(_untrained_sentence(prepared))
    if prepared.rejected_rows or prepared.untrained_rows:
        found.append(_listed_sentence())
    if prepared.truncated_rows:
        found.append(_cut_sentence(prepared))
    return found


def _texts(event: Happening) -> Iterator[str]:
    match event:
        case Notice():
            yield event.message
        case Resumed():
            yield from event.refused
            yield _resumed_sentence(event)
        case Obeyed():
            yield _obeyed_sentence(event)
        case Replied():
            yield _replied_sentence(event)
        case Failed():
            yield event.message
        case Finished():
            yield _finished_sentence(event)
        case _:
            assert_never(event)


def _rows_sentence(prepared: Prepared) -> str:
    if prepared.eval_rows:
        return f"Rows that are trained on: {prepared.rows:,}, and evaluated: {prepared.eval_rows:,}."
    return f"Rows that are trained on: {prepared.rows:,}."


def _rejected_sentence(prepared: Prepared) -> str:
    return f"Rows that cannot be read: {prepared.rejected_rows:,}."


def _untrained_sentence(prepared: Prepared) -> str:
    return f"Rows with nothing to learn from: {prepared.untrained_rows:,}."


def _listed_sentence() -> str:
    return "They are listed in rejected.jsonl in the run folder."


def _cut_sentence(prepared: Prepared) -> str:
    return f"Rows cut at the maximum length: {prepared.truncated_rows:,}."


def _resumed_sentence(event: Resumed) -> str:
    return f"It went on behind step {event.step:,}." if event.step else "It began anew."


def _obeyed_sentence(event: Obeyed) -> str:
    match event.command.get("kind"):
        case "stop":
            return "It was asked to end."
        case "pause":
            return "It was paused."
        case "continue":
            return "It went on after the pause."
        case "save":
            return "It was asked for a checkpoint."
        case "evaluate":
            return "It was asked to evaluate."
        case "set_learning_rate":
            return f"The peak learning rate was set to {float(event.command['learning_rate']):g}."
        case "save_memory":
            return "It was asked to need less memory once it is resumed."
    return "It was asked for something that this version does not know."


def _replied_sentence(event: Replied) -> str:
    return f"It was asked: {' '.join(event.question.split())[:_MOST_LETTERS]}"


def _finished_sentence(event: Finished) -> str:
    match event.outcome:
        case "stopped":
            return "It was stopped, and kept its result."
        case "early_stopped":
            return "It ended early: the evaluation loss had not become lower."
        case _:
            return "It was completed."
