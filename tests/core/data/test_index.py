"""The index knows every row that parsing gives, can be read while it grows, and is never in the way."""

import csv
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core import cache
from studio.core.data import index, parsing, sources
from studio.core.data.index import Indexed, RowIndex
from studio.core.errors import StudioError

ROWS = [{"prompt": f"What\nis {i}?", "completion": f'It\'s "{i}", ü'} for i in range(50)]


def built(path: Path | str) -> RowIndex:
    return index.build(sources.find(path))


def write(path: Path) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("\n\n".join(json.dumps(row) for row in ROWS) + "\nbad\n", encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps([*ROWS, 3], indent=1), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif path.suffix == ".txt":
        path.write_text("one\n\ntwo\n\nthree")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(ROWS[0]))
            writer.writeheader()
            writer.writerows(ROWS)
            file.write("only one\n")
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a.txt"])
def test_an_index_gives_the_rows_that_parsing_gives(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    before = path.read_bytes()
    source = sources.find(path)
    known = index.build(source)
    wanted = [(row.line, row.data, row.reason) for part in source.parts for row in parsing.read(part)]
    assert known.complete
    assert len(known) == len(wanted)
    found = [known.row(number) for number in range(len(known))]
    assert [(row.parsed.line, row.parsed.data, row.parsed.reason) for row in found] == wanted
    assert [row.number for row in known.rows(1, 3)] == [1, 2]
    assert path.read_bytes() == before
    for number in (-1, len(known)):
        with pytest.raises(IndexError):
            known.row(number)


def test_an_index_spans_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"prompt,completion\nx,y\n"))
    known = built(tmp_path)
    assert len(known) == 52
    assert known.row(51).file == "b.csv.gz"
    assert known.row(51).parsed.data == {"prompt": "x", "completion": "y"}
    assert [part.name for part in known.parts] == ["a.jsonl", "b.csv.gz"]


def test_rows_can_be_read_while_the_index_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 200_000)
    source = sources.find(path)
    seen: list[int] = []

    def look(done: int, total: int) -> None:
        other = RowIndex(index.folder_of(source))
        assert not other.complete
        seen.append(len(other))
        assert other.row(len(other) - 1).parsed.data == {"text": "a"}
        assert (total, done <= total) == (path.stat().st_size, True)

    assert len(index.build(source, look)) == 200_000
    assert seen == sorted(seen)
    assert 0 < seen[0] < 30_000, "the first rows come at once"


def test_a_cancelled_index_stays_readable_and_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 200_000)
    source = sources.find(path)

    def cancel(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.build(source, cancel)
    part = RowIndex(index.folder_of(source))
    assert not part.complete
    assert part.row(0).parsed.data == {"text": "a"}
    assert len(index.build(source)) == 200_000
    assert part.complete


def test_a_file_that_changed_is_told_and_indexed_anew(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "a.jsonl")
    known = built(path)
    path.write_text('{"text": "new"}\n')
    with pytest.raises(StudioError, match="was changed since it was read"):
        known.row(0)
    assert built(path).row(0).parsed.data == {"text": "new"}
    assert len(list((home / "cache" / "index").glob("[!.]*"))) == 1, "the old index is gone"
    path.unlink()
    with pytest.raises(StudioError, match="cannot be read"):
        RowIndex(next((home / "cache" / "index").glob("[!.]*"))).row(0)
    with pytest.raises(StudioError, match="no index"):
        RowIndex(home)


def test_a_row_beyond_measure_is_known_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "' + b"x" * 5_000_000 + b'"}\n{"text": "b"}\n')
    known = built(path)
    assert [known.row(number).parsed.reason for number in range(3)] == ["", "larger than 1 MB", ""]
    assert known.row(2).parsed.line == 3


