"""Updates read from files, held to what PEFT itself merges into the base's weights."""

import copy
import json
import shutil
import struct
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

from studio import paths
from studio.core import updates as ordered
from studio.core.errors import StudioError
from studio.core.updates import Update
from studio.engine import updates, weights
from studio.engine.checkpoint import FULL
from studio.engine.updates import Base
from tests.models import random_model, tiny
from tests.training import config, trained

Changes = dict[str, torch.Tensor]
WEIGHTS = "adapter_model.safetensors"


def fresh(model: PreTrainedModel, **settings: Any) -> PeftModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
    assert isinstance(adapted, PeftModel)
    return adapted


def made(folder: Path, model: PreTrainedModel, **settings: Any) -> Changes:
    """Writes a random adapter for `model`; returns what PEFT makes of each parameter less what it was."""
    torch.manual_seed(len(folder.name))
    adapted = fresh(copy.deepcopy(model), **settings)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.data.add_(torch.randn_like(parameter) * 0.05)
        adapted.save_pretrained(folder, save_embedding_layers=False)
        merged = adapted.merge_and_unload()
    before = dict(model.named_parameters())
    return {name: (p - before[name]).detach().double() for name, p in merged.named_parameters() if name in before}


def of_module(changes: Changes, name: str) -> torch.Tensor:
    return changes[name] if name in changes else changes[f"{name}.weight"]


