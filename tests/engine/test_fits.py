"""Whether a run fits, and with what."""

from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.core import run_queue, runs
from studio.core.config import RunConfig, from_dict, to_dict
from studio.engine import fits, hardware
from studio.engine.corpus import read_corpus
from studio.engine.model import load_tokenizer
from tests.training import Memory, config, large


def examined(whole: RunConfig, free: float, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(int(free)))
    base = Path(whole.model.path)
    found = fits.examine(base, whole, read_corpus(whole, load_tokenizer(base), lambda event: None))
    assert found is not None
    return found


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


def changed(whole: RunConfig, settings: dict[str, Any]) -> RunConfig:
    plain = to_dict(whole)
    for key, value in settings.items():
        section, _, name = key.partition(".")
        plain[section][name] = value
    return from_dict(plain)


def test_edits_that_change_nothing_of_it_are_not_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examined(config(tmp_path), 4e9, monkeypatch)
    before = fits._counted.cache_info()
    examined(config(tmp_path, learning_rate=1e-5, num_train_epochs=3), 4.01e9, monkeypatch)
    after = fits._counted.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)
    examined(config(tmp_path, adapter={"r": 8}), 4e9, monkeypatch)
    assert fits._counted.cache_info().misses == before.misses + 1


def test_beside_a_run_at_work_what_it_leaves_once_it_ends_is_the_room(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path))
    device = hardware.device()
    assert fits._room() == pytest.approx(hardware.free_bytes(device), rel=0.2)
    run_queue.enter([run], waits=False)
    assert fits._room() == round(0.8 * hardware.whole_bytes(device))
