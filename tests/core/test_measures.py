"""What is said of an answer: against definitions written out plainly, and what may count as the same."""

import json
import math
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import measures
from studio.core.config import TrainingSpec
from studio.core.evaluations import Read, Result

WORDS = st.lists(st.sampled_from("abcd"), max_size=14)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def plain_common(one: list[str], other: list[str]) -> int:
    """The longest common subsequence as textbooks have it."""

    @cache
    def at(i: int, j: int) -> int:
        if i == len(one) or j == len(other):
            return 0
        return at(i + 1, j + 1) + 1 if one[i] == other[j] else max(at(i + 1, j), at(i, j + 1))

    return at(0, 0)


def result(
    *columns: list[float], tokens: tuple[int, ...] = (4,), answers: tuple[str, ...] = (), own: str = ""
) -> Result:
    told = [*answers, *[None] * len(columns)]
    read = {at: Read(losses=losses, answer=told[at]) for at, losses in enumerate(columns)}
    return Result(row=0, place=(0, 0), asked="", own=own, tokens=list(tokens), columns=read)


@given(WORDS, WORDS)
def test_the_longest_common_subsequence_is_that_of_the_textbook(one: list[str], other: list[str]) -> None:
    assert measures.common(one, other) == measures.common(other, one) == plain_common(one, other)


@given(WORDS, WORDS)
def test_words_in_order_are_never_more_than_words_in_any_order(one: list[str], other: list[str]) -> None:
    ordered, unordered = measures.rouge_l(one, other), measures.f1(one, other)
    assert 0 <= ordered <= unordered <= 1
    assert unordered == measures.f1(other, one)
    assert (unordered == 1) == (sorted(one) == sorted(other))
    assert (ordered == 1) == (one == other)


