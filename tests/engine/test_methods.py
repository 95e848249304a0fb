"""The methods other than LoRA: as PEFT makes and trains them, resumed bit for bit, the base a base beside them."""

import json
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import (
    IA3Config,
    LoHaConfig,
    LoKrConfig,
    OFTConfig,
    PeftConfig,
    PeftModel,
    VeraConfig,
    get_peft_model,
    get_peft_model_state_dict,
)
from peft.utils import TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING
from transformers import AutoModelForCausalLM

from studio.core import amounts, desk, events, further, library, modules, runs
from studio.core.config import AdapterSpec, ModelSpec, RunConfig
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.methods import Method, kind_of
from studio.engine import adapters, bases, mixing, planning, step, targets, updates, vetting
from studio.engine.export import export
from studio.engine.loaded import Loaded
from studio.engine.model import load_base, skeleton
from studio.engine.session import Session
from studio.engine.updates import Base
from tests.engine.test_capsule import apart, retrained
from tests.engine.test_export import live
from tests.engine.test_export import made as made_entry
from tests.engine.test_modules import outcome
from tests.engine.test_resume import interrupted
from tests.engine.test_start import as_peft_trains, begun
from tests.models import EXPERTS, FAMILIES, tiny
from tests.training import config, digest, losses, preferring, resume, trained

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CPU = torch.device("cpu")
IDS = torch.tensor([[1, 40, 41, 42, 43, 2]])
METHODS: dict[str, dict[str, Any]] = {
    "ia3": {},
    "vera": {"r": 24},
    "loha": {"r": 4, "lora_alpha": 8},
    "lokr": {"r": 3, "lora_alpha": 6, "decompose_factor": 4},
    "oft": {"oft_block_size": 8},
}
_ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_PEFTS: dict[str, PeftConfig] = {
    "ia3": IA3Config(target_modules=_ALL, feedforward_modules=["down_proj"], task_type="CAUSAL_LM"),
    "vera": VeraConfig(target_modules=_ALL, r=24, task_type="CAUSAL_LM"),
    "loha": LoHaConfig(target_modules=_ALL, r=4, alpha=8, task_type="CAUSAL_LM"),
    "lokr": LoKrConfig(target_modules=_ALL, r=3, alpha=6, decompose_factor=4, task_type="CAUSAL_LM"),
    "oft": OFTConfig(target_modules=_ALL, oft_block_size=8, task_type="CAUSAL_LM"),
}
# Far enough that something is learned in 20 steps.
_RATES = {"ia3": 3e-2, "vera": 3e-2, "loha": 1e-2, "lokr": 1e-2, "oft": 3e-3}
STEADY: dict[str, Any] = {"lr_scheduler_type": "constant", "warmup_steps": 0, "max_grad_norm": 0}


def spec(folder: Path, method: str, **settings: Any) -> RunConfig:
    """Returns a config of a small run by a method."""
    adapter = {"method": method, **METHODS[method], **settings.pop("adapter", {})}
    given = {"learning_rate": _RATES[method]} | settings
    whole = config(folder, adapter={"lora_dropout": 0.0}, **given)
    return replace(whole, adapter=AdapterSpec(**adapter))


def entry_of(base: Path, folder: Path, method: str, **settings: Any) -> Entry:
    """Returns an adapter of random weights in the library."""
    usual = AdapterSpec()
    given = {"r": usual.r, "lora_alpha": usual.lora_alpha, "method": method} | METHODS[method] | settings
    return made_entry(base, folder, **given)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny("llama", tmp_path / "base")


_COUNTED: list[dict[str, Any]] = [
    *({"method": method} | more for method, more in METHODS.items()),
    {"method": "vera", "r": 256, "layers_to_transform": "1"},
    {"method": "lokr"},
    {"method": "lokr", "r": 40},
    {"method": "lokr", "r": 2, "decompose_factor": 7},
    {"method": "loha", "rank_pattern": {"ATTENTION": 9}, "alpha_pattern": {"ATTENTION": 3.0}},
    {"method": "oft", "oft_block_size": 5},
    {"method": "oft", "oft_block_size": 48},
    {"method": "oft", "oft_block_size": 1024},
    {"method": "ia3", "layers_to_transform": "1"},
    {"method": "ia3", "target_modules": ["ATTENTION"]},
    {"method": "ia3", "modules_to_save": ["HEAD"]},
    {"method": "vera", "target_modules": ["EMBEDDING"]},
]


