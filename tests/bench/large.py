"""How much memory of a card a large model needs: a Llama of 65B in NF4, made on the card, r 64, rows of 512 tokens.

    python -m tests.bench.large [--layers 80] [--steps 3] [--most-gb 44] [--tokens 512]

The weights are random and never on a disk: each layer is drawn and quantized where it is needed. With `--most-gb` the
card's other memory is out of reach, so that a run which needs more fails. Prints what the run told of each step.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from transformers import LlamaConfig

from studio.core import events, runs
from studio.core.config import ModelSpec, RunConfig, from_dict
from studio.engine import hardware, model, weights
from studio.engine.train import train
from tests.bench.train import make_tokenizer

_SHAPE = {"hidden_size": 8192, "intermediate_size": 22016, "num_attention_heads": 64, "num_key_value_heads": 64}


def load(folder: Path, spec: ModelSpec, device: torch.device) -> Any:
    """Makes the model of a folder's config with random weights, quantized as `model.load_base` does."""
    made: Any = model.skeleton(folder)
    dtype = hardware.dtype(spec, device)
    for name, layer in list(made.named_modules()):
        if isinstance(layer, torch.nn.Linear) and layer is not made.get_output_embeddings():
            drawn = torch.randn(layer.out_features, layer.in_features, dtype=dtype, device=device).mul_(0.02)
            small = Linear4bit(layer.in_features, layer.out_features, False, dtype, quant_type="nf4", device="meta")
            small.support_avx512bf16_for_cpu = False
            small.weight = Params4bit(drawn, requires_grad=False, quant_type="nf4").to(device)
            made.set_submodule(name, small)
    for module in made.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.device.type == "meta":
                fill = torch.ones_like if parameter.ndim == 1 else torch.zeros_like
                new = fill(parameter, dtype=dtype, device=device)
                setattr(module, name, torch.nn.Parameter(new if new.ndim == 1 else new.normal_(std=0.02), False))
    with device:
        made.model.rotary_emb = type(made.model.rotary_emb)(made.config)
    made.is_loaded_in_4bit = made.is_quantized = True
    return made.eval()


def prepare(folder: Path, options: argparse.Namespace) -> RunConfig:
    """Writes the model's config, its tokenizer and the rows; returns the run's config."""
    vocabulary = make_tokenizer(folder / "model")
    settings = {**_SHAPE, "num_hidden_layers": options.layers, "vocab_size": vocabulary, "pad_token_id": 3}
    LlamaConfig(**settings, tie_word_embeddings=False, architectures=["LlamaForCausalLM"]).save_pretrained(
        folder / "model"
    )
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        for row in range(options.steps):
            words = " ".join(f"w{(row * 7919 + i * i) % 30_000}" for i in range(options.tokens - 2))
            file.write(json.dumps({"prompt": "w0", "completion": f" {words}"}) + "\n")
    return from_dict(
        {
            "model": {"path": str(folder / "model"), "quantization": "nf4"},
            "data": {"path": str(folder / "rows.jsonl"), "max_length": options.tokens, "chat_template": "none"},
            "adapter": {"r": 64, "lora_alpha": 16},
            "training": {
                "max_steps": options.steps,
                "per_device_train_batch_size": 1,
                "activation_checkpointing": True,
                "optim": "adamw_8bit",
                "save_steps": 1000,
            },
        }
    )


def main() -> None:
    """Takes the steps, and stops before anything is saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=80)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=512, help="of a row")
    parser.add_argument("--most-gb", type=float, default=44.0, help="of the card's memory; 0: all")
    options = parser.parse_args()
    device = hardware.device()
    if options.most_gb and device.type == "cuda":
        share = options.most_gb * 1e9 / torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, share))
    began = time.perf_counter()

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Prepared):
            about = f"{event.total_parameters / 1e9:.1f}B parameters, {event.trainable_parameters / 1e6:.0f}M trained"
            print(f"{time.perf_counter() - began:.0f} s: {about}, activations {event.activations}, {event.plain}")
        if isinstance(event, events.Step):
            print(f"step {event.step}: loss {event.loss:.3f}, {event.step_s:.2f} s, {event.memory_bytes / 1e9:.2f} GB")
            if event.step == options.steps:
                raise KeyboardInterrupt

    with (
        tempfile.TemporaryDirectory() as place,
        mock.patch.object(model, "load_base", load),
        mock.patch.object(weights, "fingerprint", return_value="random"),
    ):
        try:
            train(runs.create(prepare(Path(place), options), Path(place) / "run"), 0, emit)
        except KeyboardInterrupt:
            if device.type == "cuda":
                print(f"{torch.cuda.max_memory_reserved() / 1e9:.2f} GB at most, what is kept for later counted too")


if __name__ == "__main__":
    main()
