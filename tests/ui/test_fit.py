"""Every page at every size, in both themes: no word is cut off, nothing lies outside the page."""

from dataclasses import asdict, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QTabBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.core import desk, evaluations, events, library
from studio.core.audit.findings import KINDS
from studio.core.config import to_dict
from studio.core.errors import Reason
from studio.core.evaluations import Evaluate, Read, Result
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.evaluation_setup import FILE
from studio.ui.models import RunModel
from studio.ui.pages.compare import EVALUATION, ComparePage
from studio.ui.pages.compare_rows import Begun
from studio.ui.pages.data import DataPage
from studio.ui.pages.data_columns import ColumnsDialog
from studio.ui.pages.data_steps import StepDialog
from studio.ui.pages.library import LibraryPage
from studio.ui.pages.train import TrainPage
from studio.ui.session import demo_data
from studio.ui.theme import GRID
from studio.ui.window import MainWindow
from tests.core.test_library import added
from tests.ui.told import evaluated, finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

PAGES = ("welcome", "data", "configure", "train", "library", "compare")
BASE, BEST = evaluated(0, 12.35, False), replace(evaluated(290, 0.4321, True), reward_accuracy=1.0)
# Of runs by preference and of those with evaluation rows the most is told.
PREFERRING = [replace(step(number, 9 / number), reward_accuracy=0.5, reward_margin=0.1) for number in range(1, 300)]
_CONTROLS = (QAbstractButton, QLineEdit, QSpinBox, QComboBox, QPlainTextEdit, QAbstractItemView)
_INNER = (QLineEdit, QAbstractSpinBox, QComboBox, QTabBar, QAbstractItemView)


