"""Keeps the window's translations in step with the code.

    python packaging/translate.py

Reads every text of the window and of the core out of the code, brings `resources/i18n/*.ts` up to date (new texts come
in as unfinished, texts that are gone go) and compiles each into the `.qm` beside it, which is what Qt loads.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import PySide6
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "resources" / "i18n"
CORE = "core"  # the context of whatever comes from outside of the window's own code
# Where core and engine put what a user reads: in these calls, under these names, and returned by functions so named.
_SAYS = {"StudioError", "_refused", "refused", "_fault", "bad", "Kind", "Guess", "Parsed", "_interrupt", "_check"}
_NAMES = {"message", "hint", "reason", "fault", "problem", "what", "said", "TEMPLATE_END"}
_NAMES |= {"TOO_LARGE", "_TOO_DEEP", "_TOO_MANY_DIGITS", "_GREEDY", "HALF", "FREE_AND_RESUME", "CLOSE_AND_RESUME"}
# Sentences with hardly a letter of their own, which are not looked for.
_BARE = (
    ": `{0}` {1}",
    "`{0}` {1}",
    "`{0}` and `{1}`",
    "`{0}`, `{1}` and a `label` of true and false",
    "No module matches `{0}`.",
    " in line {0}",
)
# What pydantic says of a wrong value, and the bounds that `core.config_file` adds.
_OF_PYDANTIC = (
    "should be greater than or equal to {0}",
    "should be greater than {0}",
    "should be less than or equal to {0}",
    "should be less than {0}",
    "should be a valid integer, unable to parse string as an integer",
    "should be a valid integer, got a number with a fractional part",
    "should be a valid integer",
    "should be a valid number, unable to parse string as a number",
    "should be a valid number",
    "should be a finite number",
    "should be a valid boolean, unable to interpret input",
    "should be a valid boolean",
    "should be a valid string",
    "should be a valid list",
    "should be a valid dictionary",
    "string should have at least 1 character",
    "should be {0} or {1}",
    "{0} (at least {1}, at most {2})",
    "{0} (at least {1}, below {2})",
    "{0} (above {1}, at most {2})",
    "{0} (at least {1})",
    "{0} (above {1})",
)
_RETURNS = re.compile(r"(fault|problem|_detect|_message|_sentence|_refused|_nearest)$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """A text as Qt knows it: where it is used, and what it says in English."""

    context: str
    source: str


def texts() -> list[Text]:
    """Returns every text there is, each once, by context and then in the order of the code."""
    found = dict.fromkeys(of_window())
    found |= dict.fromkeys(Text(CORE, source) for source in of_core())
    return sorted(found, key=lambda text: text.context)


def of_window() -> Iterator[Text]:
    """Yields the texts of `studio/ui`: literals given to `tr`, to `translate`, or to a module's own `_tr`."""
    for path in sorted((ROOT / "studio" / "ui").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from _of_module(tree)


def _of_module(tree: ast.Module) -> Iterator[Text]:
    own = {
        item.name: context
        for item in tree.body
        if isinstance(item, ast.FunctionDef) and item.name == "_tr" and (context := _context(item))
    }
    owners = [(node.name, node) for node in tree.body if isinstance(node, ast.ClassDef)]
    classes = {id(inner): name for name, owner in owners for inner in ast.walk(owner)}
    for node in _in_order(tree, (ast.Call,)):
        assert isinstance(node, ast.Call)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [item.value for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        if name == "tr" and given:
            yield Text(classes[id(node)], given[0])
        elif name == "translate" and len(given) >= 2:
            yield Text(given[0], given[1])
        elif name in own and given:
            yield Text(own[name], given[0])


def _context(function: ast.FunctionDef) -> str:
    """Returns the context that a module's `_tr` looks its texts up in."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "translate":
            return str(ast.literal_eval(node.args[0]))
    return ""


def of_core() -> Iterator[str]:
    """Yields what core and engine say to a user: titles and help of settings, presets, and sentences of errors."""
    for path in sorted((ROOT / "resources" / "presets").glob("*.yaml")):
        preset = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from (preset["title"], preset["why"])
    yield from (*_OF_PYDANTIC, *_BARE)
    for package in ("core", "engine", "cli", "ui"):
        for path in sorted((ROOT / "studio" / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for said in _said(tree):
                yield from filter(_says_something, _templates(said))


def _said(tree: ast.Module) -> Iterator[ast.expr]:
    """Yields the expressions of a module of the core that are shown to a user."""
    functions = [item for item in ast.walk(tree) if isinstance(item, ast.FunctionDef)]
    returns = [
        item
        for function in functions
        if _RETURNS.search(function.name)
        for item in ast.walk(function)
        if isinstance(item, ast.Return)
    ]
    for function in functions:
        given = zip(reversed(function.args.args), reversed(function.args.defaults), strict=False)
        yield from (value for name, value in given if name.arg == "hint")
    for node in _in_order(tree, (ast.Call, ast.Assign)):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Assign):
            yield from _assigned(node)
    for item in returns:
        if item.value is not None:
            yield item.value


def _of_call(node: ast.Call) -> Iterator[ast.expr]:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    told = {item.arg: item.value for item in node.keywords if item.arg}
    if name == "Field":
        yield from (told[key] for key in ("title", "description") if key in told)
        extra = told.get("json_schema_extra")
        if isinstance(extra, ast.Dict):
            pairs = zip(extra.keys, extra.values, strict=True)
            yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "unit")
    else:
        said = [*(value for key, value in told.items() if key in _NAMES), *(node.args if name in _SAYS else [])]
        yield from (item for item in said if not _is_code(item))


def _assigned(node: ast.Assign) -> Iterator[ast.expr]:
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=True))
    else:
        pairs = [(target, value)]
    yield from (said for name, said in pairs if isinstance(name, ast.Name) and name.id in _NAMES)


def _templates(node: ast.expr) -> Iterator[str]:
    """Yields the texts an expression can become, with `{0}`, `{1}` ... where a value is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        made, count = "", 0
        for part in node.values:
            if isinstance(part, ast.Constant):
                made += str(part.value)
            else:
                made, count = f"{made}{{{count}}}", count + 1
                yield from _templates(part.value if isinstance(part, ast.FormattedValue) else part)
        yield made
    elif isinstance(node, ast.IfExp):
        yield from (*_templates(node.body), *_templates(node.orelse))
    elif isinstance(node, ast.Tuple):
        yield from (text for item in node.elts if not _is_code(item) for text in _templates(item))


def _is_code(node: ast.expr) -> bool:
    """Whether it is a reason, such as `data`, or another code and no sentence."""
    return isinstance(node, ast.Constant) and str(node.value).isidentifier()


def _says_something(text: str) -> bool:
    letters = re.findall(r"[A-Za-z]", re.sub(r"\{\d+\}", "", text))
    # Places with few letters beside them would be found in any sentence.
    return len(letters) > (6 if "{0}" in text else 1)


def _in_order(tree: ast.Module, kinds: tuple[type[ast.expr] | type[ast.stmt], ...]) -> list[ast.expr | ast.stmt]:
    """Returns the nodes of some kinds in a module, in the order of its lines."""
    found = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def read(path: Path) -> dict[Text, str]:
    """Returns the finished translations of a `.ts` file."""
    found = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            if translation is not None and translation.get("type") is None and translation.text:
                found[Text(context.findtext("name", ""), message.findtext("source", ""))] = translation.text
    return found


def write(path: Path, known: dict[Text, str]) -> list[Text]:
    """Writes a `.ts` file of all texts there are, with what is known; returns those left unfinished.

    A text that is known from another context is taken over, since the same words mostly mean the same.
    """
    old = path.read_text(encoding="utf-8")
    same = {text.source: translated for text, translated in known.items()}
    comment = next(iter(_COMMENT.findall(old)), "")
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>", *([comment] if comment else [])]
    lines.append(f'<TS version="2.1" language="{path.stem.partition("_")[2]}" sourcelanguage="en">')
    unfinished, context = [], ""
    for text in texts():
        if text.context != context:
            lines += ["</context>"] * bool(context) + ["<context>", f"    <name>{text.context}</name>"]
            context = text.context
        translated = known.get(text) or same.get(text.source, "")
        mark = "" if translated else ' type="unfinished"'
        if not translated:
            unfinished.append(text)
        lines += ["    <message>", f"        <source>{_quoted(text.source)}</source>"]
        lines += [f"        <translation{mark}>{_quoted(translated)}</translation>", "    </message>"]
    path.write_text("\n".join([*lines, "</context>", "</TS>", ""]), encoding="utf-8")
    return unfinished


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;", "'": "&apos;"})


def compile_into(path: Path, out: Path) -> None:
    """Compiles a `.ts` file to the `.qm` that Qt loads, and has mapped while a window is open."""
    tool, made = next(Path(PySide6.__path__[0]).glob("lrelease*")), out.with_suffix(".new")
    subprocess.run([str(tool), "-silent", str(path), "-qm", str(made)], check=True)
    made.replace(out)


def main() -> int:
    """Brings every language up to date; returns 1 where texts are left to translate."""
    left = 0
    for path in sorted(FOLDER.glob("*.ts")):
        unfinished = write(path, read(path))
        compile_into(path, path.with_suffix(".qm"))
        left += len(unfinished)
        for text in unfinished:
            print(f"{path.name}: {text.context}: {text.source}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
