"""The desk process as it really runs: every request, in order, cancelled, hostile, and ended with its pipe."""

import json
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from studio import paths
from studio.core import desk, evaluations
from studio.core.audit import findings
from studio.core.audit.lengths import Lengths
from studio.core.config import to_dict
from studio.core.desk import Answer, Cancel, Evaluate, Message, Sampling, Tokens
from studio.engine import generate
from studio.engine.desk_work import Work
from tests.desks import ASK, ENDLESS, ENDLESS_ANSWER, Child, child, endless_model, processor_s, random_adapter
from tests.models import CHATML, tiny
from tests.training import write_rows

SHORT = Sampling(max_new_tokens=12)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def model(place: Path) -> str:
    return str(tiny("llama", place / "llama"))


@pytest.fixture(scope="module")
def endless(place: Path) -> str:
    return endless_model(place / "endless")


@pytest.fixture(scope="module")
def adapters(place: Path, model: str) -> list[str]:
    made = [random_adapter(Path(model), place / name, seed) for seed, name in enumerate(("first", "second"))]
    biased = random_adapter(Path(tiny("gpt2", place / "gpt2")), place / "biased", 2, bias="all")
    return [str(folder) for folder in (*made, biased)]


@pytest.fixture(scope="module")
def rows(place: Path) -> str:
    path = place / "rows.jsonl"
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Paris is 世界."}]
    lines = [{"messages": turns}, {"messages": []}, {"messages": turns * 400}]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def desk_(place: Path) -> Iterator[Child]:
    with child(place) as started:
        yield started


def text(replies: list[desk.Reply], column: int) -> str:
    return "".join(item.text for item in replies if isinstance(item, desk.Piece) and item.column == column)


def columns(replies: list[desk.Reply]) -> list[desk.Column]:
    last = replies[-1]
    assert isinstance(last, desk.Done), last
    assert isinstance(last.result, desk.Answers)
    return last.result.columns


def test_rows_are_told_one_by_one_and_a_cancelled_evaluation_goes_on_where_it_was(
    desk_: Child, model: str, adapters: list[str], place: Path
) -> None:
    file = write_rows(place / "evaluated.jsonl", 30)
    settings = to_dict(evaluations.on_data({"path": str(file)}, None))
    request = Evaluate(
        id=70, config=settings, model=model, adapters=[None, adapters[0]], answers=True, sampling=SHORT
    )  # fmt: skip
    desk_.send(request)
    before = list[int]()
    while len(before) < 3:
        reply = desk_.reply()
        if isinstance(reply, desk.Results):
            before += [item.row for item in reply.results]
            assert all(len(item.measured) == 2 for item in reply.results)
    desk_.send(Cancel(id=70))
    rest = desk_.replies(70)
    assert isinstance(rest[-1], desk.Cancelled)
    before += [item.row for reply in rest if isinstance(reply, desk.Results) for item in reply.results]
    assert before == list(range(len(before)))
    assert len(before) < 30
    again = [reply for reply in desk_.ask(replace(request, id=71)) if not isinstance(reply, desk.Progress)]
    assert isinstance(again[0], desk.Results)
    # Those that were being read when it was cancelled may be known too.
    assert len(before) <= len(again[0].results) <= len(before) + 8, "what is known is told at once"
    last = again[-1]
    assert isinstance(last, desk.Done)
    assert isinstance(last.result, desk.Evaluated)
    assert last.result.rows == 30


def test_a_row_comes_as_tokens_with_its_labels(desk_: Child, model: str, rows: str) -> None:
    shown = desk_.result(Tokens(id=1, file=rows, row=0, model=model, max_length=16))
    assert shown.text.startswith("<|im_start|>user\nHi?<|im_end|>")
    learned = "".join(
        shown.text[a:b] for (a, b), is_trained in zip(shown.offsets, shown.trained, strict=True) if is_trained
    )
    assert learned.startswith("Paris is")
    assert learned.endswith("<|im_end|>")
    assert shown.special[0]
    assert (shown.kept, shown.tokens) == (16, len(shown.ids))
    assert {len(shown.names), len(shown.trained), len(shown.special), len(shown.offsets)} == {shown.tokens}


