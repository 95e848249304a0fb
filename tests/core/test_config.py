"""The configuration: declared once, read from YAML, wrong settings named with their remedy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from studio.core import config_file
from studio.core.config import AdapterSpec, DataSpec, RunConfig, from_dict, to_dict
from studio.core.errors import StudioError
from studio.core.objectives import Needed, needed


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str, *assignments: str) -> StudioError:
    with pytest.raises(StudioError) as caught:
        config_file.load(write(folder, text), assignments)
    assert caught.value.hint
    return caught.value


def test_the_issue_example_reads_and_writes_back(tmp_path: Path) -> None:
    text = """
model:    {path: demo, quantization: none}
data:     {path: support.jsonl, eval_split: 0.05, max_length: 512, packing: true}
adapter:  {method: lora, r: 16, lora_alpha: 32, lora_dropout: 0.05, target_modules: all-linear}
training: {objective: sft, num_train_epochs: 2, max_steps: -1, per_device_train_batch_size: 8,
           gradient_accumulation_steps: 1, learning_rate: 2.0e-4, lr_scheduler_type: cosine, warmup_steps: 0.03,
           eval_steps: 20, save_steps: 20, seed: 7}
"""
    config = config_file.load(write(tmp_path, text))
    assert config.data.path == str(tmp_path / "support.jsonl")
    assert (config.training.seed, config.adapter.lora_dropout, config.training.learning_rate) == (7, 0.05, 2e-4)
    assert config_file.load(write(tmp_path, yaml.safe_dump(to_dict(config)))) == config


def test_the_names_of_chat_templates_are_no_paths(tmp_path: Path) -> None:
    for name in ("auto", "none"):
        named = config_file.load(write(tmp_path, f"data: {{path: a.jsonl, chat_template: {name}}}"))
        assert named.data.chat_template == name
    own = config_file.load(write(tmp_path, "data: {path: a.jsonl, chat_template: own.jinja}"))
    assert own.data.chat_template == str(tmp_path / "own.jinja")


@given(
    r=st.integers(1, 1024),
    dropout=st.floats(0, 0.99),
    targets=st.one_of(st.just("all-linear"), st.lists(st.sampled_from(["q_proj", "v_proj"]), min_size=1)),
    pattern=st.dictionaries(st.sampled_from(["q_proj", "layers.0.mlp"]), st.integers(1, 64)),
)
def test_plain_data_round_trips(r: int, dropout: float, targets: str | list[str], pattern: dict[str, int]) -> None:
    adapter = AdapterSpec(r=r, lora_dropout=dropout, target_modules=targets, rank_pattern=pattern)
    config = RunConfig(data=DataSpec(path="a.jsonl"), adapter=adapter)
    assert from_dict(to_dict(config)) == config


def test_a_wrong_key_is_named_with_the_nearest_right_one(tmp_path: Path) -> None:
    error = refused(tmp_path, "data: {path: a}\nadapter: {rank: 8}")
    assert error.reason == "config"
    assert "`adapter.rank`" in error.message
    assert "`adapter.r`" in error.message


@pytest.mark.parametrize(("key", "meant"), [("trainig", "training"), ("adaptor", "adapter"), ("modl", "model")])
def test_a_wrong_section_is_named_with_the_nearest_right_one(tmp_path: Path, key: str, meant: str) -> None:
    assert f"Did you mean `{meant}`?" in refused(tmp_path, f"data: {{path: a}}\n{key}: {{r: 8}}").message
    with pytest.raises(StudioError) as caught:
        config_file.load(None, ["data.path=a", "nonsense=3"])
    assert "training.seed`" not in caught.value.hint


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("data: {path: a}\ntraining: {max_steps: 5}\ntraining: {seed: 3}", "training", 3),
        ("data:\n  path: a\n  path: b", "path", 3),
        ("data: {path: a}\nadapter: {rank_pattern: {x: 1, x: 2}}", "x", 2),
    ],
)
def test_a_setting_that_stands_there_twice_is_named(tmp_path: Path, text: str, key: str, line: int) -> None:
    assert f"line {line}: `{key}` stands there a second time" in refused(tmp_path, text).message


def test_a_wrong_value_is_named_with_its_bounds(tmp_path: Path) -> None:
    error = refused(tmp_path, "data: {path: a}\nadapter: {r: 0}")
    assert "`adapter.r`" in error.message
    assert "at least 1, at most 1024" in error.message


def test_every_wrong_setting_is_told_at_once(tmp_path: Path) -> None:
    error = refused(tmp_path, "data: {path: a, eval_split: 1.5}\ntraining: {learning_rate: fast, seed: -1}")
    for name in ("data.eval_split", "training.learning_rate", "training.seed"):
        assert f"`{name}`" in error.detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no settings"),
        ("- a\n- b", "no settings"),
        ("data: {path: a", "line 1"),
        ("adapter: {r: 4}", "`data` is missing"),
        ("data: 3", "`data` must hold settings"),
        ("data: {path: &x a}\nname: *x", "aliases"),
        ("data: {path: a}\nmodel: {quantization: nf5}", "nf4"),
        ("data: {path: a}\nmodel: {quantization: nf4}\nadapter: {method: full}", "full fine-tuning"),
        ("data: {path: a}\nadapter: {init_lora_weights: pissa, r: 513}", "adapter.r"),
        ("data: {path: a}\nadapter: {init_lora_weights: olora, rank_pattern: {q_proj: 600}}", "twice the rank"),
        ("data: {path: a}\nadapter: {init_lora_weights: loftq}", "init_lora_weights"),
        ("data: {path: a}\nadapter: {method: full}\ntraining: {loraplus_lr_ratio: 16}", "loraplus_lr_ratio"),
        ("data: {path: a}\ntraining: {adam_epsilon: 0}", "adam_epsilon"),
        ("data: {path: a}\ntraining: {early_stopping_patience: 2}", "eval_split"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(tmp_path, text).message


def test_a_missing_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="cannot be read"):
        config_file.load(tmp_path / "none.yaml")
    with pytest.raises(StudioError, match="larger than 1 MB"):
        config_file.load(write(tmp_path, "# " + "x" * 1_000_001))


def test_assignments_change_settings_by_full_and_by_short_name(tmp_path: Path) -> None:
    path = write(tmp_path, "data: {path: a}")
    config = config_file.load(path, ["adapter.r=4", "learning_rate=1e-3", "target_modules=[q_proj]", "name=mine"])
    assert config_file.changed(config) == {
        "data.path": str(tmp_path / "a"),
        "adapter.r": 4,
        "adapter.target_modules": ["q_proj"],
        "training.learning_rate": 1e-3,
    }
    assert config.name == "mine"


@pytest.mark.parametrize(
    ("assignment", "reason", "words"),
    [
        ("r", "usage", "key=value"),
        ("lora_aplha=3", "config", "adapter.lora_alpha"),
        ("path=x", "config", "could mean"),
    ],
)
def test_bad_assignments_are_refused(tmp_path: Path, assignment: str, reason: str, words: str) -> None:
    error = refused(tmp_path, "data: {path: a}", assignment)
    assert error.reason == reason
    assert words in str(error)


def test_a_model_folder_beside_the_config_becomes_absolute_and_an_id_stays(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    assert config_file.load(write(tmp_path, "data: {path: a}\nmodel: {path: base}")).model.path == str(
        tmp_path / "base"
    )
    assert config_file.load(write(tmp_path, "data: {path: a}\nmodel: {path: org/m}")).model.path == "org/m"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 5000, "nested too deeply"),
        ("{a: " * 5000, "nested too deeply"),
        ("name: 2026-13-45", "cannot be read"),
        ("name: " + "9" * 5000, "cannot be read"),
        (f"name: 0x{'f' * 5000}\ndata: {{path: x}}", "too large to show"),
        ('data: {path: "a\\0b"}', "cannot be opened"),
        ("data: {path: ~nosuchuser/x}", "cannot be opened"),
        (f"data: {{path: x}}\nmodel: {{path: {'m' * 300}}}", "cannot be opened"),
    ],
)
def test_what_breaks_a_reader_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    error = refused(tmp_path, text)
    assert error.reason == "config"
    assert words in error.message


@pytest.mark.parametrize("value", ["2026-13-45", "9" * 5000, "[" * 5000])
def test_an_assigned_value_that_is_no_yaml_is_text(tmp_path: Path, value: str) -> None:
    assert refused(tmp_path, "data: {path: x}", f"training.seed={value}").reason == "config"


@pytest.mark.parametrize("text", ["123", "2024-01-01", "#1", "a #b", "yes", "a: b", "[a", "'a' 'b", "007"])
def test_a_text_is_assigned_as_it_stands(tmp_path: Path, text: str) -> None:
    config = config_file.load(None, [f"name={text}", f"data.path={tmp_path / text}", f"revision={text}"])
    assert (config.name, config.data.path, config.model.revision) == (text, str(tmp_path / text), text)


@pytest.mark.parametrize("text", ["", "null", "~"])
def test_no_text_is_assigned_where_none_may_be(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "{name: a, data: {path: a}}")
    assert config_file.load(path, [f"name={text}"]).name is None
    assert config_file.load(path, [f"optim_args={text}"]).training.optim_args == text


@pytest.mark.parametrize("name", ["null", "~", "#1", " a", "'a'", '"a', "a\nb", "é", "123", "a: b", None])
def test_assignments_of_a_config_make_the_same_one(tmp_path: Path, name: str | None) -> None:
    config = replace(config_file.load(write(tmp_path, "data: {path: a}")), name=name)
    assert config_file.load(None, config_file.as_assignments(config)) == config


def test_leading_zeros_change_no_number(tmp_path: Path) -> None:
    path = write(tmp_path, "data: {path: a}")
    config = config_file.load(path, ["seed=010", "max_steps=0100", "weight_decay=0.010", "layers_to_transform=010"])
    assert (config.training.seed, config.training.max_steps, config.training.weight_decay) == (10, 100, 0.01)
    assert config.adapter.layers_to_transform == [10]


def test_a_value_of_any_length_makes_a_short_sentence() -> None:
    (said,) = config_file.faults({"data": {"path": "x"}, "training": {"learning_rate": "x " * 100_000}}).values()
    assert len(said) < 500
    assert "above 0" in said


def test_one_layer_is_a_list_of_one(tmp_path: Path) -> None:
    for text in ("1", "[1]"):
        assert config_file.load(write(tmp_path, "data: {path: a}"), [f"layers_to_transform={text}"]).adapter == (
            AdapterSpec(layers_to_transform=[1])
        )
    refused(tmp_path, "data: {path: a}", "layers_to_transform=-1")
    refused(tmp_path, "data: {path: a}", "layers_to_transform=true")


def test_experts_are_named_alone_or_in_a_list(tmp_path: Path) -> None:
    for text in ("experts", "[experts]"):
        found = config_file.load(write(tmp_path, "data: {path: a}"), [f"target_parameters={text}"]).adapter
        assert found == AdapterSpec(target_parameters=["experts"])
    assert config_file.load(write(tmp_path, "data: {path: a}"), ["target_parameters="]).adapter == AdapterSpec()
    refused(tmp_path, "data: {path: a}", "target_parameters=1")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("lora_dropout=0.1", "take no dropout; set it to 0"),
        ("use_dora=true", "take no DoRA; set it to false"),
        ("init_lora_weights=orthogonal", "choose default or gaussian"),
        ("init_lora_weights=pissa", "choose default or gaussian"),
    ],
)
def test_what_experts_do_not_take_is_refused_by_name(tmp_path: Path, setting: str, words: str) -> None:
    error = refused(tmp_path, "data: {path: a}", "target_parameters=experts", setting)
    assert words in error.message
    assert f"adapter.{setting.partition('=')[0]}" in error.message
    path = write(tmp_path, "data: {path: a}")
    assert config_file.load(path, ["target_parameters=experts", setting, "method=full"]).adapter.method == "full"


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize(
    "setting",
    [
        *("training.max_grad_norm={}", "training.early_stopping_threshold={}", "adapter.alpha_pattern={{x: {}}}"),
        *("training.weight_decay={}", "training.lr_scheduler_kwargs={{x: [{}]}}"),
    ],
)
def test_every_number_is_finite(tmp_path: Path, setting: str, number: str) -> None:
    error = refused(tmp_path, "data: {path: a}", setting.format(number))
    assert error.reason == "config"
    assert setting.partition("=")[0] in error.message


def test_a_chunk_repeats_at_most_half_of_itself(tmp_path: Path) -> None:
    text = "data: {{path: x, max_length: 100, chunk_overlap: {}}}"
    assert config_file.load(write(tmp_path, text.format(50))).data.chunk_overlap == 50
    assert "at most half" in refused(tmp_path, text.format(51)).message


COMPARING = ("dpo", "ipo", "orpo", "simpo", "kto")


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [(name, wanted) for name in COMPARING for wanted in needed(name)],
    ids=lambda given: given.key if isinstance(given, Needed) else given,
)
def test_settings_that_do_not_agree_are_said_at_one_of_them(objective: str, wanted: Needed) -> None:
    section, name = wanted.key.split(".")
    other = {"data.packing": True, "data.long_text": "chunks", "adapter.method": "full"}[wanted.key]
    data: dict[str, Any] = {"data": {"path": "a"}, "training": {"objective": objective}}
    assert config_file.faults(data) == {}
    data[section] = data.get(section, {}) | {name: other}
    assert config_file.faults(data) == {wanted.key: wanted.message}
    with pytest.raises(StudioError, match=f"{wanted.key}: with `{objective}`"):
        config_file.build(data)


def test_only_what_is_measured_against_the_base_needs_it_unchanged() -> None:
    assert needed("sft") == needed("pretraining") == ()
    bound = [name for name in COMPARING if "adapter.method" in {wanted.key for wanted in needed(name)}]
    assert bound == ["dpo", "ipo", "kto"]


def test_each_objective_has_a_beta_of_its_own_unless_one_is_given(tmp_path: Path) -> None:
    def beta(*settings: str) -> float:
        return config_file.load(write(tmp_path, "data: {path: a}"), settings).training.used_beta

    assert [beta(f"objective={name}") for name in COMPARING] == [0.1, 0.1, 0.1, 2.0, 0.1]
    assert beta("objective=simpo", "beta=0.1") == 0.1
    assert beta("objective=simpo", "beta=null") == 2.0
    refused(tmp_path, "data: {path: a}", "beta=0")


def test_what_is_wrong_with_no_setting_alone_is_said_of_the_whole() -> None:
    found = config_file.faults({"data": {"path": "a", "mapping": {"prompt": "q"}}})
    assert list(found) == [""]
    patience = {"data": {"path": "a"}, "training": {"early_stopping_patience": 2}}
    assert config_file.faults(patience) == {
        "training.early_stopping_patience": "Needs data.eval_split or data.eval_path."
    }
