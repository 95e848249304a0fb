"""The main window: the rail of pages, menus, drops, notices, and what happens when it closes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QLocale, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMessageBox,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QToolButton,
    QWidget,
)

import studio
from studio.core import events
from studio.core.errors import StudioError
from studio.ui import drops, words
from studio.ui.finder import Finder, Shortcuts, also_found_by, keys_of, title_of
from studio.ui.night import Night
from studio.ui.notices import Notices
from studio.ui.pages.space import SpaceDialog
from studio.ui.parts import column, holder, label, row, shown_keys
from studio.ui.session import Notice, Session
from studio.ui.status import StatusLine
from studio.ui.theme import GRID, ICON_PX

if TYPE_CHECKING:
    from studio.ui.models import RunModel

_RAIL_PX = 168


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page; `make` is called when it is shown for the first time. Without an icon it is not in the rail."""

    key: str
    title: str
    icon: str
    make: Callable[[Session], QWidget]


class MainWindow(QMainWindow):
    """The one window of the program.

    Attributes:
        opens_again: whether another window is to take its place once it is closed.
        untold: what was told while it waited to close, and is to be told by the window in its place.
    """

    def __init__(self, session: Session, pages: list[PageSpec]) -> None:
        """Shows `pages` in their order: the one shown last at first, or the welcome page at the very first start."""
        super().__init__()
        self.session = session
        self._specs = {spec.key: spec for spec in pages}
        self._pages: dict[str, QWidget] = {}
        self._rail: dict[str, QToolButton] = {}
        self._stack = QStackedWidget()
        self._closing = self._asking = self._waited = self._stays = self.opens_again = False
        self.untold: list[Notice] = []
        self.setWindowTitle(studio.NAME)
        railed = [spec for spec in pages if spec.icon]
        self.page_actions = [self._page_action(number, spec) for number, spec in enumerate(railed, start=1)]
        body = holder(self._layout(railed))
        self.setCentralWidget(body)
        self._menus()
        self.status = StatusLine(session, self.night)
        self.setStatusBar(self.status)
        self.notices = Notices(body, session.theme)
        session.noticed.connect(self.notices.show_notice)
        session.noticed.connect(self._hear)
        session.undo.indexChanged.connect(self.notices.review)
        session.runs_changed.connect(self.notices.review)
        self.night.changed.connect(self.notices.review)
        session.failed.connect(self._stay)
        session.run_ended.connect(lambda model: QApplication.alert(self))  # for who looks at another window
        session.run_failed.connect(self._tell_failure)
        session.page_wanted.connect(self.show_page)
        session.data_wanted.connect(lambda path: self._deliver("data", path))
        session.rows_wanted.connect(lambda picked: self._deliver("data", Path(picked.data.path), picked))
        session.compare_wanted.connect(lambda entries: self._deliver("compare", entries))
        session.run_wanted.connect(lambda run: self._deliver("train", run))
        session.theme.clothe(self)
        self._restore(railed[0].key)
        self._drops = drops.Drops(self, self.open_path)
        self._stack.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._stack.setFocus()

    def show_page(self, key: str) -> None:
        """Shows a page, which is built the first time."""
        page = self.page(key)
        self._stack.setCurrentWidget(page)
        for name, made in self._rail.items():
            made.setChecked(name == key)
        if key in self._rail:
            self.session.settings.page = key

    def page(self, key: str) -> QWidget:
        """Returns a page, which is built the first time."""
        if key not in self._pages:
            self._pages[key] = made = self._specs[key].make(self.session)
            made.setObjectName("page")
            self._stack.addWidget(made)
        return self._pages[key]

    def build_next(self) -> bool:
        """Builds one more page; returns whether there was one to build. A window that closes builds none."""
        unbuilt = () if self._closing else (key for key in self._specs if key not in self._pages and key != "welcome")
        left = next(iter(unbuilt), None)
        if left is not None:
            self.page(left)
        return left is not None

    def _deliver(self, key: str, *items: object) -> None:
        self.show_page(key)
        receive = getattr(self.page(key), "receive", None)
        if receive is not None:
            receive(*items)

    def _tell_failure(self, model: "RunModel") -> None:
        """Tells that a run failed, unless it is shown with all that there is to say of it."""
        failed, train = model.progress.failed, self._pages.get("train")
        looked_at: Any = train if train is self._stack.currentWidget() else None
        if failed is None or (looked_at is not None and looked_at.left_open() == model.run):
            return
        said = self.tr("{name} failed: {message}").format(name=model.title, message=words.sentence(failed.message))
        show = partial(self.session.run_wanted.emit, model.run)
        self.session.noticed.emit(Notice(said, "bad", self.tr("Show"), show, model.is_left))

    def all_actions(self) -> list[QAction]:
        """Returns every action of the window and of the pages built so far, each once."""
        # Those of the plots' scenes are another library's.
        ours = (action for action in self.findChildren(QAction) if isinstance(action.parent(), QWidget))
        found = [action for action in ours if action.text() and action.menu() is None]
        return list(dict.fromkeys(found))

    def shortcuts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Returns what there is a key for: first all over the window, then on each page built so far."""
        left = [action for action in self.all_actions() if keys_of(action)]
        found = []
        for key, page in self._pages.items():
            inside = [action for action in left if action.parent() is page or page.isAncestorOf(_owner(action))]
            keys = [*((title_of(action), keys_of(action)) for action in inside), *getattr(page, "keys", ())]
            if keys:
                found.append((self._specs[key].title, keys))
            left = [action for action in left if action not in inside]
        # Whatever they would undo or do again now.
        plain = {self._undo: self.tr("Undo"), self._redo: self.tr("Redo")}
        everywhere = [(plain.get(action) or title_of(action), keys_of(action)) for action in left]
        return [(self.tr("Everywhere"), everywhere), *found]

    def open_path(self, path: Path) -> None:
        """Opens whatever `path` is: a data file, a config, a run folder or an adapter folder."""
        drops.open_path(self.session, path)

    def left_open(self) -> dict[str, Any]:
        """Returns what the pages have open, for the window that takes this one's place."""
        found = ((key, page) for key, page in self._pages.items() if hasattr(page, "left_open"))
        return {key: page.left_open() for key, page in found}

    def take_up(self, opened: Mapping[str, Any]) -> None:
        """Opens what another window's pages had open."""
        for key, item in opened.items():
            page: Any = self.page(key)
            page.take_up(item)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remembers where the window was; it stays while there is something to ask, or to wait for."""
        if not self._closing and (self._asks() or self._keeps_work(self.close)):
            event.ignore()
            return
        self._closing = True
        self.session.settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        for page in self._pages.values():
            if hasattr(page, "leave"):
                page.leave()
        for dialog in self.findChildren(QDialog):
            if dialog.isVisible():
                dialog.reject()  # and has nothing worked out any more
        self.session.close()
        event.accept()

    def _layout(self, railed: list[PageSpec]) -> QHBoxLayout:
        for spec, action in zip(railed, self.page_actions, strict=True):
            made = QToolButton()
            made.setObjectName("rail")
            made.setText(f"  {spec.title}")
            made.setAccessibleName(spec.title)
            made.setToolTip(f"{spec.title}  {shown_keys(action.shortcut().toString())}")
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            made.setIconSize(QSize(ICON_PX, ICON_PX))
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.session.theme.dress(made, spec.icon)
            made.clicked.connect(action.trigger)
            self._rail[spec.key] = made
        name = label(studio.NAME, "heading")
        name.setContentsMargins(GRID, GRID, 0, GRID)
        rail = holder(column(name, *self._rail.values(), None, spacing=2, margin=GRID), "rail")
        rail.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        rail.setFixedWidth(_RAIL_PX)
        layout = row(rail, self._stack, spacing=0)
        layout.setStretch(1, 1)
        return layout

    def _page_action(self, number: int, spec: PageSpec) -> QAction:
        action = QAction(spec.title, self)
        action.setShortcut(QKeySequence(f"Ctrl+{number}"))
        # macOS takes what is called Configure or the like for its settings, and moves it to the program's own menu.
        action.setMenuRole(QAction.MenuRole.NoRole)
        action.triggered.connect(lambda: self.show_page(spec.key))
        return action

    def _menus(self) -> None:
        bar = self.menuBar()
        file, edit, view, help_ = (
            bar.addMenu(text) for text in (self.tr("&File"), self.tr("&Edit"), self.tr("&View"), self.tr("&Help"))
        )
        self._add(file, self.tr("Open data file..."), "Ctrl+O", self._choose_data)
        self._recent = file.addMenu(self.tr("Open recent"))
        file.aboutToShow.connect(self._fill_recent)
        self._add(file, self.tr("Open run or adapter folder..."), "Ctrl+Shift+O", self._choose_folder)
        file.addSeparator()
        self.night = Night(self.session, file.addMenu(self.tr("While runs train, and then")), self)
        self._add(file, self.tr("Disk space and trash..."), "", lambda: SpaceDialog(self.session, self).open())
        file.addSeparator()
        self._add(file, self.tr("Quit"), "Ctrl+Q", self.close).setMenuRole(QAction.MenuRole.QuitRole)
        # The stack's own actions would tell nobody of what they do out of sight.
        self._undo = self._add(edit, "", "Ctrl+Z", partial(self._step, back=True))
        self._redo = self._add(edit, "", "", partial(self._step, back=False))
        self._redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        self.session.undo.indexChanged.connect(self._name_steps)
        self._name_steps()
        edit.addSeparator()
        self._add(edit, self.tr("Search"), "Ctrl+F", self._search)
        view.addActions(self.page_actions)
        view.addSeparator()
        self._theme_menu(view.addMenu(self.tr("Theme")))
        self._language_menu(view.addMenu(self.tr("Language")))
        self._add(view, self.tr("Switch light and dark"), "Ctrl+Shift+L", self._switch_theme)
        self._add(help_, self.tr("Welcome"), "", lambda: self.show_page("welcome"))
        self._add(help_, self.tr("Train the built-in demo"), "", self.session.start_demo)
        help_.addSeparator()
        self._add(help_, self.tr("Find a command..."), "Ctrl+K", self.find_command)
        self._add(help_, self.tr("Keyboard shortcuts"), "?", self.show_shortcuts)
        self._add(help_, self.tr("About Finetune Studio"), "", self._about).setMenuRole(QAction.MenuRole.AboutRole)

    def _add(self, menu: QMenu, text: str, keys: str, act: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: act())
        menu.addAction(action)
        return action

    def _step(self, *, back: bool) -> None:
        shown = next(key for key, page in self._pages.items() if page is self._stack.currentWidget())
        self.session.step(back=back, page=shown)
        self._name_steps()

    def _name_steps(self) -> None:
        """Names what would be undone and done again."""
        stack = self.session.undo
        for action, name, step, can in (
            (self._undo, self.tr("Undo"), stack.undoText(), stack.canUndo()),
            (self._redo, self.tr("Redo"), stack.redoText(), stack.canRedo()),
        ):
            action.setText(f"{name} {step.replace('&', '&&')}".strip())
            action.setEnabled(can)

    def _theme_menu(self, menu: QMenu) -> None:
        group = QActionGroup(self)
        modes = {"system": self.tr("Follow the system"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        self._theme_actions: dict[str, QAction] = {}
        for mode, text in modes.items():
            action = also_found_by(self._add(menu, text, "", partial(self._set_theme, mode)), menu.title())
            action.setCheckable(True)
            action.setChecked(self.session.theme.mode == mode)
            group.addAction(action)
            self._theme_actions[mode] = action

    def _language_menu(self, menu: QMenu) -> None:
        group = QActionGroup(self)
        for language, name in {"system": self.tr("The system's language"), **words.LANGUAGES}.items():
            english = QLocale.languageToString(QLocale(language).language()) if language != "system" else ""
            action = self._add(menu, name, "", partial(self._set_language, language))
            also_found_by(action, f"{menu.title()} Language {english}")  # whatever the window speaks now
            action.setCheckable(True)
            action.setChecked(self.session.settings.language == language)
            group.addAction(action)

    def _set_language(self, language: str) -> None:
        self.session.settings.language = language
        self.session.save()
        text = self.tr(
            "The window speaks the chosen language when it is next opened. What is open and the runs go on then; "
            "what could be undone, and answers side by side, are gone."
        )
        self.session.tell(text, "", self.tr("Open it again now"), self._open_again)

    def _open_again(self) -> None:
        """Closes without a question: a new window comes at once, and follows the runs that are going."""
        if self._settles() and not self._keeps_work(self._open_again):
            self.opens_again = self._closing = True
            self.close()

    def _set_theme(self, mode: str) -> None:
        self.session.theme.set_mode(mode)
        self._theme_actions[mode].setChecked(True)
        self.session.settings.theme = mode
        self.session.save()

    def _switch_theme(self) -> None:
        self._set_theme("light" if self.session.theme.palette.dark else "dark")

    def _choose_data(self) -> None:
        chosen = drops.choose_data(self)
        if chosen is not None:
            self.open_path(chosen)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Open run or adapter folder"))
        if chosen:
            self.open_path(Path(chosen))

    def _fill_recent(self) -> None:
        from studio.ui.pages.data_files import title  # with what is known of versions

        self._recent.clear()
        for name in self.session.settings.recent_data:
            self._recent.addAction(title(Path(name)).replace("&", "&&"), partial(self.open_path, Path(name)))
        self._recent.setEnabled(bool(self.session.settings.recent_data))

    def _search(self) -> None:
        page = self._stack.currentWidget()
        box = getattr(page, "search", None)
        if isinstance(box, QWidget):
            box.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def find_command(self) -> None:
        """Opens the command palette."""
        Finder(self.all_actions(), self).open()

    def show_shortcuts(self) -> None:
        """Opens the sheet of shortcuts."""
        Shortcuts(self.shortcuts(), self).open()

    def _about(self) -> None:
        text = self.tr("Finetune Studio {version}\n\nFine-tunes language models with LoRA, on your own machine.")
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(self.tr("About"))
        box.setText(text.format(version=studio.__version__))
        box.open()

    def _asks(self) -> bool:
        """Whether there is something to ask before the window closes; it is asked as soon as the event is over.

        Within it Qt takes another close for granted, such as by the window's own button, and the program would end.
        """
        if not self._asking and (any(self._unsaved()) or self.session.running()):
            self._asking = True
            QTimer.singleShot(0, self, self._ask)
        return self._asking

    def _ask(self) -> None:
        """Asks what is to become of what is not saved and of runs that are going, and closes the window."""
        waits = False
        self._closing = self._settles() and not (waits := self._keeps_work(self.close)) and self._may_close()
        # Whoever chose to stay is not closed upon once the work that was waited for is done.
        self._asking, self._waited = False, waits
        if self._closing:
            self.close()
        elif not waits:
            self.untold.clear()

    def _may_close(self) -> bool:
        going = self.session.running()
        if not going:
            return True
        box = QMessageBox(self)
        box.setWindowTitle(self.tr("A run is going"))
        box.setText(self.tr("A run is still training. What is to become of it?"))
        box.setInformativeText(self.tr("It can go on by itself: the next window shows it with its whole curve."))
        keep = box.addButton(self.tr("Keep training"), QMessageBox.ButtonRole.AcceptRole)
        stop = box.addButton(self.tr("Stop and save"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.exec()
        box.deleteLater()
        if box.clickedButton() is not stop:
            return box.clickedButton() is keep
        try:
            for model in going:
                model.ask(events.Stop())
        except StudioError as error:
            self.session.tell_error(error)
            return False
        return True

    def _settles(self) -> bool:
        """Asks what is to become of what was typed on a page and not saved; returns whether the window may close."""
        return all(self._settles_page(key, page) for key, page in self._unsaved())

    def _unsaved(self) -> Iterator[tuple[str, Any]]:
        pages: list[tuple[str, Any]] = [*self._pages.items()]
        return ((key, page) for key, page in pages if hasattr(page, "unsaved") and page.unsaved() is not None)

    def _settles_page(self, key: str, page: Any) -> bool:
        self.show_page(key)
        fault = page.unsaved()
        box = QMessageBox(self)
        box.setWindowTitle(self.tr("Not saved yet"))
        box.setText(self.tr("What you typed here is not saved. What is to become of it?"))
        told = self.tr("Saved, it is a step of a version of the data; the file stays as it is.")
        box.setInformativeText(
            self.tr("As it stands it cannot be saved: {reason}").format(reason=fault) if fault else told
        )
        save = None if fault else box.addButton(self.tr("Save"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(self.tr("Give it up"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save or stay)
        box.exec()
        box.deleteLater()
        chosen = box.clickedButton()
        if chosen in (None, stay):
            return False
        self._stays = False
        page.settle(save=chosen is save)
        return not self._stays

    def _stay(self) -> None:
        """Does not close behind what failed, which would be seen by nobody."""
        self._waited, self._stays = False, True
        self.untold.clear()

    def _hear(self, notice: Notice) -> None:
        """Keeps what is told as the window closes: it would be seen by nobody. What is to be undone goes with it."""
        if self._waited and (notice.holds is None or notice.tone == "bad"):
            self.untold.append(replace(notice, action="", act=None, holds=None))

    def _keeps_work(self, then: Callable[[], object]) -> bool:
        """Whether edits or files are still to be kept; if so, says it once and does `then` behind it.

        Asked again: no more.
        """

        def again() -> None:
            if self._waited:
                self._waited = False
                then()

        if self._waited:
            return False
        if any(page.keeps(again) for page in self._pages.values() if hasattr(page, "keeps")):
            text = self.tr(
                "The window closes as soon as your edits are kept as a version. Close it again to give them up."
            )
        elif self.session.keeps(again):
            text = self.tr("The window closes as soon as what it writes is written. Close it again to give that up.")
        else:
            return False
        self.session.tell(text)
        self._waited = True
        return True

    def _restore(self, first: str) -> None:
        stored = self.session.settings
        frame = QSize(0, self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight))
        room = self.screen().availableSize() - frame
        self.setMinimumSize(960, min(600, room.height()))
        self.resize(QSize(1280, 800).boundedTo(room))
        if stored.geometry:
            # It is fitted to the screen it was on, which may be a larger one.
            self.restoreGeometry(QByteArray.fromBase64(stored.geometry.encode()))
        shown = stored.page if stored.page in self._rail else first
        self.show_page(shown if stored.welcomed else "welcome")
        stored.welcomed = True


def _owner(action: QAction) -> QWidget:
    owner = action.parent()
    assert isinstance(owner, QWidget)
    return owner
