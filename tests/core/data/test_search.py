"""What is searched for is found in every row that holds it and in no other, as a slow look at all values says."""

import csv
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.data import expressions, index, search, sources, stretches
from studio.core.data.search import Query
from studio.core.data.values import ROW, VALUE, Laid, stops
from studio.core.errors import StudioError


def built(path: Path, rows: list[dict[str, Any]], ascii_only: bool = True) -> index.RowIndex:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), encoding="utf-8")
    return index.build(sources.find(path))


def found(known: index.RowIndex, **query: Any) -> list[int]:
    batches = list(search.search(known, Query(**query)))
    assert batches[-1].done == len(known)
    return [int(number) for batch in batches for number in batch.rows]


ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "Grüße, Welt"}, {"role": "assistant", "content": "Hello\nworld"}]},
    {"messages": [{"role": "system", "content": 'say "role": "tool"'}, {"role": "assistant", "content": "a/b"}]},
    {"messages": [{"from": "human", "value": "nworld \\d"}, {"from": "observation", "value": "12"}], "score": 17},
]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"text": "HELLO"}, [0]),
        ({"text": "grüße"}, [0]),
        ({"text": "GRÜSSE"}, [0]),
        ({"text": "nworld"}, [2]),
        ({"text": "\nworld"}, [0]),
        ({"text": "content"}, []),
        ({"text": "role"}, [1]),
        ({"text": '"role": "'}, [1]),
        ({"text": ", "}, [0]),
        ({"text": "/"}, [1]),
        ({"text": "\\d"}, [2]),
        ({"text": "17"}, [2]),
        ({"text": "00fc"}, []),
        ({"text": "user"}, [0]),
        ({"text": r"^H.*\nw", "expression": True}, [0]),
        ({"text": r"^\d+$", "expression": True}, [2]),
        ({"text": r"[Ww]el?t?", "expression": True}, [0]),
        ({"text": r"worlds?\b", "expression": True}, [0, 2]),
        ({"role": "tool"}, [2]),
        ({"role": "user"}, [0, 2]),
        ({"role": "assistant"}, [0, 1]),
        ({"role": "assistant", "text": "world"}, [0]),
        ({"rows": np.array([1, 2])}, [1, 2]),
        ({"rows": np.array([1, 99]), "text": "l"}, [1]),
        ({"file": "A.JS"}, [0, 1, 2]),
        ({"file": "other"}, []),
        ({}, [0, 1, 2]),
    ],
)
def test_rows_are_found_by_what_they_say(
    tmp_path: Path, ascii_only: bool, query: dict[str, Any], wanted: list[int]
) -> None:
    assert found(built(tmp_path / "a.jsonl", ROWS, ascii_only), **query) == wanted


@settings(max_examples=70)
@given(
    texts=st.lists(st.text(alphabet='abBtextuü0"\\/,:; \n{', max_size=10), min_size=1, max_size=6),
    wanted=st.text(alphabet='abtexuü0"\\/,:\n{', min_size=1, max_size=3),
    ending=st.sampled_from([".jsonl", ".csv"]),
)
def test_a_text_is_found_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], wanted: str, ending: str
) -> None:
    known = built(tmp_path_factory.mktemp("rows") / f"a{ending}", [{"text": text, "x": "y"} for text in texts])
    assert found(known, text=wanted) == [at for at, text in enumerate(texts) if wanted.casefold() in text.casefold()]


