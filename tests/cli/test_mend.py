"""Rejected rows listed and mended on the command line."""

import io
import json
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from studio.cli import run
from studio.cli.mend import file_name
from studio.core.versions import recipe
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version, create


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "c" "completion": "d"}\n3\n', encoding="utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert run(["data", "mend", *words, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_rejected_rows_are_listed_mended_and_mended_further(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    first = said(capsys, str(file))["rejected"]
    assert isinstance(first, list)
    assert [(item["row"], item["line"], item["text"]) for item in first] == [
        (1, 2, '{"prompt": "c" "completion": "d"}'),
        (2, 3, "3"),
    ]
    made = said(capsys, str(file), "--row", "1", "--text", '{"prompt": "c", "completion": "d"}', "--version", "mended")
    assert (made["name"], made["rows"]) == ("mended", 2)
    path = str(recipe.file_of("mended"))
    monkeypatch.setattr("sys.stdin", io.StringIO('{"prompt": "e",\n"completion": "f"}\n'))
    assert said(capsys, path, "--row", "0:2", "--stdin")["rows"] == 3
    assert said(capsys, path)["rejected"] == []
    assert Version(Path(path)).selection.data(2) == {"prompt": "e", "completion": "f"}
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--row", "1"), "The corrected row is missing"),
        (("--row", "1", "--text", "{"), "The row cannot be used as it is now: not JSON"),
        (("--row", "9", "--text", "{}"), "has no row 9"),
        (("--row", "x", "--text", "{}"), "names no rows"),
        (("--row", "1,2", "--text", '{"prompt": "c", "completion": "d"}'), "`1,2` names more than one row"),
        (("--row", "1-2", "--text", '{"prompt": "c", "completion": "d"}'), "`1-2` names more than one row"),
    ],
)
def test_what_cannot_be_done_makes_no_version(
    file: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run(["data", "mend", str(file), *words]) != 0
    assert said in capsys.readouterr().err
    assert recipe.listed() == []


def test_the_list_is_for_people_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "mend", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "Rejected: 2 rows." in printed
    assert "row 1 of rows.jsonl, line 2: not JSON" in printed


def test_a_row_of_a_version_made_of_a_version_is_mended(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = ["--text", '{"prompt": "c", "completion": "d"}']
    said(capsys, str(file), "--row", "1", *good, "--version", "inner")
    inner = recipe.file_of("inner")
    outer = str(create("outer", [Source(path=str(inner))]))
    assert said(capsys, outer)["rejected"] == []
    changed = ["--text", '{"prompt": "c",\n"completion": "e"}']
    assert said(capsys, outer, "--row", "0:1", *changed)["rows"] == 2
    assert Version(Path(outer)).selection.data(1) == {"prompt": "c", "completion": "e"}
    assert Version(inner).selection.data(1) == {"prompt": "c", "completion": "d"}
    assert run(["data", "mend", outer, "--row", "0:2", *good]) != 0
    assert "inner has no row 2; it has rows 0 to 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "system", "name"),
    [
        (r"C:\Users\some.one\letters.csv", PureWindowsPath, "letters.csv"),
        ("C:/Users/someone/a.folder/", PureWindowsPath, "a.folder"),
        ("hf://datasets/owner/name@main?split=train", PureWindowsPath, "name@main?split=train"),
        ("/home/someone/letters.csv", PurePosixPath, "letters.csv"),
        (r"odd\name.csv", PurePosixPath, r"odd\name.csv"),
    ],
)
def test_a_version_is_named_by_the_files_own_name(file: str, system: type[PurePath], name: str) -> None:
    assert file_name(file, system) == name
