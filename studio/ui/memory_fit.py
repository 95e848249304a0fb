"""Whether a run fits into memory, and what would have it fit."""

from functools import partial
from typing import Any

from PySide6.QtWidgets import QPushButton, QWidget

from studio.core.capacity import is_tight
from studio.core.units import size
from studio.ui import words
from studio.ui.draft import Draft
from studio.ui.forms import declared_fields, told
from studio.ui.parts import button, clear, column, label, set_mark
from studio.ui.theme import GRID


class MemoryFit(QWidget):
    """Says where a run does not fit, or only just, and offers settings with which it does.

    Attributes:
        said: the sentences.
        helps: a button for each offer.
    """

    def __init__(self, draft: Draft) -> None:
        """Offers changes of `draft`."""
        super().__init__()
        self._draft = draft
        self._specs = {spec.key: spec for spec in declared_fields()}
        self.said = label("", "caption", wrap=True)
        self.helps: list[QPushButton] = []
        self._offers = column(spacing=GRID // 2)
        self.setLayout(column(self.said, self._offers, spacing=GRID))
        self.hide()

    def show_found(self, found: dict[str, Any] | None) -> None:
        """Shows what `engine.fits.examine` found; None: it is not known yet."""
        clear(self._offers)
        self.helps = [self._help(help) for help in (found or {}).get("helps", [])]
        for made in self.helps:
            self._offers.addWidget(made)
        said = self._sentences(found) if found and "fault" not in found else ""
        self.said.setText(said)
        set_mark(self.said, "wrong", found is not None and found.get("total", 0) > found["room"])
        self.setVisible(bool(said))

    def figure(self, found: dict[str, Any]) -> tuple[str, str]:
        """Returns what a run needs of what there is, and of which parts that is made up or why it is not known."""
        if "fault" in found:
            return self.tr("not known"), words.sentence(found["fault"])
        sizes = {key: size(found[key]) for key in ("weights", "trained", "passes", "process", "packed", "room")}
        parts = self.tr(
            "About: the base {weights}, what is trained with its gradients and the optimizer's notes {trained}, a pass "
            "of {tokens} tokens {passes}, the process itself {process}."
        ).format(tokens=f"{found['tokens']:,}", **sizes)
        more = self.tr("Up to {packed} more are taken to be faster, as there is room for that.").format(**sizes)
        text = self.tr("{needed} of {room}").format(needed=size(found["total"]), room=sizes["room"])
        return text, words.joined(parts, more if found["packed"] else "")

    def _sentences(self, found: dict[str, Any]) -> str:
        asked = self._draft.value("training.activation_checkpointing")
        kept = {
            "recomputed": self.tr("Activations do not fit beside that: they are computed again, which is slower."),
            "offloaded": self.tr("Activations do not fit beside that: they wait outside the card, which is slower."),
        }
        if found["total"] <= found["room"]:
            tight = self.tr("It only just fits: close other programs that use the memory.")
            slower = "" if asked else kept.get(found["activations"], "")
            return words.joined(tight if is_tight(found["total"], found["room"]) else "", slower)
        text = self.tr("It will not fit: about {needed} are needed, and there are {room}.")
        said = text.format(needed=size(found["total"]), room=size(found["room"]))
        return words.joined(said, self.tr("It fits with:") if found["helps"] else self.tr("Choose a smaller model."))

    def _help(self, help: dict[str, Any]) -> QPushButton:
        settings = help["settings"]
        # A line each: the column is narrow.
        lines = [told({key: value}, self._specs) for key, value in settings.items()]
        title = self.tr("{settings} ({size})").format(settings="\n".join(lines), size=size(help["total"]))
        made = button(title, partial(self._draft.apply, settings, self.tr("settings that fit")))
        made.setAccessibleName(title.replace("\n", ", "))
        return made
