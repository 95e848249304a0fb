"""The yardstick: this program's training beside its peers', on the same model, rows, adapter and steps.

    python -m tests.bench.train [--rounds 3] [--steps 13] [--with ours,trl-usual,...] [--llamafactory-python PATH]
    python -m tests.bench.train --shape 8b --dtype bfloat16 --rows 96 --max-length 2048 \\
        --with ours,trl-best,trl-flat,unsloth --unsloth-python PATH [--quantization nf4] [--even]
    python -m tests.bench.train --objective dpo --with ours,trl-usual,trl-best,trl-ready

One process a contender, in turn, round after round; medians of the rounds. Prints a table and, with `--json FILE`,
writes everything measured. The second is for a card: what computes there is measured by the clock on the wall and the
card's own count of memory, on a processor by CPU seconds and the process's. Only real tokens count, never padding. With
fewer than the usual 13 steps the rows are no longer as long as they are meant to be: of the first 24 rows the mean is
118 tokens, of 96 it is 192, and long rows are what costs those who pad. LLaMA-Factory pins other versions of the
libraries, so it lives in an environment of its own, whose interpreter `--llamafactory-python` names; without it, it is
absent. The same holds for Unsloth, which needs a card. With `--objective dpo` rows have two answers, and every step is
counted, also what is done before the first for it: what the base makes of the rows, by `trl-ready` too. Both answers
of a row are as long as each other, unless `--unlike` spreads their lengths: then who pads them computes more.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

from studio import paths
from studio.core import launch
from studio.core.config import RunConfig, from_dict, to_dict
from studio.engine import adapters, corpus, hardware, model, optim

CONTENDERS = ("ours", "trl-usual", "trl-best", "llamafactory-usual", "llamafactory-best")
_VOCABULARY = 32_000
SHAPES: dict[str, dict[str, Any]] = {
    "small": {
        "hidden_size": 512,
        "intermediate_size": 1408,
        "num_hidden_layers": 10,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
        "tie_word_embeddings": True,
    },
    "medium": {
        "hidden_size": 1024,
        "intermediate_size": 2816,
        "num_hidden_layers": 16,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
}
_SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]


def make_tokenizer(folder: Path) -> int:
    """Writes a tokenizer of one token a word, `w0`, `w1` and so on; returns the size of its vocabulary."""
    words = {word: at for at, word in enumerate([*_SPECIAL, *(f"w{i}" for i in range(_VOCABULARY - len(_SPECIAL)))])}
    plain = Tokenizer(WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder)
    return _VOCABULARY


def make_model(folder: Path, shape: str = "small", dtype: torch.dtype = torch.float32) -> int:
    """Writes a random Llama and its tokenizer.

    Args:
        folder: where.
        shape: "small", of 50 million parameters, "medium", of 250 million, or "8b".
        dtype: of the weights.

    Returns:
        How many weights multiply a token: all but the embeddings, and the head.
    """
    make_tokenizer(folder)
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=_VOCABULARY, max_position_embeddings=8192, pad_token_id=3, **SHAPES[shape])
    with hardware.device():
        made = AutoModelForCausalLM.from_config(config, dtype=dtype)
    made.save_pretrained(folder)
    matrices: list[int] = [p.numel() for p in made.parameters() if p.ndim == 2]
    return sum(matrices) - (0 if config.tie_word_embeddings else int(made.get_input_embeddings().weight.numel()))


def write_rows(
    path: Path,
    count: int,
    trained: float,
    shared: int,
    most: int,
    even: bool = False,
    answers: int = 1,
    unlike: float = 0.0,
) -> None:
    """Writes rows of log-normal lengths: mean 180 tokens, at most `most`, about `trained` of them the answer's.

    Args:
        path: a JSONL file of prompts and completions.
        count: how many.
        trained: the answers' share of the tokens.
        shared: words of a system prompt that every row begins with, on top of its own.
        most: tokens of the longest.
        even: all rows have as many, as packed ones do.
        answers: 2: a better and a worse one.
        unlike: the standard deviation of the logarithm of the worse one's length over the better one's.
    """
    random = np.random.default_rng(0)
    system = [f"w{i}" for i in random.integers(0, 30_000, shared)]
    with path.open("w", encoding="utf-8") as file:
        drawn = np.clip(random.lognormal(np.log(180) - 0.405, 0.9, count), 16, most - shared).astype(int)
        # One token is the answer's end.
        for length in np.full(count, most - 1) if even else drawn:
            words = [f"w{i}" for i in random.zipf(1.3, length) % 30_000]
            cut = max(1, int(length * (1 - trained)))
            answer, row = words[cut:], {"prompt": " ".join([*system, *words[:cut]])}
            if answers == 1:
                row["completion"] = " " + " ".join(answer)
            else:
                spread = random.lognormal(0, unlike) if unlike else 1.0
                size = int(np.clip(len(answer) * spread, 1, most - 1 - shared - cut))
                other = [f"w{i}" for i in random.zipf(1.3, size) % 30_000]
                row |= {"chosen": " " + " ".join(answer), "rejected": " " + " ".join(other)}
            file.write(json.dumps(row) + "\n")


def config_of(folder: Path, options: argparse.Namespace) -> RunConfig:
    """Returns the config of the run that this program trains."""
    return from_dict(
        {
            "model": {"path": str(folder / "model"), "quantization": options.quantization, "dtype": options.dtype},
            "data": {"path": str(folder / "rows.jsonl"), "max_length": options.max_length, "chat_template": "none"},
            "adapter": {"r": options.rank, "lora_alpha": 2 * options.rank},
            "training": {
                "objective": options.objective,
                "max_steps": options.steps,
                "per_device_train_batch_size": options.rows,
                # Random weights as wide as the large shape's do not bear more.
                "learning_rate": 1e-3 if options.shape == "small" else 1e-4,
                "lr_scheduler_type": "constant",
                "warmup_steps": 0,
                "train_sampling_strategy": "sequential",
                "save_steps": 1000,
            },
        }
    )


def prepare(folder: Path, options: argparse.Namespace) -> tuple[list[int], int]:
    """Writes all that the contenders share; returns the tokens of each step and `make_model`'s count."""
    weights = make_model(folder / "model", options.shape, getattr(torch, options.dtype))
    count = options.steps * options.rows
    answers = 2 if options.objective == "dpo" else 1
    sizes = options.trained, options.shared, options.max_length, options.even
    write_rows(folder / "rows.jsonl", count, *sizes, answers, options.unlike)
    config = config_of(folder, options)
    train = corpus.read_corpus(config, model.load_tokenizer(folder / "model"), lambda event: None).train
    rows = []
    for place in range(len(train)):
        ids, trained = train[place]
        if answers == 1:
            labels = np.where(trained, ids, -100)
            rows.append({"input_ids": ids.tolist(), "attention_mask": [1] * len(ids), "labels": labels.tolist()})
        elif place % 2 == 0:
            asked = int(trained.argmax())
            other = train[place + 1][0][asked:].tolist()
            rows.append({"prompt_ids": ids[:asked].tolist(), "chosen_ids": ids[asked:].tolist(), "rejected_ids": other})
    DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(str(folder / "tokens"))
    base: Any = model.load_base(folder / "model", config.model, hardware.device())
    optim.seed_all(config.training.seed, "initialise")
    base = adapters.attach(base, config.adapter)
    adapters.save_adapter(base, folder / "adapter", "model")
    about = {
        "config": to_dict(config),
        "steps": options.steps,
        "rows_per_step": options.rows,
        "learning_rate": config.training.learning_rate,
        "max_length": options.max_length,
        "dtype": options.dtype,
        "rank": options.rank,
        "target_modules": sorted(base.peft_config["default"].target_modules),
        "threads": options.threads,
        "quantization": options.quantization,
        "objective": options.objective,
    }
    (folder / "bench.json").write_text(json.dumps(about))
    lengths = train.together
    return [int(lengths[i : i + options.rows].sum()) for i in range(0, count, options.rows)], weights


def measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Runs a contender once; returns what it measured, or why it could not."""
    own = {"llamafactory": options.llamafactory_python, "unsloth": options.unsloth_python}
    family = name.partition("-")[0]
    python = own.get(family, sys.executable)
    if python is None:
        return {"fault": f"no environment of its own was named (--{family}-python)"}
    # Ours as the program starts a run's process.
    environment = (launch.environment() if name.startswith("ours") else os.environ | {"PYTHONPATH": ""}) | {
        "OMP_NUM_THREADS": str(options.threads),
        "STUDIO_HOME": str(folder / "home"),
        "HF_HUB_OFFLINE": "1",
        "DISABLE_VERSION_CHECK": "1",
    }
    # What an earlier round knows of the base's answers would be found again.
    shutil.rmtree(paths.cache_dir() / "reference", ignore_errors=True)
    script = Path(__file__).with_name("contenders.py")
    done = subprocess.run(
        [python, str(script), name, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not done.stdout.strip():
        return {"fault": (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def summary(
    rounds: list[dict[str, Any]], tokens: list[int], losses: list[float], every: bool = False
) -> dict[str, Any]:
    """Returns a contender's medians and how far its losses are from `losses`, relatively; `every` step counted."""
    if faults := [found["fault"] for found in rounds if "fault" in found]:
        return {"fault": faults[0]}
    counted = sum(tokens) if every else sum(tokens[1:])
    overheads = [found["overhead"] for found in rounds if "overhead" in found]
    return {
        **({"overhead": statistics.median(overheads)} if overheads else {}),
        **({"plain": rounds[0]["plain"]} if "plain" in rounds[0] else {}),
        "tokens_per_cpu_s": counted / statistics.median(found["cpu_s"] for found in rounds),
        "tokens_per_s": counted / statistics.median(found["wall_s"] for found in rounds),
        "peak_bytes": statistics.median(found["peak_bytes"] for found in rounds),
        "loss_difference": float(np.max(np.abs(np.array(rounds[0]["losses"]) / np.array(losses) - 1))),
    }


