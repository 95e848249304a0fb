"""Finetune Studio: fine-tune a language model on your own data, compare it with its base, and export the adapter."""

NAME = "Finetune Studio"
__version__ = "0.1.0"
