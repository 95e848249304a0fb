"""How cost grows: tokens a second against length and rank, preparation against rows, generation against adapters.

    python -m tests.bench.scale [--parts length,rank,rows,adapters,turns] [--json FILE] [--picture FILE]

On the model of `tests.bench.train`, with this program's own code, one thread. `--from FILE` adds what was measured
before, so that parts can be measured one by one and drawn together. Each figure is the best of a few; the machine's
other work only ever makes it worse.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_LENGTHS = (512, 1024, 2048, 4096, 8192)
_RANKS = (8, 16, 32, 64, 128, 256)
_ROWS = (1_000, 10_000, 100_000, 1_000_000)
_ADAPTERS = (1, 2, 4, 8)
_PLAIN = {"eval_split": 0.0, "chat_template": "none", "max_length": 16384}


def best(what: Callable[[], Any], times: int = 2) -> float:
    """Returns the least CPU seconds that `what` took."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        what()
        taken.append(time.process_time() - began)
    return min(taken)


def _prepared(folder: Path, rank: int = 16) -> tuple[Any, Any, Any]:
    """Returns the model with an adapter, how it is computed, and a function from rows' lengths to a training pass."""
    import torch

    from studio.core.config import from_dict
    from studio.engine import adapters, batches, choices, model, objectives
    from studio.engine.tokens import Tokens

    torch.set_num_threads(1)
    settings = {"model": {"path": str(folder / "model")}, "data": {"path": "-"} | _PLAIN, "adapter": {"r": rank}}
    config, device = from_dict(settings), torch.device("cpu")
    adapted = adapters.attach(model.load_base(folder / "model", config.model, device), config.adapter)
    chosen = choices.choose(adapted, config, device)
    adapted.train()

    def step(length: int, count: int = 1) -> None:
        ids = np.random.default_rng(0).integers(0, 30_000, length * count).astype(np.int32)
        offsets = np.arange(count + 1) * length
        trained, places = np.arange(length * count) % length >= length // 2, np.arange(count)
        rows = Tokens(ids, trained, offsets, places, 0 * places, ids, 0, [])
        for groups in chosen.passes(rows, [np.arange(count)]):
            batch = batches.collate(rows, groups, "flat", 0)
            objectives.language_modelling(adapted, batch, chosen.chunked).sum().backward()
        adapted.zero_grad()

    return adapted, chosen, step


def by_length(folder: Path) -> dict[int, float]:
    """Returns trained tokens a CPU second for rows of each length."""
    _, _, step = _prepared(folder)
    step(64)
    return {
        length: length / best(lambda length=length: step(length), 2 if length < 4096 else 1)  # type: ignore[misc]
        for length in _LENGTHS
    }


def by_rank(folder: Path) -> dict[int, float]:
    """Returns trained tokens a CPU second for each rank, rows of 256 tokens."""
    found = {}
    for rank in _RANKS:
        _, _, step = _prepared(folder, rank)
        step(64)
        found[rank] = 1024 / best(lambda step=step: step(256, 4))  # type: ignore[misc]
    return found


