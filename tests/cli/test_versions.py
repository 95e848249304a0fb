"""`studio data version`, `edit`, `split` and `mix`: all that a version can become, for programs and for people."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.cli import run
from studio.core.config_file import load
from studio.core.errors import EXIT_CODES


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("\n".join(json.dumps({"prompt": f"q{i}", "completion": "a", "n": i}) for i in range(10)), "utf-8")
    second.write_text("\n".join(json.dumps({"text": f"t{i}"}) for i in range(5)), encoding="utf-8")
    return [first, second]


def told(capsys: pytest.CaptureFixture[str], *arguments: Any, code: int = 0) -> Any:
    """Runs a command with `--json`; returns what it printed."""
    assert run(["data", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def said(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    assert run(["data", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_a_version_from_its_making_to_its_export(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "version", "list") == {"versions": []}
    made = told(capsys, "version", "create", "v", files[0])
    assert (made["rows"], made["format"], made["sources"][0]["usable"]) == (10, "prompt_completion", 10)
    told(capsys, "edit", "v", "exclude", "rows=0,3-4", "why=no, never")
    told(capsys, "edit", "v", "replace", "row=1", 'data={"prompt": "new?", "completion": "yes: 1"}')
    told(capsys, "edit", "v", "tag", "rows=0:9", "tag=good", "on=true")
    about = told(capsys, "split", "v", "--share", 0.3, "--seed", 4)
    assert (about["rows"], about["eval_rows"], about["tags"]) == (7, 2, {"eval": 2, "good": 1})
    assert [step["rows_left"] for step in about["steps"]] == [7, 7, 7, 7]
    assert about["steps"][0]["why"] == "no, never"
    undone = told(capsys, "version", "undo", "v", "--steps", 2)
    assert [step["counts"] for step in undone["steps"]] == [True, True, False, False]
    assert told(capsys, "version", "redo", "v")["tags"] == {"good": 1}
    assert told(capsys, "version", "show", "v")["steps"][3]["counts"] is False
    assert [item["steps"] for item in told(capsys, "version", "list")["versions"]] == [3]
    out = tmp_path / "out.jsonl"
    assert told(capsys, "version", "export", "v", out)["rows"] == 7
    assert json.loads(out.read_text(encoding="utf-8").splitlines()[0])["completion"] == "yes: 1"
    assert told(capsys, "check", made["path"])["valid"] == 7, "a version is checked as any file is"


def test_a_version_is_found_by_its_files_bare_name_from_everywhere(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = told(capsys, "version", "create", "v", files[0])
    assert told(capsys, "check", "v.recipe.json")["valid"] == 10
    assert told(capsys, "mix", "m", "v.recipe.json=1", "a.jsonl=1")["sources"][0]["path"] == made["path"]
    assert load(None, ["data.path=v.recipe.json"]).data.path == made["path"]
    told(capsys, "version", "create", str(tmp_path / "v.recipe.json"), files[1])
    assert told(capsys, "check", "v.recipe.json")["valid"] == 5, "what lies here comes first"
    assert "no version" in told(capsys, "check", "sub/v.recipe.json", code=EXIT_CODES["data"])["error"]["message"]
    error = told(capsys, "check", "v", code=EXIT_CODES["data"])["error"]
    assert error["hint"] == "Check the path, or write v.recipe.json for the version of that name."


def test_files_are_mixed(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    about = told(capsys, "mix", "m", f"{files[0]}=1", f"{files[1]}=3", "--epoch", "longest", "--seed", 1)
    assert [item["train_rows"] for item in about["sources"]] == [10, 30]
    assert [item["different_rows"] for item in about["sources"]] == [10, 5]
    assert about["format"] == "mixed"
    assert told(capsys, "mix", "n", f"{files[0]}=1", f"{files[1]}=1")["rows"] == 10
    assert told(capsys, "mix", "o", f"{files[0]}=1", f"{files[1]}=1", "--epoch", 100)["rows"] == 100
    error = told(capsys, "mix", "p", files[0], code=EXIT_CODES["usage"])["error"]
    assert error["message"] == "Each file needs its share."
    told(capsys, "mix", "p", f"{files[0]}=0", code=EXIT_CODES["data"])
    twice = told(capsys, "mix", "p", f"{files[0]}=1", f"{files[0]}=2", code=EXIT_CODES["usage"])["error"]
    assert twice["message"] == "a.jsonl is given more than once."
    for epoch in ("0", "long"):
        error = told(capsys, "mix", "p", f"{files[0]}=1", "--epoch", epoch, code=EXIT_CODES["usage"])["error"]
        assert error["message"] == f"`{epoch}` is no length of an epoch."
    assert [item["name"] for item in told(capsys, "version", "list")["versions"]] == ["m", "n", "o"]


# Tells at each rename by which a recipe gets its name how many steps are in it.
TELLING = """
import json, sys
def tell(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith(".recipe.json"):
        with open(arguments[0]) as file:
            print("steps", len(json.load(file)["recipe"]["steps"]), file=sys.stderr)
sys.addaudithook(tell)
from studio.cli import run
sys.exit(run(sys.argv[1:]))
"""


def steps_told(*arguments: Any) -> list[str]:
    """Runs a command; returns what `TELLING` told of each recipe that it wrote."""
    command = [sys.executable, "-c", TELLING, "data", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in ran.stderr.splitlines() if line.startswith("steps")]


def test_a_mix_is_there_whole_or_not_at_all(files: list[Path]) -> None:
    assert steps_told("mix", "m", f"{files[0]}=1", f"{files[1]}=3") == ["steps 1"]


def test_a_mix_that_cannot_be_made_names_the_file_and_leaves_nothing(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {
        "pair": '{"prompt": "a", "chosen": "b", "rejected": "c"}',
        "bad": '{"prompt": "a", "completion": 3}',
        "empty": "",
    }
    said = {
        "pair": "Rows in the format `preference` cannot be mixed with others.",
        "bad": "The only row of bad.jsonl cannot be used: `completion` is not text but a number.",
        "empty": "empty.jsonl is empty.",
        "gone": f"There is no file {tmp_path / 'gone.jsonl'}.",
    }
    for name, wanted in said.items():
        other = tmp_path / f"{name}.jsonl"
        if name in rows:
            other.write_text(rows[name], encoding="utf-8")
        error = told(capsys, "mix", "m", f"{files[0]}=1", f"{other}=1", code=EXIT_CODES["data"])["error"]
        assert error["message"] == wanted
        assert told(capsys, "version", "list") == {"versions": []}
    small = told(capsys, "mix", "m", f"{files[0]}=1000000", f"{files[1]}=1", code=EXIT_CODES["data"])["error"]
    assert small["message"] == "An epoch of 10 rows has none of b.jsonl, so small is its share."
    assert told(capsys, "version", "list") == {"versions": []}
    pair = tmp_path / "pair.jsonl"
    mapped = ["--map", "prompt=prompt", "--map", "completion=chosen"]
    about = told(capsys, "mix", "m", f"{pair}=1", f"{files[0]}=1", *mapped)
    assert [item["train_rows"] for item in about["sources"]] == [1, 1]
    told(capsys, "mix", "n", f"{files[0]}=1", f"{tmp_path / 'bad.jsonl'}=0")


def test_a_changed_source_is_said_and_taken_over(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "version", "create", "v", files[0])
    told(capsys, "edit", "v", "exclude", "rows=0,9")
    files[0].write_text("\n".join(files[0].read_text(encoding="utf-8").splitlines()[:-1]), encoding="utf-8")
    error = told(capsys, "version", "show", "v", code=EXIT_CODES["data"])["error"]
    assert "studio data version rebase v" in error["hint"]
    found = told(capsys, "version", "rebase", "v")
    assert (found["changed"], found["found"], len(found["lost"])) == (["a.jsonl"], 1, 1)
    assert "Changed: nothing" in said(capsys, "version", "rebase", "v")
    assert told(capsys, "version", "show", "v")["rows"] == 8


def test_people_read_what_was_done(files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no versions" in said(capsys, "version", "list")
    path = tmp_path / "my own.recipe.json"
    said(capsys, "version", "create", path, *files)
    text = said(capsys, "edit", path, "filter", "source=0", "min_chars=1")
    assert "10 rows, 0 of them for evaluation (mixed)" in text
    assert "1. filter (min_chars=1, source=0): leaves 10 rows" in text
    assert "1. filter" in said(capsys, "version", "undo", path)
    assert "says what of" in said(capsys, "version", "export", path, tmp_path / "o.parquet")


@pytest.mark.parametrize(
    ("settings", "reason", "words"),
    [
        (["shuffle"], "data", "not known"),
        (["sample", "count"], "usage", "KEY=VALUE"),
        (["sample", "count=many"], "data", "count"),
        (["shuffle"], "data", "mix, mend."),
        (["exclude", "rows=a-b"], "usage", "names no rows"),
        (["exclude", "rows="], "usage", "No rows are named."),
        (["exclude"], "data", "Name at least one row: rows=3,10-20"),
        (["sample", "count=3", "count=4"], "usage", "`count` is given more than once."),
        (["mix", "shares=[1]", "epoch=0"], "data", "Give `shortest`, `longest` or a number of rows, 1 at least."),
        (["filter", "source=7"], "data", "There is no source 7."),
        (["filter", "tag=odd"], "data", "No row has the tag `odd`."),
        (["keep", "rows=0-99999999999"], "data", "no row 99999999999"),
        (["keep", "rows=9-3"], "usage", "names no rows"),
        (["exclude", "rows=99"], "data", "no row 99"),
        (["replace", "row=1", "data={"], "usage", "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(
    files: list[Path], capsys: pytest.CaptureFixture[str], settings: list[str], reason: str, words: str
) -> None:
    told(capsys, "version", "create", "v", files[0])
    error = told(capsys, "edit", "v", *settings, code=EXIT_CODES[reason])["error"]
    assert words in error["message"] + error["hint"]
    assert told(capsys, "version", "show", "v")["steps"] == []


def test_a_version_that_cannot_be_read_is_listed(
    files: list[Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "version", "create", "v", files[0])
    (home / "datasets" / "v.recipe.json").write_text("{", encoding="utf-8")
    (listed,) = told(capsys, "version", "list")["versions"]
    assert "damaged" in listed["fault"]
    assert "damaged" in said(capsys, "version", "list")


def test_a_list_of_steps_is_done_together(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "version", "create", "v", files[0])
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps([{"kind": "exclude", "rows": [[0, 2, 3]]}, {"kind": "sample", "count": 5}]), "utf-8")
    assert told(capsys, "edit", "v", f"@{steps}")["rows"] == 5
    assert told(capsys, "version", "undo", "v")["rows"] == 10
    steps.write_text("[", encoding="utf-8")
    assert "cannot be read" in told(capsys, "edit", "v", f"@{steps}", code=EXIT_CODES["usage"])["error"]["message"]
    code = EXIT_CODES["data"]
    steps.write_text('{"kind": "none"}', encoding="utf-8")
    assert "not known" in told(capsys, "edit", "v", f"@{steps}", code=code)["error"]["message"]


def test_a_mend_in_a_list_sees_the_edits_before_it(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "version", "create", "v", files[0])
    edit = {"kind": "replace", "row": 2, "data": {"prompt": "new?", "completion": "Write to joe@corp.org."}}
    mend = {"kind": "mend", "finding": "mail", "rows": [[0, 0, 9]]}
    tag = {"kind": "tag", "rows": [[0, 1, 2]], "tag": "good"}
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps([edit, mend, tag, {"kind": "filter", "tag": "good"}]), "utf-8")
    about = told(capsys, "edit", "v", f"@{steps}")
    assert (about["rows"], about["tags"]) == (2, {"good": 2})
    told(capsys, "version", "export", "v", tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[1]) == {"prompt": "new?", "completion": "Write to [EMAIL]."}
    assert told(capsys, "version", "undo", "v")["rows"] == 10, "all of it is one edit"
    before = told(capsys, "version", "show", "v")
    steps.write_text(json.dumps([edit, mend, {"kind": "filter", "tag": "odd"}]), "utf-8")
    told(capsys, "edit", "v", f"@{steps}", code=EXIT_CODES["data"])
    assert told(capsys, "version", "show", "v") == before


def test_rows_without_a_value_are_no_duplicates_of_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    mails = ("a@b.org", "", "a@b.org", "", "")
    lines = [f"q{at},a,{mail}" for at, mail in enumerate(mails)]
    table.write_text("\n".join(["prompt,completion,email", *lines]), "utf-8")
    told(capsys, "version", "create", "v", table)
    assert told(capsys, "edit", "v", "deduplicate", "by=email")["rows"] == 4


def test_the_rows_of_a_version_are_searched_as_they_are_now(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = told(capsys, "version", "create", "v", files[0])["path"]
    told(capsys, "edit", "v", "exclude", "rows=0-2")
    told(capsys, "edit", "v", "replace", "row=4", 'data={"prompt": "new", "completion": "a"}')
    assert run(["data", "search", path, "new", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (found[0]["rows"], found[-1]["found"]) == ([1], 1)


def test_a_version_is_shown_searched_and_converted_as_it_is_now(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = told(capsys, "version", "create", "v", files[0])["path"]
    told(capsys, "edit", "v", "exclude", "rows=0-3")
    shown = told(capsys, "show", path)
    assert [row["data"]["n"] for row in shown["rows"]] == [4, 5, 6, 7, 8, 9]
    assert shown["format"] == "prompt_completion"
    assert told(capsys, "show", path, "--row", 1)["rows"][0]["data"]["n"] == 5
    assert told(capsys, "check", path)["valid"] == 6
    out = tmp_path / "out.jsonl"
    assert told(capsys, "convert", path, out)["rows"] == 6
    assert json.loads(out.read_text(encoding="utf-8").splitlines()[0])["n"] == 4


def test_a_finding_is_taken_away_from_the_rows_that_are_left(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": f"Write to jane{n}.roe@corp.org."} for n in range(3)] + [{"text": "Nobody is named."}]
    files[0].write_text("\n".join(map(json.dumps, rows)), "utf-8")
    told(capsys, "version", "create", "mails", files[0])
    told(capsys, "edit", "mails", "exclude", "rows=0")
    done = told(capsys, "edit", "mails", "mend", "finding=mail", "rows=0-3")
    assert (done["rows"], done["steps"][-1]["kind"], done["steps"][-1]["steps"]) == (3, "replace", 2)
    told(capsys, "version", "export", "mails", tmp_path / "out.jsonl")
    assert "corp.org" not in (tmp_path / "out.jsonl").read_text("utf-8")
    again = told(capsys, "edit", "mails", "mend", "finding=mail", "rows=0-3", code=EXIT_CODES["data"])
    assert again["error"]["message"] == "Of the finding `mail` nothing is left that this would mend."
    unknown = told(capsys, "edit", "mails", "mend", "finding=unusable", "rows=0", code=EXIT_CODES["data"])
    assert unknown["error"]["message"] == "Nothing mends `unusable` by itself."


def test_a_row_that_cannot_be_used_is_refused_in_a_sentence_with_its_remedy(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "version", "create", "rows", files[0])
    error = told(capsys, "edit", "rows", "replace", "row=2", 'data={"x": 1}', code=EXIT_CODES["data"])["error"]
    assert error["message"] == "Row 2 of a.jsonl cannot become this: `prompt` is missing."
    assert "`prompt_completion`" in error["hint"]
    assert told(capsys, "version", "show", "rows")["steps"] == []


def test_what_a_version_holds_back_is_told_of_those_made_of_it(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "version", "create", "v", files[0])
    said(capsys, "split", "v", "--share", "0.2")
    assert "10 rows, 2 of them for evaluation" in said(capsys, "version", "create", "w", "v.recipe.json")
    assert "12 rows, 2 of them for evaluation" in said(capsys, "mix", "m", "v.recipe.json=4", f"{files[1]}=1")
    held = [f"{files[0]}=1", "v.recipe.json=1000"]
    error = told(capsys, "mix", "n", *held, "--epoch", 3, code=EXIT_CODES["data"])["error"]
    assert error["message"] == "An epoch of 3 rows has none of a.jsonl, so small is its share."


def test_a_version_outlives_the_folder_that_it_was_made_in(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "linked.jsonl").symlink_to(files[0].rename(tmp_path / "without an ending"))
    monkeypatch.chdir(tmp_path / "here")
    made = told(capsys, "version", "create", "v", "../linked.jsonl", "../b.jsonl")
    assert [source["path"] for source in made["sources"]] == [str(tmp_path / "linked.jsonl"), str(files[1])]
    same = ["../b.jsonl=1", f"../../{tmp_path.name}/b.jsonl=1"]
    twice = told(capsys, "mix", "m", *same, code=EXIT_CODES["usage"])["error"]
    assert twice["message"] == "b.jsonl is given more than once."
    (tmp_path / "c").mkdir()
    files[1].rename(tmp_path / "c" / "b.jsonl")
    (tmp_path / "c" / "in").mkdir()
    monkeypatch.chdir(tmp_path / "c" / "in")
    assert told(capsys, "version", "create", "w", "..")["sources"][0]["path"] == str(tmp_path / "c")