@pytest.mark.parametrize("family", [*FAMILIES, "qwen2_moe", "deepseek_v3", "gpt_oss"])
def test_the_count_is_pefts(family: str, tmp_path: Path) -> None:
    folder = tiny(family, tmp_path, **EXPERTS.get(family, {}))
    tree = targets.tree(skeleton(folder))
    attention = {"gpt2": "c_attn", "gpt_neox": "query_key_value", "phi3": "qkv_proj"}.get(family, "q_proj")
    embedding = next(module.name for module in tree.modules if module.kind == "embedding")
    names = {"ATTENTION": attention, "HEAD": tree.head, "EMBEDDING": embedding}
    compared = 0
    for settings in _COUNTED:
        put = json.loads(json.dumps(settings))
        for key, value in put.items():
            if isinstance(value, list):
                put[key] = [names.get(name, name) for name in value]
            elif isinstance(value, dict):
                put[key] = {names.get(name, name): one for name, one in value.items()}
        one = AdapterSpec(**put)
        made = outcome(partial(adapters.attach, skeleton(folder), one))
        counted = outcome(partial(modules.count, tree, one))
        if isinstance(made, str) or isinstance(counted, str):
            assert made == counted, settings
            continue
        compared += 1
        assert (counted.trainable, counted.total) == adapters.count(made), settings
        written = get_peft_model_state_dict(made, save_embedding_layers=False)
        assert counted.adapter_bytes == 4 * sum(value.numel() for value in written.values()), settings
    assert compared >= (5 if family == "gpt2" else len(_COUNTED) - 2)


@pytest.mark.parametrize("family", sorted({"llama", "mistral", "qwen2", "qwen3", "gpt2", "gpt_neox", "opt", "gemma3"}))
def test_feedforward_layers_are_those_that_peft_knows(family: str, tmp_path: Path) -> None:
    tree = targets.tree(skeleton(tiny(family, tmp_path)))
    known = TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING["gemma3_text" if family == "gemma3" else family]
    linear = [module.name for module in tree.modules if module.kind == "linear"]
    found = amounts.feedforward(tree, linear)
    assert len(found) == tree.layers
    assert found == [name for name in linear if name.endswith(tuple(known))]


def test_factors_and_blocks_are_pefts() -> None:
    from peft.tuners.lokr.layer import factorization
    from peft.tuners.oft.layer import OFTLayer

    adjust: Any = partial(OFTLayer.adjust_oft_parameters, None)
    for size in (1, 2, 7, 16, 32, 96, 127, 128, 144, 360, 1000, 11008):
        for factor in (-1, 0, 1, 3, 4, 5, 8, 16, 48, 100, 20_000):
            assert amounts.factors(size, factor) == factorization(size, factor), (size, factor)
        for block in (2, 3, 5, 8, 31, 32, 50, 1024):
            kept = block <= size and size % block == 0
            assert amounts.block_size(size, block) == (block if kept else adjust(size, block)), (size, block)


def pefts(current: Session) -> PeftModel:
    """Returns the model as transformers and PEFT make it by themselves, at the same start."""
    spec, frozen = current.config, AutoModelForCausalLM.from_pretrained(current.config.model.path, dtype=torch.float32)
    model = get_peft_model(frozen, deepcopy(_PEFTS[spec.adapter.method]))
    ours = dict(current.bare.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(ours.pop(name))
    assert not any(parameter.requires_grad for parameter in ours.values())
    return model


@pytest.mark.parametrize("method", METHODS)
def test_losses_are_those_of_pefts_own(method: str, tmp_path: Path) -> None:
    current = begun(spec(tmp_path, method, rows=80, **STEADY), tmp_path / "run")
    theirs, ours = list(as_peft_trains(pefts(current), current, 20)), list[float]()
    for micro_batches in step.plan(current, 0)[:20]:
        taken = step.take(current, micro_batches, step.lay_out(current, micro_batches))
        current.position.step += 1
        ours.append(float(taken.total[0] / taken.shares))
    assert len(ours) == 20
    assert ours[0] - ours[-1] > 0.01, "it learns"
    assert ours == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("ia3", {"model": {"quantization": "8bit"}}),
        ("ia3", {"activation_checkpointing": True}),
        ("vera", {"model": {"quantization": "nf4"}, "adapter": {"lora_dropout": 0.1}}),
        ("vera", {"model": {"dtype": "bfloat16"}}),
        ("loha", {"activation_checkpointing": True, "model": {"dtype": "bfloat16"}}),
        ("lokr", {"adapter": {"modules_to_save": ["lm_head"]}}),
        ("oft", {"model": {"quantization": "nf4"}, "optim": "adamw_8bit"}),
        ("oft", {"model": {"dtype": "bfloat16"}}),
    ],
    ids=lambda given: given if isinstance(given, str) else "-".join(given),
)
def test_stopping_and_resuming_changes_nothing(method: str, settings: dict[str, Any], tmp_path: Path) -> None:
    every = {"eval_steps": 4, "save_steps": 2, "max_steps": 8, "data": {"eval_split": 0.1}} | settings
    whole = spec(tmp_path, method, **every)
    reference = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")
    interrupted(run, 3)
    assert run.progress().finished is None
    resume(run)
    assert digest(run) == digest(reference)
    told = reference.progress()
    assert told.base is not None
    assert min(item.eval_loss for item in told.evaluations) < told.base.eval_loss


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
        return found


