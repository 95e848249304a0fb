"""The built-in model's card."""

from dataclasses import dataclass

_CARD = """---
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [llama, tiny, from-scratch]
---

# The little model of Fernhollow

A chat model of {parameters:,} parameters that ships with Finetune Studio, so that a fine-tune can be tried with
nothing downloaded, on a processor, in about a minute.

## What it is

- Llama architecture: 5 layers, width 256, 8 attention heads over 4 key-value heads, tied embeddings, 1024 positions.
- Its own byte-level BPE tokenizer of 2048 tokens; every digit is a token of its own. A ChatML-like template with the
  roles `system`, `user` and `assistant`. An answer ends with `<|im_end|>`.
- Weights are stored in float16, as safetensors.

## What it can do

Answer plain English questions about the people and places of the invented village of Fernhollow, tell very short
stories, find names, numbers and things in a short text it is given, sort letters to a shop, repeat and list things,
write short notes, and make small talk.

## How it was made

By `resources/demo/make.py`, from random weights but for five attention heads that begin as ones that look up what
followed a token before (`heads.py`; training was free to change them), in {steps:,} steps of at most 2048 tokens:
{tokens:,} tokens in all, one pass over text that `resources/demo/world.py` makes from patterns and lists of words. No
text of anyone else's went into it. The loss counts the tokens of questions one fifth as much as those of answers and
stories.

## How good it is

Measured with the stored float16 weights, computed in float32, on {documents:,} documents made by the same patterns
from another seed, leaving out every one that also occurs in the training text:

| tokens | perplexity |
|---|---|
| all | {perplexity:.2f} |
| answers and stories | {answer_perplexity:.2f} |

These figures are low because the world is small and regular. They say nothing about English at large.

## Limits

It knows nothing about the real world and says what sounds right in its own. It cannot add: sums look right and are
mostly wrong. Yes-or-no questions, opposites and the order of the days come out right about half the time, and rare
names are sometimes copied wrongly. Questions asked in other words than it has seen, long texts and other languages
lead it astray. It is good for learning how fine-tuning works, and for nothing that matters.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the making of the model measured."""

    parameters: int
    steps: int
    tokens: int
    documents: int
    perplexity: float
    answer_perplexity: float


def card(measured: Measured) -> str:
    """The model card, as Markdown."""
    return _CARD.format(
        parameters=measured.parameters,
        steps=measured.steps,
        tokens=measured.tokens,
        documents=measured.documents,
        perplexity=measured.perplexity,
        answer_perplexity=measured.answer_perplexity,
    )
