"""The training engine: torch, transformers, peft and bitsandbytes, in child processes only. No Qt."""

import logging

# It asks for a package that fetches compiled code from the hub, of whoever loads it and on a processor alone.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
