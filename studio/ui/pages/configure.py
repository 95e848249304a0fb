"""The Configure page: every setting of a run as a form and as YAML, presets, a summary, and the start."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QGridLayout,
    QPlainTextEdit,
    QStackedWidget,
    QWidget,
)

from studio.core import config_file
from studio.core.errors import StudioError
from studio.ui import words
from studio.ui.draft import merged
from studio.ui.forms import Field, declared_fields
from studio.ui.jobs import Command
from studio.ui.parts import button, card, column, holder, icon_button, label, line, row, scrolling, set_mark
from studio.ui.presets import Preset, presets
from studio.ui.session import Session, demo_data
from studio.ui.theme import GRID

_TYPING_MS = 400
_SIDE_PX = 296


class ConfigurePage(QWidget):
    """The configuration of the next run."""

    def __init__(self, session: Session) -> None:
        """Shows the session's draft."""
        super().__init__()
        self._session, self._draft = session, session.draft
        self.fields: dict[str, Field] = {}
        self._plan: Command | None = None
        self._plan_file: Path | None = None
        self._views = QStackedWidget()
        self._views.addWidget(self._form())
        self._views.addWidget(self._yaml_view())
        body = row(self._views, self._side(), spacing=2 * GRID)
        body.setStretch(0, 1)
        layout = column(self._head(), body, spacing=2 * GRID, margin=3 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        start = QAction(self.tr("Start training"), self)
        start.setShortcut(QKeySequence("Ctrl+Return"))
        start.triggered.connect(self.start)
        self.addAction(start)
        self.start_action = start
        self._draft.changed.connect(self._refresh)
        self._show_all(session.settings.all_fields)
        self._refresh()

    def start(self) -> None:
        """Makes a run of the draft and starts it, unless something is wrong with it."""
        if self._draft.faults():
            return
        try:
            config = self._draft.config()
            model = self._session.start(config)
        except StudioError as error:
            self._session.tell_error(error)
            return
        self._session.remember_model(config.model.path)
        self._session.remember_data(Path(config.data.path))
        self._session.run_wanted.emit(model.run)

    def leave(self) -> None:
        """Ends the counting, if it is going on."""
        if self._plan is not None:
            self._plan.cancel()

    def _head(self) -> QWidget:
        self._form_button = button(self.tr("Form"), lambda: self._show_view(0), "segment")
        self._yaml_button = button(self.tr("YAML"), lambda: self._show_view(1), "segment")
        self._basic_button = button(self.tr("Basic"), lambda: self._show_all(False), "segment")
        self._all_button = button(self.tr("All settings"), lambda: self._show_all(True), "segment")
        for made in (self._form_button, self._yaml_button, self._basic_button, self._all_button):
            made.setCheckable(True)
        self._form_button.setChecked(True)
        title = label(self.tr("Configure"), "title")
        return holder(
            row(
                title,
                None,
                self._basic_button,
                self._all_button,
                2 * GRID,
                self._form_button,
                self._yaml_button,
                spacing=GRID // 2,
            )
        )

    def _form(self) -> QWidget:
        names = {
            "": self.tr("Run"),
            "model": self.tr("Model"),
            "data": self.tr("Data"),
            "adapter": self.tr("Adapter"),
            "training": self.tr("Training"),
        }
        self._sections: dict[str, QWidget] = {}
        grids: dict[str, QGridLayout] = {}
        for section, name in names.items():
            grid = grids[section] = QGridLayout()
            grid.setColumnMinimumWidth(0, 20 * GRID)
            grid.setColumnStretch(1, 1)
            grid.setVerticalSpacing(0)
            grid.setHorizontalSpacing(2 * GRID)
            self._sections[section] = card(column(label(name, "heading"), grid, spacing=GRID))
        for spec in declared_fields():
            field = self.fields[spec.key] = Field(spec, self._session.theme, self._choices(spec.key))
            field.setParent(self)
            field.edited.connect(self._edited)
            if spec.key in ("model.path", "data.path", "data.eval_path"):
                field.extra.append(self._browse(field))
            field.place(grids[spec.section], grids[spec.section].rowCount())
        order = [self._sections[name] for name in ("model", "data", "adapter", "training", "")]
        inner = column(*order, None, spacing=2 * GRID)
        inner.setContentsMargins(0, 0, GRID, 0)
        return scrolling(holder(inner, "body"))

    def _choices(self, key: str) -> list[str] | None:
        if key == "model.path":
            return ["demo", *self._session.settings.recent_models]
        if key == "data.path":
            return list(dict.fromkeys([str(demo_data()), *self._session.settings.recent_data]))
        return None

    def _browse(self, field: Field) -> QWidget:
        def choose() -> None:
            if field.spec.key == "model.path":
                chosen = QFileDialog.getExistingDirectory(self, self.tr("Model folder"))
            else:
                kinds = self.tr("Data files") + " (*.jsonl *.ndjson *.json *.csv *.tsv *.parquet)"
                chosen, _ = QFileDialog.getOpenFileName(self, field.spec.title, "", kinds)
            if chosen:
                self._edited(field.spec.key, chosen)

        name = self.tr("Browse for {name}").format(name=field.spec.title)
        return icon_button(self._session.theme, "folder", name, choose)

    def _yaml_view(self) -> QWidget:
        self.yaml = QPlainTextEdit()
        self.yaml.setObjectName("mono")
        self.yaml.setTabChangesFocus(True)
        self.yaml.setAccessibleName(self.tr("The configuration as YAML"))
        self._yaml_fault = label("", "fault", wrap=True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._take_yaml)
        self.yaml.textChanged.connect(self._yaml_typed)
        self._writing = False
        return holder(column(self.yaml, self._yaml_fault))

    def _side(self) -> QWidget:
        chosen = column(label(self.tr("Presets"), "heading"), spacing=GRID)
        for preset in presets():
            made = button(preset.title, partial(self._apply, preset))
            made.setToolTip(preset.why)
            chosen.addWidget(made)
            chosen.addWidget(label(preset.why, "caption", wrap=True))
        self.summary = label("")
        self._planned = label("")
        self._planned.hide()
        self._count = button(self.tr("Count steps and tokens"), self._count_plan)
        self._count.setToolTip(self.tr("Reads the data and the model's structure, without training."))
        facts = column(label(self.tr("Summary"), "heading"), self.summary, self._planned, self._count)
        self.start_button = button(self.tr("Start training"), self.start, "primary")
        self._session.theme.dress(self.start_button, "play", "on_accent")
        self.reason = label("", "fault", wrap=True)
        copy = button(self.tr("Copy as YAML"), self._copy, "flat")
        inner = column(card(chosen), card(facts), None, spacing=2 * GRID)
        inner.setContentsMargins(0, 0, GRID, 0)
        area = scrolling(holder(inner, "body"))
        bottom = column(line(), self.reason, self.start_button, copy, spacing=GRID)
        layout = column(area, bottom, spacing=GRID)
        layout.setStretch(0, 1)
        side = holder(layout)
        side.setFixedWidth(_SIDE_PX)
        return side

    def _edited(self, key: str, value: Any) -> None:
        self._draft.edit(key, value, self.fields[key].spec.title)

    def _apply(self, preset: Preset) -> None:
        self._draft.apply(preset.settings, self.tr("preset {name}").format(name=preset.title))
        text = self.tr("{name}: {count} settings applied.").format(name=preset.title, count=len(preset.settings))
        self._session.tell(text, "", self.tr("Undo"), self._session.undo.undo)

    def _show_view(self, index: int) -> None:
        self._views.setCurrentIndex(index)
        self._form_button.setChecked(index == 0)
        self._yaml_button.setChecked(index == 1)
        for made in (self._basic_button, self._all_button):
            made.setEnabled(index == 0)

    def _show_all(self, everything: bool) -> None:
        self._session.settings.all_fields = everything
        self._all_button.setChecked(everything)
        self._basic_button.setChecked(not everything)
        shown = set()
        for field in self.fields.values():
            visible = everything or field.spec.basic or field.spec.key == "name"
            field.set_visible(visible)
            field.show_value(self._draft)
            if visible:
                shown.add(field.spec.section)
        for section, widget in self._sections.items():
            widget.setVisible(section in shown)

    def _refresh(self) -> None:
        faults = self._draft.faults()
        for field in self.fields.values():
            field.show_value(self._draft)
        self._write_yaml()
        self.summary.setText(self._summary())
        self._planned.hide()
        key = next(iter(faults), None)
        if key is None:
            self.reason.hide()
        else:
            title = self.fields[key].spec.title if key in self.fields else ""
            sentence = words.sentence(faults[key]).replace(f"`{key}`", title)
            self.reason.setText(sentence if not title or sentence.startswith(title) else f"{title}: {sentence}")
            self.reason.show()
        for target in (self.start_button, self.start_action, self._count):
            target.setEnabled(not faults)

    def _summary(self) -> str:
        values = self._draft.values()
        training, adapter = values["training"], values["adapter"]
        lines = []
        try:
            batch = training["per_device_train_batch_size"] * training["gradient_accumulation_steps"]
            lines.append(self.tr("Sequences per step: {count}").format(count=f"{batch:,}"))
            if adapter["method"] == "lora":
                root = adapter["r"] ** 0.5 if adapter["use_rslora"] else adapter["r"]
                strength = f"{adapter['lora_alpha'] / root:g}"
                rule = "alpha / sqrt(rank)" if adapter["use_rslora"] else "alpha / rank"
                lines.append(self.tr("Strength ({rule}): {value}").format(rule=rule, value=strength))
        except (TypeError, ZeroDivisionError):
            pass
        changed = sum(self._draft.is_changed(key) for key in self.fields)
        lines.append(self.tr("Changed from the defaults: {count}").format(count=changed))
        return "\n".join(lines)

    def _write_yaml(self) -> None:
        if self.yaml.hasFocus() and self._typing.isActive():
            return
        text = yaml.safe_dump(self._draft.values(), sort_keys=False, allow_unicode=True)
        if self.yaml.hasFocus() and self._read_back() == self._draft.values():
            return
        self._writing = True
        self.yaml.setPlainText(text)
        self._writing = False
        self._show_yaml_fault("")

    def _read_back(self) -> Any:
        try:
            return merged(config_file.parse(self.yaml.toPlainText(), "YAML"))
        except StudioError:
            return None

    def _yaml_typed(self) -> None:
        if not self._writing:
            self._typing.start()

    def _take_yaml(self) -> None:
        try:
            values = merged(config_file.parse(self.yaml.toPlainText(), "YAML"))
        except StudioError as error:
            self._show_yaml_fault(words.sentences(error))
            return
        self._show_yaml_fault("")
        self._draft.replace(values, self.tr("YAML"))

    def _show_yaml_fault(self, text: str) -> None:
        self._yaml_fault.setText(text)
        self._yaml_fault.setVisible(bool(text))
        set_mark(self.yaml, "wrong", bool(text))

    def _copy(self) -> None:
        QApplication.clipboard().setText(yaml.safe_dump(self._draft.values(), sort_keys=False, allow_unicode=True))
        self._session.tell(self.tr("The configuration is on the clipboard."))

    def _count_plan(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False, encoding="utf-8") as file:
            yaml.safe_dump(self._draft.values(), file, allow_unicode=True)
        self._plan_file = Path(file.name)
        self._count.setEnabled(False)
        self._planned.setText(self.tr("Counting ..."))
        self._planned.show()
        self._plan = Command(["plan", file.name], self)
        self._plan.done.connect(self._show_plan)
        self._plan.failed.connect(self._plan_failed)
        self._plan.over.connect(self._plan_over)

    def _show_plan(self, planned: dict[str, Any]) -> None:
        lines = [f"{key.replace('_', ' ').capitalize()}: {value:,}" for key, value in planned.items()]
        self._planned.setText("\n".join(lines))

    def _plan_failed(self, error: StudioError) -> None:
        self._planned.hide()
        self._session.tell_error(error)

    def _plan_over(self) -> None:
        self._plan = None
        self._count.setEnabled(not self._draft.faults())
        if self._plan_file is not None:
            self._plan_file.unlink(missing_ok=True)
