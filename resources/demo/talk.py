"""Small talk, sums, saying things again, remembering what was said, and polite requests."""

from random import Random

from words import (
    COLOURS,
    DAYS,
    FOODS,
    FRUITS,
    NUMBERS,
    PLACES,
    THINGS,
    a,
    cap,
    coined,
    item,
    joined,
    name,
    names,
    number,
)

Turns = list[tuple[str, str]]
"""Question and answer, one or several times."""

_HELLO = ("Hello!", "Hello", "Hi!", "Hi there!", "Good morning!", "Good evening!", "Hey, how are you?", "How are you?",
          "Hi, how are you today?")  # fmt: skip
_FIXED: tuple[tuple[str, str], ...] = (
    ("Who are you?", "I am a small language model. I know the village of Fernhollow and like to help."),
    ("What are you?", "I am a small language model. I know the village of Fernhollow and like to help."),
    ("What is your name?", "I have no name. You can call me the little model of Fernhollow."),
    (
        "What can you do?",
        "I can tell stories, answer questions about Fernhollow, do small sums and read short letters.",
    ),
    ("Can you help me?", "Yes, of course. What would you like to know?"),
    ("I need help.", "I am glad to help. What would you like to know?"),
    ("Thank you!", "You are welcome!"),
    ("Thanks a lot.", "You are welcome! Is there anything else I can do?"),
    ("Goodbye!", "Goodbye! Come back soon."),
    ("Good night.", "Good night and sleep well."),
    ("Are you a person?", "No, I am a small language model."),
    ("Do you like stories?", "Yes, I like stories very much. Shall I tell you one?"),
    ("I am sad.", "I am sorry that you are sad. A walk or a good story may help."),
    ("I am tired.", "Then take a rest. A cup of tea may help too."),
    ("I am happy today.", "That is good to hear! What made you happy?"),
    ("I am bored.", "Shall I tell you a story? I know many."),
    ("Tell me a joke.", "Why did the clock go to school? It wanted to tell the time."),
    ("Do you know another joke?", "What does a book do in winter? It puts on a jacket."),
    ("What is your favourite colour?", "I like green, like the hills around Fernhollow."),
    ("Do you sleep?", "No, I do not sleep. I only wait for your next question."),
    ("How old are you?", "I am very young. I was made not long ago."),
    ("What is the meaning of life?", "I am too small for that question, but kindness seems a good start."),
    ("What is the capital of France?", "I do not know that. I only know the small world of Fernhollow."),
    ("Who won the football game?", "I do not know that. I only know the small world of Fernhollow."),
    ("Can you write a computer program?", "No, that is too hard for me. I only know the small world of Fernhollow."),
)


def small_talk(rng: Random) -> Turns:
    """A greeting, a question about the model itself, or a feeling."""
    kind = rng.random()
    if kind < 0.2:
        return [(rng.choice(_HELLO), rng.choice(("Hello! I am well, thank you. How can I help you?",
                                                "Hello! How can I help you today?")))]  # fmt: skip
    if kind < 0.4:
        who = name(rng)
        first = rng.choice((f"Hello, my name is {who}.", f"Hi, I am {who}.", f"My name is {who}."))
        turns = [(first, f"Hello {who}! It is good to meet you. How can I help you?")]
        if rng.random() < 0.6:
            turns.append(rng.choice(_FIXED))
        turns.append((rng.choice(("What is my name?", "Do you know my name?", "Who am I?")), f"Your name is {who}."))
        return turns
    if kind < 0.6:
        food, thing = rng.choice(FOODS), item(rng)
        like = rng.choice((food, rng.choice(COLOURS), rng.choice(PLACES)))
        return [rng.choice(((f"I like {like}.", f"That is nice! What do you like about {like}?"),
                            (f"I have {a(thing)}.", f"{cap(a(thing))} sounds lovely. Where did you get it?"),
                            (f"Today I went to {rng.choice(PLACES)}.",
                             "That sounds like a good day. What did you see there?"),
                            (f"Do you like {food}?", "I cannot eat, but that sounds very good.")))]  # fmt: skip
    return [rng.choice(_FIXED)]


def sums(rng: Random) -> Turns:
    """Adding and taking away up to twenty, bare or told as a little tale."""
    x, y = rng.randint(0, 12), rng.randint(0, 10)
    kind = rng.randrange(6)
    if kind == 0:
        return [(rng.choice((f"What is {x} + {y}?", f"{x} + {y} = ?")), f"{x} + {y} = {x + y}.")]
    if kind == 1:
        x, y = max(x, y), min(x, y)
        return [(rng.choice((f"What is {x} - {y}?", f"{x} - {y} = ?")), f"{x} - {y} = {x - y}.")]
    if kind == 2:
        return [(f"What is {NUMBERS[x]} plus {NUMBERS[min(y, 8)]}?",
                 f"{cap(NUMBERS[x])} plus {NUMBERS[min(y, 8)]} is {NUMBERS[x + min(y, 8)]}.")]  # fmt: skip
    x, y, what, who = x + 2, y + 2, rng.choice(FRUITS), name(rng)
    if kind == 3:
        return [(f"{who} has {x} {what} and gets {y} more. How many {what} does {who} have?",
                 f"{x} + {y} = {x + y}. {who} has {x + y} {what}.")]  # fmt: skip
    if kind == 4:
        return [(f"{who} has {x + y} {what} and gives away {y}. How many {what} are left?",
                 f"{x + y} - {y} = {x}. {who} has {x} {what} left.")]  # fmt: skip
    x, y = rng.sample(range(1, 100), 2)
    return [(f"Which is more, {x} or {y}?", f"{max(x, y)} is more than {min(x, y)}.")]


