"""The command: demo."""

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio import paths
from studio.cli import runs as runs_commands
from studio.cli.generate import side_by_side
from studio.cli.output import add_command, count, progress
from studio.core import config_file, runs
from studio.core.errors import StudioError

_SHOWN = 3


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this module's command."""
    command = add_command(commands, "demo", "Fine-tune the built-in model on the built-in data and compare.", _demo)
    command.add_argument("--rows", type=count, default=0, help="held-out letters to answer (all)")


def _demo(args: argparse.Namespace) -> None:
    folder = paths.resources() / "demo"
    config = config_file.load(folder / "support.yaml", ["name=demo"])

    def say(text: str) -> None:
        print(text, file=sys.stderr if args.json else sys.stdout, flush=True)

    say("The built-in model learns to answer letters as a shop's desk does: its tone, and always in its reply form.\n")
    run = runs.create(config)
    finished = runs_commands.follow(run, args.json)
    if finished is None:
        raise StudioError("run", "The demo was stopped.", f"Go on with `studio runs resume {run.name}`.")
    lines = (folder / "support_heldout.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines][: args.rows or None]
    score = _scorer(folder / "support.py")
    say(f"\nAnswering {len(rows)} letters that were not in the training data, without and with the adapter ...")
    scores, shown = [], list[dict[str, Any]]()
    for row, (base, adapter) in zip(rows, _answers(run.path / finished.path, rows), strict=True):
        scores.append((score(base, row), score(adapter, row)))
        shown.append({"letter": row["messages"][0]["content"], "base": base, "adapter": adapter})
        progress("Answering", len(scores), len(rows))
    base_score, adapter_score = (sum(column) / len(rows) for column in zip(*scores, strict=True))
    if args.json:
        result = {
            "base_score": base_score,
            "adapter_score": adapter_score,
            "train_s": finished.train_s,
            "adapter": finished.adapter,
        }
        print(json.dumps(result), flush=True)
        return
    for item in shown[:_SHOWN]:
        say(f"\nLetter: {item['letter']}\n")
        say(
            side_by_side(
                ["base", "adapter"], [item["base"], item["adapter"]], min(shutil.get_terminal_size().columns, 120)
            )
        )
    say(
        f"\nScore on {len(rows)} held-out letters (share of the form's lines exactly right):"
        f" base {base_score:.0%}, adapter {adapter_score:.0%}."
        f"\nTrained in {finished.train_s:.0f} s. The adapter is `{finished.adapter}` in the library."
        f"\nTry it: studio chat demo --adapter {finished.adapter}"
    )


def _scorer(path: Path) -> Any:
    """Returns the `score` function that lies beside the demo's data."""
    spec = importlib.util.spec_from_file_location("support", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.score


def _answers(adapter: Path, rows: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yields the base's and the adapter's answer to each row's letter."""
    from studio.core.config import ModelSpec
    from studio.engine import adapters, generate, hardware, hub, model

    base = hub.resolve("demo")
    device = hardware.device()
    tuned = adapters.load_adapter(model.load_base(base, ModelSpec(), device), adapter, "demo")
    encoder = generate.encoder_for(model.load_tokenizer(base))
    for row in rows:
        columns = generate.compare(
            tuned, encoder, row["messages"][:-1], [None, "demo"], generate.Sampling(max_new_tokens=120)
        )
        yield columns[0].text, columns[1].text
