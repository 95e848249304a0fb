"""The dialog that mixes adapters: how strong each is to be, and the new one in the library."""

from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.core import library
from studio.core.library import Base
from studio.engine import updates
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.mix import MixDialog
from studio.ui.window import MainWindow
from tests.desks import random_adapter
from tests.models import tiny

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


@pytest.fixture
def page(window: MainWindow, tmp_path: Path) -> LibraryPage:
    """The library with two adapters, both selected."""
    model = tiny("llama", tmp_path / "llama")
    for seed, title in enumerate(("red", "blue")):
        library.add(random_adapter(model, tmp_path / title, seed), title=title, base=Base(path=str(model)))
    window.show_page("library")
    found = window.page("library")
    assert isinstance(found, LibraryPage)
    found.refresh()
    found.table.selectAll()
    QApplication.processEvents()
    return found


def opened(page: LibraryPage) -> MixDialog:
    return page.findChildren(MixDialog)[-1]


def test_two_are_mixed_into_a_third(page: LibraryPage, window: MainWindow, qtbot: QtBot) -> None:
    page.card.mix_all.click()
    dialog = opened(page)
    assert [weight.value() for weight in dialog.weights] == [0.5, 0.5]
    dialog.sliders[0].setValue(-25)
    assert dialog.weights[0].value() == -0.25
    dialog.weights[1].setValue(1.5)
    assert dialog.sliders[1].value() == 150
    assert dialog.title.text().startswith("Mix of ")
    dialog.title.selectAll()
    QTest.keyClicks(dialog.title, "  ")
    assert not dialog.make.isEnabled()
    QTest.keyClicks(dialog.title, "Both of them")
    names = [entry.name for entry in page.chosen()]
    with qtbot.waitSignal(window.session.library_changed):
        dialog.make.click()
        assert not dialog.make.isEnabled()
    made = library.find("Both-of-them")
    assert sorted(made.note.split(" + ")) == sorted([f"-0.25 {names[0]}", f"1.5 {names[1]}"])
    assert {part.rank for part in updates.trained_of(made.folder).values()} == {8}
    assert not dialog.isVisible()
    assert [entry.name for entry in page.chosen()] == [made.name], "the new one is looked at"


def test_one_is_weakened_and_what_fails_is_told(page: LibraryPage, window: MainWindow, qtbot: QtBot) -> None:
    page.table.selectRow(0)
    (entry,) = page.chosen()
    page.card.mix.click()
    dialog = opened(page)
    assert [weight.value() for weight in dialog.weights] == [0.5]
    assert dialog.windowTitle() == "Strength of an adapter"
    dialog.weights[0].setValue(0)
    assert not dialog.make.isEnabled(), "that is the base"
    for typed in ("0.3", "-0.5", "1.5", "0.255"):
        line = dialog.weights[0].lineEdit()
        line.selectAll()
        QTest.keyClicks(line, typed)
        assert dialog.weights[0].value() == float(typed)
    assert dialog.title.text() == f"{entry.title} at 0.255"
    with (entry.folder / "adapter_model.safetensors").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\xff\xff\xff\xff")
    dialog.make.click()
    qtbot.waitUntil(lambda: bool(dialog.fault.text()))
    assert "is damaged" in dialog.fault.text()
    assert dialog.make.isEnabled()
    assert len(library.entries()) == 2
    dialog.reject()
