"""The training engine: torch, transformers, peft and bitsandbytes, in child processes only. No Qt."""

import logging
import os

# It asks for a package that fetches compiled code from the hub, of whoever loads it and on a processor alone.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
# oneDNN, and torch for it, keep code for the last 1,024 sizes of products each, about 1 MB for one, and a pass has a
# dozen sizes of its own.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "24")
os.environ.setdefault("LRU_CACHE_CAPACITY", "24")
