"""What only a card computes: the same numbers as the plain way, and the same bits each time."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from studio.core import events
from studio.engine import hardware, norms, varlen
from tests.engine.test_blocks import plain, segmented
from tests.training import config, digest, resume, trained

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no card")


def near(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Whether bfloat16 numbers are as near as that format allows."""
    difference = (found.double() - expected.double()).norm() / expected.double().norm()
    assert float(difference) < 1e-2


@pytest.mark.parametrize("path", ["flash", "varlen"])
@pytest.mark.parametrize("lengths", [(70,), (3, 1, 300, 65), (130, 1, 40, 129)])
@pytest.mark.parametrize("starts", [(), (0,), (0, 2)])
@pytest.mark.parametrize(("heads", "groups", "size"), [(2, 1, 64), (2, 4, 128)])
def test_rows_and_gradients_equal_those_in_double_precision(
    path: str, lengths: tuple[int, ...], starts: tuple[int, ...], heads: int, groups: int, size: int
) -> None:
    torch.manual_seed(0)
    segments, count = segmented(lengths, starts), sum(lengths)
    shapes = (heads * groups, heads, heads)
    inputs = [torch.randn(1, count, n, size, device="cuda").bfloat16().transpose(1, 2) for n in shapes]
    query, key, value = (x.requires_grad_() for x in inputs)
    weights = torch.randn(1, count, heads * groups, size, device="cuda").bfloat16()
    kernels = hardware.kernels(query.device)
    assert varlen.takes(query, value)
    assert kernels.flash.takes(query, value)
    if path == "flash":
        found = kernels.flash.attend(query, key, value, segments, 0.3)
    else:
        found = varlen.attend(query, key, value, segments, 0.3, None)
    gradients = torch.autograd.grad((found * weights).sum(), inputs)
    exact = [x.detach().double().cpu().requires_grad_() for x in inputs]
    expected = plain(exact[0], exact[1], exact[2], segments)
    near(found.cpu(), expected)
    for one, other in zip(gradients, torch.autograd.grad((expected * weights.cpu()).sum(), exact), strict=True):
        near(one.cpu(), other)


def test_norms_equal_transformers() -> None:
    torch.manual_seed(0)
    x = torch.randn(33, 256, device="cuda").bfloat16().requires_grad_()
    gradient = torch.randn(33, 256, device="cuda").bfloat16()
    found = []
    for written_out in (True, False):
        norm: Any = LlamaRMSNorm(256).to("cuda", torch.bfloat16)
        norm.weight.data = torch.linspace(-1, 2, 256, device="cuda").bfloat16()
        norm.requires_grad_(False)
        assert not written_out or norms.use(norm) == ""
        y = norm(x)
        found.append((y, torch.autograd.grad(y, x, gradient)[0]))
    for one, other in zip(*found, strict=True):
        near(one, other)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_run_that_goes_on_ends_bit_identical(tmp_path: Path, quantization: str) -> None:
    spec: dict[str, Any] = {"model": {"quantization": quantization}, "eval_steps": 4, "save_steps": 2}
    whole = config(tmp_path, data={"eval_split": 0.1}, **spec)
    runs = [trained(whole, tmp_path / name) for name in ("one", "other")]
    assert runs[0].progress().prepared is not None
    assert digest(runs[0]) == digest(runs[1])
    from studio.core import runs as folders

    torn = folders.create(whole, tmp_path / "torn")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 5:
            torn.ask(events.Stop(keep=False))

    resume(torn, stop)
    resume(torn)
    assert digest(torn) == digest(runs[0])


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
def test_every_fast_path_is_taken_and_losses_are_those_in_full_precision(tmp_path: Path, family: str) -> None:
    settings: dict[str, Any] = {"adapter": {"lora_dropout": 0.0}, "learning_rate": 1e-3, "num_train_epochs": 1}
    runs = [trained(config(tmp_path, family=family, model={"dtype": d}, **settings), tmp_path / d) for d in DTYPES]
    prepared = runs[0].progress().prepared
    assert prepared is not None
    assert family != "llama" or prepared.plain == {}
    half, full = (torch.tensor([step.loss for step in run.progress().steps]) for run in runs)
    torch.testing.assert_close(half, full, rtol=2e-2, atol=0)


DTYPES = ("bfloat16", "float32")
