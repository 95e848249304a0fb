"""Many rows in a few numbers: against numpy, whatever the order, and the base row by row."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.evaluations import Result
from studio.core.standing import chance, interval
from studio.core.summaries import By, Summary, gain, ordered

ROWS = st.lists(
    st.tuples(st.integers(1, 50), st.floats(0, 20), st.floats(0, 20), st.sampled_from((0.0, 1.0)), st.floats(0, 1)),
    min_size=2,
    max_size=30,
)


def row(measured: list[dict[str, float]], *tokens: int) -> Result:
    return Result(row=0, place=(0, 0), asked="", own="", tokens=list(tokens), columns={}, measured=measured)


def summed(rows: list[tuple[int, float, float, float, float]]) -> Summary:
    summary = Summary(2)
    for tokens, base, loss, exact, f1 in rows:
        summary.add(row([{"loss": base, "exact": 0.0}, {"loss": loss, "exact": exact, "f1": f1}], tokens))
    return summary


@given(ROWS)
def test_means_and_intervals_are_those_of_the_formulas(rows: list[tuple[int, float, float, float, float]]) -> None:
    summary = summed(rows)
    tokens, _, losses, exact, _ = (np.array(values, dtype=np.float64) for values in zip(*rows, strict=True))
    n = len(rows)
    assert (summary.rows, summary.tokens) == (n, tokens.sum())
    loss = summary.figure(1, "loss")
    assert loss is not None
    mean = (losses * tokens).sum() / tokens.sum()
    assert loss.mean == pytest.approx(mean)
    # Cochran (1977), 2.11: the variance of a ratio.
    half = 1.96 * math.sqrt(((losses * tokens - mean * tokens) ** 2).sum() / (n - 1) / n) / tokens.mean()
    assert loss.high - loss.mean == pytest.approx(half, rel=1e-3, abs=1e-4)
    each = summary.figure(1, "row_loss")
    assert each is not None
    assert each.mean == pytest.approx(losses.mean())
    assert each.mean - each.low == pytest.approx(1.96 * losses.std(ddof=1) / math.sqrt(n), rel=1e-3, abs=1e-4)
    share, words = summary.figure(1, "exact"), summary.figure(1, "f1")
    assert share is not None
    assert words is not None
    assert (share.low, share.high) == interval(exact.sum(), n)
    assert 0 <= words.low <= words.mean <= words.high <= 1


def test_of_the_columns_that_were_measured_the_best_is_known() -> None:
    summary = summed([(3, 2.0, 1.0, 1.0, 0.5), (5, 2.0, 3.0, 0.0, 0.5)])
    losses, best = summary.figures("loss")
    assert (losses, best) == ({at: summary.figure(at, "loss") for at in (0, 1)}, {0})
    assert summary.figures("exact")[1] == {1}
    words, best = summary.figures("f1")
    assert ([*words], best) == ([1], set()), "the base has none to be better than"
    assert summary.figures("json") == ({}, set())


@given(ROWS)
def test_the_order_of_rows_says_nothing(rows: list[tuple[int, float, float, float, float]]) -> None:
    turned = summed(rows[::-1])
    for measure in (summary := summed(rows)).measures():
        for column in (0, 1):
            one, other = summary.figure(column, measure), turned.figure(column, measure)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert one.mean == pytest.approx(other.mean)
                assert (one.rows, one.better, one.worse, one.chance) == (
                    other.rows, other.better, other.worse, other.chance
                )  # fmt: skip


@given(ROWS)
def test_each_row_is_compared_with_the_bases(rows: list[tuple[int, float, float, float, float]]) -> None:
    summary = summed(rows)
    loss, exact = summary.figure(1, "loss"), summary.figure(1, "exact")
    assert loss is not None
    assert exact is not None
    assert loss.better == sum(base - own > 1e-9 for _, base, own, _, _ in rows)
    assert loss.worse == sum(own - base > 1e-9 for _, base, own, _, _ in rows)
    assert loss.chance == chance(loss.better, loss.worse)
    assert (exact.better, exact.worse) == (sum(item[3] for item in rows), 0)
    base = summary.figure(0, "loss")
    assert base is not None
    assert (base.better, base.worse, base.chance) == (0, 0, 1.0)


def test_nothing_is_known_of_the_spread_of_one_row() -> None:
    summary = summed([(3, 2.0, 1.0, 1.0, 0.5)])
    loss, words = summary.figure(1, "loss"), summary.figure(1, "f1")
    assert loss is not None
    assert words is not None
    assert (loss.low, loss.high) == (-math.inf, math.inf)
    assert (words.low, words.high) == (0, 1)


def test_two_answers_count_as_one_row_and_what_was_not_measured_has_no_figure() -> None:
    summary = Summary(2)
    for loss in (1.0, 3.0):
        summary.add(row([{"loss": 0.69, "likelier": 1.0}, {"loss": loss, "preferred": 0.0, "likelier": 0.0}], 100, 1))
    loss_ = summary.figure(1, "loss")
    assert loss_ is not None
    assert (loss_.mean, loss_.worse) == (2.0, 2)
    assert summary.tokens == 202
    assert summary.measures() == ["loss", "preferred", "likelier"]
    assert summary.figure(0, "preferred") is None


def test_a_lower_loss_is_a_gain_and_a_higher_share_is() -> None:
    assert gain("loss", 1.0, 3.0) == 2.0
    assert gain("f1", 1.0, 0.25) == 0.75


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(0, 9)), max_size=12))
def test_rows_are_ordered_by_what_is_gained_in_them(losses: list[tuple[float, float, float]]) -> None:
    rows = [replace(row([{"loss": loss} for loss in item], 1), row=at) for at, item in enumerate(losses)]
    lost = {at: max(one - base, other - base) for at, (base, one, other) in enumerate(losses)}
    worst = [item.row for item in ordered(rows, "loss", "worst")]
    assert [lost[at] for at in worst] == sorted(lost.values(), reverse=True)
    moved = {at: max(abs(one - base), abs(other - base)) for at, (base, one, other) in enumerate(losses)}
    differs = [item.row for item in ordered(rows, "loss", "differs")]
    assert [moved[at] for at in differs] == sorted(moved.values(), reverse=True)
    assert ordered(rows[::-1], "loss", "row") == rows
    assert {item.row for item in ordered(rows, "loss", "worst", worse=True)} == {at for at in lost if lost[at] > 1e-9}


def test_rows_in_which_nothing_is_measured_come_last_and_a_base_alone_is_worst_where_it_is_bad() -> None:
    odd = replace(row([{"loss": 1.0}, {"loss": 1.0}], 1), row=0)
    shared = replace(row([{"json": 1.0}, {"json": 0.0}], 1), row=1)
    orders: tuple[By, ...] = ("worst", "differs")
    for by in orders:
        assert ordered([odd, shared], "json", by) == [shared, odd]
    alone = [replace(row([{"loss": loss}], 1), row=at) for at, loss in enumerate((1.0, 3.0, 2.0))]
    assert [item.row for item in ordered(alone, "loss", "worst")] == [1, 2, 0]
