"""What the draft amounts to, kept up with every edit: parameters, size and strength at once, steps and tokens soon.

What depends on the model's structure alone is computed here, from the tree that the desk process read once for each
model. Steps and tokens need the rows tokenised: the desk is asked, and the figures of before stay, greyed, meanwhile.
"""

import json
from functools import partial
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio.core import config_file, desk, modules
from studio.core.config import AdapterSpec
from studio.core.errors import StudioError
from studio.core.methods import has, title_of, usual_rate
from studio.core.modules import Tree
from studio.core.units import counted, short, size
from studio.ui import words
from studio.ui.desk import Call, Desk
from studio.ui.draft import Draft
from studio.ui.memory_fit import MemoryFit
from studio.ui.parts import button, column, label, set_mark
from studio.ui.theme import GRID

# Long enough to type two letters, short enough to answer within half a second of an edit.
DEBOUNCE_MS = 200
# A stranger's expression is matched in the window's own thread.
_MATCHING_S = 0.02
_KNOWN_TREES = 8
_NONE = "\u2013"
# What these are about is wrong with the draft; a crash, a full disk or no network are not.
_PLACES = {
    "data": "data.path",
    "model": "model.path",
    "adapter": "adapter.target_modules",
    "further": "adapter.path",
    "config": "",
}


