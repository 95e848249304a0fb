"""What the machine is said to be, and that what is missing or broken is named."""

import json
import os
from typing import Any

import pynvml
import pytest
import torch

from studio.engine import doctor


def test_the_report_is_json_and_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    text = json.dumps(doctor.report())
    assert "hf_canary" not in text
    about = json.loads(text)
    assert about["hugging_face"]["token"] is True
    assert about["hugging_face"]["offline"] is True
    assert about["home"]["path"] == os.environ["STUDIO_HOME"]
    # Of a build such as 2.13.0+cu130 the package may tell the first part alone.
    assert torch.__version__.startswith(about["packages"]["torch"])
    assert about["memory_bytes"]["total"] > about["memory_bytes"]["free"] > 0
    checks = {check["name"]: check for check in about["checks"]}
    assert all(checks[name]["ok"] for name in ("torch", "quantization", "home"))


def test_a_home_that_cannot_be_written_fails_an_essential_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    check = next(check for check in doctor.report()["checks"] if check["name"] == "home")
    assert not check["ok"]
    assert check["essential"]
    assert "STUDIO_HOME" in check["hint"]


def checks() -> dict[str, Any]:
    return {check["name"]: check for check in doctor.report()["checks"]}


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
