"""What a run kept of its rows: read whole or by a step, and which of them stand out while the loss falls."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core import rowlog
from studio.core.errors import StudioError


def records(*steps: dict[int, float], tokens: int = 4) -> Any:
    """Returns records of steps, each the loss of its rows."""
    found = [(number, row, tokens, loss) for number, step in enumerate(steps, 1) for row, loss in step.items()]
    return np.array(found, rowlog.RECORD)


def falling(steps: int, size: int, worst: dict[int, float], seed: int = 0) -> Any:
    """Returns records of a loss that falls from 9 to 0.3, with rows of a spread, and `worst` rows so far above."""
    draw, made, row = np.random.default_rng(seed), [], 0
    for step in range(steps):
        losses = {}
        for _ in range(size):
            losses[row] = 0.3 + 8.7 * 0.9**step + draw.normal(0, 0.05) + worst.get(row, 0.0)
            row += 1
        made.append(losses)
    return records(*made)


@pytest.mark.parametrize("size", [1, 2, 4, 32])
def test_bad_rows_come_first_however_the_loss_falls(size: int) -> None:
    steps = 400 // size
    worst = {size * at + at % size: 1.0 for at in (3, steps // 3, steps // 2, steps - 2)}
    found = rowlog.standings(falling(steps, size, worst))
    assert sorted(found.row[found.by("above")[:4]].tolist()) == sorted(worst)
    # By its bare loss every row of the first steps is worse than those.
    assert set(found.row[found.by("loss")[:4]].tolist()) != set(worst)


def test_what_is_typical_follows_a_straight_fall_from_its_beginning() -> None:
    losses = [9.0 - 0.1 * step for step in range(60)]
    found = rowlog.typical(records(*({step: loss} for step, loss in enumerate(losses))))
    assert found[:-7] == pytest.approx(losses[:-7], abs=1e-6)
    # What is taken now is measured by what was before it, so that the last row can stand out too.
    assert 0 < found[-1] - losses[-1] < 0.4
    assert rowlog.standings(records(*({step: 1.0} for step in range(20)), {20: 3.0})).above[-1] == 2.0


def test_a_step_of_many_rows_is_measured_by_itself() -> None:
    steps = [dict.fromkeys(range(20), 1.0) | {20: 5.0}, dict.fromkeys(range(21), 3.0)]
    made = records(*steps)
    assert rowlog.typical(made).tolist() == [1.0] * 21 + [3.0] * 21
    assert rowlog.standings(made).above.tolist() == [0.0] * 20 + [2.0], "the mean of both times"


def test_rows_are_told_with_their_first_and_last_time() -> None:
    made = records({7: 2.0, 3: 1.0}, {3: 0.5, 9: 4.0}, {7: 2.5})
    found = rowlog.standings(made)
    assert found.row.tolist() == [3, 7, 9]
    assert found.step.tolist() == [2, 3, 2]
    assert found.times.tolist() == [2, 2, 1]
    assert found.first.tolist() == [1.0, 2.0, 4.0]
    assert found.loss.tolist() == [0.5, 2.5, 4.0]
    assert found.tokens.tolist() == [4, 4, 4]
    assert found.row[found.by("loss")].tolist() == [9, 7, 3]
    assert found.row[found.by("change")].tolist() == [7, 9, 3]


def test_the_rows_of_a_step_are_those_and_no_others() -> None:
    made = records({1: 1.0, 2: 9.0}, {3: 1.5, 4: 1.0, 5: 1.0}, {1: 0.5})
    within = rowlog.require_step(made, 2)
    found = rowlog.standings(made, within)
    assert found.row.tolist() == [3, 4, 5]
    # Beside those of the other steps.
    assert found.above.tolist() == (np.array([1.5, 1.0, 1.0]) - rowlog.typical(made)[within]).tolist()


@pytest.mark.parametrize("size", [1, 2, 40])
def test_the_rows_of_a_step_are_measured_as_among_all(size: int) -> None:
    made = falling(100, size, {})
    above = made["loss"] - rowlog.typical(made)
    for step in (1, 2, 9, 50, 99, 100):
        within = rowlog.require_step(made, step)
        assert rowlog.standings(made, within).above.tolist() == above[within].tolist()


@pytest.mark.parametrize(("step", "hint"), [(0, "from 1 to 3"), (4, "from 1 to 3")])
def test_a_step_that_is_not_there_is_told_with_those_that_are(step: int, hint: str) -> None:
    with pytest.raises(StudioError, match=f"no rows in step {step}") as told:
        rowlog.require_step(records({1: 1.0}, {2: 1.0}, {3: 1.0}), step)
    assert hint in told.value.hint


def test_chunks_of_a_text_are_one_row_and_only_passes_are_compared() -> None:
    made = np.array(
        [
            (1, 5, 60, 9.0), (1, 6, 10, 2.0), (2, 5, 1, 12.0), (2, 7, 10, 2.0),
            (3, 5, 60, 8.0), (3, 7, 10, 2.0), (4, 6, 10, 2.0), (4, 5, 1, 1.0),
        ],
        rowlog.RECORD,
    )  # fmt: skip
    found = rowlog.standings(made, per_epoch=2)
    assert found.row.tolist() == [5, 6, 7]
    assert found.times.tolist() == [2, 2, 2]
    assert found.tokens.tolist() == [61, 10, 10]
    assert found.step.tolist() == [4, 4, 3]
    assert found.first[0] == pytest.approx((60 * 9 + 12) / 61)
    assert found.loss[0] == pytest.approx((60 * 8 + 1) / 61)
    above = (made["loss"] - rowlog.typical(made))[made["row"] == 5]
    assert found.above[0] == pytest.approx(float(np.average(above, weights=[60, 1, 60, 1])))
    once = rowlog.standings(made[:4], per_epoch=2)
    assert (once.times.tolist(), once.first.tolist()) == ([1, 1, 1], once.loss.tolist())


def test_nothing_stands_for_nothing(tmp_path: Path) -> None:
    found = rowlog.standings(rowlog.read_all(tmp_path))
    assert [len(part) for part in (found.row, found.step, found.times, found.loss, found.above)] == [0] * 5


@pytest.mark.parametrize(
    "wrong",
    [(0, 1, 5, 1.0), (3, -1, 5, 1.0), (3, 1, -5, 1.0), (3, 1, 5, math.nan), (3, 1, 5, math.inf), (1, 1, 5, 1.0)],
)
def test_a_damaged_log_is_told_as_such(tmp_path: Path, wrong: tuple[int, int, int, float]) -> None:
    made = [(1, 1, 5, 1.0), (2, 2, 5, 1.0), wrong, (4, 2, 5, 1.0)]
    np.array(made, rowlog.RECORD).tofile(rowlog.path_of(tmp_path))
    with pytest.raises(StudioError, match=r"rows-0\.bin of the run is damaged"):
        rowlog.read_all(tmp_path)


def test_the_last_step_may_have_diverged_and_its_rows_come_first(tmp_path: Path) -> None:
    made = [(1, 1, 5, 1.0), (2, 2, 5, 1.0), (3, 4, 5, 2.0), (3, 7, 5, math.nan), (3, 8, 5, math.inf), (3, 5, 5, 9.0)]
    np.array(made, rowlog.RECORD).tofile(rowlog.path_of(tmp_path))
    found = rowlog.read_all(tmp_path)
    last = rowlog.standings(found, rowlog.require_step(found, 3))
    for order in ("above", "loss"):
        assert last.row[last.by(order)].tolist()[:2] == [7, 8]
    assert last.row[last.by("loss")].tolist()[2:] == [5, 4]
    assert np.isnan(last.loss).tolist() == [False, False, True, True]
    assert rowlog.standings(rowlog.finite(found)).row.tolist() == [1, 2, 4, 5]
    assert rowlog.finite(found[3:5]) is not None
    assert len(rowlog.finite(found[3:5])) == 2


def test_the_logs_of_several_processes_are_one(tmp_path: Path) -> None:
    records({1: 1.0}, {2: 2.0}).tofile(rowlog.path_of(tmp_path, 0))
    records({3: 3.0}, {4: 4.0}).tofile(rowlog.path_of(tmp_path, 1))
    found = rowlog.read_all(tmp_path)
    assert found["step"].tolist() == [1, 1, 2, 2]
    assert found["row"].tolist() == [1, 3, 2, 4]


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    rowlog.path_of(tmp_path).mkdir()
    with pytest.raises(StudioError) as told:
        rowlog.read_all(tmp_path)
    assert told.value.reason == "disk"
    assert "could not be read" in told.value.message


def test_many_steps_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    made = falling(300, 2, {})
    whole = rowlog.typical(made)
    monkeypatch.setattr(rowlog, "_MOST_VALUES", 40)
    assert rowlog.typical(made).tolist() == whole.tolist()
