"""One contender of `tests.bench.train` in a process of its own; run by path, so that it needs nothing but itself.

    python contenders.py NAME FOLDER

Reads `bench.json`, `model/`, `tokens/` (the rows as token ids and labels) and `adapter/` (the start) from FOLDER, takes
the steps and prints one JSON line: losses, and of the steps behind the first their CPU and wall seconds, and the
process's peak memory in bytes. Every contender keeps the order of the rows, so all take the same steps.
"""

import importlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any


class Clock:
    """Reads the clocks at the end of each step."""

    def __init__(self) -> None:
        """Starts without a reading."""
        self.readings: list[tuple[float, float]] = []

    def tick(self) -> None:
        """Takes a reading, of a card's work when it is done."""
        torch = sys.modules["torch"]
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.readings.append((time.process_time(), time.perf_counter()))

    def report(self, losses: list[float], inside_s: float | None = None, **more: Any) -> None:
        """Prints what was measured; with `inside_s`, the share of the CPU seconds that were not spent there."""
        (cpu, wall), (cpu_end, wall_end) = self.readings[0], self.readings[-1]
        torch = sys.modules["torch"]
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else own
        found: dict[str, Any] = more | {
            "losses": losses,
            "cpu_s": cpu_end - cpu,
            "wall_s": wall_end - wall,
            "peak_bytes": peak,
        }
        if inside_s is not None:
            found["overhead"] = 1 - inside_s / (cpu_end - cpu)
        print(json.dumps(found), flush=True)


def ours(folder: Path, about: dict[str, Any]) -> None:
    """Takes the steps with this program's own loop: a run like any other."""
    from studio.core import events, runs
    from studio.core.config import from_dict
    from studio.engine import spare

    config = from_dict(about["config"])
    spare.imports(config)
    from studio.engine.train import train

    clock, losses, inside, spent, plain = Clock(), list[float](), _inside(), list[float](), dict[str, str]()

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Prepared):
            plain.update(event.plain)
            if about["objective"] == "dpo":
                clock.tick()
        if isinstance(event, events.Step):
            clock.tick()
            losses.append(event.loss)
            spent.append(inside[0])

    train(runs.create(config, Path(tempfile.mkdtemp()) / "run"), 0, emit)
    clock.report(losses, None if about["objective"] == "dpo" else spent[-1] - spent[0], plain=plain)


def _inside() -> list[float]:
    """Returns one number, the CPU seconds spent in forward and backward passes and in the optimizer; it grows."""
    import torch
    from accelerate import Accelerator

    from studio.engine import objectives

    seconds = [0.0]

    def timed(call: Any) -> Any:
        def timing(*positional: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return call(*positional, **options)
            finally:
                seconds[0] += time.process_time() - began

        return timing

    places: list[tuple[Any, str]] = [
        (objectives, "language_modelling"),
        (Accelerator, "backward"),
        (Accelerator, "clip_grad_norm_"),
        (torch.optim.AdamW, "step"),
    ]
    for owner, name in places:
        setattr(owner, name, timed(getattr(owner, name)))
    return seconds


def _arguments(folder: Path, about: dict[str, Any], rows_at_once: int, checkpointing: bool) -> dict[str, Any]:
    """Returns what the trainers built on transformers' have in common."""
    return {
        "output_dir": str(folder / "trash"),
        "max_steps": about["steps"],
        "per_device_train_batch_size": rows_at_once,
        "gradient_accumulation_steps": about["rows_per_step"] // rows_at_once,
        "gradient_checkpointing": checkpointing,
        "learning_rate": about["learning_rate"],
        "lr_scheduler_type": "constant",
        "warmup_steps": 0,
        "bf16": about["dtype"] == "bfloat16",
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }


def _ticking(clock: Clock) -> Any:
    from transformers import TrainerCallback

    class Ticking(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.tick()

    return Ticking()


def _losses(trainer: Any) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def _with_peft(folder: Path, about: dict[str, Any]) -> Any:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    dtype = getattr(torch, about["dtype"])
    options: dict[str, Any] = {"dtype": dtype}
    if about["quantization"] == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    base = AutoModelForCausalLM.from_pretrained(folder / "model", **options)
    return PeftModel.from_pretrained(base, folder / "adapter", is_trainable=True)


def _with_unsloth(folder: Path, about: dict[str, Any]) -> Any:
    import torch
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    unsloth: Any = importlib.import_module("unsloth").FastLanguageModel
    base, _ = unsloth.from_pretrained(
        str(folder / "model"),
        max_seq_length=about["max_length"],
        dtype=getattr(torch, about["dtype"]),
        load_in_4bit=about["quantization"] == "nf4",
    )
    model = unsloth.get_peft_model(
        base,
        r=about["rank"],
        lora_alpha=2 * about["rank"],
        target_modules=about["target_modules"],
        lora_dropout=0,
        use_gradient_checkpointing=False,
    )
    set_peft_model_state_dict(model, load_file(folder / "adapter" / "adapter_model.safetensors"))
    return model


def trl(
    folder: Path,
    about: dict[str, Any],
    *,
    rows_at_once: int,
    checkpointing: bool,
    flat: bool = False,
    load: Any = _with_peft,
) -> None:
    """Takes the steps with TRL's SFTTrainer; `flat`: rows laid end to end."""
    if load is _with_unsloth:
        # It changes the others as it is imported, and asks to be the first.
        importlib.import_module("unsloth")
    import torch
    from datasets import load_from_disk
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(about["threads"])
    clock, model = Clock(), load(folder, about)
    # On a quantized base the trainer rounds the adapter to bfloat16, which a processor multiplies slower, and losses
    # then differ by 4e-4. Here every contender trains it in float32: the same work, and losses to compare.
    starts = [(parameter, parameter.data) for parameter in model.parameters() if parameter.requires_grad]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **_arguments(folder, about, rows_at_once, checkpointing),
            use_cpu=not torch.cuda.is_available(),
            padding_free=flat,
            max_length=None if flat else about["max_length"],
            train_sampling_strategy="sequential",
        ),
        train_dataset=load_from_disk(str(folder / "tokens"))["train"],
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        callbacks=[_ticking(clock)],
    )
    for parameter, start in starts:
        parameter.data = start
    trainer.train()
    clock.report(_losses(trainer))


