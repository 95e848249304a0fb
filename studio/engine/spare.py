"""Keeps out of a run's process what it cannot need: bitsandbytes, torch's compiler, and what spreads a model.

The last two are kept out of the desk process too: 0.9 s of its start.

transformers loads the last two wherever they are, to mark functions that a compiled model must leave alone and to name
types of tensors that lie on several devices; PEFT loads the first.
Gain: a third of the imports' CPU seconds and 70 MB, and of bitsandbytes a quarter of the start and 45 MB.
"""

import importlib
import os
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from threading import RLock
from types import ModuleType, SimpleNamespace
from typing import Any

from studio.core.config import RunConfig

_PLAIN_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adafactor", "sgd")
_COMPILER = "torch._dynamo"
# Of it, all that transformers needs; it stands alone.
_PART = "torch._dynamo._trace_wrapped_higher_order_op"
# What it is asked for where nothing is compiled: to leave a function as it is, and to divide what is compiled.
_MARKS = ("disable", "assume_constant_result", "allow_in_graph", "graph_break")
# By these accelerate takes a process for one of several that compute a run, even of one.
_OF_SEVERAL = ("LOCAL_RANK", "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")

# Loads a module that is loaded.
_THERE: Any = SimpleNamespace(create_module=lambda spec: sys.modules[spec.name], exec_module=lambda module: None)


def imports(config: RunConfig) -> None:
    """Keeps this process from loading what a run of `config` cannot need; called as `compiler` is."""
    if may_quantize(config):
        return
    sys.modules.setdefault("bitsandbytes", None)  # type: ignore[arg-type] # how an import is refused
    compiler()


def compiler() -> None:
    """Keeps this process from loading torch's compiler until it is asked for; called before transformers is loaded."""
    import torch

    if torch.cuda.is_available() or "transformers" in sys.modules or _COMPILER in sys.modules:
        return
    if any(name in os.environ for name in _OF_SEVERAL):
        return
    _load_compiler_later(Path(torch.__file__).parent / "_dynamo")
    # As torch says where it was built without.
    distributed: Any = torch.distributed
    distributed.is_available = lambda: False


def _load_compiler_later(folder: Path) -> None:
    """Puts a module in the compiler's place that loads it when it is asked for more than marks, or for other parts."""
    later, once = ModuleType(_COMPILER), RLock()

    @cache
    def loaded() -> ModuleType:
        sys.meta_path.remove(finder)
        for mark in _MARKS:
            delattr(later, mark)
        del sys.modules[_COMPILER]
        found = importlib.import_module(_COMPILER)
        setattr(found, _PART.rpartition(".")[2], sys.modules.get(_PART))
        return found

    def loaded_once() -> ModuleType:
        # Threads may ask for it at once.
        with once:
            return loaded()

    def asked(name: str) -> Any:
        # Whoever looks around does not ask for it.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(loaded_once(), name)

    def find(name: str, *_: Any) -> ModuleSpec | None:
        if name == _PART or not name.startswith(f"{_COMPILER}."):
            return None
        loaded_once()
        # Behind that it is there, or is to be found by others.
        return ModuleSpec(name, _THERE) if name in sys.modules else None

    finder: Any = SimpleNamespace(find_spec=find)
    vars(later).update(dict.fromkeys(_MARKS, _unmarked), __path__=[str(folder)], __getattr__=asked)
    later.__spec__ = ModuleSpec(_COMPILER, None, is_package=True)
    sys.modules[_COMPILER] = later
    sys.meta_path.insert(0, finder)


def _unmarked(function: Any = None, *_: Any, **__: Any) -> Any:
    """Returns `function`, or what returns it."""
    return _unmarked if function is None else function


def may_quantize(config: RunConfig) -> bool:
    """Whether a run may need bitsandbytes; yes where it cannot be told without asking the hub."""
    if config.model.quantization != "none" or config.training.optim not in _PLAIN_OPTIMIZERS:
        return True
    if config.model.path == "demo":
        return False
    about = Path(config.model.path) / "config.json"
    return not about.is_file() or b"quantization_config" in about.read_bytes()
