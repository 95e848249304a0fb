"""Several values tried: every combination once, named by what is its own, and nothing made of what is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import sweep
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from tests.core.test_runs import config


def test_each_combination_is_a_config_of_its_own() -> None:
    base = replace(config(), name="mine")
    found = sweep.combinations(base, ["learning_rate=1e-4, 2e-4", "adapter.r=8,16"])
    assert [(one.training.learning_rate, one.adapter.r) for one in found] == [
        (1e-4, 8),
        (1e-4, 16),
        (2e-4, 8),
        (2e-4, 16),
    ]
    assert found[1].name == "mine learning_rate=1e-4, r=16"
    plain = [replace(one, name="mine", training=base.training, adapter=base.adapter) for one in found]
    assert plain == [base] * 4, "all else is as it was"


def test_lists_and_texts_are_values_too() -> None:
    tries = ["target_modules=all-linear,[q_proj,v_proj],'.*(up|down)_proj'", "optim=adamw_torch"]
    found = sweep.combinations(config(), tries)
    assert [one.adapter.target_modules for one in found] == ["all-linear", ["q_proj", "v_proj"], ".*(up|down)_proj"]


def test_a_value_named_twice_is_tried_once() -> None:
    found = sweep.combinations(config(), ["seed=1,2,,1, 2"])
    assert [one.training.seed for one in found] == [1, 2]
    rates = sweep.combinations(config(), ["learning_rate=1e-4,0.0001"])
    assert len(rates) == 1, "written in two ways"


def test_paths_are_read_from_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = sweep.combinations(config(), ["data.path=a.jsonl,it's.jsonl"])
    assert [one.data.path for one in found] == [str(tmp_path / "a.jsonl"), str(tmp_path / "it's.jsonl")]


def test_names_that_have_to_be_cut_are_told_apart_by_a_number() -> None:
    long = "x" * 120
    found = sweep.combinations(config(), [f"target_modules={long}1,{long}2"])
    assert len({one.name for one in found}) == 2


@pytest.mark.parametrize(
    ("tries", "words"),
    [
        (["seed"], "tries no values"),
        (["seed=,"], "tries no values"),
        (["seed=1", "training.seed=2"], "`training.seed` is tried twice"),
        (["name=a,b"], "Names are not tried"),
        (["sed=1,2"], "no setting `sed`"),
        (["path=a,b"], "could mean"),
        (["r=8,0"], "`adapter.r` should be greater"),
        ([f"seed={','.join(map(str, range(sweep.MOST + 1)))}"], "These are 51 combinations"),
        (["seed=1,2,3,4,5,6,7,8", "r=1,2,3,4,5,6,7"], "These are 56 combinations"),
    ],
)
def test_what_cannot_be_tried_is_refused_by_name(tries: list[str], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        sweep.combinations(config(), tries)


@given(name=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=100), rate=st.floats(1e-9, 10))
def test_names_are_as_short_as_a_config_wants_them(name: str, rate: float) -> None:
    base: RunConfig = replace(config(), name=name)
    found = sweep.combinations(base, [f"learning_rate={rate!r}", "seed=1,2"])
    assert [one.training.learning_rate for one in found] == [rate, rate]
    assert all((one.name or "").endswith(f"seed={one.training.seed}") and len(one.name or "") <= 60 for one in found)
