"""Events folded: what a resumed run computes again replaces what it had told before."""

from studio.core import events
from studio.core.progress import Progress


def step(number: int, loss: float = 1.0) -> events.Step:
    return events.Step(
        step=number,
        epoch=0.1,
        loss=loss,
        learning_rate=1e-3,
        grad_norm=1.0,
        tokens=10,
        trained_tokens=5,
        step_s=0.1,
        tokens_per_s=100.0,
        memory_bytes=1,
        eta_s=1.0,
    )


def folded(*items: events.Event) -> Progress:
    progress = Progress()
    for item in items:
        progress.apply(item)
    return progress


def test_a_run_from_start_to_finish() -> None:
    end = events.Finished(step=2, outcome="completed", path="adapter", adapter="a", result_step=1, train_s=1.0)
    evaluated = events.Evaluated(step=1, eval_loss=0.5, trained_tokens=4, best=True)
    assert folded().state == "waiting"
    assert folded(events.Phase(name="loading")).state == "preparing"
    progress = folded(events.Phase(name="training"), step(1), evaluated, step(2), end)
    assert (progress.state, progress.step, progress.best, progress.finished) == ("finished", 2, evaluated, end)


def test_only_who_works_on_a_run_tells_an_end_from_a_beginning() -> None:
    end = events.Finished(step=2, outcome="stopped", path="", adapter="", result_step=0, train_s=1.0)
    failed = events.Failed(reason="disk", message="m", hint="h")
    for told, gone, works in (
        (folded(), "interrupted", "waiting"),
        (folded(step(1)), "interrupted", "training"),
        (folded(step(1), failed), "failed", "preparing"),
        (folded(step(1), end), "stopped", "preparing"),
    ):
        assert (told.state_of(alive=False), told.state_of(alive=True)) == (gone, works)


def test_resuming_rewinds_the_curves_and_forgets_the_failure() -> None:
    failed = events.Failed(reason="disk", message="m", hint="h")
    late = events.Evaluated(step=3, eval_loss=0.4, trained_tokens=4, best=True)
    resumed = events.Resumed(step=1, checkpoint="checkpoints/step-000001")
    progress = folded(step(1), step(2), step(3), late, failed, resumed, step(2, 7.0))
    assert [(item.step, item.loss) for item in progress.steps] == [(1, 1.0), (2, 7.0)]
    assert progress.failed is None
    assert progress.best is None
    assert progress.state == "training"


def test_pause_and_continue_change_the_state() -> None:
    pause, go_on = (events.Obeyed(step=1, command={"kind": kind}) for kind in ("pause", "continue"))
    assert folded(step(1), pause).state == "paused"
    assert folded(step(1), pause, go_on).state == "training"


def test_a_paused_run_that_evaluates_or_saves_stays_paused() -> None:
    progress = folded(step(1), events.Obeyed(step=1, command={"kind": "pause"}))
    asked = (events.Phase(name="evaluating"), events.Phase(name="saving"), events.Phase(name="training"))
    states = []
    for event in (*asked, events.Obeyed(step=1, command={"kind": "continue"}), events.Phase(name="finishing")):
        progress.apply(event)
        states.append(progress.state)
    assert states == ["paused", "paused", "paused", "training", "preparing"]


def test_notices_and_checkpoints_are_kept() -> None:
    notice, saved = events.Notice(message="n"), events.Saved(step=1, path="p", size_bytes=3)
    progress = folded(notice, saved)
    assert (progress.notices, progress.saved) == ([notice], [saved])


def test_going_back_keeps_what_was_told_of_the_step_it_goes_back_to() -> None:
    progress = folded(step(1), step(2), evaluated(1), evaluated(2), step(3), evaluated(3), resumed(2))
    assert [item.step for item in progress.steps] == [1, 2]
    assert [item.step for item in progress.evaluations] == [1, 2]


def test_the_best_is_the_latest_that_was_better() -> None:
    progress = folded(evaluated(1), evaluated(2), evaluated(3, best=False))
    assert progress.best is not None
    assert progress.best.step == 2


def test_the_evaluation_before_training_is_the_bases_and_survives_going_back() -> None:
    before = events.Evaluated(step=0, eval_loss=3.0, trained_tokens=9, best=False)
    progress = folded(before)
    assert (progress.base, progress.best) == (before, None)
    progress = folded(before, step(1), evaluated(1), events.Resumed(step=0, checkpoint=""))
    assert (progress.base, progress.best, progress.evaluations) == (before, None, [before])
    assert folded(step(1), evaluated(1)).base is None


def test_a_rate_set_after_going_back_takes_the_place_of_later_ones_alone() -> None:
    def rate(at: int, value: float) -> events.Obeyed:
        return events.Obeyed(step=at, command={"kind": "set_learning_rate", "learning_rate": value})

    saved = events.Obeyed(step=5, command={"kind": "save"})
    progress = folded(rate(2, 0.1), rate(5, 0.2), saved, resumed(3), rate(3, 0.4), rate(3, 0.3))
    assert progress.learning_rates == [(2, 0.1), (3, 0.3)]
    assert saved in progress.obeyed


def evaluated(number: int, best: bool = True) -> events.Evaluated:
    return events.Evaluated(step=number, eval_loss=1.0 / number, trained_tokens=9, best=best)


def resumed(number: int) -> events.Resumed:
    return events.Resumed(step=number, checkpoint="")


def answered(number: int, text: str = "a") -> events.Answered:
    return events.Answered(step=number, answers=[text])


def test_answers_of_a_step_are_told_once_and_forgotten_where_it_goes_back() -> None:
    progress = folded(answered(0), step(1), answered(1), step(2), answered(2), answered(2, "b"))
    assert [(item.step, item.answers) for item in progress.answered] == [(0, ["a"]), (1, ["a"]), (2, ["b"])]
    progress.apply(events.Resumed(step=1, checkpoint="checkpoints/step-1"))
    assert [item.step for item in progress.answered] == [0, 1]
    assert folded(events.Phase(name="answering")).state == "training"
