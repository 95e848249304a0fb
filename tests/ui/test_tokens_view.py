"""The tokens of a row: coloured as they are labelled, in every mode and theme, quickly, and never as markup."""

import random
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QTextCharFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QToolTip
from pytestqt.qtbot import QtBot

from studio.core import desk
from studio.core.desk import Picture
from studio.ui import token_text
from studio.ui.theme import DARK, LIGHT, Theme
from studio.ui.tokens_view import TokensView

# The plug-in that draws into memory says so of windows' hints, which nobody sees there.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

HOSTILE = "<img src='/etc/passwd'><b>bold</b>"


def picture(pieces: list[str], trained: list[bool] | None = None, kept: int = 10**6) -> Picture:
    """Returns a row of these pieces; `<...>` is a special token, `+name` one added outside of the text."""
    offsets, text = list[tuple[int, int]](), ""
    for piece in pieces:
        offsets.append((len(text), len(text) + (0 if piece.startswith("+") else len(piece))))
        text += "" if piece.startswith("+") else piece
    return Picture(
        text=text,
        ids=list(range(len(pieces))),
        names=[piece.lstrip("+") for piece in pieces],
        trained=trained or [False] * len(pieces),
        special=[piece.startswith(("<|", "+<|")) for piece in pieces],
        offsets=offsets,
        kept=min(kept, len(pieces)),
        tokens=len(pieces),
    )


CHAT = picture(
    [
        "<|start|>",
        "user",
        "\n",
        "Hi",
        " 🙂",
        "?\n",
        "\nmore",
        "<|start|>",
        "Hello",
        " world",
        "<|end|>",
        "\n",
        "+<|end|>",
    ],
    [False] * 8 + [True] * 3 + [False, True],
    kept=11,
)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> TokensView:
    made = TokensView(theme)
    qtbot.addWidget(made)
    made.resize(800, 400)
    return made


def look(view: TokensView, position: int) -> QTextCharFormat | None:
    """Returns the format that is really drawn at a position."""
    block = view.text.document().findBlock(position)
    inside = position - block.position()
    return next(
        (QTextCharFormat(f.format) for f in block.layout().formats() if f.start <= inside < f.start + f.length), None
    )


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("whitespace", [False, True])
def test_the_colours_are_the_labels(view: TokensView, theme: Theme, dark: bool, apart: bool, whitespace: bool) -> None:
    theme.set_mode("dark" if dark else "light")
    view.show_apart(apart)
    view.show_whitespace(whitespace)
    view.show_picture(CHAT)
    assert view.text.toPlainText() == view.text.laid.text
    expected = token_text.formats(DARK if dark else LIGHT)
    for token, (start, end) in enumerate(view.text.laid.spans):
        kind = "truncated" if token >= 11 else "trained" if CHAT.trained[token] else "masked"
        for position in range(start, end):
            if view.text.document().characterAt(position) == "\u2029":
                continue  # a line's end has no room to be coloured
            key: Any = kind, CHAT.special[token], apart and token % 2 == 1
            drawn = look(view, position)
            assert drawn is not None
            assert drawn == expected[key]
            assert view.text.token_at(position) == token
    assert len({(f.background().color().name(), f.foreground().color().name()) for f in expected.values()}) > 6
    theme.set_mode("light")
    first = look(view, 0)
    assert first is not None
    assert first == token_text.formats(LIGHT)["masked", True, False], "repainted with the theme"


def test_text_mode_shows_the_text_and_what_was_added(view: TokensView) -> None:
    view.show_picture(CHAT)
    assert view.text.toPlainText() == CHAT.text + "<|end|>"
    view.show_whitespace(True)
    assert "·🙂?↵\n↵\nmore" in view.text.toPlainText()
    view.show_whitespace(False)
    assert view.text.toPlainText() == CHAT.text + "<|end|>"


def test_tokens_that_share_a_character_are_all_shown_apart(view: TokensView) -> None:
    shared = Picture(
        text="a世 b", ids=[1, 2, 3, 4], names=list("awxy"), trained=[False, True, True, False], special=[False] * 4,
        offsets=[(0, 1), (1, 2), (1, 2), (3, 4)], kept=4, tokens=4,
    )  # fmt: skip
    assert token_text.lay_out(shared) == token_text.Laid("a世 b", [(0, 1), (1, 2), (2, 2), (3, 4)])
    view.show_picture(shared)
    assert [view.text.token_at(position) for position in range(5)] == [0, 1, -1, 3, -1]
    assert look(view, 2) is None, "no token's space"
    view.show_apart(True)
    assert view.text.toPlainText() == "a世… b"


def test_invisible_letters_are_written_out_on_demand(view: TokensView) -> None:
    view.show_picture(picture(["a\u202eb", "\u200b", "\r\n", "x\u2029y", "\t", "\u00a0"]))
    assert view.text.document().characterCount() == utf16(view.text.laid.text) + 1
    assert view.text.token_at(view.text.laid.spans[3][0]) == 3
    view.show_whitespace(True)
    assert view.text.toPlainText() == "a⟨202E⟩b⟨200B⟩␍↵\nx¶y→\t⟨00A0⟩"


