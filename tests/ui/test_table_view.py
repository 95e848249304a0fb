"""A table of any page: what it says while it is empty, and that letters are asked for first."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.ui.table_view import TableView, dress


def test_an_empty_table_says_so_in_its_middle(qtbot: QtBot) -> None:
    table, model = TableView(), QStandardItemModel()
    qtbot.addWidget(table)
    dress(table, model, "Things")
    table.resize(300, 200)
    blank = table.grab().toImage()
    table.none = "Nothing is like this."
    assert table.grab().toImage() != blank
    model.appendRow(QStandardItem("one"))
    full = table.grab().toImage()
    table.none = ""
    assert table.grab().toImage() == full


def test_keys_that_are_commands_are_taken_and_the_rest_are_as_in_any_table(qtbot: QtBot) -> None:
    asked: list[int] = []

    def pressed(key: int) -> bool:
        asked.append(key)
        return key == Qt.Key.Key_X

    table, model = TableView(pressed), QStandardItemModel()
    qtbot.addWidget(table)
    dress(table, model, "Things")
    for text in ("alpha", "xylem"):
        model.appendRow(QStandardItem(text))
    table.setCurrentIndex(model.index(0, 0))
    QTest.keyClick(table, Qt.Key.Key_X)
    assert table.currentIndex().row() == 0
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert table.currentIndex().row() == 1
    QTest.keyClick(table, Qt.Key.Key_X, Qt.KeyboardModifier.AltModifier)
    assert asked == [Qt.Key.Key_X, Qt.Key.Key_Down]


def test_a_long_column_name_gives_way_in_its_middle(qtbot: QtBot) -> None:
    table, model = TableView(), QStandardItemModel(1, 2)
    qtbot.addWidget(table)
    dress(table, model, "Things")
    table.setColumnWidth(0, 60)
    pictures = []
    for name in ("a_rather_long_name_1", "a_rather_long_name_2"):
        model.setHorizontalHeaderLabels([name, "b"])
        pictures.append(table.grab().toImage())
    assert pictures[0] != pictures[1]
