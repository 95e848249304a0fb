"""What runs need in memory, as `studio plan` says before they begin, beside what they take.

    python -m tests.bench.memory [--shape small] [--only lora --only nf4] [--json FILE]

Each is a run of four steps of 8 rows in a process of its own, one thread; what it took is its most by the last step.
On Linux that has the pages of the weights' file in it, which the system can take back at any time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml

from studio.core import launch
from tests.bench.train import SHAPES, make_model, write_rows

# What differs from LoRA of rank 16 on all linear layers, float32, AdamW and rows of 1,024 tokens at most.
CASES: dict[str, dict[str, Any]] = {
    "lora": {},
    "rank 64": {"adapter.r": 64},
    "rank 128 8-bit AdamW": {"adapter.r": 128, "training.optim": "adamw_8bit"},
    "nf4": {"model.quantization": "nf4"},
    "8bit": {"model.quantization": "8bit"},
    "DoRA": {"adapter.use_dora": True},
    "IA3": {"adapter.method": "ia3"},
    "VeRA": {"adapter.method": "vera", "adapter.r": 256},
    "LoHa": {"adapter.method": "loha"},
    "LoKr": {"adapter.method": "lokr"},
    "OFT": {"adapter.method": "oft"},
    "PiSSA": {"adapter.init_lora_weights": "pissa_niter_16"},
    "EVA rank 64": {"adapter.init_lora_weights": "eva", "adapter.r": 64},
    "recomputed": {"training.activation_checkpointing": True},
    "4096 tokens a pass": {"training.micro_batch_tokens": 4096, "training.per_device_train_batch_size": 24},
    "packed rows": {"data.packing": True},
    "DPO": {"training.objective": "dpo", "data.path": "pairs.jsonl", "training.learning_rate": 1e-5},
    "full": {"adapter.method": "full"},
    "full Adafactor": {"adapter.method": "full", "training.optim": "adafactor"},
}


def config_of(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns a case's config as plain data."""
    made: dict[str, dict[str, Any]] = {
        "model": {"path": str(folder / "model")},
        "data": {"path": "rows.jsonl", "max_length": 1024, "chat_template": "none"},
        "adapter": {"r": 16, "lora_alpha": 32},
        "training": {
            "max_steps": 4,
            "per_device_train_batch_size": 8,
            "save_steps": 1000,
            "threads": 1,
            "train_sampling_strategy": "sequential",
        },
    }
    if settings.get("adapter.method") == "full":
        made["adapter"] = {}
    for key, value in settings.items():
        section, _, name = key.partition(".")
        made[section][name] = value
    return made


def measure(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Plans and runs a case; returns what was said it needs, and what it took."""
    path, run = folder / "config.yaml", Path(tempfile.mkdtemp(dir=folder)) / "run"
    path.write_text(yaml.safe_dump(config_of(folder, settings)), encoding="utf-8")
    environment = launch.environment() | {"OMP_NUM_THREADS": "1", "STUDIO_HOME": str(folder / "home")}
    planned: dict[str, Any] = json.loads(_studio(["plan", str(path), "--json"], environment))["memory"]
    _studio(["train", str(path), "--run-dir", str(run)], environment)
    told = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [event["memory_bytes"] for event in told if event["kind"] == "step"]
    said = planned["total"] + planned["packed"]
    return planned | {"said": said, "took": steps[-1], "ratio": said / steps[-1]}


def _studio(arguments: list[str], environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "studio", *arguments]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=tuple(SHAPES), default="small")
    parser.add_argument("--only", action="append", choices=tuple(CASES), help="a case; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder / "model", options.shape, torch.float32)
        for file, answers in (("rows.jsonl", 1), ("pairs.jsonl", 2)):
            write_rows(folder / file, 96, 0.5, 0, 1024, answers=answers)
        print("| run | said | took | said / took |\n|---|---|---|---|", flush=True)
        for case in options.only or CASES:
            one = found[case] = measure(folder, CASES[case])
            print(
                f"| {case} | {one['said'] / 1e6:,.0f} MB | {one['took'] / 1e6:,.0f} MB | {one['ratio']:.2f} |",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
