"""What is said of the losses of a text's tokens: which of them count, their mean, and where it matters most."""

import math
from collections.abc import Sequence

from studio.core.desk import Picture, Scored


def counting(picture: Picture, column: Scored) -> list[bool]:
    """Returns for each of the column's tokens whether it counts: it is learned, or nothing of the text is."""
    none = not any(picture.trained[: len(column.losses)])
    return [math.isfinite(loss) and (none or learned)
            for loss, learned in zip(column.losses, picture.trained, strict=False)]  # fmt: skip


def mean(losses: Sequence[float], counts: Sequence[bool]) -> float:
    """Returns the mean loss of the tokens that count, in nats; not a number: none does."""
    counted = [loss for loss, one in zip(losses, counts, strict=True) if one]
    return math.fsum(counted) / len(counted) if counted else math.nan


def differences(column: Scored, other: Scored) -> list[float]:
    """Returns by how much each token's loss is below that of another column; above 0: it is held likelier here."""
    return [theirs - own for own, theirs in zip(column.losses, other.losses, strict=True)]


def largest(values: Sequence[float], counts: Sequence[bool]) -> list[int]:
    """Returns the places of the tokens that count, that of the greatest value, whatever its sign, first."""
    places = [at for at, one in enumerate(counts) if one]
    return sorted(places, key=lambda at: -abs(values[at]))


def perplexity(loss: float) -> float:
    """Returns e to the mean loss: among how many equally likely tokens a choice would be as hard."""
    return math.exp(loss) if loss < 700 else math.inf