def trl_preferring(
    folder: Path, about: dict[str, Any], *, rows_at_once: int, checkpointing: bool, ready: bool = False
) -> None:
    """Takes the steps with TRL's DPOTrainer; `ready`: what the base makes of the rows is computed before the first."""
    import torch
    from datasets import load_from_disk
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    torch.set_num_threads(about["threads"])
    clock, model = Clock(), _with_peft(folder, about)
    # The rows' tokens are there already.
    DPOTrainer._prepare_dataset = lambda self, dataset, *_: dataset
    if ready:
        # That is where it does it.
        clock.tick()
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            **_arguments(folder, about, rows_at_once, checkpointing),
            use_cpu=not torch.cuda.is_available(),
            max_length=about["max_length"],
            train_sampling_strategy="sequential",
            precompute_ref_log_probs=ready,
            precompute_ref_batch_size=rows_at_once,
        ),
        train_dataset=load_from_disk(str(folder / "tokens"))["train"],
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        callbacks=[_ticking(clock)],
    )
    if not ready:
        clock.tick()
    trainer.train()
    clock.report(_losses(trainer))


def llamafactory(folder: Path, about: dict[str, Any], *, rows_at_once: int, checkpointing: bool) -> None:
    """Takes the steps with LLaMA-Factory's own way from a config to a trained adapter."""
    import torch
    import transformers  # it looks for the module below, and must not find the empty one

    assert transformers.__version__
    # It imports this for sounds, of which there are none here; the one built for this torch is hard to come by.
    sys.modules.setdefault("torchaudio", ModuleType("torchaudio"))
    tuner = importlib.import_module("llamafactory.train.tuner")
    workflow: Any = importlib.import_module("llamafactory.train.sft.workflow")

    torch.set_num_threads(about["threads"])
    clock, kept = Clock(), list[Any]()
    arguments = _arguments(folder, about, rows_at_once, checkpointing) | {
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": str(folder / "model"),
        "adapter_name_or_path": str(folder / "adapter"),
        "finetuning_type": "lora",
        "template": "empty",
        "dataset": "tokenized",
        "tokenized_path": str(folder / "tokens"),
        "cutoff_len": about["max_length"],
        "disable_shuffling": True,
        "disable_gradient_checkpointing": not checkpointing,
        "infer_dtype": about["dtype"],
        "use_cpu": not torch.cuda.is_available(),
        "plot_loss": False,
        "overwrite_output_dir": True,
    }
    del arguments["gradient_checkpointing"]
    if about["quantization"] == "nf4":
        arguments |= {"quantization_bit": 4, "quantization_type": "nf4", "double_quantization": True}
    make = workflow.CustomSeq2SeqTrainer

    def keeping(*positional: Any, **options: Any) -> Any:
        kept.append(make(*positional, **options))
        return kept[0]

    workflow.CustomSeq2SeqTrainer = keeping
    tuner.run_exp(arguments, [_ticking(clock)])
    clock.report(_losses(kept[0]))


def main(name: str, folder: Path) -> None:
    """Runs the contender `name`; its libraries' own words go to the standard error."""
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    about = json.loads((folder / "bench.json").read_text())
    rows, preferring = about["rows_per_step"], about["objective"] == "dpo"
    match name:
        case "trl-usual" if preferring:
            trl_preferring(folder, about, rows_at_once=rows, checkpointing=True)
        case "trl-best" if preferring:
            trl_preferring(folder, about, rows_at_once=1, checkpointing=False)
        case "trl-ready":
            trl_preferring(folder, about, rows_at_once=1, checkpointing=False, ready=True)
        case "ours":
            ours(folder, about)
        case "ours-flat":
            from studio.engine import batches, prefix

            # Every row by itself, whatever they have in common.
            prefix.groups = lambda tokens, rows: [batches.Group(rows)]
            ours(folder, about)
        case "trl-usual":
            trl(folder, about, rows_at_once=rows, checkpointing=True)
        case "trl-best":
            trl(folder, about, rows_at_once=1, checkpointing=False)
        case "trl-flat":
            trl(folder, about, rows_at_once=min(rows, 8), checkpointing=False, flat=True)
        case "unsloth":
            trl(folder, about, rows_at_once=min(rows, 8), checkpointing=False, load=_with_unsloth)
        case "llamafactory-usual":
            llamafactory(folder, about, rows_at_once=rows, checkpointing=True)
        case "llamafactory-best":
            llamafactory(folder, about, rows_at_once=1, checkpointing=False)
        case _:
            sys.exit(f"no contender {name}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
