"""Every word of the window is in every language's file, finished, with the same places, and compiled."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from PySide6.QtCore import QTranslator

import translate
from studio.core import config_file, runs
from studio.core.config import RunConfig
from studio.core.desk import Sampling
from studio.core.errors import StudioError
from studio.ui.forms import declared_fields
from studio.ui.presets import presets
from translate import Text

LANGUAGES = sorted(translate.FOLDER.glob("*.ts"))
# What a translation may not lose: places for values, names between backticks, keys, and the mnemonic.
PLACES = re.compile(r"\{\w*\}|%\d|`[^`]*`|Ctrl\+\w+|&(?=\w)|\(\*[^)]*\)|\n|studio \w+|--\w+")

# Where a text given to a call is seen by a user: at these places among its arguments.
SHOWN: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(
        ("label", "button", "pill", "tell", "addItem", "addMenu", "QAction", "QLabel", "QPushButton"), (0,)
    ),
    **dict.fromkeys(("QCheckBox", "QRadioButton", "QGroupBox", "setText", "setToolTip", "setPlaceholderText"), (0,)),
    **dict.fromkeys(("setWindowTitle", "setAccessibleName", "setAccessibleDescription", "setInformativeText"), (0,)),
    **dict.fromkeys(("setStatusTip", "setWhatsThis", "setTitle", "setPrefix", "setSuffix", "addAction"), (0,)),
    **dict.fromkeys(("addTab", "setTabText", "_add", "LinePlot"), (1,)),
    **{"addRow": (0,), "icon_button": (2,), "empty": (2, 3), "getOpenFileName": (1, 3), "getExistingDirectory": (1,)},
}


@pytest.fixture(params=LANGUAGES, ids=lambda path: path.stem)
def file(request: pytest.FixtureRequest) -> Path:
    path = request.param
    assert isinstance(path, Path)
    return path


def test_there_is_simplified_chinese() -> None:
    assert "studio_zh_CN.ts" in [path.name for path in LANGUAGES]


def test_every_text_has_a_finished_translation_and_no_other_is_kept(file: Path) -> None:
    said, wanted = translate.read(file), translate.texts()
    assert [text for text in wanted if text not in said] == [], "run packaging/translate.py"
    assert set(said) - set(wanted) == set()


def test_translations_keep_places_names_keys_and_mnemonics(file: Path) -> None:
    def places(text: str) -> Counter[str]:
        return Counter(PLACES.findall(text))

    wrong = [text for text, said in translate.read(file).items() if places(text.source) != places(said)]
    assert wrong == []
    ends = [text for text, said in translate.read(file).items() if text.source.endswith("...") != said.endswith("…")]
    assert ends == []


def test_what_qt_loads_is_compiled_of_it(file: Path) -> None:
    compiled = QTranslator()
    assert compiled.load(str(file.with_suffix(".qm")))
    said = translate.read(file)
    stale = [text for text in said if compiled.translate(text.context, text.source) != said[text]]
    assert stale == [], "run packaging/translate.py"


def test_what_is_declared_is_found() -> None:
    core = set(translate.of_core())
    for spec in declared_fields():
        assert {spec.title, spec.help, *filter(None, [spec.unit])} <= core
    for hint in get_type_hints(Sampling, include_extras=True).values():
        info = get_args(hint)[1]
        assert {info.title, info.description} <= core
    assert {item for preset in presets() for item in (preset.title, preset.why)} <= core


def test_texts_of_the_window_are_found_under_the_context_qt_asks_for() -> None:
    found = set(translate.texts())
    assert Text("ConfigurePage", "Start training") in found  # self.tr
    assert Text("pages", "Compare") in found  # a module's own _tr
    assert Text("core", "{0} is empty.") in found  # an f-string of an error
    assert Text("core", "Free some space and try again.") in found  # what a parameter is where nothing is given
    assert Text("core", runs.FREE_AND_RESUME) in found  # what has a name of its own
    with pytest.raises(StudioError) as refused:
        config_file.parse("- 1", "x.yaml")
    assert refused.value.hint in {text.source for text in found}
    assert RunConfig.__name__ not in {text.source for text in found}


def test_a_file_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [Text("A", "One & <two>"), Text("A", "New"), Text("B", "Same"), Text("C", "Same")]
    monkeypatch.setattr(translate, "texts", lambda: wanted)
    file = tmp_path / "studio_xx.ts"
    file.write_text("<!-- words -->\n<TS></TS>", encoding="utf-8")
    known = {wanted[0]: "Eins & <zwei>", wanted[2]: "Gleich", Text("A", "gone"): "weg"}
    assert translate.write(file, known) == [wanted[1]]
    assert translate.read(file) == {wanted[0]: "Eins & <zwei>", wanted[2]: "Gleich", wanted[3]: "Gleich"}
    assert "<!-- words -->" in file.read_text(encoding="utf-8")
    translate.compile_into(file, file.with_suffix(".qm"))
    compiled = QTranslator()
    assert compiled.load(str(file.with_suffix(".qm")))
    assert compiled.translate("A", "One & <two>") == "Eins & <zwei>"
    assert not compiled.translate("A", "New")


def test_no_text_of_the_window_goes_past_the_translation() -> None:
    found = []
    for path in sorted((translate.ROOT / "studio" / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                shown = [node.args[at] for at in SHOWN.get(name, ()) if at < len(node.args)]
                bare = [text for item in shown for text in literals(item) if re.search("[A-Za-z]", text)]
                found += [f"{path.name}:{node.lineno}: {text!r}" for text in bare]
    assert found == []


def literals(node: ast.AST) -> Iterator[str]:
    """Yields the literal texts an expression can become; what a call makes of its arguments is the call's affair."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.Call):
        yield from literals(node.func)
    elif isinstance(node, ast.FormattedValue):
        yield from literals(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))
    elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.BoolOp | ast.Attribute):
        for child in ast.iter_child_nodes(node):
            yield from literals(child)


def test_literals_are_seen_wherever_they_hide() -> None:
    code = 'f("a" + x, self.tr("b"), f"{n} c", y if z else "d", " ".join(e), "g {}".format(1), h["i"] == "j")'
    call = ast.parse(code).body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert [text.strip() for item in call.value.args for text in literals(item)] == ["a", "c", "d", "", "g {}"]
