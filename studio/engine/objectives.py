"""What a step minimises: from a model and a micro-batch to each row's loss. Shapes as in `batches`.

Every preference begins with each answer's summed cross-entropy. `U` rows have two answers each, the better one's
number before the worse one's. What is told of a row besides its loss carries no gradient: 1 where the better answer is
preferred, and by how much, the difference of the two answers' rewards.
"""

from contextlib import nullcontext
from typing import Any

import torch
from torch.nn import functional

from studio.core.config import TrainingSpec
from studio.engine import attention, head, tail
from studio.engine.batches import MicroBatch

# Nats a token, below which float32 could not tell a probability from 1.
_LEAST_LOSS = 1e-7


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


def preferred(
    spec: TrainingSpec, losses: torch.Tensor, base: torch.Tensor | None, counts: torch.Tensor
) -> torch.Tensor:
    """Compares the two answers of each row as the objective does.

    Args:
        spec: which objective, and its settings.
        losses: (2 U,) each answer's summed cross-entropy, in nats.
        base: (2 U,) the same under the base alone, for an objective that has a reference.
        counts: (2 U,) int64, each answer's trained tokens.

    Returns:
        (U, 3) float32: loss, whether the better answer is preferred, and by how much.
    """
    if spec.objective == "orpo":
        return orpo(losses, counts, spec.used_beta)
    if spec.objective == "simpo":
        return simpo(losses, counts, spec.used_beta, spec.simpo_gamma)
    assert base is not None  # looked up for all others
    if spec.objective == "ipo":
        return ipo(losses, base, counts, spec.used_beta)
    return preference(losses, base, spec.used_beta)


def preference(losses: torch.Tensor, base: torch.Tensor, beta: float) -> torch.Tensor:
    """Direct preference optimization (Rafailov et al. 2023, equation 7); see `preferred` for shapes.

    Args:
        losses: of the answers.
        base: of the answers under the base alone.
        beta: how much moving away from the base costs.
    """
    better, worse = (base - losses.float()).view(-1, 2).unbind(1)
    margins = beta * (better - worse)
    return _told(-functional.logsigmoid(margins), margins)


def ipo(losses: torch.Tensor, base: torch.Tensor, counts: torch.Tensor, beta: float) -> torch.Tensor:
    """Identity preference optimization (Azar et al. 2023, equation 17); see `preferred` for shapes.

    Answers are compared by the mean of their tokens, as TRL does and as the paper's authors did. An answer's reward is
    that mean times `beta`; TRL tells of the sum.

    Args:
        losses: of the answers.
        base: of the answers under the base alone.
        counts: of their trained tokens.
        beta: the paper's tau: answers are to be 1 / (2 beta) apart, and no further.
    """
    better, worse = ((base - losses.float()) / counts).view(-1, 2).unbind(1)
    apart = better - worse
    return _told((apart - 1 / (2 * beta)) ** 2, beta * apart)


def simpo(losses: torch.Tensor, counts: torch.Tensor, beta: float, gamma: float) -> torch.Tensor:
    """Simple preference optimization (Meng et al. 2024, equation 6), without a reference; see `preferred` for shapes.

    TRL writes -logsigmoid(beta * (difference - gamma / beta)), which is the same.

    Args:
        losses: of the answers.
        counts: of their trained tokens.
        beta: what a mean log-probability is multiplied with to be a reward.
        gamma: by how much the better answer's reward is to be higher.
    """
    better, worse = (-losses.float() / counts).view(-1, 2).unbind(1)
    margins = beta * (better - worse)
    return _told(-functional.logsigmoid(margins - gamma), margins)


def orpo(losses: torch.Tensor, counts: torch.Tensor, beta: float) -> torch.Tensor:
    """Odds ratio preference optimization (Hong et al. 2024, equations 6 and 7), without a reference.

    The better answer's mean cross-entropy, and beside it how the odds of both compare; see `preferred` for shapes. It
    is the mean over the answer's trained tokens, as everywhere here; TRL counts those of the prompt too.

    Args:
        losses: of the answers.
        counts: of their trained tokens.
        beta: the paper's lambda, the weight of the comparison.
    """
    better, worse = (-losses.float() / counts).view(-1, 2).unbind(1)
    odds = better - worse - (_log_of_rest(better) - _log_of_rest(worse))
    return _told(-better - beta * functional.logsigmoid(odds), beta * (better - worse))


def kto(
    losses: torch.Tensor, base: torch.Tensor, desirable: torch.Tensor, baseline: torch.Tensor, spec: TrainingSpec
) -> torch.Tensor:
    """Kahneman-Tversky optimization (Ethayarajh et al. 2024, equation 7) of rows with one labelled answer each.

    Args:
        losses: (N,) each answer's summed cross-entropy, in nats.
        base: (N,) the same under the base alone.
        desirable: (N,) bool, whether it is labelled good.
        baseline: () the paper's z0: how far the model has moved where nothing was taught, not below 0; no gradient.
        spec: for `beta` and the weights of good and of bad answers.

    Returns:
        (N, 3) float32: the loss, no nats but at most the weight; whether the reward, `beta` times how much likelier the
        answer is than under the base, has the sign of the label; and that reward, negative where it has not.
    """
    signs = torch.where(desirable, 1.0, -1.0)
    weights = torch.where(desirable, spec.desirable_weight, spec.undesirable_weight)
    ratios = base - losses.float()
    pulls = spec.used_beta * signs * (ratios - baseline)
    return _told(weights * (1 - torch.sigmoid(pulls)), spec.used_beta * signs * ratios)


def _log_of_rest(logs: torch.Tensor) -> torch.Tensor:
    """Returns log(1 - p) of log-probabilities log(p); an answer that is as good as certain has no infinite odds."""
    return torch.log(-torch.expm1(logs.clamp(max=-_LEAST_LOSS)))


def _told(losses: torch.Tensor, margins: torch.Tensor) -> torch.Tensor:
    told = margins.detach()
    return torch.stack([losses, (told > 0).float(), told], 1)


def bare(model: torch.nn.Module) -> Any:
    """Returns the transformers model inside the wrappers of data-parallel training and PEFT."""
    inner: Any = getattr(model, "module", model)
    return inner.get_base_model() if hasattr(inner, "get_base_model") else inner
