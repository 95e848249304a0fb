"""What becomes of activations: counted on a real model, chosen by the memory that is free, the same when resumed."""

import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core import events, runs
from studio.core.config import AdapterSpec, DataSpec, RunConfig, TrainingSpec
from studio.core.errors import StudioError
from studio.core.runs import Run
from studio.engine import adapters, choices, hardware, memory
from studio.engine.memory import Way
from studio.engine.trial import Trial
from tests.engine.test_resume import broken_off
from tests.models import random_model
from tests.training import Memory, config, losses, resume, trained

CPU = torch.device("cpu")
WAYS = [Way("kept", 100.0), Way("recomputed", 10.0), Way("offloaded", 4.0)]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (1e6, ("kept", 500)),
        (50_000, ("kept", 350)),
        (20_000, ("recomputed", 500)),
        (3_000, ("recomputed", 210)),
        (1_300, ("offloaded", 227)),
        (100, ("offloaded", 200)),
    ],
)
def test_the_fastest_way_in_which_the_longest_row_fits_is_taken(free: float, expected: tuple[str, int]) -> None:
    assert memory.fit(WAYS, 500, 200, free) == expected


def test_a_pass_never_has_more_tokens_than_asked_for() -> None:
    assert memory.fit(WAYS, 50, 200, 1e6) == ("kept", 50)
    assert memory.fit(WAYS, 50, 200, 1) == ("offloaded", 50)


def test_what_else_takes_memory_must_fit_beside_a_pass() -> None:
    # 70 % of what is free, less 500 tokens of 100 or of 10 bytes.
    assert memory.has_room(20_000, WAYS, "kept", 500, 100_000)
    assert not memory.has_room(20_001, WAYS, "kept", 500, 100_000)
    assert memory.has_room(65_000, WAYS, "recomputed", 500, 100_000)
    assert not memory.has_room(20_001, WAYS[:1], "offloaded", 500, 100_000)


def test_what_a_pass_keeps_is_counted_once_and_without_weights() -> None:
    layer = torch.nn.Linear(8, 16)
    x = torch.randn(4, 8, requires_grad=True)
    assert memory.kept_bytes(layer, lambda: layer(x).exp()) == 4 * (4 * 16 + 4 * 8)
    assert memory.kept_bytes(layer, lambda: (x * x).sum()) == 4 * 4 * 8


def test_recomputing_keeps_far_less_of_a_real_model_and_free_memory_is_known() -> None:
    model = random_model("llama", num_hidden_layers=6).train()
    ids = torch.arange(64)[None] % 100

    def kept(tokens: int = 64) -> int:
        return memory.kept_bytes(model, lambda: model(input_ids=ids[:, :tokens], use_cache=False).logits)

    before = kept()
    whole, again = memory.costs(model, (32, kept(32)), (64, before), CPU)
    assert (whole.activations, again.activations) == ("kept", "recomputed")
    assert whole.bytes(64) == pytest.approx(before)
    assert whole.token / 6 < again.token < whole.token / 2
    memory.recompute(model)
    # Layers' inputs are not counted, as they are handed on by other means; the head and what is behind it are.
    assert kept() < before / 2
    assert hardware.free_bytes(CPU) > 10_000_000


def test_models_that_cannot_recompute_keep_all() -> None:
    model = random_model("llama")
    model.supports_gradient_checkpointing = False
    assert memory.costs(model, (10, 170), (20, 240), CPU) == [("kept", 7.0, 100.0)]
    assert memory.fit(memory.costs(model, (1, 0), (2, 0), CPU), 500, 200, 10**6) == ("kept", 500)


def test_what_a_pass_takes_however_short_it_is_is_no_tokens_share() -> None:
    assert memory.fit([Way("kept", 10.0, 600.0), Way("recomputed", 1.0, 60.0)], 500, 20, 1200) == ("kept", 24)
    assert memory.fit([Way("kept", 10.0, 600.0), Way("recomputed", 1.0, 60.0)], 500, 40, 1200) == ("recomputed", 500)
    spec = AdapterSpec(r=4, use_dora=True)
    trial = Trial(
        adapters.attach(random_model("llama", hidden_size=64, intermediate_size=512), spec), CPU, torch.float32
    )
    dora = memory.costs(trial.bare, *trial.kept_bytes(chunked=True), CPU)[0]
    assert dora.fixed > 2 * 3 * 4 * 64 * 512, "DoRA makes each layer's weights anew"
    assert dora.fixed > 20 * dora.token


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_what_lies_in_a_file_is_given_back_to_it_and_read_again(tmp_path: Path) -> None:
    path, numbers = tmp_path / "model.safetensors", torch.arange(2.0**22)
    save_file({"kept": torch.ones(5000), "left": numbers, "changed": numbers[:9999] + 1}, path)
    # What is not written yet could not be given back.
    with open(path, "r+b") as file:
        os.fsync(file.fileno())
    unread, shared, found = _held("RssFile"), _held("RssShmem"), load_file(path)
    found["changed"] += 1
    assert all(bool(tensor.isfinite().all()) for tensor in found.values())
    if _held("RssShmem") - shared > 0.9 * numbers.nbytes:
        # A tmpfs: there is no disk to give them back to.
        pytest.skip("files of this folder lie in memory anyway")
    before = _held("RssFile")
    assert before - unread > 0.9 * numbers.nbytes
    memory.give_back([found["left"], found["changed"], torch.randn(9999)])
    assert before - _held("RssFile") > 0.9 * numbers.nbytes
    assert torch.equal(found["left"], numbers)
    assert torch.equal(found["changed"], numbers[:9999] + 2)
    assert torch.equal(found["kept"], torch.ones(5000))
    for tensor, lies in ((found["left"], True), (numbers, False)):
        assert any(begin <= tensor.data_ptr() < end for begin, end in memory._mapped()) is lies


