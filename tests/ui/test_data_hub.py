"""A dataset of the hub opened by its id in the real window: the child downloads it from an imitation of the hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio import paths
from studio.ui.pages.data import DataPage
from studio.ui.window import MainWindow
from tests.hub import Hub, serving

pytestmark = [pytest.mark.qt_log_ignore("This plugin does not support"), pytest.mark.loopback]

WAIT_MS = 60_000


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = tmp_path / "served"
    (folder / "en").mkdir(parents=True)
    rows = [{"prompt": f"question {n}", "completion": f"answer {n} " * 2000} for n in range(300)]
    (folder / "en" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "en" / "test.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    (folder / "README.md").write_text("---\nconfigs:\n- data_files: ../../secret.csv\n---\n", encoding="utf-8")
    with serving(folder, tmp_path / "cache", monkeypatch) as server:
        yield server


@pytest.fixture
def page(window: MainWindow) -> DataPage:
    window.show_page("data")
    made = window.page("data")
    assert isinstance(made, DataPage)
    return made


def ask(page: DataPage, id: str, **boxes: str) -> None:
    dialog = page._ask_hub()
    QTest.keyClicks(dialog.id, id)
    for name, text in boxes.items():
        QTest.keyClicks(getattr(dialog, name), text)
    QTest.keyClick(dialog.id, Qt.Key.Key_Return)


def test_an_id_is_typed_cancelled_and_goes_on(
    page: DataPage, window: MainWindow, qtbot: QtBot, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What has come of a piece is told once nothing more has come for so long.
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    hub.go_on.clear()
    ask(page, "https://huggingface.co/datasets/someone/tiny", subset="en")
    size = (hub.folder / "en" / "train.jsonl").stat().st_size
    qtbot.waitUntil(lambda: "Downloading someone/tiny?subset=en: 0 B" in page.waiting.text.text(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: any(name == "train.jsonl" for name, _ in hub.asked), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: arrived() > size // 4, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.waiting._bar.value() > 25, timeout=WAIT_MS)
    page.waiting.cancelled.emit()
    assert "stopped" in page.unreadable.what.text()
    assert "goes on from there" in page.unreadable.hint.text()
    assert page.plain.reading is None
    hub.go_on.set()
    hub.asked.clear()
    page.unreadable.again_wanted.emit()
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    assert page.table_model.rowCount() == 300
    assert [asked for asked in hub.asked if asked[1] not in ("", "bytes=0-")], hub.asked
    assert page.head.name.text() == "someone/tiny?subset=en"
    assert "en/test.jsonl was left out" in page.head.why.text()
    page._use()
    assert window.session.draft.value("data.path") == "hf://datasets/someone/tiny?subset=en"
    assert "data.path" not in window.session.draft.faults()
    page.receive(Path(window.session.settings.recent_data[0]))
    qtbot.waitUntil(lambda: page.table_model.rowCount() == 300 and "valid" in page.plain.known, timeout=WAIT_MS)


def arrived() -> int:
    """Returns how many bytes the download has brought."""
    return max((file.stat().st_size for file in (paths.cache_dir() / "downloads").glob("*")), default=0)


def test_a_split_is_edited_as_a_version(page: DataPage, qtbot: QtBot, hub: Hub) -> None:
    ask(page, "someone/tiny", split="test", revision="main")
    qtbot.waitUntil(lambda: "valid" in page.plain.known, timeout=WAIT_MS)
    assert page.table_model.rowCount() == 1
    page.rows.act("exclude")
    qtbot.waitUntil(lambda: (made := page._editing.version) is not None and bool(made.recipe.cursor), timeout=WAIT_MS)
    made = page._editing.version
    assert made is not None
    assert made.recipe.sources[0].path == "hf://datasets/someone/tiny@main?split=test"
    assert len(made.selection) == 0


@pytest.mark.parametrize(
    ("refusal", "said", "remedy"),
    [
        ("GatedRepo", "someone/tiny is only for those who accepted its terms.", "hf auth login"),
        ("RepoNotFound", "no such dataset on Hugging Face, or it is private.", "Check the spelling"),
        ("RevisionNotFound", "someone/tiny has no revision v9.", "Name an existing branch"),
    ],
)
def test_a_refusal_is_a_sentence_with_a_remedy(
    page: DataPage, qtbot: QtBot, hub: Hub, refusal: str, said: str, remedy: str
) -> None:
    hub.refusal = refusal
    ask(page, "someone/tiny", revision="v9")
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2, timeout=WAIT_MS)
    assert said in page.unreadable.what.text()
    assert remedy in page.unreadable.hint.text()


def test_offline_is_a_sentence_with_a_remedy(
    page: DataPage, qtbot: QtBot, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ask(page, "someone/tiny")
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2, timeout=WAIT_MS)
    assert "offline mode is on" in page.unreadable.what.text()
    assert "Unset HF_HUB_OFFLINE" in page.unreadable.hint.text()


def test_what_is_no_id_cannot_be_opened(page: DataPage, qtbot: QtBot) -> None:
    dialog = page._ask_hub()
    assert not dialog.take.isEnabled()
    assert dialog.said.text() == ""
    dialog.id.setText("tiny")
    assert not dialog.take.isEnabled()
    assert "write owner/name" in dialog.said.text()
    dialog.id.setText("someone/tiny")
    dialog.revision.setText("a/b")
    assert not dialog.take.isEnabled()
    dialog.revision.setText("v1")
    assert dialog.said.text() == "hf://datasets/someone/tiny@v1"
    dialog.reject()
    assert page._path is None
