"""Exports: what is read back answers as the live adapter does, and what does not is never put in place."""

import json
import os
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.core import library
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, to_dict
from studio.core.consumers import Target
from studio.core.errors import StudioError
from studio.core.library import Base, Data, Entry
from studio.engine import adapters
from studio.engine.export import card, export, proof
from studio.engine.model import load_base, load_tokenizer
from tests.models import CHATML, random_model, tiny

CPU = torch.device("cpu")
IDS = torch.tensor([[1, 40, 41, 42, 43, 2]])


def made(base: Path, folder: Path, **settings: Any) -> Entry:
    """Writes an adapter of random weights, the same each time, for `base` and enters it into the library."""
    spec = AdapterSpec(**({"r": 4, "lora_alpha": 16} | settings))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # whatever other tests drew before
        adapted = adapters.attach(load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU), spec)
    assert isinstance(adapted, PeftModel)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    adapters.save_adapter(adapted, folder, str(base))
    config = RunConfig(model=ModelSpec(path=str(base)), data=DataSpec(path=str(folder / "d.jsonl")), adapter=spec)
    return library.add(
        folder,
        title="My | <b>support</b> *desk*",
        base=Base(path=str(base), fingerprint="ab" * 32),
        data=Data(path=str(folder / "secret-name.jsonl"), fingerprint="cd" * 32, rows=321),
        config=to_dict(config),
        metrics={"loss": 1.25, "eval_loss": float("nan"), "step": 20, "tokens": 4000, "train_s": 1.5},
    )


def made_elsewhere(base: Path, folder: Path, **settings: Any) -> Entry:
    """Writes an adapter with PEFT alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=4, **settings))
        for name, parameter in adapted.named_parameters():
            if "lora" in name:
                torch.nn.init.normal_(parameter, std=0.1)
        adapted.save_pretrained(str(folder))
    return library.add(folder, title="elsewhere")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny("llama", tmp_path / "private" / "base")


@pytest.fixture
def entry(base: Path, tmp_path: Path) -> Entry:
    return made(base, tmp_path / "private" / "adapter")


def live(base: Path, entry: Entry) -> torch.Tensor:
    model = adapters.load_adapter(load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU), entry.folder)
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=IDS).logits
        return logits


def front(card: Any) -> dict[str, Any]:
    """The metadata in front of a card."""
    told: dict[str, Any] = card.data.to_dict()
    return told


def assert_clean(out: Path, private: Path) -> None:
    """No path of this machine and no file name of the user's may leave it."""
    for file in out.rglob("*"):
        data = file.read_bytes()
        for word in (str(private), "secret-name", os.environ["STUDIO_HOME"]):
            assert word.encode() not in data, f"{file.name} holds {word}"


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_peft_folder_loads_with_plain_peft_and_is_exactly_the_same(base: Path, entry: Entry, tmp_path: Path) -> None:
    done = export(entry, "peft", tmp_path / "out", base)
    assert done.files == sorted(item.name for item in (tmp_path / "out").iterdir())
    assert {"README.md", "adapter_config.json", library.WEIGHTS, "chat_template.jinja"} < set(done.files)
    assert done.bytes == sum(item.stat().st_size for item in (tmp_path / "out").iterdir())
    assert done.proof.max_abs_difference == 0
    assert done.proof.argmax_equal == 1
    assert done.proof.positions > 60
    assert done.proof.adapter_effect > 0.1
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), done.path)
    with torch.no_grad():
        assert torch.equal(model(input_ids=IDS).logits, live(base, entry))
    assert AutoTokenizer.from_pretrained(done.path).chat_template == CHATML
    assert_clean(done.path, tmp_path / "private")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out", "private"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_a_merged_model_needs_no_adapter_and_keeps_the_bases_number_format(
    base: Path, entry: Entry, tmp_path: Path, dtype: torch.dtype
) -> None:
    AutoModelForCausalLM.from_pretrained(base).to(dtype).save_pretrained(base)
    done = export(entry, "merged", tmp_path / "out", base)
    held = load_file(done.path / "model.safetensors")
    assert {value.dtype for value in held.values()} == {dtype}
    assert done.proof.max_abs_difference <= done.proof.bound
    assert done.proof.bound < done.proof.adapter_effect / 4, "the bound tells a lost adapter from rounding"
    model = AutoModelForCausalLM.from_pretrained(done.path, dtype=torch.float32)
    with torch.no_grad():
        difference = (model(input_ids=IDS).logits - live(base, entry)).abs().max()
    assert difference <= (1e-3 if dtype == torch.float32 else done.proof.bound)
    assert_clean(done.path, tmp_path / "private")