def test_another_process_makes_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    command = [sys.executable, "-m", "studio", "data", "index", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[-1] == {"complete": True, "rows": 51}
    known = RowIndex(Path(said[0]["index"]))
    assert known.complete
    assert known.row(50).parsed.reason == "columns in the header: 2; here: 1"


def test_indexes_that_nobody_opened_for_long_are_removed_but_not_those_in_use(tmp_path: Path, home: Path) -> None:
    known, folders = [], []
    for name in ("old", "opened", "shown", "building", "new"):
        (tmp_path / f"{name}.jsonl").write_text('{"x": 1}\n{"x": 2}\n', encoding="utf-8")
        source = sources.find(tmp_path / f"{name}.jsonl")
        if name != "new":
            known.append(index.build(source))
            folders.append(index.folder_of(source))
    long_ago = time.time() - cache.UNUSED_S - 100
    for folder in folders:
        os.utime(folder, (long_ago, long_ago))
    assert index.build(sources.find(tmp_path / "opened.jsonl")).complete
    known[2]._marked_s -= index._MARK_S + 1
    assert known[2].row(1).parsed.data == {"x": 2}
    with filelock.FileLock(folders[3].with_name(f".{folders[3].name}.lock")):
        index.build(sources.find(tmp_path / "new.jsonl"))
    assert [folder.exists() for folder in folders] == [False, True, True, True]
    assert known[2].row(0).parsed.data == {"x": 1}
    with pytest.raises(StudioError, match="was removed from the cache"):
        known[0].row(0)
    assert index.build(sources.find(tmp_path / "old.jsonl")).row(0).parsed.data == {"x": 1}


def test_an_index_that_a_full_disk_cut_short_is_never_taken_for_whole(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 60_000)
    source = sources.find(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A write that reaches the limit is cut short and succeeds; only the next one fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StudioError) as caught:
            index.build(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.reason == "disk"
    assert not RowIndex(index.folder_of(source)).complete
    assert len(index.build(source)) == 60_000


@pytest.mark.parametrize("head", ["größe,prompt", "größe;prompt"])
def test_a_header_in_another_encoding_is_told(tmp_path: Path, head: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{head}\n".encode("cp1252") + b"1,a\n")
    with pytest.raises(StudioError, match="is not UTF-8") as caught:
        built(path)
    assert caught.value.reason == "data"
    path.write_text(f"{head}\n1{head[5]}a\n", encoding="utf-8")
    assert built(path).row(0).parsed.data == {"größe": "1", "prompt": "a"}


def test_a_file_put_in_the_place_of_another_is_noticed_whatever_time_it_bears(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text('{"text": "a"}\n')
    known = built(path)
    about = path.stat()
    other.write_text('{"text": "b"}\n')
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    other.replace(path)
    with pytest.raises(StudioError, match="was changed since it was read"):
        known.row(0)
    part = known.parts[0]
    known.parts[0] = Indexed(part.name, part.path, part.modified, None, False)
    assert known.row(0).parsed.data == {"text": "b"}, "what is not known of a file does not tell it from another"
    assert built(path).row(0).parsed.data == {"text": "b"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "rows").write_bytes(b""),
        lambda folder: (folder / "rows").unlink(),
        lambda folder: os.truncate(folder / "0.jsonl", 20),
        lambda folder: (folder / "0.jsonl").unlink(),
        lambda folder: (folder / "about.json").unlink(),
        lambda folder: (folder / "about.json").write_bytes(b" " * (folder / "about.json").stat().st_size),
        lambda folder: (folder / "done").write_bytes(b""),
    ],
    ids=["rows empty", "rows gone", "copy cut", "copy gone", "about gone", "about blank", "sizes gone"],
)
def test_an_index_that_is_not_whole_any_more_is_made_again(tmp_path: Path, damage: Any) -> None:
    path = write(tmp_path / "a.json")
    known = built(path)
    wanted = [row.raw for row in known.rows(0, len(known))]
    damage(known.folder)
    again = built(path)
    assert again.complete
    assert [row.raw for row in again.rows(0, len(again))] == wanted


def test_what_is_removed_from_the_cache_while_it_is_read_is_told(tmp_path: Path) -> None:
    known = built(write(tmp_path / "a.json"))
    (known.folder / "0.jsonl").unlink()
    with pytest.raises(StudioError, match=r"What was read of a\.json was removed from the cache\. Open it again"):
        known.row(0)


def test_a_file_replaced_while_it_is_indexed_is_in_nobodys_way(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 200_000)
    source, others = sources.find(path), list[RowIndex]()

    def told(done: int, total: int) -> None:
        if not others:
            path.with_name("b").write_text('{"text": "b"}')
            path.with_name("b").replace(path)
            others.append(built(path))

    assert index.build(source, told).complete
    assert others[0].row(0).parsed.data == {"text": "b"}
    path.write_text('{"text": "c"}')
    built(path)
    kept = [item.name for item in (home / "cache" / "index").iterdir()]
    assert len(kept) == 2, "one index and its lock"


def test_a_row_of_a_file_that_is_none_is_damage() -> None:
    records = np.array([(0, 1, 1, 7), (0, 1, 1, -1)], dtype=index.RECORD)
    known = RowIndex.of("a", [Indexed("a", "", 0, None, False, b"x")], records)
    for number in (0, 1):
        with pytest.raises(StudioError, match="What was read of a is damaged in the cache"):
            known.row(number)