def check(found: list[Update], changes: Changes, model: PreTrainedModel) -> None:
    """Compares norms, bases' norms and effective ranks; what is not among them was not changed."""
    before = dict(model.named_parameters())
    for update in found:
        change = of_module(changes, update.name)
        weight = (before[update.name] if update.name in before else before[f"{update.name}.weight"]).detach()
        assert update.norm == pytest.approx(float(change.norm()), rel=1e-5)
        assert update.base == pytest.approx(float(weight.norm()), rel=1e-6)
        if update.kind == "lora":
            assert update.effective_rank is not None
            values = torch.linalg.svdvals(change)[: update.rank]
            shares = values / values.sum()
            expected = float((-(shares * shares.clamp_min(1e-30).log()).sum()).exp())
            assert update.effective_rank == pytest.approx(expected, rel=1e-3)
    names = {update.name.removesuffix(".weight") for update in found}
    assert {name.removesuffix(".weight") for name, change in changes.items() if change.norm() > 1e-4} <= names


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "every linear layer": ("llama", {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}),
    "ranks and alphas of their own": (
        "llama",
        {
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ["q_proj", "v_proj", "down_proj"],
            "rank_pattern": {"v_proj": 2, r"layers\.[01]\.mlp.*": 8},
            "alpha_pattern": {"layers.1.self_attn.q_proj": 1, r".*down_.*": 3},
        },
    ),
    "rsLoRA": ("llama", {"r": 8, "lora_alpha": 4, "use_rslora": True, "target_modules": ["o_proj"]}),
    "DoRA": ("llama", {"r": 4, "lora_alpha": 8, "use_dora": True, "target_modules": ["q_proj", "up_proj"]}),
    "modules trained whole, and biases": (
        "qwen2",
        {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["lm_head"], "bias": "lora_only"},
    ),
    "an embedding": ("llama", {"r": 4, "lora_alpha": 8, "target_modules": ["embed_tokens", "k_proj"]}),
    "weights held the other way round": (
        "gpt2",
        {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn", "c_fc", "c_proj"], "fan_in_fan_out": True},
    ),
    "DoRA of weights held the other way round": (
        "gpt2",
        {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn"], "fan_in_fan_out": True, "use_dora": True},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_update_is_what_peft_merges(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family, settings = CASES[case]
    model = AutoModelForCausalLM.from_pretrained(tiny(family, tmp_path / "base"))
    changes = made(tmp_path / "adapter", model, **settings)
    # Few rows at a time; in the other tests all of a module.
    monkeypatch.setattr(updates, "_AT_ONCE", 70)
    check(updates.of(tmp_path / "adapter", Base(tmp_path / "base")), changes, model)


def test_two_adapters_are_as_alike_as_what_they_change(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny("llama", tmp_path / "base", tie_word_embeddings=False))
    settings: dict[str, dict[str, Any]] = {
        "lora": {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"},
        "other": {"r": 8, "lora_alpha": 8, "target_modules": ["q_proj", "up_proj"]},
        "dora": {"r": 2, "use_dora": True, "target_modules": ["q_proj", "v_proj"], "modules_to_save": ["lm_head"]},
        "embedded": {"r": 4, "target_modules": ["embed_tokens"]},
        "whole": {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["embed_tokens", "v_proj"]},
    }
    changes = {name: made(tmp_path / name, model, **chosen) for name, chosen in settings.items()}
    base = Base(tmp_path / "base")
    for one, other in (
        ("lora", "other"),
        ("lora", "dora"),
        ("embedded", "whole"),
        ("whole", "lora"),
        ("dora", "whole"),
    ):
        found = updates.between(tmp_path / one, tmp_path / other, base)
        products = norms = others = 0.0
        for update in found:
            a, b = of_module(changes[one], update.name), of_module(changes[other], update.name)
            assert update.norm == pytest.approx(float(a.norm()), rel=1e-5)
            assert update.other == pytest.approx(float(b.norm()), rel=1e-5)
            product, size = float((a * b).sum()), float(a.norm() * b.norm())
            assert (update.cosine is None) == (size == 0)
            assert update.apart == pytest.approx(float((a - b).norm()), rel=1e-4)
            assert (update.only == "") == (size > 0)
            assert not update.nothing
            assert update.cosine is None or update.cosine == pytest.approx(product / size, abs=1e-6)
            products, norms, others = products + product, norms + float(a.norm()) ** 2, others + float(b.norm()) ** 2
        assert ordered.angle(found) == pytest.approx(products / (norms * others) ** 0.5, abs=1e-6)
    itself = updates.between(tmp_path / "dora", tmp_path / "dora", base)
    assert [update.cosine for update in itself] == pytest.approx([1.0] * len(itself))


def test_without_the_base_what_needs_it_is_not_known(tmp_path: Path) -> None:
    model = random_model("llama")
    made(tmp_path / "lora", model, r=4, target_modules=["q_proj"], modules_to_save=["v_proj"])
    made(tmp_path / "dora", model, r=4, target_modules=["q_proj"], use_dora=True)
    found = {update.name.rpartition(".")[2]: update for update in updates.of(tmp_path / "lora", Base(None))}
    assert found["q_proj"].norm
    assert (found["q_proj"].base, found["q_proj"].share, found["v_proj"].norm) == (None, None, None)
    found = {u.name.rpartition(".")[2]: u for u in updates.between(tmp_path / "lora", tmp_path / "dora", Base(None))}
    assert (found["q_proj"].cosine, found["q_proj"].other, found["v_proj"].other) == (None, None, 0.0)


def test_a_base_in_half_precision_or_under_other_names(tmp_path: Path) -> None:
    model = random_model("llama")
    made(tmp_path / "adapter", model, r=4, target_modules=["q_proj"])
    half = {
        name.removeprefix("model."): p.detach().bfloat16() for name, p in model.named_parameters() if "norm" not in name
    }
    (tmp_path / "base").mkdir()
    save_file(half, tmp_path / "base" / "model.safetensors")
    for update in updates.of(tmp_path / "adapter", Base(tmp_path / "base")):
        assert update.base == pytest.approx(float(half[f"{update.name.removeprefix('model.')}.weight"].float().norm()))
    # Whole numbers are no weights as they stand, nor is one of another size.
    packed = {
        name: (p * 10).to(torch.int8) if "layers.0" in name else p[:, :-1].contiguous() for name, p in half.items()
    }
    save_file(packed, tmp_path / "base" / "model.safetensors")
    assert {update.base for update in updates.of(tmp_path / "adapter", Base(tmp_path / "base"))} == {None}


def test_norms_of_the_base_are_kept_until_its_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("llama")
    made(tmp_path / "adapter", model, r=4, target_modules=["q_proj"])
    model.save_pretrained(tmp_path / "base")
    first = updates.of(tmp_path / "adapter", Base(tmp_path / "base"))
    with monkeypatch.context() as patch:
        patch.setattr(updates, "_square", None)
        assert updates.of(tmp_path / "adapter", Base(tmp_path / "base")) == first
    (kept,) = (paths.cache_dir() / "norms").iterdir()
    for damaged in (b"{", b"[1]", b'{"1": "x"}'):
        kept.write_bytes(damaged)
        assert updates.of(tmp_path / "adapter", Base(tmp_path / "base")) == first
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    shutil.rmtree(tmp_path / "base")
    model.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "model.safetensors").touch()
    again = updates.of(tmp_path / "adapter", Base(tmp_path / "base"))
    assert [update.base for update in again] == pytest.approx([2 * (update.base or 0) for update in first])


def test_a_new_adapter_has_learned_nothing(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "base")
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "orthogonal": {"init_lora_weights": "orthogonal"},
        "dora": {"use_dora": True},
    }
    for name, settings in kinds.items():
        model = AutoModelForCausalLM.from_pretrained(base)
        fresh(model, r=4, target_modules=["q_proj"], **settings).save_pretrained(tmp_path / name)
        found = updates.of(tmp_path / name, Base(base))
        assert found
        assert all(update.nothing for update in found), name


def test_a_full_fine_tuning_is_measured_by_its_checkpoint(tmp_path: Path) -> None:
    plain = config(tmp_path, rows=8, num_train_epochs=1)
    run = trained(replace(plain, adapter=replace(plain.adapter, method="full")), tmp_path / "run")
    (checkpoint,) = (run.path / "checkpoints").iterdir()
    after, base = load_file(checkpoint / FULL), Path(plain.model.path)
    before = load_file(base / "model.safetensors")
    found = {update.name: update for update in updates.of(checkpoint, Base(base))}
    assert len(found) == len(after)
    for name, weight in after.items():
        change = float((weight.double() - before[name].double()).norm())
        update = found[name.removesuffix(".weight")]
        assert update.norm == pytest.approx(change, rel=1e-6)
        assert (update.kind, update.rank, update.effective_rank) == ("whole", 0, None)
        assert update.norm


def damage(folder: Path, how: str) -> None:
    file, tensors = folder / WEIGHTS, load_file(folder / WEIGHTS)
    a, b = (next(key for key in tensors if key.endswith(f"lora_{part}.weight")) for part in "AB")
    about = json.loads((folder / "adapter_config.json").read_text())
    match how:
        case "no number":
            tensors[a][0, 0] = float("nan")
        case "nothing in it":
            tensors = {}
        case "one matrix of two":
            del tensors[b]
        case "turned":
            tensors[b] = tensors[b].t().contiguous()
        case "a single number":
            tensors[b] = tensors[b][0, 0]
        case "another width":
            tensors[b] = tensors[b][:, :2].contiguous()
        case "no rank":
            tensors |= {a: tensors[a][:0].contiguous(), b: tensors[b][:, :0].contiguous()}
        case "whole numbers":
            tensors[b] = tensors[b].to(torch.int8)
        case "a magnitude of another size":
            tensors[a.replace("lora_A.weight", "lora_magnitude_vector")] = torch.ones(3)
        case "another kind":
            about["peft_type"] = "IA3"
        case "biases of its own":
            about["lora_bias"] = True
        case "experts":
            tensors = {key.replace("k_proj", "k_proj.base_layer"): one for key, one in tensors.items()}
        case "parameters":
            about["target_parameters"] = ["k_proj.weight", "k_proj.other"]
    save_file(tensors, file)
    (folder / "adapter_config.json").write_text(json.dumps(about))
    if how == "cut short":
        file.write_bytes(file.read_bytes()[:-9])


UNFIT = "that do not fit each other"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("cut short", "is damaged or incomplete"),
        ("no number", "that are not numbers"),
        ("nothing in it", "holds nothing that was trained"),
        ("one matrix of two", UNFIT),
        ("turned", UNFIT),
        ("a single number", UNFIT),
        ("no rank", UNFIT),
        ("whole numbers", "holds I8 numbers, which cannot be measured"),
        ("another width", UNFIT),
        ("a magnitude of another size", UNFIT),
        ("another kind", "IA3"),
        ("biases of its own", "uses lora_bias, and what that adds is not measured yet"),
        ("experts", "holds parts of model.layers.0.self_attn.k_proj that do not fit its config"),
        ("parameters", "which is which cannot be told"),
    ],
)
def test_what_is_no_sound_adapter_is_refused(how: str, words: str, tmp_path: Path) -> None:
    made(tmp_path / "adapter", random_model("llama"), r=4, target_modules=["k_proj"])
    damage(tmp_path / "adapter", how)
    with pytest.raises(StudioError, match=words) as refused:
        updates.of(tmp_path / "adapter", Base(None))
    assert refused.value.reason == "adapter"


