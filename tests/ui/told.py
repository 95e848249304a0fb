"""Runs that have happened: folders with the events a real run writes, for tests of what the window shows of them."""

from studio.core import events, runs
from studio.core.config import DataSpec, RunConfig
from studio.core.runs import Run
from studio.ui.session import demo_data


def made_run(name: str = "told") -> Run:
    """Makes a run folder that nothing has happened in."""
    return runs.create(RunConfig(name=name, data=DataSpec(path=str(demo_data()))))


def tell(run: Run, *told: events.Event) -> None:
    """Appends events as the run's process does."""
    with run.events_path.open("ab") as file:
        file.write(b"".join(map(events.encode, told)))


def prepared(steps: int) -> events.Prepared:
    """What a run says before its first step."""
    return events.Prepared(
        steps=steps, steps_per_epoch=steps, rows=800, eval_rows=40, rejected_rows=0, truncated_rows=0, untrained_rows=0,
        tokens_per_epoch=9000, trained_tokens_per_epoch=4000, trainable_parameters=100, total_parameters=1000,
        device="cpu", dtype="float32", batching="flat",
    )  # fmt: skip


def step(number: int, loss: float) -> events.Step:
    """An optimizer step."""
    return events.Step(
        step=number, epoch=number / 100, loss=loss, learning_rate=1e-3 / number, grad_norm=1.0, tokens=900,
        trained_tokens=400, step_s=0.1, tokens_per_s=9000.0 + number, memory_bytes=2_000_000_000, eta_s=3.0,
    )  # fmt: skip


def evaluated(number: int, loss: float, best: bool) -> events.Evaluated:
    """An evaluation."""
    return events.Evaluated(step=number, eval_loss=loss, trained_tokens=400, best=best)


def finished(number: int) -> events.Finished:
    """The end of a run whose adapter is in no library."""
    return events.Finished(
        step=number, outcome="completed", path="adapter", adapter="", result_step=number, train_s=61.0
    )
