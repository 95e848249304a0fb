"""Whether a run fits, and with what."""

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio import paths
from studio.core import config_file, events, run_queue, runs
from studio.core.config import RunConfig, from_dict, to_dict
from studio.engine import fits, hardware
from studio.engine.corpus import read_corpus
from studio.engine.model import load_tokenizer
from studio.engine.session import first_epoch
from tests.training import Memory, config, large


def examined(whole: RunConfig, free: float, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(int(free)))
    base = Path(whole.model.path)
    corpus = read_corpus(whole, load_tokenizer(base), lambda event: None)
    return fits.examine(base, whole, corpus, first_epoch(whole, corpus.train))


def test_what_fits_needs_no_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examined(config(tmp_path), 4e9, monkeypatch)
    assert found["total"] == sum(found[part] for part in ("weights", "trained", "passes", "process"))
    assert (found["room"], found["helps"], found["activations"]) == (4_000_000_000, [], "kept")


def test_each_setting_that_helps_is_offered_and_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = large(tmp_path, method="full")
    needed = examined(whole, 1e11, monkeypatch)
    assert needed["trained"] > 16 * 4 * 2048 * 8192 * 3
    found = examined(whole, needed["total"] - needed["trained"] / 8, monkeypatch)
    offered = {key: help["total"] for help in found["helps"] for key in help["settings"]}
    assert offered.keys() == {"adapter.method", "training.optim"}
    assert offered["adapter.method"] < offered["training.optim"]
    assert "model.quantization" not in offered, "all weights of a quantized base cannot be trained"
    assert all(total <= found["room"] < found["total"] for total in offered.values())


def test_where_none_helps_alone_all_are_offered_together_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, both = large(tmp_path, r=256), {"model.quantization": "nf4", "training.optim": "adamw_8bit"}
    alone = [examined(changed(whole, {key: value}), 1e11, monkeypatch)["total"] for key, value in both.items()]
    together = examined(changed(whole, both), 1e11, monkeypatch)["total"]
    found = examined(whole, (min(alone) + together) / 2, monkeypatch)
    assert [help["settings"] for help in found["helps"]] == [both]
    assert found["helps"][0]["total"] <= found["room"] < min(alone)
    assert examined(whole, together / 2, monkeypatch)["helps"] == []
    # No more of them than it takes.
    full = large(tmp_path, method="full")
    two = {"adapter.method": "lora", "model.quantization": "nf4"}
    lean = examined(changed(full, two), 1e11, monkeypatch)["total"]
    assert [help["settings"] for help in examined(full, lean + 1e6, monkeypatch)["helps"]] == [two]


def changed(whole: RunConfig, settings: dict[str, Any]) -> RunConfig:
    plain = to_dict(whole)
    for key, value in settings.items():
        config_file.put(plain, key, value)
    return from_dict(plain)


def test_edits_that_change_nothing_of_it_are_not_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examined(config(tmp_path), 4e9, monkeypatch)
    known = set(fits._known)
    examined(config(tmp_path, learning_rate=1e-5, num_train_epochs=3), 3e9, monkeypatch)
    assert set(fits._known) == known
    examined(config(tmp_path, adapter={"r": 8}), 4e9, monkeypatch)
    assert len(set(fits._known) - known) == 1
    assert len(fits._known) <= 8


def test_what_takes_too_long_or_cannot_be_counted_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, told = config(tmp_path), list[events.Event]()
    base = Path(whole.model.path)
    corpus = read_corpus(whole, load_tokenizer(base), lambda event: None)
    epoch = first_epoch(whole, corpus.train)
    monkeypatch.setattr(fits, "_PATIENCE_S", -1.0)
    assert "too long" in fits.examine(base, whole, corpus, epoch)["fault"]
    monkeypatch.setattr(fits, "_PATIENCE_S", 60.0)
    assert fits.examine(base, whole, corpus, epoch, told.append)["total"] > 0, "it is not remembered as unknown"
    assert told

    def end(event: events.Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fits, "_known", {})
    with pytest.raises(KeyboardInterrupt):
        fits.examine(base, whole, corpus, epoch, end)
    about = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(
        json.dumps(about | {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}})
    )
    assert "is quantized already" in fits.examine(base, whole, corpus, epoch)["fault"]


def test_only_what_a_run_would_take_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offered(whole: RunConfig, room: float) -> set[str]:
        return {key for help in examined(whole, room, monkeypatch)["helps"] for key in help["settings"]}

    biased = large(tmp_path, bias="all")
    assert "model.quantization" not in offered(biased, examined(biased, 1e11, monkeypatch)["weights"])
    # Of these the lora method would make something that full fine-tuning does not read.
    whole = large(tmp_path, method="full", target_modules=["nonexistent"])
    assert offered(whole, 4e9) <= {"training.optim", "data.max_length"}
    settings = json.loads((Path(whole.model.path) / "config.json").read_text())
    (Path(whole.model.path) / "config.json").write_text(json.dumps(settings | {"attention_chunk_size": 8}))
    padded = changed(large(tmp_path), {"training.per_device_train_batch_size": 40})
    (Path(whole.model.path) / "config.json").write_text(json.dumps(settings | {"attention_chunk_size": 8}))
    needed = examined(padded, 1e11, monkeypatch)
    assert needed["padded"]
    room = needed["total"] - needed["passes"] + 2e8
    found = examined(padded, room, monkeypatch)
    fewer = {"training.per_device_train_batch_size": 1, "training.gradient_accumulation_steps": 40}
    assert found["total"] <= room or fewer in [help["settings"] for help in found["helps"]]


def test_beside_a_run_at_work_what_it_leaves_once_it_ends_is_the_room(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path))
    device = hardware.device()
    assert fits._room() == pytest.approx(hardware.free_bytes(device), rel=0.2)
    run_queue.enter([run], waits=False)
    assert fits._room() == round(0.8 * hardware.whole_bytes(device))
    # A list that cannot be read is no reason to count nothing.
    (paths.home() / "queue.json").unlink()
    (paths.home() / "queue.json").mkdir()
    assert fits._room() == pytest.approx(hardware.free_bytes(device), rel=0.2)
