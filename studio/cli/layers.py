"""The commands: runs layers and adapters layers, which say by how much each module's weights were moved."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import output
from studio.core import library, runs, updates
from studio.core.errors import StudioError
from studio.core.units import percent, plural
from studio.core.updates import Kind, Update

if TYPE_CHECKING:
    from studio.core.library import Base
    from studio.core.runs import Run

# From little to much.
_BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_NONE, _UNKNOWN = "\u00b7", "?"


def add_to_runs(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command for a run."""
    layers = output.add_command(actions, "layers", "Show how far each layer was moved by training so far.", _of_run)
    layers.add_argument("run", help="a name, a part of one, or a folder")
    layers.add_argument("--step", type=output.count, metavar="N", help="as of this step's checkpoint (the newest)")
    layers.add_argument("--base", help="the base model, if it lies elsewhere by now")


def add_to_adapters(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command for an adapter, or two."""
    layers = output.add_command(actions, "layers", "Show how far an adapter moves each layer.", _of_adapter)
    layers.add_argument("adapter", help="its name in the library, or a PEFT folder")
    layers.add_argument("--beside", metavar="ADAPTER", help="another one, to show where the two differ")
    layers.add_argument("--base", help="the base model, if it lies elsewhere by now")


def _of_run(args: argparse.Namespace) -> None:
    run = runs.find(args.run)
    model, found = run.config().model, _checkpoints(run)
    if not found:
        raise StudioError("run", "The run has no checkpoint yet.", "Ask again once it has saved one.")
    step = max(found) if args.step is None else args.step
    if step not in found:
        hint = f"There are those of {', '.join(f'{at:,}' for at in sorted(found))}."
        raise StudioError("usage", f"The run {run.name} has no checkpoint of step {step}.", hint)
    base = _named(args.base, library.Base(path=model.path, revision=model.revision), _fingerprint(found[step]))
    about = {"run": run.name, "step": step, "steps": sorted(found)} | _measured(found[step], None, base)
    _show(args, about, f"Step {step:,} of {run.name}")


def _of_adapter(args: argparse.Namespace) -> None:
    entry = library.located(args.adapter)
    other = library.located(args.beside) if args.beside else None
    if other is not None and _unlike(entry.base, other.base):
        message = f"{entry.name} and {other.name} were made for different base models."
        raise StudioError("adapter", message, "Compare adapters of one base.")
    base = _named(args.base, entry.base, entry.base.fingerprint)
    about: dict[str, Any] = {"adapter": entry.name, "beside": other.name if other is not None else None}
    about |= _measured(entry.folder, other.folder if other is not None else None, base)
    _show(args, about, entry.name if other is None else f"{entry.name} beside {other.name}")


def _named(path: str | None, known: "Base", fingerprint: str) -> "Base":
    """Returns the base that is at `path`, or else the known one, with the weights it is to have."""
    return library.Base(path=path or known.path, revision=None if path else known.revision, fingerprint=fingerprint)


def _unlike(one: "Base", other: "Base") -> bool:
    """Whether two bases are known to be different models."""
    if one.fingerprint and other.fingerprint:
        return one.fingerprint != other.fingerprint
    return bool(one.path and other.path and one.path != other.path)


def _checkpoints(run: "Run") -> dict[int, Path]:
    """Returns where the weights of each step of a run lie that are kept."""
    from studio.engine import checkpoint

    folders = {checkpoint.step_of(path): path for path in checkpoint.listing(run.path)}
    found = {step: path if (path / checkpoint.FULL).is_file() else path / "adapter" for step, path in folders.items()}
    told = run.summary().finished
    if told is not None and told.result_step not in found and (run.path / "adapter").is_dir():
        found[told.result_step] = run.path / "adapter"
    return found


def _fingerprint(folder: Path) -> str:
    """Returns which base's weights those in `folder` were trained on, as its checkpoint says; empty: not known."""
    from studio.engine.checkpoint import STATE

    state = (folder if (folder / STATE).is_file() else folder.parent) / STATE
    try:
        said = json.loads(state.read_bytes()).get("base", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return said if isinstance(said, str) else ""


def _measured(one: Path, other: Path | None, base: "Base") -> dict[str, Any]:
    from studio.engine import updates as measuring

    held, fault = _base(base)

    def told(done: int, total: int) -> None:
        output.progress("Measuring", done, total)

    found = measuring.between(one, other, held, told) if other else measuring.of(one, held, told)
    if fault is None and held.known and not any(update.base for update in found):
        message = f"The weights of {base.path} are stored in a form that what changed is not compared with."
        fault = StudioError("model", message, "Name the model in full precision as the base to see shares of it.")
    return {
        "base": base.path,
        "fault": output.plain(fault),
        "modules": list(map(updates.to_dict, found)),
        "share": updates.Cell(None, tuple(found)).share,
        "cosine": updates.angle(found) if other is not None else None,
    }


def _base(base: "Base") -> tuple[Any, StudioError | None]:
    """Returns the weights of a base that is on this machine, or none and why."""
    # Nobody waits for a download who asks what was learned.
    os.environ["HF_HUB_OFFLINE"] = "1"
    from studio.engine import hub, weights
    from studio.engine.updates import Base

    hint = "Without it only what the adapter says by itself is shown."
    if not base.path:
        return Base(None), StudioError("model", "The base model is not known.", hint)
    try:
        folder = hub.resolve(base.path, base.revision)
        if base.fingerprint and weights.fingerprint(folder) != base.fingerprint:
            message = f"The weights of {base.path} are not those that were trained on."
            return Base(None), StudioError("model", message, "Bring them back as they were to see shares of them.")
        return Base(folder), None
    except StudioError as error:
        if error.reason == "network" or (error.reason == "model" and not os.path.exists(base.path)):
            message = f"{base.path} is not on this machine, so what changed is not compared with its weights."
            return Base(None), StudioError("model", message, "Bring it back, or open it once if it is of the hub.")
        return Base(None), error


def _show(args: argparse.Namespace, about: dict[str, Any], title: str) -> None:
    found = list(map(updates.from_dict, about["modules"]))
    beside = about.get("beside") is not None
    text = _beside(found) if beside else _summary(found)
    output.show(args, about, f"{title}: {text}\n{_told(found, beside)}")
    if about["fault"] is not None and not args.json:
        print(output.printable(str(StudioError(**about["fault"]))), file=sys.stderr)


def _summary(found: Sequence[Update]) -> str:
    text = plural(len(found), "module")
    if (share := updates.Cell(None, tuple(found)).share) is not None:
        text += f", changed by {percent(share)} of their weights' size"
    nothing = sum(update.nothing for update in found)
    return text + (f"; {nothing} of them learned nothing" if nothing else "")


def _beside(found: Sequence[Update]) -> str:
    whole = updates.Cell(None, tuple(found))
    if whole.apart_share is None:
        return plural(len(found), "module")
    text = f"they differ by {percent(whole.apart_share)} of their weights' size, where they change them by "
    text += f"{percent(whole.share or 0.0)} and {percent(whole.other_share or 0.0)}"
    return text + (f"; the cosine between the changes is {whole.cosine:+.3f}" if whole.cosine is not None else "")


def _told(found: Sequence[Update], beside: bool) -> str:
    """Returns a line for each kind of module: how much by layer as bars, and the least and the most in numbers."""
    kinds = updates.kinds(found)
    cells = [cell for kind in kinds for cell in kind.cells]
    # Shares of the weights where they are known; else the norms, which say little of modules of different sizes.
    shares = any(cell.share is not None for cell in cells)
    values = {id(cell): _value(cell, shares, beside) for cell in cells}
    most = max((value for value in values.values() if value is not None), default=0.0)
    rows = []
    for kind in kinds:
        sizes = [values[id(cell)] for cell in kind.cells]
        bars = "".join(_bar(size, most) for size in sizes)
        known = [size for size in sizes if size is not None]
        ends = [_figure(end(known), shares) if known else _UNKNOWN for end in (min, max)]
        rows.append([kind.name, bars, *ends, _alike(kind) if beside else _rank_used(kind)])
    unit = "" if shares else " (NORM)"
    heading = "APART" if beside else "CHANGE"
    return output.table(
        rows, ["MODULES", f"{heading} BY LAYER{unit}", "LEAST", "MOST", "COSINE" if beside else "RANK USED"]
    )


def _value(cell: updates.Cell, shares: bool, beside: bool) -> float | None:
    if beside:
        return cell.apart_share if shares else cell.apart
    return cell.share if shares else cell.norm


def _bar(size: float | None, most: float) -> str:
    if size is None:
        return _UNKNOWN
    return _BARS[min(len(_BARS) - 1, int(size / most * len(_BARS)))] if size else _NONE


def _figure(size: float, shares: bool) -> str:
    return percent(size) if shares else f"{size:.3g}"


def _rank_used(kind: Kind) -> str:
    known = [u.effective_rank for cell in kind.cells for u in cell.updates if u.effective_rank is not None]
    ranks = {update.rank for cell in kind.cells for update in cell.updates}
    if not known:
        return ""
    return f"{sum(known) / len(known):.1f} of {'-'.join(map(str, sorted({min(ranks), max(ranks)})))}"


def _alike(kind: Kind) -> str:
    found = updates.angle([update for cell in kind.cells for update in cell.updates])
    return f"{found:+.3f}" if found is not None else ""
