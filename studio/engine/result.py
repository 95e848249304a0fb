"""A run's result: the adapter (or the whole model) in the run folder, and its entry in the library."""

import math
import secrets
import shutil
from pathlib import Path

from studio.core import library
from studio.core.config import to_dict
from studio.core.runs import disk_error, sync_folder
from studio.engine import session
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
    stage = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        if lora:
            shutil.copytree(checkpoint / "adapter", stage)
        else:
            session.load_weights(current, checkpoint)
            current.bare.save_pretrained(stage)
            current.corpus.encoder.tokenizer.save_pretrained(stage)
        if template := current.corpus.encoder.template:
            (stage / "chat_template.jinja").write_text(template, encoding="utf-8")
        if target.exists():
            target.rename(target.with_name(f".{target.name}-old-{secrets.token_hex(4)}"))
        stage.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise disk_error(target, error) from None
    return target.name, _enter(current, target, step) if lora else ""


def _enter(current: Session, adapter: Path, step: int) -> str:
    """Adds the adapter to the library; returns its name there."""
    config, position, corpus = current.config, current.position, current.corpus
    progress = current.run.progress()
    of_result = next((item for item in reversed(progress.steps) if item.step <= step), None)
    metrics = {
        "step": step,
        "loss": of_result.loss if of_result else None,
        "eval_loss": position.best_loss if math.isfinite(position.best_loss) else None,
        "tokens": position.tokens,
        "train_s": position.train_s,
    }
    entry = library.add(
        adapter,
        title=config.name or Path(config.data.path).stem,
        base=library.Base(path=config.model.path, fingerprint=position.base, revision=config.model.revision),
        data=library.Data(path=config.data.path, fingerprint=corpus.fingerprint, rows=corpus.rows),
        config=to_dict(config),
        metrics=metrics,
        run=current.run.name,
    )
    return entry.name
