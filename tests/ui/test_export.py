"""The export dialog: what is offered, who loads it, what is asked of the command, and what is told of it."""

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QRadioButton

from studio import paths
from studio.core import exportable, library
from studio.core.errors import StudioError
from studio.core.number_formats import FORMATS, file_bytes, shapes
from studio.core.units import size
from studio.ui.details import Details
from studio.ui.pages.export import ExportDialog
from studio.ui.window import MainWindow
from tests.core.test_library import added

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def dialog(window: MainWindow, tmp_path: Path) -> ExportDialog:
    made = ExportDialog(window.session, added(tmp_path, "second", base=library.Base(path="demo")), window)
    made.open()
    return made


def test_an_export_goes_nowhere_without_a_folder_and_from_home_without_a_root(dialog: ExportDialog) -> None:
    assert dialog.start.isEnabled()
    assert dialog.said.text() == ""
    dialog.folder.setText("  ")
    assert not dialog.start.isEnabled()
    assert dialog.said.text() == dialog.start.toolTip() == "Name a new folder first."
    for text in ("~/out", "out"):
        dialog.folder.setText(text)
        assert dialog.start.isEnabled()
        assert dialog._target() == Path.home() / "out"
        assert dialog.said.text() == f"It goes to {Path.home() / 'out'}."
    dialog.folder.setText("/tmp/out")
    assert (dialog._target(), dialog.said.text()) == (Path("/tmp/out"), "")


def test_return_exports_and_opens_no_other_dialog(dialog: ExportDialog) -> None:
    dialog.lora.setFocus()
    QTest.keyClick(dialog.lora, Qt.Key.Key_Return)
    assert dialog._command is not None
    dialog.reject()


def test_a_gguf_file_has_a_number_format_of_its_own(dialog: ExportDialog) -> None:
    chosen = ["--gguf-type", "q8_0", "--json"]
    assert not dialog.stored.isEnabled()
    dialog.gguf.click()
    assert dialog.stored.isEnabled()
    assert dialog.folder.text().endswith("second-gguf")
    dialog.stored.setCurrentIndex(dialog.stored.findData("q8_0"))
    dialog.export()
    assert not dialog.stored.isEnabled()
    assert dialog._command is not None
    words = dialog._command._process.arguments()
    dialog.reject()
    assert words[words.index("export") :][1:] == ["second", "--to", "gguf", str(dialog._target()), *chosen]


def test_each_number_format_has_its_size(window: MainWindow, dialog: ExportDialog, tmp_path: Path) -> None:
    texts = [dialog.stored.itemText(at) for at in range(dialog.stored.count())]
    assert [text.partition(":")[0] for text in texts] == list(FORMATS)
    expected = size(file_bytes(shapes(paths.resources() / "demo" / "model"), "q4_1"))
    assert texts[3].endswith(f"({expected})")
    other = ExportDialog(window.session, added(tmp_path, "homeless", base=library.Base(path="")), window)
    assert other.stored.itemText(3).endswith("change")


def test_answers_that_stay_are_told(dialog: ExportDialog) -> None:
    proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
    dialog._show({"proof": proof | {"answers": 5, "answers_equal": 3}, "path": "/tmp/out", "files": [], "bytes": 1})
    assert dialog.proof is not None
    said = " ".join(item.text() for item in dialog.proof.findChildren(QLabel))
    assert "Of 5 answers of the live model 3 are the same word for word." in said


