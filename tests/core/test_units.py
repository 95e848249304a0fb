"""Numbers in words."""

import pytest

from studio.core.units import size


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_540_000, "1.5 MB"), (726_000, "726 kB"), (2.5e12, "2.5 TB")],
)
def test_bytes_are_told_in_the_unit_that_fits(count: float, words: str) -> None:
    assert size(count) == words
