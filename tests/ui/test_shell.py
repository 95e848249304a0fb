"""The window as a process: what it loads, and what it does with an error nobody foresaw."""

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from studio.ui.crash import CrashHook
from studio.ui.finder import Finder
from studio.ui.theme import Theme
from studio.ui.window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "accelerate", "studio.engine"}


def test_the_window_opens_without_torch_in_less_than_a_quarter_of_a_gigabyte() -> None:
    code = (
        "import json, sys, psutil\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from studio.ui import app\n"
        "def look():\n"
        "    window = QApplication.topLevelWidgets()\n"
        "    print(json.dumps([sorted(sys.modules), psutil.Process().memory_info().rss, len(window)]))\n"
        "    QApplication.closeAllWindows()\n"
        "QTimer.singleShot(0, look)\n"
        "sys.exit(app.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modules, memory, windows = json.loads(done.stdout)
    assert HEAVY & set(modules) == set()
    assert memory < 250_000_000
    assert windows


def test_what_is_loaded_ahead_is_there_without_pandas() -> None:
    code = (
        "import json, sys\nfrom studio.ui import app\napp.load_ahead().join()\nprint(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    modules = set(json.loads(done.stdout))
    assert {"numpy", "pyarrow.compute", "studio.core.data.datasets"} <= modules
    assert (HEAVY | {"pandas"}) & modules == set()


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_an_unforeseen_error_is_one_dialog_with_a_report_to_copy(
    qtbot: QtBot, qapp: QApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = CrashHook(qapp)
    for _ in range(2):
        try:
            raise RuntimeError(f"broken at {Path.home()}")
        except RuntimeError as error:
            hook._of_main(type(error), error, error.__traceback__)
    assert "RuntimeError" in capsys.readouterr().err
    qtbot.waitUntil(lambda: hook.dialog is not None and len(hook.reports) == 2)
    dialog = hook.dialog
    assert dialog is not None
    dialog._copy()
    copied = QApplication.clipboard().text()
    assert copied.count("RuntimeError: broken at ~") == 2
    assert "PySide6" in copied
    dialog.accept()
    assert hook.dialog is None
    hook.deleteLater()


@pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")
def test_a_report_outlives_the_list_it_arose_in(window: MainWindow, qapp: QApplication, qtbot: QtBot) -> None:
    hook = CrashHook(qapp)
    window.find_command()
    finder = window.findChild(Finder)
    assert finder is not None
    qtbot.waitUntil(lambda: QApplication.activeWindow() is finder)
    hook.caught.emit("first")
    qtbot.waitUntil(lambda: hook.dialog is not None)
    finder.close()
    qtbot.waitUntil(lambda: window.findChild(Finder) is None)
    hook.caught.emit("second")
    qtbot.waitUntil(lambda: len(hook.reports) == 2)
    assert hook.dialog is not None
    assert hook.dialog.text.toPlainText() == "first\n\nsecond"
    hook.dialog.accept()
    hook.deleteLater()


def test_a_theme_is_changed_while_widgets_are_garbage(theme: Theme) -> None:
    before = gc.get_threshold()
    for _ in range(200):
        made = QLabel()
        made.own = made  # type: ignore[attr-defined]
    gc.set_threshold(1)
    try:
        theme.set_mode("dark")
        theme.set_mode("light")
    finally:
        gc.set_threshold(*before)
    assert gc.isenabled()
