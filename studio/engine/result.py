"""A run's result: the adapter in the run folder and its copy in the library, or the whole model in the library."""

import shutil
import time
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from studio.core import files, library
from studio.core.config import to_dict
from studio.core.entry import TEMPLATE, Entry
from studio.core.files import sync_folder, sync_tree
from studio.core.hub_ids import short_name
from studio.engine import checkpoint, generate, session
from studio.engine.export import card, merged
from studio.engine.session import Session


def write(current: Session, source: Path, step: int) -> tuple[str, str]:
    """Writes the result of the weights in the checkpoint `source`.

    A whole model, which is large, is moved into the library; where that is on another disk it stays in the run folder.

    Returns:
        The result's folder, in the run folder relative to that, and its name in the library (or nothing).

    Raises:
        StudioError: (disk) it cannot be written.
    """
    beside = current.config.adapter.method != "full"
    target = current.run.path / ("adapter" if beside else "model")
    about = _about(current, step)
    template = current.corpus.encoder.prompting(current.corpus.row_format)
    try:
        # What a killed process left of an earlier try.
        for rest in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(rest, ignore_errors=True)
        stage, old = files.hidden(target), files.hidden(target)
        if beside:
            files.copy_tree(source / "adapter", stage)
            stops = generate.missed_stop_ids(current.bare, current.corpus.encoder)
            (stage / "README.md").write_text(card.card(**about, to="result", stops=stops), encoding="utf-8")
        else:
            session.load_weights(current, source)
            merged.save(current.bare, current.corpus.encoder, stage)
            card.save_tokenizer(current.corpus.encoder.tokenizer, template, stage)
            (stage / "README.md").write_text(card.card(**about, to="merged", whole=True), encoding="utf-8")
        if template:
            (stage / TEMPLATE).write_text(template, encoding="utf-8")
        sync_tree(stage)
        if not beside:
            entry = Entry(name="", folder=stage, is_model=True, created_s=time.time(), run=current.run.address, **about)
            if taken := library.take(entry):
                shutil.rmtree(stage, ignore_errors=True)
                return str(taken.folder), taken.name
        if target.exists():
            files.replace(target, old)
        files.replace(stage, target)
        sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        if failure := checkpoint.as_disk_error(target, error):
            raise failure from None
        raise
    return target.name, library.add(target, run=current.run.address, **about).name if beside else ""


def _about(current: Session, step: int) -> dict[str, Any]:
    """Returns what the library and the model card tell of the weights of `step`."""
    config, position, corpus = current.config, current.position, current.corpus
    progress = current.run.progress()
    count = progress.steps.until(step)
    tokens, spent_s = (progress.steps.column(name)[:count].sum() for name in ("tokens", "step_s"))
    score = next((item for item in reversed(progress.evaluations) if item.step == step), None)
    return {
        "title": config.name or short_name(config.data.path),
        "base": library.Base(path=config.model.path, fingerprint=position.base, revision=config.model.revision),
        "data": library.Data(
            path=config.data.path,
            fingerprint=corpus.fingerprint,
            evaluation=corpus.evaluation_fingerprint,
            rows=corpus.rows,
        ),
        "config": to_dict(config),
        "metrics": {
            "step": step,
            "loss": progress.steps[count - 1].loss if count else None,
            "eval_loss": score.eval_loss if score else None,
            "base_eval_loss": progress.base.eval_loss if progress.base else None,
            "eval_reward_accuracy": score.reward_accuracy if score else None,
            "tokens": int(tokens),
            "train_s": float(spent_s),
            "learning_rates": [list(pair) for pair in progress.learning_rates if pair[0] < step] or None,
        },
    }