SIGNS = st.text(alphabet='abBtTsSnul01ß\u017f\u212aéÉ你😀"\\/,:; \n\t{}[]\x1e\x1f-.', max_size=8)
VALUES = st.recursive(
    SIGNS | st.integers(-20, 2000) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SIGNS, inner, max_size=3),
    max_leaves=6,
)
EXPRESSIONS = [r"^a", r"[01]$", r"\Aa|b\Z", r"a.*b", r"[^a]b", r"\bs", r"(t|T)\1", r"\d+", r"b?", r"^$", r"\s", r"\.0"]
EXPRESSIONS += [
    r"(?i)B[tn]",
    r"a(?=b)",
    r"(?<!a)b",
    r"\D\W",
    r"tr?ue",
    r"\u4f60",
    r"n{1,2}",
    r"a++b",
    r"[\x1e\x1f]",
    r"$",
    r"a[^s]*b",
    r"[\s\S]b",
    r"[\t- ]",
    r"\036",
    r"[\036]a",
    r"[^]a]b",
    r"\p{Cc}",
    r"\P{L}+b",
    r"\x1f|\u001e",
    r"s(?!.)",
    r"(?<=^|a)b",
    r"(?<!^)\S$",
    r"(?>a+)b",
    r"^*a",
    r"(?i:B)\W",
    r"(?P<x>a)?(?(x)a|b)s",
    r"[^-a]b",
    r"[^-]",
    r"(?!$)",
    r"(?!^)",
    r"(?<!^)",
]
EXPRESSIONS += ["\x1f", r"\Bs", r"[[:alpha:]]s", r"a\Z|\n$", r"(?P<x>a)(?P=x)", r"b{,1}s", "(?x)a#b", r"0*1", "b{1}s"]
EXPRESSIONS += [
    r"\w+\s\S",
    r"[\s,]b",
    r"[^\s]s",
    r"[\S]0",
    r"(?i)[st]\b",
    r"(?:a|bs)+t",
    r"\bt.*?s\b",
    r"a{2,}",
    r"s{,2}t",
]
EXPRESSIONS += [
    r"\B",
    r"\B\w",
    r"[\w-]t",
    r"[\d\W]s",
    r"(?i:S)t",
    r"[0-9]{1,3}",
    r"(a)|(?:b)",
    r"é",
    r"[^a-t]0",
    r"\v|\f|\r",
]


