"""Draws depend on the seed and on the rows alone: exact to rounding, and steady when rows are appended."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from studio.core.errors import StudioError
from studio.core.versions import draws

SEEDS = st.integers(0, 2**32 - 1)
KEYS = [9672475392221035855, 5573481420429128725, 17358316652931856208]


def contents(values: list[int]) -> draws.Keys:
    return np.array(values, dtype=np.uint64)


def test_keys_are_the_same_for_ever() -> None:
    assert draws.keys(7, np.arange(3)).tolist() == KEYS
    assert draws.keys(8, np.arange(3)).tolist() != KEYS
    assert draws.keys(7, np.arange(3), np.zeros(3, np.int64)).tolist() != KEYS
    assert draws.keys(0, np.zeros(0, np.int64)).tolist() == []


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(0, 60))
def test_the_lowest_are_drawn_in_their_order(values: list[int], count: int) -> None:
    drawn = draws.lowest(contents(values), count)
    assert sorted(values)[:count] == sorted(values[place] for place in drawn)
    assert all(np.diff(drawn) > 0)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 4)), max_size=50), st.integers(1, 10))
def test_of_each_group_the_lowest_are_drawn(pairs: list[tuple[int, int]], count: int) -> None:
    keys, groups = contents([key for key, _ in pairs]), np.array([group for _, group in pairs], dtype=np.int64)
    drawn = draws.lowest_of_each(keys, groups, count)
    assert all(np.diff(drawn) > 0)
    for group in range(5):
        own = sorted(key for key, of in pairs if of == group)
        assert sorted(keys[place] for place in drawn if groups[place] == group) == own[:count]


@given(st.integers(2, 300), st.floats(0.001, 0.99), SEEDS)
def test_a_split_holds_back_its_share(count: int, share: float, seed: int) -> None:
    held = draws.split(contents(list(range(count))), None, share, seed)
    assert 1 <= held.sum() <= count - 1
    assert abs(held.sum() - count * share) <= 1 + 1e-6 * count


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), min_size=1, max_size=200), SEEDS, st.data())
def test_a_split_stays_when_rows_are_appended(rows: list[tuple[int, str]], seed: int, data: st.DataObject) -> None:
    share = data.draw(st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.7]))
    count = data.draw(st.integers(1, len(rows)))
    values, strata = contents([value for value, _ in rows]), [name for _, name in rows]
    assume(len(set(values[:count].tolist())) > 1)
    whole = draws.split(values, strata, share, seed)
    begun = draws.split(values[:count], strata[:count], share, seed)
    for value in set(values.tolist()):
        assert len(set(whole[values == value].tolist())) == 1, "equal rows on both sides"
    # Where nothing had been drawn by then, one row was held back, or one left to train on, so that neither is empty.
    moved = int((whole[:count] != begun).sum())
    minority = begun if share <= 0.5 else ~begun
    assert moved == 0 or len(set(values[:count][minority].tolist())) == 1


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=300), st.sampled_from([0.1, 0.2, 0.5, 0.9]), SEEDS)
def test_every_stratum_has_its_share(strata: list[str], share: float, seed: int) -> None:
    held = draws.split(contents(list(range(len(strata)))), strata, share, seed)
    for name in set(strata):
        own = held[np.array(strata) == name]
        assert abs(own.sum() - len(own) * share) <= 1


def test_a_split_is_fair_and_the_same_for_ever() -> None:
    values = contents(list(range(20)))
    assert np.flatnonzero(draws.split(values, None, 0.25, 7)).tolist() == [2, 6, 11, 12, 16]
    counts = np.mean([draws.split(values, None, 0.25, seed) for seed in range(2000)], axis=0)
    assert np.abs(counts - 0.25).max() < 0.05
    assert not draws.split(values, None, 0.0, 7).any()


@pytest.mark.parametrize(("values", "words"), [([1], "One row"), ([3, 3, 3], "all equal")])
def test_what_cannot_be_split_is_said(values: list[int], words: str) -> None:
    with pytest.raises(StudioError, match=words) as caught:
        draws.split(contents(values), None, 0.5, 0)
    assert caught.value.reason == "data"


SOURCES = st.lists(st.tuples(st.integers(1, 500), st.floats(0.05, 10)), min_size=1, max_size=6)


@given(SOURCES, st.one_of(st.sampled_from(["shortest", "longest"]), st.integers(1, 5000)))
def test_an_epoch_has_every_share_to_rounding(sources: list[tuple[int, float]], epoch: str | int) -> None:
    available, shares = [count for count, _ in sources], [share for _, share in sources]
    counts = draws.epoch_counts(available, shares, epoch)  # type: ignore[arg-type]
    whole, rows = sum(map(Fraction, shares)), int(counts.sum())
    assert all(abs(count - Fraction(share) / whole * rows) < 1 for count, share in zip(counts, shares, strict=True))
    if isinstance(epoch, int):
        assert rows == epoch
    elif epoch == "shortest":
        assert all(counts <= available)
        assert any(Fraction(share) / whole * (rows + 1) > n for n, share in sources)
    else:
        assert all(counts >= available)
        assert any(Fraction(share) / whole * (rows - 1) < n for n, share in sources)


def test_the_largest_remainders_are_rounded_up() -> None:
    assert draws.epoch_counts([0, 3, 4], [0, 1, 2], 5).tolist() == [0, 2, 3]


def test_turns_lie_in_the_middle_of_their_shares() -> None:
    assert draws.interleaved(np.array([1, 2])).tolist() == [1, 0, 1]


def test_a_source_without_a_share_is_left_out() -> None:
    assert draws.epoch_counts([10, 4, 0], [2, 1, 0], "shortest").tolist() == [8, 4, 0]
    assert draws.epoch_counts([10, 4, 0], [2, 1, 0], "longest").tolist() == [10, 5, 0]


@pytest.mark.parametrize(
    ("available", "shares", "words"),
    [
        ([1, 2], [1.0], "1 shares"),
        ([1], [0.0], "1 shares"),
        ([9**9, 1], [1e-9, 1], "rows"),
    ],
)
def test_shares_that_do_not_fit_are_refused(available: list[int], shares: list[float], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        draws.epoch_counts(available, shares, "longest")


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_sources_take_turns_evenly(counts: list[int]) -> None:
    turns = draws.interleaved(np.array(counts))
    assert np.bincount(turns, minlength=len(counts)).tolist() == counts
    for source, count in enumerate(counts):
        so_far = np.cumsum(turns == source)
        expected = np.arange(1, len(turns) + 1) * count / max(len(turns), 1)
        assert not len(turns) or np.abs(so_far - expected).max() <= len(counts)
