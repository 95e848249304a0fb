"""A run's answers to the user's prompts: those of its weights at that step, and nothing else is changed by them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationMixin

from studio.core import events, library, runs
from studio.core.asking import Message
from studio.core.config import RunConfig
from studio.core.runs import Run
from studio.engine import checkpoint, generate
from studio.engine.adapters import load_adapter
from studio.engine.generate import Sampling
from studio.engine.model import load_base, load_tokenizer
from studio.engine.pace import Pace
from tests.training import config, digest, losses, preferring, resume, trained

PROMPTS = ["order late box", "What is the capital of France?"]
ASKED: dict[str, Any] = {"sample_prompts": PROMPTS, "sample_max_new_tokens": 12, "eval_steps": 4, "save_steps": 4}


def asking(whole: RunConfig) -> RunConfig:
    return replace(whole, training=replace(whole.training, **ASKED))


def expected(run: Run, step: int) -> list[str]:
    """Returns what the base, or the adapter of a step's checkpoint, answers when it is loaded anew."""
    folder = Path(run.config().model.path)
    model: Any = load_base(folder, run.config().model, torch.device("cpu"))
    if step:
        model = load_adapter(model, run.path / "checkpoints" / checkpoint.name(step) / "adapter")
    encoder = generate.encoder_for(load_tokenizer(folder))
    return [
        generate.answer(model, encoder, [{"role": "user", "content": prompt}], Sampling(max_new_tokens=12))
        for prompt in PROMPTS
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"data": {"eval_split": 0.2}},
        {"model": {"quantization": "nf4"}, "adapter": {"lora_dropout": 0.0}},
        {"family": "gpt2", "activation_checkpointing": True},
    ],
    ids=["evaluated", "nf4", "recomputed"],
)
def test_answers_are_those_of_the_weights_of_their_step_and_change_nothing(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    plain = config(tmp_path, rows=20, **{"eval_steps": 4, "save_steps": 4, "save_total_limit": 9} | settings)
    run = trained(asking(plain), tmp_path / "asked")
    answered = run.progress().answered
    last = run.progress().step
    assert [item.step for item in answered] == [0, *range(4, last, 4), last]
    for item in answered:
        assert item.answers == expected(run, item.step)
        assert item.faults == {}
    assert answered[0].answers != answered[-1].answers
    without = trained(plain, tmp_path / "without")
    assert digest(run) == digest(without)
    assert losses(run) == losses(without)
    assert without.progress().answered == []


def test_a_run_that_is_ended_and_goes_on_answers_as_one_that_was_not(tmp_path: Path) -> None:
    whole = asking(config(tmp_path, rows=24))
    reference = trained(whole, tmp_path / "reference")
    run = runs.create(whole, tmp_path / "run")

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 6:
            run.ask(events.Stop(keep=False))

    resume(run, stop)
    told = [item.step for item in run.progress().answered]
    assert told == [0, 4]
    resume(run)
    assert digest(run) == digest(reference)
    assert [(item.step, item.answers) for item in run.progress().answered] == [
        (item.step, item.answers) for item in reference.progress().answered
    ]


def test_a_preference_run_answers_too(tmp_path: Path) -> None:
    run = trained(asking(preferring(tmp_path, rows=12)), tmp_path / "run")
    assert len(run.progress().answered) > 1
    assert all(len(item.answers) == 2 for item in run.progress().answered)


def test_asked_to_evaluate_it_answers_at_once(tmp_path: Path) -> None:
    run = runs.create(asking(config(tmp_path, rows=24)), tmp_path / "run")

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 2:
            run.ask(events.Evaluate())

    resume(run, ask)
    assert 2 in [item.step for item in run.progress().answered]


def test_what_cannot_be_answered_is_told_and_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = " ".join(["order"] * 3000)
    whole = asking(config(tmp_path, rows=24, num_train_epochs=1))
    whole = replace(whole, training=replace(whole.training, sample_prompts=[long[:10_000], PROMPTS[0]]))
    run = trained(whole, tmp_path / "run")
    for item in run.progress().answered:
        assert list(item.faults) == [0]
        assert "tokens, but this model reads at most" in item.faults[0]
        assert item.answers[0] == ""
    assert run.progress().answered[0].answers[1] != ""

    def exhausted(*_: Any, **__: Any) -> str:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(GenerationMixin, "generate", exhausted)
    run = trained(whole, tmp_path / "short")
    assert run.progress().complete
    assert [list(item.faults) for item in run.progress().answered] == [[0, 1]] * len(run.progress().answered)
    assert run.progress().answered[0].faults[1] == "Memory ran out."

    def broken(*_: Any, **__: Any) -> str:
        raise RuntimeError("Expected all tensors to be friends.")

    monkeypatch.setattr(GenerationMixin, "generate", broken)
    run = trained(whole, tmp_path / "odd")
    assert run.progress().complete
    assert run.progress().answered[0].faults[1] == "RuntimeError: Expected all tensors to be friends."


def test_a_run_that_is_to_end_waits_for_no_answer(tmp_path: Path) -> None:
    whole = asking(config(tmp_path, rows=24))
    run = runs.create(whole, tmp_path / "run")

    def stop(event: events.Event) -> None:
        second = isinstance(event, events.Phase) and event.name == "answering" and event.done == 1
        if second and run.progress().step == 4:
            run.ask(events.Stop())

    resume(run, stop)
    progress = run.progress()
    assert (progress.step, [item.step for item in progress.answered]) == (4, [0])
    assert progress.finished is not None
    assert progress.finished.outcome == "stopped"
    resume(run)
    reference = trained(whole, tmp_path / "reference")
    assert digest(run) == digest(reference)
    assert [(item.step, item.answers) for item in run.progress().answered] == [
        (item.step, item.answers) for item in reference.progress().answered
    ], "what was broken off is caught up with"


def test_answers_come_behind_the_checkpoint_of_their_step(tmp_path: Path) -> None:
    run = trained(asking(config(tmp_path, rows=24)), tmp_path / "run")
    told = [(event.kind, event.step) for event in run.follow() if isinstance(event, events.Saved | events.Answered)]
    for step in (4, 8, 12):
        assert told.index(("saved", step)) < told.index(("answered", step))


def test_the_same_weights_are_not_asked_twice(tmp_path: Path) -> None:
    run = runs.create(asking(config(tmp_path, rows=24)), tmp_path / "run")

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Answered) and event.step == 4:
            run.ask(events.Evaluate())

    resume(run, ask)
    told = [event.step for event in run.follow() if isinstance(event, events.Answered)]
    assert told == sorted(set(told))


