"""The model card: what an adapter is, what it was trained on, how to load it, and nothing about this machine."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id
from transformers import PreTrainedTokenizerBase

from studio.core.consumers import Consumer, Target
from studio.core.entry import Base, Data, Entry, in_words, learning_rates, peft_config
from studio.core.exportable import TAG
from studio.core.methods import has, of_peft, title_of
from studio.core.objectives import OWN_SETTINGS, asked
from studio.core.pinned import started_from

_SETTINGS = {
    "adapter": (
        "method",
        "r",
        "lora_alpha",
        "rank_pattern",
        "alpha_pattern",
        "lora_dropout",
        "target_modules",
        "target_parameters",
        "use_rslora",
        "use_dora",
        "init_lora_weights",
        "bias",
        "oft_block_size",
        "decompose_factor",
    ),
    "training": (
        "objective",
        "beta",
        "simpo_gamma",
        "desirable_weight",
        "undesirable_weight",
        "num_train_epochs",
        "max_steps",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "learning_rate",
        "loraplus_lr_ratio",
        "neftune_noise_alpha",
        "lr_scheduler_type",
        "warmup_steps",
        "optim",
        "weight_decay",
        "seed",
    ),
    "model": ("quantization",),
    "data": ("max_length", "packing", "eval_split"),
}
_OFF = {
    "training.loraplus_lr_ratio": 1,
    "training.neftune_noise_alpha": 0,
    "adapter.method": "lora",
    "adapter.decompose_factor": -1,
    "adapter.init_lora_weights": "default",
    "adapter.rank_pattern": {},
    "adapter.alpha_pattern": {},
}
_METRICS = {
    "step": "Steps",
    "loss": "Training loss (last step, {unit})",
    "eval_loss": "Evaluation loss (best, {unit})",
    "base_eval_loss": "Evaluation loss before training",
    "eval_reward_accuracy": "Reward accuracy (share of the evaluation rows)",
    "tokens": "Tokens seen",
    "train_s": "Training time (s)",
}
_FORMS = {
    "peft": "This folder",
    "gguf-lora": "The adapter as a GGUF file",
    "merged": "The model that the adapter is merged into",
    "gguf": "The merged model as a GGUF file",
}
_LOAD_PEFT = """```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained({base})
model = PeftModel.from_pretrained(base, "PATH/TO/THIS/FOLDER")
tokenizer = AutoTokenizer.from_pretrained("PATH/TO/THIS/FOLDER")
```"""
# Of a run's result, which has the template alone.
_LOAD_RESULT = """```python
from pathlib import Path

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained({base})
model = PeftModel.from_pretrained(base, "PATH/TO/THIS/FOLDER")
tokenizer = AutoTokenizer.from_pretrained({base})
template = Path("PATH/TO/THIS/FOLDER/chat_template.jinja")
if template.exists():
    tokenizer.chat_template = template.read_text(encoding="utf-8")
```"""
_LOAD_GGUF = """With llama.cpp, which reads the chat template in the file, or copied to the models of LM Studio:

```
llama-server --jinja -m {file}
```

With Ollama:

```
ollama create {name} -f Modelfile
ollama run {name}
```"""
_LOAD_LORA = """It adds to a GGUF file of its base, of any number format, here called BASE.gguf. With llama.cpp, and
with the chat template if there is one in this folder:

```
llama-server -m BASE.gguf --lora {file} --jinja --chat-template-file chat_template.jinja
```

With Ollama, if there is a Modelfile in this folder, once the base is named in it:

```
ollama create {name} -f Modelfile
ollama run {name}
```"""
_LOAD_MERGED = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("PATH/TO/THIS/FOLDER")
tokenizer = AutoTokenizer.from_pretrained("PATH/TO/THIS/FOLDER")
```"""


def hub_id(path: str) -> str | None:
    """Returns `path` if it is a Hugging Face id; None for `demo` and for folders, which mean nothing elsewhere."""
    try:
        validate_repo_id(path)
    except HFValidationError:
        return None
    return path if path.count("/") == 1 and not Path(path).exists() else None