def test_a_head_that_shares_the_embedding_is_compared_with_it(tmp_path: Path) -> None:
    model = random_model("llama", tie_word_embeddings=True)
    model.save_pretrained(tmp_path / "base")
    made(tmp_path / "adapter", model, r=4, target_modules=["lm_head"])
    (update,) = updates.of(tmp_path / "adapter", Base(tmp_path / "base"))
    assert update.base == pytest.approx(float(model.get_input_embeddings().weight.detach().norm()))


def test_what_peft_saves_of_the_base_beside_an_adapter_is_none_of_it(tmp_path: Path) -> None:
    model = random_model("llama", tie_word_embeddings=False)
    model.save_pretrained(tmp_path / "base")
    targets = ["embed_tokens", "lm_head"]
    changes = made(tmp_path / "adapter", model, r=4, lora_alpha=8, target_modules=targets)
    tensors = load_file(tmp_path / "adapter" / WEIGHTS)
    for name in ("model.embed_tokens", "lm_head"):
        tensors[f"base_model.model.{name}.base_layer.weight"] = model.get_parameter(f"{name}.weight").detach().clone()
    tensors["base_model.model.lm_head.original_module.bias"] = torch.ones(3)
    save_file(tensors, tmp_path / "adapter" / WEIGHTS)
    found = updates.of(tmp_path / "adapter", Base(tmp_path / "base"))
    check(found, changes, model)
    assert {update.kind for update in found} == {"lora"}


