"""The words the little world is made of: names, animals, things, places, colours, and how to inflect them."""

from random import Random


def _words(listed: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(listed.split(between))


WOMEN: tuple[str, ...] = _words(
    "Mara Tilda Nell Ida Rosa Petra Greta Wilma Hanna Clara Lena Edith Flora Agnes Bea Dora Elsa Fern Gwen Hilda Iris "
    "Jana Katya Lotte Mina Nora Olive Paula Ruth Sonja Tess Una Vera Willa Yara Zoe Alma Britt Celia Daisy Esther "
    "Freya Ginny Hope Ivy Joan Kira Lily Mabel Nadia Opal Pearl Rita Stella Thea Ursula Viola Wanda Xenia Yvonne Amina "
    "Bella Carmen Della Erin Fatima Gemma Helen Inez Judith Karen Laura Maya Ngozi Priya Sara Tara Valerie Winnie Zara"
)
MEN: tuple[str, ...] = _words(
    "Tom Oskar Jonas Emil Hugo Felix Anton Bruno Caspar David Edgar Finn Gustav Henry Ivan Jacob Karl Leo Max Nico "
    "Otto Paul Rufus Simon Theo Ulrich Victor Walter Yusuf Zach Adam Ben Colin Dario Eric Frank George Harold Ian Jim "
    "Ken Luis Martin Neil Oscar Peter Quentin Robin Sam Tim Umar Vince Will Abel Bernard Carlos Dennis Elias Frederik "
    "Glen Hassan Isaac Jasper Kofi Liam Milo Nathan Omar Pedro Ravi Stefan Tobias Vikram Wendel Arlo Boris Clive Dmitri"
)
NAMES: tuple[str, ...] = WOMEN + MEN
_STARTS = _words("Al Bel Cor Dal El Fen Gar Hol Is Jor Kel Lor Mar Nes Or Per Quil Ros Sel Tam Ul Ver Wen Yor Zel")
_MIDDLES = _words("a e i o u an en in on ar er or al el il")
_ENDS = _words("da ra na la mo wick ton by vin dor sa ta lin ric bert ny mund go pa fy")

ANIMALS: tuple[str, ...] = _words(
    "fox hare owl mouse bear goat duck frog hedgehog badger squirrel otter robin crow cat dog pony lamb goose snail"
)
COLOURS: tuple[str, ...] = _words("red blue green yellow white black brown grey pink orange purple silver")
THINGS: tuple[str, ...] = _words(
    "kettle lamp teapot blanket clock basket chair table mug bowl vase rug mirror pillow scarf jacket coat hat "
    "umbrella backpack radio camera candle picture shelf stool bell box drum flute kite bicycle ladder bucket broom "
    "toaster watch ring purse apron towel curtain notebook pen puzzle globe tent lantern plate jug pan pot tray desk"
)
FRUITS: tuple[str, ...] = _words("apples pears plums eggs nuts berries carrots onions buttons shells stones coins")
FOODS: tuple[str, ...] = _words(
    "plum cake|onion soup|fresh bread|apple pie|honey toast|fish stew|berry jam|warm milk|nut bread|carrot soup|"
    "pear tart|mushroom pie|cheese rolls|pancakes|roast potatoes",
    "|",
)
PLACES: tuple[str, ...] = _words(
    "the market|the mill|the lake|the old bridge|the forest|the hill|the school|the harbour|the garden|the library|"
    "the station|the farm|the beach|the bakery|the inn|the river|the meadow|the barn",
    "|",
)
JOBS: tuple[str, ...] = _words(
    "baker teacher doctor farmer painter gardener tailor miller fisher singer builder driver cook nurse clockmaker "
    "librarian carpenter beekeeper postman shepherd"
)
DAYS: tuple[str, ...] = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS: tuple[str, ...] = _words(
    "January February March April May June July August September October November December"
)
NUMBERS: tuple[str, ...] = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)


def coined(rng: Random) -> str:
    """A made-up name, so that copying a name is learnt as copying and not as choosing from a list."""
    return rng.choice(_STARTS) + (rng.choice(_MIDDLES) if rng.random() < 0.5 else "") + rng.choice(_ENDS)


def name(rng: Random) -> str:
    """A first name: mostly a usual one, sometimes a coined one."""
    return coined(rng) if rng.random() < 0.25 else rng.choice(NAMES)


def names(rng: Random, count: int) -> list[str]:
    """Return `count` different first names."""
    found: list[str] = []
    while len(found) < count:
        candidate = name(rng)
        if candidate not in found:
            found.append(candidate)
    return found


def she(who: str, rng: Random) -> str:
    """The pronoun for a name; a coined name gets either."""
    if who in WOMEN:
        return "she"
    return "he" if who in MEN else rng.choice(("she", "he"))


def her(pronoun: str) -> str:
    """The possessive that belongs to `she`, `he`, `it` or `they`."""
    return {"she": "her", "he": "his", "it": "its", "they": "their"}[pronoun]


def a(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0].lower() in 'aeio' or noun.startswith(('umbrella', 'under')) else 'a'} {noun}"


def cap(sentence: str) -> str:
    """The sentence with its first letter made large."""
    return sentence[:1].upper() + sentence[1:]


def joined(parts: list[str]) -> str:
    """The parts as an English list: `a, b and c`."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def number(rng: Random, digits: int) -> str:
    """A number of exactly `digits` digits, as text."""
    return str(rng.randint(10 ** (digits - 1), 10**digits - 1))


def item(rng: Random) -> str:
    """Something one can buy: a colour and a thing."""
    return f"{rng.choice(COLOURS)} {rng.choice(THINGS)}"
