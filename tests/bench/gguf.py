"""Exported GGUF files in llama.cpp itself: its tokens, logits and answers beside this program's.

    pip install llama-cpp-python               # into an environment of its own, which is built from source
    python -m tests.bench.gguf --python PATH   # PATH: that environment's Python; [--families llama,demo] [--adapter A]

Each family's tiny random model with a random adapter, and the built-in model with one (or with the adapter A of the
library), are exported in each number format, and the adapter as a file that llama.cpp adds to the base's. It splits the
texts of the proof, reads its prompts with caches in float32 and answers them greedily. The differences are the largest
over all positions and tokens.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_CASES: dict[str, dict[str, Any]] = {
    "demo": {},
    "llama": {
        "attention_bias": True,
        "mlp_bias": True,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 1e4,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    },
    "mistral": {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}},
    "mixtral": {},
    "qwen2": {},
    "qwen3": {},
    "phi3": {},
    "phi3-long": {
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 1e4,
            "short_factor": [1.0, 1.1, 1.3, 1.7],
            "long_factor": [1.0, 2.0, 4.0, 8.0],
            "original_max_position_embeddings": 256,
        },
        "original_max_position_embeddings": 256,
    },
    "gemma": {},
    "gemma2": {"query_pre_attn_scalar": 8, "sliding_window": 8, "head_dim": 8},
    "gemma3": {"query_pre_attn_scalar": 8, "sliding_window": 8, "num_hidden_layers": 6, "layer_types": None},
    "gpt2": {},
}
# Tokenizers as published models have them, on a tiny Llama: by what `tests.vocabularies` makes of them.
_TOKENIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt-2": ("byte_level", {"published": "gpt2"}),
    "smollm": ("byte_level", {"published": "smollm"}),
    "llama-bpe": ("byte_level", {"published": "llama3", "whole": True, "bos": True}),
    "dbrx": ("byte_level", {"published": "llama3"}),
    "qwen-2": ("byte_level", {"published": "qwen2", "composes": True}),
    "qwen35": ("byte_level", {"published": "qwen3.5"}),
    "prepended": ("sentences", {"kind": "prepended"}),
    "bare": ("sentences", {"kind": "bare"}),
    "first": ("sentences", {"kind": "first"}),
    "phi-3": ("sentences", {"kind": "prepended", "rstrip": True}),
}
_TYPES: tuple[Any, ...] = ("f32", "lora", "f16", "q8_0", "q5_1", "q4_1")
_ANSWER = 40
# Runs where llama.cpp is; files of float32, (T, V) each, carry the logits back.
_THERE = """
import json, sys
from pathlib import Path
import llama_cpp, numpy as np
asked = json.load(sys.stdin)
llm = llama_cpp.Llama(asked["file"], lora_path=asked["lora"] or None, n_ctx=0, logits_all=True, n_threads=1,
                      n_threads_batch=1, type_k=0, type_v=0, flash_attn=False, verbose=False)
told = {"tokens": [llm.tokenize(text.encode(), add_bos=True, special=True) for text in asked["texts"]], "answers": []}
for number, prompt in enumerate(asked["prompts"]):
    llm.reset()
    llm.eval(prompt)
    np.save(Path(asked["folder"]) / f"{number}.npy", llm.scores[: len(prompt)].astype(np.float32))
    answer = []
    while len(answer) < asked["answer"]:
        token = int(np.argmax(llm.scores[llm.n_tokens - 1]))
        if llama_cpp.llama_vocab_is_eog(llama_cpp.llama_model_get_vocab(llm.model), token):
            break
        answer.append(token)
        llm.eval([token])
    told["answers"].append(answer)
print(json.dumps(told))
"""


def main() -> None:
    """Compares and prints a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the Python of an environment with llama-cpp-python")
    parser.add_argument("--families", default=",".join([*_CASES, *_TOKENIZERS]), help="which of the models")
    parser.add_argument("--adapter", help="an adapter of the library for the built-in model")
    options = parser.parse_args()
    if subprocess.run([options.python, "-c", "import llama_cpp"], capture_output=True, check=False).returncode:
        print("Skipped: this Python has no llama_cpp. Name one that has it with --python.")
        return
    print(f"{'model':9} {'type':5} {'tokens':>7} {'alike':>6} {'logits':>9} {'adapter':>8} {'likeliest':>10} answers")
    from studio.core import library

    given = library.find(options.adapter) if options.adapter else None
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STUDIO_HOME"] = f"{folder}/home"  # random adapters are nothing for the user's library
        for family in options.families.split(","):
            _family(family, Path(folder) / family, options.python, given if family == "demo" else None)


