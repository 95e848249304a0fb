"""Optimizers and keyed randomness."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft.optimizers import create_loraplus_optimizer

from studio.core.config import AdapterSpec, ModelSpec, TrainingSpec
from studio.core.errors import StudioError
from studio.engine import adapters, model, optim
from tests.models import tiny

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["adamw_torch", "adafactor", "adamw_8bit", "lion_8bit", "sgd", "rmsprop", "adagrad"])
def test_optimizers_of_transformers_lower_a_loss(name: str) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 128)
    inputs, goal = torch.randn(16, 64), torch.randn(16, 128)
    optimizer = optim.make_optimizer(model, TrainingSpec(optim=name, learning_rate=1e-2), CPU)
    losses = []
    for _ in range(10):
        loss = (model(inputs) - goal).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("name", "bytes_"),
    [("adamw_torch", 12), ("sgd", 4), ("adamw_8bit", 6.06), ("lion_8bit", 5.03), ("adafactor", 4.03)],
)
def test_what_an_optimizer_will_note_is_measured_and_draws_nothing(name: str, bytes_: float) -> None:
    state = torch.get_rng_state()
    assert optim.coming_bytes(TrainingSpec(optim=name), CPU) == pytest.approx(bytes_, rel=0.01)
    assert torch.equal(torch.get_rng_state(), state)


def test_weight_decay_spares_vectors() -> None:
    spec = TrainingSpec(weight_decay=0.1)
    groups = optim.make_optimizer(torch.nn.Linear(3, 4), spec, CPU).param_groups
    assert [(group["weight_decay"], [p.ndim for p in group["params"]]) for group in groups] == [(0.1, [2]), (0.0, [1])]


@pytest.mark.parametrize(("spec", "words"), [({"optim": "adamw"}, "adamw"), ({"optim": "galore_adamw"}, "galore")])
def test_optimizers_that_cannot_be_made_are_named(spec: dict[str, str], words: str) -> None:
    with pytest.raises(StudioError, match=words) as caught:
        optim.make_optimizer(torch.nn.Linear(2, 2), TrainingSpec(**spec), CPU)  # type: ignore[arg-type]
    assert caught.value.reason == "config"


def optimizer(name: str, options: str) -> torch.optim.Optimizer:
    return optim.make_optimizer(torch.nn.Linear(2, 2), TrainingSpec(optim=name, optim_args=options), CPU)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("sgd", "momentum=0.9, nesterov=True", {"momentum": 0.9, "nesterov": True}),
        ("rmsprop", "alpha=0.5,centered=yes", {"alpha": 0.5, "centered": True}),
        ("rmsprop_bnb", "alpha=0.5,centered=False,eps=1e-6", {"betas": (0.5, 0.0), "eps": 1e-6}),
        ("ademamix", "beta1=0.8,alpha=5.0,t_alpha=7", {"betas": (0.8, 0.999, 0.9999), "t_alpha": 7}),
    ],
)
def test_options_reach_their_optimizer(name: str, options: str, expected: dict[str, Any]) -> None:
    optim.require_read(TrainingSpec(optim=name, optim_args=options))
    made = optimizer(name, options)
    assert {key: made.param_groups[0][key] for key in expected} == expected
    made.param_groups[0]["params"][0].grad = torch.ones(2, 2)
    made.step()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("sgd", "nesterov=True", "Nesterov momentum requires"),
        ("sgd", "momentum=fast", "could not convert"),
        ("adagrad", "eps=-1", "Invalid epsilon"),
        ("rmsprop_bnb", "speed=1", "speed"),
        ("ademamix", "t_alpha=0.5", "invalid literal"),
    ],
)
def test_options_that_do_not_fit_are_told_in_the_optimizers_words(name: str, options: str, said: str) -> None:
    with pytest.raises(StudioError, match=f"training.optim_args.*{name}.*{said}") as caught:
        optimizer(name, options)
    assert caught.value.reason == "config"


@pytest.mark.parametrize("options", ["betas=(0.9,0.95)", "momentum", "momentum=", "a=1,", "=1", "a=b=c", " "])
def test_a_wrong_way_to_write_options_is_told(options: str) -> None:
    with pytest.raises(StudioError, match=r"optim_args` cannot be read.*key=value, key=value"):
        optimizer("sgd", options)


@pytest.mark.parametrize("name", ["adamw_torch", "adamw_torch_fused", "adafactor", "adamw_8bit", "lion_8bit"])
def test_options_that_are_not_read_are_refused(name: str) -> None:
    with pytest.raises(StudioError, match=f"`eps`.*changes nothing: {name} does not read it.*sgd"):
        optim.require_read(TrainingSpec(optim=name, optim_args="eps=0.1"))


@pytest.mark.parametrize(("key", "setting"), [("weight_decay", "weight_decay"), ("lr", "learning_rate")])
def test_options_with_a_setting_of_their_own_are_refused(key: str, setting: str) -> None:
    with pytest.raises(StudioError, match=f"`{key}`.*Set `training.{setting}`"):
        optim.require_read(TrainingSpec(optim="rmsprop_bnb", optim_args=f"alpha=0.5,{key}=0.1"))


@pytest.mark.parametrize("options", ["", "momentum=0", "dampening=0,nesterov=False", "momentum=0.5"])
def test_options_equal_to_the_default_are_read(options: str) -> None:
    optim.require_read(TrainingSpec(optim="sgd", optim_args=options))


def test_an_option_that_any_text_turns_on_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As transformers reads `decouple_lr` of stable_adamw, whose package is not among ours."""

    def handler(spec: TrainingSpec, options: dict[str, str]) -> tuple[Any, dict[str, Any]]:
        return torch.optim.AdamW, {"decouple_lr": bool(options.get("decouple_lr", False))}

    monkeypatch.setattr(optim, "_from_transformers", handler)
    optim.require_read(TrainingSpec(optim="stable_adamw", optim_args="decouple_lr=True"))
    with pytest.raises(StudioError, match="changes nothing"):
        optim.require_read(TrainingSpec(optim="stable_adamw", optim_args="speed=1"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("adamw_torch", {"betas": (0.8, 0.95), "eps": 1e-6}),
        ("adamw_torch_fused", {"betas": (0.8, 0.95), "eps": 1e-6, "fused": True}),
        ("adamw_8bit", {"betas": (0.8, 0.95), "eps": 1e-6}),
        ("paged_adamw_8bit", {"betas": (0.8, 0.95), "eps": 1e-6}),
        ("ademamix", {"betas": (0.8, 0.95, 0.9999), "eps": 1e-6}),
    ],
)
def test_adams_settings_reach_their_optimizer(name: str, found: dict[str, Any]) -> None:
    spec = TrainingSpec(optim=name, adam_beta1=0.8, adam_beta2=0.95, adam_epsilon=1e-6)
    optim.require_read(spec)
    group = optim.make_optimizer(torch.nn.Linear(2, 2), spec, CPU).param_groups[0]
    assert {key: group[key] for key in found} == found


