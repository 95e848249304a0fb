"""Adapters through PEFT: putting one on a base model, saving it, and loading one that may come from anyone."""

import copy
import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from peft.tuners.lora import LoraLayer
from peft.tuners.lycoris_utils import LycorisLayer
from safetensors.torch import load_file, save
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from studio.core import naming
from studio.core.config import FOUND, AdapterSpec
from studio.core.errors import StudioError, as_memory_error
from studio.core.files import disk_error, write_atomic
from studio.core.library import PEFT_CONFIG, WEIGHTS
from studio.core.methods import of_peft
from studio.core.runs import FREE_AND_RESUME
from studio.engine import halves, methods, precision, targets, vetting
from studio.engine.model import empty

_FORMAT = {"format": "pt"}
# PEFT's own errors when a config asks for what it cannot do; each is turned into a sentence.
_PEFT_ERRORS = (ValueError, TypeError, KeyError, NotImplementedError, RuntimeError, AttributeError, MemoryError)


def attach(model: PreTrainedModel, spec: AdapterSpec) -> PeftModel | PreTrainedModel:
    """Makes `model` ready to train: an adapter named `default` beside frozen weights, or every weight.

    What is trained is float32, whatever the base is held in. LoRA is W + (alpha / r) B A (Hu et al. 2021), with
    alpha / sqrt(r) for rsLoRA (Kalajdzievski 2023); A is drawn from torch's global generator, so seed it before. An
    adapter that is trained further begins with the weights it has, and what is found in the base or the rows is put
    into a new one by `start.begin`.
    What a quantized base has beside (norms, embedding, head) stays as it answers with later, in the format the model
    computes in; in float32, as QLoRA had it, a card's every pass over the hidden states takes twice as long.

    Args:
        model: as loaded, or a skeleton on the meta device; it is changed in place.
        spec: what to train; the path of an adapter to begin with is a folder.

    Raises:
        StudioError: (adapter) it fits nothing in this model, or cannot be combined; the adapter to begin with is
            refused, damaged, or made for another base.
    """
    if spec.method == "full":
        return _whole(model)
    try:
        config = _config(model, spec) if spec.method == "lora" else methods.config(model, spec)
    except StudioError as error:
        if spec.path:
            raise vetting.unusable(Path(spec.path), _ELSEWHERE, _ELSEWHERE_HINT, str(error)) from None
        raise
    asked = set(_parameters(config))
    try:
        adapted = _adapted(model, config, "default")
    except _PEFT_ERRORS as error:
        raise as_memory_error(error) or StudioError(
            "adapter", f"PEFT cannot put this adapter on the model: {error}", "Change the adapter's settings."
        ) from None
    if more := set(_parameters(config)) - asked:
        names = ", ".join(sorted(more))
        raise StudioError(
            "adapter",
            f"In this model PEFT takes some of these target modules to mean the experts ({names}).",
            "Choose other modules, such as [q_proj, k_proj, v_proj, o_proj]; name experts in target_parameters.",
        )
    if spec.init_lora_weights == "orthogonal" and _quantized(model):
        _initialise_orthogonally(adapted)
    precision.train_in_float32(adapted)
    if spec.found:
        _require_directions(adapted, spec)
    if spec.halved:
        halves.split(adapted)
    if spec.path:
        _begin_with(adapted, Path(spec.path))
    return adapted


def count(model: torch.nn.Module) -> tuple[int, int]:
    """Returns the number of trainable parameters and of all, adapter included; packed 4-bit weights count in full."""
    trainable = total = 0
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        number = state.shape.numel() if state is not None else parameter.numel()
        total += number
        trainable += number if parameter.requires_grad else 0
    return trainable, total


def save_adapter(model: PeftModel, folder: Path, base_id: str) -> None:
    """Writes the adapter `default` as a PEFT folder: adapter_config.json and adapter_model.safetensors.

    Args:
        model: the adapted model; unchanged.
        folder: made if it does not exist; each file in it is replaced whole or not at all.
        base_id: what the config calls the base model: an id, never a path of this machine.

    Raises:
        StudioError: (disk) it could not be written.
    """
    tensors = get_peft_model_state_dict(model, halves.state(model), save_embedding_layers=False)
    plain = plain_config(model) | {"base_model_name_or_path": base_id, "inference_mode": True}
    data = save({key: value.detach().to("cpu", copy=True).contiguous() for key, value in tensors.items()}, _FORMAT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / WEIGHTS, data)
        write_atomic(folder / PEFT_CONFIG, json.dumps(plain, indent=2, sort_keys=True).encode())
    except OSError as error:
        raise disk_error(folder, error, FREE_AND_RESUME) from None


