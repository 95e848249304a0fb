"""What the machine is said to be, and which numbers it computes in."""

import json
import os
from typing import Any

import pynvml
import pytest
import torch

from studio.core.config import ModelSpec
from studio.engine import hardware

CPU = torch.device("cpu")


def test_the_processor_computes_in_float32_unless_told_otherwise() -> None:
    assert hardware.dtype(ModelSpec(), CPU) == torch.float32
    assert hardware.dtype(ModelSpec(dtype="bfloat16"), CPU) == torch.bfloat16
    assert hardware.dtype(ModelSpec(dtype="float16"), CPU) == torch.float16


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_computes_in_the_half_precision_it_has(
    monkeypatch: pytest.MonkeyPatch, native: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert hardware.dtype(ModelSpec(), torch.device("cuda", 0)) == expected


def test_each_rank_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert hardware.device() == torch.device("cuda", 3)


def test_memory_in_use_grows_with_what_is_held() -> None:
    before = hardware.memory_bytes(CPU)
    held = torch.ones(30_000_000)
    assert hardware.memory_bytes(CPU) - before > 100_000_000
    del held


def test_the_report_is_json_and_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    text = json.dumps(hardware.report())
    assert "hf_canary" not in text
    about = json.loads(text)
    assert about["hugging_face"]["token"] is True
    assert about["hugging_face"]["offline"] is True
    assert about["home"]["path"] == os.environ["STUDIO_HOME"]
    assert about["packages"]["torch"] == torch.__version__
    assert about["memory_bytes"]["total"] > about["memory_bytes"]["free"] > 0
    checks = {check["name"]: check for check in about["checks"]}
    assert all(checks[name]["ok"] for name in ("torch", "quantization", "home"))


def test_a_home_that_cannot_be_written_fails_an_essential_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    check = next(check for check in hardware.report()["checks"] if check["name"] == "home")
    assert not check["ok"]
    assert check["essential"]
    assert "STUDIO_HOME" in check["hint"]


def checks() -> dict[str, Any]:
    return {check["name"]: check for check in hardware.report()["checks"]}


@pytest.fixture
def unused_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "580.1")


@pytest.mark.usefixtures("unused_driver")
def test_a_driver_that_is_not_used_is_told_and_stops_nothing() -> None:
    found = checks()
    assert (found["driver"]["ok"], found["driver"]["essential"]) == (False, False)
    assert "580.1" in found["driver"]["message"]
    assert found["torch"]["ok"]


@pytest.mark.usefixtures("unused_driver")
def test_pytorch_that_cannot_multiply_fails_an_essential_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(torch, "ones", broken)
    found = checks()["torch"]
    assert (found["ok"], found["essential"]) == (False, True)
    assert "no kernel image" in found["message"]
