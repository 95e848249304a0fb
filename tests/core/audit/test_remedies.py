"""What is mended is what the audit reads, and stays what it was but for that; a row that cannot is taken out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.audit.findings import KINDS, of_rows
from studio.core.audit.remedies import planned, remedy
from studio.core.chat import to_example
from studio.core.errors import StudioError
from studio.core.versions import steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.steps import Exclude, Mend, Replace, Step
from studio.core.versions.store import Version

Row = dict[str, Any]


def steps_for(key: str, rows: list[Row], row_format: str = "messages") -> list[Step]:
    return list(remedy(of_rows(key, np.arange(len(rows))), lambda row: (rows[row], row_format)))


def mended(key: str, row: Row, row_format: str = "messages") -> Row:
    (step,) = steps_for(key, [row], row_format)
    assert isinstance(step, Replace)
    return step.data


def called(arguments: Any) -> Row:
    call = {"type": "function", "function": {"name": "send", "arguments": arguments}}
    turns = [{"role": "user", "content": "Send it."}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    return {"messages": turns}


def arguments_of(row: Row) -> Any:
    return to_example(row, "messages").messages[1]["tool_calls"][0]["function"]["arguments"]


@pytest.mark.parametrize("given", [lambda held: held, json.dumps])
@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("html", {"body": "say &quot;yes&quot;", "n": 1.5}, {"body": 'say "yes"', "n": 1.5}),
        ("mail", {"to": ["joe@corp.org"], "joe@corp.org": True}, {"to": ["[EMAIL]"], "[EMAIL]": True}),
        ("card", {"number": 4111111111111111, "n": 2}, {"number": "[CARD NUMBER]", "n": 2}),
        ("control", {"body": "a\ufeffb"}, {"body": "ab"}),
    ],
)
def test_the_arguments_of_a_call_stay_an_object(given: Any, key: str, before: Row, after: Row) -> None:
    assert arguments_of(mended(key, called(given(before)))) == after


def test_names_that_would_become_one_are_left() -> None:
    assert steps_for("mail", [called({"joe@corp.org": 1, "jane@corp.org": 2})]) == []


def test_json_in_which_nothing_is_mended_stays_as_it_is_written() -> None:
    row = called('{ "n":1.0,  "to": 1e3 }')
    row["messages"][0]["content"] = "Write to joe@corp.org."
    assert mended("mail", row)["messages"][1] == row["messages"][1]


def test_messages_in_a_cell_are_mended() -> None:
    turns = [{"role": "user", "content": "Where to?"}, {"role": "assistant", "content": "Write to joe@corp.org today."}]
    row = mended("mail", {"messages": json.dumps(turns)})
    assert json.loads(row["messages"])[1]["content"] == "Write to [EMAIL] today."


@pytest.mark.parametrize(
    ("row_format", "row"),
    [
        ("messages", called({"a": "<b>x</b>"}) | {"system": "Be <b>kind</b>.", "tools": [{"name": "send <b>it</b>"}]}),
        ("prompt_completion", {"question": "a <b>x</b>", "context": "b <b>x</b>", "answer": "c <b>x</b>"}),
        ("alpaca", {"instruction": "a <b>x</b>", "output": "b <b>x</b>", "history": [["c", "<b>x</b> d"]]}),
        ("text", {"text": "a <b>x</b>"}),
        ("preference", {"prompt": "a <b>x</b>", "chosen": "a <b>x</b> one", "rejected": "a <b>x</b> <b>two</b>"}),
    ],
)
def test_only_what_the_audit_reads_is_mended(row_format: str, row: Row) -> None:
    besides = {"url": "https://x.org/?a=1&amp;b=2", "note": "<b>mine</b>", "text_2": "<i>y</i>", "n": 4}
    better = mended("html", row | besides, row_format)
    assert {key: better[key] for key in besides} == besides
    assert all("<b>" in json.dumps(row[key]) and "<b>" not in json.dumps(better[key]) for key in row)


def test_a_row_of_which_nothing_would_be_left_is_taken_out_and_the_others_are_mended() -> None:
    rows = [{"text": "<br><br>"}, {"text": "a<br>b"}, {"text": "<p>"}]
    one, out = steps_for("html", rows, "text")
    assert one == Replace(row=1, data={"text": "a\nb"})
    assert isinstance(out, Exclude)
    assert out.rows == ((0, 0, 0), (0, 2, 2))
    assert out.why == f"{KINDS['html'].title}: nothing usable would be left of the row"


@pytest.fixture
def version(tmp_path: Path) -> Version:
    rows = [{"text": f"Write to jane{n}.roe@corp.org, <b>today</b>."} for n in range(4)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return Version(versions.create("mails", [Source(path=str(tmp_path / "a.jsonl"))]))


def test_each_step_is_made_of_what_those_before_it_leave(version: Version) -> None:
    edit = Replace(row=1, data={"text": "Or to max@corp.org, <i>now</i>."})
    rows = ((0, 0, 3),)
    mends = [Mend(finding=key, rows=rows) for key in ("mail", "html")]
    made = planned([edit, Exclude(rows=((0, 3, 3),)), *mends], version.selection)
    version.go(version.recipe.cursor)
    version.add(*made)
    assert [json.loads(text)["text"] for text in version.selection.texts()] == [
        "Write to [EMAIL], today.",
        "Or to [EMAIL], now.",
        "Write to [EMAIL], today.",
    ]


def test_a_filter_by_what_is_not_there_is_refused(version: Version) -> None:
    with pytest.raises(StudioError, match=r"There is no source 7\. There are 1, from 0\."):
        planned([steps.Filter(source=7)], version.selection)
    with pytest.raises(StudioError, match=r"No row has the tag `odd`\. No row has a tag yet"):
        planned([steps.Filter(tag="odd")], version.selection)
    tag = steps.Tag(rows=((0, 1, 2),), tag="good")
    with pytest.raises(StudioError, match=r"No row has the tag `odd`\. The tags are: `good`\."):
        planned([tag, steps.Filter(tag="odd", invert=True)], version.selection)
    assert len(planned([tag, steps.Filter(tag="good", source=0)], version.selection)) == 2
