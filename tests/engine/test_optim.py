"""Optimizers, schedules and keyed randomness."""

import math

import pytest
import torch
from pydantic import TypeAdapter

from studio.core.config import TrainingSpec
from studio.core.errors import StudioError
from studio.engine import optim

CPU = torch.device("cpu")


def rates(spec: TrainingSpec, steps: int) -> list[float]:
    optimizer = optim.make_optimizer(torch.nn.Linear(2, 2), spec, CPU)
    scheduler = optim.make_scheduler(optimizer, spec, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_a_decay_has_a_step_though_all_others_warm_up() -> None:
    spec = TrainingSpec(learning_rate=1.0, warmup_steps=20, lr_scheduler_type="polynomial")
    assert rates(spec, 4)[:3] == pytest.approx([0, 1 / 3, 2 / 3])
    assert rates(spec, 1) == [1.0]


def test_cosine_with_warm_up_by_the_formula() -> None:
    spec = TrainingSpec(learning_rate=1.0, warmup_steps=0.1, lr_scheduler_type="cosine")
    warm = [i / 10 for i in range(10)]
    fall = [0.5 * (1 + math.cos(math.pi * i / 90)) for i in range(90)]
    assert rates(spec, 100) == pytest.approx(warm + fall)


def test_warm_up_is_a_share_below_one_and_steps_from_one_on() -> None:
    for given, steps in ((0.25, 10), (10.0, 10)):
        found = rates(TrainingSpec(learning_rate=1.0, warmup_steps=given, lr_scheduler_type="constant_with_warmup"), 40)
        assert found.index(1.0) == steps


SCHEDULES = (
    "linear",
    "cosine_with_restarts",
    "polynomial",
    "constant",
    "inverse_sqrt",
    "cosine_with_min_lr",
    "cosine_warmup_with_min_lr",
    "warmup_stable_decay",
)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_can_be_made(name: str) -> None:
    spec = TypeAdapter(TrainingSpec).validate_python({"lr_scheduler_type": name, "learning_rate": 1e-3})
    found = rates(spec, 30)
    assert all(0 <= rate <= 1e-3 * 1.0001 for rate in found)


@pytest.mark.parametrize("name", ["adamw_torch", "adafactor", "adamw_8bit", "lion_8bit", "sgd", "rmsprop", "adagrad"])
def test_optimizers_of_transformers_lower_a_loss(name: str) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 128)
    inputs, goal = torch.randn(16, 64), torch.randn(16, 128)
    optimizer = optim.make_optimizer(model, TrainingSpec(optim=name, learning_rate=1e-2), CPU)
    losses = []
    for _ in range(10):
        loss = (model(inputs) - goal).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_weight_decay_spares_vectors() -> None:
    spec = TrainingSpec(weight_decay=0.1)
    groups = optim.make_optimizer(torch.nn.Linear(3, 4), spec, CPU).param_groups
    assert [(group["weight_decay"], [p.ndim for p in group["params"]]) for group in groups] == [(0.1, [2]), (0.0, [1])]


@pytest.mark.parametrize(("spec", "words"), [({"optim": "adamw"}, "adamw"), ({"optim": "galore_adamw"}, "galore")])
def test_optimizers_that_cannot_be_made_are_named(spec: dict[str, str], words: str) -> None:
    with pytest.raises(StudioError, match=words) as caught:
        optim.make_optimizer(torch.nn.Linear(2, 2), TrainingSpec(**spec), CPU)  # type: ignore[arg-type]
    assert caught.value.reason == "config"


def test_a_new_peak_keeps_the_schedules_place() -> None:
    spec = TrainingSpec(learning_rate=1.0, warmup_steps=0, lr_scheduler_type="linear")
    optimizer = optim.make_optimizer(torch.nn.Linear(2, 2), spec, CPU)
    scheduler = optim.make_scheduler(optimizer, spec, 10)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    optim.set_peak(scheduler, 0.1)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.04)


def test_seeds_are_keyed() -> None:
    def drawn(*key: int) -> float:
        optim.seed_all(key[0], "step", *key[1:])
        return float(torch.rand(()))

    assert drawn(1, 2, 0) == drawn(1, 2, 0)
    assert len({drawn(1, 2, 0), drawn(2, 2, 0), drawn(1, 3, 0), drawn(1, 2, 1)}) == 4
    optim.seed_all(1, "initialise", 2, 0)
    assert float(torch.rand(())) != drawn(1, 2, 0)
