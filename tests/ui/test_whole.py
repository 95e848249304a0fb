"""A box for whole numbers takes whatever is typed, and its arrows keep within the bounds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.ui.whole import Whole

LOW, HIGH = 8, 1024
UP, DOWN = Qt.Key.Key_Up, Qt.Key.Key_Down


@pytest.fixture
def box(qtbot: QtBot) -> Whole:
    made = Whole(LOW, HIGH)
    qtbot.addWidget(made)
    made.setValue(512)
    return made


def told(box: Whole) -> list[object]:
    found: list[object] = []
    box.typed.connect(found.append)
    return found


@given(st.integers(-(2**31) + 1, 2**31 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatever_is_typed_is_told_whole(box: Whole, number: int) -> None:
    box.setValue(512)
    found = told(box)
    box.selectAll()
    QTest.keyClicks(box, str(number))
    assert found[-1] == number
    assert box.text() == str(number)


def test_a_text_that_is_no_number_is_told_and_so_is_what_takes_its_place(box: Whole) -> None:
    found = told(box)
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    assert found.pop() == ""
    QTest.keyClick(box, Qt.Key.Key_Minus)
    assert found.pop() == "-"
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert found.pop() == int(box.text()) == 512
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClicks(box, "512")
    assert found.pop() == 512, "also where it is the number of before"
    box.clear()
    count = len(found)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert len(found) == count, "what nobody typed is no edit"


@pytest.mark.parametrize(
    ("at", "key", "then"),
    [(512, UP, 513), (HIGH, UP, HIGH), (LOW, DOWN, LOW), (3, UP, LOW), (3, DOWN, 3), (99_999, DOWN, HIGH)],
)
def test_the_arrows_stay_within_the_bounds_and_lead_back_to_them(box: Whole, at: int, key: Qt.Key, then: int) -> None:
    box.setValue(at)
    QTest.keyClick(box, key)
    assert box.value() == then


def test_an_arrow_that_leads_nowhere_is_grey(box: Whole) -> None:
    flags = Whole.StepEnabledFlag
    box.setValue(LOW)
    assert box.stepEnabled() == flags.StepUpEnabled
    box.setValue(HIGH)
    assert box.stepEnabled() == flags.StepDownEnabled
    box.setValue(100)
    assert box.stepEnabled() == flags.StepUpEnabled | flags.StepDownEnabled
