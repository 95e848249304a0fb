"""The desk's protocol: every kind survives the pipe, and what is no request is answered with a sentence."""

import math

import pytest

from studio.core import desk
from studio.core.errors import StudioError

ASKED = [desk.Message(role="user", content="Grüße\n世界 🙂")]
REQUESTS: list[desk.Request | desk.Cancel] = [
    desk.Tokens(id=1, file="rows.jsonl", row=3, max_length=64, chat_template="none"),
    desk.Tokens(id=1, messages=ASKED),
    desk.Plan(id=2, config={"data": {"path": "rows.jsonl"}}),
    desk.Model(id=3, model="org/name", revision="main"),
    desk.Hardware(id=4),
    desk.Answer(id=5, adapters=[None, "mine"], messages=ASKED, sampling=desk.Sampling(temperature=0.5)),
    desk.Cancel(id=5),
]
PICTURE = desk.Picture(
    text="a", ids=[1], names=["a"], trained=[True], special=[False], offsets=[(0, 1)], kept=1, tokens=1
)
COLUMN = desk.Column(adapter=None, text="x", tokens=1, seconds=0.5, cut=False)
REPLIES: list[desk.Reply] = [
    desk.Progress(id=1, phase="reading", done=1, total=2),
    desk.Piece(id=1, column=0, text="\n世 "),
    desk.Done(id=1, result=PICTURE),
    desk.Done(id=1, result=desk.Answers(columns=[COLUMN])),
    desk.Done(id=1, result=desk.Facts(facts={"loss": math.inf, "rows": 3})),
    desk.failure(1, StudioError("memory", "It does not fit.", "Take less.", "detail")),
    desk.Cancelled(id=1),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda item: item.kind)
def test_a_request_survives_the_pipe(request_: desk.Request | desk.Cancel) -> None:
    line = desk.encode(request_)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert desk.decode_request(line) == request_


@pytest.mark.parametrize("reply", REPLIES, ids=lambda item: item.kind)
def test_a_reply_survives_the_pipe(reply: desk.Reply) -> None:
    line = desk.encode(reply)
    assert line.count(b"\n") == 1
    assert desk.decode_reply(line) == reply


@pytest.mark.parametrize(
    ("line", "id_", "said"),
    [
        (b"", 0, "json"),
        (b"{", 0, "json"),
        (b"[1]", 0, "object"),
        (b'{"id": 7}', 7, "kind"),
        (b'{"id": 7, "kind": "format_disk"}', 7, "format_disk"),
        (b'{"id": 7, "kind": "tokens", "row": -1}', 7, "row"),
        (b'{"id": 7, "kind": "answer", "adapters": [], "messages": []}', 7, "adapters"),
        (b'{"id": "x", "kind": "hardware"}', 0, "id"),
        (b'{"id": 7, "kind": "answer", "adapters": [null], "messages": [{"role": "god", "content": ""}]}', 7, "role"),
        (b"\xff\xfe", 0, "line"),
    ],
)
def test_what_is_no_request_is_answered(line: bytes, id_: int, said: str) -> None:
    refused = desk.decode_request(line)
    assert isinstance(refused, desk.Failed)
    assert (refused.id, refused.reason) == (id_, "usage")
    assert said in refused.message.lower()


def test_a_torn_or_unknown_reply_is_skipped() -> None:
    whole = desk.encode(REPLIES[2])
    assert desk.decode_reply(whole[:-20]) is None
    assert desk.decode_reply(b'{"kind": "of_tomorrow", "id": 1}') is None
    assert desk.decode_reply(whole.replace(b'"id":1', b'"id":1,"new":2')) == REPLIES[2]
