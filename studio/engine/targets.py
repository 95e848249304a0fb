"""Which modules an adapter goes on, in PEFT's own words.

PEFT is only ever given plain names. An adapter's config then says exactly what it holds, layer choices work with
every way of naming, and a stranger's regular expression is matched by `studio.core.modules`, with an end to its time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

import torch
from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from studio.core import amounts, modules
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.modules import Choice, Module, Tree

ADAPTABLE = (torch.nn.Linear, Conv1D, torch.nn.Embedding)


def tree(model: PreTrainedModel) -> Tree:
    """Reads the module tree off a model, which may be on the meta device."""
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    names = {id(module): name for name, module in model.named_modules()}
    tied = model.config.get_text_config().tie_word_embeddings
    return Tree(
        architecture=type(model).__name__,
        layers=model.config.get_text_config().num_hidden_layers,
        modules=tuple(_modules(model)),
        decoder=names.get(id(model.get_decoder()), ""),
        head=names.get(id(ends[1]), ""),
        tied=tuple(names[id(end)] for end in ends if id(end) in names) if tied else (),
        fused=any(value.dim() == 3 and ".experts." in name for name, value in model.named_parameters()),
        renames=_renames(model),
    )


def choose(model: PreTrainedModel, spec: AdapterSpec) -> dict[str, Any]:
    """Returns the fields of PEFT's configs that say where `spec` puts an adapter on `model`; of LoRA's, all of them.

    Raises:
        StudioError: (adapter) it fits nothing in this model; see `studio.core.modules.choose`.
    """
    about = tree(model)
    choice = modules.choose(about, spec)
    for name in choice.whole.values():
        if any(not parameter.is_floating_point() for parameter in model.get_submodule(name).parameters()):
            raise StudioError(
                "adapter",
                f"{name} is quantized and cannot be trained whole.",
                "Take it out of modules_to_save, or set quantization to none.",
            )
    for name in choice.parameters:
        if model.get_parameter(name).dtype.itemsize < 2:
            raise StudioError(
                "adapter",
                f"{name} is quantized, and LoRA cannot go on it.",
                "Leave target_parameters empty, or choose the model in full precision.",
            )
    names = [name for name, _ in model.named_modules()]
    if spec.method == "ia3":
        return _fed(names, choice, amounts.feedforward(about, choice.targets))
    return _compact(names, choice) | {
        "target_parameters": _parameters([name for name, _ in model.named_parameters()], choice.parameters),
        "ensure_weight_tying": not set(about.tied).isdisjoint(choice.whole.values()),
        "rank_pattern": choice.rank_pattern,
        "alpha_pattern": choice.alpha_pattern,
    }


def _renames(model: PreTrainedModel) -> bool:
    """Whether PEFT makes of the names of experts, as they were before they were fused, those of parameters."""
    asked = LoraConfig(target_modules=sorted(modules.EXPERTS))
    convert_peft_config_for_transformers(asked, model, None)
    return bool(asked.target_parameters)


def _modules(model: PreTrainedModel) -> Iterator[Module]:
    seen: set[int] = set()
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        new = {key: 0 if id(value) in seen else value.numel() for key, value in own.items()}
        seen |= {id(value) for value in own.values()}
        # A weight and its bias are one module's row; other parameters, such as fused experts, are rows of their own.
        whole = [key for key in own if key in ("weight", "bias")]
        if name:
            yield Module(
                name=name,
                type=type(module).__name__,
                kind=_kind(module),
                shape=tuple(own["weight"].shape) if "weight" in own else (),
                parameters=sum(new[key] for key in whole),
                bias=new.get("bias", 0),
                outputs=_outputs(module),
            )
        for key in (key for key in own if key not in whole or not name):
            full = f"{name}.{key}".lstrip(".")
            expert = own[key].dim() == 3 and ".experts." in full  # their biases have a dimension less
            yield Module(full, "Parameter", "experts" if expert else "", tuple(own[key].shape), new[key], 0, 0)


def _kind(module: torch.nn.Module) -> Literal["linear", "embedding", ""]:
    if isinstance(module, torch.nn.Embedding):
        return "embedding"
    # Linear layers that a model makes for itself route, or multiply in groups; only Falcon's do what others do.
    kind = type(module)
    own = isinstance(module, torch.nn.Linear) and kind.__module__.startswith("transformers.models.")
    return "linear" if isinstance(module, ADAPTABLE) and (not own or kind.__name__ == "FalconLinear") else ""


def _outputs(module: torch.nn.Module) -> int:
    if isinstance(module, torch.nn.Linear):
        return module.out_features
    if isinstance(module, Conv1D):
        return int(module.nf)
    return module.embedding_dim if isinstance(module, torch.nn.Embedding) else 0


def _parameters(names: list[str], chosen: list[str]) -> list[str] | None:
    """Says which of a model's parameters are chosen, in the shortest way that PEFT reads as exactly those."""
    short = sorted({re.sub(r".*\.\d+\.", "", name) for name in chosen})
    meant = {name for name in names if any(name.endswith(f".{one}") for one in short)}
    return (short if meant == set(chosen) else sorted(chosen)) or None


def _compact(names: list[str], choice: Choice) -> dict[str, Any]:
    """Says a choice in the shortest way that PEFT reads as exactly that: by last names if it can be."""
    chosen = set(choice.targets)
    if not chosen:
        return {"target_modules": [], "modules_to_save": sorted(choice.whole) or None}
    leaves = _leaves(chosen)
    common = {"modules_to_save": sorted(choice.whole) or None}
    every: list[dict[str, Any]] = [{"target_modules": leaves} | common]
    if choice.layers:
        every.append({"target_modules": leaves, "layers_to_transform": choice.layers} | common)
    for fields in every:
        config = LoraConfig(**fields)
        if {name for name in names if check_target_module_exists(config, name)} == chosen:
            return fields
    return {"target_modules": sorted(chosen)} | common


def _fed(names: list[str], choice: Choice, feeding: list[str]) -> dict[str, Any]:
    """Says a choice as IA3 reads it, whose config knows no layers, and which of it are feedforward layers.

    Their names have to be among those of all, and stand for every module whose letters end so.
    """
    where = _compact(names, replace(choice, layers=None))
    short, leaves = where["target_modules"], _leaves(feeding)
    meant = [name for name in choice.targets if name.endswith(tuple(leaves))]
    if not set(leaves) <= set(short) or meant != feeding:
        where["target_modules"], leaves = sorted(choice.targets), sorted(feeding)
    return where | {"feedforward_modules": leaves}


def _leaves(names: Iterable[str]) -> list[str]:
    return sorted({name.rpartition(".")[2] for name in names})
