"""The list of models on this machine: what it tells, what it refuses and why, and that it loads nothing heavy."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from studio.core.models import LocalModel
from studio.engine import local
from studio.engine.hub import resolve
from tests.models import random_model, tiny


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "hub"
    place.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place))
    return place


def cached(cache: Path, name: str, source: Path, commit: str = "1" * 40) -> Path:
    """Lays a model out as huggingface_hub does: a snapshot of links into the store of blobs."""
    place = cache / f"models--{name.replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    for folder in (snapshot, place / "blobs", place / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    (place / "refs" / "main").write_text(commit)
    for file in source.iterdir():
        blob = place / "blobs" / f"{commit[:4]}-{file.name}"
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    return snapshot


def one(path: str, *folders: str) -> LocalModel:
    (found,) = [model for model in local.listing(folders) if model.path == path]
    return found


def test_a_cached_model_is_told_of_as_it_is(cache: Path, tmp_path: Path) -> None:
    source = tiny("llama", tmp_path / "llama")
    (source / "README.md").write_text("---\nlicense: apache-2.0\ntags: [a]\n---\n# Model\nlicense: none\n")
    snapshot = cached(cache, "org/tiny-llama", source)
    found = one("org/tiny-llama")
    assert found == LocalModel(
        path="org/tiny-llama",
        source="cache",
        size_bytes=(source / "model.safetensors").stat().st_size,
        architecture="LlamaForCausalLM",
        parameters=random_model("llama").num_parameters(),
        licence="apache-2.0",
    )
    assert resolve("org/tiny-llama") == snapshot, "and it opens by that name"


def test_the_built_in_model_comes_first_and_folders_last(cache: Path, tmp_path: Path) -> None:
    folder = tiny("gpt2", tmp_path / "mine")
    found = local.listing([str(folder), str(tmp_path / "gone")])
    assert [(model.path, model.source) for model in found] == [
        ("demo", "built-in"), (str(folder), "folder"), (str(tmp_path / "gone"), "folder")]  # fmt: skip
    assert found[1].parameters == random_model("gpt2").num_parameters()
    assert found[2].unusable == "It cannot be read: No such file or directory."


def test_what_cannot_be_used_says_why(cache: Path, tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    said = {}
    for name, change, weights in (
        ("gguf", None, "model.gguf"),
        ("pickle", {}, "pytorch_model.bin"),
        ("code", {"model_type": "own", "auto_map": {"AutoModel": "own.Own"}}, "model.safetensors"),
        ("unknown", {"model_type": "of_tomorrow"}, "model.safetensors"),
        ("packed", {"quantization_config": {"quant_method": "gptq"}}, "model.safetensors"),
        ("damaged", {}, "model.safetensors"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        if change is not None:
            (folder / "config.json").write_text(json.dumps(config | change))
        (folder / weights).write_bytes(b"\xff" * 40)
        cached(cache, f"org/{name}", folder)
        said[name] = one(f"org/{name}").unusable
    assert said["gguf"].startswith("Holds GGUF weights")
    assert said["pickle"].startswith("Holds its weights as pickle files")
    assert said["code"] == "Needs program code of its own, which is never run here."
    assert "of_tomorrow" in said["unknown"]
    assert "already quantized (gptq)" in said["packed"]
    assert "damaged" in said["damaged"]
    assert one("org/code").size_bytes == 40


def test_half_a_download_is_no_fault(cache: Path, tmp_path: Path) -> None:
    source = tiny("llama", tmp_path / "llama")
    (source / "model.safetensors").unlink()
    cached(cache, "org/begun", source)
    assert (one("org/begun").complete, one("org/begun").unusable) == (False, "")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    (source / "model-1.safetensors").write_bytes(b"\0" * 100)
    cached(cache, "org/shards", source)
    assert (one("org/shards").complete, one("org/shards").size_bytes) == (False, 100)


def test_strange_things_in_the_cache_are_passed_over(cache: Path, tmp_path: Path) -> None:
    (cache / "models--org--empty").mkdir()
    (cache / "models--file").write_text("")
    (cache / "datasets--org--rows").mkdir()
    source = tiny("llama", tmp_path / "llama")
    (source / "README.md").write_text("---\nlicense: [a\n---\n")
    cached(cache, "org/card", source)
    assert [model.path for model in local.listing()] == ["demo", "org/card"]
    assert one("org/card").licence == ""


def test_the_newest_main_counts(cache: Path, tmp_path: Path) -> None:
    cached(cache, "org/twice", tiny("llama", tmp_path / "a"), "2" * 40)
    cached(cache, "org/twice", tiny("gpt2", tmp_path / "b"), "1" * 40)
    assert one("org/twice").architecture == "GPT2LMHeadModel"


def test_the_types_are_those_of_transformers() -> None:
    assert local.known_types() == frozenset(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def test_the_list_loads_nothing_heavy() -> None:
    code = "import sys; from studio.engine import local; local.listing(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "peft"} & set(done.stdout.split())
