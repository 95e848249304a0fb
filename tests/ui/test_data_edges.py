"""Data that is odd or means harm, opened in the real window: proper rows or a sentence, and the window stays quick."""

import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from studio.core import hub_ids
from studio.core.data.rows import MAX_ROW_BYTES
from studio.ui.pages.data import DataPage
from studio.ui.row_source import Shown
from studio.ui.session import demo_data
from studio.ui.tables import STATUS, DatasetTable
from studio.ui.theme import Theme
from studio.ui.window import MainWindow
from tests.core.data.test_sources import lay, zipped

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WAIT_MS = 60_000
# Of the window's own work between two turns of its event loop; what grows faster than the data takes minutes.
MOST_S = 5.0
ROW = b'{"text": "a"}\n'


class Pulse:
    """The longest turn of the event loop, in seconds that the window's thread worked in it."""

    def __init__(self) -> None:
        self.longest_s, self._last = 0.0, time.thread_time()
        self.timer = QTimer()
        self.timer.timeout.connect(self._beat)
        self.timer.start(0)

    def _beat(self) -> None:
        now = time.thread_time()
        self.longest_s, self._last = max(self.longest_s, now - self._last), now


@pytest.fixture
def page(window: MainWindow) -> Iterator[DataPage]:
    """The page; at the end it is asserted that the window was never busy for long."""
    window.show_page("data")
    made = window.page("data")
    assert isinstance(made, DataPage)
    pulse = Pulse()
    yield made
    pulse.timer.stop()
    assert pulse.longest_s < MOST_S


def written(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def led_out(tmp_path: Path) -> Path:
    secret = written(tmp_path, "secret.jsonl", ROW)
    folder = lay(tmp_path / "data", a_jsonl=ROW)
    (folder / "b.jsonl").symlink_to(secret)
    return folder


def bomb(tmp_path: Path) -> Path:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.jsonl", "w") as entry:
        for _ in range(40):
            entry.write(b"\0" * 1_000_000)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a zip that leads out": (
        lambda at: zipped(at / "a.zip", ("good.jsonl", ROW), ("../evil.jsonl", ROW)),
        "`../evil.jsonl`",
    ),
    "a zip bomb": (bomb, "unfolds to more than 200 times its size"),
    "a link that leads out": (led_out, "`b.jsonl` in it is a link that leads out"),
    "a file of nothing": (lambda at: written(at, "a.jsonl", b""), "a.jsonl"),
    "a picture called a table": (lambda at: written(at, "a.parquet", b"\x89PNG\r\n\x1a\n" + b"\0" * 99), "a.parquet"),
    "a zip that is cut": (
        lambda at: written(at, "b.zip", zipped(at / "a.zip", ("a.jsonl", ROW)).read_bytes()[:40]),
        "b.zip",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links need a right of their own there")
def test_it_is_refused_in_two_sentences(page: DataPage, qtbot: QtBot, tmp_path: Path, name: str) -> None:
    make, said = REFUSED[name]
    page.receive(make(tmp_path))
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2, timeout=WAIT_MS)
    what, hint = page.unreadable.what.text(), page.unreadable.hint.text()
    assert said in what
    assert hint
    for text in (what, hint):
        assert "Traceback" not in text
        assert text.endswith(".")
    assert not list(tmp_path.rglob("evil*"))


