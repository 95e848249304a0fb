"""What is said of tokens' losses: how columns differ, and which tokens come first."""

import math

import pytest

from studio.core import scores
from studio.core.desk import Scored

NAN = math.nan


def column(*losses: float) -> Scored:
    return Scored(adapter=None, loss=0.0, losses=list(losses), top_ids=[], top_losses=[])


def test_the_perplexity() -> None:
    assert scores.perplexity(math.log(8)) == pytest.approx(8)
    assert scores.perplexity(1e4) == math.inf


def test_the_largest_come_first_whatever_their_sign() -> None:
    mine, base = column(NAN, 1.0, 5.0, 2.0), column(NAN, 3.0, 4.0, 2.5)
    apart = scores.differences(mine, base)
    assert apart[1:] == [2.0, -1.0, 0.5]
    assert scores.largest(apart, [False, True, True, True]) == [1, 2, 3]
    assert scores.largest(apart, [False, False, True, True]) == [2, 3]
