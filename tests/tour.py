"""Opens the real window on the demo and writes a picture of each page and state, light and dark.

    python tests/tour.py OUT

The pictures are made of a short real run in a home of their own.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.ui.window import MainWindow

SIZE = (1280, 720)
_ROOT = Path(__file__).resolve().parents[1]


def main(out: Path, scale: str) -> None:
    """Walks through the window."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["QT_SCALE_FACTOR"] = scale
    sys.path.insert(0, str(_ROOT))
    from PySide6.QtWidgets import QApplication

    from studio.core import library as core_library
    from studio.ui.app import open_window
    from studio.ui.session import demo_data

    app = QApplication([])
    window = open_window(app)
    window.resize(*SIZE)
    session = window.session
    tag = "" if scale == "1" else f"-{scale}x"

    def wait(until: Callable[[], bool], limit_s: float = 300.0) -> None:
        deadline = time.monotonic() + limit_s
        while not until() and time.monotonic() < deadline:
            app.processEvents()
            time.sleep(0.01)
        assert until(), "the window did not get there"

    def shot(name: str) -> None:
        for mode in ("light", "dark"):
            session.theme.set_mode(mode)
            end = time.monotonic() + 0.3
            wait(lambda: time.monotonic() > end)  # noqa: B023 - called at once
            app.sendPostedEvents()  # a text set by the last event has its room only then
            top = app.activePopupWidget() or app.activeModalWidget() or window
            top.grab().save(str(out / f"{name}-{mode}{tag}.png"))

    def close_dialog() -> None:
        dialog = app.activeModalWidget()
        assert dialog is not None
        dialog.close()

    def page(name: str) -> None:
        window.show_page(name)
        shot(name)

    welcome = window.page("welcome")
    wait(lambda: session.machine.latest is not None)
    shot("welcome-checking")
    wait(lambda: welcome._asked and not session.desk.requests())  # type: ignore[attr-defined]
    shot("welcome")
    for name in ("data", "train", "library"):
        window.show_page(name)
        shot(f"{name}-empty")
    page("configure")
    window.open_path(demo_data())
    data = window.page("data")
    wait(lambda: data.table_model.rowCount() > 0)  # type: ignore[attr-defined]
    shot("data")
    bad = Path(tempfile.mkdtemp()) / "letters.jsonl"
    bad.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"\n{"prompt": "only"}\n' * 4, encoding="utf-8")
    window.open_path(bad)
    wait(lambda: data.rejected_model.rowCount() == 8)  # type: ignore[attr-defined]
    shot("data-in-place")
    data._tabs.setCurrentIndex(1)  # type: ignore[attr-defined]
    shot("data-rejected")
    browse(window, wait, shot)
    session.draft.apply({"data.path": str(demo_data()), "adapter.r": 8}, "tour")
    window.show_page("configure")
    configure = window.page("configure")
    wait(lambda: not configure.summary.stale)  # type: ignore[attr-defined]
    shot("configure")
    models = configure.picker.open()  # type: ignore[attr-defined]
    wait(lambda: bool(configure.picker.models))  # type: ignore[attr-defined]
    shot("configure-models")
    models.close()
    session.draft.edit("adapter.target_modules", ["q_prj"])
    configure.go_to_fault()  # type: ignore[attr-defined]
    shot("configure-fault")
    session.undo.undo()
    configure._show_all(True)  # type: ignore[attr-defined]
    shot("configure-all")
    configure._show_view(1)  # type: ignore[attr-defined]
    shot("configure-yaml")
    configure._show_view(0)  # type: ignore[attr-defined]
    session.draft.apply({"name": "shop-desk", "data.eval_split": 0.05, "data.packing": True, "training.max_steps": 60,
                         "training.eval_steps": 10, "training.save_steps": 20, "data.max_length": 512,
                         "training.learning_rate": 4e-3}, "tour")  # fmt: skip
    configure.start()  # type: ignore[attr-defined]
    wait(lambda: len(session.running()) == 1)
    shot("train-starting")
    model = next(iter(session.models.values()))
    wait(lambda: model.progress.step > 15)
    shot("train-running")
    wait(lambda: not model.alive, 500)
    shot("train-done")
    session.draft.apply({"name": "wrong-model", "model.path": str(bad.parent)}, "tour")
    window.show_page("configure")
    configure.start()  # type: ignore[attr-defined]
    wait(lambda: len(session.models) == 2 and not session.running())
    shot("train-failed")
    page("library")
    library = window.page("library")
    library.export()  # type: ignore[attr-defined]
    shot("export")
    close_dialog()
    for word in ("letters", "first try", "keep"):
        library.card.tags.box.setText(word)  # type: ignore[attr-defined]
        library.card.tags.box.returnPressed.emit()  # type: ignore[attr-defined]
    entry = library.entry()  # type: ignore[attr-defined]
    core_library.add(entry.folder, title="shop-desk, a second one", base=entry.base, data=entry.data,
                     config=entry.config, metrics=entry.metrics)  # fmt: skip
    session.library_changed.emit()
    shot("library-tags")
    library.table.selectAll()  # type: ignore[attr-defined]
    shot("library-several")
    library.compare()  # type: ignore[attr-defined]
    compare = window.page("compare")
    compare.panel.numbers["max_new_tokens"].setValue(80)  # type: ignore[attr-defined]
    letter = "This is Ravi. I ordered a yellow pillow, order 92082. It has a big crack."
    compare.prompt.setPlainText(letter)  # type: ignore[attr-defined]
    compare.run()  # type: ignore[attr-defined]
    wait(lambda: not compare.running)  # type: ignore[attr-defined]
    shot("compare")
    compare.panel.choose(core_library.entries()[-1])  # type: ignore[attr-defined]
    compare.show_chat(True)  # type: ignore[attr-defined]
    for said in (letter, "Thank you. When will it arrive?"):
        compare.prompt.setPlainText(said)  # type: ignore[attr-defined]
        compare.run()  # type: ignore[attr-defined]
        wait(lambda: not compare.running)  # type: ignore[attr-defined]
    shot("chat")
    window.find_command()
    shot("palette")
    close_dialog()
    window.show_shortcuts()
    shot("shortcuts")
    close_dialog()
    window.close()
    window.deleteLater()
    app.processEvents()


