"""What can be taken out of the program: an adapter, or the whole model that a full fine-tuning made."""

from pathlib import Path

from studio.core import library, runs
from studio.core.config import to_dict
from studio.core.entry import ENTRY, PEFT_CONFIG, Base, Data, Entry, is_model, read_entry
from studio.core.errors import StudioError, given_path
from studio.core.runs import Run

TAG = "finetune-studio"  # in the head of each export's card
_MODEL = "model"


def find(name: str) -> Entry:
    """Finds an adapter as `library.located` does, what a run made by the run's name, or a model by its folder.

    Raises:
        StudioError: (adapter) there is neither.
    """
    try:
        return library.located(name)
    except StudioError as unknown:
        folder = given_path(name, "adapter").resolve()
        if is_model(folder):
            return model(folder)
        try:
            run = runs.find(name)
        except StudioError:
            raise unknown from None
    if (found := result(run)) is None:
        message = f"The run {run.name} has made nothing yet, or what it made was removed."
        raise StudioError("adapter", message, "`studio trash list` shows what was removed.")
    return found


def result(run: Run) -> Entry | None:
    """Returns what a run made, a model or an adapter; None: it made neither yet."""
    folder = run.path.resolve()
    moved = (entry for entry in library.entries() if entry.is_model and entry.run == run.address)
    if (found := next(moved, None)) is not None:
        return found
    if is_model(folder / _MODEL):
        return model(folder / _MODEL)
    adapter = folder / "adapter"
    return library.located(str(adapter)) if (adapter / PEFT_CONFIG).is_file() else None


def model(folder: Path) -> Entry:
    """Returns what is known of a whole model in a folder; of a run's result what it was trained on and how."""
    if (folder / ENTRY).is_file():
        return read_entry(folder)
    run = Run(folder.parent)
    plain = Entry(name=runs.slug(folder.name), folder=folder, title=folder.name, is_model=True)
    if folder.name != _MODEL or not (run.path / "run.json").is_file():
        return plain
    config, told = run.config(), run.summary()
    planned, finished = told.prepared, told.finished
    step = finished.result_step if finished is not None else told.step
    loss = next((item.loss for item in told.steps if item.step == step), None)
    score = next((item.eval_loss for item in told.evaluations if item.step == step), None)
    title = runs.title_of(run)
    return Entry(
        name=runs.slug(title),
        folder=folder,
        title=title,
        is_model=True,
        base=Base(path=config.model.path, revision=config.model.revision),
        data=Data(path=config.data.path, fingerprint=planned.data, rows=planned.rows) if planned else Data(),
        config=to_dict(config),
        metrics={"step": step, "loss": loss, "eval_loss": score},
        run=run.address,
    )
