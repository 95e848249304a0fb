"""The loss: each row's sum over its trained tokens, the same by hand, flat and padded, in every family."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

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
