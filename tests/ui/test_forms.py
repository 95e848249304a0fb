"""The fields of the form: what is typed is taken as it is meant, or refused in words."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QSpinBox

from studio.ui.pages.configure import ConfigurePage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow

# The offscreen platform says these of every window with a least size, and of every popup.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support", extend=True)


@pytest.fixture
def page(window: MainWindow) -> ConfigurePage:
    """The page with data that there is."""
    window.session.draft.edit("data.path", str(demo_data()))
    window.show_page("configure")
    found = window.page("configure")
    assert isinstance(found, ConfigurePage)
    return found


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        ("data.max_length", "3", "at least 8"),
        ("adapter.r", "0", "at least 1, at most 1024"),
        ("adapter.r", "99999", "at most 1024"),
        ("adapter.r", "", "at least 1"),
    ],
)
def test_a_whole_number_out_of_bounds_is_refused_by_its_bounds(
    page: ConfigurePage, window: MainWindow, key: str, typed: str, said: str
) -> None:
    draft = window.session.draft
    before, box = draft.value(key), page.fields[key].editor
    assert isinstance(box, QSpinBox)
    box.setFocus()
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClicks(box, typed)
    assert box.text() == typed
    assert said in page.fields[key].fault.text()
    told = box.accessibleDescription()
    assert told.startswith(page.fields[key].fault.text())
    assert told.endswith(page.fields[key].spec.help)
    assert box.property("wrong")
    assert not page.start_button.isEnabled()
    assert not page.start_action.isEnabled()
    window.session.undo.undo()
    assert (draft.value(key), box.value()) == (before, before)
    assert page.fields[key].fault.isHidden()
    assert box.accessibleDescription() == page.fields[key].spec.help
    assert page.start_button.isEnabled()


def test_modules_are_typed_as_names_with_commas_between(page: ConfigurePage, window: MainWindow) -> None:
    modules = page.fields["adapter.target_modules"].editor
    assert isinstance(modules, QLineEdit)
    modules.setFocus()
    for typed, taken in (
        ("q_proj, v_proj", ["q_proj", "v_proj"]),
        ("[q_proj, v_proj]", ["q_proj", "v_proj"]),
        ("q_proj,", ["q_proj"]),
        (r".*\.[qv]_proj{1,2}", r".*\.[qv]_proj{1,2}"),
    ):
        modules.selectAll()
        QTest.keyClicks(modules, typed)
        assert window.session.draft.value("adapter.target_modules") == taken
        assert modules.text() == typed
        assert page.start_button.isEnabled()
    modules.selectAll()
    QTest.keyClick(modules, Qt.Key.Key_Delete)
    fault = page.fields["adapter.target_modules"].fault
    assert fault.text() == "Name modules such as `q_proj, v_proj`, or write `all-linear`."
    assert not page.start_button.isEnabled()
    window.session.draft.edit("adapter.method", "full")
    assert fault.isHidden()


def test_a_number_that_may_be_left_out_is_typed_and_taken_away(page: ConfigurePage, window: MainWindow) -> None:
    page._show_all(True)
    field, draft = page.fields["training.beta"], window.session.draft
    assert isinstance(field.editor, QLineEdit)
    assert field.editor.text() == ""
    for text, value in (("0.25", 0.25), ("2", 2.0), ("", None)):
        field.editor.selectAll()
        QTest.keyClick(field.editor, Qt.Key.Key_Delete)
        QTest.keyClicks(field.editor, text)
        assert draft.value("training.beta") == value
        assert "training.beta" not in draft.faults()
    for objective, usual in (("dpo", "0.1"), ("simpo", "2")):
        draft.edit("training.objective", objective)
        assert (field.editor.text(), field.editor.placeholderText()) == ("", usual)
    QTest.keyClicks(field.editor, "much")
    assert "training.beta" in draft.faults()


def test_a_text_of_several_lines_stays_one(page: ConfigurePage, window: MainWindow) -> None:
    page._show_all(True)
    draft, box = window.session.draft, page.fields["data.system"].editor
    assert isinstance(box, QPlainTextEdit)
    QTest.keyClicks(box, "Be brief, [x].")
    QTest.keyClick(box, Qt.Key.Key_Return)
    QTest.keyClicks(box, "  No \\n here. ")
    assert draft.value("data.system") == "Be brief, [x].\n  No \\n here. "
    assert page.fields["data.system"].fault.isHidden()
    draft.edit("data.system", "a\n\nb")
    assert box.toPlainText() == "a\n\nb"
    assert draft.config().data.system == "a\n\nb"
    window.session.undo.undo()
    assert (box.toPlainText(), draft.value("data.system")) == ("", "")


def test_a_seed_of_any_size_is_shown_and_typed(page: ConfigurePage, window: MainWindow) -> None:
    page._show_all(True)
    draft, line = window.session.draft, page.fields["training.seed"].editor
    assert isinstance(line, QLineEdit)
    draft.edit("training.seed", 2**32 - 1)
    assert line.text() == "4294967295"
    line.selectAll()
    QTest.keyClicks(line, "3000000000")
    assert draft.value("training.seed") == 3_000_000_000
    QTest.keyClicks(line, "0")
    assert "training.seed" in draft.faults()
    line.selectAll()
    QTest.keyClicks(line, "many")
    assert "training.seed" in draft.faults()
    line.selectAll()
    QTest.keyClicks(line, "7")
    assert (draft.value("training.seed"), draft.faults().get("training.seed")) == (7, None)
