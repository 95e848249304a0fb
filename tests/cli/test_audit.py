"""`studio data audit`: what it finds, for programs and for people."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.cli import run
from studio.core.errors import EXIT_CODES
from tests.cli.test_versions import steps_told
from tests.models import bare_model
from tests.training import write_rows


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a tokenizer, which is all that the command needs of a model."""
    return bare_model(tmp_path / "model")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [
        {"prompt": "Who is it?", "completion": "You can write to jane.roe@corp.org about all of it, she is there."},
        {"prompt": "Who is it?", "completion": "You can write to jane.roe@corp.org about all of it, she is there."},
        {"prompt": "And \x1b[31mthis <|im_end|>?", "completion": "It is the one that you have asked me about before."},
        {"prompt": "Why?", "completion": "a long answer " * 30 + "."},
        {"prompt": "", "completion": ""},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def audited(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    assert run(["data", "audit", *map(str, arguments), "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_all_rows_of_a_finding_are_printed(rows: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = audited(capsys, rows, "--model", model, "--max-length", 120)
    found = {item["key"]: item for item in told["findings"]}
    assert {key: item["rows"] for key, item in found.items()} == {
        "unusable": [4],
        "cut": [3],
        "special": [2],
        "control": [2],
        "duplicate": [1],
        "mail": [0, 1],
    }
    assert found["mail"]["hits"][0] == {"row": 0, "message": 1, "start": 17, "stop": 34, "other": -1}
    assert found["duplicate"]["hits"][0]["other"] == 0
    assert found["mail"]["severity"] == "warning"
    assert found["mail"]["why"]
    assert (told["rows"], told["usable"], told["lengths"]["rows"], told["lengths"]["cut"]) == (5, 4, 4, 1)
    assert sum(told["languages"].values()) == 4


def test_people_read_a_table(rows: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", str(rows), "--model", str(model), "--max-length", "120"]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert "4 of 5 rows can be used." in out
    severities = [line[0] for line in lines if line and line[0] in ("error", "warning", "note")]
    assert severities == sorted(severities, key=("error", "warning", "note").index)
    assert any("Mail addresses" in line and line.rstrip().endswith("0, 1") for line in out.splitlines())
    assert "\x1b" not in out
    cells = next(line for line in out.splitlines() if "Mail addresses" in line).split()
    assert cells[3] == "mail"
    assert "  by hand  " in out
    assert run(["data", "audit", str(rows), "--model", str(model), "--mend", "mail"]) == 0
    (going_on,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Mend the rest"))
    assert "duplicate" in going_on
    assert "mail" not in going_on
    assert "`studio data audit rows.recipe.json ...`" in going_on


def test_many_rows_are_counted_and_the_first_shown(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "same.jsonl"
    path.write_text('{"prompt": "a", "completion": "one and two"}\n' * 40)
    assert run(["data", "audit", str(path), "--model", str(model)]) == 0
    assert "39    1, 2, 3, 4, 5, 6, 7, 8, ..." in capsys.readouterr().out
    assert len(audited(capsys, path, "--model", model)["findings"][0]["rows"]) == 39


def test_evaluation_rows_in_the_training_data(
    tmp_path: Path, rows: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = tmp_path / "eval.jsonl"
    evaluation.write_text(rows.read_text().splitlines()[3])
    told = audited(capsys, rows, "--model", model, "--eval", evaluation)
    assert {item["key"]: item["rows"] for item in told["findings"]}["leak"] == [3]
    split = audited(capsys, rows, "--model", model, "--eval-split", 0.5, "--seed", 3)
    assert {item["key"] for item in split["findings"]} >= {"duplicate", "mail"}


def test_a_clean_file_has_nothing(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_rows(tmp_path / "rows.jsonl", 1)
    assert run(["data", "audit", str(path), "--model", str(model), "--objective", "pretraining"]) == 0
    assert "Nothing was found." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--max-length", "1"], "config"),
        (["--eval-split", "2"], "config"),
        (["--eval", "no/such/file"], "data"),
        (["--chat-template", "no/such/file"], "config"),
    ],
)
def test_what_cannot_be_done_is_told(
    rows: Path, model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert run(["data", "audit", str(rows), "--model", str(model), *arguments]) == EXIT_CODES[reason]
    assert capsys.readouterr().err.count("\n") >= 2


def test_a_finding_is_taken_away_in_a_version(
    rows: Path, model: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows.read_bytes()
    told = audited(capsys, rows, "--model", model, "--mend", "mail")
    version = Path(told["path"])
    assert version.name == "rows.recipe.json"
    assert told["steps"][0]["kind"] == "replace"
    left = audited(capsys, version, "--model", model)
    assert "mail" not in {item["key"] for item in left["findings"]}
    again = audited(capsys, version, "--model", model, "--mend", "duplicate")
    assert (again["path"], again["rows"]) == (told["path"], told["rows"] - 1)
    other = audited(capsys, rows, "--model", model, "--mend", "duplicate")
    assert Path(other["path"]).name == "rows-2.recipe.json"
    assert rows.read_bytes() == before


def test_a_row_of_which_a_mend_leaves_nothing_is_taken_out_and_named(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "html.jsonl"
    texts = ["It is <b>bold</b> now.", "<br><br>", "And <i>this</i> too.", "<p>", "<p><br>"]
    path.write_text("\n".join(json.dumps({"prompt": "Go on?", "completion": text}) for text in texts), "utf-8")
    assert run(["data", "audit", str(path), "--model", str(model), "--mend", "html"]) == 0
    assert "Taken out, since nothing usable would be left of them: rows 1,3-4." in capsys.readouterr().out
    assert run(["data", "version", "export", "html", str(tmp_path / "out.jsonl")]) == 0
    left = [json.loads(line)["completion"] for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert left == ["It is bold now.", "And this too."]


def test_a_mended_version_is_there_whole_or_not_at_all(rows: Path, model: Path) -> None:
    assert steps_told("audit", rows, "--model", model, "--mend", "duplicate") == ["steps 1"]


def test_a_mend_that_fails_leaves_no_version(
    tmp_path: Path, home: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {"name": "send", "arguments": {"joe@corp.org": 1, "jane@corp.org": 2}}
    turns = [{"role": "user", "content": "Send it."}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps({"messages": turns}), "utf-8")
    command = ["data", "audit", str(path), "--model", str(model), "--mend", "mail", "--json"]
    assert run(command) == EXIT_CODES["data"]
    assert "nothing is left that this would mend" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert not list((home / "datasets").glob("*.recipe.json"))


@pytest.mark.parametrize("options", [("--max-length", "24"), ("--max-length", "24", "--chunk-overlap", "2")])
def test_the_rows_that_can_be_used_are_those_of_the_check(
    rows: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    long = tmp_path / "long.jsonl"
    questions = ("Why is it that you ask me this? " * 9, "Why?")
    long.write_text("\n".join(json.dumps({"prompt": one, "completion": "I do."}) for one in questions), "utf-8")
    for file, wanted in ((rows, None), (long, "1 of 2 rows can be used.")):
        said = []
        for command in ("check", "audit"):
            assert run(["data", command, str(file), "--model", str(model), *options]) == 0
            said += [line for line in capsys.readouterr().out.splitlines() if "can be used" in line]
        checked, seen = said[0], said[1].partition(": ")[2]
        assert seen == checked == (wanted or checked)
    assert audited(capsys, long, "--model", model, *options)["usable"] == 1


def test_what_cannot_be_mended_is_told(rows: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for key, code in (("unusable", "data"), ("typos", "usage")):
        assert run(["data", "audit", str(rows), "--model", str(model), "--mend", key, "--json"]) == EXIT_CODES[code]
        assert json.loads(capsys.readouterr().out)["error"]["hint"]


def test_what_does_not_take_the_rows_is_refused(
    rows: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"prompt": "Who?", "chosen": "It is me, as ever.", "rejected": "It is you, I fear."}))
    for file, objective in ((rows, "dpo"), (pairs, "pretraining")):
        assert run(["data", "audit", str(file), "--model", str(model), "--objective", objective]) == EXIT_CODES["data"]
        assert "training.objective=" in capsys.readouterr().err
    assert audited(capsys, pairs, "--model", model)["lengths"]["rows"] == 1
    assert audited(capsys, pairs, "--model", model, "--objective", "dpo", "--max-length", 8)["lengths"]["rows"] == 0
    refused = ["data", "audit", str(pairs), "--model", str(model), "--objective", "dpo", "--chunk-overlap", "4"]
    assert run(refused) == EXIT_CODES["usage"]
    assert "--chunk-overlap" in capsys.readouterr().err
