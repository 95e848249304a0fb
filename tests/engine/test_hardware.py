"""Which device is computed on, and in which numbers."""

import psutil
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


def test_apples_gpu_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert hardware.device() == CPU


def test_the_most_memory_that_was_in_use_is_told() -> None:
    before = hardware.memory_bytes(CPU)
    more = before - psutil.Process().memory_info().rss + 120_000_000
    held = torch.ones(more // 4)
    most = hardware.memory_bytes(CPU)
    assert 100_000_000 < most - before < 200_000_000
    del held
    # The system counts each thread's share roughly.
    assert hardware.memory_bytes(CPU) > most - 2_000_000