def browse(window: "MainWindow", wait: Callable[[Callable[[], bool]], object], shot: Callable[[str], object]) -> None:
    """Walks through what the Data page does with rows."""
    from studio.ui.pages.data import DataPage
    from studio.ui.session import demo_data

    data = window.page("data")
    assert isinstance(data, DataPage)
    tasks = Path(tempfile.mkdtemp()) / "tasks.csv"
    tasks.write_text("instruction,input,output,note\n" + "Translate,cat,Katze,de\n" * 60, encoding="utf-8")
    data.receive(tasks)
    wait(lambda: "valid" in data._known)
    shot("data-guess")
    columns = data._ask_columns()
    assert columns is not None
    shot("data-columns")
    columns.close()
    data.receive(demo_data())
    wait(lambda: "valid" in data._known)
    data.head.show_moved("Checking every row", 1, 3)
    shot("data-progress")
    data.head.show_done()
    data.rows.search.filters.click()
    data.search.setText("order 1")
    wait(lambda: "found" in data.rows.search.said.text())
    shot("data-search")
    data.rows.search.expression.click()
    data.search.setText("(order")
    wait(data.rows.search.fault.isVisible)
    shot("data-search-fault")
    data.search.setText("")
    data.rows.search.filters.click()
    data.rows.search.expression.click()
    wait(lambda: data.table_model.rowCount() == 800)
    data.show_rows([3, 5, 8], "Short answers")
    shot("data-chosen")
    data.rows.choose(None, "")
    for kind in ("next", "exclude", "exclude"):
        data.rows.act(kind)
    wait(lambda: (made := data._editing.version) is not None and made.recipe.cursor == 2)
    shot("data-version")
    data.rows.act("edit")
    shot("data-edit")
    split = data._asking.split(data.table_model.columns)
    shot("data-split")
    split.accept()
    wait(lambda: "evaluation" in data.head.count.text())
    history = data._history()
    assert history is not None
    shot("data-history")
    history.close()
    data.rows.pane.views.setCurrentIndex(0)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    os.environ["STUDIO_HOME"] = tempfile.mkdtemp()
    main(target, sys.argv[2] if len(sys.argv) > 2 else "1")