def _held(kind: str) -> int:
    """Returns how much memory of a kind this process holds, in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kind))
    return int(line.split()[1]) * 1024


def test_a_run_that_has_little_memory_recomputes_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = config(tmp_path, max_steps=3, adapter={"lora_dropout": 0.0})
    free = trained(whole, tmp_path / "free")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(60_000))
    short = trained(whole, tmp_path / "short")
    planned, told = short.progress().prepared, [notice.message for notice in short.progress().notices]
    assert planned is not None
    assert planned.activations == "recomputed"
    assert planned.micro_batch_tokens < 960
    assert any("do not fit in the free memory" in message for message in told)
    assert losses(short) == pytest.approx(losses(free), rel=1e-5)


def test_room_is_left_for_gradients_and_the_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    def planned(optim: str) -> choices.Choices:
        spec = AdapterSpec(method="full")
        whole = RunConfig(data=DataSpec(path="-"), adapter=spec, training=TrainingSpec(optim=optim))
        model = adapters.attach(random_model("llama"), spec)
        numbers = sum(p.numel() for p in model.parameters())
        monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(12 * numbers + 1_000_000))
        return choices.choose(model, whole, CPU, 40)

    usual, lean = planned("adamw_torch"), planned("sgd")
    assert usual.micro_batch_tokens < lean.micro_batch_tokens


@pytest.mark.parametrize("at_first", [60_000, 10**10])
def test_a_resumed_run_goes_on_as_it_began_whatever_is_free_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_first: int
) -> None:
    whole = config(tmp_path, max_steps=6, save_steps=2)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(at_first))
    through = trained(whole, tmp_path / "through")
    broken = runs.create(whole, tmp_path / "broken")
    broken_off(broken, 3)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(10**10 + 60_000 - at_first))
    resume(broken)
    assert losses(broken) == losses(through)
    assert ways(broken) == [ways(through)[0]] * 2


def test_before_the_first_step_it_is_chosen_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(config(tmp_path, max_steps=2), tmp_path / "run")

    def die(event: events.Event) -> None:
        if isinstance(event, events.Prepared):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(run, die)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(60_000))
    resume(run)
    assert [activations for activations, _ in ways(run)] == ["kept", "recomputed"]


def test_a_run_that_is_to_need_less_memory_goes_on_so_however_often_it_is_resumed(tmp_path: Path) -> None:
    often: dict[str, Any] = {"save_steps": 2, "gradient_accumulation_steps": 2}
    whole = config(tmp_path, adapter={"lora_dropout": 0.0}, max_steps=8, micro_batch_tokens=200, **often)
    through, broken = runs.create(whole, tmp_path / "through"), runs.create(whole, tmp_path / "broken")
    for run in (through, broken):
        broken_off(run, 3)
        run.ask(events.SaveMemory(micro_batch_tokens=64))
        run.ask(events.SaveMemory(activation_checkpointing=True))
    resume(through)
    broken_off(broken, 5)
    resume(broken)
    assert ways(through) == [("kept", 200), ("recomputed", 64)]
    assert ways(broken) == [("kept", 200), ("recomputed", 64), ("recomputed", 64)]
    assert losses(broken) == losses(through)
    (told,) = (notice for notice in through.progress().notices if "last bits" in notice.message)
    assert told.step == through.progress().resumed[-1].step
    other = trained(whole, tmp_path / "other")
    assert losses(through) == pytest.approx(losses(other), rel=1e-5)
    assert losses(through) != losses(other), "the passes are others"


def test_a_model_that_cannot_recompute_goes_on_as_it_did(tmp_path: Path) -> None:
    whole = config(tmp_path)
    model = adapters.attach(random_model("llama"), whole.adapter)
    model.get_base_model().supports_gradient_checkpointing = False
    asked = events.SaveMemory(activation_checkpointing=True, micro_batch_tokens=100)
    found = choices.choose(model, whole, CPU, saving=asked)
    assert (found.activations, found.micro_batch_tokens) == ("kept", 100)


def test_processes_that_share_a_run_take_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = config(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1))
    found = choices.choose(adapters.attach(random_model("llama"), whole.adapter), whole, CPU, 1000)
    assert (found.activations, found.micro_batch_tokens) == ("kept", 960)


def test_a_model_that_cannot_recompute_is_named(tmp_path: Path) -> None:
    whole = config(tmp_path, activation_checkpointing=True)
    model = adapters.attach(random_model("llama"), whole.adapter)
    model.get_base_model().supports_gradient_checkpointing = False
    with pytest.raises(StudioError, match="cannot compute its activations again"):
        choices.choose(model, whole, CPU)


def ways(run: Run) -> list[tuple[str, int]]:
    """Returns how each attempt at a run was computed."""
    told = (events.decode_event(line) for line in run.events_path.read_bytes().splitlines())
    return [(item.activations, item.micro_batch_tokens) for item in told if isinstance(item, events.Prepared)]
