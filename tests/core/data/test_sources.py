"""Folders, patterns and archives open as the data files in them; what leads elsewhere or grows too large does not."""

import gzip
import os
import re
import shutil
import stat
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from openpyxl import Workbook

from studio.core.data import index, sources, unpacking
from studio.core.data.datasets import Dataset, Rejected, open_dataset
from studio.core.errors import StudioError

ROW = b'{"text": "a"}\n'


def texts(dataset: Dataset) -> list[Any]:
    return [dataset[index].data["text"] for index in range(len(dataset))]


def refusal(path: Path | str) -> str:
    with pytest.raises(StudioError) as caught:
        open_dataset(path)
    assert caught.value.reason == "data"
    assert caught.value.hint
    return caught.value.message


def lay(folder: Path, **files: bytes) -> Path:
    """Writes files whose names have `__` for `/` and `_` for the last `.`."""
    for name, content in files.items():
        path = folder / ".".join(name.replace("__", "/").rsplit("_", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_folder_gives_all_its_files_rows_with_their_file(tmp_path: Path) -> None:
    lay(
        tmp_path,
        b_jsonl=b'{"text": "b"}\nbad\n',
        a__x_csv=b"text\nx\n",
        a__y_jsonl=ROW,
        readme_md=b"# Data",
        e_jsonl=b"",
    )
    (tmp_path / ".hidden.jsonl").write_bytes(ROW)
    dataset = open_dataset(tmp_path)
    assert texts(dataset) == ["x", "a", "b"]
    assert [(dataset[i].file, dataset[i].number, dataset[i].line) for i in range(3)] == [
        ("a/x.csv", 0, 2),
        ("a/y.jsonl", 1, 1),
        ("b.jsonl", 2, 1),
    ]
    assert dataset.rejected == [Rejected(3, 2, "not JSON: Expecting value (character 1)", "b.jsonl")]
    changed = lay(tmp_path, c_jsonl=ROW)
    assert len(open_dataset(changed)) == 4
    assert open_dataset(changed).fingerprint != dataset.fingerprint


def test_what_is_held_back_for_evaluation_is_not_trained_on(tmp_path: Path) -> None:
    lay(tmp_path, train_jsonl=ROW, test_jsonl=ROW, my_validation_csv=b"text\nx\n", latest_jsonl=ROW, notes_txt=b"hi")
    dataset = open_dataset(tmp_path)
    assert dataset.files == ["latest.jsonl", "train.jsonl"]
    assert "my_validation.csv, test.jsonl were left out as held back" in dataset.reason
    assert "notes.txt was left out as text beside data" in dataset.reason
    (tmp_path / "train.jsonl").unlink()
    (tmp_path / "latest.jsonl").unlink()
    assert len(open_dataset(tmp_path)) == 2


def test_a_pattern_takes_what_it_names(tmp_path: Path) -> None:
    lay(tmp_path, a__one_jsonl=ROW, a__test_jsonl=ROW, b__two_csv=b"text\nx\n")
    assert open_dataset(tmp_path / "a" / "*.jsonl").files == ["one.jsonl", "test.jsonl"]
    assert open_dataset(f"{tmp_path}/**/*.*").files == ["a/one.jsonl", "a/test.jsonl", "b/two.csv"]
    assert "No file fits" in refusal(tmp_path / "*.parquet")
    lay(tmp_path, **{"x[1]_jsonl": ROW})
    assert len(open_dataset(tmp_path / "x[1].jsonl")) == 1, "a file of this very name comes first"


def test_what_the_program_puts_beside_data_is_no_data(tmp_path: Path) -> None:
    lay(tmp_path, **{"a_jsonl": ROW, "a.jsonl.provenance_json": b"{}", "v.recipe_json": b"{}"})
    for given in (tmp_path, tmp_path / "*", tmp_path / "a*"):
        assert open_dataset(given).rows == len(open_dataset(tmp_path / "a.jsonl")) == 1
    assert "No file fits" in refusal(tmp_path / "*.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such files")
def test_links_out_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    secret = lay(tmp_path, secret_jsonl=ROW) / "secret.jsonl"
    folder = lay(tmp_path / "data", a_jsonl=ROW)
    (folder / "inside.jsonl").symlink_to(folder / "a.jsonl")
    assert len(open_dataset(folder)) == 2
    (folder / "b.jsonl").symlink_to(secret)
    assert "`b.jsonl` in it is a link that leads out" in refusal(folder)
    assert "leads out of" in refusal(folder / "b*.jsonl")
    (folder / "b.jsonl").unlink()
    (folder / "deep").symlink_to(tmp_path)
    assert "`deep` in it is a link that leads out" in refusal(folder)
    (folder / "deep").unlink()
    os.mkfifo(folder / "pipe.jsonl")
    assert "is not a file" in refusal(folder)
    assert "is not a file" in refusal("/dev/zero")


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "a.csv.gz", "a.json.zst"])
def test_compressed_files_open_as_what_they_hold(tmp_path: Path, name: str) -> None:
    plain = {".csv": b"text\na\n", ".json": b'[{"text": "a"}]'}.get(Path(Path(name).stem).suffix, ROW)
    packed = gzip.compress(plain) if name.endswith("gz") else zstandard.compress(plain)
    path = tmp_path / name
    path.write_bytes(packed)
    assert texts(open_dataset(path)) == ["a"]
    assert path.read_bytes() == packed
    if "jsonl" in name:
        # A file may be compressed in pieces, one behind the other.
        path.write_bytes(packed + packed)
        assert texts(open_dataset(path)) == ["a", "a"]
    path.write_bytes(packed[:-6])
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("damage", [lambda copy: os.truncate(copy, 8), Path.unlink], ids=["cut", "gone"])
@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.zip", "a.txt"])
def test_a_copy_in_the_cache_that_is_not_whole_any_more_is_made_again(
    tmp_path: Path, home: Path, name: str, damage: Any
) -> None:
    path = tmp_path / name
    if name == "a.zip":
        zipped(path, ("a.jsonl", ROW * 3))
    else:
        path.write_bytes(gzip.compress(ROW * 3) if name.endswith("gz") else "one\n\ntwo\n\nthree".encode("utf-16"))
    wanted = texts(open_dataset(path))
    assert len(wanted) == 3
    (copy,) = (home / "cache" / "unpacked").rglob("*[0a].*[lt]")
    damage(copy)
    shutil.rmtree(home / "cache" / "datasets")
    assert texts(open_dataset(path)) == wanted


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def test_an_archive_opens_as_a_folder(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("d/train.jsonl", ROW), ("d/test.jsonl", ROW), ("x/y.csv", b"text\nx\n"))
    dataset = open_dataset(path)
    assert dataset.files == ["d/train.jsonl", "x/y.csv"]
    assert texts(dataset) == ["a", "x"]
    assert list(tmp_path.iterdir()) == [path]


