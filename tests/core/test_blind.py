"""A blind test: every pair once and in a fair order, votes that no kill loses, and what can be learned from them."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import blind, chat, standing
from studio.core.blind import TIE, About, BlindTest, Pair
from studio.core.desk import Column, Message
from studio.core.errors import StudioError


def about(contenders: int = 3, prompts: int = 4, seed: int | None = 0) -> About:
    names: list[str | None] = [None, *(f"a{n}" for n in range(1, contenders))]
    asked = [
        [Message(role="system", content="Be kind."), Message(role="user", content=f"q{n}")] for n in range(prompts)
    ]
    return About(title="Kind ones", model="demo", contenders=names, prompts=asked, seed=seed)


def answered(test: BlindTest, prompt: int, *texts: str, cut: tuple[int, ...] = ()) -> None:
    columns = [
        Column(adapter=name, text=text, tokens=1, seconds=0.1, cut=at in cut)
        for at, (name, text) in enumerate(zip(test.about.contenders, texts, strict=True))
    ]
    test.answer(prompt, columns)


def test_every_two_meet_on_every_prompt_once_and_on_either_side() -> None:
    test = blind.create(about(contenders=4, prompts=100))
    pairs = test.pairs()
    met = Counter((pair.prompt, *sorted((pair.left, pair.right))) for pair in pairs)
    assert len(met) == len(pairs) == 600
    left = sum(pair.left < pair.right for pair in pairs)
    assert 230 < left < 370, "sides are drawn"
    assert pairs == test.pairs()
    assert pairs != blind.create(about(contenders=4, prompts=100, seed=1)).pairs()
    assert [pair.prompt for pair in pairs] != sorted(pair.prompt for pair in pairs)


def test_only_what_is_answered_and_differs_is_judged() -> None:
    test = blind.create(about())
    assert test.open_pairs() == []
    first = test.missing()[0]
    assert test.request(first).messages == test.about.prompts[first]
    answered(test, first, "one", " one\n", "two")
    assert first not in test.missing()
    shown = {frozenset((pair.left, pair.right)) for pair in test.open_pairs()}
    assert shown == {frozenset((0, 2)), frozenset((1, 2))}, "the other two are the same"


def test_what_was_answered_and_judged_is_there_after_a_kill_in_the_middle_of_a_line() -> None:
    test = blind.create(about())
    for prompt in (2, 0):
        answered(test, prompt, "a", "b", "c", cut=(1,))
    one, two, three = test.open_pairs()[:3]
    test.vote(one, one.right)
    test.vote(two, TIE)
    test.vote(three, three.left)
    test.vote(three, None)
    for name in ("answers.jsonl", "votes.jsonl"):
        with (test.path / name).open("ab") as file:
            file.write(b'{"prompt": 1, "left"')
    again = blind.load(test.path)
    assert (again.answers, again.cut, again.votes) == (test.answers, test.cut, {one: one.right, two: TIE})
    assert again.open_pairs()[0] == three
    again.vote(three, three.left)
    assert blind.load(test.path).votes[three] == three.left, "behind a torn line"


@pytest.mark.parametrize(
    "line",
    [
        "null",
        "[1]",
        '{"prompt": 99, "left": 0, "right": 1, "winner": 0}',
        '{"prompt": 1, "left": 0, "right": 1, "winner": 0}',
        '{"prompt": "0", "left": [], "right": {}, "winner": 0}',
    ],
)
def test_lines_that_mean_nothing_are_passed_over(line: str) -> None:
    test = blind.create(about())
    answered(test, 0, "a", "b", "c")
    with (test.path / "votes.jsonl").open("a") as file:
        file.write(line + "\n")
    with (test.path / "answers.jsonl").open("a") as file:
        file.write(line + '\n{"prompt": 1, "answers": ["too", "few"]}\n')
    again = blind.load(test.path)
    assert (again.votes, list(again.answers)) == ({}, [0])


def test_votes_are_rows_to_learn_from(tmp_path: Path) -> None:
    test = blind.create(about(contenders=2, prompts=5))
    answered(test, 0, "good", "bad")
    answered(test, 1, "as good", "as bad")
    answered(test, 2, "broken o", "whole", cut=(0,))
    answered(test, 3, "said", " ")
    answered(test, 4, "never", "judged")
    pairs = {pair.prompt: pair for pair in test.pairs()}
    with pytest.raises(StudioError, match="No whole answer was judged better"):
        blind.write_preferences(test, tmp_path / "out.jsonl")
    for prompt, winner in ((0, 0), (1, TIE), (2, 0), (3, 0)):
        test.vote(pairs[prompt], winner)
    assert len(test.preferences()) == 1, "not the tie, the broken one and the empty one"
    test.vote(pairs[2], 1)
    assert blind.write_preferences(test, tmp_path / "new" / "out.jsonl") == 2
    rows = [json.loads(line) for line in (tmp_path / "new" / "out.jsonl").read_text().splitlines()]
    found = chat.to_preference(next(row for row in rows if row["chosen"][0]["content"] == "good"))
    assert found.prompt == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "q0"}]
    assert (found.chosen, found.rejected) == (
        [{"role": "assistant", "content": "good"}],
        [{"role": "assistant", "content": "bad"}],
    )
    with pytest.raises(StudioError, match="is there already"):
        blind.write_preferences(test, tmp_path / "new" / "out.jsonl")


def test_tests_are_listed_found_and_removed() -> None:
    assert blind.listing() == []
    test = blind.create(about())
    (test.path.parent / "broken").mkdir()
    (test.path.parent / "broken" / "test.json").write_text("{")
    assert blind.listing() == [test.path]
    assert blind.find("Kind-ones").about == blind.find("Kind ones").about == test.about
    for name in ("none", "", "!!"):
        with pytest.raises(StudioError, match="There is no blind test"):
            blind.find(name)
    blind.create(about())
    with pytest.raises(StudioError, match="could mean 2"):
        blind.find("Kind")
    trashed = blind.remove(test)
    assert (trashed / "test.json").is_file()
    assert len(blind.listing()) == 1
    assert blind.find_removed(test.path.name) == trashed
    assert blind.restore(trashed).path == test.path
    with pytest.raises(StudioError, match="No blind test"):
        blind.find_removed(test.path.name)


@pytest.mark.parametrize(
    ("contenders", "prompts", "words"),
    [(1, 1, "two or more"), (9, 1, "at most 8"), (2, 0, "1 to 1,000"), (2, 1001, "1 to 1,000")],
)
def test_what_cannot_be_judged_is_refused(contenders: int, prompts: int, words: str) -> None:
    with pytest.raises(StudioError, match=words):
        blind.create(about(contenders, prompts))


def test_standings_count_a_tie_as_half_and_say_what_is_beyond_chance() -> None:
    test = blind.create(about(contenders=3, prompts=12))
    for prompt in range(12):
        answered(test, prompt, f"a{prompt}", f"b{prompt}", f"c{prompt}")
    for pair in test.pairs():
        who = {pair.left, pair.right}
        test.vote(pair, 1 if 1 in who else TIE)
    first, *others = standing.standings(test)
    assert (first.contender, first.won, first.lost, first.tied, first.rate) == (1, 24, 0, 0, 1.0)
    assert [(item.contender, item.rate, item.tied) for item in others] == [(0, 0.25, 12), (2, 0.25, 12)]
    by = {(match.one, match.other): match for match in standing.matches(test)}
    assert (by[1, 0].won, by[1, 0].lost, by[1, 0].decided) == (12, 0, True), "the better of two first"
    assert by[1, 0].chance == pytest.approx(3 * 2 / 2**12), "there are three matches"
    assert (by[0, 2].tied, by[0, 2].chance, by[0, 2].decided) == (12, 1.0, False)


@given(st.integers(0, 3000), st.data())
def test_the_chance_of_many_votes_is_that_of_counting_them_all(votes: int, data: st.DataObject) -> None:
    won = data.draw(st.integers(0, votes))
    fewer = min(won, votes - won)
    exact = min(1.0, 2 * sum(math.comb(votes, n) for n in range(fewer + 1)) / (1 << votes))
    assert standing.chance(won, votes - won) == pytest.approx(exact, rel=1e-8, abs=1e-300)


def test_intervals_are_those_of_wilson() -> None:
    # The figures of R's prop.test(correct = FALSE) and of statsmodels' proportion_confint(method="wilson").
    assert standing.interval(15, 20) == pytest.approx((0.531299, 0.888138), abs=1e-6)
    assert standing.interval(0, 10) == pytest.approx((0, 0.277533), abs=1e-6)
    assert standing.interval(0, 0) == (0, 1)


@given(st.integers(0, 400), st.integers(0, 400))
def test_chance_is_a_share_and_alike_from_either_side(won: int, lost: int) -> None:
    found = standing.chance(won, lost)
    assert 0 < found <= 1
    assert found == standing.chance(lost, won)
    assert standing.chance(won + lost, 0) <= found
    assert 0 <= standing.interval(won, won + lost)[0] <= standing.interval(won, won + lost)[1] <= 1


def test_a_pair_says_whose_answers_it_holds() -> None:
    test = blind.create(about(contenders=2, prompts=1))
    answered(test, 0, "a", "b")
    (pair,) = test.pairs()
    assert pair in (Pair(0, 0, 1), Pair(0, 1, 0))
    assert test.open_pairs() == [pair]


def test_the_first_answer_to_a_prompt_counts_for_it_may_have_been_judged() -> None:
    test = blind.create(about(contenders=2, prompts=1))
    other = blind.load(test.path)
    answered(test, 0, "a", "b")
    (pair,) = test.pairs()
    test.vote(pair, 0)
    answered(other, 0, "c", "d")
    assert other.answers == {0: ["a", "b"]}
    assert blind.load(test.path).preferences()[0]["chosen"][0]["content"] == "a"


def test_each_test_has_sides_of_its_own() -> None:
    one, other = (blind.create(about(prompts=30, seed=None)) for _ in range(2))
    assert one.pairs() != other.pairs()
    assert blind.load(one.path).pairs() == one.pairs()
