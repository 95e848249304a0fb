"""The Library page: tags and words that are edited, several adapters at once, and every change undone."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from studio.core import library
from studio.core.errors import StudioError
from studio.ui.details import Details
from studio.ui.pages.compare import ComparePage
from studio.ui.pages.export import ExportDialog
from studio.ui.pages.library import LibraryPage
from studio.ui.tags import Chip, TagEdit
from studio.ui.window import MainWindow
from tests.core.test_library import added

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(window: MainWindow, tmp_path: Path) -> LibraryPage:
    base = library.Base(path="demo")
    for number, title in enumerate(("first", "second", "third"), start=1):
        added(tmp_path, title, float(number), base=base)
        time.sleep(0.01)
    window.show_page("library")
    found = window.page("library")
    assert isinstance(found, LibraryPage)
    assert [entry.title for entry in found.table_model.items] == ["third", "second", "first"]
    return found


def select(page: LibraryPage, *rows: int) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    for number, row in enumerate(rows):
        where = page.table.visualRect(page.table.model().index(row, 0)).center()
        keys = control if number else Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(page.table.viewport(), LEFT, keys, where)


def add_tag(page: LibraryPage, text: str) -> None:
    QTest.keyClicks(page.card.tags.box, text)
    QTest.keyClick(page.card.tags.box, Qt.Key.Key_Return)


def test_tags_are_typed_found_taken_away_and_undone(window: MainWindow, page: LibraryPage) -> None:
    select(page, 1)
    add_tag(page, "letters")
    QTest.keyClicks(page.card.tags.box, "good one,")
    assert library.find("second").tags == ["letters", "good one"]
    assert [chip.text() for chip in page.card.tags.chips()] == ["letters", "good one"]
    assert page.entry() == library.find("second")
    add_tag(page, "LETTERS")
    assert library.find("second").tags == ["letters", "good one"]
    page.search.setText("LETTERS good")
    assert page.table.model().rowCount() == 1
    page.search.clear()
    QTest.mouseClick(page.card.tags.chips()[0], LEFT)
    assert library.find("second").tags == ["good one"]
    for tags in (["letters", "good one"], ["letters"], []):
        window.session.undo.undo()
        assert library.find("second").tags == tags
        assert page.card.tags.tags() == tags
    window.session.undo.redo()
    assert library.find("second").tags == ["letters"]


def test_escape_takes_a_new_name_back(window: MainWindow, page: LibraryPage) -> None:
    select(page, 1)
    page.card.title.setFocus()
    page.card.title.selectAll()
    QTest.keyClicks(page.card.title, "other")
    assert page.card.title.text() == "other"
    QTest.keyClick(page.card.title, Qt.Key.Key_Escape)
    assert page.card.title.text() == "second"
    QTest.keyClick(page.card.title, Qt.Key.Key_Tab)
    assert [entry.title for entry in page.table_model.items] == ["third", "second", "first"]
    assert not window.session.undo.canUndo()


def test_many_that_are_removed_are_told_in_a_line(window: MainWindow, page: LibraryPage, tmp_path: Path) -> None:
    for number in range(3):
        added(tmp_path, f"more {number}", base=library.Base(path="demo"))
    window.session.library_changed.emit()
    page.table.selectAll()
    page.remove()
    assert page.table_model.items == []
    assert window.notices.texts()[-1].endswith("more 0 and 3 more.")
    assert window.session.undo.undoText().endswith("more 0 and 3 more")


def test_tags_that_others_put_on_meanwhile_stay(window: MainWindow, page: LibraryPage) -> None:
    select(page, 1)
    add_tag(page, "letters")
    library.change(library.find("second"), tags=["letters", "theirs"])
    add_tag(page, "mine")
    assert library.find("second").tags == ["letters", "theirs", "mine"]
    window.session.undo.undo()
    assert library.find("second").tags == ["letters", "theirs"]
    window.session.undo.undo()
    assert library.find("second").tags == ["theirs"]


def test_known_tags_are_offered_to_the_next_adapter(page: LibraryPage) -> None:
    select(page, 0)
    add_tag(page, "letters")
    select(page, 1)
    assert page.card.tags.tags() == []
    QTest.keyClicks(page.card.tags.box, "le")
    offered = page.card.tags.box.completer()
    assert offered.currentCompletion() == "letters"
    page.card.tags.box.clear()


def test_name_and_note_belong_to_the_adapter_they_were_written_at(window: MainWindow, page: LibraryPage) -> None:
    select(page, 0)
    page.card.note.setFocus()
    QTest.keyClicks(page.card.note, "the best so far")
    select(page, 1)
    page.table.setFocus()
    assert library.find("third").note == "the best so far"
    assert page.card.note.toPlainText() == ""
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    assert window.focusWidget() is page.card.title
    QTest.keyClicks(page.card.title, "renamed")
    QTest.keyClick(page.card.title, Qt.Key.Key_Return)
    assert library.find("renamed").name == "second"
    page.card.title.clear()
    page.card.title.editingFinished.emit()
    assert page.card.title.text() == "renamed"


def test_a_name_that_could_not_be_written_does_not_stay(
    window: MainWindow, page: LibraryPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entry: library.Entry, **_: object) -> library.Entry:
        raise StudioError("disk", f"The disk is full: {entry.name} could not be written.", "Nothing was changed.")

    select(page, 1)
    monkeypatch.setattr(library, "change", full)
    page.card.title.setFocus()
    page.card.title.selectAll()
    QTest.keyClicks(page.card.title, "renamed")
    QTest.keyClick(page.card.title, Qt.Key.Key_Return)
    assert "Nothing was changed" in window.notices.texts()[-1]
    assert page.card.title.hasFocus()
    assert page.card.title.text() == "second"


@pytest.mark.parametrize("width", [960, 1024, 1100, 1180, 1280, 1440])
def test_names_have_room_at_every_width(window: MainWindow, page: LibraryPage, width: int) -> None:
    window.resize(width, 600)
    QApplication.processEvents()
    assert page.table.columnWidth(0) >= 150
    assert page.table.horizontalHeader().length() <= page.table.viewport().width()


@pytest.fixture
def dialog(window: MainWindow, page: LibraryPage) -> ExportDialog:
    made = ExportDialog(window.session, library.find("second"), page)
    made.open()
    return made


def test_an_export_goes_nowhere_without_a_folder_and_from_home_without_a_root(dialog: ExportDialog) -> None:
    assert dialog.start.isEnabled()
    assert dialog.said.text() == ""
    dialog.folder.setText("  ")
    assert not dialog.start.isEnabled()
    assert dialog.said.text() == dialog.start.toolTip() == "Name a new folder first."
    for text in ("~/out", "out"):
        dialog.folder.setText(text)
        assert dialog.start.isEnabled()
        assert dialog._target() == Path.home() / "out"
        assert dialog.said.text() == f"It goes to {Path.home() / 'out'}."
    dialog.folder.setText("/tmp/out")
    assert (dialog._target(), dialog.said.text()) == (Path("/tmp/out"), "")


def test_a_gguf_file_has_a_number_format_of_its_own(dialog: ExportDialog) -> None:
    chosen = ["--gguf-type", "q8_0", "--json"]
    assert not dialog.stored.isEnabled()
    dialog.gguf.click()
    assert dialog.stored.isEnabled()
    assert dialog.folder.text().endswith("second-gguf")
    dialog.stored.setCurrentIndex(dialog.stored.findData("q8_0"))
    dialog.export()
    assert not dialog.stored.isEnabled()
    assert dialog._command is not None
    words = dialog._command._process.arguments()
    dialog.reject()
    assert words[words.index("export") :][1:] == ["second", "--to", "gguf", str(dialog._target()), *chosen]


def test_the_details_of_an_export_that_failed_are_seen(dialog: ExportDialog) -> None:
    dialog._fail(StudioError("run", "It ended.", "Try again.", "its last words"))
    assert dialog.proof is not None
    (more,) = (made for made in dialog.proof.findChildren(QPushButton) if made.text() == "Details")
    more.click()
    (shown,) = dialog.findChildren(Details)
    assert shown.text.toPlainText() == "its last words"
    shown.close()


def test_the_tokens_that_were_compared_are_told(dialog: ExportDialog) -> None:
    proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
    for tokens in (0, 1234):
        dialog._show({"proof": proof | {"tokens": tokens}, "path": "/tmp/out", "files": [], "bytes": 1})
        assert dialog.proof is not None
        said = " ".join(item.text() for item in dialog.proof.findChildren(QLabel))
        assert ("the 1,234 tokens of texts" in said) == bool(tokens)
        dialog._drop_proof()


def test_another_export_is_offered_behind_one_that_is_done(dialog: ExportDialog) -> None:
    proof = {"positions": 1, "max_abs_difference": 0, "bound": 1, "adapter_effect": 1, "argmax_equal": 1}
    for change in (dialog.merged.click, dialog.gguf.click, lambda: dialog.folder.setText("elsewhere")):
        before = dialog.height()
        dialog._show({"proof": proof, "path": "/tmp/out", "files": [], "bytes": 1})
        QApplication.processEvents()
        assert (dialog.start.isVisible(), dialog.open_button.isVisible()) == (False, True)
        change()
        assert dialog.proof is None
        assert (dialog.start.isVisible(), dialog.open_button.isVisible()) == (True, False)
        QApplication.processEvents()
        assert dialog.height() <= before + 40


def test_a_learning_rate_set_while_it_trained_is_told(window: MainWindow, page: LibraryPage, tmp_path: Path) -> None:
    config = {"training": {"learning_rate": 2e-4}}
    added(tmp_path, "steered", config=config, metrics={"learning_rates": [[7, 1e-5]]})
    window.session.library_changed.emit()
    select(page, 0)
    *_, told = (item for item in page.card.findChildren(QLabel) if item.accessibleDescription() == "Learning rate")
    assert told.text() == "0.0002, 1e-05 behind step 7"


def test_a_loss_says_which_it_is(window: MainWindow, page: LibraryPage, tmp_path: Path) -> None:
    for metrics in ({"loss": 1.5}, {"eval_loss": 2.5}, {"loss": 1.5, "eval_loss": 2.5}):
        added(tmp_path, "measured", metrics=metrics)
        window.session.library_changed.emit()
        select(page, 0)
        QApplication.processEvents()
        shown = [made for made in page.card.findChildren(QLabel) if made.isVisible()]
        told = {made.accessibleDescription(): made.text() for made in shown}
        expected = {"Loss": "1.5000" if "loss" in metrics else "\u2013"}
        expected |= {"Eval loss": "2.5000"} if "eval_loss" in metrics else {}
        assert {name: text for name, text in told.items() if name in ("Loss", "Eval loss")} == expected


def test_several_are_compared_and_removed_as_one_step(window: MainWindow, page: LibraryPage) -> None:
    select(page, 0, 2)
    assert page.card.currentIndex() == 1
    assert page.card._count.text() == "2 adapters"
    QTest.mouseClick(page.card.remove_all, LEFT)
    assert [entry.title for entry in library.entries()] == ["second"]
    assert page.card.currentIndex() == 0
    window.session.undo.undo()
    assert {entry.title for entry in library.entries()} == {"first", "second", "third"}
    window.session.undo.redo()
    assert [entry.title for entry in library.entries()] == ["second"]
    window.session.undo.undo()
    page.table.selectAll()
    assert page.card._count.text() == "3 adapters"
    QTest.mouseClick(page.card.compare_all, LEFT)
    compare = window.page("compare")
    assert isinstance(compare, ComparePage)
    assert {entry.title for entry in compare.panel.entries()} == {"first", "second", "third"}
    assert compare.panel.model() == "demo"


def test_an_undone_removal_is_done_again_to_the_adapter_that_came_back(
    window: MainWindow, page: LibraryPage, tmp_path: Path
) -> None:
    select(page, 1)
    kept = library.find("second").sha256
    page.remove()
    # Another one takes the name meanwhile, and one of that name goes to the trash later.
    library.remove(added(tmp_path, "second", 8.0))
    new = added(tmp_path, "second", 9.0)
    window.session.undo.undo()
    assert library.find("second-2").sha256 == kept
    window.session.undo.redo()
    assert {entry.name for entry in library.entries()} == {"first", "second", "third"}
    assert library.find("second").sha256 == new.sha256
    window.session.undo.undo()
    assert library.find("second-2").sha256 == kept


def test_the_notice_of_a_removal_goes_once_it_is_undone(window: MainWindow, page: LibraryPage) -> None:
    select(page, 0)
    page.remove()
    window.session.tell("something else")
    assert window.notices.texts() == ["In the trash: third.", "something else"]
    select(page, 0)
    page.remove()
    window.session.undo.undo()
    assert window.notices.texts() == ["In the trash: third.", "something else"]
    window.session.undo.undo()
    assert window.notices.texts() == ["something else"]


def test_a_search_that_finds_nothing_says_so(window: MainWindow, page: LibraryPage) -> None:
    window.show()
    page.search.setText("third")
    before = page.table.viewport().grab().toImage()
    page.search.setText("nothing is called this")
    page.table.none, said = "", page.table.viewport().grab().toImage()
    assert before != said != page.table.viewport().grab().toImage()


def test_adapters_of_different_bases_are_not_compared(window: MainWindow, page: LibraryPage, tmp_path: Path) -> None:
    added(tmp_path, "other", 9.0, base=library.Base(path="org/other"))
    window.session.library_changed.emit()
    page.table.selectAll()
    assert not page.card.compare_all.isEnabled()
    assert page.card._why_not.text() == "They were made for different base models."
    page.compare()
    assert window._stack.currentWidget() is page


def test_a_selection_survives_a_change_elsewhere(window: MainWindow, page: LibraryPage, tmp_path: Path) -> None:
    select(page, 0, 2)
    added(tmp_path, "newest", 9.0)
    window.session.library_changed.emit()
    assert {entry.title for entry in page.chosen()} == {"first", "third"}


def test_what_cannot_be_removed_stays_and_is_no_step(window: MainWindow, page: LibraryPage) -> None:
    select(page, 0)
    entry = page.entry()
    assert entry is not None
    entry.folder.rename(entry.folder.with_name("moved-away"))
    page.remove()
    assert not window.session.undo.canUndo()
    assert window.notices.texts()


def test_a_damaged_adapter_can_be_removed_alone(window: MainWindow, page: LibraryPage) -> None:
    entry = library.find("third")
    (entry.folder / library.WEIGHTS).unlink()
    page.refresh()
    select(page, 0)
    colours = [page.table.model().index(at, 0).data(Qt.ItemDataRole.ForegroundRole) for at in range(3)]
    assert colours == [QColor(window.session.theme.palette.bad), None, None]
    assert "missing" in page.card._fault.text()
    for widget in (page.card.export, page.card.compare, page.card.tags, page.card.title):
        assert not widget.isEnabled()
    page.export()
    page.compare()
    assert QApplication.activeModalWidget() is None
    assert window._stack.currentWidget() is page
    QTest.mouseClick(page.card.remove, LEFT)
    assert len(library.entries()) == 2


def test_long_tags_flow_onto_lines_of_their_own(qtbot: QtBot, window: MainWindow) -> None:
    tags = TagEdit(window.session.theme)
    qtbot.addWidget(tags)
    tags.resize(220, 10)
    tags.show_tags(["one", "another tag", "a third one", "x" * 40])
    tags.adjustSize()
    tags.resize(220, tags.heightForWidth(220))
    tags.show()
    places = [chip.geometry() for chip in tags.chips()] + [tags.box.geometry()]
    assert all(tags.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for at, a in enumerate(places) for b in places[:at])
    assert len({place.y() for place in places}) > 2
    assert all(isinstance(chip, QAbstractButton) and "Remove the tag" in chip.accessibleName() for chip in tags.chips())


def looked_at(page: LibraryPage) -> tuple[list[str], str]:
    """Returns which adapters are selected, and the name that the card shows."""
    return [entry.title for entry in page.chosen()], page.card.title.text()


def test_the_card_shows_what_is_selected_whatever_a_search_hides(window: MainWindow, page: LibraryPage) -> None:
    select(page, 0)
    assert looked_at(page) == (["third"], "third")
    page.search.setText("first")
    assert looked_at(page) == (["first"], "first")
    page.search.setText("nothing is called this")
    assert looked_at(page) == ([], "")
    assert page.card.note.toPlainText() == ""
    assert not page.card.isEnabled()
    page.search.clear()
    assert page.card.isEnabled()
    assert looked_at(page) == (["third"], "third")
    page.search.setText("second")
    page.card.note.setFocus()
    QTest.keyClicks(page.card.note, "typed behind a search")
    page.search.setFocus()
    assert [entry.note for entry in library.entries()] == ["", "typed behind a search", ""]
    page.remove()
    assert {entry.title for entry in library.entries()} == {"first", "third"}
    assert looked_at(page) == ([], "")


def test_what_is_typed_goes_to_its_adapter_also_where_a_search_hides_that(page: LibraryPage) -> None:
    select(page, 0)
    page.card.note.setFocus()
    QTest.keyClicks(page.card.note, "the best so far")
    page.search.setFocus()
    QTest.keyClicks(page.search, "first")
    page.card.title.setFocus()
    page.card.title.selectAll()
    QTest.keyClicks(page.card.title, "oldest")
    page.search.setFocus()
    assert {entry.name: (entry.title, entry.note) for entry in library.entries()} == {
        "third": ("third", "the best so far"),
        "second": ("second", ""),
        "first": ("oldest", ""),
    }


def test_of_two_selected_the_one_left_is_looked_at(page: LibraryPage) -> None:
    select(page, 0, 2)
    control = Qt.KeyboardModifier.ControlModifier
    where = page.table.visualRect(page.table.model().index(2, 0)).center()
    QTest.mouseClick(page.table.viewport(), LEFT, control, where)
    assert looked_at(page) == (["third"], "third")
    assert page.entry() == library.find("third")


def test_a_tag_that_is_half_typed_is_of_no_other_adapter(page: LibraryPage) -> None:
    select(page, 0)
    QTest.keyClicks(page.card.tags.box, "lett")
    select(page, 1)
    assert page.card.tags.box.text() == ""
    QTest.keyClick(page.card.tags.box, Qt.Key.Key_Return)
    assert not any(entry.tags for entry in library.entries())


def test_a_long_tag_gives_way_and_leaves_the_card_in_its_frame(window: MainWindow, page: LibraryPage) -> None:
    select(page, 0)
    long = "w" * 40
    library.change(library.find("third"), tags=[long, "short"])
    window.session.library_changed.emit()
    QTest.qWait(50)  # a layout passes what it needs on from inner to outer ones, one event each
    chips = page.card.tags.chips()
    area = next(area for area in page.card.findChildren(QScrollArea) if area.isAncestorOf(page.card.tags))
    inner = area.widget()
    assert inner is not None
    assert inner.width() <= area.viewport().width()
    assert all(page.card.tags.rect().contains(made.geometry()) for made in (*chips, page.card.tags.box))
    assert isinstance(chips[0], Chip)
    assert chips[0].shown().endswith("\N{HORIZONTAL ELLIPSIS}")
    assert len(chips[0].shown()) > 10
    assert long in chips[0].toolTip()
    assert isinstance(chips[1], Chip)
    assert chips[1].shown() == "short"
    before = chips[0].grab().toImage()
    chips[0].setText(long[:30])
    assert chips[0].grab().toImage() == before, "what is drawn is what is shown"
