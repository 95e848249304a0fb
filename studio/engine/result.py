"""A run's result: the adapter (or the whole model) in the run folder, and its entry in the library."""

import math
import secrets
import shutil
from pathlib import Path
from typing import Any

from studio.core import library
from studio.core.config import to_dict
from studio.core.runs import disk_error, sync_folder
from studio.engine import session
from studio.engine.export import card
from studio.engine.session import Session


def write(current: Session, checkpoint: Path, step: int) -> tuple[str, str]:
    """Writes the result of the weights in `checkpoint`.

    Returns:
        The result's folder, relative to the run folder, and the adapter's name in the library (or nothing).

    Raises:
        StudioError: (disk) it cannot be written.
    """
    lora = current.config.adapter.method == "lora"
    target = current.run.path / ("adapter" if lora else "model")
    about = _about(current, step)
    try:
        # What a killed process left of an earlier try.
        for rest in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(rest)
        stage, old = (target.with_name(f".{target.name}-{secrets.token_hex(4)}") for _ in range(2))
        if lora:
            shutil.copytree(checkpoint / "adapter", stage)
            (stage / "README.md").write_text(card.card(**about), encoding="utf-8")
        else:
            session.load_weights(current, checkpoint)
            current.bare.save_pretrained(stage)
            current.corpus.encoder.tokenizer.save_pretrained(stage)
        if template := current.corpus.encoder.template:
            (stage / "chat_template.jinja").write_text(template, encoding="utf-8")
        if target.exists():
            target.rename(old)
        stage.rename(target)
        sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise disk_error(target, error) from None
    return target.name, library.add(target, run=current.run.name, **about).name if lora else ""


def _about(current: Session, step: int) -> dict[str, Any]:
    """Returns what the library and the model card tell of the weights of `step`."""
    config, position, corpus = current.config, current.position, current.corpus
    steps = current.run.progress().steps
    of_result = next((item for item in reversed(steps) if item.step <= step), None)
    return {
        "title": config.name or Path(config.data.path).stem,
        "base": library.Base(path=config.model.path, fingerprint=position.base, revision=config.model.revision),
        "data": library.Data(path=config.data.path, fingerprint=corpus.fingerprint, rows=corpus.rows),
        "config": to_dict(config),
        "metrics": {
            "step": step,
            "loss": of_result.loss if of_result else None,
            "eval_loss": position.best_loss if math.isfinite(position.best_loss) else None,
            "tokens": position.tokens,
            "train_s": position.train_s,
        },
    }
