"""What a run told besides its numbers, on the Train page."""

from dataclasses import replace

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from studio.core import events
from studio.core.progress import Progress
from studio.ui import words
from studio.ui.pages.run_happened import RunHappened
from studio.ui.window import MainWindow
from tests.ui.test_run_view import shown, told_run
from tests.ui.told import made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
PADDED = "This model does not keep rows laid end to end apart; batches are padded instead."


def test_what_happened_is_listed_and_stays_while_it_is_read(window: MainWindow, qtbot: QtBot) -> None:
    run = made_run("told")
    refused = "step-000003 is damaged: the file <b>optimizer.pt</b> has changed."
    tell(run, replace(prepared(9), rejected_rows=3, untrained_rows=2, truncated_rows=1), events.Notice(message=PADDED))
    tell(run, step(1, 2.0), events.Resumed(step=1, checkpoint="step-1", refused=[refused]), step(2, 1.0))
    view = shown(window, qtbot, run)
    view.tabs.setCurrentWidget(view.happened)
    assert view.tabs.tabText(view.tabs.currentIndex()) == "History"
    told = [made.text().replace("\u200b", "") for made in view.happened.texts]
    assert told == ["It went on behind step 1.", refused, PADDED]
    for said in ("cannot be read: 3", "nothing to learn from: 2", "rejected.jsonl", "maximum length: 1"):
        assert said in view.happened.counts.text()
    first = view.happened.texts[-1]
    first.setSelection(0, 4)
    model = window.session.model_of(run)
    model._receive([step(3, 0.9)])
    view._refresh()
    assert first.selectedText() == "This", "a step is nothing that happened"
    model._receive([events.Notice(step=3, message="More.")])
    view._refresh()
    assert view.happened.texts[0].text() == "More."
    assert view.happened.texts[-1] is first
    assert first.selectedText() == "This", "what is new is added to what is there"
    view.tabs.setCurrentWidget(view.curves)
    model._receive([events.Notice(step=3, message="Unseen.")])
    view._refresh()
    assert view.happened.texts[0].text() == "More.", "what nobody sees is not worked out"
    view.tabs.setCurrentWidget(view.happened)
    assert view.happened.texts[0].text() == "Unseen."
    QTest.qWait(0)
    assert shown(window, qtbot, told_run("another")).happened.texts[0].text() == "It was completed."
    view.show_run(None)
    assert (view.happened.texts, view.happened.counts.text()) == ([], "")


def test_of_very_many_things_the_last_are_listed_in_their_order(qtbot: QtBot) -> None:
    told, listed = Progress(), RunHappened()
    qtbot.addWidget(listed)
    listed.show()
    for count in (3, 150, 90, 1, 250):
        for _ in range(count):
            told.apply(events.Notice(message=f"{len(told.happened)}."))
        listed.show_progress(told)
        last = range(len(told.happened) - 1, -1, -1)[:200]
        assert [made.text() for made in listed.texts] == [f"{number}." for number in last]
        QApplication.processEvents()
        tops = [made.y() for made in listed.texts]
        assert tops == sorted(tops)
        assert len([made for made in listed.findChildren(QLabel) if made.isVisible()]) == 3 * len(tops)
    listed.show_progress(Progress())
    assert not listed.texts


def test_it_is_told_in_the_windows_language(window: MainWindow, qtbot: QtBot, qapp: QApplication) -> None:
    words.speak(qapp, "zh_CN")
    run = made_run("told")
    rate = events.Obeyed(step=1, command={"kind": "set_learning_rate", "learning_rate": 1e-5})
    leaked = events.Notice(message="5 rows that are equal to an evaluation row will not be trained on.")
    tell(run, prepared(9), events.Notice(message=PADDED), leaked, step(1, 2.0), rate)
    view = shown(window, qtbot, run)
    view.tabs.setCurrentWidget(view.happened)
    told = [*(made.text() for made in view.happened.texts), view.happened.counts.text()]
    assert len(told) == 4
    assert not any("rows" in text.casefold() or "rate" in text for text in told)
    words.speak(qapp, "en")