def test_a_token_is_described_on_hover_and_by_keys(view: TokensView, qtbot: QtBot) -> None:
    view.show_picture(CHAT)
    view.show()
    with qtbot.waitExposed(view):
        pass
    assert view.describe(9) == "Token 10 of 13  ·  id 9  ·  ' world'  ·  characters 39 to 45  ·  learned"
    assert "added" in view.describe(12)
    assert "cut" in view.describe(12)
    cursor = view.text.textCursor()
    cursor.setPosition(view.text.laid.spans[3][0])
    view.text.setTextCursor(cursor)
    assert "'Hi'" in view.detail.text()
    QTest.keyClick(view.text, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    place = view.text.cursorRect(cursor).center() + QPoint(3, 0)
    QTest.mouseMove(view.text.viewport(), QPoint(2, 2))
    QTest.mouseMove(view.text.viewport(), place)
    qtbot.waitUntil(lambda: "'Hi'" in view.detail.text())


def test_a_row_is_never_markup(view: TokensView, qtbot: QtBot) -> None:
    view.show_picture(picture([HOSTILE, f"+{HOSTILE}"]))
    assert view.text.toPlainText() == HOSTILE * 2
    view.show()
    view._tip(0, QPoint(10, 10))
    assert "&lt;img" in QToolTip.text()
    QToolTip.hideText()
    assert view.detail.textFormat() == Qt.TextFormat.PlainText


def test_what_went_wrong_is_shown_in_place_of_tokens(view: TokensView) -> None:
    view.show_picture(replace(CHAT, answer="better"))
    assert not view.worse.isHidden()
    view.show_failure(desk.Failed(id=1, reason="data", message="The template refuses it.", hint="Choose another."))
    assert view.text.toPlainText() == "The template refuses it.\nChoose another."
    assert view.picture is None
    assert view.text.token_at(3) == -1
    assert view.worse.isHidden()


def test_what_is_to_be_avoided_does_not_look_like_what_is_preferred(view: TokensView) -> None:
    looks = {}
    for answer in ("better", "worse"):
        shown = picture(["Hi", " there"], [False, True])
        view.show_picture(replace(shown, answer=answer))
        found = look(view, view.text.laid.spans[1][0])
        assert found is not None
        looks[answer] = found.background().color().name()
        assert view._legend[0].text().endswith(" 1")
        assert view._legend[0].font().underline()
    assert looks["better"] != looks["worse"]
    assert "avoided" in view.describe(1)


@pytest.mark.parametrize("lines", [False, True], ids=["one paragraph", "many lines"])
def test_eight_thousand_tokens_hold_nothing_up(view: TokensView, qtbot: QtBot, lines: bool) -> None:
    chance = random.Random(1)
    pieces = ["\n" if lines and chance.random() < 0.08 else " " + "x" * chance.randint(1, 8) for _ in range(8000)]
    long = picture(pieces, [chance.random() < 0.5 for _ in pieces], kept=7000)
    view.show()
    with qtbot.waitExposed(view):
        pass
    view.show_picture(CHAT)
    view.text.viewport().repaint()
    for apart in (False, True):
        view.show_apart(apart)
        started = time.perf_counter()
        view.show_picture(long)
        view.text.viewport().repaint()
        took = time.perf_counter() - started
        print(f"8000 tokens, apart={apart}, lines={lines}: {took * 1000:.0f} ms")
        assert took < 10
    position = view.text.laid.spans[7500][0] + 1
    drawn = look(view, position)
    assert drawn is not None
    assert drawn.fontStrikeOut()
    assert drawn.foreground().color() == QColor(LIGHT.bad)


def test_what_the_template_adds_is_told_from_what_a_person_wrote(view: TokensView) -> None:
    shown = replace(CHAT, written=["<" not in name for name in CHAT.names], template="{{ x }}")
    view.show_picture(shown)
    states = [token_text.state(shown, token) for token in range(len(shown.ids))]
    assert states[:4] == ["frame", "masked", "masked", "masked"]
    assert states[8] == "trained", "what is learned is learned, whoever wrote it"
    assert f"Template {states.count('frame')}" in [item.text() for item in view._legend]
    assert "added by the template" in view.describe(0)
    assert "context, not learned" in view.describe(1)


def test_a_template_is_tried_as_it_is_written(view: TokensView, qtbot: QtBot) -> None:
    view.show_picture(replace(CHAT, template="{{ own }}"))
    editor = view.editor
    assert editor.text.toPlainText() == "{{ own }}"
    assert editor.typed() == ""
    with qtbot.waitSignal(editor.tried) as tried:
        QTest.keyClicks(editor.text, "x")
    assert tried.args == ["x{{ own }}"]
    view.show_failure(desk.Failed(id=1, reason="config", message="It is not valid.", hint="Go on."))
    assert view.picture is not None, "the row stays in sight"
    assert view.editor._fault.text() == "It is not valid."
    assert not view.editor._keep.isEnabled()
    view.show_picture(replace(CHAT, template="x{{ own }}"))
    assert editor.own == "{{ own }}", "what is tried is not yet the settings'"
    with qtbot.waitSignal(editor.kept) as kept:
        editor._keep.click()
    assert kept.args == ["x{{ own }}"]
    with qtbot.waitSignal(editor.tried) as back:
        editor.reset()
    assert back.args == [""]


def test_a_template_that_has_no_room_is_scrolled_to(view: TokensView, qtbot: QtBot) -> None:
    view.resize(512, 128)
    view.show_picture(replace(CHAT, template="{{ own }}"))
    view.show()
    editor = view.editor
    next(made for made in view.findChildren(QPushButton) if made.text() == "Template").click()
    editor.text.setPlainText("{{")
    editor.show_fault("It is not valid.")
    QApplication.processEvents()
    parts = [editor.text, editor._fault, editor._keep]
    assert [made.y() + made.height() <= below.y() for made, below in pairwise(parts)] == [True, True]
    assert editor.rect().contains(editor._keep.geometry())
    assert view.height() == 128
    editor._back.setFocus()
    editor.text.setFocus()
    QTest.keyClick(editor.text, Qt.Key.Key_Tab)
    QApplication.processEvents()
    assert editor._back.visibleRegion().boundingRect() == editor._back.rect()
