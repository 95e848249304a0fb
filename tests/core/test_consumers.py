"""Who loads an adapter: told from its config, whatever is in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.consumers import Consumer, consumers, read, traits

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KEYS = ["r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "modules_to_save", "bias"]
KEYS += ["lora_bias", "target_parameters"]


def told(config: dict[str, Any]) -> dict[str, Consumer]:
    return {one.program: one for one in consumers(traits(config))}


@pytest.mark.parametrize(
    ("rank", "add"),
    [
        (1, "--enable-lora"),
        (16, "--enable-lora"),
        (17, "--enable-lora --max-lora-rank 32"),
        (64, "--enable-lora --max-lora-rank 64"),
        (257, "--enable-lora --max-lora-rank 320"),
        (512, "--enable-lora --max-lora-rank 512"),
    ],
)
def test_vllm_is_told_the_next_rank_it_can_be_given(rank: int, add: str) -> None:
    assert told({"r": rank})["vLLM"] == Consumer("vLLM", "peft", add)
    assert told({"r": 4, "rank_pattern": {"q_proj": rank}})["vLLM"].add == (add if rank > 4 else "--enable-lora")


def test_a_rank_above_what_vllm_has_is_merged() -> None:
    assert told({"r": 513})["vLLM"] == Consumer("vLLM", "merged", said="It loads ranks up to 512.")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"use_dora": True}, "It loads no DoRA."),
        ({"modules_to_save": ["lm_head"]}, "It loads no modules trained whole."),
        ({"bias": "all"}, "It loads no trained biases."),
        ({"lora_bias": True}, "It loads no trained biases."),
        (
            {"target_parameters": ["experts.down_proj"]},
            "It may not load adapters of single parameters, such as experts.",
        ),
        ({"use_dora": True, "bias": "lora_only"}, "It loads no DoRA. It loads no trained biases."),
    ],
)
def test_what_only_peft_reads_is_merged_for_the_others(config: dict[str, Any], said: str) -> None:
    found = told(config)
    name = "transformers 5, PEFT" if "target_parameters" in config else "transformers, PEFT"
    assert found[name] == Consumer(name, "peft")
    assert found["vLLM"] == Consumer("vLLM", "merged", said=said)
    assert found["llama.cpp"] == Consumer("llama.cpp", "gguf", said=said)
    assert found["Ollama"] == Consumer("Ollama", "gguf", said=said)


def test_a_plain_adapter_is_a_file_for_llama_cpp_and_mostly_merged_for_ollama() -> None:
    assert told({"r": 1000, "use_rslora": True})["llama.cpp"] == Consumer("llama.cpp", "gguf-lora")
    assert (told({})["Ollama"].to, "some families alone" in told({})["Ollama"].said) == ("gguf", True)


def test_lm_studio_loads_merged_models_alone() -> None:
    assert told({})["LM Studio"] == Consumer("LM Studio", "gguf", said="It loads no adapters.")


@pytest.mark.parametrize(
    ("config", "uneven"),
    [
        ({}, False),
        ({"r": 8, "lora_alpha": 16, "rank_pattern": {}, "use_rslora": False, "bias": "none"}, False),
        ({"lora_alpha": 16.0}, False),
        ({"lora_alpha": 2.5}, True),
        ({"use_rslora": True}, True),
        ({"rank_pattern": {"q_proj": 2}}, True),
        ({"alpha_pattern": {"q_proj": 2}}, True),
        ({"use_rslora": True, "target_parameters": ["experts.down_proj"]}, False),
        ({"use_rslora": True, "lora_bias": True}, False),
    ],
)
def test_what_is_to_be_worked_into_the_matrices_is_known(config: dict[str, Any], uneven: bool) -> None:
    assert traits(config).uneven == uneven


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_nothing_in_a_config_is_too_odd(config: dict[str, Any]) -> None:
    found = consumers(traits(config))
    assert found[0].program in ("transformers, PEFT", "transformers 5, PEFT")
    assert [one.program for one in found[1:]] == ["vLLM", "llama.cpp", "Ollama", "LM Studio"]
    assert all(bool(one.said) == (one.to in ("merged", "gguf")) for one in found[:2])


@pytest.mark.parametrize("content", [None, b"", b"[1]", b"{", b'{"a":' * 100_000])
def test_a_config_that_cannot_be_read_tells_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "adapter_config.json").write_bytes(content)
    assert read(tmp_path) is None


def test_a_config_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 32, "use_dora": True}))
    found = read(tmp_path)
    assert found is not None
    assert (found.rank, found.dora, found.uneven) == (32, True, False)
