"""Who has no mouse, or no eyes for the screen: names, the order of Tab, visible focus, contrast, and a calm wheel."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QSplitterHandle,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio import paths
from studio.ui.chat_view import ChatView
from studio.ui.passage import Passage
from studio.ui.theme import DARK, LIGHT, Palette
from studio.ui.window import MainWindow
from tests.ui import walk

# The offscreen platform says this of every window with a least size.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


@pytest.fixture
def furnished(tmp_path: Path) -> None:
    walk.furnish(tmp_path)


@pytest.fixture
def window(furnished: None, window: MainWindow) -> MainWindow:
    window.resize(1280, 720)
    return window


def stops(top: QWidget) -> list[QWidget]:
    """Returns what Tab is to stop at, in no order."""
    return [
        made
        for made in top.findChildren(QWidget)
        if made.focusPolicy() & Qt.FocusPolicy.TabFocus
        and made.window() is top
        and made.isVisible()
        and made.isEnabled()
        and made.focusProxy() is None
    ]


def tabbed(top: QWidget) -> list[QWidget]:
    """Presses Tab until the focus comes back to where it began, and returns where it was."""
    top.setFocus()
    QTest.keyClick(top, Qt.Key.Key_Tab)
    seen: list[QWidget] = []
    while (now := QApplication.focusWidget()) not in seen:
        assert now is not None
        seen.append(now)
        QTest.keyClick(now, Qt.Key.Key_Tab)
    return seen


def named(made: QWidget | None) -> str:
    """Returns what a widget is called in a message of a test."""
    return f"{type(made).__name__} {made.objectName()} `{made.accessibleName()}`" if made is not None else ""


def text_of(made: QWidget) -> str:
    own = made.text() if isinstance(made, QAbstractButton | QLabel) else ""
    return made.accessibleName() or own


def test_whatever_takes_the_focus_has_a_name(window: MainWindow) -> None:
    nameless = []
    for where, top in walk.everywhere(window):
        assert top.windowTitle()
        nameless += [
            f"{where}: {named(made)} in {named(made.parentWidget())}" for made in stops(top) if not text_of(made)
        ]
    assert not "\n".join(nameless)


def test_a_screen_reader_says_what_is_written(window: MainWindow) -> None:
    chat = window.page("compare").findChildren(ChatView)[0]
    chat.ask("A question.", "first")
    chat.add("An answer.")
    said, unsaid = set[str](), []
    for where, top in walk.everywhere(window):
        texts: list[tuple[QWidget, str]] = [(made, made.text()) for made in top.findChildren(QLabel)]
        texts += [(made, made.toPlainText()) for made in top.findChildren(Passage)]
        for made, text in texts:
            if made.isVisible() and text:
                said.add(spoken(made))
                unsaid += [f"{where}: {text}"] if text not in spoken(made) else []
    assert not "\n".join(dict.fromkeys(unsaid))
    assert "An answer. first said" in said


def spoken(made: QWidget) -> str:
    """Returns what a screen reader is told of a widget."""
    seen, kinds = QAccessible.queryAccessibleInterface(made), QAccessible.Text
    return " ".join(filter(None, map(seen.text, (kinds.Name, kinds.Value, kinds.Description))))


def is_after(now: QWidget, before: QWidget, top: QWidget) -> bool:
    """Whether a widget stands right of or below another, both seen as parts of what holds them."""
    ours, theirs = branch(now, top), branch(before, top)
    while ours and theirs and ours[-1] is theirs[-1]:
        ours.pop(), theirs.pop()
    if not ours or not theirs:
        return True  # one holds the other
    a, b = ours[-1], theirs[-1]
    one, two = (made.rect().translated(made.mapTo(top, QPoint())) for made in (a, b))
    return one.top() >= two.bottom() or one.left() >= two.right()


def branch(made: QWidget | None, top: QWidget) -> list[QWidget]:
    """Returns a widget and those that hold it, up to but without the window."""
    found: list[QWidget] = []
    while made is not None and made is not top:
        found.append(made)
        made = made.parentWidget()
    return found


def test_tab_goes_through_everything_as_one_reads_it(window: MainWindow) -> None:
    wrong = []
    for where, top in walk.everywhere(window):
        for before, now in pairwise(tabbed(top)):
            if not is_after(now, before, top):
                wrong.append(f"{where}: {named(now)} comes after {named(before)}")
    assert not "\n".join(dict.fromkeys(wrong))


def test_an_order_against_the_reading_is_seen(qtbot: QtBot) -> None:
    top, upper, lower = QWidget(), QWidget(), QWidget()
    qtbot.addWidget(top)
    for made, at in ((upper, 0), (lower, 50)):
        made.setParent(top)
        made.setGeometry(0, at, 100, 40)
    assert is_after(lower, upper, top)
    assert not is_after(upper, lower, top)


def test_the_keyboard_gets_everywhere_and_out_again(window: MainWindow) -> None:
    missed = []
    for where, top in walk.everywhere(window):
        seen = tabbed(top)
        # In a group of which one is chosen, Tab stops at that one and the arrows go on.
        groups = {id(made.group()) for made in seen if isinstance(made, QAbstractButton) and made.group()}
        clicked = [made for made in top.findChildren(QAbstractButton) if made.isVisible() and made.isEnabled()]
        for made in {*stops(top), *clicked} - set(seen):
            grouped = isinstance(made, QAbstractButton) and id(made.group()) in groups
            if not grouped and not is_inner(made):
                missed.append(f"{where}: {named(made)}")
    assert not "\n".join(dict.fromkeys(missed))


def is_inner(made: QWidget) -> bool:
    """Whether Qt itself put it into another widget, whose own keys do what it does."""
    parent = made.parentWidget()
    inner = (
        isinstance(made, QToolButton)
        and parent is not None
        and type(parent).__name__ in ("QTabBar", "QLineEdit", "QMenuBar")
    )
    return inner or isinstance(made, QSplitterHandle) or "CornerButton" in made.metaObject().className()


def test_one_sees_where_the_focus_is(window: MainWindow) -> None:
    unseen = []
    for mode in ("light", "dark"):
        window.session.theme.set_mode(mode)
        done: set[QWidget] = set()
        for where, top in walk.everywhere(window):
            for made in set(stops(top)) - done:
                done.add(made)
                for _ in range(2 if isinstance(made, QCheckBox) else 1):
                    top.setFocus()
                    without = made.grab().toImage()
                    made.setFocus(Qt.FocusReason.TabFocusReason)
                    assert made.hasFocus(), f"{where}: {named(made)}"
                    if made.grab().toImage() == without:
                        unseen.append(f"{mode} {where}: {named(made)}")
                    if isinstance(made, QCheckBox):
                        made.toggle()
    assert not "\n".join(dict.fromkeys(unseen))


def test_the_wheel_over_what_has_no_focus_changes_nothing(window: MainWindow) -> None:
    touched = 0
    for where, top in walk.everywhere(window):
        for made in top.findChildren(QWidget):
            if not isinstance(made, QComboBox | QAbstractSpinBox) or not made.isVisible():
                continue
            top.setFocus()
            assert not made.hasFocus()
            before = value(made)
            for target in (made, *made.findChildren(QWidget)):
                for turn in (-120, 120):
                    scroll(target, turn)
                    assert value(made) == before, f"{where}: {named(made)}"
            touched += 1
    assert touched > 30


def value(made: QComboBox | QAbstractSpinBox) -> str:
    return made.currentText() if isinstance(made, QComboBox) else made.text()


def scroll(made: QWidget, turn: int) -> None:
    at, none, button = QPointF(5, 5), Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton
    phase = Qt.ScrollPhase.NoScrollPhase
    place = QPointF(made.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(made, QWheelEvent(at, place, QPoint(), QPoint(0, turn), button, none, phase, False))


def luminance(colour: str) -> float:
    """Returns the relative luminance of WCAG 2.2."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SURFACES = ("window", "panel", "raised")


