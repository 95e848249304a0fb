"""Where PyTorch cannot be loaded, every process that needs it says so in words, and what else can be told is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.core import desk, runs
from studio.core.config import RunConfig
from studio.core.errors import EXIT_CODES
from studio.engine import child, spare
from studio.engine.loading import as_loading_error
from tests.training import config

ROOT = Path(__file__).resolve().parents[2]
SAID = "PyTorch cannot be loaded: "


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, str]:
    """Returns an environment whose torch needs a library that the system lacks."""
    torch = tmp_path / "broken" / "torch"
    torch.mkdir(parents=True)
    (torch / "__init__.py").write_text("import ctypes\nctypes.CDLL('lib-of-torch.so')\n")
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (torch.parent, ROOT)))}


def studio(environment: dict[str, str], *words: str, given: bytes = b"") -> tuple[int, str, str]:
    command = [sys.executable, "-P", "-m", "studio", *words]
    done = subprocess.run(command, env=environment, input=given, capture_output=True, check=False, timeout=100)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_the_doctor_fails_an_essential_check_and_goes_on(broken: dict[str, str]) -> None:
    code, out, err = studio(broken, "doctor", "--json")
    assert code == 1, err
    about = json.loads(out)
    checks = {check["name"]: check for check in about["checks"]}
    assert (checks["torch"]["ok"], checks["torch"]["essential"]) == (False, True)
    assert checks["torch"]["message"].startswith(f"{SAID}lib-of-torch.so")
    assert checks["torch"]["hint"]
    assert checks["home"]["ok"]
    assert (about["device"], about["dtype"], about["gpus"]) == (None, None, [])
    code, out, _ = studio(broken, "doctor")
    assert code == 1
    assert f"FAIL  {SAID}lib-of-torch.so" in out


def test_a_command_says_it_and_speaks_of_no_defect(broken: dict[str, str]) -> None:
    code, out, err = studio(broken, "chat", "demo", "--prompt", "Hello")
    assert (code, out) == (EXIT_CODES["run"], "")
    assert err.startswith(SAID)
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_run_ends_by_it(broken: dict[str, str], tmp_path: Path, quantization: str) -> None:
    run = runs.create(config(tmp_path, rows=6, model={"quantization": quantization}), tmp_path / "run")
    code, _, err = studio(broken, "worker", str(run.path), "--commands-from", "0")
    failed = run.summary().failed
    assert code == EXIT_CODES["run"], err
    assert failed is not None
    assert (failed.reason, failed.message.startswith(SAID)) == ("run", True)


def test_the_windows_helper_answers_each_request_with_it(broken: dict[str, str]) -> None:
    asked = b"".join(desk.encode(desk.Hardware(id=number)) for number in (1, 2))
    # It ends with the pipe; it must have answered by then.
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "studio", "desk"], env=broken, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(asked)
        process.stdin.flush()
        replies = [desk.decode_reply(process.stdout.readline()) for _ in range(2)]
    for number, reply in enumerate(replies, start=1):
        assert isinstance(reply, desk.Failed)
        assert (reply.id, reply.reason, reply.message.startswith(SAID)) == (number, "run", True)


def caught(body: str, name: str = "torch") -> Exception:
    """Returns what the outermost lines of a module raise."""
    try:
        exec(compile(body, f"{name}.py", "exec"), {"__name__": name})
    except Exception as error:
        return error
    raise AssertionError


LACKS = "raise OSError(22, 'The specified module could not be found. Error loading c10.dll.')"


def test_windows_is_told_what_it_lacks() -> None:
    told = as_loading_error(caught(LACKS), "win32")
    assert told is not None
    assert told.message.endswith("Error loading c10.dll.")
    assert "Visual C++ Redistributable" in told.hint
    paged = as_loading_error(caught("e = OSError('The paging file is too small'); e.winerror = 1455; raise e"), "win32")
    assert paged is not None
    assert "paging file larger" in paged.hint


def test_a_run_that_too_little_is_paged_for_is_not_told_of_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imports(config: RunConfig) -> None:
        raise caught("e = OSError('[WinError 1455] The paging file is too small'); e.winerror = 1455; raise e")

    monkeypatch.setattr(spare, "imports", imports)
    failed, _ = child._outcome(runs.create(config(tmp_path, rows=6), tmp_path / "run"), 0, queued=False, leads=True)
    assert failed is not None
    assert "paging file larger" in failed.hint


@pytest.mark.parametrize(
    "error",
    [
        caught(LACKS, "torchvision"),
        caught("raise ValueError"),
        caught("def f():\n  open('/not/there')\nf()", "studio"),
        caught("from torch import a_name_it_lacks", "studio"),
        caught("import a_module_of_ours", "studio"),
    ],
)
def test_other_errors_are_none_of_it(error: Exception) -> None:
    assert as_loading_error(error) is None


def test_pytorch_that_is_not_there_is_told_too() -> None:
    told = as_loading_error(caught("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')", "studio"))
    assert told is not None
    assert told.message == f"{SAID}No module named 'torch'."