@pytest.mark.parametrize("family", ["gpt2", "gemma3", "mixtral", "phi3", "opt"])
def test_families_merge(family: str, tmp_path: Path) -> None:
    base = tiny(family, tmp_path / "base")
    done = export(made(base, tmp_path / "a"), "merged", tmp_path / "out", base)
    assert done.proof.max_abs_difference < 1e-3 < done.proof.adapter_effect


@pytest.mark.parametrize(
    "settings",
    [
        {"use_dora": True},
        {"use_rslora": True, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["embed_tokens"]},
        {"target_modules": ["embed_tokens", "q_proj"]},
        {"target_modules": ["lm_head", "q_proj"]},
        {"bias": "all"},
    ],
    ids=["dora", "patterns", "head", "embedding", "lora on embedding", "lora on head", "bias"],
)
@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True` and:UserWarning")
def test_every_kind_of_adapter_merges(tmp_path: Path, settings: dict[str, Any], tied: bool) -> None:
    base = tiny("llama", tmp_path / "base", tie_word_embeddings=tied, attention_bias=True)
    if tied and "target_modules" in settings:
        entry = made_elsewhere(base, tmp_path / "a", **settings)  # not with this program
    else:
        entry = made(base, tmp_path / "a", **settings)
    for to in ("peft", "merged"):
        done = export(entry, to, tmp_path / to, base)
        assert done.proof.max_abs_difference < 1e-3 < done.proof.adapter_effect


def test_a_merged_model_keeps_generation_settings_that_cannot_be_saved_as_they_are(
    base: Path, entry: Entry, tmp_path: Path
) -> None:
    settings = json.loads((base / "generation_config.json").read_text()) | {"temperature": 0.6, "do_sample": False}
    (base / "generation_config.json").write_text(json.dumps(settings))
    done = export(entry, "merged", tmp_path / "out", base)
    assert json.loads((done.path / "generation_config.json").read_text())["temperature"] == 0.6


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_other_programs_end_answers_where_this_one_does(base: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(base)
    tokenizer.eos_token = "<|endoftext|>"  # the template closes a turn with <|im_end|>
    tokenizer.save_pretrained(base)
    model = random_model("llama", eos_token_id=0)
    model.save_pretrained(base)
    other = made(base, tmp_path / "ends")
    done = export(other, "merged", tmp_path / "merged", base)
    assert AutoModelForCausalLM.from_pretrained(done.path).generation_config.eos_token_id == [0, 2]
    line = "model.generation_config.eos_token_id = [0, 2]\n```"
    assert line in (export(other, "peft", tmp_path / "peft", base).path / "README.md").read_text()
    model.generation_config.eos_token_id = [2, 0]
    model.save_pretrained(base)
    again = export(other, "merged", tmp_path / "again", base)
    assert json.loads((again.path / "generation_config.json").read_text())["eos_token_id"] == [2, 0], "as it was"
    assert "eos_token_id" not in (export(other, "peft", tmp_path / "peft2", base).path / "README.md").read_text()


def test_an_export_that_answers_differently_is_kept_aside(base: Path, entry: Entry, tmp_path: Path) -> None:
    # An adapter that changes on the disk between being read and being written is the simplest way to a wrong export.
    weights = load_file(entry.folder / library.WEIGHTS)
    phases: list[str] = []

    def on_phase(name: str) -> None:
        phases.append(name)
        if name == "checking":
            (stage,) = tmp_path.glob(".out-*")
            save_file({key: value * 1.01 for key, value in weights.items()}, stage / library.WEIGHTS)

    for number in ("", "-2"):
        with pytest.raises(StudioError, match="answers differently") as error:
            export(entry, "peft", tmp_path / "out", base, on_phase)
        assert error.value.reason == "export"
        assert not (tmp_path / "out").exists()
        assert (tmp_path / f"out.failed{number}" / library.WEIGHTS).is_file()
    assert list(tmp_path.glob(".out-*")) == []


