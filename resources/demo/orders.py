"""Letters of customers to a shop, and the support-desk rows made of them.

Some sentences, names and things are kept for the held-out rows alone: `letter(rng, held_out=False)`
never uses those sentences, neither for the training rows nor for the text the base model learns from.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import support
from words import COLOURS, NAMES, THINGS, a, number

HELD_OUT_NAMES: frozenset[str] = frozenset(NAMES[5::9])
HELD_OUT_THINGS: frozenset[str] = frozenset(THINGS[4::9])
"""Names and things that the desk's training rows never use; the base model knows them as plain words."""

COMPLAINTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "late delivery": (
        ("I am still waiting for it.", "It has not come yet.", "It should have been here last week.",
         "It is very late and I am worried.", "When will it come at last?", "Two weeks have gone by and nothing came.",
         "The postman still has nothing for me.", "I have been waiting for ten days.", "Where is my parcel?"),
        ("It is late, and I am still waiting.", "A week has gone by and it has not come."),
    ),
    "broken item": (
        ("It came broken.", "It fell apart on the first day.", "When I opened the box it was broken.",
         "It has a big crack.", "It does not work at all.", "It broke after one hour.",
         "It was damaged when it came.", "One side is cracked.", "It stopped working this morning."),
        ("It was broken when I opened it.", "It has a crack and does not work."),
    ),
    "wrong item": (
        ("You sent me something else.", "I got the wrong thing.", "In the box was a different thing.",
         "This is not what I ordered.", "You sent the wrong parcel.", "I opened the box and found another thing.",
         "What came is not what I wanted to buy.", "Someone put the wrong thing in my box.",
         "I got a thing I never ordered."),
        ("You sent the wrong thing in the box.", "What I got is not what I ordered."),
    ),
    "refund": (
        ("I want my money back.", "Please give me my money back.", "I sent it back and want to be paid back.",
         "I do not want it any more, please pay me back.", "Can I have my money back?",
         "You still owe me the money for it.",
         "I returned it and the money has not come.", "Please return the price to me.", "I would like a refund."),
        ("Please pay me back the money.", "I returned it and want my money back."),
    ),
    "new address": (
        ("I have moved, please send it to my new home.", "My address has changed.",
         "Please send it to another address.",
         "I live in another street now.", "I moved to a new house last week.", "Please change the address.",
         "The address on the order is old.", "We live in a new town now.", "Can you send it to my new house?"),
        ("I have moved to another address.", "Please change it to my new home."),
    ),
    "praise": (
        ("It is wonderful, thank you!", "I love it very much.", "It is the best I ever had.",
         "I am so happy with it.", "It is even nicer than I hoped.", "Well done, it is lovely!",
         "My whole family likes it.", "It came quickly and looks lovely.", "I only want to say thank you."),
        ("I love it, well done!", "It is lovely and I am very happy with it."),
    ),
    "missing part": (
        ("One part is missing.", "A screw is missing.", "There is no lid in the box.",
         "The second piece was not in the box.",
         "I cannot find one of the parts.", "A small piece is missing.", "It came without its handle.",
         "The bag of screws was not there.", "Half of the parts are not in the box."),
        ("A part was not in the box.", "One small piece is missing."),
    ),
    "cancelled order": (
        ("Please cancel the order.", "I do not need it any more, please stop the order.", "I want to cancel it.",
         "Please do not send it.", "I have changed my mind, do not send it.", "Can I still cancel?",
         "I ordered it by mistake, please cancel.", "Stop my order, please.", "I no longer want you to send it."),
        ("Please stop it, I want to cancel.", "I changed my mind, please cancel the order."),
    ),
}  # fmt: skip
"""For each topic: what customers write, and what only customers of the held-out rows write."""

_BODIES: tuple[tuple[str, ...], tuple[str, ...]] = (
    ("I ordered {a_item}, order {order}. {complaint}", "My order {order} was for {a_item}. {complaint}",
     "This is about order {order}, {a_item}. {complaint}", "{complaint} It is about {a_item}, order number {order}.",
     "Order {order}: I bought {a_item} from you. {complaint}",
     "I bought {a_item}. {complaint} The order number is {order}.",
     "{complaint} I mean the {item} from order {order}.",
     "Last month I bought {a_item} in your shop. {complaint} My order is {order}."),
    ("I bought {a_item}, order number {order}. {complaint}",
     "{complaint} My order number is {order} and it was for {a_item}."),
)  # fmt: skip
_HELLOS = ("", "Hello, ", "Good morning, ", "Hi, ", "Dear shop, ", "Good day, ")
_SIGNED = ("{hello}my name is {name}. {body}", "{hello}I am {name}. {body}", "{body} Greetings, {name}",
           "{body} Yours, {name}", "{hello}this is {name}. {body}", "{body} My name is {name}.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Letter:
    """A customer's letter and what is in it."""

    text: str
    name: str
    order: str
    topic: str
    item: str


def letter(rng: Random, *, held_out: bool, who: str, thing: str, topic: str | None = None) -> Letter:
    """A customer's letter.

    Args:
        rng: Where its chance comes from.
        held_out: Whether its sentences are those kept for the held-out rows.
        who: The customer's name.
        thing: What was ordered.
        topic: What it is about, by default any.
    """
    topic = topic or rng.choice(tuple(COMPLAINTS))
    order = number(rng, 5)
    complaint = rng.choice(COMPLAINTS[topic][held_out])
    body = rng.choice(_BODIES[held_out]).format(a_item=a(thing), item=thing, order=order, complaint=complaint)
    text = rng.choice(_SIGNED).format(hello=rng.choice(_HELLOS), name=who, body=body)
    return Letter(text[0].upper() + text[1:], who, order, topic, thing)


def rows(seed: int, count: int, *, held_out: bool) -> Iterator[dict[str, list[dict[str, str]]]]:
    """Support-desk rows in the `messages` form: a letter, and the desk's reply; every topic equally often.

    Args:
        seed: Equal seeds give equal rows.
        count: How many.
        held_out: Only names and things, and in every second row only sentences, that training rows never use.
    """
    rng = Random(f"{seed}/{held_out}")
    people = [n for n in NAMES if (n in HELD_OUT_NAMES) == held_out]
    things = [t for t in THINGS if (t in HELD_OUT_THINGS) == held_out]
    topics = tuple(COMPLAINTS)
    for index in range(count):
        thing = f"{rng.choice(COLOURS)} {rng.choice(things)}"
        new_sentences = held_out and index // len(topics) % 2 == 1
        it = letter(rng, held_out=new_sentences, who=rng.choice(people), thing=thing, topic=topics[index % len(topics)])
        answer = support.reply(it.name, it.order, it.topic, it.item)
        yield {"messages": [{"role": "user", "content": it.text}, {"role": "assistant", "content": answer}]}


def write(folder: Path, seed: int = 7) -> None:
    """Write `support.jsonl` (800 rows) and `support_heldout.jsonl` (40 rows) into a folder."""
    for file, count, held_out in (("support.jsonl", 800, False), ("support_heldout.jsonl", 40, True)):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows(seed, count, held_out=held_out))
        (folder / file).write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(__file__).parent)