def by_rows(folder: Path) -> dict[int, dict[str, float]]:
    """Returns seconds and peak memory of reading and tokenising so many rows, each in a process of its own."""
    found = {}
    for count in _ROWS:
        file = folder / f"rows-{count}.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for number in range(count):
                words = " ".join(f"w{(number * 7 + at) % 30_000}" for at in range(20))
                lines.write(json.dumps({"prompt": words, "completion": f" w{number % 30_000}"}) + "\n")
        command = [sys.executable, "-m", "tests.bench.scale", "--prepare", str(file), "--folder", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[count] = json.loads(done.stdout.splitlines()[-1])
        file.unlink()
    return found


def prepare(folder: Path, file: Path) -> dict[str, float]:
    """Reads and tokenises a file in this process; returns the CPU seconds it took and its memory."""
    from studio.core.config import from_dict
    from studio.engine import corpus, model

    config = from_dict({"model": {"path": str(folder / "model")}, "data": {"path": str(file)} | _PLAIN})
    tokenizer = model.load_tokenizer(folder / "model")
    before, own, done = memory("RssAnon"), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            own[0] = max(own[0], memory("RssAnon"))

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.process_time()
    corpus.read_corpus(config, tokenizer, lambda event: None)
    taken = time.process_time() - began
    done.set()
    watching.join()
    return {"seconds": taken, "peak_bytes": memory("VmHWM"), "own_bytes": own[0], "growth_bytes": own[0] - before}


def memory(name: str) -> int:
    """Returns one of Linux's figures of this process's memory, in bytes.

    `VmHWM` is the peak, mapped files included; `RssAnon` what the process itself holds now. `getrusage` will not do:
    its peak is handed down from the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


def by_adapters(folder: Path) -> dict[int, dict[str, float]]:
    """Returns new tokens a CPU second of so many adapters answering side by side, in one pass and one by one."""
    import torch

    from studio.core.config import AdapterSpec, ModelSpec
    from studio.engine import adapters, generate, model

    torch.set_num_threads(1)
    base = model.load_base(folder / "model", ModelSpec(dtype="float32"), torch.device("cpu"))
    encoder = generate.encoder_for(model.load_tokenizer(folder / "model"))
    folder_of = folder / "adapter"
    made: Any = adapters.attach(base, AdapterSpec())
    adapters.save_adapter(made, folder_of, "model")
    loaded: Any = made.unload()
    for number in range(max(_ADAPTERS)):
        loaded = adapters.load_adapter(loaded, folder_of, f"a{number}")
    asked = [{"role": "user", "content": " ".join(f"w{at}" for at in range(100))}]
    sampling = generate.Sampling(max_new_tokens=24)
    found = {}
    for count in _ADAPTERS:
        names = [f"a{number}" for number in range(count)]
        together = best(lambda names=names: generate.compare(loaded, encoder, asked, names, sampling))  # type: ignore[misc]
        apart = best(lambda names=names: [generate.compare(loaded, encoder, asked, [n], sampling) for n in names])  # type: ignore[misc]
        found[count] = {"together": 24 * count / together, "one_by_one": 24 * count / apart}
    return found


def by_turns(folder: Path) -> dict[str, float]:
    """Returns CPU seconds of a conversation's last turn behind 1,000 tokens, kept and read afresh."""
    import torch

    from studio.core.config import ModelSpec
    from studio.engine import generate, model
    from studio.engine.turns import Turns

    torch.set_num_threads(1)
    base = model.load_base(folder / "model", ModelSpec(dtype="float32"), torch.device("cpu"))
    encoder, turns = generate.encoder_for(model.load_tokenizer(folder / "model")), Turns()
    said = [{"role": "user", "content": " ".join(f"w{at}" for at in range(1000))}]
    sampling = generate.Sampling(max_new_tokens=8)
    generate.answer(base, encoder, said, sampling, turns=turns)
    more = [*said, {"role": "assistant", "content": "w5"}, {"role": "user", "content": "w6 w7"}]
    afresh = best(lambda: generate.answer(base, encoder, more, sampling))
    return {"kept": best(lambda: generate.answer(base, encoder, more, sampling, turns=turns)), "afresh": afresh}


PARTS: dict[str, Callable[[Path], Any]] = {
    "length": by_length,
    "rank": by_rank,
    "rows": by_rows,
    "adapters": by_adapters,
    "turns": by_turns,
}


def main() -> None:
    """Measures the parts asked for, and draws them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", help="all of them, if nothing was measured before")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--from", dest="before", type=Path, help="a file that --json wrote")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare:
        print(json.dumps(prepare(options.folder, options.prepare)))
        return
    found: dict[str, Any] = json.loads(options.before.read_text()) if options.before else {}
    parts = options.parts if options.parts is not None else "" if found else ",".join(PARTS)
    with tempfile.TemporaryDirectory() as place:
        os.environ["STUDIO_HOME"] = str(Path(place) / "home")
        from tests.bench.train import make_model

        if parts:
            make_model(Path(place) / "model")
        for part in parts.split(",") if parts else ():
            found[part] = PARTS[part](Path(place))
            print(part, json.dumps(found[part]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    if options.picture:
        from tests.bench.picture import draw

        draw(json.loads(json.dumps(found)), options.picture)


if __name__ == "__main__":
    main()