def test_free_messages_come_as_the_row_of_them_would(desk_: Child, model: str, rows: str) -> None:
    messages = [Message(role="user", content="Hi?"), Message(role="assistant", content="Paris is 世界.")]
    assert desk_.result(Tokens(id=1, messages=messages, model=model)) == desk_.result(
        Tokens(id=1, file=rows, row=0, model=model)
    )
    whole = desk_.result(Tokens(id=1, messages=messages, model=model, objective="pretraining"))
    assert sum(whole.trained) == len(whole.ids) - 1


def test_two_answers_are_shown_as_they_are_learned_whatever_the_objective(
    desk_: Child, model: str, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "Hi?", "chosen": "Paris.", "rejected": "No."}))
    shown = [
        desk_.result(Tokens(id=1, file=str(path), row=0, model=model, objective=objective, worse=True))
        for objective in ("pretraining", "dpo")
    ]
    assert shown[0] == shown[1]
    assert shown[0].answer == "worse"
    first = shown[0].trained.index(True)
    assert shown[0].text[shown[0].offsets[first][0] :].startswith("No.")


@pytest.mark.parametrize("good", [True, False])
def test_a_labelled_answer_is_shown_as_it_is_learned(desk_: Child, model: str, tmp_path: Path, good: bool) -> None:
    path = tmp_path / "judged.jsonl"
    path.write_text(json.dumps({"prompt": "Hi?", "completion": "Paris.", "label": good}))
    shown = desk_.result(Tokens(id=1, file=str(path), row=0, model=model, objective="sft"))
    assert shown.answer == ("good" if good else "bad")
    assert (shown.avoided, shown.paired) == (not good, False)
    assert shown.text[shown.offsets[shown.trained.index(True)][0] :].startswith("Paris.")


def test_a_long_row_is_shown_in_part(desk_: Child, model: str, tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"text": "9 8 " * 40_000}))
    shown = desk_.result(Tokens(id=1, file=str(path), row=0, model=model, max_length=100_000))
    assert len(shown.ids) == desk.MAX_SHOWN_TOKENS < shown.tokens
    assert len(shown.text) == shown.offsets[-1][1]


@pytest.mark.parametrize(
    ("request_", "reason", "said"),
    [
        (Tokens(id=3, file="no/such.jsonl"), "data", "no file"),
        (Tokens(id=3, messages=[]), "data", "empty"),
        (Tokens(id=3, messages=ASK, model="no/such/model"), "model", "no folder"),
        (desk.Plan(id=3, config={"data": {"path": "x", "epochs": 3}}), "config", "epochs"),
        (desk.Model(id=3, model="org/absent"), "network", "offline"),
        (Answer(id=3, adapters=["absent"], messages=ASK), "adapter", "absent"),
        (Answer(id=3, adapters=[None], messages=ASK), "usage", "no base"),
    ],
)
def test_what_cannot_be_done_comes_as_two_sentences(
    desk_: Child, request_: desk.Request, reason: str, said: str
) -> None:
    failed = desk_.failure(request_)
    assert failed.reason == reason
    assert said in failed.message.lower()
    assert failed.hint


def test_a_rejected_row_says_why(desk_: Child, model: str, rows: str) -> None:
    assert "rejected" in desk_.failure(Tokens(id=1, file=rows, row=1, model=model)).message


def test_nonsense_is_answered_and_the_next_request_works(desk_: Child) -> None:
    desk_.send(b"nonsense\n", b'{"kind": "tokens", "id": 9, "row": "x"}\n', b"\n")
    refused = [desk_.reply() for _ in range(3)]
    assert [item.id for item in refused] == [0, 9, 0]
    assert all(isinstance(item, desk.Failed) for item in refused)
    assert "torch" in desk_.result(desk.Hardware(id=10)).facts["packages"]


