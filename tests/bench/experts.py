"""What the experts' passes written out gain: a step, and a token of an answer, beside PEFT's own, in turn.

    python -m tests.bench.experts [ROUNDS]

Of a model of four layers with eight experts, 512 wide, on one thread in float32, rank 16 on all of its experts and on
attention. Each is a process of its own; printed are the least seconds of the processor, and the most memory besides
what the model takes.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from studio.core.config import AdapterSpec
from studio.engine import adapters, experts, lora, projections
from tests.models import random_model

_TOKENS, _STEPS = (256, 1024), 5
_SHAPE = {
    "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4, "num_local_experts": 8, "head_dim": 64,
    "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 2000, "max_position_embeddings": 4096,
}  # fmt: skip


def _model(written_out: bool) -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = adapters.attach(random_model("mixtral", **_SHAPE), AdapterSpec(r=16, target_parameters=["experts"]))
    for path in (lora, projections, *([experts] if written_out else [])):
        assert not path.use(model)
    return model


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) * 1024


def _steps(model: Any, tokens: int) -> dict[str, float]:
    ids = torch.randint(0, 2000, (1, tokens), generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-3)
    Path("/proc/self/clear_refs").write_text("5")
    before, least, loss = _status("VmRSS"), float("inf"), torch.zeros(())
    for _ in range(_STEPS):
        began = time.process_time()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        least = min(least, time.process_time() - began)
    return {"s": least, "mb": (_status("VmHWM") - before) / 1e6, "loss": float(loss)}


@torch.no_grad()
def _answer(model: Any, tokens: int = 30) -> dict[str, float]:
    """Measures a token of an answer."""
    ids = torch.randint(0, 2000, (1, 16), generator=torch.Generator().manual_seed(0))
    model.eval()
    began = time.process_time()
    model.generate(input_ids=ids, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)
    return {"s": (time.process_time() - began) / tokens}


def main(rounds: int) -> None:
    """Measures both ways in turn."""
    for what in (*map(str, _TOKENS), "answer"):
        for way in ("peft", "ours") * rounds:
            command = [sys.executable, "-m", "tests.bench.experts", what, way]
            found = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True).stdout
            print(f"{what:>8} {way:>5} {found.strip()}", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [what, way]:
            made = _model(way == "ours")
            print(json.dumps(_answer(made) if what == "answer" else _steps(made, int(what))))
        case given:
            main(*map(int, given or ["3"]))
