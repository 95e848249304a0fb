"""What the program does before anything heavy is loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.__main__ import EXIT_NO_DISPLAY, no_display
from studio.core.errors import EXIT_CODES
from studio.core.versions import recipe
from studio.core.versions.store import Version

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, True),
        ("linux", {"DISPLAY": ""}, True),
        ("linux", {"DISPLAY": ":0"}, False),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, False),
        ("linux", {"QT_QPA_PLATFORM": "offscreen"}, False),
        ("win32", {}, False),
        ("darwin", {}, False),
    ],
)
def test_where_there_is_no_display(platform: str, environment: dict[str, str], expected: bool) -> None:
    assert no_display(platform, environment) == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there always is one")
def test_without_a_display_it_says_so() -> None:
    shown = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    bare = {name: value for name, value in os.environ.items() if name not in shown}
    done = subprocess.run(
        [sys.executable, "-m", "studio"], cwd=ROOT, env=bare, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == EXIT_NO_DISPLAY
    assert "no display" in done.stderr
    assert "studio --help" in done.stderr


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_is_piped_in_is_utf_8_whatever_the_systems_encoding(tmp_path: Path, mark: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n3\n', encoding="utf-8")
    words = [sys.executable, "-m", "studio", "data", "mend", str(rows), "--row", "1", "--stdin"]
    # As where a pipe is read in the code page of Western Europe.
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}

    def piped(given: bytes, *more: str) -> subprocess.CompletedProcess[bytes]:
        command = [*words, *more]
        return subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True, check=False)

    text = f'{mark}{{"prompt": "Grüße", "completion": "你好"}}'
    done = piped(text.encode(), "--version", "mended")
    assert done.returncode == 0, done.stderr
    assert Version(recipe.file_of("mended")).selection.data(1) == {"prompt": "Grüße", "completion": "你好"}
    refused = piped(text.encode("utf-16"))
    assert refused.returncode == EXIT_CODES["usage"]
    assert refused.stderr.decode().splitlines() == ["What comes from the pipe is not UTF-8 text.", "Convert it first."]


@pytest.mark.skipif(os.name == "nt", reason="there, a program without a console has none of them")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_standard_stream_may_be_closed(tmp_path: Path, closed: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n')
    command = f"exec {sys.executable} -m studio data check {rows} --json {closed}"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert ">&-" in closed.split() or json.loads(done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="there, a program without a console has none of them")
def test_without_standard_error_a_failure_is_not_among_the_output() -> None:
    command = f"exec {sys.executable} -m studio runs show nosuch --json 2>&-"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == EXIT_CODES["run"]
    assert json.loads(done.stdout)["error"]["reason"] == "run"


@pytest.mark.skipif(os.name == "nt", reason="there, a program without a console has none of them")
def test_a_chat_without_an_input_ends() -> None:
    command = f"exec {sys.executable} -m studio chat demo <&-"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert "Traceback" not in done.stderr
