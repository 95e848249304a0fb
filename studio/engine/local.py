"""The base models on this machine: the built-in one, the Hugging Face cache and folders. Torch is never loaded."""

import ast
import importlib.util
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path

import yaml
from huggingface_hub import constants

from studio import paths
from studio.core.config import ModelSpec
from studio.core.errors import StudioError
from studio.core.models import LocalModel, Source
from studio.engine import base_config, hub, weights

_CARD_BYTES = 200_000
_TYPES = "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".ckpt")


def listing(folders: Sequence[str] = ()) -> list[LocalModel]:
    """Returns the built-in model, those of the Hugging Face cache by name, and those in `folders`.

    Only small files and the headers of weights are read.
    """
    found = [_about("demo", "built-in", paths.resources() / "demo" / "model")]
    found += [_about(name, "cache", snapshot) for name, snapshot in _cached(Path(constants.HF_HUB_CACHE))]
    return found + [_about(name, "folder", Path(name).expanduser()) for name in folders]


def check(spec: ModelSpec) -> None:
    """Vets a base model before a run of it is made; of one on the Hub the config is fetched.

    Raises:
        StudioError: (model) there is no such model, or it is refused; (network) it cannot be asked for.
    """
    base_config.check(hub.resolve(spec.path, spec.revision, need="config"), known_types())


@cache
def known_types() -> Container[str]:
    """Returns the types of language models that transformers has, read from its source, since loading it takes seconds.

    Where there is no source to read, in a frozen program say, every type counts as known.
    """
    place = importlib.util.find_spec("transformers")
    file = Path(place.origin or "").parent / "models" / "auto" / "modeling_auto.py" if place else Path()
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return _Everything()
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.targets[0]) == _TYPES:
            return frozenset(name for name, _ in ast.literal_eval(node.value.args[0]))
    return _Everything()


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


def _cached(place: Path) -> Iterator[tuple[str, Path]]:
    """Yields the id and the newest snapshot of each model in the cache, as huggingface_hub lays it out."""
    for folder in sorted(place.glob("models--*")) if place.is_dir() else []:
        try:
            snapshots = [snapshot for snapshot in (folder / "snapshots").iterdir() if snapshot.is_dir()]
            main = (folder / "refs" / "main").read_text() if (folder / "refs" / "main").is_file() else ""
            newest = max(snapshots, key=lambda one: (one.name == main, one.stat().st_mtime), default=None)
        except (OSError, ValueError):
            continue
        if newest is not None:
            yield folder.name.removeprefix("models--").replace("--", "/"), newest


def _about(path: str, source: Source, folder: Path) -> LocalModel:
    try:
        files = [file for file in folder.iterdir() if file.suffix in _WEIGHTS and file.is_file()]
        model = LocalModel(
            path=path,
            source=source,
            size_bytes=sum(file.stat().st_size for file in files),
            architecture=_architecture(folder),
            licence=_licence(folder),
        )
    except OSError as error:
        return LocalModel(path=path, source=source, unusable=f"It cannot be read: {error.strerror}.")
    try:
        if files and not (folder / "config.json").is_file():
            weights.files(folder)  # a GGUF is told of as what it is
        config = base_config.check(folder, known_types())
        if source == "cache" and not _complete(folder, files):
            return replace(model, complete=False)
        headers = [weights.header(file, "model") for file in weights.files(folder)]
    except StudioError as error:
        reason = error.message.removeprefix("The model ").removeprefix(f"{folder} ")
        return replace(model, unusable=f"{reason[:1].upper()}{reason[1:]}")
    count = sum(prod(shape) for header in headers for _, shape in header.values())
    # Packed weights hold several numbers in one.
    return model if "quantization_config" in config else replace(model, parameters=count)


def _complete(folder: Path, files: Sequence[Path]) -> bool:
    """Whether a download came to its end; weights of another kind are no part of one."""
    index, here = folder / "model.safetensors.index.json", {file.name for file in files}
    if index.is_file() and "model.safetensors" not in here:
        wanted = weights.read_json(index, "model").get("weight_map")
        return not isinstance(wanted, dict) or here.issuperset(map(str, wanted.values()))
    return bool(files)


def _architecture(folder: Path) -> str:
    try:
        names = weights.read_json(folder / "config.json", "model").get("architectures")
    except StudioError:
        return ""
    return str(names[0])[:100] if isinstance(names, list) and names else ""


def _licence(folder: Path) -> str:
    """Returns the licence that the head of a model card names."""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as card:
            text = card.read(_CARD_BYTES)
        head = text.split("---", 2)[1] if text.startswith("---") else ""
        lines = [line for line in head.splitlines() if line.startswith(("license:", "license_name:"))]
        about = yaml.safe_load("\n".join(lines)) or {}
    except (OSError, IndexError, yaml.YAMLError, ValueError):
        return ""
    name = about.get("license_name") if about.get("license") == "other" else about.get("license")
    return name[:60] if isinstance(name, str) else ""