def test_adams_settings_are_as_they_always_were_unless_set() -> None:
    group = optim.make_optimizer(torch.nn.Linear(2, 2), TrainingSpec(), CPU).param_groups[0]
    plain = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]
    assert (group["betas"], group["eps"]) == (plain["betas"], plain["eps"])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sgd", {"adam_beta1": 0.8}),
        ("adafactor", {"adam_beta2": 0.95}),
        ("rmsprop", {"adam_epsilon": 1e-6}),
        ("lion_8bit", {"adam_epsilon": 1e-6}),
    ],
)
def test_adams_settings_that_are_not_read_are_refused(name: str, settings: dict[str, Any]) -> None:
    optim.require_read(TrainingSpec(optim=name))
    (setting,) = settings
    with pytest.raises(StudioError, match=f"`training.{setting}` changes nothing: {name} does not read it"):
        optim.require_read(TrainingSpec(optim=name, **settings))
    optim.require_read(TrainingSpec(optim="lion_8bit", adam_beta1=0.8))


def adapted(folder: Path, **settings: Any) -> Any:
    """Returns a tiny model with an adapter that has biases and a whole module beside A and B."""
    base = model.load_base(tiny("gpt2", folder / "gpt2", tie_word_embeddings=False), ModelSpec(), CPU)
    spec = AdapterSpec(r=4, bias="all", modules_to_save=["ln_f"], **settings)
    return adapters.attach(base, spec)