LARGE = json.dumps({"text": "x" * 5_000_000}).encode() + b"\n"
COLUMNS = ["text", *(f"c{at}" for at in range(9_999))]
WIDE = (",".join(COLUMNS) + "\n" + (",".join(["x"] * 10_000) + "\n") * 20).encode()
README = b"---\nconfigs:\n- config_name: evil\n  data_files: ../../secret.csv\n---\n# A card\n"
OPENED: dict[str, tuple[Callable[[Path], Path], list[str | None]]] = {
    "a row of 5 MB": (lambda at: written(at, "a.jsonl", ROW + LARGE + ROW), ["a", None, "a"]),
    "10,000 columns": (lambda at: written(at, "a.csv", WIDE), ["x"] * 20),
    "NUL bytes": (lambda at: written(at, "a.jsonl", ROW + b'{"text": "b\0"}\n\0\0\0\n' + ROW), ["a", None, None, "a"]),
    "UTF-16": (lambda at: written(at, "a.jsonl", '{"text": "ü"}\n{"text": "b"}'.encode("utf-16")), ["ü", "b"]),
    "mixed ends of lines": (
        lambda at: written(at, "a.jsonl", b'{"text": "a"}\r\n{"text": "b"}\r{"text": "c"}\n\n{"text": "d"}'),
        ["a", "b", "c", "d"],
    ),
    "a folder with a README that names files": (
        lambda at: lay(at / "data", README_md=README, a_csv=b"text\nx\n"),
        ["x"],
    ),
    "markup": (lambda at: written(at, "<b>x<img src=x>.jsonl", ROW + b'{"<i>": 1}\n<b>\n'), ["a", None, None]),
}


