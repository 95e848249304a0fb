"""The window's language, and what the core says put into it.

The core and the engine speak English, to the command line and to a run's folder alike; what of it is shown in the
window is translated here, where it is shown.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from xml.etree import ElementTree

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from studio import paths
from studio.core.errors import StudioError

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
_MOST_NAMES = 3
_LONGEST = 2000  # letters; what is longer takes seconds to be recognised
_ENDS = re.compile(r"(?<=[.?!]) (?=[A-Z])")
_WIDE_ENDS = ("。", "！", "？")
_CHOICE = re.compile(r"\.\w+( or \.\w+)+")  # of endings of file names
_PLACE = re.compile(r"(?P<name>`?)\{(?P<at>\d+)\}")


def speak(app: QCoreApplication, language: str) -> None:
    """Gives all windows made from now on a language: one of `LANGUAGES`, or anything else for the system's."""
    for old in app.findChildren(QTranslator):
        app.removeTranslator(old)
        old.deleteLater()
    chosen = language if language in LANGUAGES else of_system()
    own, qt = str(paths.resources() / "i18n"), QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name, folder in ((f"qtbase_{chosen}", qt), (f"studio_{chosen}", own)):
        translator = QTranslator(app)
        if translator.load(name, folder):
            app.installTranslator(translator)


def of_system() -> str:
    """Returns the first of the system's languages that the window speaks; English if it speaks none."""
    for name in QLocale.system().uiLanguages():
        locale = QLocale(name)
        if locale.language() == QLocale.Language.English:
            return "en"
        simplified = (QLocale.Language.Chinese, QLocale.Script.SimplifiedHanScript)
        # `zh` alone is also said by a system that writes the traditional script.
        if name != "zh" and (locale.language(), locale.script()) == simplified:
            return "zh_CN"
    return "en"


def told(text: str) -> str:
    """Returns a title, a help text or another fixed text of the core in the window's language."""
    return QCoreApplication.translate("core", text)


def sentence(text: str) -> str:
    """Returns what the core says of a failure in the window's language; as it is where the sentence is not known.

    One with values in it, such as a file's name, is recognised by the words around them; a value can be a sentence.
    """
    if len(text) > _LONGEST:
        return text
    if not text or (exact := told(text)) != text:
        return exact if text else ""
    for pattern, source in _sentences(_catalogue()):
        if found := pattern.fullmatch(text):
            return _filled(told(source), found.groups())
    parts = _ENDS.split(text.strip())
    return joined(*map(sentence, parts)) if len(parts) > 1 else text


def sentences(error: StudioError) -> str:
    """Returns both sentences of a failure in the window's language."""
    return joined(sentence(error.message), sentence(error.hint))


def joined(*said: str) -> str:
    """Returns sentences one behind the other; empty ones are left out. No space follows a Chinese full stop."""
    text = ""
    for part in filter(None, said):
        text += part if not text or text.endswith(_WIDE_ENDS) else f" {part}"
    return text


def listed(parts: Iterable[str]) -> str:
    """Returns words or names with the language's comma between them; empty ones are left out."""
    return _tr(", ").join(filter(None, parts))


def some(names: Sequence[str]) -> str:
    """Returns names as `listed` does, of many only the first and how many there are besides."""
    more = len(names) - _MOST_NAMES
    # One left out would take as much room as its name.
    if more <= 1:
        return listed(names)
    return _tr("{names} and {count} more").format(names=listed(names[:_MOST_NAMES]), count=f"{more:,}")


def titled(title: str, text: str) -> str:
    """Returns a text behind what it is about, with the language's colon between them."""
    return _tr("{title}: {text}").format(title=title, text=text)


def state(name: str) -> str:
    """Returns what a run is doing, or how it ended, in words."""
    return {
        "waiting": _tr("Waiting"),
        "queued": _tr("Queued"),
        "preparing": _tr("Preparing"),
        "training": _tr("Training"),
        "pausing": _tr("Pausing"),
        "paused": _tr("Paused"),
        "stopping": _tr("Stopping"),
        "finished": _tr("Finished"),
        "completed": _tr("Completed"),
        "stopped": _tr("Stopped"),
        "early_stopped": _tr("Early stopped"),
        "failed": _tr("Failed"),
        "interrupted": _tr("Interrupted"),
        "damaged": _tr("Damaged"),
    }[name]


def phase(name: str) -> str:
    """Returns what a process is busy with, in words."""
    return {
        "queued": _tr("Queued"),
        "loading": _tr("Loading"),
        "downloading": _tr("Downloading"),
        "tokenizing": _tr("Tokenizing"),
        "reading": _tr("Reading"),
        "counting": _tr("Counting"),
        "answering": _tr("Answering"),
        "scoring": _tr("Reading a text"),
        "checking": _tr("Checking"),
        "comparing": _tr("Comparing"),
        "reference": _tr("Asking the base"),
        "initialising": _tr("Beginning the adapter"),
        "training": _tr("Training"),
        "evaluating": _tr("Evaluating"),
        "waiting": _tr("Waiting"),
        "saving": _tr("Saving"),
        "finishing": _tr("Finishing"),
    }[name]


def duration(seconds: float) -> str:
    """Returns a time in words, such as `45 s`, `2 min 5 s`, `12 min` or `1 h 20 min`."""
    whole = round(seconds)
    minutes = round(seconds / 60)
    if whole < 60:
        return _tr("{s} s").format(s=whole)
    if whole < 600:
        return _tr("{min} min {s} s").format(min=whole // 60, s=whole % 60)
    if minutes < 60:
        return _tr("{min} min").format(min=minutes)
    return _tr("{h} h {min} min").format(h=minutes // 60, min=minutes % 60)


def _tr(text: str) -> str:
    return QCoreApplication.translate("words", text)


def _catalogue() -> str:
    """Returns the file of the language spoken, the one that can be read; empty: English, which needs none."""
    app = QCoreApplication.instance()
    loaded = [item.filePath() for item in app.findChildren(QTranslator)] if app is not None else []
    return next((name.removesuffix(".qm") + ".ts" for name in loaded if "studio_" in name), "")


@lru_cache(maxsize=2)
def _sentences(catalogue: str) -> list[tuple[re.Pattern[str], str]]:
    """Returns the core's sentences with places for values, the longest first, and what each looks like."""
    if not catalogue:
        return []
    contexts = ElementTree.parse(catalogue).getroot().iter("context")
    sources = [text.text or "" for item in contexts if item.findtext("name") == "core" for text in item.iter("source")]
    placed = sorted((text for text in sources if "{0}" in text), key=len, reverse=True)
    # Of two values side by side the first is a number, or empty.
    value = r"(\\d+|.*?)"
    return [(re.compile(re.sub(r"\\{\d+\\}", value, re.escape(text)), re.DOTALL), text) for text in placed]


def _filled(source: str, values: tuple[str, ...]) -> str:
    def value(place: re.Match[str]) -> str:
        said = values[int(place["at"])]
        if _CHOICE.fullmatch(said):
            return said.replace(" or ", " / ")
        # What stands between backticks is a name.
        return f"`{said}" if place["name"] else sentence(said)

    return _PLACE.sub(value, source)
