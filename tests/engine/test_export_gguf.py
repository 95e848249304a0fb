"""GGUF files: what is read back is what was merged, however the model is laid out and however it splits texts."""

import json
import random
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import ModelCard
from jinja2 import Environment
from tokenizers import AddedToken
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

from studio import paths
from studio.core.errors import StudioError
from studio.core.library import Entry
from studio.core.number_formats import FORMATS, Stored, file_bytes, shapes
from studio.engine import adapters
from studio.engine.export import export, proof
from studio.engine.export.gguf import tensors, vocabulary
from studio.engine.export.gguf.llamacpp import Reading
from studio.engine.export.gguf.tensors import Part
from studio.engine.generate import encoder_for
from studio.engine.model import load_base, load_tokenizer
from tests import vocabularies
from tests.engine.test_export import CPU, assert_clean, made, made_elsewhere
from tests.models import CHATML, random_model, tiny

SLIDING: dict[str, Any] = {"query_pre_attn_scalar": 8, "sliding_window": 16, "head_dim": 8}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LONG = {"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 256}
LONG |= {"short_factor": [1.0, 1.1, 1.3, 1.7], "long_factor": [1.0, 2.0, 4.0, 8.0]}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"rope_parameters": {"rope_type": "linear", "rope_theta": 5e5, "factor": 4.0}},
    "mixtral": {},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {},
    "phi3": {},
    "phi3 longrope": {"rope_parameters": LONG, "original_max_position_embeddings": 256},
    "gemma": {},
    "gemma2": SLIDING,
    "gemma3": SLIDING | {"num_hidden_layers": 6, "layer_types": None},
    "gpt2": {},
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny("llama", tmp_path / "private" / "base")


@pytest.fixture
def entry(base: Path, tmp_path: Path) -> Entry:
    return made(base, tmp_path / "private" / "adapter")


def file_in(folder: Path) -> Path:
    (found,) = folder.glob("*.gguf")
    return found


def live(base: Path, entry: Entry) -> list[torch.Tensor]:
    """The logits of the live adapter on the texts of the proof."""
    prompts = proof.prompts(encoder_for(load_tokenizer(base), entry))
    return proof.logits(adapters.load_adapter(load_base(base, proof.spec(base), CPU), entry.folder), prompts)


def refused(entry: Entry, base: Path, out: Path) -> StudioError:
    phases: list[str] = []
    with pytest.raises(StudioError, match="A GGUF file cannot be made of this model") as error:
        export(entry, "gguf", out, base, phases.append)
    assert phases == ["checking the model"], "before any work"
    assert (error.value.reason, "--to merged" in error.value.hint) == ("export", True)
    assert list(out.parent.glob("*out*")) == []
    return error.value


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.filterwarnings("ignore:.*NumPy array is not writable:UserWarning")
def test_every_family_is_what_it_was_and_what_transformers_reads_of_the_file(family: str, tmp_path: Path) -> None:
    base = tiny(family.partition(" ")[0], tmp_path / "base", **FAMILIES[family])
    entry = made(base, tmp_path / "adapter")
    done = export(entry, "gguf", tmp_path / "out", base, stored="f32")
    assert done.proof.max_abs_difference <= proof.EXACT < done.proof.adapter_effect / 100
    assert done.proof.tokens > 500
    if family in ("mixtral", "gemma"):
        return  # which transformers does not read
    config = AutoConfig.from_pretrained(base)
    if family == "mistral":  # is a Llama in such a file
        config = LlamaConfig(**{key: value for key, value in config.to_dict().items() if key != "model_type"})
    again = AutoModelForCausalLM.from_pretrained(
        done.path, gguf_file=file_in(done.path).name, config=config, dtype=torch.float32
    )
    prompts = proof.prompts(encoder_for(load_tokenizer(base), entry))
    assert proof.largest(proof.logits(again, prompts), live(base, entry)) < proof.EXACT