def rates(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> dict[str, float]:
    """Returns each trained parameter's learning rate."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = optimizer.param_groups
    return {names[id(p)]: group["lr"] for group in groups for p in group["params"]}


@pytest.mark.parametrize(
    "settings",
    [{}, {"use_dora": True}, {"target_modules": ["wte", "c_attn"]}],
    ids=["lora", "dora", "embedding"],
)
def test_lora_plus_has_the_rates_of_peft(tmp_path: Path, settings: dict[str, Any]) -> None:
    model = adapted(tmp_path, **settings)
    spec = TrainingSpec(learning_rate=1e-3, loraplus_lr_ratio=16, weight_decay=0.1)
    found = optim.make_optimizer(model, spec, CPU)
    # Its own rate for embeddings is one that it is told.
    options = {"loraplus_lr_embedding": 1e-3}
    theirs = create_loraplus_optimizer(model, torch.optim.AdamW, lr=1e-3, loraplus_lr_ratio=16, **options)
    assert rates(found, model) == rates(theirs, model)
    assert found.param_groups[0]["lr"] == 1e-3
    assert set(rates(found, model).values()) == {1e-3, 16e-3}
    assert all(
        group["weight_decay"] == (0.1 if p.ndim > 1 else 0.0) for group in found.param_groups for p in group["params"]
    )
    plain = optim.make_optimizer(model, TrainingSpec(learning_rate=1e-3), CPU)
    assert set(rates(plain, model).values()) == {1e-3}
    assert len(plain.param_groups) == 2


@pytest.mark.parametrize("name", ["adafactor", "adamw_8bit", "sgd", "lion_8bit"])
def test_lora_plus_moves_b_faster_with_any_optimizer(tmp_path: Path, name: str) -> None:
    moved = []
    for ratio in (1, 4):
        torch.manual_seed(0)
        model = adapted(tmp_path)
        before = {key: p.detach().clone() for key, p in model.named_parameters() if p.requires_grad}
        made = optim.make_optimizer(model, TrainingSpec(optim=name, loraplus_lr_ratio=ratio), CPU)
        for p in model.parameters():
            p.grad = torch.ones_like(p) if p.requires_grad else None
        made.step()
        changed = {key: p.detach() - before[key] for key, p in model.named_parameters() if p.requires_grad}
        moved.append({kind: sum(float(v.norm()) for k, v in changed.items() if kind in k) for kind in ("_A", "_B")})
    assert moved[1]["_A"] == pytest.approx(moved[0]["_A"])
    assert moved[1]["_B"] == pytest.approx(4 * moved[0]["_B"], rel=1e-3)


def test_seeds_are_keyed() -> None:
    def drawn(*key: int) -> float:
        optim.seed_all(key[0], "step", *key[1:])
        return float(torch.rand(()))

    assert drawn(1, 2, 0) == drawn(1, 2, 0)
    assert len({drawn(1, 2, 0), drawn(2, 2, 0), drawn(1, 3, 0), drawn(1, 2, 1)}) == 4
    optim.seed_all(1, "initialise", 2, 0)
    assert float(torch.rand(())) != drawn(1, 2, 0)
