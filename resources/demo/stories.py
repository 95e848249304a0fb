"""Little stories: someone wants something, something goes wrong, a friend helps."""

from dataclasses import dataclass
from random import Random

from words import ANIMALS, COLOURS, FOODS, PLACES, THINGS, a, cap, her, name, she

_MOODS = ("small", "brave", "quiet", "clever", "kind", "curious", "old", "young", "cheerful", "shy")
_STARTS = ("Once there was {who}.", "Once upon a time there was {who}.", "Long ago, near {place}, there lived {who}.",
           "In a small house near {place} lived {who}.")  # fmt: skip
_WEATHER = ("The sun was warm.", "It rained all day.", "Snow lay on the roofs.", "A cold wind blew.",
            "The morning was grey and still.", "The stars were out.", "There was fog over the fields.")  # fmt: skip
_ENDS = ("From that day on they were good friends.", "They went home tired and happy.",
         "And that night everyone slept well.", "They laughed all the way home.",
         "They met again every evening.", "Nobody in the valley forgot that day.")  # fmt: skip
_MORALS = ("It is good to ask for help.", "A friend is worth more than gold.", "Patience brings the best fruit.",
           "Small hands can do great things.", "Kind words open many doors.",
           "Sharing makes a meal taste better.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """A story and what can be asked about it."""

    text: str
    hero: str
    kind: str
    title: str
    questions: tuple[tuple[str, str], ...]


def _middle(rng: Random, hero: str, he: str, friend: str, place: str, thing: str) -> tuple[str, tuple[str, str]]:
    """What happens in the story, and a question about it."""
    his, him = her(he), {"she": "her", "he": "him"}[he]
    food = rng.choice(FOODS)
    why = (f"What was the trouble of {hero}?", f"What went wrong for {hero}?")
    return rng.choice((
        (f"One day {hero} lost {his} {thing} at {place}. {cap(he)} looked under every stone but could not find it. "
         f"Then {friend} came along and said, \"I saw {a(thing)} under a tree.\" They ran there together, "
         "and there it was.",
         (rng.choice(why), f"{cap(hero)} lost {his} {thing} at {place}.")),
        (f"{hero} wanted to build {a(thing)} but had no wood. {cap(he)} walked to {place} and met {friend}. \"I have "
         f"wood,\" said {friend}, \"but I am hungry.\" So {hero} shared {his} {food}, "
         f"and they built the {thing} together.",
         (f"What did {hero} want to build?", f"{hero} wanted to build {a(thing)}.")),
        (f"One evening {hero} heard a strange noise at {place}. {cap(he)} was afraid, but {he} took {his} {thing} and "
         f"went to look. It was only {friend}, who had lost the way. {hero} took {friend} home "
         f"and made {food} for two.",
         (f"What did {hero} hear?", f"{hero} heard a strange noise at {place}.")),
        (f"{hero} dreamed of a great journey. {cap(he)} packed {a(thing)} and some {food} and walked to {place}. There "
         f"the road ended at deep water. {friend} had a boat and said, \"Come with me.\" "
         "They crossed over before night.",
         (f"What did {hero} pack?", f"{hero} packed {a(thing)} and some {food}.")),
        (f"The great race began at {place}. {hero} was slow and everyone passed {him}. But when {friend} fell into a "
         f"hole, only {hero} stopped to help. The judge gave {hero} the prize, {a(thing)}, for a good heart.",
         (f"What prize did {hero} win?", f"{hero} won {a(thing)} for a good heart.")),
        (f"{hero} found {a(thing)} at {place}. {cap(he)} loved it at once, but it was not {his} own. {cap(he)} asked "
         f"at every door until {friend} cried, \"That is mine!\" To say thank you, {friend} cooked {food} for {hero}.",
         (f"What did {hero} find?", f"{hero} found {a(thing)} at {place}.")),
        (f"{hero} could not sleep, because the moon was too bright. {cap(he)} asked {friend} at {place} what to do. "
         f"\"Hang {a(thing)} in front of the window,\" said {friend}. {hero} did so and slept until noon.",
         (f"Why could {hero} not sleep?", f"{hero} could not sleep because the moon was too bright.")),
        (f"It was {hero}'s birthday, and nobody seemed to know. {cap(he)} walked to {place} with a heavy heart. "
         f"There stood {friend} with {food} and {a(thing)} tied with string. "
         f"\"Did you think I would forget?\" said {friend}.",
         (f"What did {friend} give to {hero}?", f"{friend} gave {food} and {a(thing)} to {hero}.")),
    ))  # fmt: skip


def story(rng: Random) -> Story:
    """A new story of five to nine sentences."""
    hero, friend = name(rng), name(rng)
    while friend == hero:
        friend = name(rng)
    person = rng.random() < 0.3
    he, kind = she(hero, rng), rng.choice(ANIMALS)
    noun = {"she": "girl", "he": "boy"}[he] if person else kind
    thing, place, place2 = f"{rng.choice(COLOURS)} {rng.choice(THINGS)}", rng.choice(PLACES), rng.choice(PLACES)
    other = rng.choice(ANIMALS)
    start = rng.choice(_STARTS).format(who=f"{a(rng.choice(_MOODS) + ' ' + noun)} called {hero}", place=place2)
    middle, asked = _middle(rng, hero, he, friend, place, thing)
    friendly = f"{cap(her(he))} best friend was {friend} the {other}."
    sentences = [start, rng.choice(_WEATHER) if rng.random() < 0.5 else friendly,
                 middle, rng.choice(_ENDS), rng.choice(_MORALS) if rng.random() < 0.5 else ""]  # fmt: skip
    questions = [
        asked,
        (f"Who is {hero}?", f"{hero} is the {noun} in the story."),
        ("What is the story about?", f"It is about {a(noun)} called {hero}."),
        ("Who helps in the story?", f"{friend} is the friend in the story."),
        ("Where does it happen?", f"It happens at {place}."),
        ("What colour was the " + thing.split()[1] + "?", f"It was {thing.split()[0]}."),
    ]
    return Story(" ".join(s for s in sentences if s), hero, noun, f"{hero} and the {thing}", tuple(questions))
