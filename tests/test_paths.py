import os
import subprocess
import sys
import zipfile
from pathlib import Path

import platformdirs
import pytest

from studio import paths

ROOT = Path(__file__).resolve().parents[1]


def test_everything_the_program_keeps_lies_in_its_home(home: Path) -> None:
    kept = [paths.runs_dir(), paths.adapters_dir(), paths.cache_dir(), paths.settings_file()]
    assert all(path.parent == home for path in kept)
    assert len(set(kept)) == 4
    assert list(home.iterdir()) == [], "asking creates nothing"


def test_home_is_absolute_and_knows_the_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUDIO_HOME", "here")
    assert paths.home() == tmp_path / "here"
    monkeypatch.setenv("STUDIO_HOME", "~/there")
    assert paths.home() == Path.home() / "there"
    monkeypatch.setenv("STUDIO_HOME", "~nosuchuser/x")
    assert paths.home() == tmp_path / "~nosuchuser" / "x"


@pytest.mark.parametrize("unset", [None, ""])
def test_without_a_choice_home_is_the_platforms_place(monkeypatch: pytest.MonkeyPatch, unset: str | None) -> None:
    monkeypatch.delenv("STUDIO_HOME")
    if unset is not None:
        monkeypatch.setenv("STUDIO_HOME", unset)
    assert paths.home() == Path(platformdirs.user_data_dir("finetune-studio", appauthor=False))


def test_a_checkout_has_resources_at_the_top() -> None:
    assert paths.resources() == ROOT / "resources"


def test_a_frozen_build_has_resources_in_its_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert paths.resources() == tmp_path / "resources"


def test_a_wheel_carries_resources(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("finetune_studio-*.whl")
    inside = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(inside)
    shipped = {path.relative_to(ROOT / "resources") for path in (ROOT / "resources").rglob("*") if path.is_file()}
    shipped = {path for path in shipped if "__pycache__" not in path.parts}
    ask = "from studio import paths; print(paths.resources())"
    answer = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=inside,
        env=os.environ | {"PYTHONPATH": str(inside)},
        check=True,
        capture_output=True,
        text=True,
    )
    found = Path(answer.stdout.strip())
    assert found == inside / "studio" / "resources"
    assert {path.relative_to(found) for path in found.rglob("*") if path.is_file()} == shipped
