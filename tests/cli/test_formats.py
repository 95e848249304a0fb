"""The commands do the same with every kind of file that the page opens."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from openpyxl import Workbook

from studio.cli import run
from tests.models import bare_model

ROWS = [{"prompt": f"What is {number}, ü?", "completion": f"It is {number} and no more."} for number in range(6)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def _jsonl(path: Path) -> Path:
    path.with_suffix(".jsonl").write_bytes(LINES)
    return path.with_suffix(".jsonl")


def _gz(path: Path) -> Path:
    path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(LINES))
    return path.with_suffix(".jsonl.gz")


def _zst(path: Path) -> Path:
    path.with_suffix(".jsonl.zst").write_bytes(zstandard.compress(LINES))
    return path.with_suffix(".jsonl.zst")


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside/rows.jsonl", LINES)
    return path.with_suffix(".zip")


def _xlsx(path: Path) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (list(ROWS[0]), *(list(row.values()) for row in ROWS)):
        sheet.append(row)
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


def _saved(path: Path) -> Path:
    path.mkdir()
    table = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_stream(path / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table)
    (path / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}', encoding="utf-8")
    (path / "dataset_info.json").write_text("{}", encoding="utf-8")
    return path


KINDS = [_jsonl, _gz, _zst, _zip, _xlsx, _saved]


def answer(capsys: pytest.CaptureFixture[str], *arguments: Any) -> Any:
    """Runs a command with `--json`; returns what it printed last."""
    assert run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer, which is all that these commands need of a model."""
    return bare_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__[1:])
def test_every_command_takes_every_kind_of_file(
    make: Callable[[Path], Path], tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = make(tmp_path / "a")
    checked = answer(capsys, "data", "check", file, "--model", model)
    assert (checked["format"], checked["rows"], checked["valid"]) == ("prompt_completion", 6, 6)
    tokens = answer(capsys, "data", "tokens", file, "--row", 3, "--model", model)["tokens"]
    assert "no more" in "".join(token["text"] for token in tokens if token["trained"])
    audited = answer(capsys, "data", "audit", file, "--model", model)
    assert (audited["rows"], audited["usable"], audited["lengths"]["rows"]) == (6, 6, 6)
    assert checked["tokens"]["total"] == audited["lengths"]["tokens"]
    assert answer(capsys, "data", "search", file, "IS 4")["found"] == 1
    assert answer(capsys, "data", "convert", file, tmp_path / "out.jsonl")["rows"] == 6
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()] == ROWS
    mixed = answer(capsys, "data", "mix", f"mixed-{make.__name__[1:]}", f"{file}=1", f"{_jsonl(tmp_path / 'b')}=2")
    assert (mixed["rows"], mixed["format"]) == (9, "prompt_completion")
    assert answer(capsys, "data", "check", mixed["path"], "--model", model)["valid"] == 9
    assert answer(capsys, "data", "search", mixed["path"], "completion")["found"] == 0
    assert answer(capsys, "data", "convert", mixed["path"], tmp_path / "mixed.jsonl")["rows"] == 9
