"""Adapters in the library that nobody trained, for what looks at their files alone."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from studio.core import library
from studio.core.library import Base, Entry


def made(
    title: str, *, base: str = "demo", template: str = "", noise: str = "", config: Any = None, **peft: Any
) -> Entry:
    """Adds an adapter to the library.

    Args:
        title: what it is called.
        base: what it was made for.
        template: its chat template; empty: it has none.
        noise: a file that lies in its folder too and is none of an adapter's.
        config: of its run.
        peft: further settings of PEFT's.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        about = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]} | peft
        (folder / library.PEFT_CONFIG).write_text(json.dumps(about))
        save_file({"base_model.model.q_proj.lora_A.weight": np.ones((2, 4), np.float32)}, folder / library.WEIGHTS)
        if template:
            (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
        entry = library.add(folder, title=title, base=Base(path=base), config=config)
    if noise:
        (entry.folder / noise).write_text("not an adapter's")
    return entry