def test_the_built_in_model_is_exported(tmp_path: Path) -> None:
    base = paths.resources() / "demo" / "model"
    done = export(made(base, tmp_path / "adapter"), "gguf", tmp_path / "out", base)
    assert done.files == ["Modelfile", "My-b-support-b-desk-F16.gguf", "README.md"]
    assert done.bytes == sum(item.stat().st_size for item in done.path.iterdir())
    assert done.proof.max_abs_difference <= done.proof.bound < done.proof.adapter_effect / 4
    fields = gguf.GGUFReader(file_in(done.path)).fields
    assert fields["tokenizer.ggml.pre"].contents() == "smollm"
    assert fields["tokenizer.ggml.eos_token_id"].contents() == 2
    assert fields["tokenizer.ggml.eot_token_id"].contents() == 0
    assert fields["tokenizer.ggml.add_bos_token"].contents() is False
    told = (done.path / "Modelfile").read_text()
    assert told.startswith("FROM ./My-b-support-b-desk-F16.gguf\n")
    assert 'PARAMETER stop "<|im_end|>"' in told
    assert 'PARAMETER stop "<|endoftext|>"' in told


@pytest.mark.parametrize("stored", ["f16", "bf16", "q8_0", "q5_1", "q4_1"])
def test_what_rounding_does_is_measured(base: Path, entry: Entry, tmp_path: Path, stored: Stored) -> None:
    done = export(entry, "gguf", tmp_path / "out", base, stored=stored)
    few = stored.startswith(("q4", "q5"))
    assert proof.EXACT < done.proof.max_abs_difference <= done.proof.bound
    assert done.proof.bound < done.proof.adapter_effect / (1 if few else 4)
    kinds = {item.name: item.tensor_type.name for item in gguf.GGUFReader(file_in(done.path)).tensors}
    ends = {"token_embd.weight", "output.weight"}
    assert {kinds[name] for name in kinds.keys() - ends if not name.endswith("norm.weight")} == {stored.upper()}
    assert {kinds[name] for name in ends} == {"Q8_0" if few else stored.upper()}
    assert {kind for name, kind in kinds.items() if name.endswith("norm.weight")} == {"F32"}
    assert done.proof.answers == (5 if stored.startswith("q") else 0)
    assert_clean(done.path, tmp_path / "private")


def test_answers_that_stay_the_same_are_counted(base: Path, entry: Entry) -> None:
    """Of the same model all are, of one whose likeliest token is another none."""
    encoder = encoder_for(load_tokenizer(base), entry)
    model, texts = load_base(base, proof.spec(base), CPU), proof.prompts(encoder)
    said = proof.answers(model, texts, [])
    assert [len(answer) for answer in said] == [proof.ANSWER_TOKENS] * 5
    ids = torch.tensor([texts[1]])
    expected = model.generate(ids, max_new_tokens=proof.ANSWER_TOKENS, do_sample=False, eos_token_id=-1, pad_token_id=0)
    assert said[1] == expected[0, len(texts[1]) :].tolist()
    cut = proof.answers(model, texts, said[0][2:3])
    assert cut[0] == said[0][: said[0].index(said[0][2]) + 1], "what ends an answer is compared too"
    assert proof.repeated(model, texts, said) == 5
    assert proof.repeated(model, texts, [*said[:3], [*said[3][:-1], 0], said[4]]) == 4
    with torch.no_grad():
        model.lm_head.weight.neg_()
    assert proof.repeated(model, texts, said) == 0


@pytest.mark.parametrize("stored", FORMATS)
def test_a_file_is_as_large_as_was_said(tmp_path: Path, stored: Stored) -> None:
    base = paths.resources() / "demo" / "model"
    done = export(made(base, tmp_path / "adapter"), "gguf", tmp_path / "out", base, stored=stored)
    held = gguf.GGUFReader(file_in(done.path)).tensors
    assert sum(item.n_bytes for item in held) == file_bytes(shapes(base), stored)


@pytest.mark.parametrize("kind", ["Q8_0", "Q5_1", "Q4_1"])
def test_rounding_is_never_more_than_a_formats_own(kind: str) -> None:
    generator, asked = np.random.default_rng(0), gguf.GGMLQuantizationType[kind]
    for scale in (1e-3, 1.0, 1e4):
        numbers = (scale * generator.standard_normal((64, 256)) + generator.choice([0, 3 * scale])).astype(np.float32)
        rounded = gguf.quants.dequantize(gguf.quants.quantize(numbers, asked), asked)
        tensors._require_near("x", numbers, rounded, asked)
        with pytest.raises(StudioError, match=f"stored as {kind.lower()}"):
            tensors._require_near("x", numbers, rounded + 0.3 * np.abs(numbers).max(), asked)


