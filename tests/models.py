"""Tiny random models and their tokenizer, made on the spot, for tests that need a real one."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "gpt2", "gpt_neox", "opt", "mixtral")
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = [
    "The order arrived late and the box was open. We are sorry for the trouble.",
    "What is the capital of France? The capital of France is Paris.",
    "user assistant system: a small world of short words, numbers 0 1 2 3 4 5 6 7 8 9.",
]
_SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
}
_OWN: dict[str, dict[str, Any]] = {
    "mistral": {"sliding_window": None},
    "gemma3": {"sliding_window": 64, "layer_types": ["sliding_attention", "full_attention"]},
    "gpt2": {"n_embd": 32, "n_inner": 64, "n_layer": 2, "n_head": 4, "n_positions": 512},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
}
# Families whose experts lie in one parameter, with what makes them tiny.
_FOUR: dict[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
EXPERTS: dict[str, dict[str, Any]] = {
    "mixtral": {},
    "qwen2_moe": _FOUR | {"shared_expert_intermediate_size": 16},
    "qwen3_moe": _FOUR,
    "olmoe": {"num_experts": 4, "num_experts_per_tok": 2},
    "gpt_oss": {"num_local_experts": 4, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}},
    "deepseek_v3": {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_group": 1,
                    "topk_group": 1, "first_k_dense_replace": 1, "q_lora_rank": None, "kv_lora_rank": 8, "head_dim": 4,
                    "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8, "num_key_value_heads": 4},
}  # fmt: skip
_UNGROUPED = ("gpt2", "gpt_neox", "opt")


def tokenizer() -> PreTrainedTokenizerFast:
    """Returns a byte-level BPE tokenizer of 300 tokens with a ChatML template that has no generation markers."""
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        _TEXT,
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=_SPECIAL, initial_alphabet=sorted(alphabet), show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHATML
    )


def bare_model(folder: Path) -> Path:
    """Writes a tokenizer and a config, which is all that looking at data needs of a model; returns the folder."""
    tokenizer().save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    return folder


def tiny(family: str, folder: Path, **settings: Any) -> Path:
    """Writes a random model of two layers and its tokenizer to `folder`; the same one every time.

    Args:
        family: one of `FAMILIES`.
        folder: made if it does not exist.
        settings: further settings of the model's config, such as `num_hidden_layers=4`.

    Returns:
        `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer().save_pretrained(folder)
    random_model(family, **settings).save_pretrained(folder)
    return folder


def random_model(family: str, **settings: Any) -> PreTrainedModel:
    """Returns the model that `tiny` writes, in float32 on the CPU."""
    grouped = () if family not in _UNGROUPED else ("num_key_value_heads", "head_dim")
    shape = {key: value for key, value in _SHAPE.items() if key not in grouped}
    config = AutoConfig.for_model(
        "gemma3_text" if family == "gemma3" else family,
        **(
            shape
            | {"vocab_size": 304, "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0, "initializer_range": 0.1}
            | _OWN.get(family, {})
            | settings
        ),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    return made.eval()
