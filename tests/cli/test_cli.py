"""What all commands have in common: wrong words are told in words, as JSON too, before anything is done."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import runs
from studio.core.errors import EXIT_CODES

ODD = os.fsdecode(b"b\xff")


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["train", "--wrong"], "Unrecognized arguments: --wrong.", "`studio train --help` shows its usage."),
        (
            ["chat", "--seed", "x: error: y"],
            "Argument --seed: invalid int value: 'x: error: y'.",
            "`studio chat --help`",
        ),
        (["runs", "show"], "The following arguments are required: run.", "`studio runs show --help`"),
        (["adapters"], "The following arguments are required: ACTION.", "`studio adapters --help`"),
        (["trian"], "Argument COMMAND: invalid choice: 'trian'", "`studio --help`"),
    ],
)
def test_wrong_usage_is_told_as_json_too(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str, hint: str
) -> None:
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit) as end:
            cli.run([*words, *more])
        assert end.value.code == EXIT_CODES["usage"]
        out, err = capsys.readouterr()
        assert err.startswith("usage: studio")
        assert said[1:].rstrip(".") in err
        if more:
            error = json.loads(out.splitlines()[-1])["error"]
            assert error["reason"] == "usage"
            assert error["message"].startswith(said)
            assert error["hint"].startswith(hint)
            assert error["detail"].startswith("usage: studio")
        else:
            assert out == ""


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.run(["train", "--json", "--help"])
    assert not end.value.code
    out, err = capsys.readouterr()
    assert out.startswith("usage: studio train")
    assert err == ""


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--set", "data.path=x.jsonl", "--run-dir", ODD],
        ["train", "--set", f"name={ODD}"],
        ["adapters", "note", "t1", ODD],
        ["adapters", "rename", "t1", ODD],
        ["chat", "demo", "--prompt", ODD],
    ],
)
def test_words_that_are_no_text_are_refused_before_any_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n')
    assert cli.run(words) == EXIT_CODES["usage"]
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(r"b\udcff` on the command line is not UTF-8 text.") or r"=b\udcff`" in first
    assert second == "Write it in UTF-8, or choose another name."
    assert runs.listing() == []
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_whose_name_is_no_text_can_be_read(tmp_path: Path) -> None:
    (tmp_path / f"{ODD}.jsonl").write_text('{"text": "hello"}\n')
    words = [sys.executable, "-m", "studio", "data", "show", f"{ODD}.jsonl", "--json"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "hello" in json.dumps(json.loads(done.stdout))


class Pipe(io.RawIOBase):
    """A pipe that takes what is written until its reader has gone, which it tells as an argument that is wrong."""

    def __init__(self, open_to_end: bool) -> None:
        self.open_to_end = open_to_end

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if not self.open_to_end:
            raise OSError(errno.EINVAL, "Invalid argument")
        return len(data)


@pytest.mark.parametrize("system", ["win32", "linux"])
def test_a_reader_that_has_gone_is_no_defect_on_windows_either(system: str) -> None:
    whole, torn = (io.TextIOWrapper(io.BufferedWriter(Pipe(open_to_end))) for open_to_end in (True, False))
    whole.write("a line")
    assert cli.reader_gone(BrokenPipeError(), whole, system)
    # What is wrong in another place is none of the output's.
    assert not cli.reader_gone(OSError(errno.EINVAL, "Invalid argument"), whole, system)
    with pytest.raises(OSError, match="Invalid argument") as caught:
        print("a line", file=torn, flush=True)
    assert cli.reader_gone(caught.value, torn, system) == (system == "win32")
    assert not cli.reader_gone(OSError(errno.ENOSPC, "No space left"), torn, system)
    assert not cli.reader_gone(ValueError(), torn, system)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize(
    "words",
    [["runs", "list"], ["runs", "list", "--json"], ["data", "show", "long.jsonl"], ["train", "--wrong", "--json"]],
)
def test_output_that_cannot_be_written_is_no_defect(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "long.jsonl").write_text(f'{{"text": "{"a" * 300}"}}\n' * 100)
    with open("/dev/full", "w") as full:
        done = started(tmp_path, words, stdout=full)
    if "--wrong" in words:
        assert done.returncode == EXIT_CODES["usage"]
        assert "Traceback" not in done.stderr
        return
    assert done.returncode == EXIT_CODES["disk"], done.stderr
    first, second = done.stderr.splitlines()
    assert first == "The output could not be written: No space left on device."
    assert second == "Free some space, or send it elsewhere."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
def test_a_failure_that_cannot_be_written_as_json_is_told_on_standard_error(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = started(tmp_path, ["runs", "show", "nosuch", "--json"], stdout=full)
    assert done.returncode == EXIT_CODES["run"], done.stderr
    assert len(done.stderr.splitlines()) == 2


def started(folder: Path, words: list[str], **more: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a command in a process of its own, with the output where `more` says."""
    command = [sys.executable, "-m", "studio", *words]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    given = {"stdout": subprocess.PIPE} | more
    return subprocess.run(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, check=False, timeout=100, **given
    )


@pytest.mark.parametrize(
    "words",
    [
        *(["data", "show", "a", "--first", "-3"], ["data", "search", "a", "--limit", "-4"]),
        *(["data", "search", "a", "--min-bytes", "-5"], ["data", "check", "a", "--most-rejected", "-1"]),
        *(["data", "version", "undo", "a", "--steps", "-3"], ["demo", "--rows", "x"]),
    ],
)
def test_what_is_no_count_is_refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.run(words)
    assert end.value.code == EXIT_CODES["usage"]
    assert f"{words[-2]}: `{words[-1]}` is no whole number, 0 or above" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["audit", "--model", "demo"],
        ["version", "create", "v"],
        ["version", "create", "v", "a.jsonl"],
        ["convert"],
    ],
)
def test_a_file_whose_name_is_no_text_is_refused_where_it_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jsonl", f"{ODD}.jsonl"):
        (tmp_path / name).write_text('{"text": "hello"}\n')
    more = ["out.jsonl"] if words == ["convert"] else []
    assert cli.run(["data", *words, f"{ODD}.jsonl", *more]) == EXIT_CODES["usage"]
    first, second = capsys.readouterr().err.splitlines()
    assert first == r"The name of the file b\udcff.jsonl is not UTF-8 text."
    assert second == "Rename it."


def test_rows_numbers_that_cannot_be_written_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "hello"}\n')
    words = ["data", "search", str(tmp_path / "a.jsonl"), "hello", "--into", str(tmp_path / "no" / "rows")]
    assert cli.run(words) == EXIT_CODES["disk"]
    assert "could not be written: No such file or directory." in capsys.readouterr().err
