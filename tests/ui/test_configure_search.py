"""Settings found by name on the Configure page, basic or not."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.ui.pages.configure import ConfigurePage
from studio.ui.window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")


@pytest.fixture
def page(window: MainWindow) -> ConfigurePage:
    window.show_page("configure")
    found = window.page("configure")
    assert isinstance(found, ConfigurePage)
    found._show_all(False)
    return found


def seen(page: ConfigurePage) -> set[str]:
    QApplication.processEvents()
    return {key for key, field in page.fields.items() if field.editor.isVisible()}


def test_a_setting_is_found_by_its_name_its_title_and_its_help(page: ConfigurePage) -> None:
    basic = seen(page)
    assert "training.weight_decay" not in basic
    for typed in ("weight_decay", "Weight  DECAY", "training.weight_d"):
        page.search.setText(typed)
        assert seen(page) == {"training.weight_decay"}
    page.search.setText("recomputes")  # stands in a help alone
    assert seen(page) == {"training.activation_checkpointing"}
    assert not any(made.isEnabled() for made in page._depths)
    page.search.clear()
    assert seen(page) == basic
    assert all(made.isEnabled() for made in page._depths)


def test_what_no_setting_is_called_is_said(page: ConfigurePage) -> None:
    page.search.setText("no such thing")
    assert seen(page) == set()
    assert page._none.isVisible()
    page.search.setText("   ")
    assert not page._none.isVisible()
    assert seen(page)


def test_it_is_reached_and_left_by_keyboard_from_either_view(page: ConfigurePage, window: MainWindow) -> None:
    page._sections["adapter"].heading.setChecked(False)
    basic = seen(page)
    assert "adapter.r" not in basic
    page._show_view(1)
    QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.search.hasFocus()
    QTest.keyClicks(page.search, "lora_alpha")
    assert page._views.currentIndex() == 0
    assert seen(page) == {"adapter.lora_alpha"}
    QTest.keyClick(page.search, Qt.Key.Key_Escape)
    assert page.search.text() == ""
    assert "adapter.r" in seen(page)


def test_what_is_gone_to_is_shown_whatever_is_searched_for(page: ConfigurePage) -> None:
    page.search.setText("lora_alpha")
    page.go_to("training.seed")
    assert page.search.text() == ""
    assert "training.seed" in seen(page)
    page.search.setText("seed")
    page.go_to("training.seed")
    assert page.search.text() == "seed", "it is among what is searched for"
