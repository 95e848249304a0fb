"""What a run keeps of its own stays as it was, wherever the run's folder is by now."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core import further, library, pinned, runs
from studio.core.config import AdapterSpec, DataSpec, RunConfig
from studio.core.differences import differing
from studio.core.errors import StudioError
from studio.core.progress import Progress
from studio.core.runs import Run
from tests.adapters import made


def test_versions_called_the_same_are_kept_apart(tmp_path: Path) -> None:
    files = {part: tmp_path / part / "v.recipe.json" for part in ("train", "eval")}
    for part, file in files.items():
        file.parent.mkdir()
        file.write_text(part)
    run = runs.create(RunConfig(data=DataSpec(path=str(files["train"]), eval_path=str(files["eval"]))))
    data = run.config().data
    for file in files.values():
        file.write_text("edited since")
    assert Path(data.path).read_text() == "train"
    assert data.eval_path is not None
    assert Path(data.eval_path).read_text() == "eval"
    assert Path(data.path).parent == run.path


@pytest.mark.parametrize("written", ["now", "once"])
def test_a_run_that_was_moved_finds_its_own_versions(tmp_path: Path, written: str) -> None:
    files = [tmp_path / part / "v.recipe.json" for part in ("train", "eval")]
    for file in files:
        file.parent.mkdir()
        file.write_text(file.parent.name)
    made = runs.create(RunConfig(data=DataSpec(path=str(files[0]), eval_path=str(files[1]))))
    about = made.about()
    assert (about["config"]["data"]["path"], about["config"]["data"]["eval_path"]) == (
        "v.recipe.json",
        "evaluation/v.recipe.json",
    )
    if written == "once":
        about["config"]["data"] |= {"path": made.config().data.path, "eval_path": made.config().data.eval_path}
        (made.path / "run.json").write_text(json.dumps(about))
    run = Run(made.path.rename(tmp_path / "moved"))
    data = run.config().data
    assert [Path(str(path)).read_text() for path in (data.path, data.eval_path)] == ["train", "eval"]
    assert Path(data.path).parent == run.path
    (run.path / "v.recipe.json").unlink()
    assert not Path(run.config().data.path).exists(), "never another version of the same name"
    assert Path(run.config().data.path).is_absolute()


def config(adapter: str, **data: Any) -> RunConfig:
    return further.laid_out(RunConfig(data=DataSpec(path="/rows.jsonl", **data), adapter=AdapterSpec(path=adapter)))


def test_a_run_has_its_own_copy_of_the_adapter_it_trains_further(tmp_path: Path) -> None:
    entry = made("letters", template="{{ messages }}", noise="optimizer.pt")
    run = runs.create(config("letters"))
    library.remove(entry)
    about = run.about()["config"]
    assert about["adapter"]["path"] == "start/letters"
    assert about["data"]["chat_template"] == "start/letters/chat_template.jinja"
    run = Run(run.path.rename(tmp_path / "moved"))
    found = run.config()
    assert library.located(found.adapter.path).title == "letters"
    assert Path(found.data.chat_template).read_text(encoding="utf-8") == "{{ messages }}"
    assert sorted(path.name for path in Path(found.adapter.path).iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "entry.json",
    ]
    # Its settings are used again while its folder is there.
    again = runs.create(found)
    assert again.about()["config"] == about
    assert pinned.started_from(again.config().adapter.path) == "letters"


def test_a_template_that_was_chosen_stays_the_users_own(tmp_path: Path) -> None:
    made("letters", template="{{ messages }}")
    own = tmp_path / "own.jinja"
    own.write_text("{{ bos_token }}")
    assert runs.create(config("letters", chat_template=str(own))).config().data.chat_template == str(own)
    assert runs.create(config("letters", chat_template="none")).config().data.chat_template == "none"


def test_what_a_run_trained_further_is_called_as_its_source(tmp_path: Path) -> None:
    assert pinned.started_from("/library/letters") == "letters"
    assert pinned.started_from("/runs/20260101-letters/adapter") == "20260101-letters"
    made("letters")
    made("notes")
    runs_of = [runs.create(config(name)) for name in ("letters", "letters", "notes")]
    told = [Progress()] * 2
    assert differing([run.config() for run in runs_of[:2]], told) == {}
    assert differing([run.config() for run in runs_of[1:]], told) == {"adapter.path": ["letters", "notes"]}
    plain = replace(runs_of[0].config(), adapter=AdapterSpec())
    assert differing([plain, runs_of[0].config()], told)["adapter.path"] == ["", "letters"]


def test_weights_that_have_changed_are_not_trained_further() -> None:
    entry = made("letters")
    held = bytearray((entry.folder / library.WEIGHTS).read_bytes())
    held[-1] ^= 1
    (entry.folder / library.WEIGHTS).write_bytes(held)
    with pytest.raises(StudioError, match="have changed since it was added"):
        runs.create(config("letters"))
    assert runs.listing() == []


def test_links_of_a_strangers_folder_are_not_followed(tmp_path: Path) -> None:
    folder = made("letters", template="{{ messages }}").folder.rename(tmp_path / "theirs")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.jinja").symlink_to(secret)
    run = runs.create(config(str(folder)))
    assert "chat_template.jinja" not in {path.name for path in Path(run.config().adapter.path).iterdir()}
