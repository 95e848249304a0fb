"""What a run answers to the user's prompts and questions at a step, so that what is learned can be read.

Nothing is drawn and nothing that training looks at is changed: a run goes on bit for bit as one that answers nothing.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from studio.core import events
from studio.core.asking import Message
from studio.core.errors import StudioError, as_memory_error
from studio.engine.decoding import interruptible
from studio.engine.generate import Sampling, answer
from studio.engine.labels import Encoder
from studio.engine.objectives import bare
from studio.engine.session import Session

_EVERY_S = 0.2


class _EndedError(Exception):
    """The run is to end, and no answer is waited for."""


def tell(current: Session, ends: Callable[[], bool]) -> bool:
    """Answers the run's prompts with the weights of the present step, by the main process.

    An answer that cannot be given ends no run: what kept it from being given is told in its place.

    Args:
        current: the session, behind a step.
        ends: asked a few times a second whether the run is to end; if so, nothing is told.

    Returns:
        Whether they were answered; always in other processes.
    """
    spec = current.config.training
    if not current.accelerator.is_main_process:
        return True
    answers, faults, encoder = list[str](), dict[int, str](), _encoder(current)
    try:
        for at, prompt in enumerate(spec.sample_prompts):
            current.emit(events.Phase(name="answering", done=at, total=len(spec.sample_prompts)))
            asked = [Message(role="user", content=prompt)]
            text, fault = _answered(current, encoder, asked, spec.sample_max_new_tokens, ends)
            answers.append(text)
            faults |= {at: fault} if fault else {}
    except _EndedError:
        return False
    finally:
        current.emit(events.Phase(name="training"))
    current.emit(events.Answered(step=current.position.step, answers=answers, faults=faults))
    return True


def reply(current: Session, question: events.Question, ends: Callable[[], bool]) -> None:
    """Answers a question with the weights of the present step, and tells the answer or why there is none.

    Args:
        current: the session, behind a step; the main process answers.
        question: what is asked.
        ends: asked a few times a second whether the run is to end; then it answers no more.
    """
    if not current.accelerator.is_main_process:
        return
    tokens = question.max_new_tokens or current.config.training.sample_max_new_tokens
    current.emit(events.Phase(name="answering", total=1))
    try:
        text, fault = _answered(current, _encoder(current), question.messages, tokens, ends)
    except _EndedError:
        text, fault = "", "The run was to end before it had answered."
    finally:
        current.emit(events.Phase(name="training"))
    asked, before = question.messages[-1].content, len(question.messages) - 1
    told = events.Replied(
        step=current.position.step, id=question.id, question=asked, turn=before, answer=text, fault=fault
    )
    current.emit(told)


def _looking(ends: Callable[[], bool]) -> Callable[[], None]:
    """Returns what is called before each of a model's blocks, and breaks an answer off if the run is to end."""
    looked_s = 0.0

    def look() -> None:
        nonlocal looked_s
        if time.monotonic() - looked_s > _EVERY_S:
            looked_s = time.monotonic()
            if ends():
                raise _EndedError

    return look


def _encoder(current: Session) -> Encoder:
    """Returns what lays a prompt out as the adapter is asked once it is in the library."""
    corpus = current.corpus
    return replace(corpus.encoder, template=corpus.encoder.prompting(corpus.row_format))


def _answered(
    current: Session, encoder: Encoder, messages: Sequence[Message], tokens: int, ends: Callable[[], bool]
) -> tuple[str, str]:
    """Returns an answer of at most so many tokens, or an empty one and why there is none."""
    said = [{"role": message.role, "content": message.content} for message in messages]
    try:
        with interruptible(bare(current.model), _looking(ends)):
            return answer(current.bare, encoder, said, Sampling(max_new_tokens=tokens)), ""
    except _EndedError:
        raise
    except StudioError as error:
        return "", str(error)
    except Exception as error:
        # A run is not to end by what it says; the log has all that is known.
        traceback.print_exc()
        told = as_memory_error(error)
        return "", told.message if told else f"{type(error).__name__}: {error}"
