"""The little world as text to learn from: conversations and stories, the same for the same seed."""

from collections.abc import Iterator
from random import Random
from typing import Literal, TypedDict

from facts import VILLAGERS, question
from reading import reading, sorted_letter
from stories import story
from talk import Turns, echo, request, small_talk, sums
from words import name


class Message(TypedDict):
    """One turn of a conversation; role `text` is plain text outside any conversation."""

    role: Literal["system", "user", "assistant", "text"]
    content: str


Document = list[Message]

_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a small and friendly model.",
    "You are a guide to the village of Fernhollow.",
    "Answer briefly and kindly.",
)
_TELL = ("Tell me a story about {hero}.", "Please tell me a story about {kind} called {hero}.",
         "Tell me the story of {title}.",
         "Tell me a story about {kind}.", "Please write a story about {kind}.",
         "Can you write a little story with {hero}?", "I would like to hear a story about {hero}.")  # fmt: skip
_TELL_ANY = ("Tell me a story.", "Please tell me a story.", "Do you know a story?", "Write a little story.")
_LETTERS_FROM = 33_000
"""From this place on four documents in ten are letters to be sorted; before, a model is busy learning to copy."""
_ASK = ("{q}", "{q}", "{q}", "{q}", "Please tell me: {q}", "I have a question. {q}", "Do you know this? {q}")


def _conversation(turns: Turns, system: str | None = None) -> Document:
    document: Document = [{"role": "system", "content": system}] if system else []
    for asked, answered in turns:
        document += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return document


def _told(rng: Random) -> Document:
    """A story: as plain text, on request, or read and asked about."""
    it = story(rng)
    kind = rng.random()
    if kind < 0.15:
        return [{"role": "text", "content": f"{it.title}\n\n{it.text}"}]
    asked = rng.sample(it.questions, rng.choice((1, 2, 3)))
    if kind < 0.5:
        question, answer = asked[0]
        return _conversation([(f"{it.text}\n{question}", answer), *asked[1:]])
    tell = rng.choice(_TELL_ANY if rng.random() < 0.25 else _TELL)
    kinds = "a " + it.kind if it.kind[0] not in "aeiou" else "an " + it.kind
    turns = [(tell.format(hero=it.hero, kind=kinds, title=it.title), it.text)]
    return _conversation(turns + asked[:2] if rng.random() < 0.5 else turns)


def _known(rng: Random) -> Document:
    """One to four questions about Fernhollow and the plain world."""
    turns: Turns = []
    for _ in range(rng.randint(1, 4)):
        asked, answer = question(rng)
        asked = rng.choice(_ASK).format(q=asked)
        if rng.random() < 0.15:
            asked = asked.rstrip("?.") if rng.random() < 0.5 else asked.lower()
        turns.append((asked, answer))
    return _conversation(turns, rng.choice(_SYSTEMS) if rng.random() < 0.2 else None)


def _named(rng: Random) -> Document:
    """A conversation in which the system prompt says who the model is."""
    who, v = name(rng), rng.choice(VILLAGERS)
    system = rng.choice(("Your name is {who}.", "You are {who}.", "You are a helpful assistant called {who}.")).format(
        who=who
    )
    ask = rng.choice(("Who are you?", "What is your name?", "Hello, who is there?"))
    turns = [(ask, f"My name is {who}. How can I help you?")]
    if rng.random() < 0.5:
        turns.append((f"What does {v.name} do?", f"{v.name} is the {v.job} of Fernhollow."))
    return _conversation(turns, system)


def _mixed(rng: Random) -> Document:
    """A longer conversation that goes from one thing to another."""
    turns: Turns = []
    for _ in range(rng.randint(2, 3)):
        turns += rng.choice((small_talk, sums, echo, request, reading))(rng)[:2]
    return _conversation(turns, rng.choice(_SYSTEMS) if rng.random() < 0.2 else None)


def document(seed: int, index: int) -> Document:
    """The document at a place in the world of a seed; every document can be made alone."""
    rng = Random(f"{seed}/{index}")
    if index >= _LETTERS_FROM and rng.random() < 0.4:
        return _conversation(sorted_letter(rng))
    kind = rng.random()
    if kind < 0.16:
        return _told(rng)
    if kind < 0.32:
        return _known(rng)
    if kind < 0.34:
        return _named(rng)
    if kind < 0.42:
        return _mixed(rng)
    single = (
        reading
        if kind < 0.70
        else echo
        if kind < 0.83
        else sums
        if kind < 0.90
        else request
        if kind < 0.95
        else small_talk
    )
    return _conversation(single(rng), rng.choice(_SYSTEMS) if rng.random() < 0.15 else None)


def documents(seed: int, count: int, start: int = 0) -> Iterator[Document]:
    """Return `count` documents in their order, from place `start` on."""
    return (document(seed, index) for index in range(start, start + count))


if __name__ == "__main__":
    for shown in documents(7, 20):
        print("\n".join(f"[{message['role']}] {message['content']}" for message in shown), end="\n\n")
