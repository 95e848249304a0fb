"""What every test gets: a home of its own, no network, and a check that it leaves nothing running."""

import ctypes
import gc
import os
import sys

# Before anything imports torch or the hub: they read these once. Children inherit them.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# No run of a test is to be told of on the desktop of whoever works here.
os.environ["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
try:
    ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
except OSError:
    # Without a card Triton's kernels are interpreted.
    os.environ["TRITON_INTERPRET"] = "1"

# Hundreds of processes are started: none needs to compile the program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest

# A slow machine is no failure; each test has its own time limit.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# What loading makes stays: to look through it for garbage, now and later, is a fifth of a process's time.
gc.disable()
# As for its children.
sys.dont_write_bytecode = False

GRACE_S = 20.0


def pytest_collection_finish() -> None:
    """Behind this what the tests themselves make is looked through alone."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fails a test that leaves a child process or a thread that would keep Python from ending."""
    threads = set(threading.enumerate())
    children = below()
    yield
    started = below() - children
    _, alive = psutil.wait_procs([child for child in started if is_of_a_test(child)], timeout=GRACE_S)
    for child in alive:
        child.kill()
    deadline = time.monotonic() + GRACE_S
    fresh = [thread for thread in threading.enumerate() if thread not in threads and not thread.daemon]
    for thread in fresh:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [*alive, *(thread for thread in fresh if thread.is_alive())]
    assert not left, f"left running: {left}"


def below() -> set[psutil.Process]:
    """Returns the processes that this one has started, and they in turn."""
    if sys.platform == "linux":
        # psutil reads about every process of the machine; that there are none is known at once.
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return set()
    return set(psutil.Process().children(recursive=True))


def is_of_a_test(child: psutil.Process) -> bool:
    """False for what has ended, and for multiprocessing's own helper, which lives as long as Python."""
    try:
        return child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline())
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives the program a new, empty place for its data, and returns it."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("STUDIO_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses every connection and port; with the marker `loopback`, all but this machine's own address."""
    loopback = request.node.get_closest_marker("loopback") is not None

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *arguments: Any) -> Any:
            address = arguments[-1]
            inside = loopback and address[0] in ("127.0.0.1", "::1", "localhost")
            if self.family in (socket.AF_INET, socket.AF_INET6) and not inside:
                raise AssertionError(f"a test reached for the network: {address}")
            return method(self, *arguments)

        return call

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
