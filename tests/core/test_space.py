"""What the program's files take up, and what of it is freed without a loss."""

from pathlib import Path

import pytest

from studio import paths
from studio.core import cache, events, run_queue, runs, space, trash
from studio.core.config import DataSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.runs import Run
from tests.adapters import made


def run_with_state(outcome: events.Outcome | None) -> Run:
    """Returns a run that ended so, with a checkpoint of 1,000 bytes of optimizer; None: it has not ended."""
    run = runs.create(RunConfig(data=DataSpec(path="/rows.jsonl")))
    folder = run.path / "checkpoints" / "step-000005"
    (folder / "adapter").mkdir(parents=True)
    (folder / "optimizer.pt").write_bytes(b"x" * 1000)
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(b"y")
    if outcome:
        run.emit(events.Finished(step=5, outcome=outcome, path="adapter", adapter="x", result_step=5, train_s=1.0))
    return run


def state_of(run: Run) -> Path:
    return run.path / "checkpoints" / "step-000005" / "optimizer.pt"


def test_only_the_states_of_runs_that_cannot_go_on_are_freed() -> None:
    done, early = run_with_state("completed"), run_with_state("early_stopped")
    stopped, going = run_with_state("stopped"), run_with_state(None)
    assert space.taken().states == 2000
    space.free("states")
    assert [state_of(run).exists() for run in (done, early, stopped, going)] == [False, False, True, True]
    assert (state_of(done).parent / "adapter" / "adapter_model.safetensors").exists(), "its layers are still seen"
    assert space.taken().states == 0


def test_a_run_that_somebody_works_on_or_that_cannot_be_read_keeps_what_it_has() -> None:
    held, odd = run_with_state("completed"), run_with_state("completed")
    odd.events_path.unlink()
    odd.events_path.mkdir()
    with held.claim():
        space.free("states")
    assert state_of(held).exists()
    assert state_of(odd).exists()


def test_the_cache_goes_but_for_what_another_process_makes() -> None:
    kind = paths.cache_dir() / "tokens"
    for name in ("done", "making"):
        (kind / name).mkdir(parents=True)
        (kind / name / "ids").write_bytes(b"x" * 500)
    (paths.cache_dir() / "norms").mkdir()
    (paths.cache_dir() / "norms" / "a.json").write_text("{}")
    assert space.taken().cache == 1002
    with cache.lock_of(kind / "making"):
        space.free("cache")
        assert (kind / "making" / "ids").exists()
    assert not (kind / "done").exists()
    assert not (paths.cache_dir() / "norms" / "a.json").exists()
    space.free("cache")
    assert space.taken().cache == 0


def test_a_run_at_work_keeps_the_cache() -> None:
    run = runs.create(RunConfig(data=DataSpec(path="/rows.jsonl")))
    run_queue.enter([run], waits=False)
    (paths.cache_dir() / "tokens" / "a").mkdir(parents=True)
    with run.claim(), pytest.raises(StudioError, match="need the cache") as caught:
        space.free("cache")
    assert caught.value.reason == "busy"
    assert (paths.cache_dir() / "tokens" / "a").exists()


def test_the_trash_is_emptied_and_the_rest_is_told(tmp_path: Path) -> None:
    from studio.core import library

    kept = made("letters")
    library.remove(made("notes"))
    before = space.taken()
    assert before.trash > 0
    assert before.adapters == trash.size_of(kept.folder) + trash.size_of(paths.adapters_dir() / ".lock")
    space.free("trash")
    after = space.taken()
    assert (after.trash, after.adapters) == (0, before.adapters)
