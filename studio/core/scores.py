"""What is said of the losses of a text's tokens: how two columns differ, and where it matters most."""

import math
from collections.abc import Sequence

from studio.core.desk import Scored


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
