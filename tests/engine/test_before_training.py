"""The evaluation before the first step: the base's own score, which changes nothing and counts as no other does."""

from pathlib import Path
from typing import Any

import pytest

from studio.core import events, runs
from studio.engine import session, step
from tests.training import begin_anew, config, digest, losses, resume, trained, write_rows


def test_the_evaluation_before_training_changes_nothing_and_is_never_the_best(tmp_path: Path) -> None:
    apart = write_rows(tmp_path / "apart.jsonl", 6, seed=1)
    # No gain is as large, so that what the base scored would stay the best if it counted.
    spec: dict[str, Any] = {"rows": 16, "lr_scheduler_type": "constant", "eval_steps": 2, "num_train_epochs": 4}
    spec |= {"early_stopping_threshold": 10.0, "early_stopping_patience": 2}
    run = trained(config(tmp_path, data={"eval_path": str(apart)}, **spec), tmp_path / "run")
    progress = run.progress()
    assert [(item.step, item.best) for item in progress.evaluations] == [(0, False), (2, True), (4, False), (6, False)]
    assert progress.base == progress.evaluations[0]
    assert progress.finished is not None
    assert (progress.finished.outcome, progress.finished.step, progress.finished.result_step) == ("early_stopped", 6, 2)
    assert not (run.path / "checkpoints" / "step-000000").exists()
    spec |= {"early_stopping_patience": 0, "load_best_model_at_end": False, "max_steps": progress.step}
    without = trained(config(tmp_path, **spec), tmp_path / "without")
    assert without.progress().evaluations == []
    assert losses(without) == losses(run)
    kept = [
        path / "checkpoints" / f"step-{progress.step:06d}/adapter/adapter_model.safetensors"
        for path in (run.path, without.path)
    ]
    assert kept[0].read_bytes() == kept[1].read_bytes()


def test_what_the_base_scores_is_what_it_scores_by_itself(tmp_path: Path) -> None:
    whole = config(tmp_path, data={"eval_split": 0.3}, max_steps=1)
    run = trained(whole, tmp_path / "run")
    begin_anew()
    current = session.prepare(runs.create(whole, tmp_path / "again"), lambda event: None)
    assert current.corpus.evaluation is not None
    with current.bare.disable_adapter():
        alone = step.evaluate(current, current.corpus.evaluation)
    told = run.progress().base
    assert told is not None
    assert told.eval_loss == pytest.approx(alone.loss, rel=1e-5)
    assert told.trained_tokens == alone.trained


@pytest.mark.parametrize("seen", [events.Phase, events.Evaluated], ids=["while", "behind"])
def test_a_stop_at_the_evaluation_before_training_is_heard_and_it_is_told_once(tmp_path: Path, seen: Any) -> None:
    whole = config(tmp_path, data={"eval_split": 0.2}, num_train_epochs=1)
    run = runs.create(whole, tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, seen) and (seen is events.Evaluated or event.name == "evaluating"):
            run.ask(events.Stop())

    resume(run, stop)
    assert (run.progress().step, run.progress().finished) == (0, None)
    assert [item.step for item in run.progress().evaluations] == [0]
    resume(run)
    assert digest(run) == digest(trained(whole, tmp_path / "reference"))
    assert [item.step for item in run.progress().evaluations].count(0) == 1


def test_a_run_that_had_begun_without_it_is_not_evaluated_before_training(tmp_path: Path) -> None:
    whole = config(tmp_path, data={"eval_split": 0.2}, num_train_epochs=1, save_steps=1)
    run = runs.create(whole, tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 2:
            run.ask(events.Stop(keep=False))

    resume(run, stop)
    # As it was written before there was such an evaluation.
    told = run.events_path.read_bytes().splitlines(keepends=True)
    run.events_path.write_bytes(b"".join(line for line in told if b'"evaluated"' not in line))
    resume(run)
    assert run.progress().base is None
    assert run.progress().finished is not None