def table(found: dict[str, dict[str, Any]]) -> str:
    """Returns the summaries as a Markdown table, the first one's ratios to the others beside them."""
    lines = ["| contender | tokens / CPU s | tokens / s | peak memory | ours is | of its memory | losses differ |"]
    lines.append("|---|---|---|---|---|---|---|")
    first, by = next(iter(found.values())), "tokens_per_s" if torch.cuda.is_available() else "tokens_per_cpu_s"
    for name, item in found.items():
        if "fault" in item:
            lines.append(f"| {name} | absent: {item['fault'][:80]} | | | | | |")
            continue
        ratio = first[by] / item[by] if by in first else float("nan")
        memory = first["peak_bytes"] / item["peak_bytes"] if "peak_bytes" in first else float("nan")
        lines.append(
            f"| {name} | {item['tokens_per_cpu_s']:.0f} | {item['tokens_per_s']:.0f} | {item['peak_bytes'] / 1e9:.2f}"
            f" GB | {ratio:.2f}x | {memory:.2f} | {item['loss_difference']:.1e} |"
        )
    return "\n".join(lines)


def matmul_rate(dtype: torch.dtype) -> tuple[float, float]:
    """Returns how many operations a second one large product runs at: at best, and over and over for a while."""
    device = hardware.device()
    size, times = (8192, 1000) if device.type == "cuda" else (1024, 40)
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    seconds = []
    for count in (1, 1, 1, 1, 1, times):
        began = time.perf_counter()
        for _ in range(count):
            found = a @ b
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append((time.perf_counter() - began) / count)
    operations = 2 * size * size * len(found)
    return operations / min(seconds), operations / seconds[-1]


def main() -> None:
    """Measures every contender asked for, round after round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=13, help="the first is not counted")
    parser.add_argument("--with", dest="names", default=",".join(CONTENDERS), help="which contenders, ours first")
    parser.add_argument("--llamafactory-python", help="the interpreter of an environment that holds it")
    parser.add_argument("--unsloth-python", help="likewise")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="small")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--rows", type=int, default=8, help="of a step")
    parser.add_argument("--max-length", type=int, default=1024, help="of a row, in tokens")
    parser.add_argument("--quantization", choices=("none", "nf4"), default="none")
    parser.add_argument("--objective", choices=("sft", "dpo"), default="sft")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--trained", type=float, default=0.5, help="the answers' share of the tokens")
    parser.add_argument("--unlike", type=float, default=0.0, help="spread of the lengths of a row's two answers")
    parser.add_argument("--shared", type=int, default=0, help="words of a system prompt shared by all rows")
    parser.add_argument("--even", action="store_true", help="all rows are as long as the longest, as packed ones are")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = options.names.split(",")
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as place:
        os.environ["STUDIO_HOME"] = str(Path(place) / "home")
        tokens, weights = prepare(Path(place), options)
        for _ in range(options.rounds):
            for name in names:
                measured[name].append(measure(name, Path(place), options))
                print(name, json.dumps(measured[name][-1]), file=sys.stderr)
    losses: list[float] = next((found[0]["losses"] for found in measured.values() if "losses" in found[0]), [])
    every = options.objective == "dpo"
    found = {name: summary(rounds, tokens, losses, every) for name, rounds in measured.items()}
    print(table(found))
    torch.set_num_threads(options.threads)
    best, lasting = matmul_rate(getattr(torch, options.dtype))
    print(f"One large product runs at {best / 1e9:,.0f} GFLOP/s, over and over at {lasting / 1e9:,.0f}.")
    for name, item in found.items():
        if "tokens_per_s" in item:
            rate = 4 * weights * item["tokens_per_s"]
            print(f"{name}: {rate / best:.1%} and {rate / lasting:.1%} of that, counted at 4N")
        if item.get("plain"):
            print(f"{name}: not taken: {item['plain']}")
    if options.json:
        about = vars(options) | {"json": None, "tokens": tokens, "torch": torch.__version__}
        options.json.write_text(json.dumps({"about": about, "found": found, "rounds": measured}, indent=1))


if __name__ == "__main__":
    main()
