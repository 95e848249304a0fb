"""Files of every kind open as rows; every bad row is listed with line and reason, every bad file has a sentence."""

import csv
import json
import os
import shutil
import stat
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio import paths
from studio.core import cache
from studio.core.data import convert, index, json_files, parsing
from studio.core.data.datasets import Dataset, Rejected, Row, open_dataset
from studio.core.data.rows import Parsed
from studio.core.data.sources import find
from studio.core.errors import StudioError
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source

ROWS = [{"prompt": f"What is {i}?", "completion": f"It is {i} ü\n日本."} for i in range(5)]


def jsonl(path: Path, *lines: Any) -> Path:
    """Writes one line each: bytes as they are, anything else as JSON."""
    path.write_bytes(b"".join((x if isinstance(x, bytes) else json.dumps(x).encode()) + b"\n" for x in lines))
    return path


def data_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [dataset[index].data for index in range(len(dataset))]


def read(path: Path) -> Iterator[Parsed]:
    """Yields the rows of one file, as they are parsed."""
    (part,) = find(path).parts
    return parsing.read(part)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Writes rows as the kind of file that the name says."""
    if path.suffix in (".jsonl", ".ndjson"):
        jsonl(path, *rows)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "ü — 漢 'q'.NDJSON", "a.json", "a.csv", "a.tsv", "a.parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name.lower(), ROWS).rename(tmp_path / name)
    before = path.read_bytes()
    dataset = open_dataset(path)
    assert (dataset.format, dataset.rows, dataset.rejected) == ("prompt_completion", 5, [])
    assert dataset.reason == "the first rows have `prompt` and `completion`"
    assert data_of(dataset) == ROWS
    assert [dataset[index].number for index in range(5)] == list(range(5))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_bad_lines_are_listed_and_the_others_kept(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl",
        {"text": "first"},
        b'{"text": "torn',
        b"",
        b'["a", "list"]',
        b'{"text": "nul \x00"}',
        b'{"text": "\xff"}',
        {"text": "x" * 1_000_001},
        {"text": "deep", "more": json.loads("[" * 64 + "]" * 64)},
        b'{"text": "deeper", "more": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        {"text": ""},
        {"text": 1},
        {"other": "x"},
        b'{"text": "NaN is fine", "score": NaN, "big": 1e999}\r',
        b'{"text": "number", "n": ' + b"9" * 5000 + b"}",
        b'{"text": "\\ud800"}',
    )
    dataset = open_dataset(path)
    assert [row["text"] for row in data_of(dataset)] == ["first", "NaN is fine"]
    assert [(dataset[i].number, dataset[i].line) for i in range(2)] == [(0, 1), (11, 13)]
    assert dataset.rows == 14
    assert dataset.rejected == [
        Rejected(1, 2, "not JSON: Unterminated string starting at (character 10)"),
        Rejected(2, 4, "not an object"),
        Rejected(3, 5, "holds NUL bytes"),
        Rejected(4, 6, "not UTF-8 text (byte 11 of the line)"),
        Rejected(5, 7, "larger than 1 MB"),
        Rejected(6, 8, "nested deeper than 64"),
        Rejected(7, 9, "nested deeper than 64"),
        Rejected(8, 10, "`text` is empty"),
        Rejected(9, 11, "`text` is not text but a number"),
        Rejected(10, 12, "`text` is missing"),
        Rejected(12, 14, "holds a number of more than 4300 digits"),
        Rejected(13, 15, "`text` holds half of a surrogate pair, which is not a character"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv"])
def test_byte_order_marks(tmp_path: Path, encoding: str, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", ROWS)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert data_of(open_dataset(path)) == ROWS


def test_a_long_line_in_utf_16_costs_only_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes("\n".join(['{"text": "a"}', "x" * 3_000_000, '{"text": "b"}']).encode("utf-16"))
    dataset = open_dataset(path)
    assert [row["text"] for row in data_of(dataset)] == ["a", "b"]
    assert dataset.rejected == [Rejected(1, 2, "larger than 1 MB")]


@settings(max_examples=50)
@given(rows=st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.none() | st.floats(), max_size=3)))
def test_what_json_can_say_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    wanted = [{"text": "a"}, *(row | {"text": "b"} for row in rows)]
    for path in (jsonl(folder / "a.jsonl", *wanted), write(folder / "a.json", wanted)):
        assert repr(data_of(open_dataset(path))) == repr(wanted)


def test_a_json_array_gives_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[\n {"text": "a"},\n 3,\n\n {"text":\n "b"}\n]\n', encoding="utf-8")
    dataset = open_dataset(path)
    assert [dataset[index] for index in range(2)] == [Row(0, 2, {"text": "a"}), Row(2, 5, {"text": "b"})]
    assert dataset.rejected == [Rejected(1, 3, "not an object")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"data": [{"text": "a"}, {"text": "b"}], "version": 1}', 2),
        ('{"text": "a"}', 1),
        ('{\n "text": "a"\n}', 1),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', 1),
        ('{"text": "a"}\n{"text": "b"}\n', 2),
        ('\n{"text": "a"}\nnonsense\n', 1),
    ],
)
def test_other_shapes_of_json(tmp_path: Path, text: str, count: int) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    assert len(open_dataset(path)) == count


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [
        "Prompt;Completion;Note",
        '"one;\n""two""";yes;',
        "",
        "three;no",
        "four;yes;a;b",
        ";;",
        "five;\0;",
        "six;ok;",
    ]
    path.write_bytes("\r\n".join(lines).encode() + b"\r\nsev\xffen;ok;\r\n")
    dataset = open_dataset(path)
    assert [(row["Prompt"], row["Completion"]) for row in data_of(dataset)] == [('one;\n"two"', "yes"), ("six", "ok")]
    assert [dataset[index].line for index in range(2)] == [2, 9]
    assert [(item.line, item.reason) for item in dataset.rejected] == [
        (5, "columns in the header: 3; here: 2"),
        (6, "columns in the header: 3; here: 4"),
        (7, "`completion` is empty"),
        (8, "holds NUL bytes"),
        (10, "not UTF-8 text"),
    ]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\ngood\n"open\n' + "word word word\n" * 100_000 + "last\n", encoding="utf-8")
    dataset = open_dataset(path)
    assert dataset[0].data == {"text": "good"}
    assert dataset.rejected[0].line == 3
    assert "a quote in it is never closed" in dataset.rejected[0].reason
    assert dataset[len(dataset) - 1].data == {"text": "last"}