@pytest.mark.parametrize("place", ["adapters/x", "runs/x/y", "x", "link/x"])
def test_nothing_is_put_among_the_programs_own_files(base: Path, entry: Entry, home: Path, place: str) -> None:
    (home.parent / "outside").mkdir(exist_ok=True)
    (home.parent / "outside" / "link").unlink(missing_ok=True)
    (home.parent / "outside" / "link").symlink_to(home / "adapters")
    out = home.parent / "outside" / place if place.startswith("link") else home / place
    before = library.entries()
    with pytest.raises(StudioError, match="keeps its own files") as error:
        export(entry, "peft", out, base)
    assert error.value.reason == "usage"
    assert str(home) in error.value.hint
    assert not out.exists()
    assert library.entries() == before


def test_nothing_is_overwritten(base: Path, entry: Entry, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    for taken in (out, out / "mine.txt"):
        with pytest.raises(StudioError, match="is there already") as error:
            export(entry, "peft", taken, base)
        assert error.value.reason == "usage"
    assert (out / "mine.txt").read_text() == "mine"
    (out / "mine.txt").unlink()
    assert export(entry, "peft", out, base).path == out, "an empty folder will do"


def test_a_damaged_adapter_is_not_exported(base: Path, entry: Entry, tmp_path: Path) -> None:
    data = bytearray((entry.folder / library.WEIGHTS).read_bytes())
    data[-1] ^= 1
    (entry.folder / library.WEIGHTS).write_bytes(data)
    with pytest.raises(StudioError, match="has changed since") as error:
        export(entry, "merged", tmp_path / "out", base)
    assert error.value.reason == "adapter"
    assert not (tmp_path / "out").exists()


def test_merging_into_quantized_weights_is_refused(base: Path, entry: Entry, tmp_path: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    quantized = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    (base / "config.json").write_text(json.dumps(config | {"quantization_config": quantized}))
    with pytest.raises(StudioError, match="stored quantized") as error:
        export(entry, "merged", tmp_path / "out", base)
    assert error.value.reason == "export"
    assert "--base" in error.value.hint
    assert list(tmp_path.glob("*out*")) == []


def test_another_base_is_refused(entry: Entry, tmp_path: Path) -> None:
    other = tiny("llama", tmp_path / "other", hidden_size=48)
    with pytest.raises(StudioError) as error:
        export(entry, "merged", tmp_path / "out", other)
    assert error.value.reason == "adapter"
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX systems do")
@pytest.mark.parametrize("to", ["peft", "merged", "gguf"])
def test_a_full_disk_is_said_and_leaves_nothing(
    base: Path, entry: Entry, tmp_path: Path, to: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    # What is imported meanwhile would leave half its bytecode for later imports.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(StudioError, match="The disk is full") as error:
            export(entry, to, tmp_path / "out", base)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.reason == "disk"
    assert list(tmp_path.glob("*out*")) == []


def test_too_little_room_for_a_small_model_is_told_in_its_own_unit(
    base: Path, entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=900_000))
    with pytest.raises(StudioError, match=r"needs [1-9][\d.]* [kM]B and the disk has 900 kB left") as error:
        export(entry, "merged", tmp_path / "out", base)
    assert error.value.reason == "disk"


def test_nan_logits_never_pass() -> None:
    sound = [torch.zeros(3, 5)]
    broken = [torch.zeros(3, 5)]
    broken[0][1, 2] = float("nan")
    assert proof.compare(sound, sound, sound, 1e-3).holds
    assert not proof.compare(sound, sound, broken, 1e-3).holds
    assert not proof.compare(sound, broken, broken, 1e-3).holds
    assert proof.bound(sound, broken, broken) == proof.EXACT


def test_a_model_whose_cache_cannot_be_used_has_logits() -> None:
    """A Jamba of so few layers has none that attends, and its cache then counts no tokens."""
    model = random_model(
        "jamba", mamba_d_state=4, mamba_dt_rank=4, num_experts=2, num_experts_per_tok=1, expert_layer_offset=1
    )
    assert set(model.config.layers_block_type) == {"mamba"}
    assert [found.shape for found in proof.logits(model, [[1, 2, 3]])] == [(3, 304)]


def test_a_wrong_merge_is_not_taken_for_rounding() -> None:
    live, near, far = [torch.zeros(3, 5)], [torch.full((3, 5), 0.3)], [torch.full((3, 5), 0.5)]
    assert proof.bound(live, live, near) == pytest.approx(0.301)
    assert proof.bound(live, far, far) == proof.EXACT


def test_the_card_says_what_it_is_and_nothing_of_this_machine(base: Path, entry: Entry, tmp_path: Path) -> None:
    done = export(entry, "peft", tmp_path / "out", base)
    read = ModelCard.load(done.path / "README.md")
    told = front(read)
    assert told["library_name"] == "peft"
    assert "base_model" not in told, "a folder means nothing elsewhere"
    assert "finetune-studio" in told["tags"]
    text = read.text
    for word in ("321 rows", "cdcdcdcdcdcd", "abababababab", "adapter.r | 4", "1.25", "PeftModel.from_pretrained"):
        assert word in text.replace("\\", ""), word
    assert "<b>" not in text, "a title cannot add markup"
    assert json.loads((done.path / "adapter_config.json").read_text())["base_model_name_or_path"] is None


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize(("named", "told"), [("demo", "demo"), ("", "")], ids=["demo", "folder"])
def test_an_exported_folder_is_taken_in_again_with_what_is_known_of_it(
    base: Path, entry: Entry, tmp_path: Path, named: str, told: str
) -> None:
    entry = replace(entry, base=replace(entry.base, path=named or entry.base.path), note="mine", tags=["own"])
    again = library.located(str(export(entry, "peft", tmp_path / "out", base).path))
    assert again.base == Base(path=told, fingerprint=entry.base.fingerprint)
    assert again.data == Data(fingerprint=entry.data.fingerprint, rows=321)
    assert (again.title, again.metrics["loss"], again.created_s) == (entry.title, 1.25, entry.created_s)
    assert library.verified(again).fault == ""
    assert (again.note, again.tags, again.run) == ("", [], "")


def test_a_hub_base_is_named(entry: Entry) -> None:
    text = card.card(
        title="t", base=Base(path="org/model-1.5", revision="v2"), data=Data(), config={}, metrics={}, to="merged"
    )
    assert front(ModelCard(text))["base_model"] == "org/model-1.5"
    assert front(ModelCard(text))["library_name"] == "transformers"
    assert "v2" in text
    assert "not on record" in text
    for path in ("demo", "/a/b", "../x", "C:\\x\\y", "a/b/c", "", "private folder/x"):
        assert card.hub_id(path) is None


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_the_exported_folder_knows_a_hub_base_for_peft_itself(
    base: Path, entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = export(replace(entry, base=Base(path="org/base")), "peft", tmp_path / "out", base)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org").mkdir()
    base.rename(tmp_path / "org" / "base")
    model = AutoPeftModelForCausalLM.from_pretrained(done.path)
    assert isinstance(model, PeftModel)


def test_the_template_of_the_training_goes_along(base: Path, entry: Entry, tmp_path: Path) -> None:
    (entry.folder / "chat_template.jinja").write_text(CHATML.replace("assistant\n", "helper\n"))
    done = export(entry, "merged", tmp_path / "out", base)
    assert "helper" in load_tokenizer(done.path).chat_template


def test_the_card_of_a_preference_says_what_its_numbers_are(entry: Entry) -> None:
    def told(objective: str) -> str:
        config = entry.config | {"training": entry.config["training"] | {"objective": objective, "beta": 0.25}}
        metrics = {"loss": 0.5, "eval_loss": 0.4, "eval_reward_accuracy": 0.75 if objective == "dpo" else None}
        return card.card(title="t", base=Base(), data=Data(), config=config, metrics=metrics, to="peft").replace(
            "\\", ""
        )

    preferred, learned = told("dpo"), told("sft")
    for said in (
        "training.beta | 0.25",
        "Evaluation loss (best, the mean of rows)",
        "share of the evaluation rows) | 0.75",
    ):
        assert said in preferred
        assert said not in learned
    assert "nats a token" in learned
    assert "dpo" in front(ModelCard(preferred))["tags"]
    assert "dpo" not in front(ModelCard(learned))["tags"]


def test_the_card_of_a_result_reads_the_tokenizer_where_it_is(base: Path, entry: Entry, tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "title": "t",
        "base": entry.base,
        "data": entry.data,
        "config": entry.config,
        "metrics": entry.metrics,
    }
    text = card.card(**about, to="result")
    assert front(ModelCard(text))["library_name"] == "peft"
    code = text.split("```python\n")[1].split("```")[0]
    folder = tmp_path / "result"
    shutil.copytree(entry.folder, folder)
    (folder / "chat_template.jinja").write_text("{{ 'its own' }}")
    code = code.replace("PATH/TO/THE/BASE", str(base)).replace("PATH/TO/THIS/FOLDER", str(folder))
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, names)
    assert names["tokenizer"].chat_template == "{{ 'its own' }}"
    assert isinstance(names["model"], PeftModel)