def as_text(value: Any) -> list[str]:
    """Returns all values within a value as texts, in the plainest way."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [text for item in inner for text in as_text(item)]
    return [] if value is None else [value if isinstance(value, str) else json.dumps(value)]


def written(row: dict[str, Any], how: int) -> str:
    """Returns a row as JSON, in one of the ways in which programs write it."""
    text = json.dumps(row, ensure_ascii=how % 2 == 0, separators=(",", ":") if how == 3 else None)
    if how == 2:
        text = text.replace("S", "\\u0053").replace("B", "\\u0042").replace("/", "\\/").replace(": ", " : ")
    return text


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.dictionaries(SIGNS, VALUES, max_size=3), st.integers(0, 3)), min_size=1, max_size=8),
    text=st.text(alphabet='abBtsSnul01ß\u017fkéÉ你😀"\\/,: \n{\x1f-.', min_size=1, max_size=3),
    expression=st.sampled_from(EXPRESSIONS),
    chunk=st.sampled_from([1, 40, 1000]),
)
def test_every_row_is_found_that_a_slow_look_finds(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[dict[str, Any], int]],
    text: str,
    expression: str,
    chunk: int,
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    lines = [written(row, how) for row, how in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    known = index.build(sources.find(path))
    # Other ways of writing change texts as well: blanks around a colon in one are its own.
    said = [as_text(json.loads(line)) for line in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "_CHUNK", chunk)
        holding = [at for at, texts in enumerate(said) if any(text.casefold() in item.casefold() for item in texts)]
        assert found(known, text=text) == holding
        pattern = regex.compile(expression)
        holding = [at for at, texts in enumerate(said) if any(pattern.search(item) for item in texts)]
        assert found(known, text=expression, expression=True) == holding


@settings(max_examples=70)
@given(
    rows=st.lists(st.tuples(SIGNS, SIGNS), min_size=1, max_size=6),
    text=st.text(alphabet='abs01ß"\\,; \n\x1f', min_size=1, max_size=3),
    expression=st.sampled_from(EXPRESSIONS),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_row_of_a_table_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    text: str,
    expression: str,
    quoting: Literal[0, 1],
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting).writerows([("x", "y"), *rows])
    known = index.build(sources.find(path))
    holding = [at for at, cells in enumerate(rows) if any(text.casefold() in cell.casefold() for cell in cells)]
    assert found(known, text=text) == holding
    pattern = regex.compile(expression)
    holding = [at for at, cells in enumerate(rows) if any(pattern.search(cell) for cell in cells)]
    assert found(known, text=expression, expression=True) == holding


@pytest.mark.parametrize("ascii_only", [True, False])
def test_signs_beyond_sixteen_bits_and_those_that_fold_to_ascii_are_found(tmp_path: Path, ascii_only: bool) -> None:
    texts = ["a \U0001f600", "\U0001f601", "stra\u00dfe", "\u212aelvin", "\U00010400"]
    known = built(tmp_path / "a.jsonl", [{"x": text} for text in texts], ascii_only)
    wanted = ["\U0001f600", "STRASSE", "kel", "\U00010428", "\U0001f602"]
    assert [found(known, text=text) for text in wanted] == [[0], [2], [3], [4], []]


def test_rows_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'word\n["word"]\n{"x": "word"\n{"x": "\xff"}\n{"x": "word"}\n"word"\n')
    known = index.build(sources.find(tmp_path / "a.jsonl"))
    assert 4 in found(known, text="word")
    assert not {0, 1, 5} & set(found(known, text="word"))
    assert 4 in found(known, text="wo.d", expression=True)


def test_lengths_files_and_many_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "_CHUNK", 100)
    for name in ("a", "b"):
        rows = [{"text": f"{name}{number}" * (number + 1)} for number in range(20)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    known = index.build(sources.find(tmp_path))
    assert found(known, text="b19") == [39]
    assert found(known, file="b.", text="1") == [21, *range(30, 40)]
    assert found(known, min_bytes=60) == [number for number in range(40) if len(known.row(number).raw) >= 60]
    assert found(known, max_bytes=20) == [number for number in range(40) if len(known.row(number).raw) <= 20]
    batches = list(search.search(known, Query(text="a1")))
    assert len(batches) > 5
    assert [batch.done for batch in batches] == sorted(batch.done for batch in batches)


def test_an_expression_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "_ROW_S", 0.05)
    known = built(tmp_path / "a.jsonl", [{"text": "a" * 5000 + "b"}])
    with pytest.raises(StudioError, match="did not come to an end for row 0"):
        found(known, text=r"(a+a+)+$", expression=True)


def test_an_expression_of_a_regular_language_comes_to_an_end(tmp_path: Path) -> None:
    known = built(tmp_path / "a.jsonl", [{"text": "a" * 5000 + "c"}, {"text": "aab"}])
    assert found(known, text=r"(a+a+)+b", expression=True) == [1]


def laid_out(text: str) -> Laid:
    ends = stops(text.encode())
    return Laid(text.encode(), ends, np.zeros(len(ends), dtype=np.bool_))


@pytest.mark.parametrize("text", ["a.*b", r"a[^b]*b", r"a[\s\S]*b", r"a(?=.*b)", r"a\D+b"])
def test_an_expression_never_looks_from_a_value_into_others(text: str) -> None:
    laid = ("a " * 20 + chr(VALUE) + "b" + chr(VALUE) + chr(ROW)) * 500
    fits = expressions.Expression(text).look(laid_out(laid))
    assert fits is not None
    assert not fits.any()


@pytest.mark.parametrize(("text", "wanted"), [("[^-a]", [1, 3]), ("(?!$)", [1, 2, 3]), ("(?!^)", [1, 2, 3])])
def test_sets_with_hyphens_and_finds_without_letters_see_no_edge(text: str, wanted: list[int]) -> None:
    laid = "".join(value + chr(VALUE) + chr(ROW) for value in ("", "X", "a-", "0a", ""))
    fits = expressions.Expression(text).look(laid_out(laid))
    assert fits is not None
    assert np.flatnonzero(fits).tolist() == wanted


@pytest.mark.parametrize("text", ["(", "a" * 2000, "(?P<x", "a{99999999999}"])
def test_what_is_no_expression_is_said(tmp_path: Path, text: str) -> None:
    known = built(tmp_path / "a.jsonl", [{"text": "a"}])
    with pytest.raises(StudioError, match="is not a regular expression") as caught:
        found(known, text=text, expression=True)
    assert caught.value.reason == "usage"
