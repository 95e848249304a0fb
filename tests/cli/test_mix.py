"""`adapters mix`: what is named and how strongly, and where it lies then."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from studio import cli, paths
from studio.core import files, library
from studio.core.errors import EXIT_CODES
from studio.core.library import Base
from studio.engine import updates
from tests.desks import random_adapter
from tests.models import tiny


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    model = tiny("llama", tmp_path / "llama")
    names = []
    for seed, title in enumerate(("a=b", "red")):
        folder = random_adapter(model, tmp_path / title, seed)
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        config = {"model": {"quantization": "nf4"}, "training": {"seed": 3}}
        names.append(library.add(folder, title=title, base=Base(path=str(model)), config=config).name)
    return names


def test_a_mix_is_an_adapter_of_the_library(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["adapters", "mix", "Both", f"{two[0]}=0.25", f"{two[1]}=-1", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    entry = library.find(made["name"])
    assert (entry.title, entry.note) == ("Both", f"0.25 {two[0]} + -1 {two[1]}")
    assert entry.base == library.find(two[0]).base
    assert entry.config == {"model": {"quantization": "nf4"}, "mix": {two[0]: 0.25, two[1]: -1.0}}
    assert (entry.folder / "chat_template.jinja").read_text() == "{{ messages }}"
    assert {part.rank for part in updates.trained_of(entry.folder).values()} == {8}


@pytest.mark.parametrize(
    ("words", "reason", "sentence"),
    [
        (["Title", "RED"], "usage", "names no weight"),
        (["Title", "RED=much"], "usage", "names no weight"),
        (["Title", "RED=nan"], "usage", "names no weight"),
        (["Title", "RED=101"], "usage", "names no weight"),
        (["Title", "RED=1", "RED=2"], "usage", "is named twice"),
        (["Title", "none=1"], "adapter", "none"),
        (["Title", "RED=0"], "usage", "Every weight is 0"),
        (["  ", "RED=1"], "usage", "The title is empty"),
    ],
)
def test_what_is_no_mix_is_refused(
    two: list[str], words: list[str], reason: Any, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["adapters", "mix", *(word.replace("RED", two[1]) for word in words)]) == EXIT_CODES[reason]
    assert sentence in capsys.readouterr().err
    assert len(library.entries()) == 2


def test_what_is_left_out_decides_nothing(two: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = library.find(two[0])
    foreign = library.add(other.folder, title="other", base=Base(path="org/other", fingerprint="0ther")).name
    assert cli.run(["adapters", "mix", "One", f"{foreign}=0", f"{two[1]}=1", "--json"]) == 0
    made = library.find(json.loads(capsys.readouterr().out)["name"])
    assert (made.base, made.note) == (library.find(two[1]).base, f"1 {two[1]}")


def test_adapters_of_different_layouts_are_not_mixed(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (library.find(two[0]).folder / "chat_template.jinja").write_text("{{ other }}")
    assert cli.run(["adapters", "mix", "Both", f"{two[0]}=1", f"{two[1]}=1"]) == EXIT_CODES["adapter"]
    assert "different chat templates" in capsys.readouterr().err
    assert len(library.entries()) == 2
    assert list(paths.cache_dir().glob("mix-*")) == []


def test_what_a_killed_one_left_is_swept_away(two: list[str]) -> None:
    for name, age_s in (("mix-old", 2 * files.LEFT_S), ("mix-young", 0.0)):
        (paths.cache_dir() / name).mkdir(parents=True)
        os.utime(paths.cache_dir() / name, (time.time() - age_s,) * 2)
    assert cli.run(["adapters", "mix", "Half", f"{two[0]}=0.5"]) == 0
    assert [path.name for path in paths.cache_dir().glob("mix-*")] == ["mix-young"]
