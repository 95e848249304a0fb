"""Experts that no adapter goes on are told of: in the plan, to the window, and by the run itself."""

from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel

from studio.core import events, modules
from studio.core.config import AdapterSpec
from studio.engine import adapters, targets
from studio.engine.model import skeleton
from studio.engine.planning import plan
from tests.models import random_model, tiny
from tests.training import config, trained

SMALL = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
FUSED = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
MODELS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "qwen3_moe": (SMALL, FUSED),
    # Layers that are not experts, but share their names.
    "qwen2_moe": (
        SMALL | {"shared_expert_intermediate_size": 16},
        [*FUSED, *(f"mlp.shared_expert.{name}" for name in ("gate_proj", "up_proj", "down_proj"))],
    ),
    # Biases of experts go without saying.
    "gpt_oss": ({"num_local_experts": 4, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}, FUSED),
    "mixtral": ({}, FUSED),
    "llama": ({}, []),
}


@pytest.mark.parametrize("family", MODELS)
def test_what_is_left_out_is_what_peft_leaves_as_it_is(family: str) -> None:
    settings, expected = MODELS[family]
    model = random_model(family, **settings)
    tree, spec = targets.tree(model), AdapterSpec()
    assert modules.left_out(tree, spec) == expected
    adapted = adapters.attach(model, spec)
    assert isinstance(adapted, PeftModel)
    given = {name.partition(".lora_A.")[0] for name, _ in adapted.named_parameters() if ".lora_A." in name}
    assert given
    assert not {name for name in given for left in expected if name.endswith(f".{left}")}
    linear = {module.name.rpartition(".")[2] for module in tree.modules if module.kind == "linear"} - {"lm_head"}
    missing = linear - {name.rpartition(".")[2] for name in given}
    assert missing == {name.rpartition(".")[2] for name in expected if "shared" in name}


@pytest.mark.parametrize(
    "settings",
    [{"method": "full"}, {"target_modules": ["q_proj"]}, {"modules_to_save": ["experts"]}],
    ids=["full", "named", "whole"],
)
def test_nothing_is_told_where_nothing_was_hoped_for(settings: dict[str, Any]) -> None:
    tree = targets.tree(random_model("qwen3_moe", **SMALL))
    assert modules.left_out_sentence(tree, AdapterSpec(**settings)) == ""


def test_a_plan_and_a_run_say_which_share_of_the_weights_stays(tmp_path: Path) -> None:
    tiny("qwen3_moe", tmp_path / "qwen3_moe", **SMALL)
    made = config(tmp_path, family="qwen3_moe", rows=8, max_steps=1)
    said = plan(made)["left_out"]
    model = skeleton(tmp_path / "qwen3_moe")
    held = sum(value.numel() for name, value in model.named_parameters() if ".experts." in name)
    share = held / sum(value.numel() for value in model.parameters())
    assert 0.1 < share < 0.9
    names = "mlp.experts.gate_up_proj, mlp.experts.down_proj"
    assert f"cannot be adapted yet: {names} ({share:.0%} of the weights) stay as they are." in said
    run = trained(made, tmp_path / "run")
    assert said in [event.message for event in run.follow() if isinstance(event, events.Notice)]
    assert plan(config(tmp_path, rows=8, max_steps=1))["left_out"] == ""
