"""What stands over the rows: whether one can train on them, and why not."""

import pytest
from pytestqt.qtbot import QtBot

from studio.core.errors import StudioError
from studio.ui.pages.data_head import DataHead
from studio.ui.theme import Theme


@pytest.fixture
def head(qtbot: QtBot, theme: Theme) -> DataHead:
    made = DataHead(theme)
    qtbot.addWidget(made)
    return made


@pytest.mark.parametrize(
    ("format", "offered"), [("messages", True), ("mixed", True), ("preference", True), ("kto", False)]
)
def test_one_trains_only_on_what_training_takes(head: DataHead, format: str, offered: bool) -> None:
    head.show_format(format, "", None)
    assert head.use.isEnabled() == offered
    for said in (head.use.toolTip(), head.fault.text()):
        assert ("not possible yet" in said) != offered
    assert head.fault.isHidden() == offered


def test_what_rows_are_for_is_seen_by_their_format(head: DataHead) -> None:
    for row_format, objective in (("messages", "sft"), ("text", "sft"), ("preference", "dpo"), ("kto", None)):
        head.show_format(row_format, "", None)
        assert head.objective == objective


def test_rows_in_no_known_format_are_not_trained_on(head: DataHead) -> None:
    head.show_fault(StudioError("data", "rows.jsonl is in no known format.", "Say which columns play these parts."))
    assert not head.use.isEnabled()
    assert "no known format" in head.use.toolTip()
    head.show_fault(None)
    assert head.use.isEnabled()
    assert not head.use.toolTip()
