"""The window: PySide6 and, for one histogram, pyqtgraph, never torch."""

import os

# Else Qt's classes are made when first used, and two threads that use some at once end the process: pages are loaded in
# a thread while the window is up. Costs 60 ms of the start.
os.environ.setdefault("PYSIDE6_OPTION_LAZY", "0")

# Shiboken reads the source of every module that is loaded after Qt: what the window needs of the core comes before.
import studio.core.config_file
import studio.core.desk
import studio.core.launch
import studio.core.library
import studio.core.settings  # noqa: F401
