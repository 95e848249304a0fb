"""The rules of the house that a machine can check: style, types, layers, what an import loads, what a file may say."""

import importlib.util
import json
import pkgutil
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import studio.core
import studio.engine

ROOT = Path(__file__).resolve().parents[1]
CODE = ("studio", "tests", "packaging", "resources")
HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "accelerate"}
QT = {"PySide6", "pyqtgraph", "shiboken6"}

# Split, so that this file does not name what it forbids.
REGISTRIES = re.compile(
    r"\b(pypi\.(org|io)|pythonhosted\.(org|com)|npmjs\.(org|com)|(download|wheels)\.pytorch\.org|anaconda\.(org|com)|"
    r"(deb|security|ftp)\.debian\.org|archive\.ubuntu\.com|crates\.io|proxy\.golang\.org|rubygems\.org)\b"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~\-}])/(root/|work/|(home|Users)/(?!someone/)|opt/wheels|opt/pypi)")
AUTHORSHIP = re.compile(
    r"\bcl[a]ude\b|\banthr[o]pic\b|\bc[o]pilot\b|\bcodex\b|co-auth[o]red|"
    r"\b(generated|written|made|assisted) (by|with) (an? )?(AI|LLM|chat[g]pt|gpt|language model)\b|"
    r"\bAI[- ](generated|written|assisted)\b",
    re.IGNORECASE,
)


def files(*suffixes: str) -> Iterator[Path]:
    """Yields the project's own files, also those not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and (not suffixes or path.suffix in suffixes):
            yield path


def run(*command: str) -> str:
    """Runs a checker and fails with its words; returns them where it passes."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ruff_finds_nothing() -> None:
    run(sys.executable, "-m", "ruff", "check", *CODE)


def test_everything_is_formatted() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", *CODE)


def test_types_are_strict() -> None:
    run(sys.executable, "-m", "mypy")


def test_layers_hold() -> None:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint is not None
    run(lint)


def test_no_file_is_long() -> None:
    # By its path: several are called alike.
    lines = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in files(".py")}
    assert {name: count for name, count in lines.items() if count > 500} == {}


@pytest.mark.parametrize("forbidden", [REGISTRIES, MACHINE_PATHS, AUTHORSHIP], ids=["registry", "path", "authorship"])
def test_no_file_says(forbidden: re.Pattern[str]) -> None:
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # Pictures, weights and Arrow files.
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


def loaded_by(code: str) -> set[str]:
    """Returns the top-level modules in a fresh interpreter after `code`, which makes nothing worth to look through."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"import gc; gc.disable()\n{code}\n{report}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def imports(package: str, folder: str) -> str:
    """Returns code that imports every module of a package."""
    names = [module.name for module in pkgutil.walk_packages([folder], f"{package}.")]
    if importlib.util.find_spec("triton") is None:
        # What is made of it, for cards.
        names = [name for name in names if name not in ("studio.engine.flash", "studio.engine.kernels")]
    return f"import {', '.join([package, *names])}"


def test_the_core_loads_neither_torch_nor_qt() -> None:
    assert loaded_by(imports("studio.core", studio.core.__path__[0])) & (HEAVY | QT | {"datasets"}) == set()


def test_the_engine_does_not_load_qt() -> None:
    assert loaded_by(imports("studio.engine", studio.engine.__path__[0])) & QT == set()


@pytest.mark.parametrize("arguments", [["--help"], ["runs", "list"], ["adapters", "list"]])
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['studio', *{arguments}]\n"
        "try: runpy.run_module('studio', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code"
    )
    assert loaded_by(code) & (HEAVY | QT | {"datasets"}) == set()


def test_no_test_reaches_the_network() -> None:
    with socket.socket() as asking, pytest.raises(AssertionError, match="reached for the network"):
        asking.connect(("127.0.0.1", 9))


@pytest.mark.loopback
def test_a_test_may_ask_for_this_machine_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    with socket.socket() as asking, pytest.raises(AssertionError, match="reached for the network"):
        asking.connect(("192.0.2.1", 9))
