"""Space and trash by command."""

import json

import pytest

from studio import cli
from studio.core import library
from studio.core.errors import EXIT_CODES
from tests.adapters import made
from tests.core.test_space import run_with_state, state_of


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.run(words) == 0
    return capsys.readouterr().out


def test_what_is_taken_up_is_told_and_freed(capsys: pytest.CaptureFixture[str]) -> None:
    run = run_with_state("completed")
    assert "`studio space --free states` removes these." in asked(capsys, "space")
    found = json.loads(asked(capsys, "space", "--free", "states", "--json"))
    assert found.keys() == {"runs", "adapters", "states", "cache", "trash"}
    assert found["states"] == 0
    assert not state_of(run).exists()
    with pytest.raises(SystemExit) as left:
        cli.run(["space", "--free", "runs"])
    assert left.value.code == EXIT_CODES["usage"]


def test_what_was_removed_comes_back_or_goes_for_good(capsys: pytest.CaptureFixture[str]) -> None:
    for title in ("one", "two", "three"):
        library.remove(made(title))
    assert [line.split()[1:3] for line in asked(capsys, "trash", "list").splitlines()[1:]] == [
        ["adapter", "three"],
        ["adapter", "two"],
        ["adapter", "one"],
    ]
    assert asked(capsys, "trash", "restore", "one", "two") == "one is back.\ntwo is back.\n"
    assert {entry.name for entry in library.entries()} == {"one", "two"}
    assert asked(capsys, "trash", "remove", "three").startswith("three is gone: ")
    assert asked(capsys, "trash", "list") == "The trash is empty.\n"
    library.remove(library.find("one"))
    (item,) = json.loads(asked(capsys, "trash", "list", "--json"))
    assert (item["kind"], item["name"]) == ("adapter", "one")
    assert asked(capsys, "trash", "empty").startswith("1 thing gone: ")
    assert cli.run(["trash", "restore", "one"]) == EXIT_CODES["run"]
    assert "There is no `one` in the trash" in capsys.readouterr().err
