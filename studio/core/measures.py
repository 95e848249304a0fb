"""How an answer compares with a row's own, and what a loss says of the row: one number each.

Words are runs of letters and digits in lower case, with the marks upon them, such as the vowels of Hindi; of scripts
that are written without spaces each letter is one.
"""

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from studio.core.config import TrainingSpec
from studio.core.evaluations import Result
from studio.core.objectives import asked

# In the order in which they are shown; rows are ordered by the first that there is. A share is of rows that are so; the
# others are means over rows, but for `loss`, the mean over learned tokens, beside which `row_loss` counts every row the
# same.
LOSSES = ("loss", "row_loss", "reward", "reward_accuracy", "preferred", "likelier")
ANSWERS = ("exact", "contains", "f1", "rouge_l", "json", "json_equal", "match")
SHARES = frozenset(("reward_accuracy", "preferred", "likelier", "exact", "contains", "json", "json_equal", "match"))
LOWER = frozenset(("loss", "row_loss"))  # the lower the better

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff"
_FIRST_MARK, _LAST_MARK = 0x300, 0x1FFFF
_JOINERS = "\u200c\u200d"
# Nats a token, below which training could not tell a probability from 1.
_LEAST_LOSS = 1e-7
Holds = Callable[[str], bool]


def measured(result: Result, training: TrainingSpec, holds: Holds | None = None) -> Result:
    """Returns a row with what can be measured of each column; see `of`."""
    return replace(result, measured=[of(result, at, training, holds) for at in range(len(result.columns))])


def of(result: Result, at: int, training: TrainingSpec, holds: Holds | None = None) -> dict[str, float]:
    """Returns what can be measured of a row's column, by the names above; shares are 0 or 1, `loss` is the row's.

    Of an answer labelled good or bad that is the reward: the loss of KTO depends on other rows too. One labelled bad is
    nothing to compare answers with.

    Args:
        result: of all columns, the first of them the base's.
        at: the column.
        training: the objective that rows of this format are learned by, and its settings.
        holds: whether an answer has what it must have, as a regular expression says; None: nothing is asked of it.
    """
    found = result.columns[at]
    if len(found.losses) > 1:
        said = _of_pair(result, at, training)
    elif result.desirable is not None:
        said = _of_label(result, at, training.used_beta)
    else:
        said = {"loss": found.losses[0] / result.tokens[0]}
    if found.answer is not None:
        if result.desirable is not False:
            said |= compared(found.answer, result.own)
        if holds is not None:
            said["match"] = float(holds(found.answer))
    return said


def compared(answer: str, own: str) -> dict[str, float]:
    """Returns how an answer compares with a row's own; what is said of JSON only where that is an object or a list."""
    told, wanted = _plain(answer), _plain(own)
    said, known = words(told), words(wanted)
    measured = {
        "exact": float(told == wanted),
        "contains": float(bool(wanted) and wanted in told),
        "f1": f1(said, known),
        "rouge_l": rouge_l(said, known),
    }
    expected = _parsed(wanted)
    if isinstance(expected, dict | list):
        got = _parsed(told)
        measured |= {"json": float(got is not _NONE), "json_equal": float(_equal(got, expected))}
    return measured


def words(text: str) -> list[str]:
    """Returns a text's words."""
    return _word().findall(text.lower())


@cache
def _word() -> re.Pattern[str]:
    """Returns what a word is. Marks are no letters to `re`: they are looked up once, in a fiftieth of a second."""
    every = map(chr, range(_FIRST_MARK, _LAST_MARK))
    marks = _JOINERS + "".join(each for each in every if unicodedata.category(each) in ("Mn", "Mc"))
    spaced = rf"(?![{_UNSPACED}])[^\W_]"
    return re.compile(rf"[{_UNSPACED}][{marks}]*|{spaced}(?:{spaced}|[{marks}])*")


def f1(said: Sequence[str], known: Sequence[str]) -> float:
    """Returns the harmonic mean of precision and recall of words, as of SQuAD (Rajpurkar et al., 2016).

    Each counts as often as both have it, in any order; articles count too, which only English has as words.
    """
    return _harmonic((Counter(said) & Counter(known)).total(), len(said), len(known))


