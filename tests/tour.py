"""Opens the real window on the demo and writes a picture of each page and state, light and dark.

    python tests/tour.py OUT [SCALE] [--language zh_CN] [--size 960x600] [--only PAGE]

The pictures are made of short real runs in a home of their own.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.tour_more import blind, evaluation, mix, queue
from tests.tour_runs import FAILURES, LETTER, beside, demo, judged, preferences, train

if TYPE_CHECKING:
    from studio.ui.length_view import LengthView
    from studio.ui.pages.compare import ComparePage
    from studio.ui.pages.configure import ConfigurePage
    from studio.ui.pages.data import DataPage
    from studio.ui.pages.library import LibraryPage
    from studio.ui.pages.welcome import WelcomePage
    from tests.camera import Camera

_LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
}  # fmt: skip


def welcome(see: "Camera") -> None:
    """The first page: while the machine is looked at, and then."""
    page = cast("WelcomePage", see.window.page("welcome"))
    see.wait(lambda: see.session.machine.latest is not None)
    see.shot("welcome-checking")
    see.wait(lambda: page._asked and not see.session.desk.requests())
    see.shot("welcome")
    for name in ("data", "train", "library", "compare"):
        see.window.show_page(name)
        see.shot(f"{name}-empty")


def files(see: "Camera") -> None:
    """Data files: read, taken for something, with bad rows, unreadable."""
    page = cast("DataPage", see.window.page("data"))
    see.window.show_page("data")
    page.waiting.text.setText(f"{page.waiting.tr('Reading {name} ...').format(name='support.jsonl')} 42%")
    page._states.setCurrentIndex(1)
    see.shot("data-waiting")
    bad = see.folder / "letters.jsonl"
    bad.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"\n{"prompt": "only"}\n' * 4, encoding="utf-8")
    page.receive(bad)
    see.wait(lambda: page.rejected.model.rowCount() == 8)
    see.shot("data-in-place")
    page._tabs.setCurrentIndex(1)
    see.shot("data-rejected")
    broken = see.folder / "broken.parquet"
    broken.write_bytes(b"PAR1 but no more than that")
    page.receive(broken)
    see.wait(lambda: page._states.currentIndex() == 2)
    see.shot("data-unreadable")
    tasks = see.folder / "tasks.csv"
    tasks.write_text("instruction,input,output,note\n" + "Translate,cat,Katze,de\n" * 60, encoding="utf-8")
    page.receive(tasks)
    see.wait(lambda: "valid" in page.plain.known)
    see.shot("data-guess")
    see.dialog("data-columns", page._ask_columns)
    page.receive(demo())
    see.wait(lambda: "valid" in page.plain.known)
    see.shot("data")
    page.head.show_moved(page.plain.tr("Checking every row"), 1, 3)
    see.shot("data-progress")
    page.head.show_cancelled(page.plain.tr("Not every row was checked."))
    see.shot("data-cancelled")
    page.head.show_done()


def rows(see: "Camera") -> None:
    """Rows: searched, chosen, as tokens, with a template being written."""
    from studio.ui.words import told

    page = cast("DataPage", see.window.page("data"))
    page.rows.search.filters.click()
    page.search.setText("order 1")
    see.wait(lambda: "45" in page.rows.search.said.text())
    see.shot("data-search")
    page.search.setText("no row says this")
    see.wait(lambda: page.table_model.rowCount() == 0)
    see.shot("data-search-none")
    page.rows.search.expression.click()
    page.search.setText("(order")
    see.wait(page.rows.search.fault.isVisible)
    see.shot("data-search-fault")
    page.search.setText("")
    page.rows.search.filters.click()
    page.rows.search.expression.click()
    see.wait(lambda: page.table_model.rowCount() == 800)
    page.show_rows([3, 5, 8], told("Answers of one word"))
    see.shot("data-chosen")
    page.rows.choose(None, "")
    pane = page.rows.pane
    pane.views.setCurrentIndex(1)
    see.wait(lambda: page.tokens.picture is not None)
    page.tokens.describe(40)
    see.shot("data-tokens")
    page.tokens.show_apart(True)
    page.tokens.show_whitespace(True)
    see.shot("data-tokens-apart")
    page.tokens.show_apart(False)
    page.tokens.show_whitespace(False)
    see.button(page.tokens, "Template", page.tokens).click()
    see.shot("data-template")
    page.tokens.editor.text.setPlainText("{% for m in messages %}{{ m.content }")
    see.wait(lambda: not page.tokens.editor._fault.isHidden())
    see.shot("data-template-fault")
    page.tokens.editor.reset()
    see.button(page.tokens, "Template", page.tokens).click()
    pane.views.setCurrentIndex(0)


def versions(see: "Camera") -> None:
    """What is done to rows: by hand, by the Version menu, and the history of it."""
    page = cast("DataPage", see.window.page("data"))
    page.head.versions.click()
    see.shot("data-menu")
    page.head.menu.close()
    for kind in ("next", "exclude", "exclude"):
        page.rows.act(kind)
    see.wait(lambda: (made := page._editing.version) is not None and made.recipe.cursor == 2)
    see.shot("data-version")
    see.quiet()
    page.rows.act("edit")
    see.shot("data-edit")
    page.rows.pane.views.setCurrentIndex(0)
    asking, columns = page.menu.asking, page.table_model.columns
    see.dialog("data-tag", page.rows._ask_tag)
    for name, ask in (
        ("deduplicate", lambda: asking.deduplicate(columns)),
        ("sample", lambda: asking.sample(798)),
        ("balance", lambda: asking.balance(columns)),
    ):
        see.dialog(f"data-{name}", ask)
    split = asking.split(columns)
    see.shot("data-split")
    split.accept()
    see.wait(lambda: (made := page._editing.version) is not None and made.recipe.cursor == 3)
    see.dialog("data-history", page.menu.history)


def insight(see: "Camera") -> None:
    """The audit and the lengths of a dataset: offered, and what they find."""
    page = cast("DataPage", see.window.page("data"))
    see.window.show_page("data")
    poor = see.folder / "letters.jsonl"
    good = demo().read_text(encoding="utf-8").splitlines()
    asked = ("Who is it?", "Is it late?", "What ends a turn?")
    said = ("Write to jane.roe@corp.org, she is there today.", "Yes", "A turn ends with <|im_end|>, always.")
    talks = [
        {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": say}]}
        for ask, say in zip(asked, said, strict=True)
    ]
    poor.write_text("\n".join([*good, *good[:2], *map(json.dumps, talks)]) + "\n", encoding="utf-8")
    page.receive(poor)
    see.wait(lambda: "valid" in page.plain.known)
    for at, name in ((2, "audit"), (3, "lengths")):
        page._tabs.setCurrentIndex(at)
        see.shot(f"data-{name}-offer")
    page._tabs.setCurrentIndex(2)
    page.insight.audit.wanted.emit()
    see.shot("data-audit-going")
    see.wait(lambda: page.insight.audit._call is None)
    see.shot("data-audit")
    page._tabs.setCurrentIndex(3)
    see.shot("data-lengths")
    see.wait(lambda: page.insight.view is not None)
    cast("LengthView", page.insight.view).set_cutoff(100)
    see.shot("data-lengths-cut")


def configure(see: "Camera") -> None:
    """The form: as it is at first, filled, with a fault; all settings, the YAML, the models."""
    page = cast("ConfigurePage", see.window.page("configure"))
    draft = see.session.draft
    see.window.show_page("configure")
    see.shot("configure-empty")
    draft.apply({"data.path": str(demo()), "adapter.r": 8}, "tour")
    see.wait(lambda: not page.summary.stale)
    see.shot("configure")
    models = page.picker.open()
    see.wait(lambda: bool(page.picker.models))
    see.shot("configure-models")
    models.search.setText("no such: model!")
    see.shot("configure-models-none")
    models.close()
    draft.edit("adapter.target_modules", ["q_prj"])
    page.go_to_fault()
    see.shot("configure-fault")
    see.session.undo.undo()
    draft.edit("model.path", str(see.folder))
    see.wait(lambda: "model.path" in draft.faults())
    page.go_to_fault()
    see.shot("configure-fault-model")
    see.session.undo.undo()
    page._show_all(True)
    see.shot("configure-all")
    page._show_view(1)
    see.shot("configure-yaml")
    page.yaml.editor.setPlainText("adapter: {r: 3\nmodel: [x")
    see.wait(lambda: bool(page.yaml.fault))
    see.shot("configure-yaml-fault")
    see.session.undo.undo()
    page._show_view(0)
    page._show_all(False)


def modules(see: "Camera") -> None:
    """The modules of a model of 32 layers, of which nothing but its config is there: by kind and by layer."""
    from PySide6.QtCore import QModelIndex

    folder = see.folder / "Llama-3.1-8B"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(_LLAMA), encoding="utf-8")
    page, draft = cast("ConfigurePage", see.window.page("configure")), see.session.draft
    see.window.show_page("configure")
    layers = {r"layers\.(30|31)\..*": 64}
    draft.apply(
        {"model.path": str(folder), "adapter.rank_pattern": layers, "adapter.exclude_modules": ["k_proj"]}, "tour"
    )
    see.wait(lambda: page.summary.tree() is not None)
    page.go_to("adapter.target_modules")
    see.shot("modules-button")
    dialog = page.modules.open()
    assert dialog is not None
    dialog.resize(1066, 600)
    see.shot("modules")
    dialog.orders[1].click()
    inside = dialog.rows.index(1, 0, QModelIndex())
    last = dialog.rows.index(31, 0, inside)
    dialog.tree.setExpanded(last, True)
    dialog.tree.scrollTo(last, dialog.tree.ScrollHint.PositionAtTop)
    dialog.tree.setCurrentIndex(last)
    see.shot("modules-layers")
    dialog.resize(dialog.minimumSize())
    dialog.search.setText("norm")
    dialog.presets[-1][0].click()
    see.shot("modules-narrow")
    see.close()
    see.session.undo.undo()


def library(see: "Camera") -> None:
    """Adapters: one, several, none found, exported."""
    from studio.core import library as core_library
    from studio.core import runs as core_runs
    from studio.ui.pages.layers import LayersDialog

    page = cast("LibraryPage", see.window.page("library"))
    see.window.show_page("library")
    see.shot("library")
    for word in ("letters", "first try", "keep"):
        page.card.tags.box.setText(word)
        page.card.tags.box.returnPressed.emit()
    entry = page.entry()
    assert entry is not None
    earlier = min((core_runs.find(entry.run).path / "checkpoints").glob("step-*")) / "adapter"
    core_library.add(earlier, title="shop-desk, a second one with a name that is too long for its column",
                     base=entry.base, data=entry.data, config=entry.config, metrics=entry.metrics)  # fmt: skip
    see.session.library_changed.emit()
    see.shot("library-tags")
    page.table.selectAll()
    see.shot("library-several")
    page.show_layers()
    layers = see.top()
    assert isinstance(layers, LayersDialog)
    see.wait(lambda: bool(layers.view.found))
    layers.view.map._look((0, 1))
    see.shot("library-differ")
    layers.close()
    page.search.setText("nothing is called this")
    see.shot("library-none-found")
    page.search.setText("")
    page.table.selectRow(1)
    page.export()
    see.shot("export")
    dialog = see.top()
    from studio.ui.pages.export import ExportDialog

    assert isinstance(dialog, ExportDialog)
    dialog.gguf.click()
    dialog.folder.setText(str(see.folder / "exported"))
    dialog.export()
    see.shot("export-busy")
    see.wait(lambda: dialog._command is None)
    see.shot("export-proof")
    dialog.folder.clear()  # so that the same is offered anew
    dialog.folder.setText(str(see.folder / "exported"))
    dialog.export()
    see.wait(lambda: dialog._command is None)
    see.shot("export-failed")
    dialog.close()


def compare(see: "Camera") -> None:
    """Answers side by side, a conversation, and a model that cannot be read."""
    from studio.core import library as core_library

    page = cast("ComparePage", see.window.page("compare"))
    see.session.compare_wanted.emit(core_library.entries())
    page.panel.numbers["max_new_tokens"].setValue(80)

    def ask(text: str) -> None:
        page.prompt.setPlainText(text)
        page.run()
        see.wait(lambda: not page.running)

    ask(LETTER)
    page.differences.setChecked(True)
    see.shot("compare")
    page.columns[1].look.click()
    see.wait(lambda: not page.running)
    page.text.view.show_next()
    see.shot("scores")
    page.text.view.show_differences(True)
    see.shot("scores-difference")
    page.panel.choose(core_library.entries()[-1])
    page.show_mode(1)
    ask(LETTER)
    ask("Thank you. When will it arrive?")
    see.shot("chat")
    page.show_mode(0)
    page.panel.base.setCurrentText(str(see.folder))
    ask(LETTER)
    see.shot("compare-failed")


def shell(see: "Camera") -> None:
    """What lies over the pages: palette, shortcuts, questions, notices."""
    from studio.core.errors import StudioError
    from studio.ui.crash import CrashDialog, report
    from studio.ui.finder import Finder

    window, session = see.window, see.session
    window.show_page("data")
    see.dialog("shortcuts", window.show_shortcuts)
    see.dialog("about", window._about)
    window.find_command()
    see.shot("palette")
    window.findChildren(Finder)[-1].box.setText("nothing is called this")
    see.shot("palette-none")
    see.close()
    crash = CrashDialog(window)
    crash.set_report(report("Traceback (most recent call last):\n  ...\nValueError: an example"))
    see.dialog("crash", crash.open)
    session.tell(session.tr("Other changes were made since: Ctrl+Z takes them back, the latest first."))
    session.tell(session.tr("The run is done: the adapter {name} is in the library.").format(name="shop-desk"), "good",
                 session.tr("Show"), lambda: None)  # fmt: skip
    session.tell_error(StudioError("disk", *FAILURES[1][1:]))
    see.shot("notices")
    see.quiet()
    for at, name in enumerate(("file", "edit", "view", "help")):
        menu = window.menuBar().actions()[at].menu()
        menu.popup(window.menuBar().mapToGlobal(window.menuBar().rect().bottomLeft()))  # type: ignore[attr-defined]
        see.shot(f"menu-{name}")
        menu.close()  # type: ignore[attr-defined]


PARTS: tuple[Callable[["Camera"], None], ...] = (
    welcome, files, rows, versions, insight, configure, modules, train, beside, queue, library, mix, compare, blind,
    evaluation, shell, preferences, judged,
)  # fmt: skip


def main() -> None:
    """Walks through the window."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("out", type=Path)
    read.add_argument("scale", nargs="?", default="1")
    read.add_argument("--language", default="en")
    read.add_argument("--size", default="1280x720")
    read.add_argument("--only", nargs="*", choices=[part.__name__ for part in PARTS])
    asked = read.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ |= {"QT_SCALE_FACTOR": asked.scale, "STUDIO_HOME": tempfile.mkdtemp()}
    from tests.camera import Camera

    width, height = map(int, asked.size.split("x"))
    with Camera(asked.out, asked.language, width, height) as see:
        for part in PARTS:
            if not asked.only or part.__name__ in asked.only:
                part(see)


if __name__ == "__main__":
    main()