def test_models_are_given_back_when_that_is_asked_and_loaded_again(model: str) -> None:
    work, asked = Work(), desk.Answer(model=model, adapters=[None], messages=ASK, sampling=SHORT)
    release = partial(work.do, desk.Release(), lambda *_: None, lambda *_: None, lambda _: None)
    assert release() == desk.Facts(facts={})

    def answered() -> list[str]:
        told = work.do(asked, lambda *_: None, lambda *_: None, lambda _: None)
        assert isinstance(told, desk.Answers)
        return [column.text for column in told.columns]

    first = answered()
    assert work._loaded is not None
    held = weakref.ref(work._loaded._current.model)
    release()
    assert held() is None
    assert answered() == first


def test_an_audit_streams_what_it_finds(desk_: Child, model: str, rows: str) -> None:
    replies = desk_.ask(desk.Audit(id=30, file=rows, model=model, max_length=64))
    streamed = [item["key"] for reply in replies if isinstance(reply, desk.Found) for item in reply.findings]
    last = replies[-1]
    assert isinstance(last, desk.Done)
    assert isinstance(last.result, desk.Audited)
    assert sorted(streamed) == sorted(item["key"] for item in last.result.findings)
    found = {item["key"]: item for item in last.result.findings}
    assert found["unusable"]["hits"][0]["row"] == 1
    assert found["lost"]["count"] == 1
    assert {"checking", "comparing", "tokenizing"} <= {
        reply.phase for reply in replies if isinstance(reply, desk.Progress)
    }
    assert last.result.about["rows"] == 3
    on_disk = [item for folder in last.result.folders for item in (findings.load(Path(folder)) or ([], {}))[0]]
    assert sorted(item.key for item in on_disk) == sorted(streamed)
    # The explorer's numbers are there already.
    measured = desk_.ask(desk.Lengths(id=31, file=rows, model=model))
    assert [type(reply) for reply in measured if isinstance(reply, desk.Progress) and reply.phase == "tokenizing"] == []
    assert isinstance(measured[-1], desk.Done)
    assert isinstance(measured[-1].result, desk.Measured)
    assert measured[-1].result.lengths == last.result.lengths
    lengths = Lengths.load(Path(last.result.lengths))
    assert lengths is not None
    assert lengths.at(64).rows == 2