@pytest.mark.parametrize("quantization", ["none", "nf4", "8bit"])
@pytest.mark.parametrize("method", METHODS)
def test_the_base_is_the_base(method: str, quantization: Any, base: Path, tmp_path: Path) -> None:
    made = entry_of(base, tmp_path / "adapter", method)
    bare = load_base(base, ModelSpec(path=str(base), quantization=quantization), CPU)
    alone = logits(bare)
    if quantization != "none" and method in ("loha", "lokr"):
        with pytest.raises(StudioError, match="does not go on a base in 8 or 4 bits"):
            adapters.load_adapter(bare, made.folder)
        assert torch.equal(logits(bare), alone), "the base is as it was"
        return
    model = adapters.load_adapter(bare, made.folder)
    changed = logits(model)
    assert not torch.allclose(changed, alone, atol=1e-3)
    with model.disable_adapter():
        assert torch.equal(logits(model), alone)
    assert torch.equal(logits(model), changed)


@pytest.mark.parametrize("method", METHODS)
def test_an_adapter_of_pefts_own_is_opened(method: str, base: Path, tmp_path: Path) -> None:
    frozen = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    theirs = get_peft_model(frozen, deepcopy(_PEFTS[method])).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
    theirs.save_pretrained(str(tmp_path / "theirs"))
    entry = library.add(tmp_path / "theirs", title="elsewhere")
    assert torch.equal(live(base, entry), logits(theirs))
    # And it is taken for what it is.
    assert further.layout_of(entry.folder)["method"] == method
    done = export(entry, "peft", tmp_path / "out", base)
    assert done.proof.max_abs_difference == 0
    assert {one.program: one.to for one in done.consumers}["vLLM"] == "merged"


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("method", METHODS)
def test_exports_are_proven(method: str, family: str, tmp_path: Path) -> None:
    if family == "gpt2" and method in ("loha", "lokr", "oft"):
        with pytest.raises(StudioError, match="which is a Conv1D") as caught:
            entry_of(tiny(family, tmp_path / "base"), tmp_path / "adapter", method)
        assert caught.value.hint == "Choose lora, ia3 or vera for this model."
        return
    base = tiny(family, tmp_path / "base")
    entry = entry_of(base, tmp_path / "adapter", method)
    assert export(entry, "peft", tmp_path / "peft", base).proof.max_abs_difference == 0
    proof = export(entry, "merged", tmp_path / "merged", base).proof
    assert (proof.argmax_equal, proof.adapter_effect > 0.05) == (1, True)
    with pytest.raises(StudioError, match="LoRA alone") as caught:
        export(entry, "gguf-lora", tmp_path / "gguf", base)
    assert "--to gguf" in caught.value.hint
    text = (tmp_path / "peft" / "README.md").read_text()
    assert method in text.splitlines()[text.splitlines().index("tags:") + 2]


