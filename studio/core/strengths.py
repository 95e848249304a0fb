"""What can be made weaker and stronger: adapters that add an update, and nothing else."""

from studio.core import methods
from studio.core.entry import Entry, peft_config
from studio.core.errors import StudioError

# Of the others PEFT scales nothing.
_SCALED = ("lora", "loha", "lokr")


def fault(entry: Entry) -> str:
    """Returns why one acts as it was trained or not at all, a sentence; empty: it can be made weaker."""
    title = entry.title or entry.name
    if entry.is_model:
        return f"{title} is a whole model, which answers as it was trained or not at all."
    about = peft_config(entry.folder) or {}
    if (method := methods.of_peft(about)) not in _SCALED:
        return f"The adapter {title} is by {methods.title_of(method)}, which acts as it was trained or not at all."
    if about.get("use_dora"):
        return f"The adapter {title} is a DoRA, which acts as it was trained or not at all."
    if about.get("modules_to_save") or about.get("trainable_token_indices"):
        return f"The adapter {title} has modules trained whole, which act as they were trained or not at all."
    if about.get("bias") not in (None, "none"):
        return f"The adapter {title} changes biases, which act as they were trained or not at all."
    return ""


def require(entry: Entry) -> None:
    """Sees to it that an adapter can be made weaker and stronger.

    Raises:
        StudioError: (adapter) it cannot.
    """
    if message := fault(entry):
        raise StudioError("adapter", message, "Leave its strength at 1.")