def test_the_dialog_says_who_loads_what(window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "peft"
    folder.mkdir()
    (folder / library.WEIGHTS).write_bytes(b"weights")
    said = {
        "r64": ({"r": 64, "use_rslora": True}, "--enable-lora --max-lora-rank 64", True),
        "dora": ({"use_dora": True}, "It loads no DoRA.", False),
    }
    for title, (config, told, folded) in said.items():
        (folder / "adapter_config.json").write_text(json.dumps(config))
        library.add(folder, title=title)
        dialog = ExportDialog(window.session, library.find(title), window)
        texts = [item.text() for item in dialog.findChildren(QLabel)]
        vllm = texts.index("vLLM")
        assert texts[vllm + 1] == ("Adapter (PEFT)" if folded else "Merged model")
        assert told in texts
        assert "It loads no adapters." in texts
        assert any("are worked in" in text for text in texts) == folded
        assert dialog.lora.isEnabled() == folded
        dialog._busy(True)
        dialog._busy(False)
        assert (dialog.lora.isEnabled(), dialog.merged.isEnabled()) == (folded, True)
        assert dialog.lora.toolTip() == ("" if folded else told)


def test_an_adapter_is_exported_as_one_file(dialog: ExportDialog) -> None:
    dialog.lora.click()
    assert not dialog.stored.isEnabled()
    dialog.export()
    assert dialog._command is not None
    words = dialog._command._process.arguments()
    dialog.reject()
    assert words[words.index("export") :][1:] == ["second", "--to", "gguf-lora", str(dialog._target()), "--json"]


def test_the_tokens_that_were_compared_are_told(dialog: ExportDialog) -> None:
    proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
    for tokens in (0, 1234):
        dialog._show({"proof": proof | {"tokens": tokens}, "path": "/tmp/out", "files": [], "bytes": 1})
        assert dialog.proof is not None
        said = " ".join(item.text() for item in dialog.proof.findChildren(QLabel))
        assert ("the 1,234 tokens of texts" in said) == bool(tokens)
        dialog._drop_proof()


def test_the_dialog_is_as_high_as_what_it_says(dialog: ExportDialog) -> None:
    proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
    before = dialog.height()
    dialog._show({"proof": proof, "path": "/tmp/out", "files": [], "bytes": 1})
    QApplication.processEvents()
    assert dialog.height() > before
    for text in (item for item in dialog.findChildren(QLabel) if item.isVisible() and item.wordWrap() and item.text()):
        assert text.height() >= text.heightForWidth(text.width()), text.text()
    dialog.merged.click()
    QApplication.processEvents()
    assert dialog.height() == before


def test_another_export_is_offered_behind_one_that_is_done(dialog: ExportDialog) -> None:
    proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
    for change in (
        dialog.lora.click,
        dialog.merged.click,
        dialog.gguf.click,
        lambda: dialog.folder.setText("elsewhere"),
    ):
        before = dialog.height()
        dialog._show({"proof": proof, "path": "/tmp/out", "files": [], "bytes": 1})
        QApplication.processEvents()
        assert (dialog.start.isVisible(), dialog.open_button.isVisible()) == (False, True)
        change()
        assert dialog.proof is None
        assert (dialog.start.isVisible(), dialog.open_button.isVisible()) == (True, False)
        QApplication.processEvents()
        assert dialog.height() <= before + 40


def test_the_details_of_an_export_that_failed_are_seen(dialog: ExportDialog) -> None:
    dialog._fail(StudioError("run", "It ended.", "Try again.", "its last words"))
    assert dialog.proof is not None
    (more,) = (made for made in dialog.proof.findChildren(QPushButton) if made.text() == "Details")
    more.click()
    (shown,) = dialog.findChildren(Details)
    assert shown.text.toPlainText() == "its last words"
    shown.close()


def test_a_whole_model_is_exported_as_it_is_or_as_one_file(window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    shutil.copytree(paths.resources() / "demo" / "model", folder)
    made = ExportDialog(window.session, exportable.model(folder), window)
    made.open()
    offered = [radio.text() for radio in made.findChildren(QRadioButton)]
    assert offered == ["The model as it is", "The model as one file (GGUF)"]
    assert made.merged.isChecked()
    assert made.folder.text().endswith("tuned-model")
    assert not made.stored.isEnabled()
    made.gguf.click()
    assert made.stored.isEnabled()
    assert size(file_bytes(shapes(folder), "f16")) in made.stored.itemText(0)
    made.export()
    assert made._command is not None
    words = made._command._process.arguments()
    made.reject()
    assert words[words.index("export") :][1:4] == [str(folder), "--to", "gguf"]
    proof = {"positions": 9, "max_abs_difference": 0, "bound": 1, "adapter_effect": 0, "argmax_equal": 1}
    made._show({"proof": proof, "path": "/tmp/out", "files": [], "bytes": 1})
    assert made.proof is not None
    told = " ".join(part.text() for part in made.proof.findChildren(QLabel))
    assert "compared with the live model at 9 positions" in told
    assert "adapter" not in told