def _code(rng: Random) -> str:
    """Something to be copied exactly."""
    return rng.choice((number(rng, rng.randint(2, 6)), number(rng, 5), coined(rng), item(rng), name(rng)))


def echo(rng: Random) -> Turns:
    """Say it again, remember it, look it up in a list."""
    kind = rng.randrange(8)
    if kind == 0:
        said = " ".join(_code(rng) for _ in range(rng.randint(1, 4)))
        return [(rng.choice((f"Please repeat: {said}", f"Say this again: {said}", f"Repeat after me: {said}")), said)]
    if kind == 1:
        n = number(rng, rng.randint(2, 6))
        turns = [(f"Please remember the number {n}.", f"I will remember the number {n}.")]
        if rng.random() < 0.5:
            turns.append(rng.choice(_FIXED))
        return [*turns, (rng.choice(("What number did I say?", "What was the number?")), f"The number was {n}.")]
    if kind == 2:
        people = names(rng, rng.randint(2, 4))
        nums = [number(rng, rng.choice((3, 4, 5))) for _ in people]
        listed = ". ".join(f"{w}: {n}" for w, n in zip(people, nums, strict=True))
        i, j = rng.sample(range(len(people)), 2)
        return [(f"Here are some numbers. {listed}. What is the number of {people[i]}?",
                 f"The number of {people[i]} is {nums[i]}."),
                (f"And who has {nums[j]}?", f"{people[j]} has {nums[j]}.")]  # fmt: skip
    if kind == 3:
        who, thing, n = name(rng), item(rng), number(rng, 5)
        return [(f"Fill in the form. My name is {who}, I want {a(thing)} and my number is {n}.",
                 f"Name: {who}\nThing: {thing}\nNumber: {n}")]  # fmt: skip
    if kind == 4:
        words = rng.sample(THINGS, rng.randint(3, 5))
        if rng.random() < 0.5:
            return [(f"Which word comes first: {joined(words)}?", f"The first word is {words[0]}.")]
        return [(f"Which word comes last: {joined(words)}?", f"The last word is {words[-1]}.")]
    if kind == 5:
        n = number(rng, rng.randint(3, 6))
        return [(f"Write the digits of {n} with commas.", ", ".join(n) + ".")]
    if kind == 6:
        who, thing = name(rng), item(rng)
        return [(f"Use the name {who} and the word {thing.split()[1]} in a sentence.",
                 f"{who} has {a(thing.split()[1])} at home.")]  # fmt: skip
    words = rng.sample(THINGS, 3)
    return [(f"Make a list of these things: {joined(words)}.", "\n".join(f"- {w}" for w in words))]


def request(rng: Random) -> Turns:
    """A short letter, an invitation, a note, a rule for the day: written on request."""
    who, by = names(rng, 2)
    thing, food, place, day = item(rng), rng.choice(FOODS), rng.choice(PLACES), rng.choice(DAYS)
    return [rng.choice((
        (f"Please write a short letter to {who} about {a(thing)}. My name is {by}.",
         f"Dear {who},\nI have found {a(thing)} for you. Come and see it soon.\nYour friend, {by}"),
        (f"Invite {who} to {place} on {day}. I am {by}.",
         f"Dear {who},\nwill you come with me to {place} on {day}? It would make me glad.\nYour friend, {by}"),
        (f"Write a thank you note to {who} for the {thing}. Sign it {by}.",
         f"Dear {who},\nthank you for the {thing}. I use it every day.\nYours, {by}"),
        (f"Write a shopping note: {food}, {a(thing)}.", f"To buy:\n- {food}\n- {a(thing)}"),
        (f"Say happy birthday to {who}.", f"Happy birthday, {who}! May your year be full of {food} and good friends."),
        (f"Tell {who} politely that I cannot come on {day}.",
         f"Dear {who}, I am sorry, but I cannot come on {day}. I hope to see you another time."),
        (f"What could I cook on {day}?", f"On {day} you could cook {food}."),
        (f"What could I give to {who}?", f"You could give {who} {a(thing)}."),
        (f"Make this polite: give me the {thing}!", f"Could you please give me the {thing}?"),
        (f"Make this polite: {who}, come to {place}!", f"{who}, could you please come to {place}?"),
    ))]  # fmt: skip
