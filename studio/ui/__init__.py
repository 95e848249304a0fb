"""The window: PySide6 and pyqtgraph, never torch."""

# Shiboken reads the source of every module that is loaded after Qt: what the window needs of the core comes before.
from studio.core import config_file, desk, launch, library, settings  # noqa: F401
