"""The side of the Library page: one adapter in detail, or what can be done with several."""

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QGridLayout, QLineEdit, QPlainTextEdit, QPushButton, QStackedWidget

from studio.core.entry import Entry, learning_rates, method, rank
from studio.core.pinned import started_from
from studio.core.units import size
from studio.ui import words
from studio.ui.elided import Elided
from studio.ui.parts import button, card, clear, column, holder, label, line, row, scrolling, selectable
from studio.ui.tables import texts
from studio.ui.tags import TagEdit
from studio.ui.theme import GRID, Theme

_WIDTH_PX = 320


class AdapterCard(QStackedWidget):
    """What an adapter is, and the words the user has for it.

    Attributes:
        title, tags, note: where they are edited.
        compare, further, export, remove, run, layers, folder: buttons, left to the page to connect.
        compare_all, differ, mix_all, remove_all: for several adapters.

    Signals:
        edited: the adapter, and what the user has changed of it, as `library.change` takes it.
    """

    edited = Signal(object, dict)

    def __init__(self, theme: Theme) -> None:
        """Shows nothing yet."""
        super().__init__()
        self.setFixedWidth(_WIDTH_PX)
        self._theme = theme
        self._entry: Entry | None = None
        self.title = QLineEdit()
        self.title.setAccessibleName(self.tr("Name"))
        self.title.editingFinished.connect(self._rename)
        taken_back = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.title, context=Qt.ShortcutContext.WidgetShortcut)
        taken_back.activated.connect(self._show_title)
        self.tags = TagEdit(theme)
        self.tags.edited.connect(lambda tags: self.edited.emit(self._entry, {"tags": tags}))
        self.note = _Note()
        self.note.setPlaceholderText(self.tr("What you want to remember of it"))
        self.note.setAccessibleName(self.tr("Note"))
        self.note.setFixedHeight(8 * GRID)
        self.note.left.connect(self._annotate)
        self.compare, self.run = _button(self.tr("Compare")), _button(self.tr("Show its run"))
        self.further = _button(self.tr("Train further"))
        self.folder, self.remove = _button(self.tr("Open folder")), _button(self.tr("Delete"))
        self.export = _button(self.tr("Export..."), "primary")
        self.layers, self.differ = _button(self.tr("Layers")), _button(self.tr("Where the two differ"))
        self.compare_all = _button(self.tr("Compare them with the base"), "primary")
        self.mix, self.mix_all = _button(self.tr("Strength...")), _button(self.tr("Mix them..."))
        self.remove_all = _button(self.tr("Delete them"))
        said = self.tr("Compare it with its base")
        self.compare.setToolTip(said)
        self.compare.setAccessibleName(said)
        self._go_on = self.tr("Let it go on learning, from other data or by another objective")
        self.further.setToolTip(self._go_on)
        theme.dress(self.export, "export", "on_accent")
        theme.dress(self.compare, "compare")
        theme.dress(self.further, "train")
        theme.dress(self.compare_all, "compare", "on_accent")
        theme.dress(self.remove, "trash")
        theme.dress(self.remove_all, "trash")
        self.addWidget(card(self._one()))
        self.addWidget(card(self._several()))

    def show_entry(self, entry: Entry | None, known_tags: Iterable[str] = ()) -> None:
        """Shows one adapter, or none; `known_tags` are offered while one is typed."""
        before, self._entry = self._entry, entry
        self.setCurrentIndex(0)
        self.setEnabled(entry is not None)
        clear(self._facts)
        another = entry is None or before is None or before.name != entry.name
        if another:
            self.tags.box.clear()
        if entry is None:
            self.title.clear()
            self.note.setPlainText("")
            self.tags.show_tags(())
            self._fault.hide()
            return
        if another or not self.title.hasFocus():
            self.title.setText(entry.title)
            self.title.setCursorPosition(0)
        if another or not self.note.hasFocus():
            self.note.setPlainText(entry.note)
        self.tags.show_tags(entry.tags, known_tags)
        self._fault.setText(words.sentence(entry.fault))
        self._fault.setVisible(bool(entry.fault))
        for widget in (
            self.export,
            self.compare,
            self.further,
            self.layers,
            self.mix,
            self.title,
            self.tags,
            self.note,
        ):
            widget.setEnabled(not entry.fault)
        self._show_kind(entry)
        self.run.setEnabled(bool(entry.run))
        self._show_facts(entry)

    def _show_kind(self, entry: Entry) -> None:
        """Offers what makes sense of an adapter, or of a whole model, and says why the rest does not."""
        only = self.tr("It is a whole model. To go on with it, choose its folder as the base model of a run.")
        self.further.setToolTip(only if entry.is_model else self._go_on)
        self.mix.setToolTip(self.tr("A whole model answers as it was trained or not at all.") if entry.is_model else "")
        for made in (self.further, self.mix):
            made.setEnabled(not entry.fault and not entry.is_model)

    def show_entries(self, entries: Sequence[Entry], why_not: str) -> None:
        """Shows that several are chosen; `why_not` says why they cannot be compared, empty: they can."""
        self.setCurrentIndex(1)
        self.setEnabled(True)
        whole = any(entry.is_model for entry in entries)
        count = self.tr("{count} chosen") if whole else self.tr("{count} adapters")
        self._count.setText(count.format(count=len(entries)))
        clear(self._names)
        for entry in entries:
            loss = texts(entry)[7]
            self._names.addLayout(row(Elided(entry.title or entry.name), None, label(loss, "muted")))
        self.compare_all.setEnabled(not why_not)
        self.mix_all.setEnabled(not why_not and not whole)
        self.mix_all.setToolTip(self.tr("A whole model cannot be added up.") if whole else "")
        two = len(entries) == 2
        self.differ.setEnabled(two and not why_not)
        self.differ.setToolTip(why_not if two else self.tr("Choose two adapters for this."))
        self._why_not.setText(why_not)
        self._why_not.setVisible(bool(why_not))

    def _one(self) -> Any:
        self._fault = label("", "fault", wrap=True)
        self._facts = QGridLayout()
        self._facts.setColumnStretch(1, 1)
        self._facts.setHorizontalSpacing(2 * GRID)
        self._facts.setVerticalSpacing(GRID // 2)
        words = column(
            label(self.tr("Name"), "caption"),
            self.title,
            self._fault,
            self._facts,
            label(self.tr("Tags"), "caption"),
            self.tags,
            label(self.tr("Note"), "caption"),
            self.note,
            None,
        )
        area = scrolling(holder(words, "body"))
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        pairs = (
            (self.compare, self.further),
            (self.run, self.layers),
            (self.folder, self.mix),
            (self.remove, self.export),
        )
        layout = column(area, line(), *(row(*pair) for pair in pairs))
        layout.setStretch(0, 1)
        return layout

    def _several(self) -> Any:
        self._count = label("", "heading")
        self._names = column(spacing=GRID // 2)
        self._why_not = label("", "fault", wrap=True)
        area = scrolling(holder(column(self._names, None), "body"))
        # Nothing in it takes the focus, so the keyboard has to scroll the area itself.
        area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        area.setAccessibleName(self.tr("Adapters"))
        head = row(self._count, None, label(self.tr("Eval loss"), "caption"))
        layout = column(head, area, line(), self._why_not, self.compare_all, self.mix_all, self.differ, self.remove_all)
        layout.setStretch(1, 1)
        return layout

    def _show_facts(self, entry: Entry) -> None:
        cells, metrics = texts(entry), entry.metrics
        share, start = metrics.get("eval_reward_accuracy"), entry.config.get("adapter", {}).get("path")
        facts = {
            self.tr("Base"): cells[1],
            self.tr("Data"): f"{cells[2]} ({entry.data.rows:,})" if entry.data.rows else cells[2],
            self.tr("Begun with"): started_from(start) if isinstance(start, str) and start else "",
            self.tr("Made"): cells[3],
            self.tr("Kind"): self.tr("A whole model") if entry.is_model else method(entry),
            self.tr("Rank"): "" if entry.is_model else str(rank(entry) or "\u2013"),
            self.tr("Learning rate"): words.listed(
                self.tr("{rate} behind step {step}").format(rate=f"{rate:g}", step=at) if at else f"{rate:g}"
                for at, rate in learning_rates(entry.config, metrics)
            )
            or "\u2013",
            self.tr("Size"): size(entry.weights_bytes),
            self.tr("Loss"): cells[6] or "\u2013",
            self.tr("Eval loss"): cells[7],
            self.tr("Reward accuracy"): f"{share:.0%}" if isinstance(share, float) else "",
            self.tr("Steps"): f"{metrics['step']:,}" if isinstance(metrics.get("step"), int) else "\u2013",
            self.tr("Checksum"): entry.sha256[:12] or "\u2013",
        }
        for at, (name, value) in enumerate((name, value) for name, value in facts.items() if value):
            said = selectable(label(value, wrap=True))
            said.setAccessibleDescription(name)
            self._facts.addWidget(label(name, "muted"), at, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(said, at, 1)

    def _rename(self) -> None:
        text = self.title.text().strip()
        if self._entry is None:
            return
        if text and text != self._entry.title:
            self.edited.emit(self._entry, {"title": text})
        # Also where the new one could not be written; the box keeps what is typed while it has the focus.
        self._show_title()

    def _show_title(self) -> None:
        if self._entry is not None:
            self.title.setText(self._entry.title)

    def _annotate(self) -> None:
        text = self.note.toPlainText()
        if self._entry is not None and not self._entry.fault and text != self._entry.note:
            self.edited.emit(self._entry, {"note": text})


class _Note(QPlainTextEdit):
    """A text that says when the user has left it."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


def _button(text: str, kind: str = "") -> QPushButton:
    return button(text, lambda: None, kind)
