"""A common beginning computed once: the same losses and gradients as every row by itself, in every family."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core import runs
from studio.core.config import AdapterSpec
from studio.engine import adapters, attention, batches, objectives, prefix, session, step
from studio.engine.batches import Group, Segment
from studio.engine.tokens import Tokens
from tests.engine.test_lora import assert_same, lively
from tests.models import FAMILIES, random_model
from tests.training import config

CPU = torch.device("cpu")
STILL = {"attention_dropout": 0.0, "dropout": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}


def tokens_of(rows: list[list[int]], trained_from: list[int]) -> Tokens:
    """Returns rows of these ids, learned from these places on."""
    offsets = np.cumsum([0, *map(len, rows)])
    trained = np.concatenate([np.arange(len(row)) >= start for row, start in zip(rows, trained_from, strict=True)])
    ids = np.concatenate(rows).astype(np.int32)
    places, starts = np.arange(len(rows)), np.zeros(len(rows), np.int64)
    return Tokens(ids, trained, offsets, places, starts, np.diff(offsets).astype(np.int32), 0, [])


def results(model: Any, tokens: Tokens, passes: list[Group]) -> list[torch.Tensor]:
    """Returns the rows' losses, by row, and the gradients of all passes together."""
    model.zero_grad()
    losses = torch.zeros(len(tokens))
    for group in passes:
        batch = batches.collate(tokens, [group], "flat", 0)
        found = objectives.language_modelling(model, batch)
        found.sum().backward()
        losses[torch.from_numpy(group.rows)] = found.detach()
    return [losses, *(p.grad for p in model.parameters() if p.grad is not None)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("window", [None, 16])
def test_losses_and_gradients_equal_those_of_rows_alone(family: str, window: int | None) -> None:
    sliding = {"sliding_window": window} if window and family in ("mistral", "mixtral", "phi3", "gemma3") else {}
    model = lively(adapters.attach(random_model(family, **sliding, **STILL), AdapterSpec(r=4))).train()
    assert attention.use(objectives.bare(model))
    random = np.random.default_rng(0)
    system = random.integers(0, 300, 24).tolist()
    rows = [[*system, *random.integers(0, 300, n).tolist()] for n in (30, 2, 9)]
    tokens = tokens_of(rows, [30, 25, 27])
    groups = prefix.groups(tokens, np.arange(3))
    assert [(group.tolist(), shared) for group, shared in groups] == [([0, 1, 2], 24)]
    alone = results(model, tokens, [Group(np.array([row])) for row in range(3)])
    assert_same(results(model, tokens, groups), alone, 1e-5)


@given(
    kinds=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40), st.integers(0, 30)), min_size=1, max_size=8),
    beginning=st.integers(0, 40),
)
@settings(max_examples=60, deadline=None)
def test_groups_hold_every_row_once_and_share_only_what_is_common_and_not_learned(
    kinds: list[tuple[int, int, int]], beginning: int
) -> None:
    systems = np.random.default_rng(1).integers(0, 5, (3, beginning))
    rows = [[*systems[kind].tolist(), *range(kind, kind + length)] for kind, length, _ in kinds]
    tokens = tokens_of(rows, [min(start, len(row) - 1) for (_, _, start), row in zip(kinds, rows, strict=True)])
    groups = prefix.groups(tokens, np.arange(len(rows)))
    assert sorted(row for group, _ in groups for row in group.tolist()) == list(range(len(rows)))
    for group, shared in groups:
        assert shared == 0 or (shared >= 16 and len(group) > 1)
        assert len({tuple(tokens[row][0][:shared].tolist()) for row in group.tolist()}) == 1
        for row in group.tolist():
            ids, trained = tokens[row]
            assert len(ids) > shared
            assert not (shared and trained[: shared + 1].any())


def test_shared_tokens_are_laid_down_once_and_counted_for_every_row() -> None:
    tokens = tokens_of([[*range(20), 1, 2], [*range(20), 3, 4, 5]], [21, 22])
    batch = batches.collate(tokens, [Group(np.array([1, 0]), 20)], "flat", 0)
    assert batch.input_ids.tolist() == [[*range(20), 3, 4, 1]]
    assert batch.position_ids is not None
    assert batch.position_ids.tolist() == [[*range(20), 20, 21, 20]]
    assert batch.segments == (Segment(20), Segment(2, 0), Segment(1, 0))
    assert (batch.tokens, batch.targets.tolist()) == (45, [5, 2])


@pytest.mark.parametrize(
    ("family", "settings", "adapter", "expected"),
    [
        ("llama", {}, {}, False),
        ("llama", {}, {"lora_dropout": 0.1}, True),
        ("llama", {"attention_dropout": 0.1}, {}, True),
        ("gpt2", {}, {}, True),
        ("opt", {}, {}, True),
        ("opt", STILL, {}, False),
    ],
)
def test_dropout_is_found(family: str, settings: dict[str, Any], adapter: dict[str, Any], expected: bool) -> None:
    model = adapters.attach(random_model(family, **settings), AdapterSpec(r=4, **adapter))
    assert prefix.draws(model, 300, CPU) == expected


def evaluated(current: session.Session) -> list[torch.Tensor]:
    """Returns the evaluation rows' loss and that of each row."""
    part = current.corpus.evaluation
    assert part is not None
    score = step.evaluate(current, part)
    losses = torch.zeros(len(part))
    with torch.no_grad():
        for groups in step.evaluation_passes(current, part):
            batch = step.collated(current, part, groups)
            losses[torch.from_numpy(batch.rows)] = step.sequence_losses(current, current.bare, batch)
    return [torch.tensor(score.loss), losses]


def test_evaluation_with_common_beginnings_equals_that_of_rows_by_themselves(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=8, adapter={"lora_dropout": 0.0}, micro_batch_tokens=90)
    current = session.prepare(runs.create(whole, tmp_path / "run"), lambda event: None)
    lively(current.bare)
    assert current.choices.shares
    by_themselves = replace(current.choices, shares=False)

    @given(
        kinds=st.lists(st.tuples(st.integers(0, 3), st.integers(2, 60), st.floats(0, 1)), max_size=12),
        beginning=st.integers(17, 40),
        seed=st.integers(0, 2**16),
    )
    @settings(max_examples=40, deadline=None)
    def equal(kinds: list[tuple[int, int, float]], beginning: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        systems = random.integers(3, 300, (4, beginning))
        # Two rows at least have something in common.
        kinds = [(0, 30, 0.5), *kinds, (0, 2, 0.0)]
        rows = [[*systems[kind].tolist(), *random.integers(3, 300, own).tolist()] for kind, own, _ in kinds]
        starts = [beginning + 1 + int(share * (own - 2)) for _, own, share in kinds]
        current.corpus.evaluation = part = tokens_of(rows, starts)
        chosen = current.choices
        found = evaluated(current)
        assert any(group.shared for groups in step.evaluation_passes(current, part) for group in groups)
        current.choices = by_themselves
        try:
            assert_same(found, evaluated(current), 1e-5)
        finally:
            current.choices = chosen

    equal()
