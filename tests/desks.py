"""What tests of the desk need: a small model with adapters, and the process itself spoken to by hand."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
from peft import PeftModel

import studio
from studio.core import desk
from studio.core.config import AdapterSpec, ModelSpec
from studio.engine import adapters
from studio.engine.model import load_base
from tests.models import random_model, tokenizer

ASK = [desk.Message(role="user", content="What is the capital of France?")]
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"

# For such a model.
ENDLESS_ANSWER = desk.Sampling(max_new_tokens=1_000_000, temperature=0.0)


def endless_model(folder: Path) -> str:
    """Writes a model that goes on answering for hours: what ends an answer is never the likeliest token."""
    made = tokenizer()
    made.save_pretrained(folder)
    model = random_model("llama", max_position_embeddings=2_000_000)
    with torch.no_grad():
        model.lm_head.weight[made.eos_token_id] = 0
    model.save_pretrained(folder)
    return str(folder)


def processor_s(process_id: int) -> float:
    """Returns the processor time that a process has had, which other programs on the machine do not lengthen."""
    spent = psutil.Process(process_id).cpu_times()
    return spent.user + spent.system


def random_adapter(model: Path, folder: Path, seed: int, **settings: Any) -> Path:
    """Writes an adapter of random weights that are strong enough to change answers; the same of a seed every time."""
    base = load_base(model, ModelSpec(path=str(model), dtype="float32"), torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapted = adapters.attach(base, AdapterSpec(**({"r": 4, "lora_alpha": 16} | settings)))
    assert isinstance(adapted, PeftModel)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    adapters.save_adapter(adapted, folder, "org/base")
    return folder


class Child:
    """The desk process, spoken to line by line."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def send(self, *items: desk.Request | desk.Cancel | bytes) -> None:
        assert self.process.stdin is not None
        for item in items:
            self.process.stdin.write(item if isinstance(item, bytes) else desk.encode(item))
        self.process.stdin.flush()

    def reply(self) -> desk.Reply:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        found = desk.decode_reply(line)
        assert found is not None, line
        return found

    def ask(self, request: desk.Request) -> list[desk.Reply]:
        """Returns all replies up to the last."""
        self.send(request)
        return self.replies(request.id)

    def replies(self, request_id: int) -> list[desk.Reply]:
        found = [self.reply()]
        while isinstance(found[-1], desk.Progress | desk.Piece | desk.Found | desk.Results):
            found.append(self.reply())
        assert {item.id for item in found} == {request_id}
        return found

    def result(self, request: desk.Request) -> Any:
        last = self.ask(request)[-1]
        assert isinstance(last, desk.Done), last
        return last.result

    def failure(self, request: desk.Request) -> desk.Failed:
        last = self.ask(request)[-1]
        assert isinstance(last, desk.Failed), last
        return last


@contextmanager
def child(home: Path) -> Iterator[Child]:
    """Runs the process with a home of its own; what it prints goes to `home/log`."""
    checkout = str(Path(studio.__file__).resolve().parents[1])
    environment = os.environ | {"STUDIO_HOME": str(home), "PYTHONPATH": checkout}
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "studio", "desk"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            cwd=home,
        ) as process,
    ):
        try:
            yield Child(process)
        finally:
            process.kill()
