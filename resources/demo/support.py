"""The support desk's reply form, and how an answer is marked against it.

Stands alone (it imports nothing from its neighbours), so that a program can load this one file to mark answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

PROMISES: Mapping[str, str] = {
    "late delivery": "We will look for your {item} today and write to you tomorrow.",
    "broken item": "We will send you a new {item} and you pay nothing.",
    "wrong item": "We will take the wrong one back and send you the {item}.",
    "refund": "We will pay you back for the {item} within five days.",
    "new address": "We will send the {item} to your new home.",
    "praise": "We will show your kind words to the people who made the {item}.",
    "missing part": "We will post the missing part of your {item} this morning.",
    "cancelled order": "We will stop the order and keep the {item} here.",
}
"""What the desk promises for each topic."""

PARTS: tuple[str, ...] = ("greeting", "order", "topic", "promise", "sign-off")
"""The checkable parts of a reply, one to a line, in their order."""


def reply(name: str, order: str, topic: str, item: str) -> str:
    """The desk's answer to a letter.

    Args:
        name: The customer's first name.
        order: The order number.
        topic: One of the keys of `PROMISES`.
        item: What was ordered, without an article.

    Returns:
        Five lines, one for each of `PARTS`.
    """
    return "\n".join(
        (
            f"Dear {name}, thank you for writing to us.",
            f"Order: {order}",
            f"Topic: {topic}",
            PROMISES[topic].format(item=item),
            "Yours, the Willow & Wren desk",
        )
    )


def score(answer: str, row: Mapping[str, Any]) -> float:
    """The share of the reply's five parts that are exactly right and in their place.

    Args:
        answer: What a model wrote.
        row: A row of `support.jsonl` or `support_heldout.jsonl`; its last message is the right reply.

    Returns:
        A number from 0 (nothing is right) to 1 (every line is right and nothing was added).
    """
    messages: Sequence[Mapping[str, str]] = row["messages"]
    wanted = messages[-1]["content"].split("\n")
    given = [line.strip() for line in answer.strip().split("\n")]
    right = sum(w == g for w, g in zip(wanted, given, strict=False))
    return right / max(len(wanted), len(given))
