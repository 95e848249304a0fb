"""Which language a text is in: by its script and, where languages share one, by their commonest short words.

Some thirty languages, microseconds a text, no model and no library. A text too short or too mixed is in none.
"""

# Letters of other alphabets that look like Latin ones are meant here.
# ruff: noqa: RUF001

import sys
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

_LOOKED_AT_CHARS = 240
_WHOLE = 27_720  # so that any of its parts up to a twelfth is whole, and sums are the same in every order
_LEAST_HITS = 2
_CLEARLY = 1.25

# First and last character of a script, and the language that alone writes in it, or the script's own name.
_SCRIPTS = (
    (0x370, 0x3FF, "el"),
    (0x400, 0x52F, "Cyrillic"),
    (0x531, 0x58F, "hy"),
    (0x590, 0x5FF, "he"),
    (0x600, 0x77F, "Arabic"),
    (0x900, 0x97F, "hi"),
    (0x980, 0x9FF, "bn"),
    (0xA00, 0xA7F, "pa"),
    (0xA80, 0xAFF, "gu"),
    (0xB80, 0xBFF, "ta"),
    (0xC00, 0xC7F, "te"),
    (0xC80, 0xCFF, "kn"),
    (0xD00, 0xD7F, "ml"),
    (0xD80, 0xDFF, "si"),
    (0xE00, 0xE7F, "th"),
    (0xE80, 0xEFF, "lo"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1100, 0x11FF, "ko"),
    (0x1200, 0x137F, "am"),
    (0x1780, 0x17FF, "km"),
    (0x3040, 0x30FF, "ja"),
    (0x3400, 0x4DBF, "zh"),
    (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
    (0x41, 0x5A, "Latin"),
    (0x61, 0x7A, "Latin"),
    (0xC0, 0x24F, "Latin"),
    (0x1E00, 0x1EFF, "Latin"),
)
_NAMES = ["", *dict.fromkeys(name for _, _, name in _SCRIPTS)]

_WORDS = {
    "en": "the of and to in is that it was for on are with as this be at by not have from or an you which they can i "
    "what how we your if will there do has more their when",
    "de": "der die das und ist nicht ein eine zu den mit von für auf sie ich wir im es dem auch sich wie als aus bei "
    "oder werden kann wird sind haben einen dass",
    "fr": "le la les de des et est un une du en que pour dans qui pas sur plus avec ce il elle vous nous je sont cette "
    "au par mais ou être votre",
    "es": "el la los las de y en que un una es por con para se del no su al lo como más pero está son puede este esta "
    "muy cómo qué también",
    "it": "il la di e che un una per non in del della è sono con gli le si da come più anche questo nel alla lo dei "
    "delle essere può ma",
    "pt": "o a os as de e que do da em um uma para com não por mais dos das no na é se como são ao você isso também "
    "está foi seu sua",
    "nl": "de het een en van is dat niet in op te zijn voor met die er aan ook als maar je ik wordt bij naar deze kan "
    "worden hebben",
    "sv": "och att det som en är på för med den inte av till ett har kan jag om från men eller var så vi de detta",
    "da": "og at det som en er på for med den ikke af til et har kan jeg om fra men eller var så vi de dette blev",
    "no": "og at det som en er på for med den ikke av til et har kan jeg om fra men eller var så vi de dette ble",
    "fi": "ja on ei että se oli kun hän mutta niin ovat myös joka tai voi olla kuin jos sen tämä mitä minä sinä ole",
    "pl": "i w nie na się z do to jest że jak o co ale po tym od za są przez dla jego czy lub może być tak który",
    "cs": "a se na je že v to s z do o ale jak za by pro jsem po co tak jako nebo který být při není jsou také",
    "sk": "a sa na je že v to s z do o ale ako za by pre som po čo tak alebo ktorý byť pri nie sú tiež",
    "hu": "a az és hogy nem is egy ez meg de van volt csak már mint vagy ha azt ezt el kell még lehet nagyon",
    "ro": "și de la în a cu pe nu este că un o din ce mai sau care pentru sunt să se al fi dar acest prin",
    "tr": "ve bir bu da de için ile ne çok olarak daha gibi var ben o ama mi en kadar sonra olan değil veya her",
    "id": "yang dan di untuk dengan ini itu dari tidak dalam pada adalah akan ke juga saya bisa atau ada oleh karena",
    "vi": "là và của có không được cho một người trong với các này đã những để từ khi đó như tôi bạn nhiều về",
    "ca": "el la els les de i en que un una és per amb no es del al més però com són aquest aquesta molt pot també",
    "ru": "и в не на что я с он как это по но они к у из за то все она так его только мы вы для от же бы или быть",
    "uk": "і в не на що я з він як це по але вони до у із за то все вона так його тільки ми ви для від є та або бути",
    "bg": "и в не на че аз с той как това по но те до у из за то всички тя така го само ние вие от е са да се или",
    "sr": "и у не на да ја са он како то по али они до из за све она тако га само ми ви од је су се или бити",
    "ar": "في من على إلى أن هذا ما لا هو التي عن مع كان هذه أو الذي كل و قد ذلك هل كيف",
    "fa": "و در به از که این را با است آن برای یک می ها تا خود بر هم شود چه یا شما های کند",
    "ur": "کے کی میں ہے اور سے کا کو اس نے پر ہیں یہ کہ بھی ایک تھا وہ نہیں کر ہو کیا آپ",
}
_OF_SCRIPT = {"ru": "Cyrillic", "uk": "Cyrillic", "bg": "Cyrillic", "sr": "Cyrillic"}
_OF_SCRIPT |= {"ar": "Arabic", "fa": "Arabic", "ur": "Arabic"}


def _table() -> NDArray[np.uint8]:
    table = np.zeros(1 << 16, np.uint8)
    for first, last, name in _SCRIPTS:
        table[first : last + 1] = _NAMES.index(name)
    return table


def _known_words() -> dict[str, dict[str, int]]:
    """Returns, by script, what each word says: its languages, each by one part of as many as share it.

    All languages' parts stand in one number, 32 bits each, so that words are counted by adding.
    """
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for language, words in _WORDS.items():
        for word in dict.fromkeys(words.split()):
            owners[_OF_SCRIPT.get(language, "Latin"), word].append(language)
    known: dict[str, dict[str, int]] = defaultdict(dict)
    for (script, word), languages in owners.items():
        known[script][word] = sum(_WHOLE // len(languages) << 32 * _LANGUAGES.index(name) for name in languages)
    return known


_LANGUAGES = list(_WORDS)
_TABLE, _KNOWN = _table(), _known_words()


def language(text: str) -> str:
    """Returns the ISO 639-1 code of the language of a text's beginning; empty: it cannot be told."""
    text = text[:_LOOKED_AT_CHARS]
    script = "Latin" if text.isascii() else _script(text)
    if script not in _KNOWN:
        return script
    known = _KNOWN[script]
    scores = sum(map(known.__getitem__, known.keys() & set(text.lower().split())))
    if not scores:
        return ""
    parts = memoryview(scores.to_bytes(4 * len(_LANGUAGES), sys.byteorder)).cast("I").tolist()
    second, first = sorted(parts)[-2:]
    if first < _LEAST_HITS * _WHOLE or first < _CLEARLY * second:
        return ""
    at = parts.index(first)
    return _LANGUAGES[at if sys.byteorder == "little" else -1 - at]


def _script(text: str) -> str:
    """Returns the script that most letters are of; empty: there are none."""
    letters = np.frombuffer(text.encode("utf-16-le", "replace"), np.uint16)
    counts = np.bincount(_TABLE[letters], minlength=len(_NAMES))
    counts[0] = 0
    # Japanese is written with Chinese characters between its own.
    japanese, chinese = _NAMES.index("ja"), _NAMES.index("zh")
    if counts[japanese] * 10 > counts[chinese]:
        counts[japanese] += counts[chinese]
        counts[chinese] = 0
    best = int(counts.argmax())
    return _NAMES[best] if counts[best] else ""
