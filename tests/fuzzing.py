"""Files damaged in every way, opened one after the other in a process of its own: what a parser dies of ends only it.

    python -m tests.fuzzing KIND SEED COUNT

Prints JSON: how many opened, were refused in words, and how many rows were taken and refused. Ends with an error where
a file is lost, a row is lost, a reason is missing, a case takes too long, or anything but a `StudioError` comes out.
"""

import csv
import gzip
import io
import json
import os
import random
import re
import signal
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from openpyxl import Workbook

from studio import paths
from studio.core import chat
from studio.core.data import index, sources
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.errors import StudioError

CASE_S = 20
KINDS = ("jsonl", "json", "csv", "tsv", "parquet", "arrow", "stream", "xlsx", "txt", "md", "gz", "zst", "zip")
_TOKENS = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b'"', b'""', b",", b"{", b"[" * 80, b"\\ud800"]
_TOKENS += [b"9" * 30, b"1e999", b"NaN", b"\\", b"\xed\xa0\x80", b"null", b"}{", b"\x1a", b"<", b"&lt;", b"\t"]


def real(kind: str) -> tuple[str, bytes]:
    """Returns the name and the content of a good file of a kind."""
    lines = (paths.resources() / "demo" / "support.jsonl").read_bytes().splitlines()[:12]
    rows = [json.loads(line)["messages"] for line in lines]
    pairs: list[dict[str, Any]] = [{"prompt": row[0]["content"], "completion": row[1]["content"]} for row in rows]
    table, out, text = pa.Table.from_pylist(pairs), io.BytesIO(), io.StringIO(newline="")
    if kind in ("csv", "tsv"):
        writer = csv.DictWriter(text, list(pairs[0]), delimiter="\t" if kind == "tsv" else ",")
        writer.writeheader()
        writer.writerows(pairs)
        return f"a.{kind}", text.getvalue().encode()
    jsonl = b"\n".join(lines)
    match kind:
        case "json":
            return "a.json", json.dumps(pairs, indent=1).encode()
        case "parquet":
            pq.write_table(table, out)
            return "a.parquet", out.getvalue()
        case "arrow" | "stream":
            new = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
            with new(out, table.schema) as sink:
                sink.write_table(table)
            return "a.arrow", out.getvalue()
        case "xlsx":
            book = Workbook()
            for cells in (list(pairs[0]), *(list(pair.values()) for pair in pairs)):
                book.worksheets[0].append(cells)
            book.save(out)
            return "a.xlsx", out.getvalue()
        case "txt" | "md":
            return f"a.{kind}", "\n\n# x\n".join(pair["completion"] for pair in pairs).encode()
        case "gz":
            return "a.jsonl.gz", gzip.compress(jsonl, mtime=0)
        case "zst":
            return "a.jsonl.zst", zstandard.compress(jsonl)
        case "zip":
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.jsonl", jsonl)
                archive.writestr("b.jsonl", jsonl)
            return "a.zip", out.getvalue()
    return "a.jsonl", jsonl


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Returns `data` with a few bytes changed, left out, put in or moved about."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 30))):
        at, size = chance.randrange(len(made) + 1), chance.choice((1, 1, 4, 50, 500))
        match chance.randrange(6):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del made[at : at + size]
            case 2:
                made[at:at] = chance.choice(_TOKENS)
            case 3:
                other = chance.randrange(len(made) + 1)
                made[at:at] = made[other : other + size]
            case 4:
                made[at : at + size] = chance.randbytes(size)
            case 5 if chance.random() < 0.3:
                del made[at:]
    return bytes(made)


def check(path: Path) -> tuple[int, int] | None:
    """Opens a file; returns how many of its rows are taken and refused, None where the whole file is."""
    before = path.read_bytes()
    try:
        dataset = open_dataset(path)
        known = index.build(sources.find(path))
    except StudioError as error:
        if not (error.message and error.hint):
            raise AssertionError("a failure without words") from error
        return None
    finally:
        assert path.read_bytes() == before, "the source was written to"
    taken = [dataset[at].number for at in range(len(dataset))]
    assert sorted([*taken, *(item.row for item in dataset.rejected)]) == list(range(dataset.rows)), "a row was lost"
    assert all(item.reason for item in dataset.rejected), "a reason is missing"
    assert len(known) == dataset.rows, "the index has other rows"
    assert all((known.row(item.row).parsed.line == item.line) for item in dataset.rejected)
    if path.suffix == ".jsonl":
        check_lines(before, dataset)
    return len(dataset), len(dataset.rejected)


def check_lines(data: bytes, dataset: Dataset) -> None:
    """Compares with what plain Python makes of each line of JSONL."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or re.fullmatch(rb"(\0[^\0]\0[^\0]|[^\0]\0[^\0]\0).*", data, re.DOTALL):
        return
    taken = {dataset[at].line: dataset[at].data for at in range(len(dataset))}
    for number, line in enumerate(re.split(rb"\r\n|\r|\n", data), start=1):
        try:
            row = json.loads(line.decode())
        except ValueError:
            assert number not in taken, line
            continue
        usable = isinstance(row, dict) and not chat.fault(row, dataset.format) and b"[" * 60 not in line
        assert repr(taken.get(number)) == repr(row) if usable else number not in taken or b"[[" in line, line


def stop(_signal: int, _frame: Any) -> None:
    raise AssertionError(f"a case took more than {CASE_S} s")


def main(kind: str, seed: int, count: int) -> None:
    """Opens `count` damaged files of a kind and prints what came of it."""
    name, data = real(kind)
    totals = {"opened": 0, "refused": 0, "rows": 0, "rejected": 0}
    arm: Callable[[int], Any] = getattr(signal, "alarm", lambda _seconds: None)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, stop)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STUDIO_HOME"] = f"{folder}/home"
        for case in range(count):
            path = Path(folder) / name
            path.write_bytes(damaged(data, random.Random(f"{kind} {seed} {case}")))
            arm(CASE_S)
            try:
                found = check(path) if path.stat().st_size else None
            except BaseException:
                print(f"case {kind} {seed} {case}", file=sys.stderr)
                raise
            finally:
                arm(0)
            totals["opened" if found else "refused"] += 1
            totals["rows"] += found[0] if found else 0
            totals["rejected"] += found[1] if found else 0
    print(json.dumps(totals))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