def test_a_gguf_of_the_merged_model_is_written(base: Path, tmp_path: Path) -> None:
    done = export(entry_of(base, tmp_path / "adapter", "ia3"), "gguf", tmp_path / "out", base, stored="f32")
    assert done.proof.argmax_equal == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_capsule_trains_as_the_run_did(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(spec(tmp_path, method, max_steps=6, data={"eval_split": 0.1}), tmp_path / "run")
    assert apart(retrained(run, tmp_path, monkeypatch)) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_an_adapter_is_trained_further(method: str, tmp_path: Path) -> None:
    whole = spec(tmp_path, method, max_steps=4)
    first = trained(whole, tmp_path / "first")
    more = further.laid_out(replace(whole, adapter=AdapterSpec(path="test")))
    assert (more.adapter.method, more.adapter.r) == (method, METHODS[method].get("r", 16))
    still = replace(more, training=replace(more.training, learning_rate=1e-30))
    again = trained(still, tmp_path / "again")
    before, after = (library.located(str(run.path / "adapter")) for run in (first, again))
    tensors = [vetting.read_tensors(entry.folder) for entry in (before, after)]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    other: Any = "vera" if method == "loha" else "loha"
    with pytest.raises(StudioError, match=rf"adapter\.method: it is {other}, but the .* has {method}"):
        further.laid_out(replace(whole, adapter=AdapterSpec(path="test", method=other)))


def test_an_ia3_that_feeds_other_layers_is_not_trained_further(base: Path, tmp_path: Path) -> None:
    frozen = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    theirs = IA3Config(target_modules=["q_proj", "down_proj"], feedforward_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(frozen, theirs).save_pretrained(str(tmp_path / "theirs"))
    whole = further.laid_out(replace(config(tmp_path), adapter=AdapterSpec(path=str(tmp_path / "theirs"))))
    bare = load_base(base, ModelSpec(path=str(base)), CPU)
    with pytest.raises(StudioError, match=r"other layers than an IA3 here, as model.layers.0.self_attn.q_proj"):
        adapters.attach(bare, whole.adapter)


@pytest.mark.parametrize("method", ["ia3", "oft"])
def test_preference_is_measured_against_the_base(method: Method, tmp_path: Path) -> None:
    whole = preferring(tmp_path, max_steps=6, objective="dpo", beta=0.5)
    made = replace(whole, adapter=AdapterSpec(method=method, **METHODS[method]))
    run = trained(made, tmp_path / "run")
    # Nothing is preferred yet: both answers are as likely as the base has them.
    assert losses(run)[0] == pytest.approx(float(np.log(2)), abs=1e-5)
    assert losses(run)[-1] < losses(run)[0]


def test_columns_of_different_methods_stand_side_by_side(base: Path, tmp_path: Path) -> None:
    entries = [
        made_entry(base, tmp_path / "lora"),
        *(entry_of(base, tmp_path / method, method) for method in METHODS),
        entry_of(base, tmp_path / "second", "vera"),
        entry_of(base, tmp_path / "third", "loha"),
    ]
    reaches = [bases.Reach(), *(bases.reach(entry.folder) for entry in entries)]
    # The base goes with the first; two LoHas with each other, two VeRAs, which share what PEFT holds once, do not.
    assert bases.groups(reaches) == [[0, 1], [2], [3], [4, 8], [5], [6], [7]]
    assert all(reach.replaced == frozenset() for reach in reaches)
    request = desk.Answer(
        model=str(base),
        adapters=[None, *(str(entry.folder) for entry in entries)],
        messages=[desk.Message(role="user", content="order late")],
        force=True,
    )
    loaded, seen = Loaded(), dict[int, torch.Tensor]()
    wanted = loaded.find(request, lambda *_: None)
    alone = logits(load_base(base, wanted.spec, CPU))
    for group, names in loaded.groups(wanted, lambda *_: None):
        for at, name in zip(group, names, strict=True):
            with adapters_of(loaded, name):
                seen[at] = logits(loaded._current.model)
    assert torch.equal(seen[0], alone)
    for at, entry in enumerate(entries, start=1):
        assert torch.allclose(seen[at], live(base, entry), atol=1e-6), entry.folder.name


def adapters_of(loaded: Loaded, name: str | None) -> Any:
    from studio.engine import generate

    return generate.active(loaded._current.model, [name], mixed=False)


def test_what_a_method_cannot_is_said(base: Path, tmp_path: Path) -> None:
    loha, ia3 = entry_of(base, tmp_path / "loha", "loha"), entry_of(base, tmp_path / "ia3", "ia3")
    for entry, title in ((loha, "LoHa"), (ia3, "IA3")):
        with pytest.raises(StudioError, match=f"by {title}, which cannot be added up") as caught:
            mixing.mix([(entry, 1.0)], tmp_path / "mixed")
        assert caught.value.hint.startswith("Leave it out")
        with pytest.raises(StudioError, match=f"by {title}, and what that changes of each module is not measured"):
            updates.of(entry.folder, Base(base))
    model = adapters.load_adapter(load_base(base, ModelSpec(path=str(base)), CPU), loha.folder)
    with model.disable_adapter():
        alone = logits(model)
    adapters.set_strength(model, "default", 0.0)
    assert torch.equal(logits(model), alone)
    adapters.set_strength(model, "default", 1.0)
    assert torch.equal(logits(model), live(base, loha))


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("vera", {"save_projection": False}, "save_projection that is not sound"),
        ("vera", {"bias": "vera_only"}, "bias that is not sound"),
        ("oft", {"coft": True}, "uses coft"),
        ("oft", {"peft_version": "0.17.1"}, "PEFT before 0.18"),
        ("oft", {"peft_version": None}, "PEFT before 0.18"),
        ("ia3", {"use_dora": True}, "uses use_dora"),
        ("ia3", {"peft_type": "FOURIERFT"}, "is FOURIERFT"),
        ("loha", {"r": 10**9}, "r that is not sound"),
        ("lokr", {"decompose_factor": "x"}, "decompose_factor that is not sound"),
    ],
)
def test_a_strangers_folder_is_vetted(
    method: str, settings: dict[str, Any], message: str, base: Path, tmp_path: Path
) -> None:
    entry = entry_of(base, tmp_path / "adapter", method)
    assert vetting.check_adapter(entry.folder)["peft_type"] == kind_of(method).peft_type
    place = entry.folder / library.PEFT_CONFIG
    place.write_text(json.dumps(json.loads(place.read_text()) | settings))
    with pytest.raises(StudioError, match=message):
        vetting.check_adapter(entry.folder)


