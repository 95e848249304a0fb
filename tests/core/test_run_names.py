"""Runs are found by what they were called, as people write it."""

from dataclasses import replace

import pytest

from studio.core import runs
from studio.core.errors import StudioError
from tests.core.test_runs import config


def test_a_run_is_found_by_the_name_that_it_was_given() -> None:
    plain, other = (runs.create(replace(config(), name=name)) for name in ("shop b=2", "shop b=2 r=4"))
    assert runs.find("shop b=2") == plain
    assert runs.find("b=2 r=4") == other
    for nothing in ("!!", "-zz-"):
        with pytest.raises(StudioError, match="There is no run"):
            runs.find(nothing)
    assert runs.find("-r-4-") == other, "a part as it is written comes first"
    with pytest.raises(StudioError, match="could mean 2 runs"):
        runs.find("shop-b")
    for _ in range(5):
        runs.create(replace(config(), name="shop b=3"))
    with pytest.raises(StudioError, match=r"could mean 7 runs: .* and 2 more"):
        runs.find("shop")
