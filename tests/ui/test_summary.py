"""What the summary says of a model with experts: that they stay, how they are adapted, and what that comes to."""

from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.core.units import short
from studio.engine.planning import plan
from studio.ui.pages.configure import ConfigurePage
from studio.ui.window import MainWindow
from tests.models import tiny
from tests.training import write_rows

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> ConfigurePage:
    """The page with a model whose experts lie in one parameter."""
    window.show_page("configure")
    found = window.page("configure")
    assert isinstance(found, ConfigurePage)
    model, rows = tiny("mixtral", tmp_path / "base"), write_rows(tmp_path / "rows.jsonl", 8)
    window.session.draft.apply({"model.path": str(model), "data.path": str(rows), "data.max_length": 128}, "test")
    qtbot.waitUntil(lambda: not found.summary.stale)
    return found


def test_experts_that_are_left_out_are_told_and_then_adapted(page: ConfigurePage, window: MainWindow) -> None:
    draft, told = window.session.draft, page.summary.left_out
    assert "mlp.experts.gate_up_proj, mlp.experts.down_proj (" in told.text()
    assert "Set adapter.target_parameters to experts" in told.text()
    page.summary.adapt.click()
    assert draft.value("adapter.target_parameters") == ["experts"]
    assert told.isHidden()
    assert page.summary.adapt.isHidden()
    draft.edit("adapter.target_parameters", [])
    assert page.summary.adapt.isVisibleTo(page.summary)
    page._show_all(True)
    QTest.keyClicks(page.fields["adapter.target_parameters"].editor, "experts")
    assert draft.value("adapter.target_parameters") == ["experts"]
    assert told.isHidden()
    assert page.summary.figures["trainable"].text() == short(plan(draft.config())["trainable_parameters"])
    draft.edit("adapter.target_modules", "")
    assert not draft.faults()
    assert page.summary.figures["trainable"].text() == short(plan(draft.config())["trainable_parameters"])
    draft.edit("adapter.target_modules", ["q_proj"])
    draft.edit("adapter.target_parameters", [])
    assert told.isHidden()


def test_what_experts_do_not_take_stands_at_the_setting(page: ConfigurePage, window: MainWindow) -> None:
    draft = window.session.draft
    draft.edit("adapter.target_parameters", ["expert"])
    assert "experts are called `expert`. Write experts for all" in draft.faults()["adapter.target_parameters"]
    draft.edit("adapter.target_parameters", ["experts"])
    assert not draft.faults()
    draft.edit("adapter.lora_dropout", 0.1)
    assert "set it to 0" in draft.faults()["adapter.lora_dropout"]