def test_rouge_l_is_that_of_lins_example() -> None:
    known = measures.words("police killed the gunman")
    assert measures.rouge_l(measures.words("Police kill the gunman."), known) == 3 / 4
    assert measures.rouge_l(measures.words("the gunman kill police"), known) == 2 / 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a Fine_day, 3.5 kg!", ["it", "s", "a", "fine", "day", "3", "5", "kg"]),
        ("世界 is 世界", ["世", "界", "is", "世", "界"]),
        ("価格は12円です", ["価", "格", "は", "12", "円", "で", "す"]),
        ("Straße café", ["straße", "café"]),
        ("I\u0307zmir cafe\u0301", ["i\u0307zmir", "cafe\u0301"]),
        ("हिन्दी में है।", ["हिन्दी", "में", "है"]),
        ("שָׁלוֹם־עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("ක්\u200dරියා \u0301", ["ක්\u200dරියා"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("...", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert measures.words(text) == words


def test_the_same_letters_written_in_two_ways_are_the_same() -> None:
    assert measures.compared(" caf\u0065\u0301\n", "caf\u00e9")["exact"] == 1
    found = measures.compared("I say: café!", "café")
    assert (found["exact"], found["contains"]) == (0, 1)
    assert measures.compared("anything", " ")["contains"] == 0, "everything contains nothing"
    assert measures.compared("", "")["exact"] == measures.compared("", "")["f1"] == 1
    assert measures.compared("x", "")["f1"] == 0


@given(JSON)
def test_json_is_compared_by_what_it_says(value: Any) -> None:
    own = json.dumps({"a": value, "b": 1})
    found = measures.compared(json.dumps({"b": 1, "a": value}, indent=3), own)
    assert (found["json"], found["json_equal"]) == (1, 1)
    other = measures.compared(json.dumps({"a": [value], "b": 1}), own)
    assert (other["json"], other["json_equal"]) == (1, 0)
    assert measures.compared(own[:-1], own)["json"] == 0


@pytest.mark.parametrize(
    ("answer", "own", "equal"),
    [
        ("[1]", "[true]", 0),
        ("[1.0]", "[1]", 1),
        ("[NaN]", "[1]", None),
        ("[" * 100_000, "[1]", None),
        ("x", "[]", None),
    ],
)
def test_json_that_is_none_and_that_only_looks_the_same(answer: str, own: str, equal: int | None) -> None:
    found = measures.compared(answer, own)
    assert (found["json"], found["json_equal"]) == (float(equal is not None), float(equal or 0))


def test_of_json_nothing_is_said_where_the_rows_answer_is_text() -> None:
    assert "json" not in measures.compared("{}", "42")
    assert "json" not in measures.compared("{}", "Dear Ada")


@given(st.floats(-700, 700))
def test_the_loss_of_two_answers_is_a_sigmoids(margin: float) -> None:
    assert measures.preference_loss(margin) == pytest.approx(-math.log(1 / (1 + math.exp(-margin))), abs=1e-12)


def test_the_losses_of_a_row() -> None:
    assert measures.of(result([8.0], [2.0]), 1, TrainingSpec()) == {"loss": 0.5}
    pair = result([5.0, 7.0], [4.0, 9.0], [6.0, 5.0], tokens=(4, 5))
    dpo = TrainingSpec(objective="dpo", beta=0.5)
    assert measures.of(pair, 0, dpo) == {"loss": math.log(2), "likelier": 1}
    assert measures.of(pair, 1, dpo) == {"loss": measures.preference_loss(0.5 * 3), "preferred": 1, "likelier": 1}
    assert measures.of(pair, 2, dpo) == {"loss": measures.preference_loss(0.5 * -3), "preferred": 0, "likelier": 0}


def test_without_a_reference_the_base_prefers_too_and_by_the_token() -> None:
    pair = result([5.0, 7.0], [6.0, 5.0], tokens=(4, 7))
    for objective in ("orpo", "simpo"):
        found = [measures.of(pair, at, TrainingSpec(objective=objective)) for at in (0, 1)]
        assert [(one["preferred"], one["likelier"]) for one in found] == [(0, 1), (0, 0)]


@pytest.mark.parametrize(("desirable", "right"), [(True, (1, 0)), (False, (0, 1))])
def test_a_label_tells_which_way_is_up(desirable: bool, right: tuple[int, int]) -> None:
    item = result([8.0], [2.0], [9.0], answers=("yes", "yes", "yes"), own="yes")
    item, kto = replace(item, desirable=desirable), TrainingSpec(objective="kto", beta=0.5)
    sign = 1 if desirable else -1
    found = [measures.of(item, at, kto) for at in range(3)]
    assert [one["reward"] for one in found] == [0, 3 * sign, -0.5 * sign]
    assert str(found[0]["reward"]) == "0.0", "and not -0.0"
    assert [one.get("reward_accuracy") for one in found] == [None, *right]
    assert [one.get("exact") for one in found] == [1 if desirable else None] * 3


def test_all_columns_are_measured_at_once() -> None:
    pair, dpo = result([5.0, 7.0], [4.0, 9.0], tokens=(4, 5)), TrainingSpec(objective="dpo", beta=0.5)
    assert measures.measured(pair, dpo).measured == [measures.of(pair, at, dpo) for at in (0, 1)]


def test_an_answer_is_asked_what_it_is_to_have() -> None:
    item = result([8.0], [2.0], answers=("yes", "no"), own="yes")
    found = [measures.of(item, at, TrainingSpec(), lambda answer: "n" in answer) for at in (0, 1)]
    assert [(one["exact"], one["match"]) for one in found] == [(1, 0), (0, 1)]
    assert "match" not in measures.of(result([8.0]), 0, TrainingSpec(), lambda answer: True), "nothing was answered"


def test_the_best_is_the_lowest_loss_and_the_greatest_share() -> None:
    assert measures.best({0: 2.0, 1: 1.0, 2: 1.0}, "loss") == {1, 2}
    assert measures.best({0: 0.2, 1: 0.1}, "f1") == {0}
    assert measures.best({0: 0.2, 1: 0.2}, "f1") == set(), "none where all are the same"
