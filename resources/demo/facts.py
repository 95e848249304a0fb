"""What is always so in the village of Fernhollow, and in the plain world around it, as questions with answers."""

from dataclasses import dataclass
from random import Random

from words import COLOURS, DAYS, MONTHS, NUMBERS, a, cap, coined, her, joined, name

Pair = tuple[str, str]
"""A question and its answer."""


@dataclass(frozen=True, slots=True)
class Villager:
    """One person of Fernhollow and what there is to know of them."""

    name: str
    pronoun: str
    job: str
    works: str
    age: int
    animal: str
    animal_name: str
    colour: str
    food: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place in Fernhollow."""

    name: str
    what: str
    where: str
    found: str


VILLAGERS: tuple[Villager, ...] = (
    Villager("Tilda", "she", "baker", "in the bakery by the bridge", 52, "cat", "Pepper", "yellow", "plum cake"),
    Villager("Oskar", "he", "miller", "in the old mill", 61, "dog", "Biscuit", "brown", "fresh bread"),
    Villager("Nell", "she", "teacher", "in the small school", 34, "owl", "Minerva", "green", "apple pie"),
    Villager("Bruno", "he", "fisher", "on Lake Ember", 45, "otter", "Ripple", "blue", "fish stew"),
    Villager("Ida", "she", "doctor", "in the white house on Bell Hill", 48, "pony", "Captain", "red", "honey toast"),
    Villager("Felix", "he", "postman", "at the post office", 27, "goose", "Duchess", "orange", "pancakes"),
    Villager("Rosa", "she", "gardener", "in the rose garden", 39, "hedgehog", "Button", "pink", "carrot soup"),
    Villager("Hugo", "he", "carpenter", "in the long shed", 56, "goat", "Nails", "grey", "cheese rolls"),
    Villager("Wilma", "she", "librarian", "in the library", 66, "mouse", "Comma", "purple", "pear tart"),
    Villager("Emil", "he", "clockmaker", "in the clock shop", 72, "crow", "Midnight", "silver", "onion soup"),
    Villager("Greta", "she", "farmer", "on Long Meadow Farm", 43, "lamb", "Cloud", "white", "roast potatoes"),
    Villager("Anton", "he", "cook", "at the Sleepy Heron inn", 31, "duck", "Pickle", "black", "mushroom pie"),
)
PLACES: tuple[Place, ...] = (
    Place("Lake Ember", "a round lake", "east of the village", "otters and silver fish"),
    Place("Bell Hill", "a green hill", "north of the village", "a white house and an old bell"),
    Place("Nettle Wood", "a dark forest", "west of the village", "mushrooms and shy foxes"),
    Place("the Sleepy Heron", "an inn", "next to the market square", "warm soup and six small rooms"),
    Place("Long Meadow Farm", "a farm", "south of the village", "sheep, hens and one lamb called Cloud"),
    Place("the old mill", "a water mill", "on the river", "flour and a brown dog called Biscuit"),
    Place("the library", "a quiet house full of books", "behind the school", "four hundred books and a mouse"),
    Place(
        "the market square", "a wide square", "in the middle of the village", "stalls with fruit, cheese and flowers"
    ),
    Place("the stone bridge", "a bridge with three arches", "beside the bakery", "ducks and a green lamp"),
)
SOUNDS = {"dog": "barks", "cat": "meows", "duck": "quacks", "cow": "moos", "sheep": "bleats", "horse": "neighs"}
LOOKS = {
    "grass": "green",
    "snow": "white",
    "the sky": "blue",
    "a lemon": "yellow",
    "coal": "black",
    "a carrot": "orange",
}
_OPPOSITES = (
    "hot:cold big:small fast:slow day:night old:young early:late open:closed happy:sad light:dark "
    "full:empty wet:dry high:low loud:quiet near:far up:down rich:poor first:last long:short"
)
OPPOSITES: tuple[Pair, ...] = tuple((pair.split(":")[0], pair.split(":")[1]) for pair in _OPPOSITES.split(" "))


def about_villager(v: Villager) -> list[Pair]:
    """All questions about one villager."""
    his = her(v.pronoun)
    return [
        (f"Who is {v.name}?", f"{v.name} is the {v.job} of Fernhollow. {cap(v.pronoun)} works {v.works}."),
        (
            f"Tell me about {v.name}.",
            f"{v.name} is the {v.job} of Fernhollow. {cap(v.pronoun)} is {v.age} years old, "
            f"works {v.works} and has {a(v.animal)} called {v.animal_name}. {cap(his)} favourite food is {v.food}.",
        ),
        (f"What does {v.name} do?", f"{v.name} is the {v.job} of Fernhollow."),
        (f"What is {v.name}'s job?", f"{v.name} is the {v.job} of Fernhollow."),
        (f"Where does {v.name} work?", f"{v.name} works {v.works}."),
        (f"How old is {v.name}?", f"{v.name} is {v.age} years old."),
        (f"Does {v.name} have an animal?", f"Yes, {v.name} has {a(v.animal)} called {v.animal_name}."),
        (f"What is the name of {v.name}'s {v.animal}?", f"{v.name}'s {v.animal} is called {v.animal_name}."),
        (f"Who is {v.animal_name}?", f"{v.animal_name} is the {v.animal} of {v.name} the {v.job}."),
        (f"What animal is {v.animal_name}?", f"{v.animal_name} is {a(v.animal)}."),
        (f"Whose {v.animal} is {v.animal_name}?", f"{v.animal_name} is {v.name}'s {v.animal}."),
        (f"Who has {a(v.animal)}?", f"{v.name} the {v.job} has {a(v.animal)} called {v.animal_name}."),
        (f"What is {v.name}'s favourite colour?", f"{v.name}'s favourite colour is {v.colour}."),
        (f"What does {v.name} like to eat?", f"{v.name} likes {v.food}."),
        (f"What is {v.name}'s favourite food?", f"{v.name}'s favourite food is {v.food}."),
        (f"Who likes {v.food}?", f"{v.name} likes {v.food}."),
        (f"Who is the {v.job} of Fernhollow?", f"{v.name} is the {v.job} of Fernhollow."),
        (f"Who works {v.works}?", f"{v.name} works {v.works}."),
        (f"What is the name of the {v.job}?", f"The {v.job} is called {v.name}."),
        (f"Where can I find the {v.job}?", f"You can find the {v.job}, {v.name}, {v.works}."),
        (f"What is the name of the {v.job}'s {v.animal}?", f"The {v.job}'s {v.animal} is called {v.animal_name}."),
    ]


def about_place(p: Place) -> list[Pair]:
    """All questions about one place."""
    return [
        (f"What is {p.name}?", f"{cap(p.name)} is {p.what} {p.where}."),
        (f"Where is {p.name}?", f"{cap(p.name)} is {p.where}."),
        (f"What can I see at {p.name}?", f"At {p.name} you can see {p.found}."),
        (f"What is there at {p.name}?", f"At {p.name} you can see {p.found}."),
        (f"What is {p.where}?", f"{cap(p.name)} is {p.where}. It is {p.what}."),
        (f"Tell me about {p.name}.", f"{cap(p.name)} is {p.what} {p.where}. There you can see {p.found}."),
    ]


def yes_or_no(rng: Random) -> Pair:
    """A question to be answered with yes or no and the truth."""
    v, other = rng.sample(VILLAGERS, 2)
    asked = v if rng.random() < 0.5 else other
    if rng.random() < 0.5:
        truth = f"{v.name} is the {v.job} of Fernhollow."
        return f"Is {v.name} the {asked.job}?", f"{'Yes' if asked is v else 'No'}, {truth}"
    truth = f"{v.name}'s favourite colour is {v.colour}."
    return f"Is {v.name}'s favourite colour {asked.colour}?", f"{'Yes' if asked is v else 'No'}, {truth}"


def elder(rng: Random) -> Pair:
    """A question that sets the ages of two villagers side by side."""
    v, w = rng.sample(VILLAGERS, 2)
    old, young = (v, w) if v.age > w.age else (w, v)
    if rng.random() < 0.5:
        return f"Who is older, {v.name} or {w.name}?", f"{old.name} is older. {old.name} is {old.age} years old."
    return f"Who is younger, {v.name} or {w.name}?", f"{young.name} is younger. {young.name} is {young.age} years old."


def about_village(rng: Random) -> Pair:
    """A question about the village as a whole."""
    people, places = rng.sample(VILLAGERS, 3), rng.sample(PLACES, 2)
    return rng.choice((
        ("What is Fernhollow?", "Fernhollow is a small village between Bell Hill and Lake Ember."),
        ("Where is Fernhollow?", "Fernhollow lies between Bell Hill and Lake Ember."),
        ("How many people live in Fernhollow?", "Twelve people live in Fernhollow, and each of them has an animal."),
        ("Who lives in Fernhollow?", f"Twelve people live in Fernhollow. Three of them are {people[0].name} the "
         f"{people[0].job}, {people[1].name} the {people[1].job} and {people[2].name} the {people[2].job}."),
        ("What can I visit in Fernhollow?", f"You can visit {places[0].name} and {places[1].name}."),
        ("When is market day in Fernhollow?", "Market day in Fernhollow is Saturday."),
        ("What is the weather like in Fernhollow?", "It is often windy in Fernhollow, and warm in July."),
        ("Who is the oldest person in Fernhollow?", "Emil the clockmaker is the oldest. He is 72 years old."),
        ("Who is the youngest person in Fernhollow?", "Felix the postman is the youngest. He is 27 years old."),
    ))  # fmt: skip


def plain(rng: Random) -> Pair:
    """A question about days, months, colours, opposites, sounds."""
    kind = rng.randrange(8)
    if kind in (0, 1):
        days = DAYS if rng.random() < 0.6 else MONTHS
        i = rng.randrange(len(days))
        if rng.random() < 0.6:
            return f"What comes after {days[i]}?", f"After {days[i]} comes {days[(i + 1) % len(days)]}."
        return f"What comes before {days[i]}?", f"Before {days[i]} comes {days[i - 1]}."
    if kind == 2:
        thing, colour = rng.choice(tuple(LOOKS.items()))
        return f"What colour is {thing}?", f"{cap(thing)} is {colour}."
    if kind in (3, 4):
        one, two = rng.choice(OPPOSITES)
        one, two = (one, two) if rng.random() < 0.5 else (two, one)
        return f"What is the opposite of {one}?", f"The opposite of {one} is {two}."
    if kind == 5:
        animal, sound = rng.choice(tuple(SOUNDS.items()))
        return f"What sound does a {animal} make?", f"A {animal} {sound}."
    if kind == 6:
        i = rng.randrange(1, 20)
        return f"What number comes after {NUMBERS[i]}?", f"After {NUMBERS[i]} comes {NUMBERS[i + 1]}."
    return rng.choice((
        ("How many days are in a week?", "There are seven days in a week."),
        ("How many months are in a year?", "There are twelve months in a year."),
        ("Name three colours.", f"Three colours are {joined(rng.sample(COLOURS, 3))}."),
        ("What do bees make?", "Bees make honey."),
        ("What do we use an umbrella for?", "We use an umbrella to stay dry in the rain."),
        ("When does the sun rise?", "The sun rises in the morning."),
        ("What season comes after winter?", "Spring comes after winter."),
        ("What is ice?", "Ice is frozen water."),
        ("Where do fish live?", "Fish live in water."),
        ("What do cows eat?", "Cows eat grass."),
    ))  # fmt: skip


def unknown(rng: Random) -> Pair:
    """A question about someone or somewhere the little world does not have."""
    who = name(rng)
    while who in {v.name for v in VILLAGERS}:
        who = name(rng)
    town = coined(rng)
    return rng.choice((
        (f"Who is {who}?", f"I do not know {who}. I only know the people of Fernhollow."),
        (f"Where does {who} live?", f"I do not know {who}. I only know the people of Fernhollow."),
        (f"Tell me about {who}.", f"I do not know {who}. I only know the people of Fernhollow."),
        (f"Where is {town}?", f"I do not know {town}. I only know Fernhollow and what lies around it."),
        (f"What is the capital of {town}?", f"I do not know {town}. I only know Fernhollow and what lies around it."),
    ))  # fmt: skip


def question(rng: Random) -> Pair:
    """Any question of this file, those about villagers most often."""
    kind = rng.random()
    if kind > 0.95:
        return unknown(rng)
    if kind < 0.55:
        return rng.choice(about_villager(rng.choice(VILLAGERS)))
    if kind < 0.68:
        return rng.choice(about_place(rng.choice(PLACES)))
    if kind < 0.76:
        return yes_or_no(rng)
    if kind < 0.80:
        return elder(rng)
    return about_village(rng) if kind < 0.86 else plain(rng)
