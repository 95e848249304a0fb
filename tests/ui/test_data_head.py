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


@pytest.mark.parametrize("format", ["messages", "mixed", "preference", "kto"])
def test_one_trains_on_rows_of_every_format(head: DataHead, format: str) -> None:
    head.show_format(format, "", None)
    assert head.use.isEnabled()
    assert head.fault.isHidden()


def test_what_rows_are_for_is_seen_by_their_format(head: DataHead) -> None:
    for row_format, objective in (("messages", "sft"), ("text", "sft"), ("preference", "dpo"), ("kto", "kto")):
        head.show_format(row_format, "", None)
        assert head.objective == objective


def test_rows_in_no_known_format_are_not_trained_on(head: DataHead) -> None:
    head.show_fault(StudioError("data", "rows.jsonl is in no known format.", "Say which columns play these parts."))
    assert not head.use.isEnabled()
    assert "no known format" in head.use.toolTip()
    head.show_fault(None)
    assert head.use.isEnabled()
    assert not head.use.toolTip()