def _family(family: str, folder: Path, python: str, given: Any) -> None:
    import torch

    from studio import paths
    from studio.engine import adapters, generate, model
    from studio.engine.export import export, proof
    from studio.engine.export.gguf import llamacpp, vocabulary
    from studio.engine.rendering import ChatTemplate
    from tests import vocabularies
    from tests.engine.test_export import CPU, made
    from tests.models import tiny

    torch.manual_seed(0)
    if family in _TOKENIZERS:
        kind, about = _TOKENIZERS[family]
        base = tiny("llama", folder / "base", vocab_size=600)
        getattr(vocabularies, kind)(**about).save_pretrained(base)
    else:
        base = (
            paths.resources() / "demo" / "model"
            if family == "demo"
            else tiny(family.partition("-")[0], folder / "base", **_CASES[family])
        )
    entry = given or made(base, folder / "adapter")
    encoder = generate.encoder_for(model.load_tokenizer(base), entry)
    prompts, bare = proof.prompts(encoder), model.load_base(base, proof.spec(base), CPU)
    plain = proof.logits(bare, prompts)
    ours = adapters.load_adapter(bare, entry.folder)
    live, backend = proof.logits(ours, prompts), encoder.tokenizer.backend_tokenizer
    chat = ChatTemplate(str(encoder.template), encoder.tokenizer)
    texts = [chat.render([{"role": "user", "content": text}], prompted=True) for text in vocabulary.tried(encoder)]
    split = [backend.encode(text, add_special_tokens=False).ids for text in texts]
    # llama.cpp ends answers at some tokens by their names, whatever the file says.
    named = {at for token, at in encoder.tokenizer.get_vocab().items() if token in llamacpp.ENDS}
    stops = named.union(generate.stop_ids(ours, encoder))
    answers = [_answer(ours, stops, prompt) for prompt in prompts]
    for stored in _TYPES if family in _CASES else _TYPES[:1]:
        if stored == "lora":
            done = export(entry, "gguf-lora", folder / stored, base)
            export(_idle(entry, folder / "idle"), "gguf", folder / "bare", base, stored="f32")
            files = [*(folder / "bare").glob("*.gguf"), *(folder / stored).glob("*.gguf")]
        else:
            done = export(entry, "gguf", folder / stored, base, stored=stored)
            files = [*(folder / stored).glob("*.gguf")]
        told, theirs = _asked(python, files, folder, texts, prompts)
        seen = proof.compare(plain, live, theirs, done.proof.bound)
        alike = sum(a == b for a, b in zip(told["tokens"], split, strict=True))
        same = sum(a == b for a, b in zip(told["answers"], answers, strict=True))
        print(
            f"{family:9} {stored:5} {sum(map(len, split)):7} {alike:3}/{len(split)} {seen.max_abs_difference:9.2g} "
            f"{seen.adapter_effect:8.2g} {seen.argmax_equal:10.1%} {same}/{len(answers)}",
            flush=True,
        )


def _idle(entry: Any, folder: Path) -> Any:
    """Returns an adapter that adds nothing, whose merged model is the base."""
    from safetensors.torch import load_file, save_file

    from studio.core import library

    shutil.copytree(entry.folder, folder)
    held = load_file(folder / library.WEIGHTS)
    save_file({key: value * ("lora_A" in key) for key, value in held.items()}, folder / library.WEIGHTS)
    return library.add(folder, title="idle", base=entry.base, config=entry.config)


def _asked(
    python: str, files: Sequence[Path], folder: Path, texts: list[str], prompts: list[list[int]]
) -> tuple[dict[str, Any], list[Any]]:
    import numpy as np
    import torch

    asked = {
        "file": str(files[0]),
        "lora": "".join(map(str, files[1:])),
        "folder": str(folder),
        "texts": texts,
        "prompts": prompts,
    }
    done = subprocess.run(
        [python, "-c", _THERE],
        input=json.dumps(asked | {"answer": _ANSWER}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout), [torch.from_numpy(np.load(folder / f"{at}.npy")) for at in range(len(prompts))]


def _answer(model: Any, stops: set[int], prompt: list[int]) -> list[int]:
    """Returns the likeliest tokens behind a prompt, to the end of the answer or so many."""
    import torch

    ids = list(prompt)
    while len(ids) < len(prompt) + _ANSWER:
        with torch.no_grad():
            token = int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        if token in stops:
            break
        ids.append(token)
    return ids[len(prompt) :]


if __name__ == "__main__":
    main()