def test_an_audit_ends_when_cancelled(desk_: Child, model: str, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    lines = [json.dumps({"prompt": f"What is {n}?", "completion": f"It is {n} and {n * n}."}) for n in range(50_000)]
    path.write_text("\n".join(lines))
    desk_.send(desk.Audit(id=40, file=str(path), model=model))
    while not (isinstance(reply := desk_.reply(), desk.Progress) and reply.phase == "checking"):
        pass
    before = processor_s(desk_.process.pid)
    desk_.send(Cancel(id=40))
    assert desk_.replies(40)[-1] == desk.Cancelled(id=40)
    assert processor_s(desk_.process.pid) - before < 2, "checking all rows takes longer, the whole audit ten seconds"


def test_a_template_that_is_being_written_shows_its_effect(desk_: Child, model: str, rows: str) -> None:
    own = desk_.result(Tokens(id=1, file=rows, row=0, model=model))
    edited = CHATML.replace("<|im_start|>", "~")
    shown = desk_.result(Tokens(id=2, file=rows, row=0, model=model, template=edited))
    assert shown.text == own.text.replace("<|im_start|>", "~")
    written = "".join(shown.text[a:b] for (a, b), is_own in zip(shown.offsets, shown.written, strict=True) if is_own)
    assert written.startswith("Hi?Paris is")
    failed = desk_.failure(Tokens(id=3, file=rows, row=0, model=model, template="{% for %}"))
    assert (failed.reason, "line 1" in failed.message) == ("config", True)
    endless = desk_.failure(Tokens(id=4, file=rows, row=0, model=model, template=ENDLESS))
    assert "did not come to an end" in endless.message


def test_a_model_and_a_plan_come_as_facts(desk_: Child, model: str, rows: str) -> None:
    assert desk_.result(desk.Model(id=1, model=model)).facts["layers"] == 2
    data = {"path": rows, "max_length": 512}
    replies = desk_.ask(desk.Plan(id=2, config={"model": {"path": model}, "data": data}))
    assert any(isinstance(item, desk.Progress) and item.phase == "counting" for item in replies)
    last = replies[-1]
    assert isinstance(last, desk.Done)
    assert isinstance(last.result, desk.Facts)
    assert last.result.facts["rejected_rows"] == 1


def test_columns_stream_together_and_pieces_make_the_answers(desk_: Child, model: str, adapters: list[str]) -> None:
    asked = Answer(id=5, model=model, adapters=[None, *adapters[:2]], messages=ASK, sampling=SHORT)
    replies = desk_.ask(asked)
    found = columns(replies)
    assert [item.adapter for item in found] == [None, *adapters[:2]]
    assert [text(replies, at) for at in range(3)] == [item.text for item in found]
    assert len({item.text for item in found}) == 3, "adapters that change nothing would show nothing"
    order = [item.column for item in replies if isinstance(item, desk.Piece)]
    assert order != sorted(order), "side by side, not one after the other"
    assert all(item.tokens and item.seconds > 0 for item in found)

    alone = columns(desk_.ask(Answer(id=6, model=model, adapters=[None], messages=ASK, sampling=SHORT)))
    assert alone[0].text == found[0].text, "the base's column is the base"


def test_drawn_answers_stream_too(desk_: Child, model: str, adapters: list[str]) -> None:
    drawn = Sampling(max_new_tokens=12, temperature=1.0, seed=3)
    asked = Answer(id=5, model=model, adapters=[None, adapters[0]], messages=ASK, sampling=drawn)
    replies = desk_.ask(asked)
    assert [text(replies, at) for at in range(2)] == [item.text for item in columns(replies)]
    assert columns(desk_.ask(asked))[1].text == columns(replies)[1].text


def test_what_is_loaded_stays_until_another_base_is_asked_for(
    desk_: Child, model: str, adapters: list[str], place: Path
) -> None:
    def loads(request: Answer) -> int:
        return sum(isinstance(item, desk.Progress) and item.phase == "loading" for item in desk_.ask(request))

    both = Answer(id=7, model=model, adapters=[None, adapters[0]], messages=ASK, sampling=SHORT)
    other = Answer(id=8, model=str(place / "gpt2"), adapters=[None], messages=ASK, sampling=SHORT)
    desk_.ask(both)
    assert [loads(both), loads(other), loads(other), loads(both)] == [0, 1, 0, 2]


def test_an_adapter_that_changes_the_base_leaves_the_base_column_alone(
    desk_: Child, adapters: list[str], place: Path
) -> None:
    def answers(*names: str | None) -> list[str]:
        asked = Answer(id=9, model=str(place / "gpt2"), adapters=list(names), messages=ASK, sampling=SHORT)
        return [item.text for item in columns(desk_.ask(asked))]

    base, biased = answers(None)[0], answers(adapters[2])[0]
    assert base != biased
    assert answers(adapters[2], None, adapters[2]) == [biased, base, biased]
    assert answers(None) == [base]


def test_an_adapter_of_another_base_is_refused_and_the_next_request_works(
    desk_: Child, model: str, adapters: list[str]
) -> None:
    failed = desk_.failure(Answer(id=1, model=model, adapters=[adapters[2]], messages=ASK, sampling=SHORT))
    assert failed.reason == "adapter"
    assert columns(desk_.ask(Answer(id=2, model=model, adapters=[None], messages=ASK, sampling=SHORT)))


def test_a_request_ends_when_cancelled_and_so_does_one_that_waits(desk_: Child, endless: str) -> None:
    desk_.send(Answer(id=20, model=endless, adapters=[None], messages=ASK, sampling=ENDLESS_ANSWER))
    while not isinstance(desk_.reply(), desk.Piece):
        pass
    desk_.send(desk.Hardware(id=21), desk.Hardware(id=22), Cancel(id=21))
    while isinstance(reply := desk_.reply(), desk.Piece):
        pass
    assert reply == desk.Cancelled(id=21), "at once, while the other goes on"
    desk_.send(Cancel(id=20), Cancel(id=19))
    assert desk_.replies(20)[-1] == desk.Cancelled(id=20)
    assert isinstance(desk_.replies(22)[-1], desk.Done)


@pytest.mark.parametrize(
    "template", [ENDLESS, "{{ 'a' * 10**11 }}", "{{ 'a' * 99999999999 }}", "{{ 'a'|center(99999999999) }}"]
)
def test_a_hostile_template_is_ended(desk_: Child, model: str, rows: str, tmp_path: Path, template: str) -> None:
    path = tmp_path / "hostile.jinja"
    path.write_text(template)
    plain = Tokens(id=2, file=rows, row=0, model=model)
    desk_.result(plain)  # all is loaded, so that the time below is the template's
    before = processor_s(desk_.process.pid)
    failed = desk_.failure(Tokens(id=1, file=rows, row=0, model=model, chat_template=str(path)))
    assert failed.reason in ("data", "config")
    assert processor_s(desk_.process.pid) - before < 4
    assert desk_.result(plain).tokens


def test_the_process_ends_with_its_pipe_however_busy(model: str, rows: str, tmp_path: Path) -> None:
    template, long = tmp_path / "hostile.jinja", tmp_path / "long.jsonl"
    # So long a conversation may take minutes of the processor; a short one, laid out before it, half a second.
    template.write_text(CHATML + "{% if messages|length > 99 %}" + ENDLESS + "{% endif %}")
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Paris."}]
    long.write_text(json.dumps({"messages": turns * 2000}))
    with child(tmp_path) as busy:
        busy.result(Tokens(id=1, file=rows, row=0, model=model))
        before = processor_s(busy.process.pid)
        busy.send(Tokens(id=2, file=str(long), row=0, model=model, chat_template=str(template)))
        while processor_s(busy.process.pid) - before < 3:
            time.sleep(0.05)  # nothing is told of a template that is at work; only the time it takes shows it
        assert busy.process.stdin is not None
        busy.process.stdin.close()
        assert busy.process.wait(60) == 0
        assert busy.process.stdout is not None
        assert all(isinstance(desk.decode_reply(line), desk.Progress) for line in busy.process.stdout), "it was busy"


def test_the_demo_answers(desk_: Child) -> None:
    if not (paths.resources() / "demo" / "model" / "model.safetensors").is_file():
        pytest.skip("the built-in model is not there")
    found = columns(desk_.ask(Answer(id=1, model="demo", adapters=[None], messages=ASK, sampling=SHORT)))
    assert found[0].text


def test_sampling_starts_as_the_engines_own() -> None:
    ours, engines = desk.Sampling(), generate.Sampling()
    assert {name: getattr(engines, name) for name in desk.Sampling.__slots__} == {
        name: getattr(ours, name) for name in desk.Sampling.__slots__
    }


def test_peft_and_the_compiler_are_imported_only_by_a_request_that_needs_them(model: str) -> None:
    code = (
        "import sys; from studio.core import desk; from studio.engine.desk import ready\n"
        "work, quiet = ready(), lambda *_: None\n"
        "said = [desk.Message(role=role, content='Hi') for role in ('user', 'assistant')]\n"
        "for ask in (desk.Tokens(model=sys.argv[1], messages=said), desk.Model(model=sys.argv[1])):\n"
        "    work.do(ask, quiet, quiet, quiet)\n"
        "    print([name for name in ('peft', 'bitsandbytes', 'torch._inductor') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, model], cwd=root, env=os.environ, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "['peft', 'bitsandbytes', 'torch._inductor']"], done.stderr[-2000:]
