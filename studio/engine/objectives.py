"""What a step minimises: from a model and a micro-batch to each row's summed loss. Shapes as in `batches`."""

from typing import Any

import torch
from torch.nn import functional

from studio.engine import attention
from studio.engine.batches import MicroBatch


def supervised_logits(model: torch.nn.Module, batch: MicroBatch) -> torch.Tensor:
    """Returns the float32 logits (S, V) of the supervised positions alone; nothing of size (B, T, V) is made.

    Models that take `logits_to_keep` project only those positions; the few others project all and select.
    """
    arguments: dict[str, Any] = {"input_ids": batch.input_ids}
    if batch.position_ids is not None:
        arguments["position_ids"] = batch.position_ids
    if batch.attention_mask is not None:
        arguments["attention_mask"] = batch.attention_mask
    bare = _bare(model)
    if batch.row_lengths is not None and attention.in_use(bare):
        arguments["row_lengths"] = batch.row_lengths
    if bare._supports_logits_to_keep():
        logits: torch.Tensor = model(**arguments, logits_to_keep=batch.keep, use_cache=False).logits
    else:
        logits = model(**arguments, use_cache=False).logits[batch.keep]
    return logits.float()


def language_modelling(model: torch.nn.Module, batch: MicroBatch) -> torch.Tensor:
    """Cross-entropy of the next token, summed over each row's trained tokens.

    Serves `sft` and `pretraining` alike: which tokens are trained was decided by the labels. Dividing the sum over a
    whole step by its number of trained tokens weighs every token the same, however the micro-batches were cut.

    Returns:
        (rows,) float32, in nats.
    """
    losses = functional.cross_entropy(supervised_logits(model, batch), batch.targets, reduction="none")
    rows = torch.zeros(len(batch.rows), dtype=losses.dtype, device=losses.device)
    return rows.index_add(0, batch.owners, losses)


def keeps_rows_apart(model: torch.nn.Module, vocabulary: int, device: torch.device, dtype: torch.dtype) -> bool:
    """Measures whether rows laid end to end leave each other alone in this model.

    Attention is told of the borders by positions that start anew; a model that ignores them, or carries state from
    token to token, would let one row see another.
    """
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randint(0, vocabulary, (1, n), generator=generator) for n in (7, 9))
    positions = torch.cat([torch.arange(7), torch.arange(9)])[None].to(device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            both = torch.cat([first, second], 1).to(device)
            lengths = {"row_lengths": (7, 9)} if attention.in_use(_bare(model)) else {}
            flat = model(input_ids=both, position_ids=positions, use_cache=False, **lengths).logits[0, 7:].float()
            alone = model(input_ids=second.to(device), use_cache=False).logits[0].float()
    finally:
        model.train(was_training)
    bound = 1e-4 if dtype == torch.float32 else 5e-2
    return bool((flat - alone).abs().max() <= bound * alone.abs().max().clamp(min=1e-6))


def _bare(model: torch.nn.Module) -> Any:
    """Returns the transformers model inside the wrappers of data-parallel training and PEFT."""
    inner: Any = getattr(model, "module", model)
    return inner.get_base_model() if hasattr(inner, "get_base_model") else inner
