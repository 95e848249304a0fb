"""The program's own `.venv`: whether it is complete, and how it is made, mended and filled with the tested set."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import downloads

EXIT_USAGE, EXIT_VENV, EXIT_DISK, EXIT_NETWORK, EXIT_PIP = 2, 4, 5, 6, 7
_LOOK_S = 0.3

# What pip's log says, in small letters, where the disk or the network was the cause.
DISK_SIGNS = ("no space left on device", "disk quota exceeded", "not enough space")
NETWORK_SIGNS = (
    *("newconnectionerror", "nameresolutionerror", "max retries", "timed out", "connection broken"),
    *("connection reset", "connection refused", "proxyerror", "sslerror"),
)

VERSION_SIGNS = ("no matching distribution", "could not find a version", "resolutionimpossible")


class SetupError(Exception):
    """What went wrong and what to do, for the user.

    Attributes:
        code: the exit code.
    """

    def __init__(self, message: str, remedy: str, code: int) -> None:
        """Joins the two sentences."""
        super().__init__(f"{message}\n{remedy}")
        self.code = code


class Environment:
    """The `.venv` of one checkout.

    Attributes:
        root: the checkout.
        folder: the `.venv` in it.
        python: the interpreter in that.
    """

    def __init__(self, root: Path) -> None:
        """Looks at nothing yet."""
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.constraints = root / "packaging" / "constraints.txt"
        self.log = self.folder / "studio-install.log"
        # Written before the first package and again, complete, after the last: what lies between was interrupted.
        self._stamp = self.folder / "studio-install.json"

    def read_stamp(self) -> dict[str, Any]:
        """Returns what was installed, or was being installed; empty where nothing readable says so."""
        try:
            stamp = json.loads(self._stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def write_stamp(self, digest: str, extras: set[str], index: str, complete: bool) -> None:
        """Replaces the stamp in one step."""
        stamp = {"digest": digest, "extras": sorted(extras), "torch_index": index, "complete": complete}
        fresh = self._stamp.with_suffix(".new")
        fresh.write_text(json.dumps(stamp), encoding="utf-8")
        fresh.replace(self._stamp)

    def project(self) -> dict[str, Any]:
        """Returns the parts of pyproject.toml that decide what is installed."""
        # Not at the top: a Python without tomllib must still get to read that it is too old.
        import tomllib

        declared = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        return {key: declared[key] for key in ("build-system", "project")}

    def digest(self, driver: bool, index: str) -> str:
        """Returns a fingerprint of everything that decides what is installed."""
        parts = [self.constraints.read_text(encoding="utf-8"), json.dumps(self.project(), sort_keys=True)]
        parts += [str(sys.version_info[:2]), str(self.root), str(driver), index]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def unfit(self) -> str:
        """Returns why the folder cannot be used and must be made anew, or nothing."""
        try:
            lines = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        except OSError:
            return "is not a Python environment" if self.folder.exists() else ""
        settings = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
        version = settings.get("version", settings.get("version_info", ""))
        if version.split(".")[:2] != [str(number) for number in sys.version_info[:2]]:
            return f"was made by Python {version or 'unknown'}"
        if not self.python.exists():
            return "was made by a Python that is gone"
        if not settings.get("command", str(self.folder)).endswith(str(self.folder)):
            return "was made in another folder"
        return ""

    def create(self) -> None:
        """Makes the folder where there is none that is fit, or completes one whose making was interrupted.

        Raises:
            SetupError: this Python cannot make one, or the disk refuses.
        """
        if self.unfit():
            shutil.rmtree(self.folder)
        if any(self.packages().glob("pip-*.dist-info/INSTALLER")):
            return
        print(f"Making {self.folder} ...", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "venv", str(self.folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            if any(sign in said.lower() for sign in DISK_SIGNS):
                raise disk_full(self.root)
            name = f"python3.{sys.version_info.minor}-venv"
            raise SetupError(
                f"This Python could not make an environment in {self.folder}: {said.splitlines()[-1] if said else ''}",
                f"On Debian and Ubuntu: sudo apt-get install {name}. Elsewhere install Python from python.org.",
                EXIT_VENV,
            )

    def packages(self) -> Path:
        """Returns the folder of the installed packages."""
        if os.name == "nt":
            return self.folder / "Lib" / "site-packages"
        return self.folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"

    def drop_torn_packages(self) -> None:
        """Forgets packages whose installation was interrupted, so that pip installs them whole.

        pip writes INSTALLER after a package's last file; without it, METADATA alone would pass for installed.
        """
        for info in self.packages().glob("*.dist-info"):
            if not (info / "INSTALLER").exists():
                shutil.rmtree(info)

    def torch_offered(self, interpreter: str | Path, index: str) -> list[str]:
        """Returns the versions of torch that pip can see, its own index asked or the one named."""
        command = [str(interpreter), "-m", "pip", "index", "versions", "torch", "--retries", "1"]
        command += ["--index-url", index] if _is_address(index) else []
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found = [line.partition(":")[2] for line in answer.splitlines() if line.startswith("Available versions:")]
        return [version.strip() for version in found[0].split(",")] if found else []

    def pip_commands(self, torch: downloads.Torch, extras: set[str], index: str) -> list[list[str]]:
        """Returns the two commands: torch and the build tools first, then everything, held to the tested set."""
        install = [str(self.python), "-m", "pip", "install", "--no-compile", "--constraint", str(self.constraints)]
        if not sys.stdout.isatty():
            install += ["--progress-bar", "off"]
        first = [*install, torch.requirement, *self.project()["build-system"]["requires"]]
        first += ["--extra-index-url", index] if _is_address(index) else []
        wanted = f"{self.root}[{','.join(sorted(extras))}]" if extras else str(self.root)
        return [first, [*install, "--no-build-isolation", "--editable", wanted]]

    def pip(self, command: list[str]) -> None:
        """Runs pip.

        Raises:
            SetupError: it failed; the log tells why.
        """
        # One place for everything: a small /tmp does not hold a build of torch.
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
        environment = {**os.environ, **places, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        code = subprocess.call([*command, "--log", str(self.log)], env=environment, cwd=self.root)
        shutil.rmtree(scratch, ignore_errors=True)
        if code:
            raise self.explain(code)

    def compile_command(self) -> list[str]:
        """Returns the command that compiles what is installed on all processors; pip would take one for it."""
        return [str(self.python), "-m", "compileall", "-qq", "-j", "0", str(self.packages())]

    def compile(self) -> None:
        """Compiles what is not compiled yet; a file that no Python can compile is left as it is."""
        print("Compiling what was installed ...", flush=True)
        subprocess.call(self.compile_command())

    def name_relatively(self) -> None:
        """Rewrites the file by which the installed environment finds the checkout, to name it from where it lies.

        What installs the checkout writes its whole path there in UTF-8, and Python up to 3.12 reads it in the system's
        encoding: a folder of a name that is not ASCII would not be found on Windows.
        """
        packages = self.packages()
        if self.root.resolve() not in packages.resolve().parents:
            return
        for path in packages.glob("*.pth"):
            if Path(path.read_bytes().decode("utf-8", "replace").strip()) == self.root:
                path.write_text(os.path.relpath(self.root, packages) + "\n", encoding="ascii")

    def explain(self, code: int) -> SetupError:
        """Turns the end of pip's log into two sentences."""
        said = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-300:]).lower()
        if any(sign in said for sign in DISK_SIGNS):
            return disk_full(self.root)
        if any(sign in said for sign in NETWORK_SIGNS):
            return SetupError(
                "The package index could not be reached, or the connection broke.",
                "Check the network (and proxy), then start again: what is already installed stays.",
                EXIT_NETWORK,
            )
        if any(sign in said for sign in VERSION_SIGNS):
            return SetupError(
                f"The index has not every tested package for Python {sys.version_info.major}.{sys.version_info.minor} "
                "on this system; pip's words are above.",
                "Start with Python 3.11 to 3.14, on a Mac with Apple silicon; or name an index that has PyTorch "
                "with --torch-index.",
                EXIT_PIP,
            )
        return SetupError(
            f"pip failed (code {code}); its words are above and in {self.log}.",
            "Start again to go on; if it fails the same way, remove the folder .venv and start once more.",
            EXIT_PIP,
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lets one start at a time install; the operating system drops the lock of one that dies."""
        with (self.root / ".venv.lock").open("a+") as file:
            if not _locked(file):
                print("Another start is installing: waiting until it is done ...", flush=True)
                while not _locked(file):
                    time.sleep(_LOOK_S)
            yield


def _is_address(index: str) -> bool:
    return index not in ("", downloads.CPU)


def _locked(file: IO[str]) -> bool:
    """Locks a file unless another process has; Windows would wait for ten seconds at most, and then fail."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def disk_full(root: Path) -> SetupError:
    """Returns the error for a disk without room."""
    free_mb = shutil.disk_usage(root).free // 2**20
    return SetupError(f"The disk of {root} is full ({free_mb} MB free).", "Free some space and start again.", EXIT_DISK)