class Summary(QWidget):
    """The live summary of a draft; what model and data say is wrong with it is told to the draft.

    It works only while it is shown.

    Attributes:
        figures: each figure's label, by name.
        adapt: has experts adapted that would stay as they are.
        stale: whether steps and tokens are those of an earlier draft.

    Signals:
        read: the structure of another model is known.
    """

    read = Signal()

    def __init__(self, draft: Draft, helper: Desk) -> None:
        """Follows `draft`, asking `helper`."""
        super().__init__()
        self._draft, self._desk = draft, helper
        self._trees: dict[str, Tree] = {}
        self._model = self._plan = ""
        self._call: Call | None = None
        self._found: dict[str, dict[str, str]] = {"adapter": {}, "asked": {}}
        self.figures: dict[str, QLabel] = {}
        self.stale = self._disowned = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._ask)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2)
        for at, (name, title) in enumerate(self._names().items()):
            self.figures[name] = made = label(_NONE, wrap=True)
            made.setAccessibleDescription(title)
            head = label(title, "caption")
            head.setBuddy(made)
            grid.addWidget(head, at, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(made, at, 1)
        self.memory = MemoryFit(draft)
        self.strength = label("", "caption", wrap=True)
        self.left_out = label("", "caption", wrap=True)
        taken = {"adapter.target_parameters": ["experts"]}
        self.adapt = button(self.tr("Adapt experts too"), partial(draft.apply, taken, self.tr("experts adapted")))
        self.state = label("", "caption", wrap=True)
        self.state.setAccessibleDescription(self.tr("State of the summary"))
        self.rows = label("", "caption", wrap=True)
        told = self.left_out, self.adapt
        self.setLayout(column(grid, self.memory, self.strength, *told, self.rows, self.state, spacing=GRID))
        for hidden in (self.strength, *told, self.rows, self.state):
            hidden.hide()
        draft.changed.connect(self._changed)

    def tree(self) -> Tree | None:
        """Returns the structure of the draft's model; None: it is not known yet."""
        return self._trees.get(self._model_key(self._draft.values()))

    def leave(self) -> None:
        """Asks nothing any more."""
        self._timer.stop()
        self._drop()
        self._model = self._plan = ""

    def disown(self, disowned: bool) -> None:
        """Greys every figure while something is typed that is no configuration: they are those of the last one."""
        for made in (*self.figures.values(), self.strength, self.left_out, self.rows):
            set_mark(made, "stale", disowned)
        self._disowned = self.stale = disowned
        self.memory.show_found(None)
        self.leave()
        if disowned:
            self._say(self.tr("These are the figures of the last settings that were right."))
        else:
            self._changed()

    def showEvent(self, event: QEvent) -> None:
        """Begins to follow."""
        self._changed(shown=True)

    def hideEvent(self, event: QEvent) -> None:
        """Stops asking."""
        self.leave()

    def _names(self) -> dict[str, str]:
        return {
            "trainable": self.tr("Trainable"),
            "share": self.tr("Share of all"),
            "size": self.tr("Adapter size"),
            "strength": self.tr("Strength"),
            "batch": self.tr("Sequences a step"),
            "steps": self.tr("Steps"),
            "tokens": self.tr("Tokens an epoch"),
            "time": self.tr("Time"),
            "memory": self.tr("Memory"),
        }

    def _changed(self, shown: bool = False) -> None:
        if self._disowned or not (shown or self.isVisible()):
            return
        values = self._draft.values()
        self._show_batch(values)
        self._show_adapter(values)
        plan = json.dumps(values | {"name": None}, sort_keys=True, default=str)
        if plan == self._plan:
            return
        judged = json.loads(self._plan) if self._plan else {}
        if any(values[part] != judged.get(part) for part in ("model", "data", "adapter")):
            self._find("asked", {})
        self._plan, self._model = plan, self._model_key(values)
        self._drop()
        self._set_stale(True)
        self._timer.start()

    def _ask(self) -> None:
        """Asks for the model's structure where it is not known yet, else for steps and tokens."""
        values = self._draft.values()
        if self._model not in self._trees:
            path, revision = values["model"]["path"], values["model"]["revision"]
            if isinstance(path, str) and path and isinstance(revision, str | None):
                self._say(self.tr("Reading the model's structure ..."))
                self._follow(self._desk.ask(desk.Model(model=path, revision=revision)), self._take_tree)
        elif self._draft.sound():
            self._say(self.tr("Counting steps and tokens ..."))
            self._follow(self._desk.ask(desk.Plan(config=values)), self._take_plan)
        else:
            self._say(self.tr("Steps and tokens are counted once every setting is right."))

    def _follow(self, call: Call, take: Any) -> None:
        self._call = call
        call.progressed.connect(lambda progress: self._progress(progress) if self._call is call else None)
        call.done.connect(lambda result: take(result.facts) if self._call is call else None)
        call.failed.connect(lambda failed: self._fail(failed) if self._call is call else None)

    def _drop(self) -> None:
        """Ends what is being counted: nobody wants it any more."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _take_tree(self, facts: dict[str, Any]) -> None:
        self._call = None
        self._trees[self._model] = Tree.from_dict(facts)
        for old in list(self._trees)[:-_KNOWN_TREES]:
            del self._trees[old]
        self.read.emit()
        self._show_adapter(self._draft.values())
        self._ask()

    def _take_plan(self, facts: dict[str, Any]) -> None:
        self._call = None
        self._find("asked", {})
        self.figures["steps"].setText(f"{facts['steps']:,}")
        learned = facts["trained_tokens_per_epoch"] / max(1, facts["tokens_per_epoch"])
        tokens = self.tr("{count}, {share} learned")
        self.figures["tokens"].setText(tokens.format(count=f"{facts['tokens_per_epoch']:,}", share=f"{learned:.0%}"))
        known = self.tr("about {time}").format(time=words.duration(facts["seconds"] or 0))
        self.figures["time"].setToolTip(self.tr("From the speed of the earlier run most like this one."))
        self.figures["time"].setText(known if facts["seconds"] else self.tr("not known yet"))
        self._show_rows(facts)
        self._set_stale(False)
        self._say(self.tr("Counting memory ..."))
        self._follow(self._desk.ask(desk.Plan(kind="memory", config=self._draft.values())), self._take_memory)

    def _take_memory(self, facts: dict[str, Any]) -> None:
        self._call = None
        needed, parts = self.memory.figure(facts)
        self.figures["memory"].setText(needed)
        self.figures["memory"].setToolTip(parts)
        self.memory.show_found(facts)
        set_mark(self.figures["memory"], "stale", False)
        self._say("")

    def _progress(self, progress: desk.Progress) -> None:
        if progress.total and progress.phase in ("counting", "downloading"):
            said = self.tr("Counting steps and tokens: {share}")
            if progress.phase == "downloading":
                said = self.tr("Fetching the model's tokenizer: {share}")
            self._say(said.format(share=f"{progress.done / progress.total:.0%}"))

    def _fail(self, failed: desk.Failed) -> None:
        self._call = None
        sentence = f"{failed.message} {failed.hint}"
        if failed.reason not in _PLACES:
            self._find("asked", {})
            self._say(words.joined(words.sentence(failed.message), words.sentence(failed.hint)), fault=True)
            return
        self._say(self.tr("Steps and tokens are counted once every setting is right."))
        # Of an adapter that is trained further the engine says that it does not fit.
        begun = failed.reason == "adapter" and bool(self._draft.value("adapter.path"))
        self._find("asked", _placed(sentence, "further" if begun else failed.reason))

    def _show_batch(self, values: dict[str, Any]) -> None:
        training = values["training"]
        batch, times = training["per_device_train_batch_size"], training["gradient_accumulation_steps"]
        right = isinstance(batch, int) and isinstance(times, int)
        self.figures["batch"].setText(f"{batch * times:,}" if right else _NONE)

    def _show_adapter(self, values: dict[str, Any]) -> None:
        """Shows what the adapter amounts to; says what of it does not fit the model."""
        tree = self._trees.get(self._model_key(values))
        try:
            spec = AdapterSpec(**values["adapter"])
            counted = modules.count(tree, spec, _MATCHING_S) if tree else None
        except (ValidationError, TypeError):
            counted, spec = None, None  # the field says it
        except StudioError as error:
            self._find("adapter", _placed(str(error), error.reason))
            counted, spec = None, None
        else:
            self._find("adapter", {})
        for name in ("trainable", "share", "size"):
            set_mark(self.figures[name], "stale", counted is None)
        set_mark(self.figures["strength"], "stale", spec is None)
        if counted is not None:
            self.figures["trainable"].setText(short(counted.trainable))
            self.figures["trainable"].setToolTip(f"{counted.trainable:,}")
            share = self.tr("{share} of {total}")
            total = short(counted.total)
            self.figures["share"].setText(share.format(share=f"{counted.trainable / counted.total:.2%}", total=total))
            self.figures["size"].setText(size(counted.adapter_bytes))
        said = modules.left_out_sentence(tree, spec) if tree and spec and counted else ""
        self.left_out.setText(words.sentence(said))
        self.left_out.setVisible(bool(said))
        self.adapt.setVisible(bool(said and tree and spec and modules.experts_stay(tree, spec)))
        if spec is not None:
            self._show_strength(spec, counted.scaling if counted else None)

    def _show_strength(self, spec: AdapterSpec, scaling: tuple[float, float] | None) -> None:
        if spec.method == "full":
            self.figures["strength"].setText(_NONE)
            self.strength.setText(self.tr("Every weight is trained itself, so there is no update to scale."))
            self.strength.show()
            return
        if not has(spec.method, "lora_alpha"):
            self.figures["strength"].setText(_NONE)
            said = self.tr("{method} has no alpha: how far it goes is up to the learning rate, such as {rate}.")
            self.strength.setText(said.format(method=title_of(spec.method), rate=f"{usual_rate(spec.method):g}"))
            self.strength.show()
            return
        least, most = scaling or (spec.lora_alpha / (spec.r**0.5 if spec.use_rslora else spec.r),) * 2
        rule = self.tr("alpha / sqrt(rank)") if spec.use_rslora else self.tr("alpha / rank")
        number = f"{least:.3g}" if least == most else self.tr("{a} to {b}").format(a=f"{least:.3g}", b=f"{most:.3g}")
        self.figures["strength"].setText(f"{number} = {rule}")
        meaning = self.tr("The adapter's change is added {number} times over: more acts like a larger learning rate.")
        self.strength.setText(meaning.format(number=number))
        self.strength.show()

    def _show_rows(self, facts: dict[str, Any]) -> None:
        parts = [counted(facts["rows"], self.tr("{count} row to learn from"), self.tr("{count} rows to learn from"))]
        named = {
            "eval_rows": self.tr("{n} held back"),
            "truncated_rows": self.tr("{n} cut at the maximum length"),
            "rejected_rows": self.tr("{n} that cannot be read"),
            "untrained_rows": self.tr("{n} with nothing to learn"),
        }
        parts += [text.format(n=f"{facts[key]:,}") for key, text in named.items() if facts[key]]
        self.rows.setText(self.tr("{rows}.").format(rows=words.listed(parts)))
        self.rows.show()

    def _set_stale(self, stale: bool) -> None:
        self.stale = stale
        for made in (*(self.figures[name] for name in ("steps", "tokens", "time")), self.rows):
            set_mark(made, "stale", stale)
        if stale:  # offers are for what was counted
            set_mark(self.figures["memory"], "stale", True)
            self.memory.show_found(None)

    def _say(self, text: str, fault: bool = False) -> None:
        self.state.setText(text)
        self.state.setVisible(bool(text))
        set_mark(self.state, "wrong", fault)

    def _find(self, who: str, found: dict[str, str]) -> None:
        self._found[who] = found
        self._draft.find(self._found["asked"] | self._found["adapter"])

    @staticmethod
    def _model_key(values: dict[str, Any]) -> str:
        return json.dumps([values["model"]["path"], values["model"]["revision"]], default=str)


def _placed(sentence: str, reason: str) -> dict[str, str]:
    """Returns the setting that a sentence is about (the one it names, else the one its reason is about), and it."""
    for key in list(config_file.keys()):
        leaf = key.rpartition(".")[2]
        if said := config_file.said_of(sentence, key, leaf):
            return {key: said}
        if sentence.startswith((f"{leaf} ", f"Matching {leaf} ")) or f"`{key}`" in sentence:
            return {key: sentence}
    return {_PLACES.get(reason, ""): sentence}