def fill(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    """Brings every page into the state in which it shows most."""
    run = made_run("a run with a rather long name, as people give them")
    tell(run, prepared(12_345), BASE, *PREFERRING, BEST)
    killed = events.Failed(
        reason="run", message="It was killed.", hint="Resume it.", detail="Its last words.", killed=True
    )
    tell(run, killed)
    model = window.session.model_of(run)
    with qtbot.waitSignal(model.stopped):
        pass
    window.session.run_wanted.emit(run)
    base, tags = library.Base(path="demo"), ["letters", "a longer tag", "keep"]
    title = "an adapter with a long name that says a lot"
    entry = added(folder, title, base=base, tags=tags, note="word " * 40)
    window.session.library_changed.emit()
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    assert page.entry() == entry
    data = window.page("data")
    assert isinstance(data, DataPage)
    data.receive(demo_data())
    qtbot.waitUntil(lambda: data.table_model.rowCount() == 800)
    window.session.compare_wanted.emit([entry])
    compare = window.page("compare")
    assert isinstance(compare, ComparePage)
    compare._make_columns([title])
    compare._update()


@pytest.mark.parametrize("size", [(960, 600), (1280, 720), (3840, 2160)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_is_cut_off(window: MainWindow, qtbot: QtBot, size: tuple[int, int], tmp_path: Path) -> None:
    for key in PAGES:
        window.page(key)
    found = sweep(window, size)
    fill(window, qtbot, tmp_path)
    found += sweep(window, size)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("size", [(960, 600), (1280, 720)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("reason", ["memory", "diverged"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_failure_and_its_curves_are_whole(
    window: MainWindow, qtbot: QtBot, qapp: QApplication, size: tuple[int, int], reason: Reason, language: str
) -> None:
    words.speak(qapp, language)
    window.resize(*size)
    well, failed = made_run("well"), made_run("failed")
    hint = (
        "Resume with activations computed again in the backward pass: far less memory, slower. Rows and batches stay."
    )
    failure = events.Failed(reason=reason, message="It failed.", hint=hint, detail="Rows of the step.")
    planned = replace(prepared(12_345), micro_batch_tokens=2048, tokens_per_epoch=12_345 * 4096)
    tell(well, planned, BASE, *PREFERRING, BEST, finished(299))
    tell(failed, planned, BASE, *PREFERRING, BEST, failure)
    page = window.page("train")
    assert isinstance(page, TrainPage)
    bar = page.view.area.verticalScrollBar()
    for run in (well, failed):
        model = window.session.model_of(run)
        # The page may have followed it before.
        qtbot.waitUntil(partial(_has_ended, model))
        window.session.run_wanted.emit(run)
        qtbot.waitUntil(partial(_failed, page, run is failed))
        QApplication.processEvents()
        # The curves' head makes itself small once it knows what room there is.
        qtbot.waitUntil(lambda: not page.view.area.horizontalScrollBar().isVisible())
        QApplication.processEvents()
        assert not faults(window)
        canvases = [plot.canvas for plot in page.view.curves.plots.values() if plot.isVisible()]
        assert len(canvases) == 5
        assert all(canvas.height() >= canvas.minimumHeight() for canvas in canvases)
        if run is well:
            assert not bar.maximum()
    bar.setValue(bar.maximum())
    assert all(not canvas.visibleRegion().isEmpty() for canvas in canvases)
    window.session.tell("Said.", "bad")
    told = window.notices.geometry()
    middle = window.centralWidget()
    assert middle is not None
    assert told.right() < page.view.area.mapTo(middle, QPoint()).x()
    words.speak(qapp, "en")


@pytest.mark.parametrize("size", [(960, 600), (1280, 720)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_an_evaluation_and_its_failure_are_whole(
    window: MainWindow, qtbot: QtBot, size: tuple[int, int], mode: str
) -> None:
    window.session.theme.set_mode(mode)
    window.resize(*size)
    window.show_page("compare")
    page = window.page("compare")
    assert isinstance(page, ComparePage)
    page.show_mode(EVALUATION)
    made = page.evaluation
    qtbot.waitUntil(lambda: not faults(window), timeout=10_000)
    assert made.area.horizontalScrollBar().maximum() == made.area.verticalScrollBar().maximum() == 0
    failure = desk.Failed(id=1, reason="memory", message="The memory is not enough.", hint="Close other programs. " * 5)
    made._fail(failure)
    qtbot.waitUntil(lambda: made.failure.isVisible() and not faults(window), timeout=10_000)
    QApplication.processEvents()
    assert not made.area.horizontalScrollBar().maximum()
    made.setup.source.setCurrentIndex(made.setup.source.findData(FILE))
    title = "an adapter with a title that is far longer than what there is room for in a table"
    made._begin(an_evaluation(title, "two"))
    parts = [made.setup, made.run_button, made.failure, made.figures_table, made.order, made.table, made.row_view]
    # The setup lays its boxes out by the room it gets, and then asks for another.
    qtbot.waitUntil(lambda: _one_below_another(window, parts), timeout=10_000)
    qtbot.waitUntil(lambda: not faults(window), timeout=10_000)
    assert not made.area.horizontalScrollBar().maximum()
    assert made.table.viewport().height() >= 3 * made.table.rowHeight(0)
    assert made.setup.file.width() >= 20 * GRID
    assert made.setup.match.width() >= 20 * GRID
    figures = made.figures_table
    assert figures.columnViewportPosition(1) + figures.columnWidth(1) <= figures.viewport().width(), "the loss is seen"
    assert made.row_view.columns[0].box.height() >= 5 * GRID


def _one_below_another(window: MainWindow, parts: list[QWidget]) -> bool:
    places = [QRect(part.mapTo(window, QPoint()), part.size()) for part in parts]
    return all(one.bottom() < other.top() for one, other in pairwise(places))


def an_evaluation(*titles: str) -> Begun:
    """Returns an evaluation of some rows by a base and so many adapters."""
    config = evaluations.on_data({"path": "x.jsonl"}, None)
    asked = Evaluate(config=to_dict(config), adapters=[None, *titles], answers=True)
    columns = {at: Read(losses=[1.0], answer="an answer") for at in range(len(titles) + 1)}
    said = {"exact": 1.0, "contains": 1.0, "f1": 0.5, "rouge_l": 0.5}
    rows = [
        Result(row=row, place=(0, row), asked="words " * 30, own="own", tokens=[5], columns=columns,
               measured=[said | {"loss": row / (at + 1)} for at in columns]) for row in range(40)
    ]  # fmt: skip
    return Begun(asked, config, titles, rows, goes_on=False)


@pytest.mark.parametrize("size", [(960, 600), (1280, 720)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_finding_of_an_audit_is_whole(window: MainWindow, qtbot: QtBot, size: tuple[int, int]) -> None:
    window.resize(*size)
    window.show_page("data")
    data = window.page("data")
    assert isinstance(data, DataPage)
    data.receive(demo_data())
    qtbot.waitUntil(lambda: "valid" in data.plain.known)
    audit = data.insight.audit
    data._tabs.setCurrentWidget(audit)
    audit.setCurrentIndex(1)
    audit._take([asdict(kind) | {"key": key, "count": 1_234_567} for key, kind in KINDS.items()])
    audit.mark(["special", "cut"], "cut")
    qtbot.waitUntil(lambda: not faults(window), timeout=10_000)
    (area,) = audit.findChildren(QScrollArea)
    inner = area.widget()
    assert inner is not None
    assert inner.width() == area.viewport().width()


def test_a_long_column_name_widens_no_dialog(qtbot: QtBot) -> None:
    name, host = "z" * 200, QWidget()
    qtbot.addWidget(host)
    step = StepDialog(host, "Split", "It is split.")
    step.choice("The same share in each", [("", "(nothing)"), (name, name)])
    columns = ColumnsDialog(host, [{"text": "a", name: "b"}], "text", {"text": name})
    assert step.sizeHint().width() < 700
    assert columns.sizeHint().width() < 700


def _has_ended(model: RunModel) -> bool:
    return model.progress.finished is not None or model.progress.failed is not None


def _failed(page: TrainPage, expected: bool) -> bool:
    return page.view.failure.isVisible() == expected


def sweep(window: MainWindow, size: tuple[int, int]) -> list[str]:
    """Looks at each page in both themes; returns what is wrong."""
    found = []
    window.resize(*size)
    for mode in ("light", "dark"):
        window.session.theme.set_mode(mode)
        assert window.session.theme.palette.dark == (mode == "dark")
        for key in PAGES:
            window.show_page(key)
            for _ in range(3):
                QApplication.processEvents()
            assert (window.width(), window.height()) == size, key
            page = window.page(key)
            if faults(window):
                # What threads tell meanwhile is laid out in the turns after.
                QTest.qWait(300)
            found += [f"{mode} {key}: {fault}" for fault in (*faults(window), *unnamed(page))]
            # The columns of a comparison are as many as are asked.
            areas = page.findChildren(QScrollArea) if key != "compare" else []
            found += [f"{mode} {key} scrolls sideways" for area in areas if area.horizontalScrollBar().isVisible()]
    return list(dict.fromkeys(found))


def faults(window: MainWindow) -> list[str]:
    found = []
    for made in window.findChildren(QWidget):
        if not made.isVisible() or _is_part(made):
            continue
        if isinstance(made, QLabel | QPushButton | QCheckBox | QToolButton):
            found += [f"cut: {_said(made)}"] if is_cut(made) else []
        if isinstance(made, _CONTROLS) and not _scrolls(made) and not _whole(made):
            found.append(f"outside: {_said(made)}")
    return found


def is_cut(made: QLabel | QAbstractButton) -> bool:
    if isinstance(made, Elided):
        return False
    if isinstance(made, QLabel) and made.wordWrap():
        return made.height() < made.heightForWidth(made.width())
    # A button's least size is that of its text; the look may give it more room where there is some.
    wanted = made.sizeHint() if isinstance(made, QLabel) else made.sizeHint().boundedTo(made.minimumSizeHint())
    return made.width() < wanted.width() or made.height() < wanted.height()


def unnamed(page: QWidget) -> list[str]:
    ours = [made for made in page.findChildren(QWidget) if isinstance(made, _CONTROLS) and not _is_part(made)]
    return [f"no name: {type(made).__name__}" for made in ours if not made.accessibleName()]


def _whole(made: QWidget) -> bool:
    """Whether no edge of the widgets around it cuts a piece off."""
    return made.visibleRegion().boundingRect().contains(made.rect()) or made.visibleRegion().isEmpty()


def _scrolls(made: QWidget) -> bool:
    parent = made.parentWidget()
    return parent is not None and (isinstance(parent, QScrollArea) or _scrolls(parent))


def _is_part(made: QWidget) -> bool:
    """Whether Qt itself made it, inside a control of ours."""
    parent = made.parentWidget()
    return isinstance(parent, _INNER) or (parent is not None and "Private" in parent.metaObject().className())


def _said(made: QWidget) -> str:
    text = getattr(made, "text", lambda: "")()
    return f"{type(made).__name__} `{text[:40]}` {made.width()}x{made.height()} of {made.sizeHint().toTuple()}"
