"""A head start for copying: some attention heads begin as ones that look up what followed a token before.

A small model finds this out by itself only after many millions of tokens (Olsson et al. 2022, "In-context Learning and
Induction Heads"), and most of what the little world asks for is looking up and copying. So a few heads are written by
hand before training, and training is free to change them:

- In layer 0 one head looks at the token before and notes, in 32 dimensions the embedding leaves free, what it was.
- In layers 1 and 2 two heads each look for places whose note matches the present token, and copy the token found there.
"""

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

HEAD = 32
_PAIRS = HEAD // 2
_SLOW = range(7, _PAIRS)
"""The rotary pairs that turn so slowly that what they hold can be compared over a whole row."""
_SPREAD = 0.1
"""The size of an embedding's entries: large beside the optimizer's steps, so that the heads outlive the first ones."""


def _directions(count: int, width: int, seed: int) -> Tensor:
    """Orthonormal directions in the embedding, shape (count, width), that leave the constant and the notes alone."""
    free = torch.randn(width - HEAD - 1, count, generator=torch.Generator().manual_seed(seed))
    found = torch.zeros(count, width)
    found[:, 1 : width - HEAD] = torch.linalg.qr(free)[0].T
    return found


@torch.no_grad()
def write_heads(model: LlamaForCausalLM, seed: int) -> None:
    """Write the looking-up heads into a model that has not been trained yet.

    Args:
        model: A model with heads of 32 dimensions, two query heads to a key-value head, and at least three layers.
        seed: Which directions are used.
    """
    width, layers = model.config.hidden_size, model.model.layers
    embedding = model.model.embed_tokens.weight
    embedding.mul_(_SPREAD / model.config.initializer_range)
    model.model.norm.weight.fill_(3 * model.config.initializer_range / _SPREAD)
    embedding[:, 0] = 3 * _SPREAD
    embedding[:, width - HEAD :] = 0
    for layer in layers:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()

    turns = model.config.rope_parameters["rope_theta"] ** (-torch.arange(_PAIRS) / _PAIRS)
    first, notes = layers[0].self_attn, _directions(HEAD, width, seed)
    for weight in (first.q_proj.weight, first.k_proj.weight):
        weight[:HEAD] = 0
    # Column 0 meets the constant, about 3. Turned back by one place, the query meets the key of the place before.
    first.q_proj.weight[:_PAIRS, 0] = 2.5 * torch.cos(-turns)
    first.q_proj.weight[_PAIRS:HEAD, 0] = 2.5 * torch.sin(-turns)
    first.k_proj.weight[:_PAIRS, 0] = 2.5
    first.v_proj.weight[:HEAD] = notes
    first.o_proj.weight[width - HEAD :, :HEAD] = _SPREAD * torch.eye(HEAD)

    compared = [*_SLOW, *(pair + _PAIRS for pair in _SLOW)]
    for depth in (1, 2):
        attention = layers[depth].self_attn
        for group in (0, 1):
            query, key = 2 * group * HEAD, group * HEAD
            attention.q_proj.weight[query : query + HEAD] = 0
            attention.k_proj.weight[key : key + HEAD] = 0
            for place in compared:
                attention.q_proj.weight[query + place] = 2.0 * notes[place]
                attention.k_proj.weight[key + place, width - HEAD + place] = 2.0
            copied = _directions(HEAD, width, seed + 10 * depth + group + 1)
            attention.v_proj.weight[key : key + HEAD] = copied
            attention.o_proj.weight[:, query : query + HEAD] = 3 * _SPREAD * copied.T