def of(
    entry: Entry,
    to: Target,
    *,
    stops: int | list[int] | None = None,
    file: str = "",
    notes: Sequence[str] = (),
    loaders: Sequence[Consumer] = (),
) -> str:
    """Returns the `card` of an export of an adapter of the library; for the arguments see there."""
    return card(
        title=entry.title,
        base=entry.base,
        data=entry.data,
        config=entry.config,
        metrics=entry.metrics,
        to=to,
        whole=entry.is_model,
        stops=stops,
        file=file,
        notes=notes,
        loaders=loaders,
        method=of_peft(peft_config(entry.folder) or {}),
    )


def card(
    *,
    title: str,
    base: Base,
    data: Data,
    config: dict[str, Any],
    metrics: dict[str, Any],
    to: Target | Literal["result"] = "peft",
    whole: bool = False,
    stops: int | list[int] | None = None,
    file: str = "",
    notes: Sequence[str] = (),
    loaders: Sequence[Consumer] = (),
    method: str = "",
) -> str:
    """Returns the text of README.md, with the Hub's metadata in front.

    Args:
        title: the adapter's.
        base: what it was trained on; only a Hub id is named, never a folder.
        data: only the number of rows and the fingerprint are told, never the file's name.
        config: the run's whole config; empty if unknown.
        metrics: as in `studio.core.library.Entry`.
        to: whether the card is for the adapter, for a model it was merged into, in transformers' files or in a GGUF
            file, or for a run's result, which is the adapter without a tokenizer.
        whole: it is no adapter, but a model; with a config one that was trained in full.
        stops: the `eos_token_id` to load it with, where the base's own would not end its answers.
        file: the GGUF file's name.
        notes: what is to be known of it besides, in sentences.
        loaders: the programs that load it, or another export of it.
        method: what the adapter was made by; empty: as its config says.
    """
    known, merged = hub_id(base.path), to in ("merged", "gguf")
    method = method or str(config.get("adapter", {}).get("method", "lora"))
    objective = _objective(config)
    compares = asked(objective).compares
    about = ModelCardData(
        base_model=known,
        library_name={"merged": "transformers", "gguf": "gguf", "gguf-lora": "gguf"}.get(to, "peft"),
        pipeline_tag="text-generation",
        tags=[
            TAG,
            "full" if whole else "merge" if merged else method,
            *([objective] if compares else []),
        ],
    )
    named, unit = _base_name(base), "the mean of rows" if compares else "nats a token"
    kind = "an IA3" if method == "ia3" else "an OFT" if method == "oft" else f"a {title_of(method)}"
    subject = f"{named}, with {kind} adapter merged into its weights."
    if not merged:
        subject = f"{kind[:1].upper()}{kind[1:]} adapter for {named}."
    if whole:
        subject = f"{named}, of which every weight was trained further." if config else f"{named}."
    load = {
        "peft": _LOAD_PEFT,
        "gguf-lora": _LOAD_LORA,
        "merged": _LOAD_MERGED,
        "gguf": _LOAD_GGUF,
        "result": _LOAD_RESULT,
    }[to]
    named_base = f'"{known}"' if known else '"PATH/TO/THE/BASE"'
    load = load.format(base=named_base, file=file, name=_plain_name(file))
    if stops is not None:
        load = load.removesuffix("```") + f"model.generation_config.eos_token_id = {stops}\n```"
    parts = [
        f"---\n{about.to_yaml()}\n---\n",
        f"# {_plain(title) or ('Model' if whole else 'Adapter')}\n",
        f"{subject[:1].upper()}{subject[1:]} Made with Finetune Studio.\n",
        "## Training\n",
        _training(base, data, config, metrics),
        _table("Result", {label.format(unit=unit): metrics.get(key) for key, label in _METRICS.items()}),
        f"## How to load it\n\n{load}\n",
        f"Write prompts with the chat template in this {'file' if to == 'gguf' else 'folder'}, if there is one: it is "
        "the one of the training.\n",
        "\n".join(f"- {note}" for note in notes) + "\n" if notes else "",
        _programs(loaders) if loaders else "",
        "## Limits\n",
        "It knows what its base knows and what its training data showed, right or wrong. A loss is not a test of its "
        "answers: try it on questions of your own before you rely on it. The license of the base model and the rights "
        "in the training data apply to it.\n",
    ]
    return "\n".join(part for part in parts if part)


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, template: str | None, folder: Path) -> None:
    """Saves the tokenizer with the template of the training, and without the place it was loaded from."""
    tokenizer.chat_template = template
    for key in ("name_or_path", "is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(key, None)
    tokenizer.save_pretrained(folder)


def _plain_name(file: str) -> str:
    """Returns a GGUF file's name as Ollama takes one for a model."""
    return re.sub("[^a-z0-9.-]+", "-", file.rpartition("-")[0].lower()).strip("-.") or "model"


def _base_name(base: Base) -> str:
    known = hub_id(base.path)
    if known:
        return f"[{known}](https://huggingface.co/{known})"
    return "Finetune Studio's built-in demo model" if base.path == "demo" else "a model from a private folder"


def _objective(config: dict[str, Any]) -> str:
    return str(config.get("training", {}).get("objective", ""))


def _training(base: Base, data: Data, config: dict[str, Any], metrics: dict[str, Any]) -> str:
    lines = []
    if data.rows:
        lines.append(f"- Data: {data.rows} rows, SHA-256 `{data.fingerprint[:12]}`")
    if base.fingerprint:
        lines.append(f"- Base weights: SHA-256 `{base.fingerprint[:12]}`")
    if base.revision:
        lines.append(f"- Base revision: `{_plain(base.revision)}`")
    if isinstance(mixed := config.get("mix"), dict):
        said = ", ".join(f"{weight} of {_plain(str(name))}" for name, weight in mixed.items())
        return "\n".join([*lines, f"- The sum of adapters, each as strongly as said: {said}.\n"])
    if isinstance(start := config.get("adapter", {}).get("path"), str) and start:
        lines.append(f"- Trained further from the adapter {_plain(started_from(start))}")
    if not config:
        return "\n".join([*lines, "- Its training is not on record.\n"])
    template = config.get("data", {}).get("chat_template", "auto")
    if isinstance(system := config.get("data", {}).get("system"), str) and system.strip():
        lines.append(f"- System prompt, to be asked with: {_plain(system.strip())}")
    words = {"auto": "the base model's own", "none": "none, plain text"}
    lines.append(f"- Chat template: {words.get(str(template), 'its own, in chat_template.jinja')}\n")
    objective = asked(_objective(config))
    others = OWN_SETTINGS.difference(objective.settings)
    rows = {
        f"{section}.{name}": config[section][name]
        for section, names in _SETTINGS.items()
        if not (section == "adapter" and config.get(section, {}).get("method") == "full")
        for name in names
        if name in config.get(section, {}) and name not in others
        if section != "adapter" or has(str(config[section].get("method", "lora")), name)
    }
    # Off, unless they are set.
    for key, off in _OFF.items():
        if rows.get(key) == off:
            del rows[key]
    if rows.get("training.beta", "") is None:
        rows["training.beta"] = objective.beta
    if "training.learning_rate" in rows:
        rows["training.learning_rate"] = in_words(learning_rates(config, metrics))
    return "\n".join(lines) + "\n" + _table("Setting", rows)


def _programs(loaders: Sequence[Consumer]) -> str:
    rows = [(one.program, _FORMS[one.to], f", with `{one.add}`" if one.add else "", one.said) for one in loaders]
    lines = [f"| {program} | {f'{form}{more}. {why}'.strip()} |" for program, form, more, why in rows]
    return "\n".join(["## Who loads it\n", "| Program | What it loads |", "|---|---|", *lines]) + "\n"


def _table(head: str, rows: dict[str, Any]) -> str:
    lines = [f"| {_plain(name)} | {_shown(value)} |" for name, value in rows.items() if value is not None]
    return "\n".join([f"| {head} | |", "|---|---|", *lines]) + "\n" if lines else ""


def _shown(value: Any) -> str:
    return _plain(f"{value:.6g}" if isinstance(value, float) else str(value))


def _plain(text: str) -> str:
    """Returns `text` on one line, without what Markdown or a table would take for its own."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