def test_a_stop_while_it_evaluates_at_once_ends_it_at_that_step(tmp_path: Path) -> None:
    run = runs.create(asking(config(tmp_path, rows=24)), tmp_path / "run")

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 5:
            run.ask(events.Evaluate())
        if isinstance(event, events.Phase) and event.name == "answering" and run.progress().step == 5:
            run.ask(events.Stop())

    resume(run, ask)
    assert run.progress().step == 5
    assert [item.command["kind"] for item in run.progress().obeyed] == ["evaluate", "stop"]


def test_the_prompts_are_asked_as_the_adapter_will_be(tmp_path: Path) -> None:
    file = tmp_path / "alpaca.jsonl"
    rows = [{"instruction": f"order {number}", "output": "open box late"} for number in range(16)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    whole = asking(config(tmp_path, data={"chat_template": "none"}, num_train_epochs=4))
    run = trained(replace(whole, data=replace(whole.data, path=str(file))), tmp_path / "run")
    entry = library.entries()[0]
    folder = Path(whole.model.path)
    adapted = load_adapter(load_base(folder, whole.model, torch.device("cpu")), entry.folder)
    encoder = generate.encoder_for(load_tokenizer(folder), entry)
    last = run.progress().answered[-1]
    finished = run.progress().finished
    assert finished is not None
    assert last.step == finished.result_step
    assert last.answers == [
        generate.answer(adapted, encoder, [{"role": "user", "content": prompt}], Sampling(max_new_tokens=12))
        for prompt in PROMPTS
    ]


def test_the_time_left_counts_the_answers() -> None:
    pace = Pace(0, answers_s=5.0)
    pace.add(1.0, 10)
    assert pace.left_s(10, 40, eval_steps=10, save_steps=100) == pytest.approx(30 + 4 * 5)


def question(*said: str, tokens: int = 0) -> events.Question:
    messages = [Message(role="assistant" if at % 2 else "user", content=text) for at, text in enumerate(said)]
    return events.Question(messages=messages, max_new_tokens=tokens)


def test_what_it_is_asked_it_answers_with_the_weights_of_that_step_and_nothing_else_changes(tmp_path: Path) -> None:
    plain = config(
        tmp_path, rows=24, eval_steps=4, save_steps=2, save_total_limit=9, sample_max_new_tokens=12,
        adapter={"lora_dropout": 0.1},
    )  # fmt: skip
    run = runs.create(plain, tmp_path / "run")
    talk = (PROMPTS[1], "a", PROMPTS[0])

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Prepared):
            run.ask(question(PROMPTS[0]))
        if isinstance(event, events.Step) and event.step == 4:
            # Asked while it is paused, and only then let go on.
            run.ask(events.Pause())
            run.ask(question(PROMPTS[1]))
            run.ask(question(*talk, tokens=3))
        if isinstance(event, events.Replied) and event.turn == 2:
            run.ask(events.Continue())

    resume(run, ask)
    told = run.progress().replied
    assert [item.step for item in told] == [0, 4, 4]
    assert [item.fault for item in told] == [""] * 3
    assert told[0].answer == expected(run, 0)[0]
    assert told[1].answer == expected(run, 4)[1]
    assert told[0].answer != expected(run, 4)[0]
    folder = Path(plain.model.path)
    model = load_adapter(
        load_base(folder, plain.model, torch.device("cpu")), run.path / "checkpoints" / checkpoint.name(4) / "adapter"
    )
    said = [{"role": message.role, "content": message.content} for message in question(*talk).messages]
    encoder = generate.encoder_for(load_tokenizer(folder))
    assert told[2].answer == generate.answer(model, encoder, said, Sampling(max_new_tokens=3))
    assert [item.command["kind"] for item in run.progress().obeyed] == ["pause", "continue"]
    assert digest(run) == digest(trained(plain, tmp_path / "without"))


def test_a_question_that_cannot_be_answered_is_told_so_and_ends_no_run(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, rows=24), tmp_path / "run")

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 2:
            run.ask(question(" ".join(["order"] * 3000)))
        if isinstance(event, events.Replied) and event.step == 2:
            run.ask(question(PROMPTS[0], tokens=8192))
        if isinstance(event, events.Phase) and event.name == "answering" and run.progress().replied:
            run.ask(events.Stop())

    resume(run, ask)
    told = run.progress().replied
    assert [(item.step, item.answer) for item in told] == [(2, ""), (3, "")]
    assert "tokens, but this model reads at most" in told[0].fault
    assert told[1].fault == "The run was to end before it had answered."
    assert run.progress().finished is not None


def test_a_question_asked_beside_a_stop_is_not_waited_for(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, rows=24), tmp_path / "run")
    asked = [question(PROMPTS[0], tokens=8192), question(PROMPTS[1], tokens=8192)]

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 2:
            for command in (asked[0], events.Stop(), asked[1]):
                run.ask(command)

    resume(run, ask)
    told = run.progress().replied
    assert [(item.id, item.answer) for item in told] == [(asked[0].id, ""), (asked[1].id, "")]
    assert run.progress().finished is not None
