"""What a config amounts to, found out without loading a weight."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.core import further, modules, pace
from studio.core.config import RunConfig
from studio.core.events import Event
from studio.core.objectives import asked
from studio.engine import adapters, fits, hub, model, optim, schedule, session, targets
from studio.engine.corpus import read_corpus, require_readable, teller


def plan(
    config: RunConfig,
    on_event: Callable[[Event], None] = lambda event: None,
    load_tokenizer: Callable[[Path], Any] = model.load_tokenizer,
) -> dict[str, Any]:
    """Counts what a run of `config` would train and feed.

    The model's structure is built on the meta device; the data is read and tokenised for real. Of a model on the Hub
    only the config and the tokenizer are fetched.

    Args:
        config: what to count.
        on_event: told of the phases; an exception it raises ends the counting.
        load_tokenizer: opens the tokenizer of a model's folder.

    Returns:
        trainable_parameters, total_parameters, adapter_bytes (as saved, float32), steps, steps_per_epoch,
        tokens_per_epoch, trained_tokens_per_epoch, rows, eval_rows, rejected_rows, untrained_rows, truncated_rows,
        seconds (at the speed of an earlier run like it, evaluation not counted; None: there was none), and left_out
        (a sentence on experts that are not adapted; empty: there are none).

    Raises:
        StudioError: data, model, adapter or config cannot be used as asked.
    """
    config = further.laid_out(config)
    base = hub.resolve(config.model.path, config.model.revision, teller(on_event, "downloading"), need="tokenizer")
    skeleton = model.skeleton(base)
    tree = targets.tree(skeleton)
    trainable, total = adapters.count(adapters.attach(skeleton, config.adapter))
    counted = modules.count(tree, config.adapter)
    corpus = read_corpus(config, load_tokenizer(base), on_event)
    require_readable(corpus, model.context(skeleton.config))
    per_epoch = len(session.first_epoch(config, corpus.train))
    steps = session.step_count(config, per_epoch)
    optim.require_read(config.training)
    schedule.try_out(config.training, steps)
    tokens, speed = int(corpus.train.lengths.sum()), pace.tokens_per_s(config)
    fed = tokens * steps / per_epoch
    if asked(config.training.objective).reference:
        # The base reads each row once, forwards only: half of what a step does with it.
        mismatched = corpus.train.mismatched
        fed += (tokens + (0 if mismatched is None else len(mismatched.ids))) / 2
    return {
        "trainable_parameters": trainable,
        "total_parameters": total,
        "adapter_bytes": counted.adapter_bytes,
        "steps": steps,
        "steps_per_epoch": per_epoch,
        "tokens_per_epoch": tokens,
        "trained_tokens_per_epoch": int(corpus.trained.sum()),
        "rows": corpus.train.count,
        "eval_rows": corpus.eval_rows,
        "rejected_rows": corpus.rejected_rows,
        "untrained_rows": corpus.untrained_rows,
        "truncated_rows": corpus.truncated_rows,
        "seconds": math.ceil(fed / speed) if speed else None,
        "left_out": modules.left_out_sentence(tree, config.adapter),
    }


def memory(
    config: RunConfig,
    on_event: Callable[[Event], None] = lambda event: None,
    load_tokenizer: Callable[[Path], Any] = model.load_tokenizer,
) -> dict[str, Any]:
    """Counts what a run of `config` needs in memory, and what helps if that is too much; see `fits.examine`.

    Args:
        config: what to count, as `plan` found it sound.
        on_event: told of the phases and often while it counts; an exception it raises ends the counting.
        load_tokenizer: opens the tokenizer of a model's folder.

    Raises:
        StudioError: as `plan`.
    """
    config = further.laid_out(config)
    base = hub.resolve(config.model.path, config.model.revision, teller(on_event, "downloading"), need="tokenizer")
    corpus = read_corpus(config, load_tokenizer(base), on_event)
    return fits.examine(base, config, corpus, session.first_epoch(config, corpus.train), on_event)
