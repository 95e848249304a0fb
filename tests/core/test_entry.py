"""What is known of an adapter, or of a whole model, is read from its folder, and damage of either is said."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.core import entry as module
from studio.core.entry import (
    ENTRY,
    Entry,
    digest,
    learning_rates,
    rank,
    read_entry,
    weights_bytes,
    weights_files,
    write_entry,
)
from tests.core.test_library import peft_folder


def model_folder(path: Path, value: float = 1.0, shards: int = 1) -> Path:
    """Writes what a whole model's folder has, as far as it is looked at without being loaded."""
    path.mkdir(parents=True)
    (path / "config.json").write_text('{"model_type": "llama"}')
    (path / "tokenizer.json").write_text("{}")
    for at in range(shards):
        name = f"model-{at + 1:05d}-of-{shards:05d}.safetensors" if shards > 1 else "model.safetensors"
        save_file({f"w{at}": np.full((2, 4), value, np.float32)}, path / name)
    return path


def described(folder: Path, **about: Any) -> Entry:
    """Returns what is known of the model in `folder`, which is written down there."""
    made = Entry(name=folder.name, folder=folder, title=folder.name, is_model=True)
    made = replace(made, sha256=digest(folder), weights_bytes=weights_bytes(folder), **about)
    write_entry(made)
    return made


def test_the_rates_of_a_run_are_those_that_it_trained_with() -> None:
    config = {"training": {"learning_rate": 1e-3}}
    assert learning_rates(config, {}) == [(0, 1e-3)]
    assert learning_rates(config, {"learning_rates": [[0, 1e-4], [5, 1]]}) == [(0, 1e-4), (5, 1.0)]
    strange = [[1, 10**400], [2, True], [3, "x"], [4, float("nan")], [5], None, [6, -1]]
    assert learning_rates({"training": None}, {"learning_rates": strange}) == []


def test_a_model_is_read_as_it_was_described(tmp_path: Path) -> None:
    made = described(model_folder(tmp_path / "whole", shards=2), run="r1", tags=["a"], config={"adapter": {"r": 16}})
    assert read_entry(made.folder) == made
    assert (made.is_model, made.weights_bytes) == (True, 2 * (tmp_path / "whole" / MODEL_1).stat().st_size)
    assert rank(made) is None, "what its config says of LoRA was not used"


MODEL_1 = "model-00001-of-00002.safetensors"


def test_the_hash_of_a_model_tells_its_files_and_their_names_apart(tmp_path: Path) -> None:
    one, two = model_folder(tmp_path / "one", shards=2), model_folder(tmp_path / "two", shards=2)
    assert digest(one) == digest(two)
    (two / MODEL_1).rename(two / "model-00003-of-00002.safetensors")
    other = model_folder(tmp_path / "other", 2.0, shards=2)
    assert len({digest(one), digest(two), digest(other)}) == 3


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("config.json", None, "config.json is missing, or an adapter lies beside it."),
        ("adapter_config.json", b"{}", "config.json is missing, or an adapter lies beside it."),
        (MODEL_1, None, "The model's weights have {half} bytes instead of {whole}."),
        (MODEL_1, b"", "The model's weights have {half} bytes instead of {whole}."),
        (ENTRY, None, "entry.json is missing; add the folder with `studio adapters add`."),
        (ENTRY, b'{"is_model": "perhaps"}', "entry.json holds wrong values."),
    ],
)
def test_damage_of_a_model_is_said(tmp_path: Path, name: str, content: bytes | None, fault: str) -> None:
    made = described(model_folder(tmp_path / "whole", shards=2))
    if content is None:
        (made.folder / name).unlink()
    else:
        (made.folder / name).write_bytes(content)
    expected = fault.format(half=made.weights_bytes // 2, whole=made.weights_bytes)
    assert read_entry(made.folder).fault == expected


def test_what_lies_beside_a_models_weights_is_none_of_them(tmp_path: Path) -> None:
    for shards in (1, 2):
        folder = model_folder(tmp_path / f"made-{shards}", shards=shards)
        if shards > 1:
            names = {f"w{at}": file.name for at, file in enumerate(weights_files(folder))}
            (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
        known, length, files = digest(folder), weights_bytes(folder), weights_files(folder)
        (folder / "another.safetensors").write_bytes(b"x" * 100)
        assert (digest(folder), weights_bytes(folder), weights_files(folder)) == (known, length, files)
        assert len(files) == shards
        entry = described(folder)
        assert read_entry(folder) == entry
        files[-1].rename(folder / "elsewhere")
        lost = files[-1].name if shards > 1 else "The model's weights have 100 bytes"
        assert lost in read_entry(folder).fault


def test_an_adapter_with_a_config_of_a_model_beside_it_is_one_still(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "made")
    (folder / "config.json").write_text("{}")
    assert not module.is_model(folder)
    assert module.weights_files(folder) == [folder / module.WEIGHTS]