def link() -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("link.jsonl")
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    return made


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("../evil.jsonl", "leads out of the archive"),
        ("a/../../evil.jsonl", "leads out of the archive"),
        ("/tmp/evil.jsonl", "leads out of the archive"),
        ("C:\\evil.jsonl", "leads out of the archive"),
        (link(), "is a link or a device"),
        ("more.zip", "is an archive itself"),
        ("more.jsonl.gz", "is an archive itself"),
        ("/".join("abcdefghij") + ".jsonl", "has a path that is too long"),
    ],
)
def test_an_archive_that_means_harm_is_refused_whole(tmp_path: Path, entry: Any, said: str) -> None:
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "a.zip", ("good.jsonl", ROW), (entry, b"/etc/passwd"))
    assert said in refusal(path)
    assert not list(tmp_path.rglob("*evil*"))


def test_names_that_come_twice_and_files_beyond_number_are_refused(tmp_path: Path, monkeypatch: Any) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "a.zip", ("a.jsonl", ROW), ("a.jsonl", ROW))
    assert "holds `a.jsonl` twice" in refusal(path)
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 2)
    assert "3 files; 2 are" in refusal(zipped(tmp_path / "b.zip", *((f"{i}.jsonl", ROW) for i in range(3))))
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    assert "3 data files; 2 are" in refusal(lay(tmp_path / "d", a_jsonl=ROW, b_jsonl=ROW, c_jsonl=ROW))


@pytest.mark.parametrize("kind", ["zip", "jsonl.gz", "jsonl.zst"])
def test_a_bomb_is_stopped_by_what_it_gives_and_not_by_what_it_says(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 1_000_000)
    bomb = b"\0" * 30_000_000
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        zipped(path, ("a.jsonl", bomb))
        data = bytearray(path.read_bytes())
        # The directory at its end says that it is small.
        at = data.rfind(b"PK\1\2") + 24
        data[at : at + 4] = (1000).to_bytes(4, "little")
        liar = tmp_path / "liar.zip"
        liar.write_bytes(data)
        with pytest.raises(StudioError):
            open_dataset(liar)
    else:
        path.write_bytes(gzip.compress(bomb) if kind == "jsonl.gz" else zstandard.compress(bomb))
    assert "unfolds to more than 200 times its size" in refusal(path)
    assert sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) == 0


def test_a_disk_that_is_too_small_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_RESERVE_BYTES", 1 << 62)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(ROW))
    with pytest.raises(StudioError, match="does not fit") as caught:
        open_dataset(path)
    assert caught.value.reason == "disk"


