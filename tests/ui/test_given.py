"""What a run was given: the dataset versions it has copies of are found again, and no other of the same name."""

from pathlib import Path

import pytest

from studio.core import pinned, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.versions import recipe
from studio.core.versions.recipe import Made, Recipe, Source
from studio.core.versions.steps import Deduplicate
from studio.ui import given
from studio.ui.pages.train import TrainPage
from studio.ui.window import MainWindow


def version(path: Path, source: str = "/data/a.jsonl") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    recipe.create(path, Recipe(sources=(Source(path=source),)))
    return path


def config_of(path: Path, eval_path: Path | None = None) -> RunConfig:
    """Returns the config of a run on such versions, as it is read back."""
    data = DataSpec(path=str(path), eval_path=str(eval_path) if eval_path else None)
    return runs.create(RunConfig(data=data)).config()


def test_versions_are_found_again_wherever_they_lie(tmp_path: Path) -> None:
    named, elsewhere = version(recipe.file_of("letters")), version(tmp_path / "tests.recipe.json", "/data/b.jsonl")
    config = config_of(named, elsewhere)
    assert Path(config.data.path) != named
    found = given.original(config, ["/data/a.jsonl", config.data.path, str(elsewhere)]).data
    assert (found.path, found.eval_path) == (str(named), str(elsewhere))
    unknown = given.original(config).data
    assert (unknown.path, unknown.eval_path) == (str(named), config.data.eval_path)


def test_one_that_was_edited_since_is_still_the_one_that_was_given() -> None:
    named = version(recipe.file_of("letters"))
    config = config_of(named)
    recipe.change(named, lambda said: said.added([Made(step=Deduplicate(by="prompt"))]))
    assert given.original(config).data.path == str(named)


@pytest.mark.parametrize("other", ["made of another file", "damaged", "gone"])
def test_another_one_of_the_same_name_is_not_taken_for_it(tmp_path: Path, other: str) -> None:
    config = config_of(version(tmp_path / "letters.recipe.json"))
    named = recipe.file_of("letters")
    if other == "made of another file":
        version(named, "/data/b.jsonl")
    elif other == "damaged":
        named.parent.mkdir()
        named.write_text("{}")
    assert given.original(config) == config


def test_what_is_no_version_stays(tmp_path: Path) -> None:
    config = config_of(tmp_path / "rows.jsonl", tmp_path / "eval.jsonl")
    assert given.original(config) == config
    assert not pinned.is_copy(tmp_path / "letters.recipe.json")


def test_a_new_run_from_the_settings_of_one_names_the_original(window: MainWindow) -> None:
    named = version(recipe.file_of("letters"))
    run = runs.create(RunConfig(data=DataSpec(path=str(named)), name="short"))
    window.session.run_wanted.emit(run)
    page = window.page("train")
    assert isinstance(page, TrainPage)
    page.view.again.trigger()
    assert window.session.draft.value("data.path") == str(named)
