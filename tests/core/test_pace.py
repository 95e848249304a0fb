"""The speed a new run can expect, from the earlier ones."""

import time
from dataclasses import replace

import pytest

from studio.core import events, pace, runs
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, TrainingSpec

CONFIG = RunConfig(data=DataSpec(path="rows.jsonl"))


def ran(config: RunConfig, *speeds: float) -> None:
    run = runs.create(config)
    for step, speed in enumerate(speeds, start=1):
        run.emit(
            events.Step(step=step, epoch=0.1, loss=2.0, learning_rate=1e-3, grad_norm=1.0, tokens=9, trained_tokens=4,
                        step_s=0.1, tokens_per_s=speed, memory_bytes=1, eta_s=3.0)
        )  # fmt: skip


def test_nothing_is_known_at_first() -> None:
    assert pace.tokens_per_s(CONFIG) is None
    ran(CONFIG, 5, 900, 900)
    assert pace.tokens_per_s(CONFIG) is None, "too short to say"


def test_the_median_of_an_earlier_run_counts_without_its_first_step() -> None:
    ran(CONFIG, 1, 100, 900, 200)
    assert pace.tokens_per_s(CONFIG) == 200
    assert pace.tokens_per_s(replace(CONFIG, name="another")) == 200


def test_rows_with_two_answers_have_a_speed_of_their_own() -> None:
    ran(CONFIG, 1, 100, 900, 200)
    preferences = replace(CONFIG, training=replace(CONFIG.training, objective="dpo"))
    assert pace.tokens_per_s(preferences) is None
    pretraining = replace(CONFIG, training=replace(CONFIG.training, objective="pretraining"))
    assert pace.tokens_per_s(pretraining) == 200


def test_a_step_without_a_speed_is_not_counted() -> None:
    ran(CONFIG, 1, 0, 100, 200, 300)
    assert pace.tokens_per_s(CONFIG) == 200


def test_only_the_end_of_a_long_run_counts() -> None:
    ran(CONFIG, 1, *[5000.0] * 300, *[100.0] * 200)
    assert pace.tokens_per_s(CONFIG) == 100, "by far not all of it is read"
    assert pace._REACH_BYTES > 20_000, "and more than a few steps"


def test_other_work_says_nothing() -> None:
    ran(CONFIG, 1, 100, 300, 200)
    for other in (
        replace(CONFIG, model=ModelSpec(path="org/other")),
        replace(CONFIG, model=ModelSpec(quantization="nf4")),
        replace(CONFIG, adapter=AdapterSpec(use_dora=True)),
        replace(CONFIG, adapter=AdapterSpec(method="full")),
        replace(CONFIG, training=TrainingSpec(activation_checkpointing=True)),
    ):
        assert pace.tokens_per_s(other) is None


def test_the_run_most_alike_counts() -> None:
    ran(replace(CONFIG, training=TrainingSpec(per_device_train_batch_size=1)), 1, 50, 50, 50)
    assert pace.tokens_per_s(CONFIG) == 50, "better than nothing"
    ran(CONFIG, 1, 100, 100, 100)
    ran(replace(CONFIG, training=TrainingSpec(per_device_train_batch_size=2)), 1, 70, 70, 70)
    assert pace.tokens_per_s(CONFIG) == 100


OTHERS = (
    replace(CONFIG, training=TrainingSpec(per_device_train_batch_size=3)),
    replace(CONFIG, data=replace(CONFIG.data, packing=True)),
    replace(CONFIG, data=replace(CONFIG.data, max_length=77)),
    replace(CONFIG, data=replace(CONFIG.data, path="others.jsonl")),
    replace(CONFIG, adapter=AdapterSpec(r=3)),
    replace(CONFIG, adapter=AdapterSpec(target_modules=["q_proj"])),
)


@pytest.mark.parametrize("other", OTHERS, ids=range(len(OTHERS)))
def test_each_setting_of_a_batch_makes_another_run_less_alike(
    monkeypatch: pytest.MonkeyPatch, other: RunConfig
) -> None:
    for day, (config, speed) in enumerate(((CONFIG, 100), (other, 70)), start=1):
        monkeypatch.setattr(time, "strftime", lambda _, day=day: f"2026010{day}-000000")
        ran(config, 1, speed, speed, speed)
    assert pace.tokens_per_s(CONFIG) == 100, "though the other is newer"


def test_a_run_that_shares_nothing_but_the_work_says_more_than_none() -> None:
    unlike = RunConfig(
        data=DataSpec(path="others.jsonl", packing=True, max_length=77),
        adapter=AdapterSpec(r=3, target_modules=["q_proj"]),
        training=TrainingSpec(per_device_train_batch_size=3),
    )
    ran(unlike, 1, 50, 50, 50)
    assert pace.tokens_per_s(CONFIG) == 50


def test_of_runs_as_much_alike_the_newest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for day, speed in enumerate((100, 300, 200), start=1):
        monkeypatch.setattr(time, "strftime", lambda _, day=day: f"2026010{day}-000000")
        ran(CONFIG, 1, speed, speed, speed)
    assert pace.tokens_per_s(CONFIG) == 200


def test_a_run_that_cannot_be_read_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:  # those that follow are looked at first
        earlier.setattr(time, "strftime", lambda _: "20200101-000000")
        ran(CONFIG, 1, 100, 100, 100)
    runs.create(CONFIG).events_path.write_text("nonsense\n")
    broken = runs.create(CONFIG)
    (broken.path / "run.json").write_text("{}")
    assert pace.tokens_per_s(CONFIG) == 100
