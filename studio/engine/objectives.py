"""What a step minimises: from a model and a micro-batch to each row's summed loss. Shapes as in `batches`."""

from contextlib import nullcontext
from typing import Any

import torch
from torch.nn import functional

from studio.engine import attention, head, tail
from studio.engine.batches import MicroBatch


def supervised_logits(model: torch.nn.Module, batch: MicroBatch) -> torch.Tensor:
    """Returns the logits (S, V) of the supervised positions alone; nothing of size (B, T, V) is made.

    Models that take `logits_to_keep` project only those positions; the few others project all and select.
    """
    arguments: dict[str, Any] = {"input_ids": batch.input_ids}
    if batch.position_ids is not None:
        arguments["position_ids"] = batch.position_ids
    if batch.attention_mask is not None:
        arguments["attention_mask"] = batch.attention_mask
    inner = bare(model)
    if batch.segments is not None and attention.in_use(inner):
        arguments["segments"] = batch.segments
    logits: torch.Tensor
    if not inner._supports_logits_to_keep():
        logits = model(**arguments, use_cache=False).logits.flatten(0, 1)[batch.places]
    elif len(batch.input_ids) == 1:
        logits = model(**arguments, logits_to_keep=batch.places, use_cache=False).logits[0]
    else:
        logits = model(**arguments, logits_to_keep=batch.keep, use_cache=False).logits
    return logits


def language_modelling(
    model: torch.nn.Module, batch: MicroBatch, chunked: bool = False, trimmed: bool = False
) -> torch.Tensor:
    """Cross-entropy of the next token, summed over each row's trained tokens.

    Serves `sft` and `pretraining` alike: which tokens are trained was decided by the labels. Dividing the sum over a
    whole step by its number of trained tokens weighs every token the same, however the micro-batches were cut.

    Args:
        model: whose loss.
        batch: the micro-batch.
        chunked: by `head.losses`, which makes few logits at a time; only where `head.refusal` finds nothing.
        trimmed: the last layer is computed only where it is read; only where `tail.refusal` finds nothing.

    Returns:
        (rows,) float32, in nats.
    """
    inner = bare(model)
    layer = inner.get_output_embeddings()
    with (
        head.handed_through(layer) if chunked else nullcontext(),
        tail.only(inner, batch.keep, batch.places) if trimmed else nullcontext(),
    ):
        found = supervised_logits(model, batch)
    if chunked:
        losses = head.losses(layer, found, batch.targets)
    else:
        losses = functional.cross_entropy(found.float(), batch.targets, reduction="none")
    rows = torch.zeros(len(batch.rows), dtype=losses.dtype, device=losses.device)
    return rows.index_add(0, batch.owners, losses)


def preference(losses: torch.Tensor, base: torch.Tensor, beta: float) -> torch.Tensor:
    """Direct preference optimization (Rafailov et al. 2023, equation 7) of rows with two answers each.

    Args:
        losses: (2 U,) each answer's summed cross-entropy, the better one's before the worse one's.
        base: (2 U,) the same under the base alone.
        beta: how much moving away from the base costs.

    Returns:
        (U, 3) float32: the loss in nats, 1 where the better answer is preferred, and by how much, the difference of
        the two rewards. Only the first carries gradient.
    """
    better, worse = (base - losses.float()).view(-1, 2).unbind(1)
    margins = beta * (better - worse)
    told = margins.detach()
    return torch.stack([-functional.logsigmoid(margins), (told > 0).float(), told], 1)


def bare(model: torch.nn.Module) -> Any:
    """Returns the transformers model inside the wrappers of data-parallel training and PEFT."""
    inner: Any = getattr(model, "module", model)
    return inner.get_base_model() if hasattr(inner, "get_base_model") else inner
