"""What a method of an adapter has, and what is said of what it does not have."""

from dataclasses import fields
from typing import Any

import pytest

from studio.core import config_file, methods
from studio.core.config import AdapterSpec, ModelSpec, RunConfig, TrainingSpec, from_dict, to_dict
from studio.core.data_config import DataSpec
from studio.core.errors import StudioError


def built(adapter: dict[str, Any], **sections: Any) -> RunConfig:
    return config_file.build({"data": {"path": "rows.jsonl"}, "adapter": adapter, **sections})


@pytest.mark.parametrize(
    ("adapter", "sections", "said"),
    [
        ({"method": "ia3", "r": 8}, {}, "adapter.r: not a setting of IA3; leave it out, which is 16."),
        (
            {"method": "ia3", "use_dora": True},
            {},
            "adapter.use_dora: not a setting of IA3; leave it out, which is false.",
        ),
        ({"method": "vera", "lora_alpha": 8}, {}, "adapter.lora_alpha: not a setting of VeRA"),
        ({"method": "vera", "bias": "all"}, {}, "adapter.bias: not a setting of VeRA; leave it out, which is none."),
        ({"method": "oft", "lora_dropout": 0.1}, {}, "adapter.lora_dropout: not a setting of OFT"),
        ({"method": "oft", "rank_pattern": {"q": 2}}, {}, "not a setting of OFT; leave it out, which is empty."),
        ({"method": "loha", "init_lora_weights": "pissa"}, {}, "adapter.init_lora_weights: not a setting of LoHa"),
        ({"method": "lokr", "target_parameters": ["experts"]}, {}, "adapter.target_parameters: not a setting of LoKr"),
        ({"method": "lora", "oft_block_size": 8}, {}, "adapter.oft_block_size: not a setting of LoRA"),
        (
            {"method": "loha"},
            {"model": {"quantization": "nf4"}},
            "model.quantization: with LoHa no base is held in 8 or",
        ),
        ({"method": "full"}, {"model": {"quantization": "nf4"}}, "Full fine-tuning needs unquantized".casefold()),
        ({"method": "ia3"}, {"training": {"loraplus_lr_ratio": 4}}, "only LoRA has an A and a B; set it to 1."),
        ({"method": "full"}, {"training": {"objective": "dpo"}}, "adapter.method: with `dpo` the base stays as it is"),
    ],
)
def test_what_a_method_does_not_have_is_refused_with_a_remedy(
    adapter: dict[str, Any], sections: dict[str, Any], said: str
) -> None:
    with pytest.raises(StudioError) as caught:
        built(adapter, **sections)
    assert said.casefold() in caught.value.message.casefold()


@pytest.mark.parametrize("method", methods.ADAPTERS)
def test_every_method_takes_what_it_has_and_every_objective(method: Any) -> None:
    values: dict[str, Any] = {
        "r": 8,
        "lora_alpha": 4.0,
        "lora_dropout": 0.1,
        "oft_block_size": 8,
        "decompose_factor": 4,
    }
    had = {name: value for name, value in values.items() if methods.has(method, name)}
    objectives: tuple[Any, ...] = ("sft", "dpo", "kto", "orpo")
    for objective in objectives:
        whole = RunConfig(
            data=DataSpec(path="-", packing=False),
            adapter=AdapterSpec(method=method, **had),
            training=TrainingSpec(objective=objective),
        )
        assert whole.adapter.idle == []
        assert from_dict(to_dict(whole)) == whole
    held: Any = "nf4" if methods.quantizes(method) else "none"
    assert RunConfig(data=DataSpec(path="-"), adapter=AdapterSpec(method=method), model=ModelSpec(quantization=held))


def test_what_full_fine_tuning_does_not_read_is_no_fault() -> None:
    whole = built({"method": "full", "r": 8, "use_dora": True})
    assert whole.adapter.idle == ["r", "use_dora"]
    assert built({"method": "full"}).adapter.idle == []


def test_every_setting_of_a_method_is_one() -> None:
    known = {field.name for field in fields(AdapterSpec)} | {"loraplus_lr_ratio"}
    for method in methods.ADAPTERS:
        assert set(methods.kind_of(method).settings) <= known
        assert methods.PEFT_TYPES[methods.kind_of(method).peft_type] == method
    assert {name for name in known if not methods.has("full", name)} == known - {"path", "method"}
    assert all(methods.has(method, key) for method in ("full", "ia3") for key in ("data.path", "name", "training.seed"))


@pytest.mark.parametrize(("adapter", "rank"), [({"method": "vera"}, 256), ({"method": "vera", "r": 16}, 16), ({}, 16)])
def test_a_rank_that_nobody_names_is_the_methods(adapter: dict[str, Any], rank: int) -> None:
    assert config_file.whole({"data": {"path": "rows.jsonl"}, "adapter": adapter}, None).adapter.r == rank


def test_a_config_says_its_method() -> None:
    assert methods.of_peft({"peft_type": "OFT"}) == "oft"
    assert methods.of_peft({}) == "lora"
    assert [methods.of_peft(about) for about in ({"peft_type": "PREFIX_TUNING"}, {"peft_type": ["x"]}, None)] == [
        ""
    ] * 3
    assert methods.title_of("") == "another method"
