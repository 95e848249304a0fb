"""The time that is left counts what stands between the steps too."""

import pytest

from studio.engine.pace import Pace, _due


@pytest.mark.parametrize("every", [1, 3, 4, 10, 25])
@pytest.mark.parametrize("step", range(1, 11))
def test_what_is_due_is_what_the_loop_does(step: int, every: int) -> None:
    assert _due(step, 10, every) == sum(at % every == 0 or at == 10 for at in range(step, 11))


def test_steps_evaluations_and_checkpoints_are_counted() -> None:
    pace = Pace(evaluation_tokens=900)
    pace.add(1.0, 50)
    pace.add(3.0, 150)
    # 8 steps of 2 s each, and evaluations at 3, 6, 9 and 10: a third of 900 tokens of 1/50 s each, until one is known.
    assert pace.left_s(2, 10, 3, 5) == pytest.approx(8 * 2 + 4 * 6)
    pace.evaluation_s, pace.saving_s = 1.0, 0.5
    assert pace.left_s(2, 10, 3, 5) == pytest.approx(8 * 2 + 4 * 1 + 2 * 0.5)
    # Behind the last step the last of both still come.
    assert pace.left_s(10, 10, 3, 5) == pytest.approx(1.5)


def test_without_evaluation_rows_steps_alone_take_time() -> None:
    pace = Pace(evaluation_tokens=0)
    pace.add(2.0, 100)
    assert pace.left_s(1, 5, 1, 100) == pytest.approx(8)


def test_the_last_steps_tell() -> None:
    pace = Pace(evaluation_tokens=0)
    for seconds in [9.0] * 5 + [1.0] * 20:
        pace.add(seconds, 10)
    assert pace.left_s(25, 30, 100, 100) == pytest.approx(5)