def test_an_alpha_that_is_not_said_is_pefts(tmp_path: Path) -> None:
    made(tmp_path / "adapter", random_model("llama"), r=4, lora_alpha=8, target_modules=["q_proj"])
    first = updates.of(tmp_path / "adapter", Base(None))
    about = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    for alpha in ({"lora_alpha": None}, {}):
        del about["lora_alpha"]
        about |= alpha
        (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(about))
        assert updates.of(tmp_path / "adapter", Base(None)) == first
        about["lora_alpha"] = 0


def test_the_same_change_in_two_forms_of_a_turned_weight_is_not_compared(tmp_path: Path) -> None:
    model = random_model("gpt2")
    model.save_pretrained(tmp_path / "base")
    made(tmp_path / "lora", model, r=4, target_modules=["attn.c_proj"], fan_in_fan_out=True)
    made(tmp_path / "whole", model, r=4, target_modules=["c_fc"], modules_to_save=["attn.c_proj"], fan_in_fan_out=True)
    found = updates.between(tmp_path / "lora", tmp_path / "whole", Base(tmp_path / "base"))
    turned = [update for update in found if update.name.endswith("attn.c_proj")]
    assert [(update.cosine, bool(update.norm), bool(update.other)) for update in turned] == [(None, True, True)] * 2
    assert ordered.angle(found) is None


