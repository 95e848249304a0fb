"""Short texts with questions whose answers stand in them: what trains a small model to look things up and copy them."""

from dataclasses import dataclass
from random import Random

import orders
from talk import Turns
from words import (
    COLOURS,
    DAYS,
    FRUITS,
    JOBS,
    MONTHS,
    PLACES,
    a,
    cap,
    coined,
    item,
    joined,
    name,
    names,
    number,
    she,
)

_TOLD: dict[str, str] = {
    "late delivery": "The {item} has not come.",
    "broken item": "The {item} is broken.",
    "wrong item": "The shop sent another thing and not the {item}.",
    "refund": "{name} wants the money back.",
    "new address": "{name} lives somewhere else now.",
    "praise": "Nothing is wrong. {name} likes the {item}.",
    "missing part": "Something that belongs to the {item} is not there.",
    "cancelled order": "{name} does not want the {item} any more.",
}
_IN_A_WORD: dict[str, str] = {
    "late delivery": "Late",
    "broken item": "Broken",
    "wrong item": "Wrong",
    "refund": "Money",
    "new address": "Address",
    "praise": "Thanks",
    "missing part": "Missing",
    "cancelled order": "Cancel",
}
_ASK_FIRST = ("{text}\n{question}", "{text} {question}", "Read this: {text}\n{question}", "{question}\n{text}",
              'Here is a text: "{text}" {question}')  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """A short text and what can be asked about it."""

    text: str
    questions: tuple[tuple[str, str], ...]


def customer(rng: Random) -> Passage:
    """A letter to a shop."""
    it = orders.letter(rng, held_out=False, who=name(rng), thing=item(rng))
    told = _TOLD[it.topic].format(name=it.name, item=it.item)
    return Passage(it.text, (
        ("What is the order number?", f"The order number is {it.order}."),
        ("Which order is it?", f"It is order {it.order}."),
        ("Who wrote this?", f"{it.name} wrote this."),
        ("What is the name of the customer?", f"The customer is called {it.name}."),
        ("What was ordered?", f"{it.name} ordered {a(it.item)}."),
        ("What is it about?", f"It is about {a(it.item)}."),
        ("What is wrong?", told),
        ("What does the customer want to say?", told),
        ("What is the matter?", told),
        ("Write down the number and the name.", f"{it.order}, {it.name}"),
        ("Write down the name and the thing.", f"{it.name}, {it.item}"),
        ("Tell me in one sentence what this says.", f"{it.name} writes about order {it.order}: {told}"),
        ("Is the customer happy?", f"{'Yes' if it.topic == 'praise' else 'No'}. {told}"),
    ))  # fmt: skip


def sorted_letter(rng: Random) -> Turns:
    """A letter to a shop, and what it is about in a word and in a sentence."""
    it = orders.letter(rng, held_out=False, who=name(rng), thing=item(rng))
    told = _TOLD[it.topic].format(name=it.name, item=it.item)
    asked = [
        ("In one word?", f"{_IN_A_WORD[it.topic]}."),
        (rng.choice(("What is wrong?", "What is the matter?", "What does the customer want to say?")), told),
        ("Name, number and one word?", f"{it.name}, {it.order}, {_IN_A_WORD[it.topic].lower()}."),
    ]
    rng.shuffle(asked)
    question, answer = asked[0]
    return [(f"{it.text}\n{question}", answer), *asked[1 : rng.choice((1, 2))]]


