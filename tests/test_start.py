"""packaging/start.py, run as users run it, on a small checkout whose packages are made here."""

import ast
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import downloads
import machine

PACKAGING = Path(__file__).resolve().parents[1] / "packaging"

# A build backend of a few lines, so that no test needs a package index.
BACKEND = """
import zipfile
from pathlib import Path

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "finetune_studio-0.1.0-py3-none-any.whl"
    info = "finetune_studio-0.1.0.dist-info"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        wheel.writestr("studio.pth", str(Path.cwd()))
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: finetune-studio\\nVersion: 0.1.0\\n"
                       "Provides-Extra: test\\nRequires-Dist: torch\\nRequires-Dist: pytest; extra == 'test'\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "finetune-studio"
version = "0.1.0"
"""


def make_wheel(folder: Path, name: str, version: str, body: str = "") -> None:
    """Writes a package of one module that prints what it is called with."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", body)
        wheel.writestr(f"{name}/__main__.py", f"import sys; print({name!r}, *sys.argv[1:])")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


class Checkout:
    """A small checkout and a folder of wheels that stands for the package index."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "Jürgen's 用户 checkout"
        self.wheels = folder / "wheels"
        self.tools = folder / "tools"
        self.venv = self.root / ".venv"
        for made in (self.root / "packaging", self.root / "studio", self.wheels, self.tools):
            made.mkdir(parents=True)
        for script in PACKAGING.glob("*.py"):
            (self.root / "packaging" / script.name).write_bytes(script.read_bytes())
        self.pin("torch==2.13.0", "pytest==9.2.0")
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "backend.py").write_text(BACKEND)
        (self.root / "studio" / "__init__.py").write_text("")
        (self.root / "studio" / "__main__.py").write_text("import sys; print('studio', *sys.argv[1:])")

    def pin(self, *lines: str) -> None:
        (self.root / "packaging" / "constraints.txt").write_text("\n".join(lines) + "\n")

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.begin(*arguments) as process:
            out, err = process.communicate()
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "STUDIO_", "PYTHONPATH"))
        }
        environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        environment["PATH"] = f"{self.tools}{os.pathsep}{environment['PATH']}"
        command = [sys.executable, str(self.root / "packaging" / "start.py"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=self.root.parent)

    def card(self) -> None:
        """Makes the machine one with an NVIDIA driver."""
        driver = self.tools / ("nvidia-smi.exe" if os.name == "nt" else "nvidia-smi")
        driver.write_text("#!/bin/sh\n")
        driver.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_scripts_can_be_read_by_the_pythons_they_refuse() -> None:
    for script in PACKAGING.glob("*.py"):
        ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_old_python_is_told_what_to_do() -> None:
    said = machine.python_problem((3, 9, 2))
    assert said is not None
    assert said.startswith("Finetune Studio needs Python 3.11 or newer; this is Python 3.9.\n")
    assert machine.python_problem((3, 11, 0)) is machine.python_problem((3, 14)) is None


def test_an_interrupted_start_is_completed_and_the_next_installs_nothing(checkout: Checkout) -> None:
    failed = checkout.start("demo")
    assert failed.returncode == 7
    assert "The index has not every tested package for Python 3." in failed.stderr
    assert "Traceback" not in failed.stderr

    make_wheel(checkout.wheels, "torch", "2.13.0+cpu")
    first = checkout.start("demo", "--fast")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.startswith("The last installation was interrupted: completing it.\n")
    assert first.stdout.endswith("Set up.\n\nstudio demo --fast\n")
    assert first.stdout.index("PyTorch for the CPU") < first.stdout.index("Successfully installed torch-2.13.0+cpu")

    # Read in an encoding of the system's own, which may not have the letters of the checkout's path.
    (named,) = checkout.venv.glob("**/studio.pth")
    assert named.read_bytes().isascii()
    assert (named.parent / named.read_text().strip()).resolve() == checkout.root
    assert len(list(named.parent.glob("torch/__pycache__/*.pyc"))) == 2

    second = checkout.start("studio", "runs", "list")
    assert (second.stdout, second.stderr) == ("studio runs list\n", "")

    # Killed while a package was half unpacked: its metadata are there, the file pip writes last is not.
    make_wheel(checkout.wheels, "pytest", "9.2.0")
    (torn,) = checkout.venv.glob("**/torch-2.13.0+cpu.dist-info")
    (torn / "INSTALLER").unlink()
    (torn.parent / "torch" / "__main__.py").unlink()
    assert checkout.start("test", "-k", "name").stdout.endswith("Set up.\n\npytest -k name\n")
    assert (torn.parent / "torch" / "__main__.py").exists()

    # The extras stay, and asking for less installs nothing.
    assert checkout.start("demo").stdout == "studio demo\n"
    assert "pip install" not in checkout.start("--dry-run", "demo").stdout

    # What makes the next start look again, or make the folder anew.
    stamp, settings = checkout.venv / "studio-install.json", checkout.venv / "pyvenv.cfg"
    whole, made = stamp.read_text(), settings.read_text()
    stamp.write_text(whole[: len(whole) // 2])
    assert "nothing to download" in checkout.start("--dry-run", "demo").stdout
    stamp.write_text(whole)
    settings.write_text(made.replace(f"version = {sys.version_info.major}.", "version = 2."))
    assert ".venv was made by Python 2." in checkout.start("--dry-run", "demo").stdout
    settings.write_text(made)
    checkout.pin("torch==2.13.0", "pytest==9.2.0", "another==1")
    assert "nothing to download" in checkout.start("--dry-run", "demo").stdout
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert ".venv was made in another folder: making it anew." in checkout.start("--dry-run", "demo").stdout


def test_a_dry_run_does_nothing_and_says_everything(checkout: Checkout) -> None:
    checkout.card()
    for version in ("2.13.0", "2.13.0+cpu", "2.13.0+cu130", "2.14.0"):
        make_wheel(checkout.wheels, "torch", version)
    said = checkout.start("--dry-run", "test", "-x")
    assert said.returncode == 0, said.stderr
    assert "torch===2.13.0+cu130" in said.stdout
    assert "PyTorch with CUDA" in said.stdout
    assert "Tests and checks" in said.stdout
    assert said.stdout.endswith("-m pytest -x\n")
    assert not checkout.venv.exists()


def test_a_card_is_left_alone_only_by_choice(checkout: Checkout) -> None:
    checkout.card()
    make_wheel(checkout.wheels, "torch", "2.13.0+cpu")
    for words in (("--dry-run", "demo"), ("demo",)):
        stopped = checkout.start(*words)
        assert stopped.returncode == 2
        assert "only PyTorch without CUDA, which leaves the card alone" in stopped.stderr
        assert "--torch-index cpu to train on the CPU" in stopped.stderr
        assert "torch" not in stopped.stdout
    chosen = checkout.start("--torch-index", "cpu", "demo")
    assert chosen.returncode == 0, chosen.stderr
    assert "Successfully installed torch-2.13.0+cpu" in chosen.stdout
    assert "NVIDIA" not in chosen.stdout
    assert checkout.start("demo").stdout == "studio demo\n"


def test_a_start_during_another_says_that_it_waits(checkout: Checkout) -> None:
    fcntl = pytest.importorskip("fcntl", reason="Windows locks by other means")
    make_wheel(checkout.wheels, "torch", "2.13.0+cpu")
    with (checkout.root / ".venv.lock").open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = checkout.begin("demo")
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "Another start is installing: waiting until it is done ...\n"
    out, err = waiting.communicate()
    assert (waiting.returncode, out.endswith("studio demo\n")) == (0, True), err


@pytest.mark.skipif(sys.platform == "win32", reason="a group of processes is sent no Ctrl+C there")
def test_ctrl_c_is_for_the_command_that_runs() -> None:
    stopped = (
        "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(5));"
        "print('ready', flush=True); time.sleep(60)"
    )
    waiting = f"import sys, start; sys.exit(start.call([sys.executable, '-c', {stopped!r}]))"
    with subprocess.Popen(
        [sys.executable, "-c", waiting], cwd=PACKAGING, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 5


@pytest.mark.parametrize(
    ("offered", "driver", "system", "wanted", "cuda"),
    [
        (["2.14.0", "2.13.0+cpu", "2.13.0"], False, "linux", "torch===2.13.0+cpu", False),
        (["2.14.0", "2.13.0+cpu", "2.13.0"], True, "linux", "torch===2.13.0", True),
        (["2.13.0+cu130", "2.13.0+cpu", "2.13.0"], True, "win32", "torch===2.13.0+cu130", True),
        (["2.14.0", "2.13.0"], False, "linux", "torch===2.13.0", True),
        (["2.14.0", "2.13.0"], True, "win32", "torch===2.13.0", False),
        (["2.13.0"], False, "darwin", "torch===2.13.0", False),
        (["2.13.0+rocm7.1"], False, "linux", "torch===2.13.0+rocm7.1", False),
        ([], False, "linux", "torch==2.13.0", True),
    ],
)
def test_the_build_of_torch_that_fits(offered: list[str], driver: bool, system: str, wanted: str, cuda: bool) -> None:
    assert downloads.choose_torch("2.13.0", offered, driver, system) == downloads.Torch(wanted, cuda)


def test_every_line_of_the_constraints_is_an_exact_version() -> None:
    lines = (PACKAGING / "constraints.txt").read_text().splitlines()
    pinned = downloads.pins(PACKAGING / "constraints.txt")
    assert len(pinned) == len([line for line in lines if not line.startswith("#")])
    marks = {name for part in (downloads.CPU_TORCH, *downloads.PROGRAM, downloads.TESTS) for name in part.marks}
    assert marks <= set(pinned)
    assert pinned["torch"] == "2.13.0"
    assert pinned["pyside6_essentials"] != "6.12.0"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux leaves these libraries to the system")
def test_a_missing_library_names_the_package_that_brings_it() -> None:
    assert not machine.loads("libqt-asks-for-this.so.0")
    command = machine.apt_command(["libEGL.so.1", "libxcb-icccm.so.4", "Xvfb"])
    assert command[-3:] == ["libegl1", "libxcb-icccm4", "xvfb"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has X servers to test on")
def test_only_the_tests_ask_for_an_x_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert set(machine.missing_parts(tests=True)) - set(machine.missing_parts(tests=False)) == {"Xvfb", "jwm"}


def test_a_network_that_is_not_there_does_not_hold_the_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "APT_S", 0.2)
    assert machine._call([sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ)) == 124
    monkeypatch.setattr(machine, "APT_S", 60)
    assert machine._call([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ)) == 3
