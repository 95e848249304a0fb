"""An adapter is trained further from the window: its settings come along, and what contradicts it is said."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton

from studio.core import library
from studio.core.config import AdapterSpec, DataSpec, RunConfig, to_dict
from studio.ui.draft import merged
from studio.ui.edits import AdapterRemoval
from studio.ui.pages.configure import ConfigurePage
from studio.ui.pages.library import LibraryPage
from studio.ui.window import MainWindow
from tests.adapters import made
from tests.training import write_rows

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", 20)


def configure(window: MainWindow) -> ConfigurePage:
    window.show_page("configure")
    found = window.page("configure")
    assert isinstance(found, ConfigurePage)
    return found


def choice(page: ConfigurePage) -> QComboBox:
    editor = page.fields["adapter.path"].editor
    assert isinstance(editor, QComboBox)
    return editor


def test_an_adapter_of_the_library_is_trained_further(window: MainWindow, rows: Path, qapp: QApplication) -> None:
    before = RunConfig(data=DataSpec(path=str(rows), max_length=77), adapter=AdapterSpec(r=2, lora_dropout=0.25))
    made("letters", config=to_dict(before), rank_pattern={"q_proj": 3})
    window.session.library_changed.emit()
    window.show_page("library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    page.card.further.click()
    draft = window.session.draft
    assert window.session.settings.page == "configure"
    assert draft.value("data.max_length") == 77
    assert [draft.value(f"adapter.{key}") for key in ("path", "r", "lora_dropout")] == ["letters", 2, 0.25]
    assert draft.value("adapter.rank_pattern") == {"q_proj": 3}
    shown = choice(configure(window))
    assert shown.currentText() == "letters"
    assert [shown.itemText(at) for at in range(shown.count())] == ["", "letters"]
    assert draft.faults() == {}
    assert draft.config().adapter.path == str(library.find("letters").folder)
    window.session.undo.undo()
    assert draft.value("adapter.path") == ""
    assert draft.value("adapter.r") == 16


def test_one_that_is_chosen_in_the_form_brings_its_layout_along(window: MainWindow, rows: Path) -> None:
    made("letters", base="org/base", use_dora=True)
    page, draft = configure(window), window.session.draft
    draft.apply({"data.path": str(rows)}, "test")
    choice(page).setCurrentText("letters")
    assert [draft.value(key) for key in ("adapter.r", "adapter.use_dora", "model.path")] == [2, True, "org/base"]
    draft.edit("adapter.r", 5)
    assert draft.faults()["adapter.r"].startswith("It is 5, but the adapter that is trained further has 2.")
    assert not page.start_button.isEnabled()
    draft.edit("adapter.r", 2)
    assert draft.faults() == {}
    choice(page).setCurrentText("nonesuch")
    assert "There is no adapter `nonesuch`" in draft.faults()["adapter.path"]
    choice(page).setCurrentText("")
    assert draft.faults() == {}
    assert draft.value("adapter.r") == 2, "what was taken over stays, to be changed"


def test_what_the_library_holds_is_offered_when_the_page_is_shown(window: MainWindow) -> None:
    page = configure(window)
    choice(page).setCurrentText("let")
    window.show_page("library")
    made("letters")
    page = configure(window)
    shown = choice(page)
    assert [shown.itemText(at) for at in range(shown.count())] == ["", "letters"]
    assert shown.currentText() == "let"
    assert window.session.draft.value("adapter.path") == "let"


def test_an_adapter_that_cannot_be_trained_further_is_told(window: MainWindow) -> None:
    made("letters", layers_pattern="h")
    window.session.library_changed.emit()
    window.show_page("library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    page.train_further()
    assert "uses layers_pattern" in window.notices.texts()[-1]
    assert window.session.draft.value("adapter.path") == ""


def test_the_card_tells_what_it_was_begun_with(window: MainWindow) -> None:
    before = RunConfig(data=DataSpec(path="/rows.jsonl"), adapter=AdapterSpec(path="/runs/20260101-x/start/letters"))
    made("more", config=to_dict(before))
    window.session.library_changed.emit()
    window.show_page("library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    texts = [found.text() for found in page.card.findChildren(QLabel)]
    assert texts[texts.index("Begun with") + 1] == "letters"


def test_a_notice_takes_back_only_its_own_step(window: MainWindow, rows: Path) -> None:
    for title in ("alpha", "beta"):
        made(title)
    window.session.library_changed.emit()
    window.show_page("library")
    page = window.page("library")
    assert isinstance(page, LibraryPage)
    page.train_further()
    count = window.session.undo.count()
    window.session.push(AdapterRemoval(window.session, [library.find("alpha")]), "gone")
    page.train_further()
    assert window.session.undo.count() == count + 1
    offered = [made.text() for made in window.notices._frames()[-1].findChildren(QPushButton)]
    assert "Undo" not in offered


def test_yaml_that_names_an_adapter_alone_has_its_layout(window: MainWindow, rows: Path, tmp_path: Path) -> None:
    made("letters")
    assert merged({"adapter": {"path": "letters"}})["adapter"]["r"] == 2
    assert merged({"adapter": {"path": "letters", "r": 5}})["adapter"]["r"] == 5
    assert merged({"adapter": {"path": "lett"}})["adapter"]["r"] == 16
    file = tmp_path / "run.yaml"
    file.write_text(f"data: {{path: {rows}}}\nadapter: {{path: letters}}\n")
    window.open_path(file)
    assert window.session.draft.value("adapter.r") == 2
    assert window.session.draft.faults() == {}


def test_a_part_of_a_name_changes_nothing_else(window: MainWindow, rows: Path) -> None:
    made("letters", base="org/base")
    page, draft = configure(window), window.session.draft
    draft.apply({"data.path": str(rows)}, "test")
    choice(page).setCurrentText("lett")
    assert (draft.value("adapter.r"), draft.value("model.path")) == (16, "demo")
    choice(page).setCurrentText("letters")
    assert (draft.value("adapter.r"), draft.value("model.path")) == (2, "org/base")
