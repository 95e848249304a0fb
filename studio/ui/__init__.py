"""The window: PySide6 and, for one histogram, pyqtgraph, never torch."""

# Shiboken reads the source of every module that is loaded after Qt: what the window needs of the core comes before.
import studio.core.config_file
import studio.core.desk
import studio.core.launch
import studio.core.library
import studio.core.settings  # noqa: F401
