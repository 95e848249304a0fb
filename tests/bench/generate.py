"""Answers: this program's beside the library's plain `generate`, in one process, round after round.

    python -m tests.bench.generate [--parts columns,turns,start] [--quantization nf4] [--json FILE]

On the model of `tests.bench.train`, greedy, one thread, CPU seconds, the best of the rounds; every contender must write
the same tokens. `start` counts the seconds from a desk process's start to the first piece of a model's answer, against
those of `python -c "import torch, transformers, peft"`.

`torch.compile` of the decoding step over a fixed cache is not offered. For one adapter it wrote a token in 18.8 ms
where this program takes 22 to 24 (the built-in model: 6.4 where it takes 10.3), but each process and each choice of
adapters paid for it with 14 to 30 s, or 7 s where an earlier process had left its kernels on disk. That is even after
1,300 tokens at best, after 3,700 to 6,300 without those kernels, and it needs a C++ compiler. On a card it is yet to be
measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from studio.core import desk

_ROOT = Path(__file__).resolve().parents[2]
_COUNTS = (0, 1, 2, 4, 8)
_TURNS = 4


class Model:
    """The model with its adapters, and what is asked of it."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        """Writes eight adapters of random weights and loads them beside the base."""
        import torch

        from studio.core.config import AdapterSpec, ModelSpec
        from studio.engine import adapters, generate, model

        torch.set_num_threads(1)
        spec = ModelSpec(dtype="float32", quantization=options.quantization)
        made: Any = adapters.attach(model.load_base(folder, spec, torch.device("cpu")), AdapterSpec())
        for number in range(max(_COUNTS)):
            torch.manual_seed(number)
            for name, parameter in made.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter.data, std=0.02)
            adapters.save_adapter(made, folder / f"a{number}", "model")
        self.peft: Any = made.unload()
        for number in range(max(_COUNTS)):
            self.peft = adapters.load_adapter(self.peft, folder / f"a{number}", f"a{number}")
        self.encoder = generate.encoder_for(model.load_tokenizer(folder))
        self.new, self.long = options.tokens, options.prompt
        self.sampling = generate.Sampling(max_new_tokens=self.new)

    def asked(self, turns: int = 1) -> list[dict[str, str]]:
        """Returns a conversation in which the user speaks so many times."""
        said = [" ".join(f"w{7 * at + turn}" for at in range(self.long)) for turn in range(2 * turns - 1)]
        return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)]

    def ours(self, names: list[str | None], turns: int = 1, kept: Any = None) -> list[str]:
        """Answers by this program."""
        from studio.engine.generate import compare

        found = compare(self.peft, self.encoder, self.asked(turns), names, self.sampling, turns=kept)
        return [item.text for item in found]

    def plain(self, names: list[str | None], turns: int = 1, **options: Any) -> list[str]:
        """Answers by the library, one adapter after the other."""
        import torch

        ids = torch.tensor([self.encoder.prompt(self.asked(turns))])
        texts = []
        for name in names:
            if name is None:
                with self.peft.disable_adapter():
                    texts += self._generate(ids, **options)
            else:
                self.peft.set_adapter(name)
                texts += self._generate(ids, **options)
        return texts

    def mixed(self, names: list[str | None]) -> list[str]:
        """Answers by PEFT's mixed batch."""
        import torch

        ids = torch.tensor([self.encoder.prompt(self.asked())] * len(names))
        return self._generate(ids, adapter_names=[name or "__base__" for name in names])

    def _generate(self, ids: Any, **options: Any) -> list[str]:
        import torch

        made = self.peft.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=self.new, do_sample=False,
            eos_token_id=self.encoder.stop_ids, pad_token_id=3, **options
        )[:, ids.shape[1] :]  # fmt: skip
        return [self.encoder.tokenizer.decode(row, skip_special_tokens=True) for row in made]