def plain_config(model: PeftModel) -> dict[str, Any]:
    """Returns PEFT's config of the adapter `default` as plain data, the same in every process."""
    # PEFT holds names as sets, whose order differs from process to process.
    config = model.peft_config["default"].to_dict()
    return {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}


def load_weights(model: PeftModel, folder: Path) -> None:
    """Puts the weights that `save_adapter` wrote to `folder` into the same adapter of `model`, bit for bit."""
    tensors = load_file(folder / WEIGHTS)
    set_peft_model_state_dict(model, tensors)
    halves.put(model, tensors)


def load_adapter(base: PreTrainedModel | PeftModel, folder: Path, name: str = "default") -> PeftModel:
    """Puts the adapter in `folder` on `base` under `name`, frozen, and makes it the active one.

    It is tried on an empty copy of the base first, so that `base` is as it was if anything does not fit.

    Args:
        base: a base model, or one that has other adapters already, which must leave room for it
            (`bases.shareable`); it is changed in place.
        folder: a PEFT folder, of this program or any other.
        name: its name in the model, without a dot.

    Raises:
        StudioError: (adapter) refused, damaged, or made for another base.
    """
    taken = isinstance(base, PeftModel) and name in base.peft_config
    if taken or "." in name or name in "lora_":
        raise ValueError(f"{name!r} cannot be the name of an adapter in PEFT")
    about = vetting.check_adapter(folder)
    tensors = vetting.read_tensors(folder)
    model = base.get_base_model() if isinstance(base, PeftModel) else base
    assert isinstance(model, PreTrainedModel)
    config = _foreign_config(model, about)
    _check_fits(folder, model, config, tensors)
    try:
        if isinstance(base, PeftModel):
            with _quiet():
                base.add_adapter(name, config)
        else:
            base = _adapted(base, config, name)
        wrong = _misplaced(set_peft_model_state_dict(base, tensors, name), name)
    except _PEFT_ERRORS as error:
        raise as_memory_error(error) or StudioError(
            "adapter", f"PEFT cannot load the adapter in {folder}: {error}", "Export it again from its source."
        ) from None
    if wrong:
        base.delete_adapter(name)
        raise vetting.unusable(folder, *_CROWDED, "\n".join(wrong))
    base.set_adapter(name, inference_mode=True)
    return base.eval()


def set_strength(model: PeftModel, name: str, strength: float) -> None:
    """Has the adapter `name` of `model` act so many times as strongly as it was trained; at 0 it adds nothing."""
    for layer in model.modules():
        if isinstance(layer, LoraLayer | LycorisLayer):
            layer.set_scale(name, strength)


def require_exact_biases(model: torch.nn.Module) -> None:
    """Refuses biases that bitsandbytes' 4-bit layers round to the format they compute in, at every pass.

    Raises:
        StudioError: (config) such biases are to be trained in half precision.
    """
    for module in model.modules():
        bias, dtype = getattr(module, "bias", None), getattr(module, "compute_dtype", None)
        if isinstance(bias, torch.nn.Parameter) and bias.requires_grad and dtype in (torch.float16, torch.bfloat16):
            raise StudioError(
                "config",
                "Biases of nf4 layers are kept in half precision, which rounds away what is learned.",
                "Set `adapter.bias` to none, or choose 8bit.",
            )


def _begin_with(model: PeftModel, folder: Path) -> None:
    """Puts the weights of the adapter in `folder`, which may come from anyone, into the new one of the same layout."""
    methods.require_fed_alike(model, folder, vetting.check_adapter(folder))
    _fill(folder, lambda: model, "default", vetting.read_tensors(folder))


