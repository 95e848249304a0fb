"""The window's language: chosen, followed, and spoken on every page, with nothing cut off."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTabBar,
    QToolButton,
    QWidget,
)

from studio.core import config_file, desk, events, progress, settings
from studio.core.errors import StudioError, as_memory_error
from studio.ui import words
from studio.ui.app import open_window, until_closed
from studio.ui.elided import Elided
from studio.ui.finder import title_of
from studio.ui.window import MainWindow
from tests.ui import walk
from translate import FOLDER, read

# The offscreen platform says this of every window with a least size.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z]{2,}")


@pytest.fixture(autouse=True)
def english_again(qapp: QApplication) -> Iterator[None]:
    yield
    words.speak(qapp, "en")
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def furnished(tmp_path: Path) -> None:
    walk.furnish(tmp_path)
    settings.save(settings.Settings(language="zh_CN"))


@pytest.fixture
def window(furnished: None, window: MainWindow) -> MainWindow:
    window.resize(1280, 720)
    return window


def shown(top: QWidget) -> Iterator[tuple[QWidget, str]]:
    """Yields what is written on a window, in tips and for a screen reader too; a value has a name, and is left out."""
    for made in top.findChildren(QWidget):
        if not made.isVisible():
            continue
        named = made.accessibleName() or made.accessibleDescription()
        yield made, named
        # What there is no room for is told in a tip.
        if not (isinstance(made, Elided) and named and made.toolTip() == made.text()):
            yield made, made.toolTip()
        if isinstance(made, QAbstractButton) or (isinstance(made, QLabel) and not named):
            yield made, made.text()
        elif isinstance(made, QLineEdit | QPlainTextEdit):
            yield made, made.placeholderText()
        elif isinstance(made, QTabBar):
            yield from ((made, made.tabText(at)) for at in range(made.count()))


def is_foreign(text: str, same: set[str], values: set[str]) -> bool:
    """Whether a text has English words, though it is neither Chinese nor the same in both, nor a value."""
    text = re.sub(r"Ctrl\+\S+|F\d+|Del", "", text).strip()
    return bool(WORD.search(text)) and not CHINESE.search(text) and text not in same | values


def test_every_page_and_dialog_is_chinese(window: MainWindow) -> None:
    same = {text.source for text, said in read(FOLDER / "studio_zh_CN.ts").items() if text.source == said}
    values = {"Finetune Studio", "English", "first", "second", "short", "demo"}
    values |= {"transformers, PEFT", "vLLM", "--enable-lora", "llama.cpp", "Ollama", "LM Studio"}
    found = []
    for where, top in walk.everywhere(window):
        for made, text in shown(top):
            if is_foreign(text, same, values) and made.objectName() != "pill" and not Path(text).is_absolute():
                found.append(f"{where}: {type(made).__name__} {text!r}")
    assert not "\n".join(dict.fromkeys(found))
    actions = [title_of(action) for action in window.all_actions()]
    assert [text for text in actions if is_foreign(text, same, values)] == []


def test_nothing_is_cut_off_in_chinese(window: MainWindow) -> None:
    cut = []
    for where, top in walk.everywhere(window):
        if too_narrow(top):
            QTest.qWait(300)  # what has just come in is laid out a moment later
        cut += [f"{where}: {text}" for text in too_narrow(top)]
        assert top.minimumSizeHint().width() <= 1280, where
    assert not "\n".join(dict.fromkeys(cut))


def too_narrow(top: QWidget) -> list[str]:
    """Returns the texts on buttons and in labels that have less room than they need."""
    found = []
    for made in top.findChildren(QWidget):
        text = made.text() if isinstance(made, QPushButton | QToolButton | QCheckBox | QLabel) else ""
        broken = isinstance(made, QLabel) and made.wordWrap()
        if text and not broken and made.isVisible() and made.width() < made.sizeHint().width():
            found.append(f"{text!r} has {made.width()} of {made.sizeHint().width()}")
    return found


def test_qt_speaks_it_too(qapp: QApplication) -> None:
    words.speak(qapp, "zh_CN")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "取消"
    words.speak(qapp, "en")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Cancel"


def test_the_language_is_chosen_in_the_menu_and_remembered(window: MainWindow, qapp: QApplication) -> None:
    actions = {action.text(): action for action in window.all_actions()}
    assert actions["简体中文"].isChecked()
    actions["English"].trigger()
    assert settings.load().language == "en"
    assert CHINESE.search(window.notices.texts()[-1])  # it says when
    words.speak(qapp, settings.load().language)
    assert words.state("paused") == "Paused"


def test_another_language_is_spoken_at_once_where_the_window_is_opened_again(qapp: QApplication) -> None:
    seen: list[tuple[str, str]] = []

    def look() -> None:
        shown = [made for made in qapp.topLevelWidgets() if isinstance(made, MainWindow) and made.isVisible()]
        # None is, for a moment, between the two.
        for window in shown:
            seen.append((window.session.settings.page, window.page_actions[0].text()))
            if len(seen) == 1:
                window.show_page("compare")
                next(action for action in window.all_actions() if title_of(action) == "简体中文").trigger()
                window.notices.findChildren(QPushButton)[-1].click()
            else:
                window.close()
                window.deleteLater()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(100)
    assert until_closed(qapp, open_window(qapp)) == 0
    timer.stop()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert seen == [("", "Data"), ("compare", "数据")]
    assert [made for made in qapp.topLevelWidgets() if isinstance(made, MainWindow)] == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (137, "2 min 17 s"), (601, "10 min"), (4790, "1 h 20 min")],
)
def test_a_time_is_told_in_the_units_that_matter(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ("zh_CN.UTF-8", "zh_CN"),
        ("zh_SG.UTF-8", "zh_CN"),
        ("zh_TW.UTF-8", "en"),
        ("de_DE.UTF-8", "en"),
        ("en_US.UTF-8", "en"),
        ("C", "en"),
    ],
)
def test_the_systems_language_is_followed(environment: str, language: str) -> None:
    code = "from studio.ui import words; print(words.of_system())"
    told = {key: value for key, value in os.environ.items() if key not in ("LANG", "LANGUAGE") and key[:3] != "LC_"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=told | {"LC_ALL": environment}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == language


def test_sentences_with_values_are_recognised(qapp: QApplication) -> None:
    english = "There is no file /tmp/a b.jsonl."
    assert words.sentence(english) == english
    words.speak(qapp, "zh_CN")
    assert words.sentence(english) == "没有文件 /tmp/a b.jsonl。"
    assert words.sentence("message 3: `content` is empty") == "第 3 条消息：`content` 是空的"
    assert words.sentence("") == ""
    unknown = "Nobody has ever said this: a, b."
    assert words.sentence(unknown) == unknown
    # What stands between backticks is a name, even if it reads like a word that is known.
    assert words.sentence("There is no setting `Rank`.") == "没有设置 `Rank`。"
    memory = as_memory_error(MemoryError())
    assert isinstance(memory, StudioError)
    assert words.sentences(memory).startswith("内存不足。请将")
    unmatched = "No module matches `q_prj`. Did you mean `q_proj`? The model has q_proj, v_proj."
    assert words.sentence(unmatched).startswith("没有模块与 `q_prj` 匹配。是否指 `q_proj`")
    assert words.sentence(unmatched).endswith("模型中有 q_proj, v_proj。")
    labelled = "`question`, `answer` and a `label` of true and false"
    assert words.sentence(labelled) == "`question`、`answer` 和取值为真或假的 `label`"
    assert words.sentence("End it in .jsonl or .parquet.") == "请让文件名以 .jsonl / .parquet 结尾。"
    assert words.sentence("There is no file this or that.") == "没有文件 this or that。"
    for kind in ("model", "dataset"):
        missing = f"There is no folder org/x and no such {kind} on Hugging Face, or it is private."
        assert not re.search(r"\b(model|dataset|folder)\b", words.sentence(missing))


def test_sentences_and_words_are_joined_as_the_language_writes_them(qapp: QApplication) -> None:
    assert words.joined("It is full.", "", "Free some.") == "It is full. Free some."
    assert words.listed(["Failed", "", "step 4"]) == "Failed, step 4"
    assert words.titled("Rank", "too large") == "Rank: too large"
    words.speak(qapp, "zh_CN")
    assert words.joined("已满。", "请清理。", "x 是空的", "好") == "已满。请清理。x 是空的 好"
    assert words.listed(["失败", "", "步 4"]) == "失败，步 4"
    assert words.titled("秩", "太大") == "秩：太大"


def test_of_many_names_a_few_are_told(qapp: QApplication) -> None:
    assert words.some(["a", "b", "c", "d"]) == "a, b, c, d"
    assert words.some(list("abcde")) == "a, b, c and 2 more"
    assert words.some([]) == ""


def test_bounds_are_told_in_it(qapp: QApplication) -> None:
    words.speak(qapp, "zh_CN")
    values = {"data": {"path": "x"}, "adapter": {"r": 0, "lora_dropout": "a", "bias": 1}, "training": {"seed": -1}}
    said = {key: words.sentence(text) for key, text in config_file.faults(values).items()}
    assert said["adapter.r"] == "`adapter.r` 应大于或等于 1，但它是 0（至少 1，至多 1024）。"
    assert said["adapter.lora_dropout"] == "`adapter.lora_dropout` 应为数字，但它是 'a'（至少 0.0，小于 1.0）。"
    assert all(CHINESE.search(text) for text in said.values())
    assert len(said) == 4


def test_every_state_and_phase_has_a_word(qapp: QApplication) -> None:
    states = {*get_args(progress.State), *get_args(events.Outcome), "stopping", "interrupted", "damaged"}
    phases = {*get_args(events.PhaseName), *get_args(desk.PhaseName)}
    assert words.state("early_stopped") == "Early stopped"
    words.speak(qapp, "zh_CN")
    assert all(CHINESE.search(words.state(name)) for name in states)
    assert all(CHINESE.search(words.phase(name)) for name in phases)


def test_a_text_of_any_length_is_answered_at_once(qapp: QApplication) -> None:
    words.speak(qapp, "zh_CN")
    words.sentence("a")
    began = time.process_time()
    text = "`learning_rate` should be a valid number, but it is " + "x, " * 20_000
    assert words.sentence(text) == text
    assert time.process_time() - began < 10
    words.speak(qapp, "en")
