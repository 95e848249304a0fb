"""What the Configure page and the library show of an adapter's method."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox

from studio.core import entry
from studio.ui.pages.configure import ConfigurePage
from studio.ui.session import demo_data
from studio.ui.window import MainWindow
from tests.adapters import made
from tests.ui.test_further import configure

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")


@pytest.fixture
def page(window: MainWindow) -> ConfigurePage:
    return configure(window)


def shown(page: ConfigurePage) -> set[str]:
    """The adapter's settings that are to be seen."""
    return {
        key.removeprefix("adapter.") for key, field in page.fields.items() if key.startswith("adapter.") and field.shown
    }


def test_a_method_shows_its_settings_and_no_others(page: ConfigurePage, window: MainWindow) -> None:
    window.session.draft.edit("data.path", str(demo_data()))
    page._show_all(True)
    draft, common = window.session.draft, {"path", "method", "target_modules", "exclude_modules", "modules_to_save"}
    common |= {"layers_to_transform"}
    assert not {"oft_block_size", "decompose_factor"} & shown(page)
    draft.edit("adapter.lora_dropout", 0.1)
    draft.edit("training.loraplus_lr_ratio", 16.0)
    method = page.fields["adapter.method"].editor
    assert isinstance(method, QComboBox)
    method.setCurrentText("vera")
    assert shown(page) == common | {"r", "lora_dropout"}
    assert (draft.value("adapter.r"), draft.value("adapter.lora_dropout")) == (256, 0.1)
    assert not page.fields["training.loraplus_lr_ratio"].shown
    assert (draft.value("training.loraplus_lr_ratio"), draft.faults()) == (1.0, {})
    method.setCurrentText("oft")
    assert shown(page) == common | {"oft_block_size"}
    assert (draft.value("adapter.r"), draft.value("adapter.lora_dropout")) == (16, 0.0)
    method.setCurrentText("lokr")
    assert shown(page) == common | {"r", "lora_alpha", "rank_pattern", "alpha_pattern", "decompose_factor"}
    window.session.undo.undo()
    window.session.undo.undo()
    assert (draft.value("adapter.method"), draft.value("adapter.lora_dropout")) == ("vera", 0.1)
    assert shown(page) == common | {"r", "lora_dropout"}


def test_what_a_method_does_not_have_is_shown_where_it_is_set(page: ConfigurePage, window: MainWindow) -> None:
    draft = window.session.draft
    draft.edit("data.path", str(demo_data()))
    draft.apply({"adapter.method": "ia3", "adapter.use_dora": True}, "test")
    assert draft.faults() == {"adapter.use_dora": "Not a setting of IA3; leave it out, which is false."}
    page.go_to_fault()
    assert page.fields["adapter.use_dora"].shown
    assert page.fields["adapter.use_dora"].editor.isEnabled()
    page.search.setText("rslora")
    assert page.fields["adapter.use_rslora"].shown
    assert not page.fields["adapter.use_rslora"].editor.isEnabled()


def test_a_preset_leaves_out_what_the_method_does_not_have(page: ConfigurePage, window: MainWindow) -> None:
    draft = window.session.draft
    draft.edit("data.path", str(demo_data()))
    draft.edit("adapter.method", "oft")
    for preset, pressed in page._presets:
        QTest.mouseClick(pressed, Qt.MouseButton.LeftButton)
        assert draft.faults() == {}, preset.title
        assert draft.value("training.num_train_epochs") == preset.settings["training.num_train_epochs"]


def test_an_adapter_without_a_rank_has_none(window: MainWindow) -> None:
    config = {"adapter": {"method": "oft", "r": 16}}
    entries = [
        made("turned", peft_type="OFT", r=0, config=config),
        made("elsewhere", peft_type="OFT", r=0),
        made("plain"),
    ]
    assert [(entry.rank(one), entry.method(one)) for one in entries] == [(None, "OFT"), (None, "OFT"), (2, "LoRA")]
