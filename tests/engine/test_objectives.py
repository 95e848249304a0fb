"""The loss: each row's sum over its trained tokens, the same by hand, flat and padded, in every family; preferences."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional

from studio.core.config import TrainingSpec
from studio.engine import attention, batches, objectives
from tests.models import FAMILIES, random_model


class Rows(list[tuple[NDArray[np.int32], NDArray[np.bool_]]]):
    """Rows in the shape `collate` reads."""


@pytest.fixture
def rows() -> Rows:
    random = np.random.default_rng(0)
    lengths = (12, 5, 31)
    return Rows((random.integers(0, 300, n).astype(np.int32), random.random(n) < 0.5) for n in lengths)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batching", ["flat", "padded"])
def test_row_losses_equal_those_by_hand(rows: Rows, family: str, batching: batches.Batching) -> None:
    model = random_model(family)
    model.eval()
    by_hand = []
    with torch.no_grad():
        for ids, trained in rows:
            tokens = torch.from_numpy(ids.astype(np.int64))
            logits = model(input_ids=tokens[None], use_cache=False).logits[0]
            losses = functional.cross_entropy(logits[:-1].float(), tokens[1:], reduction="none")
            by_hand.append(float(losses[torch.from_numpy(trained[1:])].sum()))
        attention.use(model)
        batch = batches.collate(rows, [batches.Group(np.arange(3))], batching, 0)  # type: ignore[arg-type]
        found = objectives.language_modelling(model, batch)
    torch.testing.assert_close(found, torch.tensor(by_hand), rtol=1e-4, atol=1e-4)


def test_only_supervised_positions_are_projected(rows: Rows) -> None:
    model = random_model("llama")
    batch = batches.collate(rows, [batches.Group(np.arange(3))], "flat", 0)  # type: ignore[arg-type]
    seen: list[int] = []
    model.get_output_embeddings().register_forward_hook(lambda m, i, o: seen.append(i[0][..., 0].numel()))
    attention.use(model)
    logits = objectives.supervised_logits(model, batch)
    supervised = sum(int(trained[1:].sum()) for _, trained in rows)
    assert seen == [supervised]
    assert logits.shape == (supervised, 304)
    assert logits.dtype == torch.float32


def test_the_losses_of_preferences_are_those_of_the_papers_and_carry_gradient_alone() -> None:
    nats = torch.tensor([3.0, 5.0, 2.0, 1.0], requires_grad=True)
    base, counts = torch.tensor([4.0, 4.0, 2.0, 2.0]), torch.tensor([2, 4, 1, 2])
    found = objectives.preference(nats, base, 0.5)
    margins = [0.5 * ((4 - 3) - (4 - 5)), 0.5 * ((2 - 2) - (2 - 1))]
    expected = [[math.log(1 + math.exp(-margin)), float(margin > 0), margin] for margin in margins]
    torch.testing.assert_close(found, torch.tensor(expected))
    found.sum().backward()
    slopes = [-0.5 / (1 + math.exp(margin)) for margin in margins]
    torch.testing.assert_close(nats.grad, torch.tensor([-slopes[0], slopes[0], -slopes[1], slopes[1]]))
    apart = [(4 - 3) / 2 - (4 - 5) / 4, (2 - 2) / 1 - (2 - 1) / 2]
    expected = [[(gap - 1 / (2 * 0.25)) ** 2, float(gap > 0), 0.25 * gap] for gap in apart]
    torch.testing.assert_close(objectives.ipo(nats, base, counts, 0.25).detach(), torch.tensor(expected))
    wins = [2 * (-3 / 2 + 5 / 4), 2 * (-2 / 1 + 1 / 2)]
    expected = [[math.log(1 + math.exp(-(win - 0.75))), 0.0, win] for win in wins]
    torch.testing.assert_close(objectives.simpo(nats, counts, 2.0, 0.75).detach(), torch.tensor(expected))
    logs = [-3 / 2, -5 / 4, -2, -1 / 2]
    odds = [math.exp(log) / (1 - math.exp(log)) for log in logs]
    expected = [
        [-logs[at] + 0.3 * math.log(1 + odds[at + 1] / odds[at]), 0.0, 0.3 * (logs[at] - logs[at + 1])] for at in (0, 2)
    ]
    torch.testing.assert_close(objectives.orpo(nats, counts, 0.3).detach(), torch.tensor(expected))


def compared(objective: Any, **settings: Any) -> Callable[..., torch.Tensor]:
    """Returns what compares answers of given losses, the base's losses and counts as an objective does."""
    spec = TrainingSpec(objective=objective, **settings)
    return lambda losses, base, counts: objectives.preferred(spec, losses, base, counts)


