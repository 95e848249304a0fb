"""A dataset with everything wrong once: each thing is found in its row, and its remedy takes it away."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.audit import findings
from studio.core.audit import texts as audit
from studio.core.audit.findings import KINDS, Finding
from studio.core.audit.remedies import remedy
from studio.core.audit.texts import Question
from studio.core.data.datasets import Dataset, open_dataset
from studio.core.versions.steps import Exclude, Replace, Step, each

SPECIALS = ("<|im_start|>", "<|im_end|>")
Row = dict[str, Any]


def chat(asked: str, answered: str, *more: Row) -> Row:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}, *more]}


def good(number: int) -> Row:
    name = "".join(map(chr, np.random.default_rng(number).integers(97, 123, 12)))
    asked = f"What is thing number {number} called in the town of {name[::-1]} today?"
    return chat(asked, f"They call it {name} {name.upper()} and {name[2:]}{name[:4]} there, and it is number {number}.")


FOX = (
    "The quick brown fox jumps over the lazy dog and runs into the big forest near the river, where nobody has seen a"
    " fox before; all the birds fly up at once, and the dog, who is not so lazy after all, comes along {}."
)
BAD: dict[str, Row] = {
    "mojibake": chat("Who?", "I donâ€™t know the cafÃ© of which you speak to me, sorry for that."),
    "replacement": chat("x \ufffd y", "This is a fine answer to your question, no doubt at all about it."),
    "control": chat("x\x07y", "This is a good reply to what you ask, without any doubt from me."),
    "special": chat("hi <|im_<|im_end|>end|> there", "Nothing is wrong with the text of this one, that is for sure."),
    "word": chat("Say yes, please, and nothing else", "Yes"),
    "mail": chat("Where to?", "Write to john.doe@corp.org today, he is there in the morning."),
    "phone": chat("Whom?", "Do call +49 170 1234567 in the evening, she is there by then."),
    "card": chat("How?", "The card is 4111 1111 1111 1111 and that is all of it for now."),
    "iban": chat("Whereto?", "It is DE89 3704 0044 0532 0130 00 that you have to send all to."),
    "secret": chat("The key?", "Use AKIA" + "IOSFODNN7EXAMPLE as the key for all the things that you do."),
    "refusal": chat("Are you happy?", "As an AI language model, I have no feelings about what you say."),
    "user": chat("Go on", "This is what there is to be said.\nUser: and now what is it?"),
    "html": chat("Bold?", "This is <b>bold</b> &amp;nbsp; nice for all of those who live here."),
    "unfinished": chat("Cut?", "This one is long enough to be called long but then it just stops in"),
    "duplicate": good(3),
    "conflict": chat(good(4)["messages"][0]["content"], "A wholly other reply than the one that was given to it."),
    "roles": {
        "messages": [
            {"role": "user", "content": "Before"},
            *chat("a", "The roles are not as they should be here.")["messages"],
        ]
    },
    "language": chat(
        "Was?", "Das ist nicht die Antwort, die du von mir auf diese Frage haben willst, und sie ist kurz."
    ),
    "long": chat("Long?", "This is one more of the many words. " * 300),
    "near": chat("The fox again, and what does it do?", FOX.format("there")),
    "unusable": {"nothing": 1},
}
ROWS = [
    *(good(number) for number in range(60)),
    chat("The fox, and what does it do?", FOX.format("today")),
    *BAD.values(),
]
AT = {key: 61 + place for place, key in enumerate(BAD)}


def written(folder: Path, rows: list[Row], name: str = "rows.jsonl") -> Dataset:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return open_dataset(path)


def row_of(dataset: Dataset) -> Callable[[int], tuple[Row, str]]:
    return lambda number: (dataset.find(number).data, dataset.format)


def audited(folder: Path, dataset: Dataset, question: Question | None = None) -> dict[str, Finding]:
    work = folder / f"work-{len(list(folder.iterdir()))}"
    work.mkdir()
    told: list[Finding] = []
    question = question or Question(SPECIALS)
    found, about = audit.audit(dataset, question, work, lambda *at: None, told.extend)
    assert told == found, "each is told once"
    assert about["usable"] == len(dataset)
    assert sum(about["languages"].values()) == len(dataset)
    return {item.key: item for item in found}


def applied(rows: list[Row], steps: list[Step]) -> list[Row]:
    """The rows of the version that these steps make."""
    kept: dict[int, Row] = dict(enumerate(rows))
    for step in steps:
        if isinstance(step, Exclude):
            for _, number in each(step.rows):
                del kept[number]
        else:
            assert isinstance(step, Replace)
            kept[step.row] = step.data
    return list(kept.values())


def test_each_thing_is_found_where_it_is(tmp_path: Path) -> None:
    found = audited(tmp_path, written(tmp_path, ROWS))
    assert {key: item.rows.tolist() for key, item in found.items()} == {key: [row] for key, row in AT.items()}
    assert {key: item.count for key, item in found.items()} == dict.fromkeys(AT, 1)
    assert found["duplicate"].hits[0, 4] == 3
    assert found["conflict"].hits[0, 4] == 4
    assert found["near"].hits[0, 4] == 60
    assert "messages" in found["unusable"].notes[AT["unusable"]]
    for key in ("mail", "phone", "card", "iban", "secret", "mojibake", "html"):
        _, message, start, stop, _ = found[key].hits[0].tolist()
        assert BAD[key]["messages"][message]["content"][start:stop].strip(" .") != ""
    assert BAD["mail"]["messages"][1]["content"][slice(*found["mail"].hits[0, 2:4])] == "john.doe@corp.org"


def test_nothing_is_found_where_all_is_well(tmp_path: Path) -> None:
    assert audited(tmp_path, written(tmp_path, ROWS[:61])) == {}
    assert audited(tmp_path, written(tmp_path, ROWS[:1], "one.jsonl")) == {}


@pytest.mark.parametrize("key", [key for key in BAD if key != "unusable"])
def test_a_remedy_takes_its_finding_away_and_no_other_comes(tmp_path: Path, key: str) -> None:
    rows = [*ROWS[:61], BAD[key], *ROWS[61:-1]]
    dataset = written(tmp_path, rows)
    before = audited(tmp_path, dataset)
    steps = list(remedy(before[key], row_of(dataset), SPECIALS))
    after = audited(tmp_path, written(tmp_path, applied(rows, steps), "mended.jsonl"))
    assert key not in after
    assert set(after) <= set(before) | {"near", "duplicate"}


# Pieces to make rows of; what belongs to no kind is among them.
PIECES = st.sampled_from(
    [
        *("Ã©", "â€™", "\ufffd", "\x01", "<|im_end|>", "a@b.org", "+49 170 1234567", "4111111111111111", "<br>"),
        *("&lt;i&gt;", "AKIA" + "IOSFODNN7EXAMPLE", "DE89370400440532013000", "the order is late", "as an AI", "yes"),
        *("\nUser: so?", "."),
    ]
)


@settings(max_examples=15)
@given(
    texts=st.lists(
        st.tuples(st.lists(PIECES, max_size=4), st.lists(PIECES, min_size=1, max_size=6)), min_size=1, max_size=12
    )
)
def test_remedies_take_findings_away_whatever_they_are(
    tmp_path_factory: pytest.TempPathFactory, texts: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = [chat(" ".join(asked), " ".join(answered)) for asked, answered in texts]
    rows = [row for row in rows if row["messages"][1]["content"].strip()]
    dataset = written(folder, [good(0), *rows])
    for key, item in audited(folder, dataset).items():
        steps = list(remedy(item, row_of(dataset), SPECIALS))
        assert steps or KINDS[key].remedy == ""
        left = applied([good(0), *rows], steps)
        if left and steps:
            assert key not in audited(folder, written(folder, left, f"{key}.jsonl")), key


def test_remedies_address_rows_where_they_come_from(tmp_path: Path) -> None:
    dataset = written(tmp_path, ROWS)
    found = audited(tmp_path, dataset)
    for key in ("duplicate", "mail"):
        (step,) = remedy(found[key], row_of(dataset), place_of=lambda row: (2, row + 1000))
        place = next(each(step.rows)) if isinstance(step, Exclude) else None
        assert place in (None, (2, AT[key] + 1000))
        assert not isinstance(step, Replace) or (step.source, step.row) == (2, AT[key] + 1000)


def test_rows_of_an_evaluation_file_are_found_in_the_training_data(tmp_path: Path) -> None:
    near = chat(
        "What is thing number 7 called in the town of my dreams, and why is that its name today?", FOX.format("x")
    )
    nearly = chat(
        "What is thing number 7 called in the town of my dreams, and why is that its name now?", FOX.format("x")
    )
    rows = [*ROWS[:61], near]
    evaluation = written(tmp_path, [good(100), good(5), nearly, good(101)], "eval.jsonl")
    dataset = written(tmp_path, rows)
    question = Question(SPECIALS, evaluation)
    found = audited(tmp_path, dataset, question)
    assert set(found) == {"leak"}
    assert found["leak"].hits[:, [0, 4]].tolist() == [[5, 1], [61, 2]], "the row, and that of the evaluation file"
    left = applied(rows, list(remedy(found["leak"], row_of(dataset))))
    assert audited(tmp_path, written(tmp_path, left, "left.jsonl"), question) == {}


def test_a_split_that_parts_copies_is_told(tmp_path: Path) -> None:
    rows = [*ROWS[:30], *ROWS[:5]]
    dataset = written(tmp_path, rows)
    held = np.array([0, 2, 12, 30, 33], np.int64)
    parted = [2, 3]
    found = audited(tmp_path, dataset, Question(SPECIALS, None, held))
    assert set(found) == {"duplicate", "leak"}
    assert found["leak"].rows.tolist() == [row + 30 for row in parted]


def test_findings_come_back_from_disk(tmp_path: Path) -> None:
    found = list(audited(tmp_path, written(tmp_path, ROWS)).values())
    folder = tmp_path / "kept"
    folder.mkdir()
    findings.save(folder, found, {"rows": 3})
    loaded = findings.load(folder)
    assert loaded is not None
    assert loaded[1] == {"rows": 3}
    for item, again in zip(found, loaded[0], strict=True):
        assert (item.key, item.count, item.notes) == (again.key, again.count, again.notes)
        assert np.array_equal(item.hits, again.hits)
        assert json.loads(json.dumps(again.summary(2)))["title"] == item.kind.title
    (folder / "mail.npy").write_bytes(b"torn")
    assert findings.load(folder) is None


class Enough(BaseException):
    """What a cancelled request raises in a progress callback."""


@pytest.mark.parametrize("phase", ["checking", "comparing"])
def test_it_ends_when_asked_to(tmp_path: Path, phase: str) -> None:
    def tell(now: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        if now == phase:
            raise Enough

    threads = threading.active_count()
    with pytest.raises(Enough):
        audit.audit(written(tmp_path, ROWS), Question(SPECIALS), tmp_path, tell, lambda found: None)
    assert threading.active_count() == threads


def test_every_kind_has_its_words() -> None:
    for kind in KINDS.values():
        assert kind.why.endswith(".")
        assert kind.title[0].isupper()
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)


def test_rows_with_other_tools_are_other_rows(tmp_path: Path) -> None:
    def told(row: Row, *names: str) -> Row:
        return row | {"tools": [{"type": "function", "function": {"name": name}} for name in names]}

    asked = good(1)["messages"][0]["content"]
    other = chat(asked, "I have nothing to look that up with, so I cannot tell you, I fear.")
    apart = [told(good(1), "look"), told(good(1), "look", "ask"), told(other, "ask"), good(1)]
    assert audited(tmp_path, written(tmp_path, [*apart, good(2)])) == {}
    rows = [*apart, told(good(1), "look"), told(other, "look")]
    found = audited(tmp_path, written(tmp_path, rows, "more.jsonl"))
    assert {key: item.hits[:, [0, 4]].tolist() for key, item in found.items()} == {
        "duplicate": [[4, 0]],
        "conflict": [[5, 0]],
    }


def test_two_answers_are_compared_as_two(tmp_path: Path) -> None:
    def pair(better: str, worse: str) -> Row:
        return {"prompt": "Which town is it that you live in today?", "chosen": better, "rejected": worse}

    one, two, three = (f"It is the town of {name} where all of us have lived for long." for name in "ABC")
    rows = [pair(one, two), pair(one, three), pair(one, two), pair(two, one), pair(three, two)]
    rows[4]["rejected"] += " Write to john.doe@corp.org and ask him."
    dataset = written(tmp_path, rows)
    found = audited(tmp_path, dataset)
    assert found["duplicate"].rows.tolist() == [2]
    assert found["swapped"].hits[:, [0, 4]].tolist() == [[0, 3], [2, 3], [3, 0]]
    assert found["near"].rows.tolist() == [1]  # not the swapped one too
    assert "conflict" not in found
    assert found["mail"].rows.tolist() == [4]
    left = applied(rows, [*remedy(found["duplicate"], row_of(dataset))])
    assert left == [*rows[:2], *rows[3:]]
    # Which of them is right nobody knows.
    assert applied(rows, [*remedy(found["swapped"], row_of(dataset))]) == [rows[1], rows[4]]


def test_labelled_answers_are_compared_with_their_labels(tmp_path: Path) -> None:
    def judged(answer: str, label: bool) -> Row:
        return {"prompt": "Which town is it that you live in today?", "completion": answer, "label": label}

    one, two = (f"It is the town of {name} where all of us have lived for long." for name in "AB")
    rows = [judged(one, True), judged("No", False), judged(one, True), judged(one, False), judged(two, True)]
    dataset = written(tmp_path, [*rows, judged("Yes", True)])
    found = audited(tmp_path, dataset)
    assert found["duplicate"].rows.tolist() == [2]
    assert found["swapped"].hits[:, [0, 4]].tolist() == [[0, 3], [2, 3], [3, 0]]
    assert "conflict" not in found  # one prompt has answers of both kinds, as it should
    assert found["word"].rows.tolist() == [5]  # a bad answer may be bad for that


def test_two_answers_of_several_turns_are_compared_whole(tmp_path: Path) -> None:
    def turns(town: str, said: str) -> list[Row]:
        call = {"type": "function", "function": {"name": "look", "arguments": {"town": town}}}
        found = {"role": "tool", "content": f"{town} is found"}
        return [{"role": "assistant", "tool_calls": [call]}, found, {"role": "assistant", "content": said}]

    asked = [{"role": "user", "content": "Which town is it that you live in today?"}]
    one, two = turns("A", "It is the town of all of us."), turns("B", "It is the town of all of us.")
    other = turns("B", "It is another town.")
    rows = [
        {"prompt": asked, "chosen": better, "rejected": worse}
        for better, worse in ((one, two), (two, one), (one, other), (other, two))
    ]
    found = audited(tmp_path, written(tmp_path, rows))
    assert found["swapped"].hits[:, [0, 4]].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("answers", [{"completion": "{}"}, {"chosen": "{}", "rejected": "No. {}"}])
def test_a_question_that_is_empty_is_found(tmp_path: Path, answers: dict[str, str]) -> None:
    said = (f"It is the town of {name} where all of us have lived for long." for name in "ABC")
    asked = ("Which town is it?", "", "")
    rows = [
        {"prompt": prompt} | {key: text.format(town) for key, text in answers.items()}
        for prompt, town in zip(asked, said, strict=True)
    ]
    found = audited(tmp_path, written(tmp_path, rows))
    assert found["unasked"].hits[:, :2].tolist() == [[1, 0], [2, 0]]
    assert found["unasked"].count == 2
    assert not {"conflict", "swapped"} & found.keys()
