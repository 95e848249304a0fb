"""Numbers in words."""

import time

import pytest

from studio.core.units import counted, moment, moment_in_brief, percent, plural, short, size


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_540_000, "1.5 MB"), (726_000, "726 kB"), (2.5e12, "2.5 TB")],
)
def test_bytes_are_told_in_the_unit_that_fits(count: float, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (999, "999"),
        (38_048, "38 K"),
        (999_700, "1 M"),
        (3_970_000, "3.97 M"),
        (7.24e9, "7.24 B"),
        (4.05e11, "405 B"),
    ],
)
def test_counts_are_told_in_three_figures(count: float, words: str) -> None:
    assert short(count) == words


def test_one_is_told_apart_from_many() -> None:
    assert [plural(count, "row") for count in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
    texts = ("{good} of {count} row", "{good} of {count} rows")
    assert [counted(count, *texts, good=1) for count in (1, 2345)] == ["1 of 1 row", "1 of 2,345 rows"]


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0%"),
        (3e-7, "<0.001%"),
        (2e-5, "0.002%"),
        (0.0344, "3.4%"),
        (0.9951, "100%"),
        (1.5, "150%"),
        (63, "6,300%"),
    ],
)
def test_a_share_is_said_in_two_figures_and_never_in_powers(share: float, said: str) -> None:
    assert percent(share) == said


def test_a_moment_is_told_by_the_clock_of_this_machine() -> None:
    made_s = time.mktime((2026, 7, 5, 9, 3, 59, 0, 0, -1))
    assert moment(made_s) == "2026-07-05 09:03"
    assert moment_in_brief(made_s) == "2026-07-05"
    now_s = time.time()
    assert moment_in_brief(now_s) in (moment(now_s)[11:], moment(now_s)[:10])  # midnight may lie between
    assert moment_in_brief(now_s - 2 * 86_400) == moment(now_s - 2 * 86_400)[:10]
