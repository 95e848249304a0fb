"""Where the program's own files lie and where the user's data lies. Nothing here creates or reads anything."""

import os
import sys
from pathlib import Path

import platformdirs

VERSION_SUFFIX = ".recipe.json"


def resources() -> Path:
    """Returns the folder of the icons, presets and the built-in model, wherever the program runs from.

    A frozen build unpacks it beside the code, a wheel carries it inside the package, a checkout has it at the top.
    """
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / "resources"
    package = Path(__file__).resolve().parent
    inside = package / "resources"
    return inside if inside.is_dir() else package.parent / "resources"


def home() -> Path:
    """Returns the folder of all of the program's own data: `STUDIO_HOME`, else the platform's place for user data.

    Always absolute, since a run's process works in another folder than whoever started it.
    """
    chosen = os.environ.get("STUDIO_HOME")
    if chosen:
        return Path(os.path.expanduser(chosen)).absolute()  # unlike Path's own, it takes the `~` of nobody as it is
    return platformdirs.user_data_path("finetune-studio", appauthor=False)


def runs_dir() -> Path:
    """Returns the folder that holds a folder for each run."""
    return home() / "runs"


def adapters_dir() -> Path:
    """Returns the folder of the adapter library."""
    return home() / "adapters"


def cache_dir() -> Path:
    """Returns the folder for what can be made again, such as data files converted to Arrow."""
    return home() / "cache"


def trash_dir() -> Path:
    """Returns the folder of what was removed and can be brought back."""
    return home() / "trash"


def datasets_dir() -> Path:
    """Returns the folder of the dataset versions that were given a name."""
    return home() / "datasets"


def is_version(path: str | Path) -> bool:
    """Tells by its name whether a file is a dataset version."""
    return str(path).lower().endswith(VERSION_SUFFIX)


def settings_file() -> Path:
    """Returns the file of the user's settings."""
    return home() / "settings.json"
