"""The dialog that uploads: what it asks of the command, and what it says of its end."""

from pathlib import Path

import pytest

from studio.core.errors import StudioError
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.upload import UploadDialog
from studio.ui.window import MainWindow
from tests.ui.test_export import dialog

__all__ = ["dialog"]
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
PROOF = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}


@pytest.fixture
def asked(window: MainWindow, tmp_path: Path) -> UploadDialog:
    made = UploadDialog(window.session, tmp_path / "out", window)
    made.open()
    return made


def test_it_is_asked_for_by_owner_and_name(asked: UploadDialog) -> None:
    for text in ("", "letters", "someone/", "/letters"):
        asked.repo.setText(text)
        assert not asked.start.isEnabled()
    asked.repo.setText(" someone/letters ")
    asked.start.click()
    assert asked._command is not None
    words = asked._command._process.arguments()
    assert words[words.index("upload") :][1:4] == [str(asked._folder), "someone/letters", "--json"]
    assert asked.bar.isVisible()
    assert not asked.start.isEnabled()
    asked.reject()


def test_where_it_is_and_why_it_is_not_are_told(asked: UploadDialog) -> None:
    asked._fail(StudioError("network", "Nobody is logged in.", "Log in."))
    assert asked.said.text() == "Nobody is logged in. Log in."
    asked._show({"url": "https://hub/someone/letters"})
    assert asked.said.text() == "It is there: https://hub/someone/letters"
    assert asked.see.isVisible()
    assert not asked.start.isVisible()


def test_an_export_that_is_proven_can_be_uploaded(dialog: ExportDialog) -> None:
    assert not dialog.upload_button.isVisible()
    dialog._show({"proof": PROOF, "path": "/tmp/out", "files": [], "bytes": 1})
    assert dialog.upload_button.isVisible()
    dialog.upload_button.click()
    (made,) = dialog.findChildren(UploadDialog)
    assert made._folder == Path("/tmp/out")
    made.reject()
    dialog.folder.setText("/tmp/other")
    assert not dialog.upload_button.isVisible()