def pairs() -> set[tuple[str, str]]:
    """Returns which colour of text stands on which ground, as the style sheet has it; what is disabled is left out.

    A rule that names no ground of its own leaves the text on a page, a card or a menu.
    """
    sheet = (paths.resources() / "style.qss").read_text(encoding="utf-8")
    rules = [(name.strip(), body) for chosen, body in RULE.findall(sheet) for name in chosen.split(",")]
    told: dict[str, dict[str, str]] = {name: dict(re.findall(r"([\w-]+):\s*\$(\w+)", body)) for name, body in rules}
    found = {("text", ground) for ground in (*SURFACES, "hover", "selected", "bad_panel", "good_panel")}
    for name, colours in told.items():
        if ":disabled" in name or name.startswith(("QScrollBar", "QProgressBar", "QSlider", "QLabel#mark")):
            continue
        plain = told.get(re.sub(r"(?<!:):[\w:]+$", "", name), {})
        text = colours.get("color", plain.get("color", "text"))
        ground = colours.get("background", plain.get("background", ""))
        if "color" in colours or ("background" in colours and "::indicator" not in name):
            found |= {(text, place) for place in ([ground] if ground else SURFACES)}
        if selection := colours.get("selection-background-color"):
            found.add((colours["selection-color"], selection))
    return found


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(palette: Palette) -> None:
    asked = pairs()
    assert ("on_accent", "accent_hover") in asked
    assert ("muted", "hover") in asked  # the pills
    pale = {
        f"{text} on {ground}: {shown:.2f}"
        for text, ground in sorted(asked)
        if (shown := contrast(getattr(palette, text), getattr(palette, ground))) < 4.5
    }
    assert pale == set()


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_curves_and_the_mark_of_the_focus_stand_out(palette: Palette) -> None:
    for shade in (palette.accent, *palette.series, palette.good, palette.bad, palette.muted):
        for ground in (palette.panel, palette.window, palette.raised):
            assert contrast(shade, ground) >= 3, (shade, ground)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1
