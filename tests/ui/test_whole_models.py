"""Models that were trained whole, in the window: beside adapters, with what makes no sense of them disabled and why."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from studio.core import library
from studio.core.entry import Base, Entry
from studio.ui.ask_panel import AskPanel
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.library import LibraryPage
from studio.ui.score_view import ScoreView
from studio.ui.tables import sort_key, texts
from studio.ui.window import MainWindow
from tests.core.test_entry import model_folder
from tests.core.test_library import added
from tests.ui.test_scores import BASE, FIRST, SECOND, scores
from tests.ui.told import finished, made_run, prepared, step, tell

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def both(tmp_path: Path) -> tuple[Entry, Entry]:
    """Returns a whole model and an adapter of the library."""
    about = Entry(name="", folder=model_folder(tmp_path / "made"), title="in full", is_model=True, created_s=9.0,
                  base=Base(path="demo"), run="r1", metrics={"eval_loss": 0.5})  # fmt: skip
    whole = library.take(about)
    assert whole is not None
    return whole, added(tmp_path, "letters", base=Base(path="demo"))


@pytest.fixture
def page(window: MainWindow, both: tuple[Entry, Entry]) -> LibraryPage:
    window.show_page("library")
    found = window.page("library")
    assert isinstance(found, LibraryPage)
    found.refresh()
    return found


def cells(page: LibraryPage, name: str) -> list[str]:
    model = page.table_model
    at = next(at for at, entry in enumerate(model.items) if entry.name == name)
    return [str(model.index(at, column).data()) for column in range(model.columnCount())]


def test_it_stands_in_the_list_marked_and_told_of(page: LibraryPage, both: tuple[Entry, Entry]) -> None:
    whole, adapter = both
    assert cells(page, whole.name)[4] == "full"
    assert cells(page, adapter.name)[4] == "2"
    assert sort_key(whole, 4) > sort_key(adapter, 4)
    page._choose(whole.name)
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete: what was told of another
    shown = {label.text() for label in page.card.findChildren(QLabel) if label.text()}
    assert {"Kind", "A whole model", "0.5000", whole.sha256[:12]} <= shown
    assert "Rank" not in shown
    page._choose(adapter.name)
    assert page.card.further.isEnabled()


def test_what_makes_no_sense_of_it_is_disabled_and_says_why(page: LibraryPage, both: tuple[Entry, Entry]) -> None:
    whole, adapter = both
    card = page.card
    page._choose(whole.name)
    assert [made.isEnabled() for made in (card.compare, card.export, card.layers, card.remove)] == [True] * 4
    assert not card.further.isEnabled()
    assert "choose its folder as the base model" in card.further.toolTip()
    assert not card.mix.isEnabled()
    assert card.mix.toolTip() == "A whole model answers as it was trained or not at all."
    page._choose(adapter.name)
    assert (card.further.isEnabled(), card.mix.isEnabled(), card.mix.toolTip()) == (True, True, "")
    assert "go on learning" in card.further.toolTip()
    page.table.selectAll()
    assert (card.compare_all.isEnabled(), card.mix_all.isEnabled()) == (True, False)
    assert card.mix_all.toolTip() == "A whole model cannot be added up."
    assert card._count.text() == "2 chosen"


def test_its_actions_say_so_too(page: LibraryPage, both: tuple[Entry, Entry], window: MainWindow) -> None:
    page._choose(both[0].name)
    page.mix()
    page.train_further()
    said = window.notices.texts()
    assert said[0] == "A whole model cannot be added up, nor made weaker."
    assert said[1].startswith("in full is a whole model, and no adapter that could be trained further.")
    assert window.session.draft.values()["adapter"]["path"] == ""


def test_it_is_removed_and_comes_back_by_undo(page: LibraryPage, both: tuple[Entry, Entry], window: MainWindow) -> None:
    page._choose(both[0].name)
    page.remove()
    assert [entry.name for entry in library.entries()] == [both[1].name]
    window.session.undo.undo()
    assert both[0] in library.entries()


def test_it_has_no_strength(window: MainWindow, both: tuple[Entry, Entry]) -> None:
    panel = AskPanel(window.session.theme)
    whole, adapter = both
    panel.choose(whole)
    assert not panel.strength.isEnabled()
    assert panel.strength.toolTip().startswith("in full is a whole model")
    assert "answers by its own weights" in panel._ticked()[0].toolTip()
    panel.choose(adapter)
    assert panel.strength.isEnabled()
    assert panel.strength.toolTip().startswith("0: the base itself")
    panel.deleteLater()


def test_its_column_says_what_it_is(window: MainWindow, both: tuple[Entry, Entry]) -> None:
    window.show_page("compare")
    page = window.page("compare")
    assert isinstance(page, ComparePage)
    page.receive(list(both))
    page._make_columns(page.panel.titles())
    kinds = {shown.title: shown.kind for shown in page.columns}
    assert kinds == {"Base model": "base", "in full": "model", "letters": "adapter"}
    assert "model" in {label.text() for label in page.columns[-1].findChildren(QLabel)} | {
        label.text() for label in page.columns[1].findChildren(QLabel)
    }


def test_its_column_of_tokens_says_so_too(window: MainWindow) -> None:
    view = ScoreView(window.session.theme)
    view.show_scores(scores(BASE, FIRST, SECOND), ["Base model", "letters", "in full"], {2})
    said = [{label.text() for label in shown.findChildren(QLabel)} & {"base", "adapter", "model"}
            for shown in view.columns]  # fmt: skip
    assert said == [{"base"}, {"adapter"}, {"model"}]
    view.deleteLater()


def test_it_is_not_offered_to_be_trained_further(window: MainWindow, both: tuple[Entry, Entry]) -> None:
    window.show_page("configure")
    page = window.page("configure")
    assert isinstance(page, ConfigurePage)
    box = page.fields["adapter.path"].editor
    offered = [box.itemText(at) for at in range(box.count())]  # type: ignore[attr-defined]
    assert both[1].name in offered
    assert both[0].name not in offered


def test_a_run_that_made_one_says_so(window: MainWindow, both: tuple[Entry, Entry], qtbot: QtBot) -> None:
    run = made_run("whole")
    tell(run, prepared(2), step(1, 2.0))
    with run.claim():
        model = window.session.model_of(run)
        qtbot.waitUntil(lambda: model.known and model.alive)
        done = replace(finished(2), path=str(both[0].folder), adapter=both[0].name)
        tell(run, step(2, 1.0), done)
    qtbot.waitUntil(lambda: not model.alive)
    assert window.notices.texts() == [f"The run is done: the model {both[0].name} is in the library."]


@pytest.mark.parametrize(
    ("adapter", "shown"),
    [
        ({"r": 16}, "16"),
        ({"method": "vera", "r": 64}, "VeRA 64"),
        ({"method": "ia3", "r": 16}, "IA3"),
        ({"method": ["odd"], "r": 8}, "8"),
    ],
)
def test_a_method_that_is_not_lora_is_seen_in_the_list(adapter: dict[str, Any], shown: str, tmp_path: Path) -> None:
    assert texts(Entry(name="a", folder=tmp_path, config={"adapter": adapter}))[4] == shown