@pytest.mark.parametrize("name", OPENED)
def test_its_rows_are_shown_and_what_cannot_be_used_says_why(
    page: DataPage, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    make, expected = OPENED[name]
    path = make(tmp_path)
    page.receive(path)
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    rejected = [at for at, text in enumerate(expected) if text is None]
    model = page.table_model
    assert model.rowCount() == len(expected)
    assert page.plain.known["valid"] == len(expected) - len(rejected)
    rows = [model.row(at) for at in range(len(expected))]
    assert [None if row.fault else (row.data or {})["text"] for row in rows if row is not None] == expected
    assert [page.rejected.model.item(at)["row"] for at in range(page.rejected.model.rowCount())] == rejected
    assert all("Traceback" not in reason and reason for reason in reasons(page))
    for at in rejected:
        page.rows._go(at)
        qtbot.waitUntil(lambda at=at: model.index(at, STATUS).data() == "rejected", timeout=WAIT_MS)  # type: ignore[misc]
        assert "<" not in model.index(at, STATUS).data(Qt.ItemDataRole.ToolTipRole)
        page._tabs.setCurrentIndex(1)
        page.rejected.table.selectRow(rejected.index(at))
        assert not page.rejected.put.isEnabled()
    assert "<" not in page.head.toolTip()
    row: Shown | None = rows[0]
    assert row is not None
    page.rows._go(0)
    qtbot.waitUntil(lambda: bool(page.rows.pane.written.toPlainText()), timeout=WAIT_MS)


def reasons(page: DataPage) -> list[str]:
    model = page.rejected.model
    return [model.index(at, 2).data() for at in range(model.rowCount())]


def test_a_row_of_5_mb_says_how_large_one_may_be(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    page.receive(written(tmp_path, "a.jsonl", ROW + LARGE))
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    assert reasons(page) == [f"larger than {MAX_ROW_BYTES // 10**6} MB"]


def test_a_word_of_a_megabyte_is_shown_and_edited_at_once(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", json.dumps({"text": "x" * (MAX_ROW_BYTES - 100)}).encode())
    page.receive(path)
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    assert page.plain.known["valid"] == 1
    qtbot.waitUntil(lambda: len(page.rows.pane.written.toPlainText()) > MAX_ROW_BYTES - 100, timeout=WAIT_MS)
    page.rows.act("edit")
    qtbot.waitUntil(lambda: page.rows.pane.editor.values()["text"].startswith("xxx"), timeout=WAIT_MS)


def test_a_template_that_never_ends_is_ended_and_the_window_goes_on(
    page: DataPage, window: MainWindow, qtbot: QtBot
) -> None:
    page.receive(demo_data())
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    pane = page.rows.pane
    pane.views.setCurrentWidget(pane.tokens)
    qtbot.waitUntil(lambda: pane.tokens.picture is not None, timeout=WAIT_MS)
    editor = pane.tokens.editor
    editor.text.setPlainText("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    qtbot.waitUntil(lambda: bool(editor._fault.text()), timeout=WAIT_MS)
    assert editor._fault.text() == "Laying out a row did not come to an end."
    assert not editor._keep.isEnabled()
    editor.reset()
    qtbot.waitUntil(lambda: bool(pane.tokens.picture and pane.tokens.picture.ids), timeout=WAIT_MS)


@pytest.mark.parametrize("given", ["owner/name", "hf://datasets/owner/name@main?split=train"])
def test_an_id_among_the_recent_files_is_asked_of_the_hub(
    page: DataPage, window: MainWindow, qtbot: QtBot, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    window.session.remember_data(Path(given))
    page._files.fill(None)
    items = page._files.findItems("owner/name", Qt.MatchFlag.MatchStartsWith)
    assert [item.toolTip() for item in items] == [str(hub_ids.parse(given))]
    page._files._chosen(items[0])
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2, timeout=WAIT_MS)
    assert "offline mode is on" in page.unreadable.what.text()
    page._path = None
    window.open_path(Path(given))
    assert page._given == str(hub_ids.parse(given))


def test_a_row_that_is_not_there_says_so_and_is_read_once_it_is(qtbot: QtBot, theme: Theme) -> None:
    rows = [Shown(place, place, length=3, data={"text": f"row {place}"}) for place in range(3)]

    class Growing:
        known = 2

        def __len__(self) -> int:
            return self.known

        def places(self) -> None:
            return None

        def read(self, place: int) -> Shown:
            return rows[: self.known][place]

    source = Growing()
    table = DatasetTable(theme)
    with qtbot.assertNotEmitted(table.failed):
        table.set_source(source)
        # What a search found may be of rows that the window does not know yet.
        table.show_only(np.array([0, 2]))
        said = [table.index(1, column).data() for column in range(4)]
        assert said[:3] == ["2", "", "unreadable"]
        assert said[3].startswith("This row is not known yet")
        lost = table.row(1)
        assert lost is not None
        assert (lost.lost, lost.data) == (True, None)
        source.known = 3
        table.show_only(np.array([0, 2]))
        assert table.index(1, 3).data() == "row 2"


def test_a_row_whose_file_is_gone_says_so_in_its_place_too(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "gone.jsonl"
    file.write_bytes(ROW * 3)
    page.receive(file)
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    page.table_model.refresh()
    file.unlink()
    page.rows.pane.show_row(page.table_model.row(2))
    assert page._states.currentIndex() == 2
    assert "gone.jsonl" in page.rows.pane.written.toPlainText()
    assert page.rows.pane.written.toPlainText().startswith(page.unreadable.what.text())
    assert page.table_model.index(1, STATUS).data() == "unreadable"


def test_half_a_character_in_a_column_is_seen_kept_by_an_edit_of_another_and_searched(
    page: DataPage, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "half.jsonl"
    file.write_text('{"prompt": "a", "completion": "b", "note": "x \\ud83d"}\n' * 2, encoding="utf-8")
    page.receive(file)
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    assert page.plain.known["valid"] == 2
    pane = page.rows.pane
    assert pane.written.toPlainText().endswith("x \ufffd")
    assert page.table_model.index(0, 5).data() == "x \ufffd"
    pane.edit()
    boxes = pane.editor.findChildren(QPlainTextEdit)
    assert [box.accessibleName() for box in boxes] == ["prompt", "completion", "note"]
    boxes[1].setPlainText("c")
    pane.save.click()
    qtbot.waitUntil(lambda: (made := page._editing.version) is not None and made.recipe.cursor == 1, timeout=WAIT_MS)
    made = page._editing.version
    assert made is not None
    assert made.selection.data(0) == {"prompt": "a", "completion": "c", "note": "x \ud83d"}
    page.search.setText("x")
    qtbot.waitUntil(lambda: (shown := page.rows.shown_places()) is not None and len(shown) == 2, timeout=WAIT_MS)
