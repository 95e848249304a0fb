"""Updates put in order: kinds and layers, several taken as one, and what has learned nothing."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import updates
from studio.core.updates import Cell, Update


def update(name: str = "layers.0.q_proj", norm: float | None = 1.0, base: float | None = 10.0, **more: Any) -> Update:
    return Update(name=name, kind="lora", rank=8, norm=norm, base=base, **more)


def names(*given: str) -> list[tuple[str, list[int | None]]]:
    return [(kind.name, [cell.layer for cell in kind.cells]) for kind in updates.kinds(map(update, given))]


def test_modules_of_a_kind_stand_in_a_row_by_layer_in_the_order_of_a_decoder() -> None:
    found = names(
        "model.layers.10.mlp.down_proj",
        "model.layers.2.mlp.down_proj",
        "lm_head",
        "model.layers.2.self_attn.q_proj",
        "model.layers.2.input_layernorm",
    )
    assert found == [("q_proj", [2]), ("down_proj", [2, 10]), ("input_layernorm", [2]), ("lm_head", [None])]


def test_kinds_are_named_as_briefly_as_still_tells_them_apart() -> None:
    found = names(
        "text.layers.0.attn.q_proj",
        "vision.layers.0.attn.q_proj",
        "text.layers.0.attn.q_proj.bias",
        "norm",
        "text.norm",
    )
    assert [name for name, _ in found] == [
        "text.layers.attn.q_proj",
        "vision.layers.attn.q_proj",
        "q_proj.bias",
        "norm",
        "text.norm",
    ]


def test_names_of_any_kind_and_number_are_told_apart_quickly() -> None:
    every = [f"model.part{at}.layers.3.q_proj" for at in range(20_000)]
    assert len({name for name, _ in names(*every)}) == len(every)
    assert updates.layer_of(f"model.layers.{'9' * 5000}.x") is None


def test_experts_of_a_layer_are_one_cell() -> None:
    experts = [update(f"model.layers.{at // 3}.mlp.experts.{at % 3}.w1", norm=3.0, base=4.0) for at in range(6)]
    (kind,) = updates.kinds(experts)
    assert (kind.name, [cell.layer for cell in kind.cells]) == ("w1", [0, 1])
    (cell, _) = kind.cells
    assert len(cell.updates) == 3
    assert cell.norm == pytest.approx(math.sqrt(27))
    assert cell.share == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("name", "layer"),
    [("model.layers.31.mlp.up_proj", 31), ("transformer.h.0.attn.c_attn", 0), ("lm_head", None), ("encoder2.x", None)],
)
def test_the_layer_is_the_first_number_between_dots(name: str, layer: int | None) -> None:
    assert updates.layer_of(name) == layer


def test_what_is_not_known_of_one_is_not_known_of_all() -> None:
    known, unknown = update(), update(norm=None)
    assert Cell(0, (known, unknown)).norm is None
    assert Cell(0, (known, update(base=None))).share is None
    assert Cell(0, (known, update(base=None))).norm == pytest.approx(math.sqrt(2))
    assert Cell(0, (known, known)).rank_used is None
    assert updates.together([]) is None
    assert update(base=None).share is None
    assert update(norm=0.0, base=0.0).share is None


def test_rank_used_is_the_mean_of_the_shares() -> None:
    assert Cell(0, (update(effective_rank=2.0), update(effective_rank=6.0))).rank_used == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("norm", "base", "nothing"),
    [
        (0.0, None, True),
        (0.0, 10.0, True),
        (1e-7, 10.0, True),
        (1e-3, 10.0, False),
        (1e-6, None, False),
        (None, 1.0, False),
    ],
)
def test_a_module_has_learned_nothing_where_rounding_alone_is_left(
    norm: float | None, base: float | None, nothing: bool
) -> None:
    assert update(norm=norm, base=base).nothing is nothing
    assert Cell(0, (update(norm=norm, base=base),)).nothing is nothing


def test_two_adapters_are_as_alike_as_all_their_modules_together() -> None:
    # As of (1, 0, 2) and (1, 3, 0): the second module is the other's alone, the third is this one's.
    found = [
        update(norm=1.0, other=1.0, cosine=1.0),
        update(norm=0.0, other=3.0, only="second"),
        update(norm=2.0, other=0.0, only="first"),
    ]
    assert [one.apart for one in found] == [0.0, 3.0, 2.0]
    assert Cell(0, tuple(found)).apart_share == pytest.approx(math.sqrt(13 / 300))
    assert not any(one.nothing for one in found)
    assert [update(other=1.0).apart, update(norm=None, other=1.0).apart] == [None, None]
    assert updates.angle(found) == pytest.approx(1 / math.sqrt(5 * 10))
    assert updates.angle(found[1:2]) is None
    assert updates.angle([update(other=None)]) is None
    assert updates.angle([*found, update(other=1.0)]) is None
    assert Cell(0, tuple(found)).other == pytest.approx(math.sqrt(10))
    assert Cell(0, tuple(found)).other_share == pytest.approx(math.sqrt(10) / math.sqrt(300))


@given(
    st.builds(
        Update,
        name=st.sampled_from(["lm_head", "model.layers.3.q_proj"]),
        kind=st.sampled_from(["lora", "dora", "whole"]),
        rank=st.integers(0, 64),
        norm=st.none() | st.floats(0, 1e6),
        base=st.none() | st.floats(0, 1e6),
        effective_rank=st.none() | st.floats(0, 64),
        other=st.none() | st.floats(0, 1e6),
        cosine=st.none() | st.floats(-1, 1),
        only=st.sampled_from(["", "first", "second"]),
    )
)
def test_plain_data_and_back(made: Update) -> None:
    told = updates.to_dict(made)
    assert updates.from_dict(told) == made
    assert (told["layer"], told["share"], told["nothing"]) == (
        updates.layer_of(made.name),
        made.share,
        made.nothing,
    )
