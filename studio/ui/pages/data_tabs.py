"""The tabs of what the Data page shows: its rows, those that are rejected, its audit and its lengths."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QTabWidget

from studio.ui.pages.data_insight import Insight
from studio.ui.pages.data_rejected import Origin, Rejected
from studio.ui.pages.data_rows import RowsView
from studio.ui.parts import dress_tabs

if TYPE_CHECKING:
    from studio.core.data.index import RowIndex


class DataTabs(QTabWidget):
    """The tabs; those of rows say how many there are."""

    def __init__(self, rows: RowsView, rejected: Rejected, insight: Insight) -> None:
        """Shows no rows yet."""
        super().__init__()
        self._rows, self._rejected = rows, rejected
        dress_tabs(self, self.tr("Usable and rejected rows"))
        self.addTab(rows, "")
        self.addTab(rejected, "")
        self.addTab(insight.audit, self.tr("Audit"))
        self.addTab(insight.lengths, self.tr("Lengths"))

    def show_rows(self) -> None:
        """Brings the rows forward."""
        self.setCurrentIndex(0)

    def show_rejected(self) -> None:
        """Brings the rejected rows forward if there are any, else all rows."""
        self.setCurrentIndex(int(self.isTabVisible(1)))

    def count_rows(self, count: int) -> None:
        """Says how many rows there are."""
        self.setTabText(0, self.tr("Rows ({count})").format(count=f"{count:,}"))

    def set_rejected(
        self, items: list[dict[str, Any]], origins: Sequence[Origin], count: int, index: "RowIndex | None"
    ) -> None:
        """Lists rejected rows, `count` in all, as `Rejected.set_items` does; without any there is no such tab."""
        self.setTabText(1, self.tr("Rejected ({count})").format(count=f"{count:,}"))
        focused = self._rejected.table.hasFocus()
        self.setTabVisible(1, bool(count))
        if focused and not count:
            self._rows.table.setFocus()
        self._rejected.set_items(items, origins, index)
