"""Several files made into one version by the Data page: in shares, by a dialog, and after one of them changed."""

import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDoubleSpinBox, QFileDialog, QSpinBox
from pytestqt.qtbot import QtBot

from studio.core.versions import recipe
from studio.core.versions.steps import Mix
from studio.ui.pages.data import DataPage
from studio.ui.pages.data_steps import StepDialog
from studio.ui.window import MainWindow
from tests.ui.test_data_page import WAIT_MS, checked, file, page, version

__all__ = ["file", "page"]  # fixtures

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def test_a_mix_and_a_version_of_a_file_that_changed(
    page: DataPage, window: MainWindow, qtbot: QtBot, file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:10]))
    page._editing.mix("both", [(str(file), 1.0), (str(other), 1.0)], "shortest", 0)
    made = version(page, qtbot, 1)
    assert (made.path, len(made.selection)) == (recipe.file_of("both"), 20)
    page._use()
    assert window.session.draft.value("data.path") == str(made.path)
    assert "data.path" not in window.session.draft.faults()
    time.sleep(0.01)  # by its time a file is seen to have changed
    other.write_bytes(file.read_bytes())
    page.receive(made.path)
    qtbot.waitUntil(lambda: page._states.currentIndex() == 2, timeout=WAIT_MS)
    assert "changed since" in page.unreadable.what.text()
    assert not page.unreadable.rebase.isHidden()
    page.unreadable.rebase.click()
    qtbot.waitUntil(lambda: page._editing.version is not None, timeout=WAIT_MS)
    assert len(version(page, qtbot, 1).selection) == 60
    assert not page.insight.audit.why.isHidden()
    assert "taken over to its changed files" in page.insight.audit.why.text()
    page.receive(made.path)
    assert page.insight.audit.why.isHidden(), "it is said once"


def test_several_files_are_mixed_by_a_dialog_as_the_first_is_mapped(
    page: DataPage, window: MainWindow, qtbot: QtBot, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir()
    alike, text = tmp_path / "x" / file.name, tmp_path / "text.txt"
    alike.write_bytes(file.read_bytes())
    text.write_text("\n\n".join(map(str, range(10))), encoding="utf-8")
    page.plain.known = {}
    page.plain.take("auto", {"prompt": "topic", "completion": "completion"})
    checked(page, qtbot)
    chosen: list[Path] = [file]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_given: ([*map(str, chosen)], ""))

    def mixed(*shares: float) -> None:
        page.menu._mix()
        dialog = window.findChildren(StepDialog)[-1]
        boxes = dialog.findChildren(QDoubleSpinBox)
        for box, share in zip(boxes, [0.0] * len(boxes), strict=True):
            box.setValue(share)
        assert not dialog.take.isEnabled(), "no share is above 0"
        for box, share in zip(boxes, shares, strict=True):
            box.setValue(share)
        seed = dialog.findChild(QSpinBox)
        assert seed is not None
        seed.setValue(7)
        dialog.take.click()

    mixed(1, 1)
    qtbot.waitUntil(lambda: any("given more than once" in text for text in window.notices.texts()), timeout=WAIT_MS)
    again = window.findChildren(StepDialog)[-1]
    assert again.isVisible(), "a mix that is refused is asked for again, as it was typed"
    assert [box.value() for box in again.findChildren(QDoubleSpinBox)] == [1, 1]
    assert [box.value() for box in again.findChildren(QSpinBox)] == [7]
    again.reject()
    chosen[:] = [alike, text]
    page.menu._mix()
    last = window.findChildren(StepDialog)[-1]
    names = [box.accessibleName() for box in last.findChildren(QDoubleSpinBox)]
    assert names == [f"Share of {tmp_path.name}/letters.jsonl", "Share of x/letters.jsonl", "Share of text.txt"]
    last.reject()
    mixed(2, 1, 1)
    made = version(page, qtbot, 1)
    step = made.recipe.effective[0]
    assert isinstance(step, Mix)
    assert (step.shares, step.seed) == ((2, 1, 1), 7)
    assert len(made.selection) == 40
    assert made.recipe.sources[0].mapping == {"prompt": "topic", "completion": "completion"}
    assert not made.recipe.sources[1].mapping
