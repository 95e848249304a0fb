"""What the program means: configuration, events, runs, data, the library. No Qt, no torch, no transformers."""
