"""What would hold the window's thread and is not done in it, or only once: by counts, since times are the machine's."""

from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.core import entry
from studio.ui.app import build_ahead, load_ahead
from studio.ui.plots import LinePlot
from studio.ui.theme import Theme
from studio.ui.window import MainWindow
from tests.bench.window import adapters


class Styled(QObject):
    """Counts how often each widget is styled."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[QWidget] = Counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange and isinstance(watched, QWidget):
            self.times[watched] += 1
        return False


@pytest.fixture
def styled(qapp: QApplication) -> Iterator[Styled]:
    made = Styled()
    qapp.installEventFilter(made)
    yield made
    qapp.removeEventFilter(made)


@pytest.mark.parametrize("key", ["configure", "train", "library", "compare"])
def test_a_page_is_styled_once_however_deep_its_layouts_are(window: MainWindow, styled: Styled, key: str) -> None:
    page = window.page(key)
    inner = {made: styled.times[made] for made in page.findChildren(QWidget)}
    assert len(inner) > 50
    assert sum(inner.values()) < 2 * len(inner)


def test_another_theme_styles_a_widget_at_most_twice(window: MainWindow, styled: Styled) -> None:
    page = window.page("configure")
    styled.times.clear()
    window._switch_theme()
    inner = page.findChildren(QWidget)
    assert 0 < sum(styled.times[made] for made in inner) <= 2 * len(inner)


def test_a_plot_makes_no_widgets_that_it_does_not_show(qapp: QApplication) -> None:
    theme, before = Theme(qapp), len(qapp.allWidgets())
    made = LinePlot(theme, "loss", smoothed=True)
    assert len(qapp.allWidgets()) - before < 16
    made.deleteLater()
    theme.deleteLater()


def test_the_library_is_read_before_it_is_looked_at(window: MainWindow) -> None:
    adapters(20)
    load_ahead().join()
    read = entry._written.cache_info().misses
    window.show_page("library")
    assert entry._written.cache_info().misses == read


def test_pages_are_built_before_they_are_shown_and_do_nothing_yet(window: MainWindow, qtbot: QtBot) -> None:
    shown, loading = window._stack.currentWidget(), load_ahead()
    # What the first page asks for.
    qtbot.waitUntil(lambda: bool(window.session.desk.requests()))
    asked, children = window.session.desk.requests(), psutil.Process().children()
    build_ahead(window, loading)
    qtbot.waitUntil(lambda: {"data", "configure", "train", "library", "compare"} <= set(window._pages))
    loading.join()
    assert window._stack.currentWidget() is shown
    assert window.session.desk.requests() in (asked, [])
    assert psutil.Process().children() == children