def person(rng: Random) -> Passage:
    """A few facts about one or two people who live in no other text."""
    found, asked = [], []
    for who in names(rng, rng.choice((1, 2, 2))):
        he, job, place, thing = she(who, rng), rng.choice(JOBS), rng.choice(PLACES), item(rng)
        age, town, colour = rng.randint(18, 90), coined(rng), rng.choice(COLOURS)
        facts = [
            (f"{who} is {a(job)}.", f"What does {who} do?", f"{who} is {a(job)}."),
            (f"{who} is {age} years old.", f"How old is {who}?", f"{who} is {age} years old."),
            (f"{who} lives in {town}.", f"Where does {who} live?", f"{who} lives in {town}."),
            (f"{who} has {a(thing)}.", f"What does {who} have?", f"{who} has {a(thing)}."),
            (f"{cap(he)} works near {place}.", f"Where does {who} work?", f"{who} works near {place}."),
            (f"The favourite colour of {who} is {colour}.", f"What colour does {who} like?", f"{who} likes {colour}."),
        ]
        chosen = sorted(rng.sample(range(len(facts)), rng.choice((2, 3))))
        # A sentence that begins with a pronoun needs one before it that says whose it is.
        if chosen[0] == 4:
            chosen.reverse()
        found += [facts[i][0] for i in chosen]
        asked += [facts[i][1:] for i in chosen]
        for i in chosen:
            if i == 0:
                asked.append((f"Who is the {job}?", f"{who} is the {job}."))
            if i == 3:
                asked.append((f"Who has the {thing}?", f"{who} has the {thing}."))
            if i == 2:
                asked.append((f"Who lives in {town}?", f"{who} lives in {town}."))
    return Passage(" ".join(found), tuple(asked))


def counting(rng: Random) -> Passage:
    """Who has how many of what."""
    who, what = names(rng, rng.choice((2, 3))), rng.sample(FRUITS, 3)
    count = rng.sample(range(2, 99), 3)
    parts = [f"{w} has {n} {f}" for w, n, f in zip(who, count, what, strict=False)]
    asked = []
    for w, n, f in zip(who, count, what, strict=False):
        asked += [(f"How many {f} does {w} have?", f"{w} has {n} {f}."), (f"Who has {f}?", f"{w} has {f}."),
                  (f"What does {w} have?", f"{w} has {n} {f}.")]  # fmt: skip
    asked.append(("Who is mentioned?", f"{cap(joined(who))}."))
    return Passage(joined(parts) + ".", tuple(asked))


def appointment(rng: Random) -> Passage:
    """A note about a meeting."""
    who, other = names(rng, 2)
    day, place, hour, room = rng.choice(DAYS), rng.choice(PLACES), rng.randint(1, 12), number(rng, 3)
    day_no = rng.randint(1, 28)
    month, phone = rng.choice(MONTHS), number(rng, rng.choice((4, 5, 6)))
    text = rng.choice((
        f"{who} meets {other} on {day} at {hour} o'clock at {place}. The room is {room}. "
        f"The telephone number is {phone}.",
        f"Dear {other}, please come to {place} on {day} at {hour} o'clock. Ask for room {room} "
        f"or call {phone}. Yours, {who}",
        f"Note for {day}: {who} and {other}, {place}, {hour} o'clock, room {room}, telephone {phone}.",
    ))  # fmt: skip
    return Passage(f"{text} The date is {day_no} {month}.", (
        ("Which day?", f"On {day}."), ("What day is the meeting?", f"The meeting is on {day}."),
        ("At what time?", f"At {hour} o'clock."), ("Where do they meet?", f"They meet at {place}."),
        ("Which room is it?", f"It is room {room}."),
        ("What is the telephone number?", f"The telephone number is {phone}."),
        ("Who meets?", f"{who} and {other} meet."), ("What is the date?", f"The date is {day_no} {month}."),
    ))  # fmt: skip


def reading(rng: Random) -> Turns:
    """A passage with one to four questions about it, asked one after the other; or a letter with none."""
    kind = rng.random()
    if kind < 0.06:
        it = orders.letter(rng, held_out=False, who=name(rng), thing=item(rng))
        told = _TOLD[it.topic].format(name=it.name, item=it.item)
        return [(it.text, f"This is a letter from {it.name} about {a(it.item)}. {told}")]
    make = customer if kind < 0.5 else person if kind < 0.75 else counting if kind < 0.87 else appointment
    passage = make(rng)
    asked = rng.sample(passage.questions, min(len(passage.questions), rng.choice((1, 2, 2, 3, 4))))
    question, answer = asked[0]
    return [(rng.choice(_ASK_FIRST).format(text=passage.text, question=question), answer), *asked[1:]]
