"""Which rows make up which step: every row once, nothing over its bounds, the same from the same seed."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from studio.core.config import Sampling, TrainingSpec
from studio.engine import batches
from studio.engine.batches import Group, Rows, even_fit, next_fit, plan_epoch

lengths_of_rows = st.lists(st.integers(1, 64), min_size=1, max_size=200).map(lambda n: np.array(n, np.int64))
STRATEGIES: list[Sampling] = ["random", "group_by_length", "sequential"]


def flat(plan: list[list[Rows]]) -> list[int]:
    return [int(row) for step in plan for rows in step for row in rows]


@given(
    lengths=lengths_of_rows,
    size=st.integers(1, 9),
    accumulation=st.integers(1, 4),
    strategy=st.sampled_from(STRATEGIES),
    packed=st.booleans(),
    epoch=st.integers(0, 3),
    world=st.integers(1, 3),
)
def test_every_row_is_in_an_epoch_exactly_once(
    lengths: Rows, size: int, accumulation: int, strategy: Sampling, packed: bool, epoch: int, world: int
) -> None:
    spec = TrainingSpec(
        per_device_train_batch_size=size, gradient_accumulation_steps=accumulation, train_sampling_strategy=strategy
    )
    plan = plan_epoch(lengths, spec, 64 if packed else None, epoch, world)
    assert sorted(flat(plan)) == list(range(len(lengths)))
    assert all(len(step) == accumulation * world for step in plan[:-1])
    for rows in (rows for step in plan for rows in step):
        assert lengths[rows].sum() <= size * 64 if packed else len(rows) <= size
    again = plan_epoch(lengths, spec, 64 if packed else None, epoch, world)
    assert flat(again) == flat(plan)
    first = plan_epoch(lengths, spec, 64 if packed else None, 0, world)
    assert len(plan) == len(first)


def test_order_depends_on_seed_and_epoch_and_sequential_on_neither() -> None:
    lengths = np.arange(1, 101)
    orders = [flat(plan_epoch(lengths, TrainingSpec(seed=seed), None, epoch)) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    kept = TrainingSpec(train_sampling_strategy="sequential")
    assert flat(plan_epoch(lengths, kept, None, 3)) == list(range(100))
    assert flat(plan_epoch(lengths, kept, 128, 3)) == list(range(100))


def test_packing_fills_sequences_nearly_full() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 5000)
    spec = TrainingSpec(per_device_train_batch_size=1)
    sequences = len(plan_epoch(lengths, spec, 512, 0))
    assert lengths.sum() / (sequences * 512) > 0.99


def test_grouping_by_length_saves_padding() -> None:
    lengths = np.random.default_rng(0).integers(5, 500, 2000)

    def padded(strategy: Sampling) -> int:
        plan = plan_epoch(lengths, TrainingSpec(train_sampling_strategy=strategy), None, 0)
        return sum(int(lengths[rows].max()) * len(rows) for step in plan for rows in step)

    assert padded("group_by_length") < 0.7 * padded("random")


@pytest.mark.parametrize(("strategy", "max_length"), [("group_by_length", None), ("random", 64)])
def test_the_longest_rows_come_at_any_time(strategy: Sampling, max_length: int | None) -> None:
    lengths = np.random.default_rng(0).permutation(np.arange(1, 65))
    spec = TrainingSpec(per_device_train_batch_size=2, train_sampling_strategy=strategy)
    plans = [plan_epoch(lengths, spec, max_length, epoch) for epoch in range(8)]
    first = {next(at for at, [rows] in enumerate(plan) if 64 in lengths[rows]) for plan in plans}
    assert len(first) > 4


@given(lengths=lengths_of_rows, size=st.integers(1, 4))
def test_evaluation_sees_every_row_within_the_token_budget(lengths: Rows, size: int) -> None:
    parts = batches.evaluation_batches(lengths, size * 64)
    assert sorted(int(row) for rows in parts for row in rows) == list(range(len(lengths)))
    assert all(len(rows) * lengths[rows].max() <= size * 64 for rows in parts)


@dataclass
class FewRows:
    """Three rows in the shape `collate` reads."""

    rows: list[tuple[NDArray[np.int32], NDArray[np.bool_]]]

    def __getitem__(self, i: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        return self.rows[i]


@pytest.fixture
def few() -> FewRows:
    ids = [[5, 6, 7, 8], [9, 10], [11, 12, 13]]
    trained = [[0, 0, 1, 1], [0, 1], [1, 1, 0]]
    return FewRows([(np.array(i, np.int32), np.array(t, bool)) for i, t in zip(ids, trained, strict=True)])


def test_flat_rows_keep_their_own_positions_and_targets(few: FewRows) -> None:
    batch = batches.collate(few, [Group(np.array([2, 0, 1]))], "flat", 0)  # type: ignore[arg-type]
    # What stands behind a row's last prediction is left out.
    assert batch.input_ids.tolist() == [[11, 5, 6, 7, 9]]
    assert batch.position_ids is not None
    assert batch.position_ids.tolist() == [[0, 0, 1, 2, 0]]
    # The first token of a row is never predicted, even where it is trained: nothing stands before it.
    assert batch.targets.tolist() == [12, 7, 8, 10]
    assert batch.owners.tolist() == [0, 1, 1, 2]
    assert batch.keep.nonzero()[:, 1].tolist() == batch.places.tolist() == [0, 2, 3, 4]
    assert (batch.tokens, batch.attention_mask) == (9, None)


def test_padded_rows_have_the_same_targets_in_the_same_order(few: FewRows) -> None:
    rows = np.array([2, 0, 1])
    flat_batch, padded = (batches.collate(few, [Group(rows)], how, 99) for how in ("flat", "padded"))  # type: ignore[arg-type]
    assert padded.input_ids.tolist() == [[11, 99, 99], [5, 6, 7], [9, 99, 99]]
    assert padded.attention_mask is not None
    assert padded.attention_mask.tolist() == [[1, 0, 0], [1, 1, 1], [1, 0, 0]]
    assert torch.equal(padded.targets, flat_batch.targets)
    assert torch.equal(padded.owners, flat_batch.owners)
    assert int(padded.keep.sum()) == len(padded.targets)
    assert torch.equal(padded.keep.flatten().nonzero()[:, 0], padded.places)
    assert padded.tokens == 9


def test_a_row_that_predicts_nothing_is_laid_down_whole() -> None:
    rows = FewRows([(np.arange(n, dtype=np.int32), np.arange(n) < 1) for n in (3, 1)])
    batch = batches.collate(rows, [Group(np.arange(2))], "flat", 0)  # type: ignore[arg-type]
    assert (batch.input_ids.tolist(), batch.targets.tolist()) == ([[0, 1, 2, 0]], [])


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=30), most=st.integers(1, 100))
def test_even_runs_hold_every_row_once_within_the_bound(lengths: list[int], most: int) -> None:
    sizes = np.array(lengths)
    runs = even_fit(sizes, most)
    assert sorted(np.concatenate(runs).tolist()) == list(range(len(sizes)))
    sums = [int(sizes[run].sum()) for run in runs]
    assert all(total <= most or len(run) == 1 for total, run in zip(sums, runs, strict=True))
    assert len(runs) <= len(next_fit(np.sort(sizes)[::-1], most)) + 1


def test_runs_are_even() -> None:
    lengths = np.array([40, 10, 30, 20, 60, 40])
    assert [int(lengths[run].sum()) for run in even_fit(lengths, 100)] == [100, 100]
    assert [run.tolist() for run in even_fit(np.array([50, 10, 10]), 20)] == [[0], [1, 2]]
