"""How the contenders of a blind test stand: win rates with intervals, and which of two is better beyond chance."""

import math
from dataclasses import dataclass, replace
from itertools import combinations

from studio.core.blind import TIE, BlindTest

Z = 1.959963984540054  # of a normal distribution 95 % lie within so many deviations
CHANCE = 0.05  # what is likelier than this by chance alone is not taken for a difference


@dataclass(frozen=True, slots=True)
class Standing:
    """A contender's votes; a tie is half a win.

    Attributes:
        rate: the share of wins; 0.5 where nothing was judged.
        low, high: where the rate lies with 95 % (Wilson's interval, E. B. Wilson, 1927).
    """

    contender: int
    won: int
    lost: int
    tied: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Match:
    """Two contenders against each other, the one that won more votes first.

    Attributes:
        chance: how likely votes as uneven as these are somewhere among all the matches if all are as good: that of
            the two-sided sign test, to which ties say nothing, times the number of matches (after Bonferroni).
    """

    one: int
    other: int
    won: int
    lost: int
    tied: int
    chance: float

    @property
    def decided(self) -> bool:
        """Whether one of them is better beyond chance."""
        return self.chance < CHANCE


def standings(test: BlindTest) -> list[Standing]:
    """Returns each contender's votes, the best first."""
    found = [_standing(test, who) for who in range(len(test.about.contenders))]
    return sorted(found, key=lambda item: (-item.rate, item.contender))


def matches(test: BlindTest) -> list[Match]:
    """Returns every two contenders' votes against each other."""
    found = [_match(test, *two) for two in combinations(range(len(test.about.contenders)), 2)]
    return [replace(match, chance=min(1.0, match.chance * len(found))) for match in found]


def interval(wins: float, votes: int) -> tuple[float, float]:
    """Returns where a share lies with 95 %, of which `wins` of `votes` are known; all of it where nothing is."""
    if not votes:
        return 0.0, 1.0
    share, square = wins / votes, Z * Z
    middle = (share + square / (2 * votes)) / (1 + square / votes)
    half = Z * math.sqrt(share * (1 - share) / votes + square / (4 * votes * votes)) / (1 + square / votes)
    # Of none and of all rounding would leave the bound a little beside its end.
    return max(0.0, middle - half) if wins else 0.0, min(1.0, middle + half) if wins < votes else 1.0


def chance(won: int, lost: int) -> float:
    """Returns how likely votes as uneven as these are where each is a coin's toss, to 8 digits."""
    votes, fewer = won + lost, min(won, lost)
    log = math.lgamma(votes + 1) - math.lgamma(fewer + 1) - math.lgamma(votes - fewer + 1) - votes * math.log(2)
    term = total = 1.0
    # The likeliest first: of many votes the others are soon nothing beside it.
    for n in range(fewer, 0, -1):
        term *= n / (votes - n + 1)
        total += term
        if term < 1e-12 * total:
            break
    return min(1.0, 2 * math.exp(log + math.log(total)))


def _standing(test: BlindTest, who: int) -> Standing:
    own = [winner for pair, winner in test.votes.items() if who in (pair.left, pair.right)]
    won, tied = own.count(who), own.count(TIE)
    wins = won + tied / 2
    return Standing(who, won, len(own) - won - tied, tied, wins / len(own) if own else 0.5, *interval(wins, len(own)))


def _match(test: BlindTest, one: int, other: int) -> Match:
    own = [winner for pair, winner in test.votes.items() if {one, other} == {pair.left, pair.right}]
    won, lost = own.count(one), own.count(other)
    if lost > won:
        one, other, won, lost = other, one, lost, won
    return Match(one, other, won, lost, len(own) - won - lost, chance(won, lost))