def interleaved(contenders: Mapping[str, Callable[[], list[str]]], rounds: int) -> dict[str, Any]:
    """Returns each contender's least CPU seconds, and whether all wrote the same."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    written = {}
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.process_time()
            written[name] = run()
            seconds[name].append(time.process_time() - began)
    same = len({tuple(texts) for texts in written.values()}) == 1
    return {name: min(taken) for name, taken in seconds.items()} | {"same": same}


def by_columns(made: Model, options: argparse.Namespace) -> dict[str, Any]:
    """Returns new tokens a CPU second of the base and so many adapters that answer one prompt; 0: one adapter alone."""
    found = {}
    for count in _COUNTS:
        names: list[str | None] = [None, *(f"a{at}" for at in range(count))] if count else ["a0"]
        runs = {"plain": partial(made.plain, names), "ours": partial(made.ours, names)}
        if count:
            runs["peft_mixed"] = partial(made.mixed, names)
        else:
            runs["static_cache"] = partial(made.plain, names, cache_implementation="static")
        measured = interleaved(runs, options.rounds)
        same = measured.pop("same")
        rates = {name: round(len(names) * made.new / taken, 1) for name, taken in measured.items()}
        found[str(count)] = rates | {"gain": round(rates["ours"] / rates["plain"], 2), "same": same}
        print(count, json.dumps(found[str(count)]), flush=True)
    return found


def by_turns(made: Model, options: argparse.Namespace) -> dict[str, Any]:
    """Returns CPU seconds of a conversation of several turns with one adapter."""
    from studio.engine.turns import Turns

    def ours() -> list[str]:
        kept = Turns()
        return [text for turn in range(_TURNS) for text in made.ours(["a0"], turn + 1, kept)]

    def plain() -> list[str]:
        return [text for turn in range(_TURNS) for text in made.plain(["a0"], turn + 1)]

    found = interleaved({"plain": plain, "ours": ours}, options.rounds)
    return found | {"gain": round(found["plain"] / found["ours"], 2)}


def by_start(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Returns seconds from a start to the first piece of an answer, and to the end of the libraries' bare import."""
    ask = desk.Answer(
        id=1,
        model=str(folder),
        adapters=[None],
        messages=[desk.Message(role="user", content="w1 w2 w3")],
        sampling=desk.Sampling(max_new_tokens=4),
    )
    found: dict[str, list[float]] = {"first_token": [], "imports": []}
    for _ in range(options.rounds):
        found["first_token"].append(_first_piece(ask))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch, transformers, peft"], check=True)
        found["imports"].append(time.perf_counter() - began)
    least = {name: round(min(taken), 2) for name, taken in found.items()}
    return least | {"ratio": round(least["first_token"] / least["imports"], 2)}


def _first_piece(ask: desk.Answer) -> float:
    """Returns seconds from the start of a desk process to the first text it writes, and ends the process."""
    command, began = [sys.executable, "-P", "-m", "studio", "desk"], time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(desk.encode(ask))
        process.stdin.flush()
        for line in process.stdout:
            reply = desk.decode_reply(line)
            if isinstance(reply, desk.Piece):
                taken = time.perf_counter() - began
                process.kill()
                return taken
            if isinstance(reply, desk.Failed):
                raise SystemExit(f"{reply.message} {reply.detail}")
    raise SystemExit("the desk process ended without an answer")


def main() -> None:
    """Measures the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="columns,turns,start")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompt", type=int, default=100, help="words of a prompt")
    parser.add_argument("--tokens", type=int, default=32, help="tokens of an answer")
    parser.add_argument("--quantization", choices=("none", "nf4"), default="none")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    parts, found = options.parts.split(","), {}
    with tempfile.TemporaryDirectory() as place:
        os.environ["STUDIO_HOME"] = str(Path(place) / "home")
        from tests.bench.train import make_model

        folder = Path(place) / "model"
        make_model(folder)
        if "start" in parts:
            found["start"] = by_start(folder, options)
            print("start", json.dumps(found["start"]), flush=True)
        if {"columns", "turns"} & {*parts}:
            made = Model(folder, options)
        if "columns" in parts:
            found["columns"] = by_columns(made, options)
        if "turns" in parts:
            found["turns"] = by_turns(made, options)
            print("turns", json.dumps(found["turns"]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
