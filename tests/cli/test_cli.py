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
