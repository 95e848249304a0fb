"""Runs side by side: only what differs is told, and how each came out."""

import json
from pathlib import Path
from typing import Any

from studio.core import differences, runs
from studio.core.config import AdapterSpec, DataSpec, RunConfig, TrainingSpec
from tests.core.test_progress import evaluated, folded, resumed, step
from tests.ui.told import finished


def config(path: str = "/data/a.jsonl", rank: int = 16, **training: Any) -> RunConfig:
    return RunConfig(
        name=f"rank {rank}",
        data=DataSpec(path=path),
        adapter=AdapterSpec(r=rank),
        training=TrainingSpec(**training),
    )


def test_only_settings_that_differ_are_told_with_the_defaults_of_those_that_have_them() -> None:
    plain, other = config(), config(rank=4, learning_rate=1e-3, seed=5)
    found = differences.differing([plain, other, config(seed=5)])
    assert list(found) == ["adapter.r", "training.learning_rate", "training.seed"], "in the order of the settings"
    assert found == {
        "adapter.r": [16, 4, 16],
        "training.learning_rate": [plain.training.learning_rate, 1e-3, plain.training.learning_rate],
        "training.seed": [plain.training.seed, 5, 5],
    }
    assert differences.differing([plain, config("/data/b.jsonl")]) == {"data.path": ["/data/a.jsonl", "/data/b.jsonl"]}
    assert differences.differing([plain, plain]) == differences.differing([]) == {}


def test_copies_of_a_version_differ_by_what_is_in_them(tmp_path: Path) -> None:
    version = tmp_path / "letters.recipe.json"
    made = list[RunConfig]()
    for number in (0, 0, 1):
        version.write_text(json.dumps({"number": number}), encoding="utf-8")
        made.append(runs.create(config(str(version)), tmp_path / f"run{len(made)}").config())
    assert len({item.data.path for item in made}) == 3
    assert differences.differing(made[:2]) == {}
    (told,) = differences.differing(made).values()
    assert told[0] == told[1] != told[2]
    assert all(str(item).startswith("letters.recipe.json (") for item in told)
    (told,) = differences.differing([made[0], config()]).values()
    assert told == ["letters.recipe.json", "/data/a.jsonl"]


def test_how_a_run_came_out_or_stands() -> None:
    nothing = differences.outcome(folded())
    assert nothing == differences.Outcome(step=0, loss=None, eval_loss=None, trained_tokens=0, train_s=0.0)
    told = (step(1, 2.0), step(2, 1.0), evaluated(2), step(3, 9.0), evaluated(3), resumed(2))
    stands = differences.outcome(folded(*told))
    assert (stands.step, stands.loss, stands.eval_loss, stands.trained_tokens) == (2, 1.0, 0.5, 10)
    assert abs(stands.train_s - 0.2) < 1e-6
    assert differences.outcome(folded(*told, finished(2))).train_s == 61.0
