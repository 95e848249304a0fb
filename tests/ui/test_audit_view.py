"""An audit on screen: as it goes on, what it found, what is asked for, and how it fails; with a real desk."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from studio.core import desk
from studio.core.desk import Audited
from studio.ui.audit_view import AuditView
from studio.ui.desk import Desk
from studio.ui.theme import Theme
from tests.models import bare_model

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
WAIT_MS = 120_000


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> AuditView:
    made = AuditView(theme)
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


@pytest.fixture
def asked(qtbot: QtBot, theme: Theme) -> Iterator[Desk]:
    made = Desk(theme)
    yield made
    made.close()


@pytest.fixture
def request_of(tmp_path: Path) -> desk.Audit:
    folder = bare_model(tmp_path / "model")
    file = tmp_path / "rows.jsonl"
    row = {"prompt": "Who?", "completion": "You can write to jane.roe@corp.org about all of it, she is there."}
    file.write_text("\n".join([json.dumps(row)] * 2 + ['{"x": 1}']), encoding="utf-8")
    return desk.Audit(file=str(file), model=str(folder))


def press(view: AuditView, text: str, at: int = 0) -> None:
    QApplication.processEvents()
    [item for item in view.findChildren(QPushButton) if item.text() == text and item.isVisible()][at].click()


def said(view: AuditView) -> str:
    QApplication.processEvents()
    return "\n".join(item.text() for item in view.findChildren(QLabel) if item.isVisible())


def test_an_audit_is_offered_done_and_its_findings_can_be_worked_with(
    view: AuditView, asked: Desk, request_of: desk.Audit, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(view.wanted):
        press(view, "Audit this dataset")
    call = asked.ask(request_of)
    with qtbot.waitSignal(view.done, timeout=WAIT_MS) as done:
        view.follow(call)
        assert view.currentIndex() == 1
    assert isinstance(done.args[0], Audited)
    assert {"unusable", "duplicate", "mail"} <= set(view.findings)
    text = said(view)
    assert "Exact duplicates" in text
    assert f"Rows: 3. Kinds of findings: {len(view.findings)}." in text
    order = [item.text() for item in view.findChildren(QLabel) if item.text() in ("serious", "worth a look", "to know")]
    assert order == sorted(order, key=["serious", "worth a look", "to know"].index)
    with qtbot.waitSignal(view.mending_wanted) as mended:
        press(view, "Put stand-ins there")
    assert mended.args[0] == "mail"
    with qtbot.waitSignal(view.rows_wanted) as rows:
        press(view, "Show the rows", 1)
    assert rows.args[0] in view.findings


def test_an_audit_that_fails_says_why(view: AuditView, asked: Desk, tmp_path: Path, qtbot: QtBot) -> None:
    call = asked.ask(desk.Audit(file=str(tmp_path / "none.jsonl")))
    with qtbot.waitSignal(call.failed, timeout=WAIT_MS):
        view.follow(call)
    assert "There is no file" in view.failure.said
    press(view, "Audit again")


def test_an_audit_is_cancelled_and_offered_again(
    view: AuditView, asked: Desk, request_of: desk.Audit, qtbot: QtBot
) -> None:
    call = asked.ask(request_of)
    view.follow(call)
    with qtbot.waitSignal(call.ended, timeout=WAIT_MS):
        press(view, "Cancel")
    assert view.currentIndex() == 0
    assert view.findings == {}


@pytest.mark.parametrize("remedy", ["exclude", "redact"])
def test_a_finding_is_whole_in_the_smallest_window(view: AuditView, remedy: str) -> None:
    title, why = "Special tokens inside the text, or whatever a longer title names", "The text forges one."
    view.resize(480, 400)
    view.setCurrentIndex(1)
    view._take([{"key": "k", "severity": "warning", "count": 123_456, "why": why, "remedy": remedy, "title": title}])
    for mended in ([], ["k"]):
        view.mark(mended, "k" if mended else "")
        QApplication.processEvents()
        buttons = [made for made in view.findChildren(QPushButton) if made.isVisible() and made.text()]
        assert buttons
        for made in buttons:
            assert made.visibleRegion().boundingRect() == made.rect(), made.text()
            assert made.width() >= made.minimumSizeHint().width()


def named(view: AuditView, name: str) -> QPushButton:
    found = [made for made in view.findChildren(QPushButton) if made.accessibleName() == name and made.isVisible()]
    assert len(found) == 1
    return found[0]


def test_the_focus_and_the_place_stay_at_the_finding_that_is_mended(view: AuditView, qtbot: QtBot) -> None:
    about = {"severity": "warning", "count": 3, "why": "So.", "remedy": "exclude"}
    items = [about | {"key": f"k{at}", "title": f"Finding {at}"} for at in range(20)]
    mend, undo = "Leave these rows out: Finding 12", "Undo: Finding 12"
    view.activateWindow()
    view.setCurrentIndex(1)
    view._take(items[:15])
    (area,) = view.findChildren(QScrollArea)
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    named(view, mend).setFocus()
    area.ensureWidgetVisible(named(view, mend))
    place = bar.value()
    assert place > 0
    view.mending_wanted.connect(lambda key, _title: view.mark([key], key))
    view.undo_wanted.connect(lambda: view.mark([], ""))
    for pressed, follows in ((mend, undo), (undo, mend)):
        named(view, pressed).click()
        QApplication.processEvents()
        assert QApplication.focusWidget() is named(view, follows)
        assert bar.value() == place
    view._take([*items[15:], items[3] | {"severity": "error"}])
    QApplication.processEvents()
    assert QApplication.focusWidget() is named(view, mend)
    tops = [named(view, f"Show the rows: Finding {at}").mapTo(view, QPoint()).y() for at in (3, 0, 15)]
    assert tops == sorted(tops)
    view.mark(["k12", "k4"], "k4")
    assert QApplication.focusWidget() is named(view, "Show the rows: Finding 12")
    assert said(view).count("done") == 2
