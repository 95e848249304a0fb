"""How fast earlier runs on this machine were, so that a new one's time is known before it starts."""

import statistics
from collections.abc import Iterator

from studio.core import events, files, runs
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.objectives import asked
from studio.core.runs import Run

_LOOKED_AT = 100  # runs, the newest first
_REACH_BYTES = 32_768  # of the end of a run's events: some hundred steps
_LEAST_STEPS = 3


def tokens_per_s(config: RunConfig) -> float | None:
    """Returns how many tokens a second the earlier run most like `config` was fed; None: there was none.

    Model, number format, method and what else changes the work of a token must be the same; among those runs the one
    whose batches were most alike counts, and of these the newest.
    """
    best, found = -1, None
    try:
        earlier = runs.listing()[:_LOOKED_AT]
    except StudioError:
        return None
    for run in earlier:
        try:
            other = run.config()
        except StudioError:
            continue
        likeness = sum(ours == theirs for ours, theirs in zip(_batches(config), _batches(other), strict=True))
        if likeness > best and _work(config) == _work(other):
            speeds = list(_speeds(run))
            if len(speeds) >= _LEAST_STEPS:
                best, found = likeness, statistics.median(speeds)
    return found


def _work(config: RunConfig) -> tuple[object, ...]:
    model, adapter, training = config.model, config.adapter, config.training
    rows = asked(training.objective).rows
    return (model, adapter.method, adapter.use_dora, training.activation_checkpointing, rows)


def _batches(config: RunConfig) -> tuple[object, ...]:
    training, adapter = config.training, config.adapter
    batch = training.per_device_train_batch_size
    return (batch, config.data.packing, config.data.max_length, adapter.r, adapter.target_modules, config.data.path)


def _speeds(run: Run) -> Iterator[float]:
    try:
        size = run.events_path.stat().st_size
    except OSError:
        return
    lines, _ = files.read_lines(run.events_path, max(0, size - _REACH_BYTES))
    for line in lines:
        event = events.decode_event(line)
        if isinstance(event, events.Step) and event.step > 1 and event.tokens_per_s > 0:
            yield event.tokens_per_s
