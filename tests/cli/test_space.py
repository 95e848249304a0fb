"""Space and trash by command."""

import json

import pytest

from studio import cli
from studio.core import library, run_queue, trash
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


def test_what_cannot_be_freed_keeps_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    done, going = run_with_state("completed"), run_with_state(None)
    library.remove(made("letters"))
    run_queue.enter([going], waits=False)
    with going.claim():
        assert cli.run(["space", "--free", "states", "cache", "trash"]) == EXIT_CODES["busy"]
    assert "need the cache" in capsys.readouterr().err
    assert not state_of(done).exists()
    assert not trash.listing()


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
    assert asked(capsys, "trash", "remove", "three", "three").count("is gone") == 1
    assert asked(capsys, "trash", "list") == "The trash is empty.\n"
    library.remove(library.find("one"))
    (item,) = json.loads(asked(capsys, "trash", "list", "--json"))
    assert (item["kind"], item["name"]) == ("adapter", "one")
    assert asked(capsys, "trash", "restore", item["key"], "one") == "one is back.\n"
    library.remove(library.find("one"))
    assert asked(capsys, "trash", "empty").startswith("1 thing gone: ")
    assert cli.run(["trash", "restore", "one"]) == EXIT_CODES["run"]
    assert "There is no `one` in the trash" in capsys.readouterr().err
