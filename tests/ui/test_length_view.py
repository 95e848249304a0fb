"""The length explorer: figures that follow the line, quickly."""

import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from studio.core.audit.lengths import Lengths
from studio.core.config import TrainingSpec
from studio.ui.elided import Elided
from studio.ui.length_view import LengthView
from studio.ui.theme import Theme
from tests.ui.test_fit import is_cut

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def lengths(count: int) -> Lengths:
    tokens = np.random.default_rng(0).integers(20, 1000, count).astype(np.int32)
    ones = np.ones_like(tokens)
    return Lengths(np.arange(count, dtype=np.int32), tokens, tokens // 4, tokens // 2, tokens, ones, -ones, 0 * ones)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> LengthView:
    made = LengthView(theme)
    qtbot.addWidget(made)
    made.resize(800, 500)
    made.show()
    return made


def dragged(view: LengthView, to: float) -> None:
    view._line.setValue(to)
    view._line.sigDragged.emit(view._line)


def test_a_line_behind_all_rows_is_dragged_from_the_edge(view: LengthView, qtbot: QtBot) -> None:
    view.show_lengths(lengths(1000), 100_000, TrainingSpec())
    assert view.cutoff == 100_000
    port, box = view._plot.viewport(), view._plot.getViewBox()
    end, y = view._line.value(), float(view._bars.opts["height"].max()) / 2
    places = [view._plot.mapFromScene(box.mapViewToScene(QPointF(x, y))) for x in (end, 0.8 * end, end / 2)]
    assert port.rect().contains(places[0])
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        moved = QMouseEvent(
            QMouseEvent.Type.MouseMove,
            QPointF(place),
            QPointF(port.mapToGlobal(place)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(port, moved)
        qtbot.wait(50)  # the library takes moves at most so often
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=places[-1])
    assert abs(view.cutoff - end / 2) < 0.05 * end


def test_the_figures_follow_the_line(view: LengthView, qtbot: QtBot) -> None:
    shown, spec = lengths(1000), TrainingSpec()
    view.show_lengths(shown, 500, spec)
    assert view.cutoff == view.box.value() == 500
    at = shown.at(500)
    assert view.figure("cut").startswith(f"{at.cut:,}  (")
    dragged(view, 240.4)
    at = shown.at(240)
    assert view.box.value() == view.cutoff == 240
    assert view.figure("lost").split()[0] == f"{at.lost:,}"
    assert view.figure("tokens") == f"{at.tokens:,}"
    assert view.figure("padded") == f"{shown.steps(240, spec, packing=False):,}"
    qtbot.waitUntil(lambda: view.figure("packed") == f"{shown.steps(240, spec, packing=True):,}")
    view.box.setValue(200)
    assert view.figure("packed") == f"\u2248 {shown.least_steps(200, spec):,}"
    view.box.setValue(2000)
    assert view._line.value() == view._bars.opts["x1"][-1] < 2000, "at the edge, to be taken hold of"
    assert view.figure("cut") == "0"


def test_long_texts_are_counted_in_chunks_where_they_are_made(view: LengthView) -> None:
    rows = lengths(100)
    texts = replace(rows, begins=np.where(rows.rows % 2 == 0, 1, -1).astype(np.int32))
    view.show_lengths(texts, 100, TrainingSpec())
    assert view.figure("sequences") == f"{texts.at(100).rows:,}"
    view.show_lengths(texts, 100, TrainingSpec(), overlap=10)
    at = texts.at(100, 10)
    assert at.sequences > at.rows
    assert view.figure("sequences") == f"{at.sequences:,}  ({at.chunked:,} texts in chunks)"
    assert view.figure("cut").split()[0] == str(at.cut) != str(texts.at(100).cut)


def test_the_length_is_taken_by_a_button(view: LengthView, qtbot: QtBot) -> None:
    view.show_lengths(lengths(50), 300, TrainingSpec())
    use = next(item for item in view.findChildren(QPushButton) if item.text() == "Use this length")
    with qtbot.waitSignal(view.chosen) as told:
        use.click()
    assert told.args == [300]


def test_a_drag_over_many_rows_is_quick(view: LengthView, qtbot: QtBot) -> None:
    view.show_lengths(lengths(100_000), 500, TrainingSpec())
    QApplication.processEvents()
    took = []
    for cutoff in range(100, 900, 40):
        started = time.thread_time()
        dragged(view, cutoff)
        took.append(time.thread_time() - started)
    # Processor time, and a goal of 16 ms: so slow a machine is none to train on.
    assert np.median(took) < 0.016


def test_no_rows_are_no_fault(view: LengthView) -> None:
    view.show_lengths(lengths(0), 100, TrainingSpec())
    assert view.figure("cut") == "\u2013"


def test_both_themes(view: LengthView) -> None:
    view.show_lengths(lengths(10), 100, TrainingSpec())
    view._theme.set_mode("dark")
    assert view._plot.backgroundBrush().color().name() == view._theme.palette.panel


def test_one_row_far_longer_than_the_others_leaves_them_readable(view: LengthView) -> None:
    rows = lengths(1000)
    tokens = rows.tokens.copy()
    tokens[7] = 90_000
    view.show_lengths(replace(rows, tokens=tokens), 500, TrainingSpec())
    assert view.rest.isVisible()
    assert view.rest.text().endswith("to 90,000 tokens")
    end = view._bars.opts["x1"][-1]
    assert 900 < end < 1000
    assert sum(view._bars.opts["height"]) == 1000
    view.show_lengths(replace(rows, tokens=tokens), 4000, TrainingSpec())
    assert 4000 <= view._bars.opts["x1"][-1] < 4100, "the line is in sight"
    view.show_lengths(rows, 500, TrainingSpec())
    assert not view.rest.isVisible()
    assert 0 <= view._bars.opts["x1"][-1] - rows.tokens.max() < 10


def test_two_answers_are_never_packed(view: LengthView, qtbot: QtBot) -> None:
    pairs = replace(lengths(100), other=np.full(100, 20, np.int32))
    view.show_lengths(pairs, 500, TrainingSpec())
    view._count_packed()
    assert view.figure("packed") == "\u2013"
    fed = int(np.minimum(pairs.tokens, 500).sum()) + 100 * 20
    assert view.figure("tokens") == f"{fed:,}"


def test_all_is_said_in_the_least_window(view: LengthView) -> None:
    view.resize(512, 330)
    view.show_lengths(lengths(5000), 16, TrainingSpec())
    QApplication.processEvents()
    assert view.figure("cut") == "5,000  (100.0%)"
    assert view.width() == 512
    assert [made.text() for made in view.findChildren(QLabel) if made.isVisible() and is_cut(made)] == []
    assert [made.text() for made in view.findChildren(Elided) if made.width() < made.sizeHint().width()] == []
    view.box.setValue(100_000)
    QApplication.processEvents()
    assert view.width() == 512
    use = next(item for item in view.findChildren(QPushButton) if item.text() == "Use this length")
    assert use.geometry().left() > view.box.geometry().right()
    assert view._hint.text().startswith("The longest row has")
