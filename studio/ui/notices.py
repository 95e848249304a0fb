"""Notices in the window's corner: they take no focus and go by themselves."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QFrame, QVBoxLayout, QWidget

from studio.ui.details import Details
from studio.ui.parts import button, icon_button, row
from studio.ui.passage import Passage
from studio.ui.session import Notice
from studio.ui.theme import GRID, Theme

_SHOWN_MS = 7000
_MOST = 3
_WIDTH = 420
_WHOLE, _SCROLLED = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded


class Notices(QWidget):
    """A stack of notices over the lower left corner of `host`, where no page has a button one is about to press."""

    def __init__(self, host: QWidget, theme: Theme) -> None:
        """Lies over `host`, and moves along with it."""
        super().__init__(host)
        self._host, self._theme = host, theme
        self._holding: dict[QWidget, Callable[[], bool]] = {}
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(GRID)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        host.installEventFilter(self)
        self.hide()

    def show_notice(self, notice: Notice) -> None:
        """Adds a notice; one about a failure stays until it is closed."""
        while len(frames := self._frames()) >= _MOST:
            self._drop(min(frames, key=lambda frame: (frame.objectName() == "failure", _is_read(frame))))
        frame = QFrame()
        frame.setObjectName({"bad": "failure", "good": "success"}.get(notice.tone, "notice"))
        said = Passage(notice.text)
        items: list[QWidget | None] = [said]
        if notice.action and notice.act is not None:
            items.append(_action(notice.action, notice.act, lambda: self._drop(frame)))
        if notice.detail:
            items.append(button(self.tr("Details"), lambda: Details(notice.detail, self._host.window()).open()))
        items.append(icon_button(self._theme, "close", self.tr("Dismiss"), lambda: self._dismiss(frame, notice)))
        layout = row(*items)
        layout.setStretch(0, 1)
        layout.setAlignment(said, Qt.AlignmentFlag.AlignVCenter)
        layout.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        frame.setLayout(layout)
        frame.setFixedWidth(_WIDTH)
        for child in frame.findChildren(QAbstractButton):
            # Tab gets there; a click leaves the focus where the user works.
            child.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._box.addWidget(frame)
        if notice.holds is not None:
            self._holding[frame] = notice.holds
        if notice.tone != "bad":
            timer = QTimer(frame)
            timer.setSingleShot(True)
            timer.timeout.connect(lambda: timer.start() if _is_read(frame) else self._drop(frame))
            timer.start(_SHOWN_MS)
        self._place()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, notice.text))

    def review(self) -> None:
        """Takes away what does not hold any more."""
        for frame, holds in list(self._holding.items()):
            if not holds():
                self._drop(frame)

    def texts(self) -> list[str]:
        """Returns what is shown now."""
        return [said.toPlainText() for frame in self._frames() for said in frame.findChildren(Passage)]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follows the host's size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _frames(self) -> list[QWidget]:
        items = (self._box.itemAt(index) for index in range(self._box.count()))
        return [widget for item in items if item is not None and (widget := item.widget()) is not None]

    def _dismiss(self, frame: QWidget, notice: Notice) -> None:
        self._drop(frame)
        if notice.dismissed is not None:
            notice.dismissed()

    def _drop(self, frame: QWidget | None) -> None:
        if frame is not None:
            self._holding.pop(frame, None)
            self._box.removeWidget(frame)
            frame.hide()
            frame.deleteLater()
            self._place()

    def _place(self) -> None:
        self.setVisible(self._box.count() > 0)
        height = -GRID
        for frame in self._frames():
            layout = frame.layout()
            whole = layout.totalHeightForWidth(_WIDTH) if layout is not None else 0
            tall = min(whole, self._host.height() // (_MOST + 1))
            frame.setFixedHeight(tall)
            for said in frame.findChildren(Passage):
                said.setVerticalScrollBarPolicy(_WHOLE if tall == whole else _SCROLLED)
            height += tall + GRID
        height = max(height, 0)
        self.setGeometry(GRID, self._host.height() - height - GRID, _WIDTH, height)
        self.raise_()


def _is_read(frame: QWidget) -> bool:
    """Whether the pointer is over a notice, or the focus in it, as when its text is selected and copied."""
    focus = QApplication.focusWidget()
    return frame.underMouse() or (focus is not None and frame.isAncestorOf(focus))


def _action(text: str, act: Callable[[], object], drop: Callable[[], object]) -> QWidget:
    def clicked() -> None:
        drop()
        act()

    return button(text, clicked)