def rouge_l(said: Sequence[str], known: Sequence[str]) -> float:
    """Returns ROUGE-L (Lin, 2004): as `f1`, but of words in their order, the longest common subsequence."""
    return _harmonic(common(said, known), len(said), len(known))


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """Returns the length of the longest common subsequence, a bit for each word (Hyyro, 2004)."""
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    every = (1 << len(one)) - 1
    row = every
    for word in other:
        both = row & places.get(word, 0)
        row = ((row + both) | (row - both)) & every
    return len(one) - row.bit_count()


def preference_loss(margin: float) -> float:
    """Returns -ln sigmoid(margin), the loss of two answers (Rafailov et al. 2023, equation 7), in nats."""
    return math.log1p(math.exp(-abs(margin))) + max(0.0, -margin)


def best(figures: Mapping[int, float], measure: str) -> set[int]:
    """Returns which columns have the best value of a measure; none where all are the same."""
    if len(set(figures.values())) < 2:
        return set()
    wanted = (min if measure in LOWER else max)(figures.values())
    return {at for at, value in figures.items() if value == wanted}


def _of_pair(result: Result, at: int, training: TrainingSpec) -> dict[str, float]:
    """Returns what an objective makes of two answers, as it does in training (`engine.objectives.preferred`)."""
    losses, base = result.columns[at].losses, result.columns[0].losses
    if asked(training.objective).reference:
        gained = [before - now for before, now in zip(base, losses, strict=True)]
        loss, margin = _referenced(gained, result.tokens, training)
    else:
        loss, margin = _unreferenced(
            [-loss / count for loss, count in zip(losses, result.tokens, strict=True)], training
        )
    said = {"loss": loss}
    if at or not asked(training.objective).reference:  # by itself measured the base prefers nothing
        said["preferred"] = float(margin > 0)
    return said | {"likelier": float(losses[0] < losses[1])}


def _referenced(gained: Sequence[float], tokens: Sequence[int], training: TrainingSpec) -> tuple[float, float]:
    """Returns the loss and the margin of DPO, or of IPO (Azar et al. 2023, equation 17), which takes tokens' means.

    Args:
        gained: by how much each answer is likelier than under the base, in nats.
        tokens: of the answers.
        training: the objective's settings.
    """
    beta = training.used_beta
    if training.objective != "ipo":
        margin = beta * (gained[0] - gained[1])
        return preference_loss(margin), margin
    apart = gained[0] / tokens[0] - gained[1] / tokens[1]
    return (apart - 1 / (2 * beta)) ** 2, beta * apart


def _unreferenced(means: Sequence[float], training: TrainingSpec) -> tuple[float, float]:
    """Returns the loss and the margin of ORPO (Hong et al. 2024, equations 6 and 7), or of SimPO (Meng et al. 2024, 6).

    Args:
        means: log-probabilities of the answers, in the mean of their tokens.
        training: the objective's settings.
    """
    better, worse = means
    beta = training.used_beta
    margin = beta * (better - worse)
    if training.objective == "simpo":
        return preference_loss(margin - training.simpo_gamma), margin
    odds = better - worse - (_log_of_rest(better) - _log_of_rest(worse))
    return -better + beta * preference_loss(odds), margin


def _log_of_rest(log: float) -> float:
    """Returns log(1 - p) of log(p); an answer that is as good as certain has no infinite odds."""
    return math.log(-math.expm1(min(log, -_LEAST_LOSS)))


def _of_label(result: Result, at: int, beta: float) -> dict[str, float]:
    """Returns KTO's reward (Ethayarajh et al. 2024), with the label's sign, and whether that is right."""
    (base,), (loss,) = result.columns[0].losses, result.columns[at].losses
    reward = beta * (base - loss if result.desirable else loss - base)
    return {"reward": reward} | ({"reward_accuracy": float(reward > 0)} if at else {})


def _harmonic(both: int, said: int, known: int) -> float:
    if not said or not known:
        return float(said == known)
    return 2 * both / (said + known)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


_NONE = object()


def _parsed(text: str) -> Any:
    """Returns what JSON says; `_NONE`: it is none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NONE


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _equal(one: Any, other: Any) -> bool:
    """Whether two parsed texts say the same: true is not 1, and the order of an object's members says nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