def _config(model: PreTrainedModel, spec: AdapterSpec) -> LoraConfig:
    if spec.init_lora_weights == "orthogonal" and any(r % 2 for r in (spec.r, *spec.rank_pattern.values())):
        raise StudioError("adapter", "Orthogonal initialisation needs even ranks.", "Choose an even rank.")
    fields, rank, alpha = targets.choose(model, spec), spec.r, spec.lora_alpha
    if spec.halved:
        # Of twice the rank, and of the same scale.
        more = 2**0.5 if spec.use_rslora else 2
        rank, alpha = 2 * rank, more * alpha
        fields["rank_pattern"] = {name: 2 * one for name, one in fields["rank_pattern"].items()}
        fields["alpha_pattern"] = {name: more * one for name, one in fields["alpha_pattern"].items()}
    drawn_here = spec.init_lora_weights in FOUND or (spec.init_lora_weights == "orthogonal" and _quantized(model))
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        # Other programs read whole numbers here.
        lora_alpha=int(alpha) if alpha == int(alpha) else alpha,
        lora_dropout=spec.lora_dropout,
        use_rslora=spec.use_rslora,
        use_dora=spec.use_dora,
        bias=spec.bias,
        init_lora_weights=True if spec.init_lora_weights == "default" or drawn_here else spec.init_lora_weights,
        **fields,
    )


def _parameters(config: PeftConfig) -> list[str]:
    return getattr(config, "target_parameters", None) or []


def _foreign_config(model: PreTrainedModel, about: dict[str, Any]) -> PeftConfig:
    """Builds PEFT's config from the vetted fields of a stranger's, with expressions matched here."""
    method = of_peft(about)
    methods.require(model, method)
    fields = {key: about[key] for key in vetting.fields(method) if about.get(key) is not None}
    names = [name for name, _ in model.named_modules()]
    linear = [name for name, module in model.named_modules() if isinstance(module, targets.ADAPTABLE)]
    if isinstance(fields.get("target_modules"), str) and fields["target_modules"] != "all-linear":
        fields["target_modules"] = naming.matching(fields["target_modules"], linear, "target_modules")
    if isinstance(fed := fields.get("feedforward_modules"), str):
        # As an expression again, which alone may name what the list of targets does not.
        fields["feedforward_modules"] = "|".join(map(re.escape, naming.matching(fed, linear, "feedforward_modules")))
    if isinstance(fields.get("exclude_modules"), str):
        fields["exclude_modules"] = naming.matching(fields["exclude_modules"], names, "exclude_modules")
    # Experts are parameters, not modules; in PEFT they have ranks of their own too.
    places = linear + [name for name, _ in model.named_parameters()]
    for key in ("rank_pattern", "alpha_pattern"):
        if key in vetting.fields(method):
            fields[key] = naming.patterns(fields.get(key, {}), places, key, strict=False)
    return methods.made(method, fields | {"inference_mode": True})


def _check_fits(folder: Path, model: PreTrainedModel, config: PeftConfig, tensors: dict[str, torch.Tensor]) -> None:
    """Puts the adapter on an empty copy of the model: every tensor must find its place, and every place its tensor."""
    architecture = copy.deepcopy(model.config)
    if hasattr(architecture, "quantization_config"):
        del architecture.quantization_config
    _fill(folder, lambda: _adapted(empty(architecture, str(folder)), copy.deepcopy(config), "trial"), "trial", tensors)


def _fill(folder: Path, made: Callable[[], PeftModel], name: str, tensors: dict[str, torch.Tensor]) -> None:
    """Puts the tensors of the adapter in `folder` into the one called `name`: each must find its place, and none lack.

    Raises:
        StudioError: (adapter) it belongs to another base; (memory) there is too little.
    """
    try:
        model = made()
        # What is on the meta device has nothing to copy into.
        on_meta = any(parameter.is_meta for parameter in model.parameters())
        found = set_peft_model_state_dict(model, tensors, name, low_cpu_mem_usage=on_meta)
    except _PEFT_ERRORS as error:
        raise as_memory_error(error) or vetting.unusable(folder, _ELSEWHERE, _ELSEWHERE_HINT, str(error)) from None
    if wrong := _misplaced(found, name):
        raise vetting.unusable(folder, f"{_ELSEWHERE} ({', '.join(wrong[:3])})", _ELSEWHERE_HINT, "\n".join(wrong))


def _misplaced(found: Any, name: str) -> list[str]:
    """Returns the tensors that found no place, and the places of the adapter `name` that found no tensor.

    What the layers have in common (VeRA) each of them names, and it is there once.
    """
    lacking = (key for key in found.missing_keys if f".{name}." in f"{key}." and not _COMMON.search(key))
    return [*found.unexpected_keys, *lacking]


