"""What the summary says of memory: that a run fits, or what would have it fit."""

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QWidget

from studio.ui.draft import Draft, defaults
from studio.ui.memory_fit import MemoryFit

GB = 1_000_000_000
FOUND = {
    "weights": 16 * GB, "trained": 2 * GB, "passes": 3 * GB, "process": GB, "packed": 0,
    "activations": "kept", "tokens": 8192, "padded": False, "total": 22 * GB, "room": 40 * GB, "helps": [],
}  # fmt: skip


@pytest.fixture
def draft(qapp: QApplication) -> Draft:
    return Draft(QUndoStack(), defaults())


@pytest.fixture
def fit(draft: Draft) -> Iterator[MemoryFit]:
    page = QWidget()
    made = MemoryFit(draft)
    made.setParent(page)
    yield made
    page.deleteLater()


def shown(fit: MemoryFit, **found: Any) -> str:
    fit.show_found(FOUND | found)
    return "" if fit.isHidden() else fit.said.text()


def test_a_run_that_fits_needs_no_words(fit: MemoryFit) -> None:
    assert shown(fit) == ""
    text, tip = fit.figure(FOUND)
    assert text == "22.0 GB of 40.0 GB"
    assert all(part in tip for part in ("base 16.0 GB", "notes 2.0 GB", "8,192 tokens 3.0 GB", "itself 1.0 GB"))
    assert fit.figure(FOUND | {"packed": 4 * GB})[1].endswith(
        "Up to 4.0 GB more are taken to be faster, as there is room for that."
    )
    shown(fit, room=GB)
    fit.show_found(None)
    assert fit.isHidden()
    unknown = {"fault": "It would take too long to count.", "room": GB}
    fit.show_found(unknown)
    assert fit.isHidden()
    assert fit.figure(unknown) == ("not known", "It would take too long to count.")


def test_what_it_costs_to_fit_is_said(fit: MemoryFit, draft: Draft) -> None:
    assert shown(fit, activations="recomputed").endswith("they are computed again, which is slower.")
    assert "outside the card" in shown(fit, activations="offloaded")
    assert shown(fit, room=23 * GB).startswith("It only just fits")
    assert not fit.said.property("wrong")
    draft.edit("training.activation_checkpointing", True)
    assert shown(fit, activations="recomputed") == "", "it was asked for"


def test_what_helps_is_a_click_that_can_be_undone(fit: MemoryFit, draft: Draft) -> None:
    nf4, both = {"model.quantization": "nf4"}, {"training.optim": "adamw_8bit", "data.max_length": 512}
    helps = [{"settings": nf4, "total": 9 * GB}, {"settings": both, "total": 11 * GB}]
    said = shown(fit, room=12 * GB, helps=helps)
    assert said == "It will not fit: about 22.0 GB are needed, and there are 12.0 GB. It fits with:"
    assert fit.said.property("wrong")
    titles = [made.text() for made in fit.helps]
    assert titles == ["Quantization: nf4 (9.0 GB)", "Optimizer: adamw_8bit\nMaximum length: 512 (11.0 GB)"]
    fit.helps[1].click()
    assert (draft.value("training.optim"), draft.value("data.max_length")) == ("adamw_8bit", 512)
    draft._undo.undo()
    assert draft.value("training.optim") == "adamw_torch"
    assert "smaller model" in shown(fit, room=GB)
    assert fit.helps == []
