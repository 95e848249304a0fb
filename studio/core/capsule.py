"""What a run capsule says: a file from which a run is trained once more without this program.

Nothing in it names this machine: paths are reduced to the last name in them. `engine.capsule` makes one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Any

from studio import paths
from studio.core import events, files, pinned, steps
from studio.core.config import RunConfig
from studio.core.entry import TEMPLATE
from studio.core.errors import StudioError
from studio.core.progress import Progress
from studio.core.runs import Run

SUFFIX = ".zip"
# Folders that are named from the root, in front of a last name, which stays.
_FOLDERS = re.compile(r"(?<![\w:/\\.])(?:[A-Za-z]:)?[/\\]{1,2}(?:[^\s/\\'\"`,;:()<>|]+[/\\])+")
_SHOWN = 12  # losses in its README
# Bytes in the file. Of a token as id, label and text: the demo's letters, which are much alike, come to 1.1, English
# text in a vocabulary of 2,048 tokens to 2.6. Of a trained number: half of them begin as zero. Of a row's place in a
# step, of a step's own numbers, here and as an event, and of all else.
_TOKEN_BYTES, _NUMBER_BYTES, _PLACE_BYTES, _STEP_BYTES, _OTHER_BYTES = 2.5, 1.8, 3.0, 140.0, 20_000


@dataclass(frozen=True, slots=True)
class Contents:
    """What a capsule will hold: about how many bytes, and rows for training and for evaluation in how many steps."""

    rows: int
    eval_rows: int
    steps: int
    size_bytes: float


def contents(config: RunConfig, told: Progress) -> Contents:
    """Returns what a capsule of a run will hold.

    Args:
        config: of the run.
        told: what the run has told.

    Raises:
        StudioError: (run) it has taken no step; (export) there is no capsule of such a run.
    """
    planned = told.prepared
    if planned is None or not told.steps:
        message = "The run has not taken a step, so there is nothing to train once more."
        raise StudioError("run", message, "Resume it first.")
    if config.adapter.found:
        start = config.adapter.init_lora_weights
        message = f"There is no capsule of a run whose adapter began as {start}: the run does not keep what that found."
        raise StudioError("export", message, "Its result can be exported, as ever.")
    adapter = planned.trainable_parameters if config.adapter.method != "full" else 0
    a_row = planned.tokens_per_epoch / max(1, planned.rows)
    size = _TOKEN_BYTES * a_row * (planned.rows + planned.eval_rows) + _NUMBER_BYTES * adapter + _OTHER_BYTES
    passes = told.step / max(1, planned.steps_per_epoch)
    size += _PLACE_BYTES * planned.rows * passes + _STEP_BYTES * told.step
    return Contents(planned.rows, planned.eval_rows, told.step, size)


def portable(config: RunConfig) -> RunConfig:
    """Returns a config whose files and folders are named by their last names."""
    data = replace(config.data, path=_last(config.data.path))
    if data.eval_path:
        data = replace(data, eval_path=_last(data.eval_path))
    if data.chat_template not in ("auto", "none"):
        data = replace(data, chat_template=TEMPLATE)
    adapter = config.adapter
    if adapter.path:
        adapter = replace(adapter, path=pinned.started_from(adapter.path))
    return replace(config, data=data, adapter=adapter, model=replace(config.model, path=_last(config.model.path)))


def told_events(run: Run, config: RunConfig) -> Iterator[bytes]:
    """Yields the lines of what a run told, but how far it was with what, and what it was asked and answered meanwhile.

    No place of this machine is in them.
    """
    known = [config.data.path, config.data.eval_path or "", config.data.chat_template, config.model.path]
    known += [config.adapter.path, str(run.path), str(run.path.resolve())]
    for lines in files.pieces(run.events_path):
        for line in lines:
            if line.startswith(steps.HEAD):
                yield line + b"\n"
            elif not isinstance(event := events.decode_event(line), events.Phase | events.Replied | None):
                told = _without_places(json.loads(events.encode(event)), known)
                yield json.dumps(told, ensure_ascii=False).encode() + b"\n"


def without_places(text: str, known: list[str]) -> str:
    """Returns a text with no folder of this machine in it.

    Args:
        text: such as an error's.
        known: absolute paths that may be in it, with spaces perhaps.
    """
    for path in sorted((path for path in known if Path(path).is_absolute()), key=len, reverse=True):
        text = text.replace(path, Path(path).name)
    for home in (paths.home(), Path.home()):
        text = re.sub(rf"{re.escape(str(home))}(?![\w.-])", "", text)
    return _FOLDERS.sub("", text)


def readme(said: Mapping[str, str], told: Progress) -> str:
    """Returns a capsule's README: what is `said`, in the template among the resources, and the losses."""
    every = told.steps.column("step"), told.steps.column("loss")
    stride = max(1, -(-len(every[0]) // _SHOWN))
    shown = [*range(0, len(every[0]), stride)]
    shown += [len(every[0]) - 1] if shown[-1] != len(every[0]) - 1 else []
    losses = "\n".join(f"| {int(every[0][at]):,} | {every[1][at]:.6f} |" for at in shown)
    template = (folder() / "README.md").read_text(encoding="utf-8")
    return Template(template).substitute({**said, "losses": losses})


def folder() -> Path:
    """Returns where the parts lie that all capsules have in common."""
    return paths.resources() / "capsule"


def _last(path: str) -> str:
    return Path(path).name if Path(path).is_absolute() else path


def _without_places(value: Any, known: list[str]) -> Any:
    if isinstance(value, str):
        return without_places(value, known)
    if isinstance(value, dict):
        # What a model answered is no message of the program's.
        return {key: item if key == "answers" else _without_places(item, known) for key, item in value.items()}
    return [_without_places(item, known) for item in value] if isinstance(value, list) else value
