"""Which adapters can be made weaker and stronger: those that are sums of products, and nothing else."""

from studio.core.entry import Entry, peft_config
from studio.core.errors import StudioError


def fault(entry: Entry) -> str:
    """Returns why an adapter acts as it was trained or not at all, a sentence; empty: it can be made weaker."""
    about = peft_config(entry.folder) or {}
    title = entry.title or entry.name
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