@pytest.mark.parametrize(("row", "reason"), [('c,"never', "quote"), ('"never', "quote"), ('c,5" pipe', "")])
def test_a_row_that_ends_within_quotes_is_refused(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"prompt,completion\na,b\n{row}\nd,e\nf,g\n")
    dataset = open_dataset(path)
    if reason:
        assert (len(dataset), dataset[0].data) == (1, {"prompt": "a", "completion": "b"})
        assert [item.line for item in dataset.rejected] == [3]
        assert "a quote in it is never closed, so that all lines behind it" in dataset.rejected[0].reason
    else:
        assert (len(dataset), dataset[1].data) == (4, {"prompt": "c", "completion": '5" pipe'})


def test_names_of_columns_have_no_space_around_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt , completion\na, b\n")
    assert open_dataset(path)[0].data == {"prompt": "a", "completion": " b"}


def test_messages_in_csv_and_parquet(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for path, value in ((tmp_path / "a.csv", json.dumps(messages)), (tmp_path / "a.parquet", messages)):
        dataset = open_dataset(write(path, [{"messages": value}]))
        assert (dataset.format, len(dataset)) == ("messages", 1)


def test_parquet_with_values_json_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    good = {"text": "a", "day": date(2020, 1, 2), "raw": b"\xff"}
    pq.write_table(pa.Table.from_pylist([good, {"text": None}, {"text": "x" * 1_000_001}, {"text": "b"}]), path)
    dataset = open_dataset(path)
    assert dataset[0].data == {"text": "a", "day": "2020-01-02", "raw": {"bytes": 1}}
    assert dataset.rejected == [Rejected(1, 0, "`text` is missing"), Rejected(2, 0, "larger than 1 MB")]
    pq.write_table(pa.table({"text": pa.array([b"a", b"\xff", b"c"])}).cast(pa.schema([("text", pa.binary())])), path)
    assert len(open_dataset(path, "text")) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", None, "There is no file"),
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b"\n \n", "holds no rows"),
        ("a.jsonl", b"hello\nworld\n", "can be read (line 1: not JSON"),
        ("a.jsonl", b"hello\n", "The only row of a.jsonl cannot be read (line 1: not JSON"),
        ("a.jsonl", b'{"from": 1, "value": 2}\n', "its columns are `from`, `value`"),
        ("a.jsonl", b"{}\n", "its columns are none"),
        ("a.json", b"[]", "holds no rows"),
        ("a.json", b'{"a": 1}', "neither an array of objects nor"),
        ("a.json", b"3", "neither an array of objects nor"),
        ("a.json", b'[{"text": "a"}, nonsense]', "is not JSON: Expecting value (line 1, character 17 of the file)"),
        ("a.json", b'[{"text": "a"} {"text": "b"}]', "is not JSON: expected a comma"),
        ("a.json", b'[{"text": "a"}', "is not JSON"),
        ("a.json", b'[{"text": "a"}] x', "is not JSON: more text"),
        ("a.json", b"[" * 200_000, "nested too deeply"),
        ("a.json", b'[{"text": "\xff"}]', "not UTF-8 or UTF-16"),
        ("a.csv", b"text\n", "holds no rows"),
        ("a.csv", b"a,a\n1,2\n", "names the column `a` more than once"),
        ("a.csv", b"colour,weight\n1,2\n", "its columns are `colour`, `weight`"),
        ("a.parquet", b"PAR1 not really PAR1", "is not a readable Parquet file"),
        ("a.xlsx", b"PK", "is not a readable XLSX workbook"),
        ("a.arrow", b"ARROW1\0\0 not really", "is not a readable Arrow file"),
        ("a.jsonl.gz", b"not gzip", "is damaged"),
        ("a.jsonl.zst", b"not zstd", "is damaged"),
        ("a.zip", b"PK not a zip", "is damaged"),
        ("a.pdf", b"%PDF", "of a kind that cannot be read (`.pdf`)"),
        ("a.pdf.gz", b"%PDF", "of a kind that cannot be read (`.pdf`)"),
        ("a.jsonl", b"\xff\xfe\0\0a\0\0\0", "is UTF-32 text"),
        ("a.jsonl", b"\xff\xfea\0b", "does not go on so"),
        ("data", b"x", "of a kind that cannot be read (`no ending`)"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(
    tmp_path: Path, home: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudioError) as caught:
        open_dataset(path)
    assert caught.value.reason == "data"
    assert message in caught.value.message
    assert caught.value.hint
    assert not [path for path in (home / "cache" / "datasets").glob("*") if path.suffix != ".lock"]


def test_text_in_another_encoding_is_told_how_to_become_data(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("question,answer\nGröße,café\n".encode("cp1252"))
    with pytest.raises(StudioError) as caught:
        open_dataset(path)
    assert "not UTF-8" in caught.value.message
    assert "save it in the encoding UTF-8" in caught.value.hint


def test_folders_and_files_one_may_not_read(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="holds no data file"):
        open_dataset(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jsonl")
        with pytest.raises(StudioError, match="is not a file"):
            open_dataset(tmp_path / "pipe.jsonl")
    path = jsonl(tmp_path / "a.jsonl", {"text": "a"})
    path.chmod(0)
    if not os.access(path, os.R_OK):
        with pytest.raises(StudioError, match="cannot be read"):
            open_dataset(path)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_json_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "MAX_JSON_BYTES", 10)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": ROWS}))
    with pytest.raises(StudioError, match=r"as an array.* or as JSONL"):
        open_dataset(path)
    path.write_text(json.dumps(ROWS))
    assert len(open_dataset(path)) == len(ROWS)


@pytest.mark.parametrize("window", [1, 2, 7, 64])
def test_a_json_array_is_the_same_through_any_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(json_files, "_WINDOW", window)
    path = tmp_path / "a.json"
    path.write_text(' \n[ {"text": "a, [] \\n"} ,\n\n 123, {"text":\n "ü \\ud83d\\ude00"},{"text": ""}, 4.5e+6 ]\n ')
    assert [(row.line, row.data, row.reason) for row in read(path)] == [
        (2, {"text": "a, [] \n"}, ""),
        (4, None, "not an object"),
        (4, {"text": "ü 😀"}, ""),
        (5, {"text": ""}, ""),
        (5, None, "not an object"),
    ]
    for broken, where in (("[1,\n 2 3]", "line 2, character 8 "), ("[1,\n tru]", "line 2, character 6 ")):
        path.write_text(broken)
        with pytest.raises(StudioError, match=where):
            list(read(path))


def test_a_json_array_is_never_whole_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"text": "x" * 1000}] * 20_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(path)) == 20_000
        # The two first lines are looked at, up to the size of a row, to see whether it is JSONL.
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_row_too_long_for_the_window_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "_WINDOW", 100)
    monkeypatch.setattr(json_files, "MAX_WINDOW", 1000)
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"text": "a"}, {"text": "x" * 100_000}]))
    with pytest.raises(StudioError, match=r"is not JSON: Unterminated string .*character 26 of"):
        list(read(path))


