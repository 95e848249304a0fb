"""The training engine: torch, transformers, peft and bitsandbytes, in child processes only. No Qt."""