def test_a_file_that_goes_away_or_changes_while_it_is_read(tmp_path: Path) -> None:
    save_file({"x": torch.ones(9)}, tmp_path / "x.safetensors")
    held = weights.stored(tmp_path / "x.safetensors", "model")["x"]
    (tmp_path / "x.safetensors").write_bytes((tmp_path / "x.safetensors").read_bytes()[:-4])
    with pytest.raises(StudioError, match="went away while it was read: it is shorter than before"):
        held.numbers()
    (tmp_path / "x.safetensors").unlink()
    with pytest.raises(StudioError, match="went away while it was read") as refused:
        held.numbers()
    assert refused.value.reason == "checkpoint"


@pytest.mark.parametrize("offsets", [([-8, 4], [4, 24]), ([16, 28], [0, 4]), ([12, 0], [0, 28])])
def test_offsets_outside_a_file_are_damage(offsets: tuple[list[int], list[int]], tmp_path: Path) -> None:
    tensors = {
        name: {"dtype": "F32", "shape": [(end - start) // 4], "data_offsets": [start, end]}
        for name, (start, end) in zip("ab", offsets, strict=True)
    }
    head = json.dumps(tensors).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(16))
    with pytest.raises(StudioError, match="damaged or incomplete"):
        weights.stored(tmp_path / "x.safetensors", "model")


def test_a_base_with_what_is_no_number_is_not_compared_with(tmp_path: Path) -> None:
    model = random_model("llama")
    made(tmp_path / "adapter", model, r=4, target_modules=["q_proj"])
    with torch.no_grad():
        model.get_parameter("model.layers.0.self_attn.q_proj.weight")[0, 0] = float("nan")
    model.save_pretrained(tmp_path / "base")
    found = updates.of(tmp_path / "adapter", Base(tmp_path / "base"))
    assert [(update.base is None, bool(update.norm)) for update in found] == [(True, True), (False, True)]


def test_adapters_of_different_models_are_not_compared(tmp_path: Path) -> None:
    made(tmp_path / "one", random_model("llama"), r=4, target_modules=["q_proj"])
    made(tmp_path / "other", random_model("llama", hidden_size=64), r=4, target_modules=["q_proj"])
    with pytest.raises(StudioError, match=r"of different models: .*q_proj has another size"):
        updates.between(tmp_path / "one", tmp_path / "other", Base(None))


def test_progress_is_told_and_the_sum_of_squares_is_exact(tmp_path: Path) -> None:
    made(tmp_path / "adapter", random_model("llama"), r=4, target_modules=["q_proj"])
    told = list[tuple[int, int]]()
    updates.of(tmp_path / "adapter", Base(None), lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2)]
    numbers = np.random.default_rng(0).normal(size=200_001).astype(np.float32)
    exact = float((numbers.astype(np.float64) ** 2).sum())
    assert updates._square(numbers) == pytest.approx(exact, rel=1e-7)


def test_numbers_are_read_from_any_place_in_every_format(tmp_path: Path) -> None:
    plain = torch.randn(5, 7)
    formats = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    save_file({str(kind): plain.to(kind) for kind in formats} | {"whole": torch.arange(6)}, tmp_path / "x.safetensors")
    held = weights.stored(tmp_path / "x.safetensors", "model")
    assert not held["whole"].floats
    for kind in formats:
        expected = plain.to(kind).double().numpy().ravel()
        assert held[str(kind)].floats
        assert held[str(kind)].numbers().tolist() == expected.tolist()
        assert held[str(kind)].numbers(30, 9).tolist() == expected[30:].tolist()
        assert held[str(kind)].numbers(3, 4).tolist() == expected[3:7].tolist()
