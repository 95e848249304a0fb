"""The Configure page: every setting of a run as a form and as YAML, a live summary, presets, and the start."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QButtonGroup, QLineEdit, QPushButton, QStackedWidget, QWidget

from studio.core import config_file, library, run_queue
from studio.core.config import RunConfig
from studio.core.errors import StudioError
from studio.core.units import counted
from studio.ui import drops, words
from studio.ui.forms import Field, FieldSpec, declared_fields, told
from studio.ui.model_picker import ModelPicker
from studio.ui.pages.module_picker import PickerButton
from studio.ui.pages.several import SeveralDialog
from studio.ui.parts import (
    add_action,
    button,
    card,
    column,
    holder,
    icon_button,
    label,
    line,
    row,
    scrolling,
    segment,
    set_mark,
)
from studio.ui.presets import Preset, presets
from studio.ui.reason import Reason
from studio.ui.section import Section
from studio.ui.session import Session, demo_data
from studio.ui.summary import Summary
from studio.ui.theme import GRID
from studio.ui.yaml_view import YamlView

_SIDE_PX = 304
_SEARCH_PX = 200
_NARROW_PX = 920  # the longest label beside its editor, the side and the margins
_LEADING = ("training.objective", "adapter.method")  # with which others change
_REASON_LETTERS = 180  # the field has all of them


class ConfigurePage(QWidget):
    """The configuration of the next run.

    Attributes:
        fields: the settings that were shown so far.
        search: finds settings by their titles, names and helps.
    """

    def __init__(self, session: Session) -> None:
        """Shows the session's draft."""
        super().__init__()
        self._session, self._draft = session, session.draft
        self._specs = {spec.key: spec for spec in declared_fields()}
        self.fields: dict[str, Field] = {}
        self._narrow = False
        self._had = set[str]()
        self._going = 0
        self.search = self._search_box()
        self.summary = Summary(session.draft, session.desk)
        self.modules = PickerButton(session.draft, self.summary, session.theme)
        self.yaml = YamlView(session.draft, session.theme)
        self._views = QStackedWidget()
        self._views.addWidget(self._form())
        self._views.addWidget(self.yaml)
        body = row(self._views, self._side(), spacing=2 * GRID)
        body.setStretch(0, 1)
        layout = column(self._head(), body, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.start_action = add_action(self, self.tr("Start training"), self.start, "Ctrl+Return")
        self.several_action = add_action(self, self.tr("Try several values of settings..."), self.try_several)
        self.beside_action = add_action(self, self.tr("Start beside the runs at work"), self._start_beside)
        add_action(self, self.tr("Copy the configuration as a command"), self.copy_command)
        add_action(self, self.tr("Copy the configuration as YAML"), self.copy_yaml)
        add_action(self, self.tr("Choose the base model"), self.choose_model)
        add_action(self, self.tr("Choose modules of the model"), self.choose_modules)
        self._draft.changed.connect(self._refresh)
        session.runs_changed.connect(self._look)
        self.yaml.judged.connect(self._refresh)
        self.yaml.judged.connect(lambda: self.summary.disown(bool(self.yaml.fault)))
        self._show_all(session.settings.all_fields)
        self._refresh()
        self._listed = False

    def showEvent(self, event: QShowEvent) -> None:
        """Lists the models when it is shown for the first time."""
        super().showEvent(event)
        if not self._listed:
            self._listed = True
            QTimer.singleShot(0, self.picker, self.picker.refresh)
        found = self._session.read(library.entries)
        names = [entry.name for entry in found if not entry.fault and not entry.is_model]
        self.fields["adapter.path"].offer(["", *names])
        self._look()  # others may have started runs, which is told of by nobody

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Puts the labels above what they name where there is little room, so that nothing scrolls sideways."""
        super().resizeEvent(event)
        narrow = event.size().width() < _NARROW_PX
        if narrow != self._narrow:
            self._narrow = narrow
            for at, key in enumerate(self._specs):
                if key in self.fields:
                    self.fields[key].place(self._sections[self._specs[key].section].grid, at, narrow)

    def start(self) -> None:
        """Makes a run of the draft and starts it: at once, or behind the runs that are at work."""
        self._start(queued=True)

    def _start(self, *, queued: bool) -> None:
        """Makes a run of the draft and starts it, unless something is wrong with it."""
        if (config := self._sound()) is not None:
            self._begin([config], queued=queued)

    def try_several(self) -> None:
        """Asks for values of some settings, and queues a run for each combination."""
        if (config := self._sound()) is not None:
            dialog = SeveralDialog(self.window(), config, self._titles)
            dialog.chosen.connect(lambda configs: self._begin(configs, queued=True))
            dialog.open()

    def _sound(self) -> RunConfig | None:
        """Returns the draft's config; None: something is wrong with it."""
        self.yaml.take_typed()
        if self._draft.faults() or self.yaml.fault:
            return None
        try:
            return self._draft.config()
        except StudioError as error:
            self._session.tell_error(error)
            return None

    def _begin(self, configs: Sequence[RunConfig], *, queued: bool) -> None:
        """Starts a run of each config, and shows the first."""
        try:
            if len(configs) > 1:
                models = self._session.start_several(configs)
            else:
                models = [self._session.start(configs[0], queued=queued)]
        except StudioError as error:
            self._session.tell_error(error)
            return
        self._session.remember_model(configs[0].model.path)
        self._session.remember_data(Path(configs[0].data.path))
        self._session.run_wanted.emit(models[0].run)

    def leave(self) -> None:
        """Ends the counting and the listing of models, if they are going on."""
        self.summary.leave()
        self.picker.leave()

    def unsaved(self) -> str | None:
        """Says why what was typed as YAML is no configuration; None: it is one."""
        self.yaml.take_typed()
        return self.yaml.fault or None

    def settle(self, *, save: bool) -> None:
        """Gives up what was typed: it cannot be saved."""
        self.yaml.give_up()

    def go_to(self, key: str) -> None:
        """Shows a setting in the form and puts the cursor there."""
        self._show_view(0)
        if not self._is_shown(key):
            self.search.clear()
        if not self._is_shown(key):
            self._show_all(True)
        field = self.fields[key]
        self._sections[field.spec.section].unfold()
        self._area.ensureWidgetVisible(field.editor, 0, 16 * GRID)
        field.focus()

    def go_to_fault(self) -> None:
        """Goes to what keeps the run from starting."""
        if self.yaml.fault:
            self._show_view(1)
            self.yaml.editor.setFocus()
        elif (key := next(iter(self._draft.faults()), "")) in self._specs:
            self.go_to(key)

    def choose_model(self) -> None:
        """Opens the list of models."""
        self.go_to("model.path")
        self.picker.open()

    def choose_modules(self) -> None:
        """Opens the model's modules, to tick those that are adapted."""
        if self.modules.open() is None:
            self._session.tell(self.modules.reason())

    def copy_yaml(self) -> None:
        """Puts the whole configuration on the clipboard."""
        if not self._takes_yaml():
            return
        QApplication.clipboard().setText(self._draft.as_yaml())
        self._session.tell(self.tr("The configuration is on the clipboard."))

    def copy_command(self) -> None:
        """Puts the command that starts the same run on the clipboard."""
        if not self._takes_yaml():
            return
        try:
            settings = config_file.as_assignments(self._draft.config())
        except StudioError as error:
            self._session.tell_error(error)
            return
        words = ["studio", "train", *(word for setting in settings for word in ("--set", setting))]
        QApplication.clipboard().setText(subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words))
        self._session.tell(self.tr("The command is on the clipboard: in a terminal it starts the same run."))

    def _takes_yaml(self) -> bool:
        """Takes what was typed as YAML a moment ago; says so where that is no configuration, and returns False."""
        self.yaml.take_typed()
        if self.yaml.fault:
            self._session.tell(self.yaml.fault, "bad")
        return not self.yaml.fault

    def _head(self) -> QWidget:
        depth, kind = QButtonGroup(self), QButtonGroup(self)
        self._depths = [segment(text, depth) for text in (self.tr("Basic"), self.tr("All settings"))]
        self._kinds = [segment(text, kind) for text in (self.tr("Form"), self.tr("YAML"))]
        depth.buttonClicked.connect(lambda made: self._show_all(made is self._depths[1]))
        kind.buttonClicked.connect(lambda made: self._show_view(self._kinds.index(made)))
        self._kinds[0].setChecked(True)
        title = label(self.tr("Configure"), "title")
        found = row(self.search, 2 * GRID, *self._depths, 2 * GRID, *self._kinds, spacing=GRID // 2)
        return holder(row(title, None, found))

    def _search_box(self) -> QLineEdit:
        made = QLineEdit()
        made.setPlaceholderText(self.tr("Search the settings"))
        made.setAccessibleName(made.placeholderText())
        made.setClearButtonEnabled(True)
        made.setFixedWidth(_SEARCH_PX)
        made.textChanged.connect(self._look_for)
        leave = QShortcut(QKeySequence(Qt.Key.Key_Escape), made, context=Qt.ShortcutContext.WidgetShortcut)
        leave.activated.connect(made.clear)
        return made

    def _look_for(self) -> None:
        """Shows what is searched for in the form, whatever is shown now."""
        if self.search.text().strip():
            self._show_view(0)
        self._show_fields()
        self._area.verticalScrollBar().setValue(0)

    def _form(self) -> QWidget:
        self._titles = {
            "model": self.tr("Model"),
            "data": self.tr("Data"),
            "adapter": self.tr("Adapter"),
            "training": self.tr("Training"),
            "": self.tr("Run"),
        }
        self._sections = {name: Section(title, self._session.theme) for name, title in self._titles.items()}
        self.picker = ModelPicker(self._session.theme, lambda: self._session.settings.recent_models)
        self._none = label(self.tr("No setting is called so."), "muted", wrap=True)
        inner = column(self._none, *self._sections.values(), None, spacing=2 * GRID)
        inner.setContentsMargins(0, 0, GRID, 0)
        self._area = scrolling(holder(inner, "body"))
        return self._area

    def _make(self, spec: FieldSpec) -> Field:
        """Makes a setting's row; most are asked for by few, and wait until then."""
        picker = self.picker if spec.key == "model.path" else None
        made = Field(spec, self._session.theme, self._choices(spec.key), picker)
        made.setParent(self)
        made.edited.connect(self._edited)
        if spec.key in ("data.path", "data.eval_path"):
            made.extra.append(self._browse(made))
        if spec.key == "adapter.target_modules":
            made.extra.append(self.modules)
        made.place(self._sections[spec.section].grid, list(self._specs).index(spec.key), self._narrow)
        return made

    def _choices(self, key: str) -> list[str] | None:
        if key == "data.path":
            return list(dict.fromkeys([str(demo_data()), *self._session.settings.recent_data]))
        if key == "adapter.path":
            return [""]  # the library is read once the page is shown
        return None

    def _browse(self, field: Field) -> QWidget:
        def choose() -> None:
            chosen = drops.choose_data(self, field.spec.title)
            if chosen is not None:
                self._edited(field.spec.key, str(chosen))

        name = self.tr("Browse for {name}").format(name=field.spec.title)
        return icon_button(self._session.theme, "folder", name, choose)

    def _side(self) -> QWidget:
        chosen = column(label(self.tr("Presets"), "heading"), spacing=GRID)
        self._presets: list[tuple[Preset, QPushButton]] = []
        for preset in presets():
            made = button(preset.title, partial(self._apply, preset))
            made.setToolTip(preset.why)
            made.setAccessibleDescription(preset.why)
            self._presets.append((preset, made))
            chosen.addWidget(made)
            chosen.addWidget(label(preset.why, "caption", wrap=True))
        self._changes = label("", "caption")
        facts = column(label(self.tr("Summary"), "heading"), self.summary, self._changes)
        self.start_button = button(self.tr("Start training"), self.start, "primary")
        self._session.theme.dress(self.start_button, "play", "on_accent")
        self.beside_button = button(self.tr("Start beside it"), self._start_beside)
        self.several_button = button(self.tr("Try several values..."), self.try_several)
        self.reason = Reason()
        self.reason.clicked.connect(self.go_to_fault)
        copies = row(
            button(self.tr("Copy as command"), self.copy_command, "flat"),
            button(self.tr("Copy as YAML"), self.copy_yaml, "flat"),
        )
        inner = column(card(facts), card(chosen), None, spacing=2 * GRID)
        inner.setContentsMargins(0, 0, GRID, 0)
        area = scrolling(holder(inner, "body"))
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._begins = label("", "caption", wrap=True)
        others = row(self.beside_button, self.several_button)
        bottom = column(line(), self.reason, self._begins, self.start_button, others, copies, spacing=GRID)
        layout = column(area, bottom, spacing=GRID)
        layout.setStretch(0, 1)
        side = holder(layout)
        side.setFixedWidth(_SIDE_PX)
        return side

    def _edited(self, key: str, value: Any) -> None:
        if key not in _LEADING:
            self._draft.edit(key, value, self._specs[key].title)
            return
        before = {other: self._draft.value(other) for other in self._specs if other != key}
        self._draft.adopt({key: value}, self._specs[key].title)
        changed = {other: now for other, was in before.items() if (now := self._draft.value(other)) != was}
        if changed:
            said = self.tr("Changed along with the objective, as it asks for or is usual: {settings}.")
            if key == "adapter.method":
                said = self.tr("Changed along with the method, which has others or none: {settings}.")
            self._session.tell_step(said.format(settings=told(changed, self._specs)))

    def _apply(self, preset: Preset) -> None:
        before = self._session.undo.index()
        self._draft.adopt(preset.settings, self.tr("preset {name}").format(name=preset.title))
        texts = (self.tr("{name}: {count} setting applied."), self.tr("{name}: {count} settings applied."))
        text = counted(len(preset.settings), *texts, name=preset.title)
        if self._session.undo.index() != before:
            self._session.tell_step(text)
        else:
            self._session.tell(text)

    def _show_view(self, index: int) -> None:
        self._views.setCurrentIndex(index)
        self._kinds[index].setChecked(True)
        self._offer_depths()

    def _offer_depths(self) -> None:
        """Offers all or the basic settings where neither the YAML is shown nor what is searched for."""
        for made in self._depths:
            made.setEnabled(self._views.currentIndex() == 0 and not self.search.text().strip())

    def _show_all(self, everything: bool) -> None:
        self._session.settings.all_fields = everything
        self._depths[everything].setChecked(True)
        self._show_fields()

    def _is_shown(self, key: str) -> bool:
        return key in self.fields and self.fields[key].shown

    def _show_fields(self) -> None:
        """Shows the settings that are searched for, or else all or the basic ones."""
        shown, wanted = set(), self.search.text().casefold().split()
        self._had = set(filter(self._draft.has, self._specs))
        for key, spec in self._specs.items():
            visible = self._session.settings.all_fields or spec.basic or key == "name"
            visible = visible and key in self._had
            if wanted:
                visible = _is_meant(spec, wanted)
            if visible:
                shown.add(spec.section)
                if key not in self.fields:
                    self.fields[key] = self._make(spec)
                    self.fields[key].show_value(self._draft)
            if key in self.fields:
                self.fields[key].set_visible(visible)
                self.fields[key].editor.setEnabled(key in self._had)
        for name, section in self._sections.items():
            section.setVisible(name in shown)
            if wanted:
                section.unfold()
        self._none.setVisible(not shown)
        self._offer_depths()
        self._order_tabs()

    def _order_tabs(self) -> None:
        """Lets Tab go through the rows as they stand, whenever each was made."""
        stops: dict[str, list[QWidget]] = {name: [section.heading] for name, section in self._sections.items()}
        for key in filter(self.fields.__contains__, self._specs):
            field = self.fields[key]
            stops[field.spec.section] += [field.editor, *field.extra, field.reset]
        for before, after in pairwise(chain.from_iterable(stops.values())):
            self.setTabOrder(before, after)

    def _refresh(self) -> None:
        faults, changed = self._draft.faults(), dict.fromkeys(self._sections, 0)
        if self._had != set(filter(self._draft.has, self._specs)):
            self._show_fields()
        for field in self.fields.values():
            field.show_value(self._draft)
        for key, spec in self._specs.items():
            changed[spec.section] += self._draft.is_changed(key)
        for name, section in self._sections.items():
            section.note(self.tr("{n} changed").format(n=changed[name]) if changed[name] else "")
        text = self.tr("Changed from the defaults: {n}").format(n=sum(changed.values()))
        self._changes.setText(text)
        self._changes.setVisible(any(changed.values()))
        values = self._draft
        for preset, made in self._presets:
            set_mark(made, "chosen", all(values.value(key) == value for key, value in preset.settings.items()))
        reason = self._reason(faults)
        self.reason.setText(reason if len(reason) <= _REASON_LETTERS else f"{reason[:_REASON_LETTERS]} ...")
        self.reason.setVisible(bool(reason))
        self._offer_start(not reason)

    def _look(self) -> None:
        """Counts the runs at work, and those that wait."""
        self._going = len(run_queue.there())
        self._refresh()

    def _offer_start(self, possible: bool) -> None:
        """Offers to start at once, or where runs are at work behind them."""
        going = self._going
        begins = (
            self.tr("It begins when the run before it has ended."),
            self.tr("It begins when the {count} runs before it have ended."),
        )
        self._begins.setText(counted(going, *begins) if going else "")
        self._begins.setVisible(possible and going > 0)
        self.start_button.setText(self.tr("Add to the queue") if going else self.tr("Start training"))
        self.start_button.setAccessibleName(self.start_button.text())
        self.beside_button.setVisible(going > 0)
        for target in (self.start_button, self.start_action, self.several_button, self.several_action):
            target.setEnabled(possible)
        for target in (self.beside_button, self.beside_action):
            target.setEnabled(possible and going > 0)

    def _start_beside(self) -> None:
        self._start(queued=False)

    def _reason(self, faults: dict[str, str]) -> str:
        """Returns the one sentence that says why the run cannot start; empty: it can."""
        if self.yaml.fault:
            return self.yaml.fault
        key = next(iter(faults), None)
        if key is None:
            return ""
        title = self._specs[key].title if key in self._specs else ""
        sentence = words.sentence(faults[key]).replace(f"`{key}`", title)
        return sentence if not title or sentence.startswith(title) else words.titled(title, sentence)


def _is_meant(spec: FieldSpec, wanted: Sequence[str]) -> bool:
    """Whether a setting has every word in its title, its name, as such or in words, or its help."""
    said = " ".join((spec.title, spec.key, spec.key.replace("_", " "), spec.help)).casefold()
    return all(word in said for word in wanted)