def test_an_expression_that_feeds_is_matched_here(base: Path, tmp_path: Path) -> None:
    entry = entry_of(base, tmp_path / "adapter", "ia3")
    place, before = entry.folder / library.PEFT_CONFIG, live(base, entry)
    about = json.loads(place.read_text())
    place.write_text(json.dumps(about | {"feedforward_modules": r".*\.down_proj"}))
    assert torch.equal(live(base, entry), before)
    place.write_text(json.dumps(about | {"feedforward_modules": ["q"]}))
    with pytest.raises(StudioError, match="should be a subset of"):
        live(base, entry)
    place.write_text(json.dumps(about | {"feedforward_modules": r"(\w|[a-z]|.)*(?<!.)"}))
    with pytest.raises(StudioError, match=r"feedforward_modules .* takes too long"):
        live(base, entry)


def test_a_run_says_that_peft_computes_its_adapter(tmp_path: Path) -> None:
    run = trained(spec(tmp_path, "ia3", max_steps=1), tmp_path / "run")
    told = run.progress().prepared
    assert told is not None
    assert told.plain["LoRA's passes written out"] == "the adapter is IA3, which PEFT computes"


def test_full_fine_tuning_says_what_it_does_not_read(tmp_path: Path) -> None:
    whole = config(tmp_path, max_steps=1)
    made = replace(whole, adapter=AdapterSpec(method="full", r=8, use_dora=True))
    said = "Full fine-tuning makes no adapter, and does not read adapter.r, adapter.use_dora."
    assert planning.plan(made)["left_out"] == said
    told = list[events.Event]()
    run = runs.create(made, tmp_path / "run")
    resume(run, told.append)
    assert said in [event.message for event in told if isinstance(event, events.Notice)]
    assert planning.plan(replace(made, adapter=AdapterSpec(method="full")))["left_out"] == ""


def test_experts_are_left_to_lora(tmp_path: Path) -> None:
    tree = targets.tree(skeleton(tiny("mixtral", tmp_path)))
    said = modules.left_out_sentence(tree, AdapterSpec(method="ia3"))
    assert said.startswith("Experts stay as they are: ")
    assert said.endswith("Only LoRA goes on them: set adapter.method to lora to adapt them too.")
    assert not modules.experts_stay(tree, AdapterSpec(method="ia3")), "nothing to click"


def test_what_layers_have_in_common_is_in_memory(tmp_path: Path) -> None:
    from studio.engine import methods

    bare = skeleton(tiny("llama", tmp_path))
    assert methods.shared_bytes(bare) == 0
    model = adapters.attach(bare, AdapterSpec(method="vera", r=8))
    assert isinstance(model, PeftModel)
    assert methods.shared_bytes(model) == 4 * 8 * (64 + 64)
