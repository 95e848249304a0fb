"""Finding and downloading models, against a small imitation of the Hub's API on this machine."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from studio import paths
from studio.core import events, runs
from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.engine.hub import resolve
from studio.engine.planning import plan
from tests.hub import SHA, Hub, serving
from tests.models import tiny
from tests.training import config, resume


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    model = tiny("llama", tmp_path / "served")
    for name in ("pytorch_model.bin", "modeling.py", "consolidated.safetensors", "onnx/model.safetensors"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(b"unwanted")
    with serving(model, tmp_path / "cache", monkeypatch) as server:
        yield server


def failure(path: str, revision: str | None = None) -> StudioError:
    with pytest.raises(StudioError) as caught:
        resolve(path, revision)
    return caught.value


@pytest.mark.loopback
def test_a_download_brings_data_only_and_reports_its_bytes(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    folder = resolve("someone/tiny", on_progress=lambda done, total: told.append((done, total)))
    names = {file.name for file in folder.rglob("*") if file.is_file()}
    assert names == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                     "tokenizer_config.json", "chat_template.jinja"}  # fmt: skip
    total = sum((hub.folder / name).stat().st_size for name in names)
    assert told[-1] == (total, total)
    assert told == sorted(told)


@pytest.mark.loopback
def test_a_downloaded_model_is_found_without_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = resolve("someone/tiny")
    hub.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve("someone/tiny") == folder
    assert hub.asked == []


@pytest.mark.loopback
def test_the_structure_needs_the_config_alone(hub: Hub) -> None:
    folder = resolve("someone/tiny", need="config")
    assert [name for name, _ in hub.asked] == ["config.json"]
    assert not (folder / "model.safetensors").exists()
    assert (resolve("someone/tiny") / "model.safetensors").is_file(), "the weights are fetched when they are needed"


@pytest.mark.loopback
def test_counting_needs_the_config_and_the_tokenizer(hub: Hub, tmp_path: Path) -> None:
    made = config(tmp_path, rows=20)
    spec = replace(made, model=ModelSpec(path="someone/tiny"))
    assert plan(spec) == plan(made)
    asked = {name for name, _ in hub.asked}
    assert {"config.json", "tokenizer.json"} <= asked
    assert not any(name.endswith(".safetensors") for name in asked)
    hub.asked.clear()
    plan(spec)
    assert hub.asked == [], "what is in the cache is not asked for again"
    assert (resolve("someone/tiny") / "model.safetensors").is_file()


@pytest.mark.parametrize(
    "absent", ["", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json", "config.json"]
)
def test_half_a_model_in_the_cache_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    folder = tmp_path / "models--someone--tiny" / "snapshots" / SHA
    folder.mkdir(parents=True)
    (tmp_path / "models--someone--tiny" / "refs").mkdir()
    (tmp_path / "models--someone--tiny" / "refs" / "main").write_text(SHA)
    index = json.dumps({"weight_map": dict(zip(("a", "b"), shards, strict=True))})
    for name in ("config.json", *shards, "model.safetensors.index.json", "tokenizer.json"):
        if name != absent:
            (folder / name).write_text(index if "index" in name else "{}")
    if absent:
        assert failure("someone/tiny").reason == "network"
    else:
        assert resolve("someone/tiny") == folder


@pytest.mark.loopback
def test_a_broken_download_goes_on_where_it_stopped(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # the library waits between its own attempts
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_at = 50_000
    assert failure("someone/tiny").reason == "network"
    hub.cut_at = None
    hub.asked.clear()
    folder = resolve("someone/tiny")
    assert (folder / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()
    assert ("model.safetensors", "bytes=50000-") in hub.asked
    assert not list((paths.cache_dir() / "downloads").glob("[0-9a-f]" * 64)), "nothing is left of the part"


@pytest.mark.loopback
def test_a_run_that_is_to_end_ends_its_download_and_goes_on_with_it(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    whole = replace(config(tmp_path, rows=8, max_steps=1), model=ModelSpec(path="someone/tiny"))
    run = runs.create(whole, tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.name == "downloading":
            time.sleep(0.3)  # by then it tells again how far it is
            if event.done > 1000:  # the last piece is told of before it is written
                run.ask(events.Stop())

    resume(run, stop)
    (part,) = (paths.cache_dir() / "downloads").glob("[0-9a-f]" * 64)
    got = part.stat().st_size
    assert 0 < got < (hub.folder / "model.safetensors").stat().st_size
    hub.asked.clear()
    resume(run)
    assert run.progress().complete
    assert ("model.safetensors", f"bytes={got}-") in hub.asked


@pytest.mark.loopback
def test_a_download_that_arrives_damaged_is_refused_and_begun_anew(hub: Hub) -> None:
    hub.etag = "0" * 64
    assert "damaged" in failure("someone/tiny").message
    hub.etag = hashlib.sha256((hub.folder / "model.safetensors").read_bytes()).hexdigest()
    assert (resolve("someone/tiny") / "model.safetensors").stat().st_size > 0


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        ("RepoNotFound", "model", "no such model"),
        ("GatedRepo", "model", "accepted its terms"),
        ("RevisionNotFound", "model", "no revision"),
        ("Other", "network", ""),
    ],
)
def test_refusals_are_put_in_words(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, code: str, reason: str, said: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.refusal = code
    error = failure("someone/tiny", "v9")
    assert error.reason == reason
    assert said in error.message


@pytest.mark.loopback
def test_a_full_disk_is_noticed_before_the_download(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.claimed = 1 << 50
    assert failure("someone/tiny").reason == "disk"
    assert ("model.safetensors", "") not in hub.asked


def test_offline_mode_is_honoured() -> None:
    error = failure("someone/unknown")
    assert error.reason == "network"
    assert "offline" in error.message


def test_folders_and_the_built_in_model_are_found_as_they_are(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path
    assert resolve("demo") == paths.resources() / "demo" / "model"


@pytest.mark.parametrize("path", ["/no/such/folder", "a/b/c/d", "wie bitte?", "", "~nosuchuser/x", "a\0b", "x" * 300])
def test_what_is_neither_folder_nor_id_is_said(path: str) -> None:
    assert failure(path).reason == "model"


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    error = failure(str(tmp_path / "model.gguf"))
    assert error.reason == "model"
    assert "safetensors" in error.hint
