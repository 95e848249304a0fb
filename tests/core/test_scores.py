"""What is said of tokens' losses: which count, their mean, and which come first."""

import math

import pytest

from studio.core import scores
from studio.core.desk import Picture, Scored

NAN = math.nan


def picture(trained: list[bool]) -> Picture:
    count = len(trained)
    return Picture(
        text="x" * count,
        ids=list(range(count)),
        names=["x"] * count,
        trained=trained,
        special=[False] * count,
        offsets=[(at, at + 1) for at in range(count)],
        kept=count,
        tokens=count,
    )


def column(*losses: float) -> Scored:
    return Scored(adapter=None, losses=list(losses), choices=[], choice_losses=[])


@pytest.mark.parametrize(
    ("trained", "losses", "counting"),
    [
        ([False, False, True, True], (NAN, 1.0, 2.0, 3.0), [False, False, True, True]),
        ([False, True, True, True], (NAN, 1.0, NAN), [False, True, False]),
        ([False, False, False], (NAN, 1.0, 2.0), [False, True, True]),
        ([False, True, False, True], (NAN, NAN), [False, False]),
    ],
    ids=["learned ones", "what could be computed", "all where none is learned", "none"],
)
def test_the_learned_tokens_count(trained: list[bool], losses: tuple[float, ...], counting: list[bool]) -> None:
    assert scores.counting(picture(trained), column(*losses)) == counting


def test_the_mean_and_the_perplexity() -> None:
    assert scores.mean([NAN, 1.0, 2.0, 4.0], [False, True, False, True]) == 2.5
    assert math.isnan(scores.mean([1.0], [False]))
    assert scores.perplexity(math.log(8)) == pytest.approx(8)
    assert scores.perplexity(1e4) == math.inf


def test_the_largest_come_first_whatever_their_sign() -> None:
    mine, base = column(NAN, 1.0, 5.0, 2.0), column(NAN, 3.0, 4.0, 2.5)
    apart = scores.differences(mine, base)
    assert apart[1:] == [2.0, -1.0, 0.5]
    assert scores.largest(apart, [False, True, True, True]) == [1, 2, 3]
    assert scores.largest(apart, [False, False, True, True]) == [2, 3]
