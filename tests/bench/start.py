"""A run's process from its start to its first step, rows cached, beside the bare imports that no trainer gets around.

    python -m tests.bench.start [--rounds 5] [--json FILE]

Prints JSON: CPU seconds and wall seconds of both (medians of interleaved rounds), and their ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from studio.core import events, runs
from studio.core.config import RunConfig, from_dict

_IMPORTS = "import torch, transformers, peft"
_LOOK_S = 0.02


def config_of(folder: Path) -> RunConfig:
    """Returns the config of a run of two steps on the built-in model."""
    rows = [{"prompt": f"What is {i} and {i}?", "completion": f"It is {2 * i}."} for i in range(64)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return from_dict(
        {
            "model": {"path": "demo"},
            "data": {"path": str(folder / "rows.jsonl")},
            "training": {"max_steps": 2, "threads": 1},
        }
    )


def imports() -> tuple[float, float]:
    """Returns the CPU and the wall seconds of the imports alone."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _IMPORTS + "; import time; print(time.process_time())"],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    said, _ = process.communicate()
    return float(said), time.perf_counter() - began


def first_step(config: RunConfig, folder: Path) -> tuple[float, float]:
    """Returns the CPU and the wall seconds of a run's process up to where its first step begins."""
    run = runs.create(config, folder)
    began = time.perf_counter()
    process = psutil.Popen([sys.executable, "-P", "-m", "studio", "worker", str(folder)], stderr=subprocess.DEVNULL)
    while not any(isinstance(event, events.Phase) and event.name == "training" for event in run.follow()):
        if process.poll() is not None:
            sys.exit(f"The run ended with {process.returncode}.")
        time.sleep(_LOOK_S)
    used = process.cpu_times()
    taken = time.perf_counter() - began
    process.wait()
    return used.user + used.system, taken


def main() -> None:
    """Measures both in turn, round after round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"STUDIO_HOME": str(Path(place) / "home"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        config = config_of(Path(place))
        first_step(config, Path(place) / "warm")
        rounds = [(imports(), first_step(config, Path(place) / f"run-{i}")) for i in range(options.rounds)]
    found = {}
    for at, unit in enumerate(("cpu_s", "wall_s")):
        bare, ours = (statistics.median(pair[which][at] for pair in rounds) for which in (0, 1))
        found[unit] = {"imports": bare, "first_step": ours, "ratio": ours / bare}
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
