"""A model that was trained whole, by the commands: kept like an adapter, and compared, asked, measured, written out."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import library
from studio.core.entry import Base, Entry
from studio.core.errors import EXIT_CODES
from studio.engine import weights
from tests.models import tiny
from tests.training import config, trained, write_rows

SHORT = ("--max-new-tokens", "8")


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert cli.run(list(words)) == code
    out, err = capsys.readouterr()
    return out, err


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(run(capsys, *words, "--json")[0].splitlines()[-1])


@pytest.fixture
def full(tmp_path: Path) -> Entry:
    settings = config(tmp_path, rows=24, data={"eval_split": 0.3}, adapter={"method": "full"}, num_train_epochs=3)
    finished = trained(settings, tmp_path / "run").progress().finished
    assert finished is not None
    return library.find(finished.adapter)


def test_it_is_listed_shown_renamed_removed_and_restored(full: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    assert "model" in run(capsys, "adapters", "list")[0].splitlines()[1].split()
    lines = run(capsys, "adapters", "show", "test")[0].splitlines()
    told = {line[:15].strip(): line[15:] for line in lines}
    assert (told["Kind"], told["Run"]) == ("a whole model, trained in full", full.run)
    assert "Adapter" not in told, "its rank and the like, which nothing was made of"
    run(capsys, "adapters", "rename", "test", "In full")
    run(capsys, "adapters", "tag", "test", "baseline")
    run(capsys, "adapters", "note", "test", "compare me")
    found = said(capsys, "adapters", "show", "In full")
    assert (found["title"], found["tags"], found["note"], found["is_model"]) == (
        "In full",
        ["baseline"],
        "compare me",
        True,
    )
    run(capsys, "adapters", "remove", "test")
    (removed,) = said(capsys, "trash", "list")
    assert (removed["kind"], removed["title"]) == ("model", "In full")
    run(capsys, "trash", "restore", "In full")
    assert library.verified(library.find("test")).title == "In full"


def test_it_answers_beside_its_base_and_alone(full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = said(capsys, "compare", "--adapter", "test", "--prompt", "order late", *SHORT)
    base, whole = done["columns"]
    assert (base["adapter"], whole["adapter"]) == (None, "test")
    assert base["answer"] != whole["answer"]
    alone = ("chat", "--adapter", "test", "--prompt", "order late", *SHORT)
    assert said(capsys, *alone)["answer"] == whole["answer"]
    assert said(capsys, "chat", str(tmp_path / "llama"), *alone[3:])["answer"] == base["answer"]
    shutil.rmtree(tmp_path / "llama")
    assert said(capsys, *alone)["answer"] == whole["answer"], "which needs no base"


def test_it_is_measured_beside_its_base(full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = said(capsys, "evaluate", "--adapter", "test")
    losses = [column["measures"]["loss"]["mean"] for column in done["columns"]]
    assert losses == pytest.approx([full.metrics["base_eval_loss"], full.metrics["eval_loss"]], rel=1e-4)
    rows = write_rows(tmp_path / "other.jsonl", 3)
    scored = said(capsys, "score", "--adapter", "test", "--file", str(rows), "--row", "1")
    again = said(capsys, "evaluate", str(rows), "--adapter", "test")
    assert [column["loss"] for column in scored["columns"]] != []
    assert len(again["columns"]) == 2
    name = said(capsys, "blind", "new", "--adapter", "test", "--prompt", "order late", *SHORT)["test"]
    assert said(capsys, "blind", "show", name)["votes"] == 0


def test_a_score_of_a_row_is_the_evaluations(full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write_rows(tmp_path / "one.jsonl", 1)
    scored = said(capsys, "score", "--adapter", "test", "--file", str(rows), "--row", "0")
    done = said(capsys, "evaluate", str(rows), "--adapter", "test")
    means = [column["measures"]["loss"]["mean"] for column in done["columns"]]
    assert [column["loss"] for column in scored["columns"]] == pytest.approx(means, rel=1e-5)
    assert means[0] != pytest.approx(means[1], rel=1e-2)


def test_what_makes_no_sense_is_said_with_what_does(
    full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = EXIT_CODES["adapter"]
    _, err = run(capsys, "compare", "--adapter", "test=0.5", "--prompt", "x", code=code)
    assert "test is a whole model, which answers as it was trained or not at all.\nLeave its strength at 1." in err
    _, err = run(capsys, "adapters", "mix", "sum", "test=0.5", code=code)
    assert "test is a whole model, which cannot be added up." in err
    _, err = run(capsys, "train", "--further", "test", code=code)
    assert f"no adapter that could be trained further.\nTrain on it as a base: set model.path to {full.folder}" in err
    for to in ("peft", "gguf-lora"):
        _, err = run(capsys, "export", "test", "--to", to, str(tmp_path / "out"), code=EXIT_CODES["usage"])
        assert "Export it with --to merged, as it is, or as one file with --to gguf." in err


@pytest.mark.parametrize("named", ["test", "run"])
def test_it_is_written_out_by_its_name_or_its_runs(
    full: Entry, tmp_path: Path, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = full.name if named == "test" else full.run
    text, _ = run(capsys, "export", name, "--to", "merged", str(tmp_path / "out"))
    assert "compared with the live model at" in text
    assert "the adapter itself" not in text
    assert weights.fingerprint(tmp_path / "out") == full.sha256
    assert said(capsys, "export", name, "--to", "gguf", str(tmp_path / "file"))["proof"]["adapter_effect"] == 0


def test_its_layers_are_shown(full: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    done = said(capsys, "adapters", "layers", "test")
    assert done["fault"] is None
    assert 0 < done["share"] < 1
    assert {item["kind"] for item in done["modules"]} == {"whole"}


def test_a_model_that_stayed_with_its_run_is_taken_in(
    full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Path(full.run) / "model"
    full.folder.rename(kept)
    assert said(capsys, "adapters", "list") == []
    done = said(capsys, "adapters", "add", str(kept), "--tag", "mine")
    assert (done["name"], done["is_model"], done["run"], done["tags"]) == ("test", True, full.run, ["mine"])
    assert done["base"]["fingerprint"] == full.base.fingerprint
    assert "is this model, in the library already" in run(capsys, "adapters", "add", str(kept))[0]
    _, err = run(capsys, "adapters", "add", str(tmp_path / "llama"), code=EXIT_CODES["adapter"])
    assert "is a whole model that no run of this program has made.\nChoose it as a base" in err


def test_beside_an_adapter_all_three_are_themselves(
    full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.desks import random_adapter

    base = tmp_path / "llama"
    known = Base(path=str(base), fingerprint=weights.fingerprint(base))
    library.add(random_adapter(base, tmp_path / "made", 0), title="lora", base=known)
    answers: dict[str | None, str] = {}
    for order in (("test", "lora"), ("lora", "test"), ("lora",), ("test",)):
        words = [word for name in order for word in ("--adapter", name)]
        for column in said(capsys, "compare", *words, "--prompt", "order late", *SHORT)["columns"]:
            assert answers.setdefault(column["adapter"], column["answer"]) == column["answer"]
    assert len(set(answers.values())) == 3


def test_adapters_of_two_bases_are_told_apart_from_models_of_them(
    full: Entry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny("gpt2", tmp_path / "gpt2")
    words = ("compare", "--model", str(other), "--adapter", "test", "--prompt", "x", *SHORT)
    assert "test was trained on other weights than those of" in run(capsys, *words, code=EXIT_CODES["adapter"])[1]
