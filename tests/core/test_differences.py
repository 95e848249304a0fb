"""Runs side by side: only what differs is told, and how each came out."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from studio.core import differences, events, runs
from studio.core.config import AdapterSpec, DataSpec, RunConfig, TrainingSpec
from tests.core.test_progress import evaluated, folded, resumed, step
from tests.ui.told import finished, prepared


def config(path: str = "/data/a.jsonl", rank: int = 16, **training: Any) -> RunConfig:
    return RunConfig(
        name=f"rank {rank}",
        data=DataSpec(path=path),
        adapter=AdapterSpec(r=rank),
        training=TrainingSpec(**training),
    )


def differing(configs: Sequence[RunConfig]) -> dict[str, list[Any]]:
    """Of runs that have told nothing yet."""
    return differences.differing(configs, [folded() for _ in configs])


def test_only_settings_that_differ_are_told_with_the_defaults_of_those_that_have_them() -> None:
    plain, other = config(), config(rank=4, learning_rate=1e-3, seed=5)
    found = differing([plain, other, config(seed=5)])
    assert list(found) == ["adapter.r", "training.learning_rate", "training.seed"], "in the order of the settings"
    assert found == {
        "adapter.r": [16, 4, 16],
        "training.learning_rate": [plain.training.learning_rate, 1e-3, plain.training.learning_rate],
        "training.seed": [plain.training.seed, 5, 5],
    }
    assert differing([plain, config("/data/b.jsonl")]) == {"data.path": ["/data/a.jsonl", "/data/b.jsonl"]}
    assert differing([plain, plain]) == differing([]) == {}


def test_a_beta_that_was_left_out_is_the_usual_one() -> None:
    old, new, given = config(objective="dpo", beta=0.1), config(objective="dpo"), config(objective="dpo", beta=0.3)
    assert differing([old, new]) == {}
    assert differing([new, given]) == {"training.beta": [0.1, 0.3]}
    other = config(objective="simpo", beta=0.1)
    assert differing([other, config(objective="simpo")]) == {"training.beta": [0.1, 2.0]}


def test_data_differs_by_what_it_held(tmp_path: Path) -> None:
    version = tmp_path / "letters.recipe.json"
    version.write_text("{}", encoding="utf-8")
    made = [runs.create(config(str(version)), tmp_path / f"run{number}").config() for number in range(3)]
    assert len({item.data.path for item in made}) == 3, "each run has a copy"
    told = [folded(replace(prepared(3), data=data)) for data in ("1" * 64, "1" * 64, "2" * 64)]
    assert differing(made) == {}, "nothing is known of it yet"
    assert differences.differing(made[:2], told[:2]) == {}
    name = "letters.recipe.json"
    assert differences.differing(made, told) == {"data.path": [f"{name} (11111111)"] * 2 + [f"{name} (22222222)"]}
    # So does a file that was edited in its place.
    assert list(differences.differing([config()] * 2, told[1:])) == ["data.path"]
    assert differing([made[0], config()]) == {"data.path": [name, "/data/a.jsonl"]}


def test_a_learning_rate_set_while_a_run_trained_is_told() -> None:
    command = asdict(events.SetLearningRate(learning_rate=1e-5))
    told = folded(step(1, 2.0), events.Obeyed(step=1, command=command))
    found = differences.differing([config(learning_rate=1e-3)] * 2, [told, folded()])
    assert found == {"training.learning_rate": ["0.001, 1e-05 behind step 1", 1e-3]}


def test_how_a_run_came_out_or_stands() -> None:
    nothing = differences.outcome(folded())
    assert nothing == differences.Outcome(step=0, loss=None, eval_loss=None, trained_tokens=0, train_s=0.0)
    told = (step(1, 2.0), step(2, 1.0), evaluated(2), step(3, 9.0), evaluated(3), resumed(2))
    stands = differences.outcome(folded(*told))
    assert (stands.step, stands.loss, stands.eval_loss, stands.trained_tokens) == (2, 1.0, 0.5, 10)
    assert abs(stands.train_s - 0.2) < 1e-6
    assert differences.outcome(folded(*told, finished(2))).train_s == 61.0