def test_a_saved_datasets_folder_opens_without_that_library(tmp_path: Path) -> None:
    """Shards as `save_to_disk` writes them: Arrow streams, a folder a split."""
    for split, rows in (("train", [{"text": "a"}, {"text": "b"}]), ("test", [{"text": "c"}])):
        folder = tmp_path / split
        folder.mkdir()
        (folder / "dataset_info.json").write_text('{"features": {}}')
        (folder / "state.json").write_text('{"_data_files": [{"filename": "../../evil.arrow"}]}')
        with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file:
            table = pa.Table.from_pylist(rows)
            with pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert texts(open_dataset(tmp_path)) == ["a", "b"]
    assert texts(open_dataset(tmp_path / "test")) == ["c"]


@pytest.mark.parametrize("ending", ["arrow", "feather", "ipc"])
def test_arrow_files(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    table = pa.Table.from_pylist([{"text": "a"}, {"text": None}, {"text": "b"}])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    dataset = open_dataset(path)
    assert texts(dataset) == ["a", "b"]
    assert dataset.rejected == [Rejected(1, 0, "`text` is missing")]


def test_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (["Question", "Answer", "Score"], ["q", "a", 1.5], [], ["q2", None, None], ["q3", "a3", True, "more"]):
        sheet.append(row)
    book.create_sheet("Other").append(["not this"])
    path = tmp_path / "a.xlsx"
    book.save(path)
    dataset = open_dataset(path)
    assert "of a.xlsx only the first sheet is read" in dataset.reason
    assert (dataset.format, dataset[0].data, dataset[0].line) == (
        "prompt_completion",
        {"Question": "q", "Answer": "a", "Score": "1.5"},
        2,
    )
    assert dataset.rejected == [
        Rejected(1, 4, "`answer` is missing"),
        Rejected(2, 5, "columns in the header: 3; here: 4"),
    ]


def test_a_workbooks_days_are_told_without_an_hour(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (["text", "day", "time"], ["a", datetime(2024, 3, 5), datetime(2024, 3, 5, 7, 30)]):
        sheet.append(row)
    path = tmp_path / "days.xlsx"
    book.save(path)
    assert open_dataset(path)[0].data == {"text": "a", "day": "2024-03-05", "time": "2024-03-05T07:30:00"}


def test_a_workbook_that_unfolds_too_far_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.xlsx", ("xl/worksheets/sheet1.xml", b" " * 40_000_000))
    assert "more than a workbook is read for" in refusal(path)


def test_prose_is_cut_into_passages_that_join_to_the_whole(tmp_path: Path) -> None:
    text = "First\nparagraph.\n\n\nSecond.\n \nThird\r\nends."
    path = lay(tmp_path, a_txt=text.encode()) / "a.txt"
    dataset = open_dataset(path)
    assert texts(dataset) == ["First\nparagraph.", "Second.", "Third\nends."]
    assert [dataset[i].line for i in range(3)] == [1, 5, 7]
    page = "intro\n\n# One\n\ntext\n```\n# no heading\n```\n## Two\nend\n"
    path = lay(tmp_path, b_md=page.encode()) / "b.md"
    dataset = open_dataset(path)
    assert texts(dataset) == ["intro", "# One\n\ntext\n```\n# no heading\n```", "## Two\nend"]
    assert [dataset[i].line for i in range(3)] == [1, 3, 9]
    assert dataset.reason.count("front matter") == 0
    bad = lay(tmp_path, c_txt=b"good\n\n\xff\n\nnul \0\n\n" + b"x" * 1_000_001) / "c.txt"
    assert [(item.line, item.reason) for item in open_dataset(bad).rejected] == [
        (3, "not UTF-8 text"),
        (5, "holds NUL bytes"),
        (7, "larger than 1 MB"),
    ]


@pytest.mark.parametrize(
    ("page", "wanted", "begins"),
    [
        ("# One\n\n## Two\ntext\n\n## Three\n\n", ["# One\n\n## Two\ntext\n\n## Three"], [1]),
        ("a\n\n\n# B\n#\n# C\n\nd\n# E\nf", ["a", "# B\n#\n# C\n\nd", "# E\nf"], [1, 4, 9]),
        ("# Alone\n", ["# Alone"], [1]),
        ("# A\n~~~\n# b\n~~~\n", ["# A\n~~~\n# b\n~~~"], [1]),
        ("---\ntitle: x\n\ntags: [a]\n---\n\n# A\nb\n", ["# A\nb"], [7]),
        ("---\r\n'title': x\r\n...\r\ntext\r\n", ["text"], [4]),
        ("\ufeff---\ntitle: x\n---\ntext\n", ["text"], [4]),
        ("---\n\nA rule, and no key.\n\n---\n", ["---\n\nA rule, and no key.\n\n---"], [1]),
        ("---\ntitle: never closed\n", ["---\ntitle: never closed"], [1]),
        ("text\n---\ntitle: x\n---\n", ["text\n---\ntitle: x\n---"], [1]),
    ],
)
def test_markdown_leaves_front_matter_out_and_headings_with_their_text(
    tmp_path: Path, page: str, wanted: list[str], begins: list[int]
) -> None:
    path = lay(tmp_path, a_md=page.encode()) / "a.md"
    dataset = open_dataset(path)
    assert texts(dataset) == wanted
    assert [dataset[at].line for at in range(len(dataset))] == begins
    left = begins[0] > 1
    assert ("the front matter of a.md was left out" in dataset.reason) == left
    known = index.build(sources.find(path))
    assert [known.row(at).parsed.data for at in range(len(known))] == [{"text": text} for text in wanted]


def test_utf_16_without_a_mark_and_a_text_of_mixed_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for encoding in ("utf-16-le", "utf-16-be"):
        path.write_bytes('{"text": "ü"}\n{"text": "b"}'.encode(encoding))
        assert texts(open_dataset(path)) == ["ü", "b"]
    path.write_bytes(b'{"text": "a"}\r\n{"text": "b"}\r{"text": "c"}\n\n{"text": "d"}')
    dataset = open_dataset(path)
    assert texts(dataset) == ["a", "b", "c", "d"]
    assert [dataset[i].line for i in range(4)] == [1, 2, 3, 5]


def test_a_csv_of_ten_thousand_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    names = ["text", *(f"c{i}" for i in range(9_999))]
    path.write_text(",".join(names) + "\n" + ",".join(["x"] * 10_000) + "\n")
    assert open_dataset(path)[0].data == dict.fromkeys(names, "x")


def test_a_link_named_by_the_user_is_followed(tmp_path: Path) -> None:
    lay(tmp_path, a_jsonl=ROW)
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    assert len(open_dataset(tmp_path / "b.jsonl")) == 1


ODD = (
    "nul.jsonl",
    "what?.jsonl",
    'a"b|c<d>*.csv',
    "deep/Con.jsonl",
    "end. ",
    "x" * 220 + ".jsonl",
    "A.jsonl",
    "a.jsonl",
)


def test_entries_have_names_on_the_disk_that_every_system_takes(tmp_path: Path, home: Path) -> None:
    path = zipped(tmp_path / "a.zip", *((name, b"text\nx\n" if name.endswith("csv") else ROW) for name in ODD))
    dataset = open_dataset(path)
    assert dataset.files == sorted(name for name in ODD if name != "end. ")
    assert sorted(texts(dataset)) == ["a"] * 6 + ["x"]
    laid = [item.name for item in (home / "cache" / "unpacked").rglob("*") if item.is_file()]
    assert {"0.jsonl", "2.csv", "4"} < set(laid)
    assert all(re.fullmatch(r"\.?[a-z0-9]+(\.[a-z]+)?", name) for name in laid)


def test_what_is_hidden_in_an_archive_is_not_read(tmp_path: Path) -> None:
    hidden = (("__MACOSX/._a.jsonl", b"\0"), (".git/b.jsonl", b"\0"))
    seen = (("./d/a.jsonl", ROW), ("d/b.jsonl", ROW))
    assert open_dataset(zipped(tmp_path / "a.zip", *seen, *hidden)).files == ["d/a.jsonl", "d/b.jsonl"]
    with pytest.raises(StudioError, match="holds no data file"):
        open_dataset(zipped(tmp_path / "b.zip", *hidden))


def test_a_text_of_an_archive_is_called_by_its_name_there(tmp_path: Path) -> None:
    text = '{"text": "ä"}\n'.encode("utf-16")
    assert texts(open_dataset(zipped(tmp_path / "a.zip", ("d/a.jsonl", text), ("d/b.jsonl", ROW)))) == ["ä", "a"]
    assert "d/a.jsonl begins as UTF-16" in refusal(zipped(tmp_path / "b.zip", ("d/a.jsonl", text + b"\0")))


def test_a_file_on_windows_is_the_same_whatever_its_status_is_said_to_have_changed(tmp_path: Path) -> None:
    path = lay(tmp_path, a_jsonl=ROW) / "a.jsonl"
    by_name = path.stat()
    path.chmod(0o600)
    with path.open("rb") as file:
        opened = os.fstat(file.fileno())
    assert by_name.st_ctime_ns != opened.st_ctime_ns
    assert sources.stamp(by_name, windows=True) == sources.stamp(opened, windows=True)
    assert sources.stamp(by_name, windows=False) != sources.stamp(opened, windows=False)
