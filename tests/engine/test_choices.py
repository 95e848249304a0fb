"""Which fast paths a model takes: by trial, with a reason for each that is left out, and the same losses either way."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.core.config import AdapterSpec, DataSpec, RunConfig, TrainingSpec
from studio.engine import adapters, batches, choices, memory, objectives, products, rotary
from studio.engine.choices import choose
from studio.engine.model import context
from studio.engine.trial import Trial
from tests.engine.test_prefix import tokens_of
from tests.models import FAMILIES, random_model, tiny
from tests.training import config, losses, trained

CPU = torch.device("cpu")
SHARING = "a common beginning computed once"
TAIL = "the last layer where it is read"
LORA, MLP, PROJECTIONS = "LoRA's passes written out", "gated MLPs written out", "queries, keys and values written out"


def chosen(family: str, adapter: dict[str, Any] | None = None, **settings: Any) -> choices.Choices:
    spec = AdapterSpec(r=4, **(adapter or {}))
    whole = RunConfig(data=DataSpec(path="-"), adapter=spec, training=TrainingSpec())
    return choose(adapters.attach(random_model(family, **settings), spec), whole, CPU)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_takes_the_fast_paths_or_says_why_not(family: str) -> None:
    found = chosen(family)
    left = {SHARING: "dropout draws anew for each row"} if family in ("gpt2", "opt") else {}
    left |= {TAIL: "the last layer has no MLP by that name"} if family == "opt" else {}
    assert found.plain == left
    assert (found.batching, found.chunked, found.shares) == ("flat", True, SHARING not in left)
    assert found.trimmed == (TAIL not in left)


@pytest.mark.parametrize(
    ("family", "adapter", "settings", "names"),
    [
        ("llama", {"use_dora": True}, {}, {LORA, MLP, PROJECTIONS}),
        ("llama", {"modules_to_save": ["lm_head"]}, {}, {"loss in chunks"}),
        ("llama", {"method": "full"}, {}, {LORA, MLP, "loss in chunks", "norms written out"}),
        ("gemma3", {}, {"final_logit_softcapping": 5.0}, {"loss in chunks"}),
        ("llama", {}, {"attention_chunk_size": 8}, {"attention row by row", SHARING}),
        ("opt", {}, {"attention_chunk_size": 8}, {"attention row by row", "rows end to end", SHARING, TAIL}),
    ],
)
def test_what_a_model_does_not_allow_is_named(
    family: str, adapter: dict[str, Any], settings: dict[str, Any], names: set[str]
) -> None:
    found = chosen(family, adapter, **settings)
    assert set(found.plain) == names
    assert all(found.plain.values())
    assert found.chunked == ("loss in chunks" not in names)


def test_a_model_that_mixes_rows_or_changes_its_logits_is_found_out() -> None:
    assert not Trial(random_model("opt"), CPU, torch.float32).end_to_end()
    capped = random_model("gemma3", final_logit_softcapping=5.0).requires_grad_(False)
    assert not Trial(capped, CPU, torch.float32).in_chunks()


def test_passes_hold_every_row_within_the_bound() -> None:
    tokens = tokens_of([[*range(20), *range(n, 2 * n)] for n in (30, 5, 60, 8, 9)], [22] * 5)
    bounded = choices.Choices("flat", 50, True, True, True, {})
    passes = bounded.passes(tokens, [np.array([3, 1]), np.array([0, 2, 4])])
    assert [[(rows.tolist(), shared) for rows, shared in groups] for groups in passes] == [
        [([2], 20)],
        [([0], 20)],
        [([3, 1, 4], 20)],
    ]
    flat = choices.Choices("flat", 50, True, True, False, {}).passes(tokens, [np.arange(5)])
    assert sorted(rows.tolist() for groups in flat for rows, _ in groups) == [[row] for row in range(5)]
    padded = choices.Choices("padded", 50, True, True, False, {}).passes(tokens, [np.arange(2), np.arange(2, 5)])
    assert [rows.tolist() for groups in padded for rows, _ in groups] == [[0, 1], [2, 3, 4]]


def test_a_pass_has_as_many_tokens_as_asked_for_or_960_on_a_processor(tmp_path: Path) -> None:
    for asked, had in ((0, 960), (90, 90)):
        whole = config(tmp_path, rows=4, max_steps=1, micro_batch_tokens=asked)
        told = trained(whole, tmp_path / f"run{asked}").progress().prepared
        assert told is not None
        assert told.micro_batch_tokens == had


@pytest.mark.parametrize("family", FAMILIES)
def test_twenty_steps_have_the_losses_of_the_plain_paths(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "max_steps": 20, "learning_rate": 1e-3}
    whole = config(tmp_path, family=family, **spec)
    settings = Path(whole.model.path) / "config.json"
    # The base's own dropout would differ with the shape of a batch.
    for name in ("dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop"):
        settings.write_text(settings.read_text().replace(f'"{name}": 0.1', f'"{name}": 0.0'))
    fast = trained(whole, tmp_path / "fast")
    assert set(fast.progress().prepared.plain) == ({TAIL} if family == "opt" else set())  # type: ignore[union-attr]

    def plain(model: Any, *_: Any) -> choices.Choices:
        rotary.undo(model)
        return choices.Choices("padded", 0, False, False, False, {})

    monkeypatch.setattr("studio.engine.session.choose", plain)
    np.testing.assert_allclose(losses(fast), losses(trained(whole, tmp_path / "plain")), rtol=1e-4)


def test_weights_are_laid_out_where_there_is_room_and_no_number_depends_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "_LEAST_MULTIPLICATIONS", 1)
    whole = config(tmp_path, rows=40, max_steps=3, adapter={"lora_dropout": 0.0})
    product, laid_out = products._product, list[bool]()

    def counting(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        laid_out.append(weight.is_mkldnn)
        return product(x, weight, bias)

    monkeypatch.setattr(products, "_product", counting)
    packed = trained(whole, tmp_path / "packed")
    assert any(laid_out)
    laid_out.clear()
    monkeypatch.setattr(memory, "has_room", lambda *_: False)
    assert losses(packed) == losses(trained(whole, tmp_path / "plain"))
    assert laid_out
    assert not any(laid_out)


LONGROPE: dict[str, Any] = {
    "original_max_position_embeddings": 20,
    "rope_parameters": {"rope_type": "longrope", "rope_theta": 10_000.0, "factor": 25.6,
                        "short_factor": [1.0] * 4, "long_factor": [2.0, 3.0, 4.0, 5.0]},
}  # fmt: skip


@pytest.mark.parametrize("batching", ["flat", "padded"])
def test_rows_beyond_the_original_context_share_no_pass_with_others(batching: batches.Batching) -> None:
    model = random_model("phi3", **LONGROPE).requires_grad_(False)
    random = np.random.default_rng(0)
    # 21 tokens of which the last is not read are no longer than 20.
    lengths = (30, 5, 21, 22, 8, 64)
    tokens = tokens_of([random.integers(0, 300, n).tolist() for n in lengths], [1] * 6)
    found = choices.Choices(batching, 960, True, True, False, {}, original=context(model.config).original)
    passes = found.passes(tokens, [np.array([0, 1, 2]), np.array([3, 4, 5])])
    rows = [sorted(np.concatenate([group.rows for group in groups]).tolist()) for groups in passes]
    assert rows == ([[1, 2, 4], [0, 3, 5]] if batching == "flat" else [[1, 2], [4], [0], [3, 5]])
    for groups in passes:
        batch = batches.collate(tokens, groups, batching, 0)
        together = objectives.language_modelling(model, batch)
        for row, loss in zip(batch.rows, together, strict=True):
            alone = batches.collate(tokens, [batches.Group(np.array([row]))], "padded", 0)
            torch.testing.assert_close(loss, objectives.language_modelling(model, alone)[0], rtol=1e-5, atol=0)


def test_a_run_with_rows_beyond_the_original_context_learns_each_as_it_is_alone(tmp_path: Path) -> None:
    tiny("phi3", tmp_path / "phi3", **(LONGROPE | {"original_max_position_embeddings": 80}))
    spec: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "max_steps": 4, "eval_steps": 2, "learning_rate": 1e-3}
    whole = config(tmp_path, family="phi3", rows=20, data={"eval_split": 0.3}, **spec)
    alone = replace(whole, training=replace(whole.training, micro_batch_tokens=1))
    runs = [trained(made, tmp_path / name) for name, made in (("together", whole), ("alone", alone))]
    found, expected = ([*losses(run), *(score.eval_loss for score in run.progress().evaluations)] for run in runs)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_an_embedding_is_adapted_as_other_layers_are(tmp_path: Path) -> None:
    adapter = {"target_modules": ["q_proj", "embed_tokens"]}
    run = trained(config(tmp_path, rows=8, max_steps=2, adapter=adapter), tmp_path / "run")
    assert run.progress().finished