NATS = st.floats(0.0, 200.0, width=32)
COMPARING = ("dpo", "ipo", "orpo", "simpo")


@pytest.mark.parametrize("objective", COMPARING)
@given(
    answers=st.lists(st.tuples(NATS, NATS, st.integers(1, 50)), min_size=2, max_size=2),
    beta=st.floats(0.01, 5.0),
)
def test_a_preference_is_finite_and_its_gradient_pulls_the_better_answer_up(
    objective: str, answers: list[tuple[float, float, int]], beta: float
) -> None:
    losses, base, counts = (torch.tensor(column) for column in zip(*answers, strict=True))
    losses = losses.float().requires_grad_()
    found = compared(objective, beta=beta)(losses, base.float(), counts)
    found.sum().backward()
    assert losses.grad is not None
    assert bool(found.isfinite().all())
    assert bool(losses.grad.isfinite().all())
    ((loss, preferred, margin),) = found.tolist()
    assert loss >= 0
    assert preferred == (margin > 0)
    up, down = losses.grad.tolist()
    # A lower cross-entropy of the better answer, and a higher one of the worse, lower the loss.
    if objective != "ipo":
        assert up >= 0 >= down
    else:
        assert up * down <= 0
        assert (up > 0) == (margin / beta < 1 / (2 * beta)) or math.isclose(margin, 0.5, rel_tol=1e-3)


@pytest.mark.parametrize("objective", COMPARING)
@given(numbers=st.lists(st.tuples(NATS, NATS, st.integers(1, 50)), min_size=4, max_size=8), data=st.data())
def test_rows_are_compared_alone(objective: str, numbers: list[tuple[float, float, int]], data: st.DataObject) -> None:
    numbers = numbers[: len(numbers) // 2 * 2]
    losses, base, counts = (torch.tensor(column) for column in zip(*numbers, strict=True))
    whole = compared(objective)(losses.float(), base.float(), counts)
    at = data.draw(st.integers(0, len(whole) - 1))
    pair = slice(2 * at, 2 * at + 2)
    alone = compared(objective)(losses[pair].float(), base[pair].float(), counts[pair])
    torch.testing.assert_close(whole[at], alone[0])


def test_an_answer_that_is_certain_has_finite_odds() -> None:
    losses = torch.tensor([0.0, 3.0, 0.0, 0.0], requires_grad=True)
    found = objectives.orpo(losses, torch.tensor([2, 2, 1, 1]), 0.1)
    found[:, 0].sum().backward()
    assert losses.grad is not None
    assert bool(found.isfinite().all() & losses.grad.isfinite().all())


@given(
    rows=st.lists(st.tuples(NATS, NATS, st.booleans()), min_size=1, max_size=6),
    baseline=st.floats(0.0, 10.0),
    beta=st.floats(0.01, 2.0),
    weights=st.tuples(st.floats(0.1, 3.0), st.floats(0.1, 3.0)),
)
def test_a_good_answer_is_pulled_up_and_a_bad_one_down(
    rows: list[tuple[float, float, bool]], baseline: float, beta: float, weights: tuple[float, float]
) -> None:
    nats, base, labels = (list(column) for column in zip(*rows, strict=True))
    losses = torch.tensor(nats, requires_grad=True)
    spec = TrainingSpec(objective="kto", beta=beta, desirable_weight=weights[0], undesirable_weight=weights[1])
    found = objectives.kto(losses, torch.tensor(base), torch.tensor(labels), torch.tensor(baseline), spec)
    found[:, 0].sum().backward()
    assert losses.grad is not None
    for (one, other, good), (loss, right, reward), slope in zip(
        rows, found.tolist(), losses.grad.tolist(), strict=True
    ):
        weight, sign = (weights[0], 1) if good else (weights[1], -1)
        ratio = other - one
        pull = max(-700.0, min(700.0, beta * sign * (ratio - baseline)))
        likely = 1 / (1 + math.exp(-pull))
        assert loss == pytest.approx(weight * (1 - likely), rel=1e-4, abs=1e-5)
        assert reward == pytest.approx(beta * sign * ratio, rel=1e-4, abs=1e-4)
        assert right == (reward > 0)
        assert slope == pytest.approx(weight * beta * sign * likely * (1 - likely), rel=1e-3, abs=1e-5)