def test_rows_that_no_scale_fits_are_stored_in_halves(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "base", intermediate_size=40)
    done = export(made(base, tmp_path / "adapter"), "gguf", tmp_path / "out", base, stored="q8_0")
    kinds = {item.name: item.tensor_type.name for item in gguf.GGUFReader(file_in(done.path)).tensors}
    assert (kinds["blk.0.ffn_down.weight"], kinds["blk.0.ffn_up.weight"]) == ("F16", "Q8_0")


def test_a_number_too_large_for_its_format_is_told(tmp_path: Path) -> None:
    base = tiny("llama", tmp_path / "base")
    model = load_base(base, proof.spec(base), CPU)
    with torch.no_grad():
        model.get_parameter("model.layers.0.mlp.down_proj.weight")[3, 4] = 70_000
    model.save_pretrained(base)
    entry = made(base, tmp_path / "adapter")
    with pytest.raises(StudioError, match=r"blk.0.ffn_down.weight cannot be stored as f16") as error:
        export(entry, "gguf", tmp_path / "out", base)
    assert "bf16" in error.value.hint
    assert list(tmp_path.glob("*out*")) == []
    assert export(entry, "gguf", tmp_path / "out", base, stored="bf16").proof.holds


@pytest.mark.parametrize(
    "settings",
    [{"use_dora": True}, {"bias": "all"}, {"modules_to_save": ["lm_head"]}, {"target_modules": ["lm_head", "q_proj"]}],
    ids=["dora", "bias", "head", "lora on head"],
)
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True` and:UserWarning")
def test_every_kind_of_adapter_is_in_it(tmp_path: Path, settings: dict[str, Any]) -> None:
    base = tiny(
        "llama",
        tmp_path / "base",
        tie_word_embeddings=True,
        attention_bias=True,
        mlp_bias=True,
        rope_parameters=LLAMA3 | {"original_max_position_embeddings": 64},
    )
    apart = "target_modules" in settings  # not with this program, which changes head and embedding alike
    entry = (made_elsewhere if apart else made)(base, tmp_path / "adapter", **settings)
    done = export(entry, "gguf", tmp_path / "out", base, stored="f32")
    assert done.proof.max_abs_difference < proof.EXACT < done.proof.adapter_effect
    held = {item.name for item in gguf.GGUFReader(file_in(done.path)).tensors}
    assert ("output.weight" in held) == apart
    assert "rope_freqs.weight" in held


def test_the_settings_in_the_file_are_the_configs(tmp_path: Path) -> None:
    base = tiny("gemma2", tmp_path / "base", **SLIDING, attn_logit_softcapping=40.0, rms_norm_eps=1e-5)
    fields = gguf.GGUFReader(
        file_in(export(made(base, tmp_path / "adapter"), "gguf", tmp_path / "out", base).path)
    ).fields
    expected = {
        "block_count": 2,
        "context_length": 512,
        "embedding_length": 32,
        "feed_forward_length": 64,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "attention.key_length": 8,
        "attention.value_length": 8,
        "attention.sliding_window": 16,
        "attention.layer_norm_rms_epsilon": np.float32(1e-5),
        "attn_logit_softcapping": 40.0,
        "final_logit_softcapping": 30.0,
        "rope.freq_base": 1e4,
        "rope.dimension_count": 8,
        "vocab_size": 304,
    }
    assert {key: fields[f"gemma2.{key}"].contents() for key in expected} == expected


def test_a_context_is_no_longer_than_the_window_llama_cpp_knows_nothing_of(tmp_path: Path) -> None:
    base = tiny("mistral", tmp_path / "base", sliding_window=200)
    done = export(made(base, tmp_path / "adapter"), "gguf", tmp_path / "out", base)
    assert gguf.GGUFReader(file_in(done.path)).fields["llama.context_length"].contents() == 200


def test_a_context_is_no_longer_than_up_to_where_all_is_turned_alike(tmp_path: Path) -> None:
    base = tiny("phi3", tmp_path / "base", rope_parameters=LONG, original_max_position_embeddings=256)
    read = gguf.GGUFReader(file_in(export(made(base, tmp_path / "a"), "gguf", tmp_path / "out", base).path))
    assert read.fields["phi3.context_length"].contents() == 256
    assert read.fields["phi3.rope.scaling.original_context_length"].contents() == 256
    # LongRoPE, Ding et al. 2024: sqrt(1 + ln 2 / ln 256) for twice the length.
    assert read.fields["phi3.rope.scaling.attn_factor"].contents() == pytest.approx((1 + 1 / 8) ** 0.5)
    held = {item.name: item.data.tolist() for item in read.tensors if item.name.startswith("rope")}
    assert held["rope_factors_short.weight"] == pytest.approx(LONG["short_factor"])
    assert held["rope_factors_long.weight"] == pytest.approx(LONG["long_factor"])


@pytest.mark.parametrize(
    ("family", "settings", "said"),
    [
        ("opt", {}, "the family opt"),
        ("gpt_neox", {}, "the family gpt_neox"),
        ("llama", {"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ("llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}, "scaled by dynamic"),
        ("qwen2", {"rope_parameters": LLAMA3 | {"original_max_position_embeddings": 64}}, "scaled by llama3"),
        ("qwen3", {"attention_bias": True}, "self_attn.o_proj.bias"),
        ("gemma3", {"query_pre_attn_scalar": 8}, "every one in 6"),
        ("gemma2", {"query_pre_attn_scalar": 16, "head_dim": 8}, "query_pre_attn_scalar"),
        ("gemma2", SLIDING | {"tie_word_embeddings": False}, "lm_head.weight"),
        ("gemma", {"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
    ],
)
def test_what_llama_cpp_computes_otherwise_is_refused_at_once(
    family: str, settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    base = tiny(family, tmp_path / "base", **settings)
    assert said in refused(made(base, tmp_path / "adapter"), base, tmp_path / "out").message


@pytest.mark.parametrize("what", ["weights", "setting", "merges", "tensor", "head"])
def test_a_file_that_changes_on_the_disk_fails_the_proof(base: Path, entry: Entry, tmp_path: Path, what: str) -> None:
    def on_phase(name: str) -> None:
        if name != "checking":
            return
        path = file_in(next(tmp_path.glob(".out-*")))
        data = path.read_bytes()
        if what == "weights":
            changed = data[:-64] + bytes(64)
        elif what == "setting":
            changed = data.replace(struct.pack("<f", 1e4), struct.pack("<f", 2e4), 1)
        elif what == "merges":
            changed = data.replace(b"\xc4\xa0 t", b"\xc4\xa0 s", 1)
        elif what == "head":
            changed = b"PUFF" + data[4:]
        else:
            changed = data.replace(b"blk.1.ffn_up.weight", b"blk.1.ffn_un.weight", 1)
        assert changed != data
        path.write_bytes(changed)

    said = {
        "weights": "logits are off",
        "setting": "freq_base",
        "merges": "merges",
        "tensor": "lacks blk.1.ffn_up",
        "head": "no sound GGUF",
    }
    with pytest.raises(StudioError, match=said[what]) as error:
        export(entry, "gguf", tmp_path / "out", base, on_phase)
    assert error.value.reason == "export"
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.failed").exists() == (what != "head")


def test_too_little_room_is_told_by_the_format(
    base: Path, entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_150_000))
    assert export(entry, "gguf", tmp_path / "small", base, stored="q8_0").proof.holds
    with pytest.raises(StudioError, match="The export needs") as error:
        export(entry, "gguf", tmp_path / "out", base, stored="f32")
    assert error.value.reason == "disk"


def test_large_tensors_are_written_and_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny("mixtral", tmp_path / "base")
    entry = made(base, tmp_path / "adapter")
    whole = file_in(export(entry, "gguf", tmp_path / "whole", base, stored="q8_0").path).read_bytes()
    monkeypatch.setattr(tensors, "_PIECE", 100)
    done = export(entry, "gguf", tmp_path / "pieces", base, stored="q8_0")
    assert file_in(done.path).read_bytes() == whole
    assert done.proof.holds


def test_the_numbers_of_a_file_lie_as_llama_cpp_has_them() -> None:
    """Rows of a head that are turned together are side by side there: 0 and 2, 1 and 3 of a head of four."""
    rows = torch.arange(8.0)
    assert Part("q", "q", "paired", heads=2).view(rows).flatten().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    experts = torch.arange(8.0).reshape(2, 4, 1)
    assert Part("g", "g", "gate").view(experts).flatten().tolist() == [0, 1, 4, 5]
    assert Part("u", "u", "up").view(experts).flatten().tolist() == [2, 3, 6, 7]


TOKENIZERS: dict[str, tuple[Callable[[], Any], str]] = {
    "gpt2": (lambda: vocabularies.byte_level("gpt2"), "gpt-2"),
    "smollm": (lambda: vocabularies.byte_level("smollm"), "smollm"),
    "llama3": (lambda: vocabularies.byte_level("llama3", whole=True, bos=True), "llama-bpe"),
    "dbrx": (lambda: vocabularies.byte_level("llama3"), "dbrx"),
    "qwen2": (lambda: vocabularies.byte_level("qwen2", composes=True), "qwen2"),
    "qwen3.5": (lambda: vocabularies.byte_level("qwen3.5"), "qwen35"),
    "prepended": (lambda: vocabularies.sentences("prepended"), "default"),
    "bare": (lambda: vocabularies.sentences("bare"), "default"),
    "first": (lambda: vocabularies.sentences("first"), "default"),
    "phi3": (lambda: vocabularies.sentences("prepended", rstrip=True), "default"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_text_is_split_alike_by_what_the_file_says(name: str) -> None:
    make, pre = TOKENIZERS[name]
    encoder = encoder_for(make())
    fields = vocabulary.fields(encoder, 600)
    assert fields["tokenizer.ggml.pre"] == pre
    text, count = vocabulary.difference(fields, encoder)
    assert (text, count > 500) == ("", True)
    reading, backend = Reading(fields | {"tokenizer.ggml.add_bos_token": False}), encoder.tokenizer.backend_tokenizer
    draw = random.Random(0)
    pieces = ["the", " order", "  ", "\n", "'s", "'LL", "12", "Ö", "好", "😀", ".", "<|im_end|>", "\t", "_x", "box"]
    for _ in range(60):
        drawn = "<|im_start|>" + "".join(draw.choices(pieces, k=12))
        assert reading.encode(drawn) == backend.encode(drawn, add_special_tokens=False).ids, drawn


@pytest.mark.parametrize("kind", ["Qwen2", "Qwen3_5", "GPT2", "Gemma", "Llama"])
def test_the_tokenizers_of_transformers_are_known(kind: str) -> None:
    sentences = kind in ("Gemma", "Llama")
    given = vocabularies.sentences("bare") if sentences else vocabularies.byte_level("gpt2")
    told = json.loads(given.backend_tokenizer.to_str())["model"]
    vocab = told["vocab"] | ({"<bos>": 600, "<eos>": 601, "<pad>": 602} if kind == "Gemma" else {})
    made = getattr(transformers, f"{kind}Tokenizer")(vocab=vocab, merges=[tuple(pair) for pair in told["merges"]])
    made.add_tokens([AddedToken(text, special=True, normalized=False) for text in ("<|im_start|>", "<|im_end|>")])
    made.chat_template = CHATML
    encoder = encoder_for(made)
    assert vocabulary.difference(vocabulary.fields(encoder, 700), encoder)[0] == ""


def test_a_template_writes_nothing_for_a_token_the_model_has_not() -> None:
    tokenizer = vocabularies.byte_level("gpt2")
    tokenizer.chat_template = "{{ bos_token }}" + CHATML
    template = vocabulary.fields(encoder_for(tokenizer), 600)["tokenizer.chat_template"]
    talk = [{"role": "user", "content": "a"}]
    assert Environment().from_string(template).render(messages=talk, bos_token="x").startswith("<|im_start|>user")


def test_other_merges_are_noticed() -> None:
    encoder = encoder_for(vocabularies.byte_level("qwen2"))
    fields = vocabulary.fields(encoder, 600)
    changed = fields | {"tokenizer.ggml.merges": fields["tokenizer.ggml.merges"][::-1]}
    assert vocabulary.difference(changed, encoder)[0]
    assert vocabulary.difference(fields | {"tokenizer.ggml.pre": "smollm"}, encoder)[0]


def _unigram(tokenizer: Any) -> Any:
    pieces = [[token, -1.0] for token in tokenizer.get_vocab()]
    return vocabularies.changed(tokenizer, model={"type": "Unigram", "unk_id": 0, "vocab": pieces})


def _taking(tokenizer: Any, side: str) -> Any:
    told = json.loads(tokenizer.backend_tokenizer.to_str())["added_tokens"]
    return vocabularies.changed(tokenizer, added_tokens=[item | {side: True} for item in told[:1]] + told[1:])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: vocabularies.byte_level("unknown"), "parts texts in a way that is not known"),
        (lambda: vocabularies.byte_level("qwen2", whole=True), "parts texts in a way that is not known"),
        (lambda: vocabularies.sentences("always"), "into other tokens"),
        (lambda: vocabularies.sentences("bare", dropped=5), "does not merge all that is a token together"),
        (lambda: _unigram(vocabularies.byte_level("gpt2")), "of the kind Unigram"),
        (lambda: _taking(vocabularies.byte_level("gpt2"), "lstrip"), "takes the spaces before it"),
        (lambda: _taking(vocabularies.byte_level("gpt2"), "rstrip"), "takes the spaces behind it"),
        (
            lambda: vocabularies.changed(vocabularies.byte_level("gpt2"), normalizer={"type": "Lowercase"}),
            "changes texts first (Lowercase)",
        ),
    ],
    ids=["parting", "whole", "always", "merges", "unigram", "lstrip", "rstrip", "lower case"],
)
def test_a_tokenizer_llama_cpp_has_not_is_refused_at_once(
    make: Callable[[], Any], said: str, entry: Entry, base: Path, tmp_path: Path
) -> None:
    random_model("llama", vocab_size=600).save_pretrained(base)
    make().save_pretrained(base)
    assert said in refused(made(base, tmp_path / "private" / "other"), base, tmp_path / "out").message


def test_more_tokens_than_the_model_has_are_refused(base: Path, tmp_path: Path) -> None:
    vocabularies.byte_level("gpt2").save_pretrained(base)
    assert "more tokens" in refused(made(base, tmp_path / "private" / "other"), base, tmp_path / "out").message


@pytest.mark.parametrize("title", ["My Phi-3 desk", "phi3"])
def test_a_title_does_not_change_how_llama_cpp_splits(title: str, base: Path, entry: Entry, tmp_path: Path) -> None:
    entry = Entry(name="x", folder=entry.folder, title=title, base=entry.base)
    named = (
        gguf.GGUFReader(file_in(export(entry, "gguf", tmp_path / "out", base).path)).fields["general.name"].contents()
    )
    assert named.lower().replace(" ", "") == title.lower().replace(" ", "")
    assert "phi-3" not in named.lower()
    assert "phi3" not in named.lower()


def test_the_card_says_how_it_is_run(base: Path, entry: Entry, tmp_path: Path) -> None:
    done = export(entry, "gguf", tmp_path / "out", base, stored="q8_0")
    card = ModelCard.load(done.path / "README.md")
    assert card.data.to_dict()["library_name"] == "gguf"
    for said in ("llama-server --jinja -m My-b-support-b-desk-Q8_0.gguf", "ollama create my-b-support-b-desk -f"):
        assert said in card.text
    assert "llama.cpp also ends an answer at `<|endoftext|>`." in card.text
    assert "by itself" not in card.text
    assert "create model -f" in export(replace(entry, title="客服"), "gguf", tmp_path / "cn", base).path.joinpath(
        "README.md"
    ).read_text(encoding="utf-8")
    other = tiny("qwen3", tmp_path / "qwen3")
    own = export(made(other, tmp_path / "other"), "gguf", tmp_path / "own", other)
    assert "Ollama computes models of this family by itself" in ModelCard.load(own.path / "README.md").text