def test_half_a_surrogate_in_a_wrapped_array_refuses_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"data": [{"text": "\\ud800"}, {"text": "b"}]}')
    assert open_dataset(path).rejected == [
        Rejected(0, 0, "`text` holds half of a surrogate pair, which is not a character")
    ]


def test_a_chosen_format_overrides_detection(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"prompt": "a", "completion": "b", "text": "c"}, {"text": "d"})
    chosen = open_dataset(path, "text")
    assert (chosen.format, chosen.reason, len(chosen)) == ("text", "chosen", 2)
    assert chosen.fingerprint != open_dataset(path).fingerprint
    assert len(open_dataset(path, "alpaca")) == 0


def test_the_second_opening_reads_the_cache_and_a_changed_file_is_read_again(tmp_path: Path, home: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *[{"text": "a"}] * 3000)
    seen: list[tuple[int, int]] = []
    first = open_dataset(path, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    seen.clear()
    again = open_dataset(path, on_progress=lambda done, total: seen.append((done, total)))
    assert (again, seen) == (first, [])
    copy = tmp_path / "copy.jsonl"
    shutil.copy(path, copy)
    assert open_dataset(copy).fingerprint == first.fingerprint
    with path.open("a", encoding="utf-8") as file:
        file.write('{"text": "b"}\n')
    changed = open_dataset(path)
    assert changed.rows == 3001
    assert changed.fingerprint != first.fingerprint
    assert len(list((home / "cache" / "datasets").glob("[!.]*"))) == 2


@pytest.mark.parametrize("damage", ["cut", "about", "missing"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, damage: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", *ROWS)
    open_dataset(path)
    (rows,) = (paths.cache_dir() / "datasets").glob("*/rows.arrow")
    if damage == "cut":
        os.truncate(rows, rows.stat().st_size // 2)
    elif damage == "about":
        (rows.parent / "about.json").write_text("{", encoding="utf-8")
    else:
        rows.unlink()
    assert data_of(open_dataset(path)) == ROWS


def test_several_may_open_the_same_file_at_once(tmp_path: Path, home: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *[{"text": str(i)} for i in range(2000)])
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_dataset(path), range(16)))
    assert {len(dataset) for dataset in opened} == {2000}
    assert len(list((home / "cache" / "datasets").glob("[!.]*"))) == 1


def test_a_row_is_found_by_its_number_in_the_file(tmp_path: Path) -> None:
    dataset = open_dataset(jsonl(tmp_path / "a.jsonl", {"text": "a"}, b"bad", {"text": "c"}))
    assert dataset.find(2) == Row(2, 3, {"text": "c"})
    with pytest.raises(StudioError, match=r"Row 1 \(line 2\) of a.jsonl was rejected: not JSON"):
        dataset.find(1)
    for number in (-1, 3):
        with pytest.raises(StudioError, match="it has rows 0 to 2"):
            dataset.find(number)
    with pytest.raises(IndexError):
        dataset[2]


@pytest.mark.parametrize("path", ["~nosuchuser/x.jsonl", "a\0b", "x" * 300])
def test_a_path_no_file_can_have_is_said(path: str) -> None:
    with pytest.raises(StudioError, match="cannot be opened"):
        open_dataset(path)


def large(path: Path, text: str) -> Path:
    """Writes a short row and one of a text, in the kind that the name says."""
    found = [{"prompt": "q", "completion": "a"}, {"prompt": text, "completion": "a"}]
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    else:
        write(path, found)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
@pytest.mark.parametrize("text", ["汉" * 333_320, "汉" * 333_340, "汉" * 400_000, "line\n" * 180_000])
def test_a_row_has_one_measure_in_every_kind_of_file(tmp_path: Path, name: str, text: str) -> None:
    source = find(large(tmp_path / name, text))
    reason = "" if text == "汉" * 333_320 else "larger than 1 MB"
    dataset = open_dataset(source.path)
    assert [item.reason[: len(reason)] for item in dataset.rejected] == [reason] * bool(reason)
    assert index.build(source).row(1).parsed.reason.startswith(reason)
    assert convert.convert(source, tmp_path / "out.jsonl").rows == len(dataset) == 1 + (not reason)
    assert len(open_dataset(tmp_path / "out.jsonl")) == len(dataset)
    version = versions.create("v", [Source(path=str(source.path))])
    assert len(open_dataset(version)) == len(dataset)


def test_what_was_made_of_rows_that_are_now_refused_is_not_taken_for_these(tmp_path: Path) -> None:
    lined, listed = (large(tmp_path / name, "汉" * 400_000) for name in ("a.jsonl", "a.json"))
    assert open_dataset(lined).fingerprint == cache.digest("prompt_completion", cache.sha256(lined))
    assert open_dataset(listed).fingerprint != cache.digest("prompt_completion", cache.sha256(listed))
    # Those that are as they were are known by the same fingerprint.
    for text in ("short", "a" * 1_200_000):
        same = large(tmp_path / "b.json", text)
        assert open_dataset(same).fingerprint == cache.digest("prompt_completion", cache.sha256(same))


def test_a_file_put_in_the_place_of_another_is_read_whatever_time_it_bears(tmp_path: Path) -> None:
    path, other = jsonl(tmp_path / "a.jsonl", {"text": "a"}), jsonl(tmp_path / "b.jsonl", {"text": "b"})
    assert open_dataset(path)[0].data == {"text": "a"}
    about = path.stat()
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert open_dataset(path)[0].data == {"text": "b"}


def test_a_damaged_number_of_a_file_or_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        jsonl(tmp_path / "two" / name, *ROWS)
    dataset = open_dataset(tmp_path / "two")
    begin = pa.py_buffer(dataset.mapped).address
    part, text = (dataset.table.column(name).chunks[0].buffers()[-1].address - begin for name in ("part", "row"))
    with dataset.kept.open("rb+") as file:
        for place, content in ((part + 4, b"\xff\x00\x00\x00"), (text, b"[")):
            file.seek(place)
            file.write(content)
    again = open_dataset(tmp_path / "two")
    assert again[2].data == ROWS[2]
    for place in (0, 1):
        with pytest.raises(StudioError, match=r"What was read of two is damaged in the cache\. Remove .*cache"):
            again[place]
