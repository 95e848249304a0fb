"""A config of another program that is dropped on the window becomes the settings, and what is left of it is listed."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton

from studio.ui.details import Details
from studio.ui.window import MainWindow
from tests.core.test_foreign import AXOLOTL

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def test_it_is_taken_over_and_what_is_left_is_shown(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "axolotl.yaml"
    file.write_text(AXOLOTL)
    window.open_path(file)
    draft = window.session.draft
    assert [draft.value(key) for key in ("adapter.r", "model.quantization", "data.packing")] == [16, "nf4", True]
    assert window.session.settings.page == "configure"
    said = window.notices.texts()[-1]
    assert said.startswith("A config of axolotl: ")
    assert said.endswith("4 were not.")
    (more,) = (made for made in window.notices.findChildren(QPushButton) if made.text() == "Details")
    more.click()
    (shown,) = window.findChildren(Details)
    assert "deepspeed: It has no counterpart here." in shown.text.toPlainText()
    shown.close()
    window.session.undo.undo()
    assert draft.value("model.quantization") == "none"


def test_one_that_cannot_be_read_changes_nothing(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "axolotl.yaml"
    file.write_text("base_model: [\n")
    before = window.session.draft.values()
    window.open_path(file)
    assert window.session.draft.values() == before
    assert "axolotl.yaml" in window.notices.texts()[-1]
