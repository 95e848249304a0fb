"""What can be taken out of the program: an adapter, or the whole model that a full fine-tuning made."""

from contextlib import suppress
from pathlib import Path

from studio.core import library, runs
from studio.core.config import to_dict
from studio.core.entry import Base, Entry, is_model
from studio.core.errors import StudioError, given_path
from studio.core.runs import Run

TAG = "finetune-studio"  # in the head of each export's card
_MODEL = "model"


def find(name: str) -> Entry:
    """Finds an adapter as `library.located` does, or the model of a full fine-tuning by its run or its folder.

    Raises:
        StudioError: (adapter) there is neither.
    """
    try:
        return library.located(name)
    except StudioError:
        folder = given_path(name, "adapter").resolve()
        if is_model(folder):
            return model(folder)
        with suppress(StudioError):
            if found := result(runs.find(name)):
                return found
        raise


def result(run: Run) -> Entry | None:
    """Returns the model that a run made; None: it made none, or an adapter."""
    folder = run.path.resolve() / _MODEL
    return model(folder) if is_model(folder) else None


def model(folder: Path) -> Entry:
    """Returns what is known of a whole model in a folder; of a run's result what it was trained on and how."""
    run = Run(folder.parent)
    plain = Entry(name=runs.slug(folder.name), folder=folder, title=folder.name)
    if folder.name != _MODEL or not (run.path / "run.json").is_file():
        return plain
    config, finished = run.config(), run.summary().finished
    title = run.title() or run.name
    return Entry(
        name=runs.slug(title),
        folder=folder,
        title=title,
        base=Base(path=config.model.path, revision=config.model.revision),
        config=to_dict(config),
        metrics={"step": finished.result_step} if finished is not None else {},
        run=run.address,
    )
