"""NEFTune: noise of the right size on every row's embeddings, in training steps and nowhere else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers.integrations.neftune import neftune_post_forward_hook

from studio.core import runs
from studio.engine import attention, batches, neftune, objectives, session, step
from studio.engine.batches import Group, MicroBatch
from tests.engine.test_prefix import tokens_of
from tests.models import FAMILIES, random_model
from tests.training import config, losses, preferring, trained

LENGTHS, ALPHA = (31, 5, 12), 5.0
SHARING = "a common beginning computed once"


def batch_of(lengths: tuple[int, ...], batching: batches.Batching) -> MicroBatch:
    random = np.random.default_rng(0)
    rows = [random.integers(3, 300, n).tolist() for n in lengths]
    tokens = tokens_of(rows, [n // 2 for n in lengths])
    return batches.collate(tokens, [Group(np.arange(len(rows)))], batching, 0)


def places(batch: MicroBatch, row: int) -> tuple[int, slice]:
    """Returns where a row lies: in which sequence, and where in it."""
    if batch.segments is None:
        assert batch.attention_mask is not None
        return row, slice(0, int(batch.attention_mask[row].sum()))
    before = sum(segment.tokens for segment in batch.segments[:row])
    return 0, slice(before, before + batch.segments[row].tokens)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batching", ["flat", "padded"])
def test_losses_equal_those_of_rows_alone_with_the_same_noise(family: str, batching: batches.Batching) -> None:
    model, batch = random_model(family).eval(), batch_of(LENGTHS, batching)
    by_hand = []
    with torch.no_grad():
        embedded = model.get_input_embeddings()(batch.input_ids)
        torch.manual_seed(3)
        drawn = torch.rand(embedded.shape) * 2 - 1
        for row, length in enumerate(LENGTHS):
            noisy = embedded + drawn * (ALPHA / (length * embedded.shape[2]) ** 0.5)
            sequence, where = places(batch, row)
            logits = model(inputs_embeds=noisy[sequence, where][None], use_cache=False).logits[0]
            kept = batch.keep[sequence, where]
            targets = batch.targets[batch.owners == row]
            by_hand.append(functional.cross_entropy(logits[kept].float(), targets, reduction="sum"))
        attention.use(model)
        plain = objectives.language_modelling(model, batch)
        torch.manual_seed(3)
        with neftune.noised(model, batch, ALPHA):
            found = objectives.language_modelling(model, batch)
        after = objectives.language_modelling(model, batch)
    torch.testing.assert_close(found, torch.stack(by_hand), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, plain, rtol=1e-3)
    assert torch.equal(after, plain)


def noise(batch: MicroBatch, alpha: float) -> torch.Tensor:
    """Returns what is added to a pass's embeddings."""
    model = random_model("llama")
    table = model.get_input_embeddings()
    with torch.no_grad(), neftune.noised(model, batch, alpha):
        found: torch.Tensor = table(batch.input_ids)
    plain: torch.Tensor = table(batch.input_ids).detach()
    return found - plain


def test_each_row_has_noise_of_the_size_that_its_length_means() -> None:
    lengths = (1600, 100)
    batch = batch_of(lengths, "flat")
    found = noise(batch, ALPHA)
    for row, length in enumerate(lengths):
        sequence, where = places(batch, row)
        own, bound = found[sequence, where], ALPHA / (length * found.shape[2]) ** 0.5
        assert own.abs().max() <= bound * 1.001
        assert float(own.abs().mean()) == pytest.approx(bound / 2, rel=0.03)
        assert abs(float(own.mean())) < 0.03 * bound
    assert not noise(batch, 0.0).any()


def test_a_row_by_itself_has_the_noise_of_transformers() -> None:
    batch = batch_of((40,), "padded")
    torch.manual_seed(1)
    found = noise(batch, ALPHA)
    table = torch.nn.Embedding(300, found.shape[2]).train()
    # The last token, which predicts nothing, is not fed here and counts all the same.
    table.neftune_noise_alpha = ALPHA * (39 / 40) ** 0.5
    torch.manual_seed(1)
    theirs = neftune_post_forward_hook(table, None, torch.zeros_like(found))
    torch.testing.assert_close(found, theirs, rtol=1e-4, atol=1e-6)


def test_only_training_steps_have_noise(tmp_path: Path) -> None:
    still: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "data": {"eval_split": 0.2}, "max_steps": 2}
    plain = trained(config(tmp_path, **still), tmp_path / "plain")
    noisy = trained(config(tmp_path, **still, neftune_noise_alpha=ALPHA), tmp_path / "noisy")
    assert losses(plain)[0] != losses(noisy)[0]
    prepared = [run.progress().prepared for run in (plain, noisy)]
    assert [found.plain.get(SHARING, "") for found in prepared if found] == ["", "noise is drawn anew for each row"]
    again = trained(config(tmp_path, **still, neftune_noise_alpha=ALPHA, activation_checkpointing=True), tmp_path / "a")
    assert losses(again) == pytest.approx(losses(noisy), rel=1e-5)


@pytest.mark.parametrize(
    "adapter", [{"modules_to_save": ["embed_tokens"]}, {"target_modules": ["embed_tokens", "q_proj"]}]
)
def test_embeddings_that_are_trained_have_noise_too(tmp_path: Path, adapter: dict[str, Any]) -> None:
    still: dict[str, Any] = {"adapter": {"lora_dropout": 0.0} | adapter, "max_steps": 2}
    plain, noisy = (
        trained(config(tmp_path, **still, neftune_noise_alpha=alpha), tmp_path / f"run-{alpha}")
        for alpha in (0.0, ALPHA)
    )
    assert losses(plain)[0] != pytest.approx(losses(noisy)[0], rel=1e-4)


def test_an_evaluation_has_no_noise(tmp_path: Path) -> None:
    scores = []
    for alpha in (0.0, ALPHA):
        whole = config(tmp_path, adapter={"lora_dropout": 0.0}, data={"eval_split": 0.2}, neftune_noise_alpha=alpha)
        current = session.prepare(runs.create(whole, tmp_path / f"run-{alpha}"), lambda event: None)
        assert current.corpus.evaluation is not None
        scores.append(step.evaluate(current, current.corpus.evaluation).loss)
        rows = step.plan(current, 0)[0]
        step.take(current, rows, step.lay_out(current, rows))
        assert not current.bare.get_input_embeddings()._forward_hooks
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)


def test_two_answers_have_noise_each(tmp_path: Path) -> None:
    told = [
        trained(preferring(tmp_path, rows=8, max_steps=2, neftune_noise_alpha=alpha), tmp_path / f"run-{alpha}")
        for alpha in (0.0, ALPHA)
    ]
    # Before anything is learned the answers are the base's own, but for the noise.
    assert losses(told[0])[0] == pytest.approx(np.log(2), abs=1e-6)
    assert losses(told[1])[0] != pytest.approx(np.log(2), abs=1e-6)
