"""What a run answers to the user's own prompts at a step, so that what is learned can be read, not only measured.

Nothing is drawn and nothing that training looks at is changed: a run goes on bit for bit as one that answers nothing.
"""

import time
from collections.abc import Callable

from studio.core import events
from studio.core.errors import StudioError, as_memory_error
from studio.engine.generate import Sampling, answer
from studio.engine.session import Session

_EVERY_S = 0.2


class _EndedError(Exception):
    """The run is to end, and no answer is waited for."""


def tell(current: Session, ends: Callable[[], bool]) -> None:
    """Answers the run's prompts with the weights of the present step, by the main process.

    An answer that cannot be given ends no run: what kept it from being given is told in its place.

    Args:
        current: the session, behind a step.
        ends: asked a few times a second whether the run is to end; if so, nothing is told.
    """
    spec, step = current.config.training, current.position.step
    if not current.accelerator.is_main_process:
        return
    answers, faults = list[str](), dict[int, str]()
    try:
        for at, prompt in enumerate(spec.sample_prompts):
            current.emit(events.Phase(name="answering", done=at, total=len(spec.sample_prompts)))
            text, fault = _answered(current, prompt, spec.sample_max_new_tokens, _looking(ends))
            answers.append(text)
            if fault:
                faults[at] = fault
        current.emit(events.Answered(step=step, answers=answers, faults=faults))
    except _EndedError:
        pass
    current.emit(events.Phase(name="training"))


def _looking(ends: Callable[[], bool]) -> Callable[[str], None]:
    """Returns what is told each piece of an answer, and ends it if the run is to end."""
    looked_s = 0.0

    def look(_: str) -> None:
        nonlocal looked_s
        if time.monotonic() - looked_s > _EVERY_S:
            looked_s = time.monotonic()
            if ends():
                raise _EndedError

    return look


def _answered(current: Session, prompt: str, longest: int, look: Callable[[str], None]) -> tuple[str, str]:
    """Returns an answer, or an empty one and why there is none."""
    messages, sampling = [{"role": "user", "content": prompt}], Sampling(max_new_tokens=longest)
    look("")
    try:
        return answer(current.bare, current.corpus.encoder, messages, sampling, look), ""
    except StudioError as error:
        return "", str(error)
    except (MemoryError, RuntimeError) as error:
        told = as_memory_error(error)
        if told is None:
            raise
        return "", told.message
