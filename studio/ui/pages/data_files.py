"""The list of what the Data page can show: the built-in file, the versions, and what was opened before."""

from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from studio import paths
from studio.core import hub_ids
from studio.core.pinned import is_copy
from studio.core.versions import recipe
from studio.ui.parts import as_tip
from studio.ui.session import Session, demo_data
from studio.ui.theme import GRID


class DataFiles(QListWidget):
    """Data files, versions and ids of the hub.

    Signals:
        chosen: one of them, as a path.
    """

    chosen = Signal(Path)

    def __init__(self, session: Session) -> None:
        """Lists nothing before `fill`."""
        super().__init__()
        self._session = session
        self.setAccessibleName(self.tr("Data files"))
        self.setFixedWidth(27 * GRID)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # files of a kind often end alike or begin alike
        self.itemActivated.connect(self._chosen)
        self.itemClicked.connect(self._chosen)

    def fill(self, current: Path | None) -> None:
        """Lists all there is now."""
        self.clear()
        listed = [
            demo_data(),
            *self._session.read(recipe.listed),
            *(hub_ids.placed(Path(name)) for name in self._session.settings.recent_data if not is_copy(Path(name))),
        ]
        for path in dict.fromkeys(listed):
            version = paths.is_version(path)
            icon = "branch" if version else "folder" if path.is_dir() or hub_ids.says_so(path) else "file"
            item = QListWidgetItem(self._session.theme.icon(icon), title(path))
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            tip = self.tr("Version: {path}").format(path=path) if version else hub_ids.spelled(path)
            item.setToolTip(as_tip(tip))
            self.addItem(item)
            if path == current:
                self.setCurrentItem(item)

    def _chosen(self, item: QListWidgetItem) -> None:
        self.chosen.emit(Path(item.data(Qt.ItemDataRole.UserRole)))


def title(path: Path) -> str:
    """Returns what data is called: a version by its name, a dataset of the hub by its id, a file by its own."""
    if path == demo_data():
        return QCoreApplication.translate("DataFiles", "Shop letters (built in)")
    if paths.is_version(path):
        return recipe.name_of(path)
    found = hub_ids.parse(str(path)) if hub_ids.says_so(path) else None
    return str(found).removeprefix("hf://datasets/") if found is not None else path.name
