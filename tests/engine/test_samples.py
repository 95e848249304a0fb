"""A run's answers to the user's prompts: those of its weights at that step, and nothing else is changed by them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationMixin

from studio.core import events, runs
from studio.core.config import RunConfig
from studio.core.runs import Run
from studio.engine import checkpoint, generate
from studio.engine.adapters import load_adapter
from studio.engine.generate import Sampling
from studio.engine.model import load_base, load_tokenizer
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
    whole = asking(config(tmp_path))
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
    run = runs.create(asking(config(tmp_path)), tmp_path / "run")

    def ask(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 2:
            run.ask(events.Evaluate())

    resume(run, ask)
    assert 2 in [item.step for item in run.progress().answered]


def test_what_cannot_be_answered_is_told_and_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = " ".join(["order"] * 3000)
    whole = asking(config(tmp_path, num_train_epochs=1))
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


def test_a_run_that_is_to_end_waits_for_no_answer(tmp_path: Path) -> None:
    whole = asking(config(tmp_path))
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