_COMMON = re.compile(r"\.model\..*\.vera_[AB]\.")
_CROWDED = "does not fit beside another adapter: one adapts what the other has a copy of", "Use it without the other."
_ELSEWHERE = "belongs to another base model: their layers do not match"
_ELSEWHERE_HINT = "Choose the base model that it was trained on."


def _adapted(model: PreTrainedModel, config: PeftConfig, name: str) -> PeftModel:
    # GPT-2's Conv1D holds its weights as (in, out); where a model has both kinds, PEFT sees to each layer itself.
    if hasattr(config, "fan_in_fan_out"):
        config.fan_in_fan_out = any(isinstance(module, Conv1D) for module in model.modules())
    for layer in (module for module in model.modules() if hasattr(getattr(module, "weight", None), "SCB")):
        if layer.weight.device.type == "cpu":
            layer.register_forward_pre_hook(_keep_scales)
    with _quiet():
        # On the meta device nothing need be drawn. A copy of a whole module would lose what it is tied to.
        empty = not getattr(config, "modules_to_save", None) and all(
            parameter.is_meta for parameter in model.parameters()
        )
        adapted = get_peft_model(model, config, name, low_cpu_mem_usage=empty)
    assert isinstance(adapted, PeftModel)
    return adapted


def _keep_scales(layer: Any, _: Any) -> None:
    """Keeps bitsandbytes from looking for an 8-bit layer's scales beside its weight once they are in its state.

    There are none where PEFT has dequantized the weight for DoRA on a processor: it puts another one in its place.
    """
    if layer.weight.SCB is None:
        layer.weight.CB = None


def _initialise_orthogonally(model: PeftModel) -> None:
    """Draws A and B as PEFT does for the orthogonal kind, which it does in the format of the base's weight.

    A's rows and B's columns are spanned by the odd and the even rows of one orthogonal matrix, so that B A is zero.
    """
    for layer in (module for module in model.modules() if isinstance(module, LoraLayer)):
        for a, b in zip(layer.lora_A.values(), layer.lora_B.values(), strict=True):
            (r, inputs), outputs = a.weight.shape, len(b.weight)
            basis = torch.linalg.qr(torch.randn(r, r)).Q
            a.weight.data.copy_((torch.randn(inputs, r // 2) @ basis[0::2]).t() / 10)
            b.weight.data.copy_(torch.randn(outputs, r // 2) @ basis[1::2] / 10)


def _require_directions(model: PeftModel, spec: AdapterSpec) -> None:
    """Refuses layers that have no directions to begin with, or too few."""
    start = spec.init_lora_weights
    layers = ((name, one) for name, one in model.get_base_model().named_modules() if isinstance(one, LoraLayer))
    for name, layer in layers:
        if not layer.lora_A:
            raise StudioError(
                "adapter",
                f"{start} begins with directions of linear layers, and {name} is none.",
                "Take it out of target_modules, or set init_lora_weights to default.",
            )
        most, rank = min(layer.in_features, layer.out_features), layer.r["default"] // (2 if spec.halved else 1)
        if most < rank:
            raise StudioError(
                "adapter",
                f"{start} begins with as many directions as the rank, {rank}, and {name} has {most}.",
                f"Set r to at most {most}, or init_lora_weights to default.",
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what PEFT warns of needlessly while it puts an adapter on a model."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to", UserWarning)
        # OFT's blocks are as `amounts.block_size` says.
        warnings.filterwarnings("ignore", "Invalid `oft_block_size`", UserWarning)
        # It looks for an expert's rank among the modules alone, and applies it all the same.
        warnings.filterwarnings("ignore", "The following (rank|alpha)_pattern keys", RuntimeWarning)
        # It asks the model about checkpointing by the name that transformers 5 is phasing out.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def _whole(model: PreTrainedModel) -> PreTrainedModel:
    if _quantized(model):
        raise StudioError(
            "adapter", "Full fine-tuning needs unquantized weights.", "Set quantization to none, or the method to lora."
        )
    return model.float().requires_grad_(True)


def _quantized(model: PreTrainedModel) -> bool:
    return bool(getattr(model, "is_quantized", False))
