"""Schedules: their rates, and what is refused before a run begins."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from studio.core.config import TrainingSpec
from studio.core.errors import StudioError
from studio.engine import optim, schedule

CPU = torch.device("cpu")


def made(**settings: Any) -> TrainingSpec:
    return TypeAdapter(TrainingSpec).validate_python(settings)


def rates(spec: TrainingSpec, steps: int) -> list[float]:
    optimizer = optim.make_optimizer(torch.nn.Linear(2, 2), spec, CPU)
    scheduler = schedule.make_scheduler(optimizer, spec, steps)
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
    for share, steps in ((0.25, 10), (10.0, 10)):
        found = rates(TrainingSpec(learning_rate=1.0, warmup_steps=share, lr_scheduler_type="constant_with_warmup"), 40)
        assert found.index(1.0) == steps


SCHEDULES = (
    "linear",
    "cosine",
    "constant_with_warmup",
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
    found = rates(made(lr_scheduler_type=name, learning_rate=1e-3), 30)
    assert all(0 <= rate <= 1e-3 * 1.0001 for rate in found)


@given(
    name=st.sampled_from(SCHEDULES),
    steps=st.integers(1, 12),
    warmup=st.sampled_from([0, 0.03, 0.5, 0.99]) | st.integers(0, 20).map(float),
)
def test_a_warm_up_leaves_something_to_learn_by(name: str, steps: int, warmup: float) -> None:
    found = rates(made(lr_scheduler_type=name, learning_rate=1.0, warmup_steps=warmup), steps)
    assert max(found) > 0
    assert steps > 1 or found == [1.0] or name == "cosine_warmup_with_min_lr"


def test_a_share_of_few_steps_is_one_step_where_another_is_left() -> None:
    assert rates(TrainingSpec(learning_rate=1.0), 2) == [0.0, 1.0]
    assert rates(TrainingSpec(learning_rate=1.0), 1) == [1.0]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("polynomial", {"power": -1}),
        ("polynomial", {"lr_end": -1}),
        ("polynomial", {"lr_end": 1}),
        ("inverse_sqrt", {"timescale": 0}),
        ("cosine", {"num_cycles": "many"}),
        ("cosine", {"last_epoch": 3}),
        ("cosine", {"bend": 3}),
        ("cosine_with_restarts", {"num_cycles": None}),
        ("cosine_with_min_lr", {"min_lr": -1}),
        ("cosine_with_min_lr", {"min_lr_rate": "low"}),
        ("cosine_with_min_lr", {"min_lr": [1e-5]}),
        ("cosine_with_min_lr", {"min_lr": 1e308}),
        ("cosine_warmup_with_min_lr", {"warmup_lr_rate": -1}),
        ("cosine_warmup_with_min_lr", {"num_cycles": "many"}),
        ("warmup_stable_decay", {"num_stable_steps": "long"}),
        ("warmup_stable_decay", {"min_lr_ratio": None}),
        ("warmup_stable_decay", {"num_decay_steps": 0, "num_stable_steps": 0}),
    ],
)
@pytest.mark.filterwarnings("ignore:Both num_training_steps and num_stable_steps:UserWarning")
def test_options_that_lead_nowhere_are_refused_before_a_run(name: str, options: dict[str, Any]) -> None:
    spec = made(lr_scheduler_type=name, lr_scheduler_kwargs=options, learning_rate=1e-3, warmup_steps=0)
    with pytest.raises(StudioError, match=r"training\.lr_scheduler_kwargs") as caught:
        schedule.try_out(spec, 20)
    assert caught.value.reason == "config"


@pytest.mark.parametrize("name", ["constant", "constant_with_warmup"])
def test_an_option_that_changes_nothing_is_refused_by_name_before_a_run(name: str) -> None:
    spec = made(lr_scheduler_type=name, lr_scheduler_kwargs={"last_epoch": -1, "num_cycles": 2}, learning_rate=1e-3)
    with pytest.raises(StudioError, match=f"`num_cycles` in .* changes nothing: {name} does not read it"):
        schedule.try_out(spec, 20)
    assert max(rates(spec, 20)) == 1e-3, "a run that has begun goes on"


def test_a_run_that_began_by_rates_a_new_one_is_refused_goes_on() -> None:
    options = {"num_cycles": -0.5}
    spec = made(lr_scheduler_type="cosine", lr_scheduler_kwargs=options, learning_rate=1e-3, warmup_steps=0)
    with pytest.raises(StudioError, match=r"`num_cycles` to -0\.5"):
        schedule.try_out(spec, 20)
    assert max(rates(spec, 20)) > 0


def test_a_rate_that_goes_wrong_late_is_found() -> None:
    # As it should be while it warms up, and above all numbers behind that.
    options = {"min_lr_rate": 1e308, "num_cycles": 0.5}
    spec = made(lr_scheduler_type="cosine_with_min_lr", lr_scheduler_kwargs=options, learning_rate=10.0)
    with pytest.raises(StudioError, match="learning rate of inf"):
        schedule.try_out(spec, 500)


@pytest.mark.parametrize("steps", [1, 7, 100_000, 100_001, 100_000_000])
def test_every_step_of_a_run_is_looked_at_and_of_a_very_long_one_both_ends(steps: int) -> None:
    found = schedule._looked_at(steps)
    assert (found[0], found[-1]) == (0, steps)
    assert len(set(found)) == min(steps, 100_000) + 1


def test_a_new_peak_keeps_the_schedules_place() -> None:
    spec = TrainingSpec(learning_rate=1.0, warmup_steps=0, lr_scheduler_type="linear")
    optimizer = optim.make_optimizer(torch.nn.Linear(2, 2), spec, CPU)
    scheduler = schedule.make_scheduler(optimizer, spec, 10)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    schedule.set_peak(scheduler, 0.1)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.04)


def test_a_new_peak_keeps_the_ratio_of_lora_plus() -> None:
    a, b = torch.nn.Parameter(torch.zeros(2, 2)), torch.nn.Parameter(torch.zeros(2, 2))
    optimizer = torch.optim.SGD([{"params": [a], "lr": 1.0}, {"params": [b], "lr": 16.0}])
    spec = TrainingSpec(learning_rate=1.0, warmup_steps=0, lr_scheduler_type="linear")
    scheduler = schedule.make_scheduler(optimizer, spec, 10)
    for peak in (1.0, 0.1, 0.3):
        schedule.set_peak(scheduler, peak)
        optimizer.step()
        scheduler.step()
        first, second = (group["lr"] for group in optimizer.param_groups)
        assert second == pytest.approx(16 * first)
        assert scheduler.base_lrs[0] == peak
