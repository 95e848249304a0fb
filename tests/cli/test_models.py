"""`studio model show` and `studio doctor`."""

import json
from pathlib import Path

import pytest

from studio.cli import run
from studio.core.errors import EXIT_CODES
from tests.models import tiny


def test_show_as_json_is_the_documented_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "show", str(tiny("llama", tmp_path)), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    keys = {"architecture", "parameters", "layers", "modules", "decoder", "head", "tied", "fused", "renames"}
    assert set(about) == keys
    assert set(about["modules"][0]) == {"name", "type", "kind", "shape", "parameters", "bias", "outputs"}


def test_show_folds_the_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "show", str(tiny("llama", tmp_path, num_hidden_layers=3))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "LlamaForCausalLM: 47,328 parameters, 3 layers"
    (line,) = [line for line in lines if "k_proj" in line]
    assert line.split() == ["model.layers.*.self_attn.k_proj", "x", "3", "Linear", "16", "x", "32", "1,536"]


@pytest.mark.parametrize(("model", "reason"), [("someone/unknown", "network"), ("/no/such", "model"), ("", "model")])
def test_an_unknown_model_is_a_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], model: str, reason: str
) -> None:
    assert run(["model", "show", model, "--json"]) == EXIT_CODES[reason]
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["reason"] == reason
    assert "Traceback" not in printed.err


def test_doctor_is_content_with_this_machine(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    assert str(home) in text
    assert "8-bit and NF4 quantization work." in text
    assert run(["doctor", "--json"]) == 0
    assert {check["name"] for check in json.loads(capsys.readouterr().out)["checks"]} >= {"torch", "disk", "home"}


def test_doctor_fails_where_nothing_can_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "file" / "home"))
    assert run(["doctor"]) == 1
    assert "STUDIO_HOME" in capsys.readouterr().out


def test_list_shows_the_models_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tiny("llama", tmp_path / "mine"))
    assert run(["model", "list", "--folder", folder, "--json"]) == 0
    found = {model["path"]: model for model in json.loads(capsys.readouterr().out)}
    assert found["demo"]["unusable"] == ""
    assert found[folder]["parameters"] == 38_048
    assert run(["model", "list", "--folder", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "MODEL"
    assert lines[-1].endswith("Holds no config.json.")


def test_show_says_which_share_experts_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "show", str(tiny("mixtral", tmp_path))]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "Experts are 65% of the weights; adapter.target_parameters=experts adapts them."


def test_a_plan_shows_what_is_trained_of_each_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tiny("llama", tmp_path))
    given = ["plan", "--modules", "--set", f"model.path={model}", "--set", "data.path=/not/there.jsonl"]
    given += ["--set", "rank_pattern={q_proj: 4}", "--set", "modules_to_save=[norm]", "--set", "layers_to_transform=1"]
    assert run(given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "LlamaForCausalLM: 7,456 of 38,048 parameters are trained"
    (upper,) = [line.split()[-3:] for line in lines if "q_proj" in line and "lora" in line]
    assert upper == ["4", "32", "256"]
    assert sum("q_proj" in line for line in lines) == 2
    assert run([*given, "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    found = {module["name"]: module for module in about["modules"]}
    assert sum(module["trained_parameters"] for module in found.values()) == about["trainable"]
    assert found["model.norm"]["trained"] == "whole"
    query = found["model.layers.1.self_attn.q_proj"]
    assert (query["trained"], query["rank"], query["alpha"]) == ("lora", 4, 32.0)
    assert run([*given, "--set", "method=full", "--set", "modules_to_save=[]", "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert sum(module["trained_parameters"] for module in about["modules"]) == about["trainable"] == about["parameters"]
