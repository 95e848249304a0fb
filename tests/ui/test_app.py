"""What a start loads behind the window's back."""

import subprocess
import sys

# Every class of Qt is used by two threads at once, from either end, as often as Python changes between them.
TOGETHER = """
import sys
import threading

import studio.ui
from PySide6 import QtCore, QtGui, QtWidgets

def use(backwards):
    for module in (QtCore, QtGui, QtWidgets):
        for name in sorted(dir(module), reverse=backwards):
            getattr(module, name)

sys.setswitchinterval(1e-6)
other = threading.Thread(target=use, args=(True,))
other.start()
use(False)
other.join()
"""


def test_threads_may_use_the_classes_of_qt_together() -> None:
    ended = subprocess.run([sys.executable, "-X", "faulthandler", "-c", TOGETHER], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
