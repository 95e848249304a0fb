"""Many runs: the neighbour of a removed one is chosen, and memory is bounded however many are looked at."""

from functools import partial

import pytest
from pytestqt.qtbot import QtBot

from studio.ui import session as sessions
from studio.ui.models import RunModel, RunTable
from studio.ui.pages.train import TrainPage
from studio.ui.window import MainWindow
from tests.ui.told import finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


@pytest.fixture
def page(window: MainWindow) -> TrainPage:
    """The page with five runs that have ended."""
    for number in range(5):
        tell(made_run(f"run{number}"), prepared(1), step(1, float(number)), finished(1))
    window.show_page("train")
    found = window.page("train")
    assert isinstance(found, TrainPage)
    found._refresh()
    return found


def has_ended(model: RunModel) -> bool:
    return model.progress.finished is not None


def chosen(page: TrainPage) -> str:
    return page.table.items[page.list.currentIndex().row()].title


def test_behind_a_removed_run_its_neighbour_is_chosen(page: TrainPage, window: MainWindow, qtbot: QtBot) -> None:
    titles = [item.title for item in page.table.items]
    page.list.setCurrentIndex(page.table.index(2, 0))
    page.remove.trigger()
    assert [item.title for item in page.table.items] == [*titles[:2], *titles[3:]]
    assert chosen(page) == titles[3]
    assert page.view.model is not None
    assert page.view.model.title == titles[3]
    page.list.setCurrentIndex(page.table.index(3, 0))
    page.remove.trigger()
    assert chosen(page) == titles[3], "the last one's neighbour is before it"
    window.session.undo.undo()
    window.session.undo.undo()
    assert [item.title for item in page.table.items] == titles


def test_runs_looked_at_long_ago_are_given_up(
    page: TrainPage, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_MOST_ENDED", 2)
    told = list[object]()
    window.session.runs_changed.connect(lambda: told.append(None))
    for row in (0, 1, 2, 3, 4, 1):
        page.list.setCurrentIndex(page.table.index(row, 0))
        model = page.view.model
        assert model is not None
        qtbot.waitUntil(partial(has_ended, model))
        assert model.title == page.table.items[row].title
        assert len(window.session.models) <= 3
    assert told == [], "of what had ended before nothing changed"


def test_a_run_that_does_not_change_is_not_read_again(page: TrainPage, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = page.table.items[0].run
    kept = (broken.path / "run.json").read_bytes()
    (broken.path / "run.json").write_bytes(b"{")
    table = RunTable()
    runs = [item.run for item in page.table.items]
    table.refresh(runs)
    assert table.items[0].state == "damaged"
    before = list(table.items)
    table.refresh(runs)
    assert all(one is other for one, other in zip(before, table.items, strict=True))
    (broken.path / "run.json").write_bytes(kept)
    table.refresh(runs)
    assert table.items[0].state == "completed"


def test_runs_are_found_by_their_name_and_how_they_ended(page: TrainPage, window: MainWindow) -> None:
    assert not page.search.isVisible(), "few are seen at once"
    for number in range(5, 12):
        tell(made_run(f"other{number}"), prepared(9), step(1, 1.0))
    page._refresh()
    assert page.search.isVisible()

    def listed() -> list[str]:
        return [item.title for at, item in enumerate(page.table.items) if not page.list.isRowHidden(at)]

    assert len(listed()) == 12
    page.search.setText("OTHER1")
    assert listed() == ["other11", "other10"]
    page.search.setText("completed run")
    assert listed() == [f"run{number}" for number in reversed(range(5))]
    page.search.setText("nothing is called so")
    assert listed() == []
    assert page._none.isVisible()
    page.search.clear()
    assert len(listed()) == 12
    assert not page._none.isVisible()
