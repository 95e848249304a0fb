"""Near duplicates are found, and nothing else: measured against comparing every pair."""

from itertools import combinations
from pathlib import Path

import numpy as np

from studio.core.audit import likeness
from studio.core.audit.likeness import ALIKE, Sketches, common_shingles, normalised, shingles

WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in ("a", "or", "eu", "i") for c in ("t", "nd", "s", "lly", "x")]


def sentences(random: np.random.Generator, words: int) -> list[str]:
    return [str(word) for word in random.choice(WORDS, words)]


def changed(random: np.random.Generator, words: list[str], count: int) -> list[str]:
    words = list(words)
    for place in random.integers(0, len(words), count).tolist():
        words[place] = f"new{place}"
    return words


def found(folder: Path, texts: list[bytes]) -> dict[tuple[int, int], float]:
    sketches = Sketches(folder, len(texts), common_shingles(texts))
    for first in range(0, len(texts), 100):
        sketches.add(first, texts[first : first + 100])
    told: list[tuple[int, int]] = []
    pairs = sketches.pairs(texts.__getitem__, np.zeros(len(texts), bool), lambda *at: told.append(at))
    made = {(row, other): like for row, other, like in pairs}
    assert told[0][0] == 0
    assert told[-1] == (likeness.BANDS, likeness.BANDS)
    return made


def jaccard(one: bytes, two: bytes) -> float:
    mine, theirs = set(shingles(one).tolist()), set(shingles(two).tolist())
    return len(mine & theirs) / len(mine | theirs)


def test_what_is_alike_is_found_and_nothing_else(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    bases = [sentences(random, int(random.integers(20, 80))) for _ in range(40)]
    texts = [normalised(" ".join(words)) for words in bases]
    for words in bases:
        texts += [normalised(" ".join(changed(random, words, count))) for count in (1, 2, 4, 8)]
    sets = [set(shingles(text).tolist()) for text in texts]
    likeness_of = {
        (b, a): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in combinations(range(len(sets)), 2)
    }
    true = {pair: like for pair, like in likeness_of.items() if like >= ALIKE}
    assert len(true) > 50
    pairs = found(tmp_path, texts)
    for pair, like in pairs.items():
        assert abs(like - true[pair]) < 1e-12, "the exact similarity"
    # Every row that is like an earlier one is told, though not with each of them.
    expected = {row for row, _ in true}
    missed = expected - {row for row, _ in pairs}
    assert len(missed) <= 0.01 * len(expected)


def test_case_and_spaces_make_no_difference(tmp_path: Path) -> None:
    text = "The order arrived late, and the box was open when it came."
    texts = [normalised(text), normalised(f"  {text.upper()}\n"), normalised(text.replace(" ", "  "))]
    assert set(found(tmp_path, texts)) == {(1, 0), (2, 0)}


def test_texts_that_share_an_instruction_are_not_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    shared = " ".join(sentences(random, 120))
    texts = [normalised(f"{shared} {' '.join(sentences(random, 12))}") for _ in range(200)]
    assert jaccard(texts[0], texts[1]) > ALIKE
    assert found(tmp_path, texts) == {}
    texts[150] = texts[20] + b" indeed"
    assert set(found(tmp_path, texts)) == {(150, 20)}


def test_copies_do_not_count_for_what_is_common() -> None:
    random = np.random.default_rng(4)
    shared = " ".join(sentences(random, 20))
    texts = [normalised(f"{shared} {' '.join(sentences(random, 12))}") for _ in range(150)]
    odd = normalised(" ".join(sentences(random, 30)))
    common = common_shingles([*texts, odd])
    assert common.any()
    assert np.array_equal(common_shingles([*texts, *[odd] * 300]), common)


def test_a_sketch_does_not_depend_on_the_text_behind(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    texts = [normalised(" ".join(sentences(random, 10))) for _ in range(40)]
    for name, at_once in ("together", len(texts)), ("apart", 1):
        (tmp_path / name).mkdir()
        sketches = Sketches(tmp_path / name, len(texts), np.zeros(1 << 16, np.bool_))
        for first in range(0, len(texts), at_once):
            sketches.add(first, texts[first : first + at_once])
    for file in ("bands", "marks"):
        assert (tmp_path / "together" / file).read_bytes() == (tmp_path / "apart" / file).read_bytes()


def test_what_is_unlike_the_first_is_compared_among_itself(tmp_path: Path) -> None:
    sketches, apart, asked = Sketches(tmp_path, 4, np.zeros(1 << 16, np.bool_)), set[tuple[int, int]](), []
    for pair in sketches._candidates(np.full(4, 7, np.uint64), np.zeros(4, np.bool_), apart):
        asked.append(pair)
        apart.update({pair} & {(1, 0), (3, 0)})
    assert asked == [(1, 0), (2, 0), (3, 0), (3, 1)]


def test_what_is_too_short_is_like_nothing(tmp_path: Path) -> None:
    texts = [normalised(text) for text in ("", "yes", "yes", "a short one", "a short one!", "")]
    assert found(tmp_path, texts) == {}
    assert len(shingles(b"seven..")) == 0
    assert len(shingles(b"eight...")) == 1


def test_many_copies_cost_no_square(tmp_path: Path) -> None:
    text = " ".join(sentences(np.random.default_rng(3), 40))
    texts = [normalised(f"{text} {number:04d}") for number in range(3000)]
    compared = 0

    def text_at(row: int) -> bytes:
        nonlocal compared
        compared += 1
        return texts[row]

    sketches = Sketches(tmp_path, len(texts), np.zeros(1 << 16, np.bool_))
    sketches.add(0, texts)
    rows = {row for row, _, _ in sketches.pairs(text_at, np.zeros(len(texts), bool), lambda *at: None)}
    assert rows == set(range(1, 3000))
    assert compared < 10 * len(texts)


def test_rows_that_are_left_out_are_compared_with_none(tmp_path: Path) -> None:
    texts = [normalised("The order arrived late, and the box was open when it came.")] * 3
    sketches = Sketches(tmp_path, 3, common_shingles(texts))
    sketches.add(0, texts)
    pairs = sketches.pairs(texts.__getitem__, np.array([False, True, False]), lambda *at: None)
    assert [pair[:2] for pair in pairs] == [(2, 0)]


def test_sketches_have_their_room_from_the_beginning(tmp_path: Path) -> None:
    Sketches(tmp_path, 1000, np.zeros(1 << 16, np.bool_))
    for name, size in (("bands", 8 * likeness.BANDS * 1000), ("marks", likeness.BINS * 1000)):
        about = (tmp_path / name).stat()
        assert (about.st_size, about.st_blocks * 512 >= size) == (size, True)
