"""Learning which of two answers is better: TRL's losses, the base looked up once, nothing lost."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from studio import paths
from studio.core import events, library, runs
from studio.core.config import RunConfig, from_dict, to_dict
from studio.core.errors import StudioError
from studio.core.rowlog import read
from studio.core.runs import Run
from studio.engine import adapters, batches, model, objectives, planning, prefix, reference, session, step
from tests.engine.test_lora import assert_same, lively
from tests.models import CHATML, random_model
from tests.training import begin_anew, config, digest, losses, preferring, resume, trained, write_rows


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral"])
def test_two_answers_that_share_their_prompt_equal_them_apart(family: str, tmp_path: Path) -> None:
    still = {"attention_dropout": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    whole = preferring(tmp_path, rows=6)
    current = session.prepare(runs.create(whole, tmp_path / "run"), lambda event: None)
    tokens = current.corpus.train
    assert tokens.answers == 2
    made = lively(adapters.attach(random_model(family, **still), whole.adapter)).train()
    from studio.engine import attention

    assert attention.use(objectives.bare(made))
    base = torch.linspace(1, 2, len(tokens))
    found = []
    for shares in (True, False):
        passes = replace(current.choices, shares=shares, micro_batch_tokens=200).passes(tokens, [np.arange(6)])
        assert any(group.shared for groups in passes for group in groups) == shares
        made.zero_grad()
        rows: dict[int, torch.Tensor] = {}
        for groups in passes:
            batch = batches.collate(tokens, groups, "flat", 0)
            pairs = objectives.preference(objectives.language_modelling(made, batch), base[batch.rows], 0.1)
            pairs[:, 0].sum().backward()
            rows |= dict(zip(batch.rows[::2].tolist(), pairs.detach(), strict=True))
        numbers = torch.stack([rows[at] for at in sorted(rows)])
        found.append([numbers, *(p.grad.clone() for p in made.parameters() if p.grad is not None)])
    assert_same(found[0], found[1], 1e-5)


def looked_up_in() -> Path:
    return paths.cache_dir() / "reference"


def looked_up() -> NDArray[np.float32]:
    """Returns what the base makes of each training answer, as far as it is known."""
    files = sorted(looked_up_in().glob("*/losses.bin"), key=lambda file: file.stat().st_size)
    return np.fromfile(files[-1], np.float32)


def killed_at(run: Run, when: Callable[[events.Event], bool]) -> None:
    """Trains a run until an event after which it is asked to end."""

    def stop(event: events.Event) -> None:
        if when(event):
            run.ask(events.Stop(keep=False))

    resume(run, stop)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_run_that_goes_on_ends_bit_identical(tmp_path: Path, quantization: str) -> None:
    spec: dict[str, Any] = {
        "data": {"eval_split": 0.2},
        "model": {"quantization": quantization},
        "eval_steps": 4,
        "save_steps": 2,
    }
    whole = preferring(tmp_path, micro_batch_tokens=60, num_train_epochs=1, **spec)
    whole_run = trained(whole, tmp_path / "whole")
    shutil.rmtree(looked_up_in())
    scores = whole_run.progress().evaluations
    assert scores[-1].reward_accuracy is not None
    assert scores[-1].eval_loss < math.log(2)
    assert (scores[0].step, scores[0].reward_accuracy) == (0, None)
    assert scores[0].eval_loss == pytest.approx(math.log(2))
    (entry,) = library.entries()
    assert entry.metrics["eval_reward_accuracy"] == scores[-1].reward_accuracy
    # Each row's own loss; a pair of long answers is not hidden by its length.
    assert read(whole_run.path)["loss"][:4] == pytest.approx(math.log(2), rel=0.1)
    torn = runs.create(whole, tmp_path / "torn")
    # While the base is looked up, and behind a step.
    killed_at(torn, lambda event: isinstance(event, events.Phase) and event.name == "reference" and event.done == 1)
    assert not torn.progress().steps
    known = looked_up()
    assert 0 < np.isnan(known).sum() < len(known)
    killed_at(torn, lambda event: isinstance(event, events.Step) and event.step == 5)
    assert len(torn.progress().steps) == 5
    resume(torn)
    assert digest(torn) == digest(whole_run)
    assert np.array_equal(looked_up()[~np.isnan(known)], known[~np.isnan(known)])
    # Another run on the same rows finds all of it.
    again = trained(replace(whole, training=replace(whole.training, max_steps=1)), tmp_path / "again")
    assert len(list(looked_up_in().glob("*/losses.bin"))) == 2
    assert again.progress().steps[0].loss == whole_run.progress().steps[0].loss


@pytest.mark.parametrize("adapter", [{"bias": "all"}, {"modules_to_save": ["lm_head"]}, {"lora_dropout": 0.2}])
def test_what_the_base_makes_of_rows_is_the_same_when_it_is_lost(adapter: dict[str, Any], tmp_path: Path) -> None:
    whole = preferring(tmp_path, rows=16, family="qwen2", adapter=adapter, save_steps=2, num_train_epochs=1)
    whole_run = trained(whole, tmp_path / "whole")
    known = looked_up()
    torn = runs.create(whole, tmp_path / "torn")
    killed_at(torn, lambda event: isinstance(event, events.Step) and event.step == 3)
    shutil.rmtree(looked_up_in())
    resume(torn)
    assert np.array_equal(looked_up(), known)
    assert digest(torn) == digest(whole_run)
    assert losses(trained(whole, tmp_path / "another")) == losses(whole_run)


def test_a_run_that_is_to_end_while_the_base_is_looked_up_keeps_what_it_has(tmp_path: Path) -> None:
    whole = preferring(tmp_path, micro_batch_tokens=60, save_steps=2)
    run = runs.create(whole, tmp_path / "run")
    killed_at(run, lambda event: isinstance(event, events.Step) and event.step == 4)
    shutil.rmtree(looked_up_in())
    asked = False

    def stop(event: events.Event) -> None:
        nonlocal asked
        if isinstance(event, events.Phase) and event.name == "reference" and not asked:
            asked = True
            run.ask(events.Stop(keep=True))

    resume(run, stop)
    told = run.progress()
    assert told.finished is not None
    assert (told.finished.outcome, told.finished.step) == ("stopped", 4)
    assert np.isnan(looked_up()).any()


def test_a_run_is_paused_while_the_base_is_looked_up_and_does_the_rest_when_it_can(tmp_path: Path) -> None:
    whole = preferring(tmp_path, micro_batch_tokens=60, max_steps=4)
    slower = replace(whole, training=replace(whole.training, learning_rate=2e-4))
    same = losses(trained(slower, tmp_path / "same"))
    assert losses(trained(whole, tmp_path / "other")) != same
    shutil.rmtree(looked_up_in())
    run, told = runs.create(whole, tmp_path / "run"), list[tuple[str, str, int]]()

    def steer(event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.name == "reference":
            if not told:
                run.ask(events.SetLearningRate(learning_rate=2e-4))
                run.ask(events.Pause())
            told.append(("looked up", "", event.done))
        if isinstance(event, events.Obeyed):
            if event.command["kind"] == "pause":
                assert run.progress().state == "paused"
                assert np.isnan(looked_up()).any()
                run.ask(events.Continue())
            told.append(("obeyed", event.command["kind"], event.step))

    resume(run, steer)
    assert told[:3] == [("looked up", "", 1), ("obeyed", "pause", 0), ("obeyed", "continue", 0)]
    assert told[-1] == ("obeyed", "set_learning_rate", 0)
    assert {kind for kind, *_ in told[3:-1]} == {"looked up"}
    assert losses(run) == same


def test_what_is_asked_before_an_end_while_the_base_is_looked_up(tmp_path: Path) -> None:
    whole = preferring(tmp_path, micro_batch_tokens=60, save_steps=2, data={"eval_split": 0.2})
    run = runs.create(whole, tmp_path / "run")
    killed_at(run, lambda event: isinstance(event, events.Step) and event.step == 4)
    shutil.rmtree(looked_up_in())
    told, before = list[events.Event](), len(run.progress().evaluations)

    def steer(event: events.Event) -> None:
        if isinstance(event, events.Phase) and event.name == "reference" and not told:
            run.ask(events.Pause())
            told.append(event)
        if isinstance(event, events.Obeyed):
            told.append(event)
            if event.command["kind"] == "pause":
                for command in (events.Continue(), events.Evaluate(), events.Stop(keep=False)):
                    run.ask(command)
            if event.command["kind"] == "continue":
                assert run.progress().state == "preparing"

    resume(run, steer)
    obeyed = [(event.command["kind"], event.step) for event in told if isinstance(event, events.Obeyed)]
    assert obeyed == [("pause", 4), ("continue", 4), ("evaluate", 4), ("stop", 4)]
    # What the base makes of the rows is not known then.
    assert len(run.progress().evaluations) == before


def test_another_base_or_way_to_compute_has_numbers_of_its_own(tmp_path: Path) -> None:
    whole = preferring(tmp_path, rows=8)

    def place(config: RunConfig = whole, **changes: Any) -> Path:
        begin_anew()
        current = session.prepare(runs.create(config), lambda event: None)
        current.choices = replace(current.choices, **changes)
        return reference._folder(current, "train")

    same = place()
    assert place(replace(whole, training=replace(whole.training, per_device_train_batch_size=2))) == same
    assert place(replace(whole, adapter=replace(whole.adapter, r=8))) == same
    assert place(activations="recomputed") == same
    found = [
        same,
        place(chunked=False),
        place(shares=False),
        place(plain={"attention row by row": "said otherwise"}),
        place(replace(whole, model=replace(whole.model, dtype="bfloat16"))),
        place(replace(whole, model=replace(whole.model, quantization="nf4"))),
        place(replace(whole, data=replace(whole.data, chat_template="none"))),
    ]
    settings = Path(whole.model.path) / "config.json"
    settings.write_text(settings.read_text().replace('"rms_norm_eps": 1e-06', '"rms_norm_eps": 1e-03'))
    found.append(place())
    weights = Path(whole.model.path) / "model.safetensors"
    tensors = load_file(weights)
    tensors["model.norm.weight"] += 0.5
    save_file(tensors, weights, {"format": "pt"})
    found.append(place())
    assert len(set(found)) == len(found)


def test_runs_at_once_share_what_the_base_makes_of_rows(tmp_path: Path) -> None:
    one, two = (reference._opened(tmp_path / "a" / "b", 4) for _ in range(2))
    one[2] = 3.0
    assert two[2] == 3.0
    assert np.isnan(two[[0, 1, 3]]).all()
    assert len(reference._opened(tmp_path / "a" / "b", 5)) == 5


def test_a_disk_without_room_for_what_the_base_makes_of_rows_is_told(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(StudioError, match="The disk is full"):
            reference._opened(tmp_path / "a" / "c", 2600)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_base_that_gives_no_number_ends_the_run_in_words(tmp_path: Path) -> None:
    whole = preferring(tmp_path, rows=6)
    file = Path(whole.data.path)
    rows = file.read_text().splitlines()
    rows[4] = json.dumps({"prompt": "late order", "chosen": "numbers!", "rejected": "no"})
    file.write_text("\n".join(rows) + "\n")
    weights = Path(whole.model.path) / "model.safetensors"
    tensors = load_file(weights)
    (broken,) = model.load_tokenizer(Path(whole.model.path)).encode("!", add_special_tokens=False)
    tensors["model.embed_tokens.weight"][broken] = math.nan
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(StudioError, match="no finite loss for these rows, counted from 0: 4") as caught:
        trained(whole, tmp_path / "run")
    assert "float32" in caught.value.hint
    assert "train" in caught.value.detail


def test_what_the_base_makes_of_a_row_is_not_what_the_adapter_does(tmp_path: Path) -> None:
    whole = preferring(tmp_path, rows=8, max_steps=3)
    run = trained(whole, tmp_path / "run")
    current = session.prepare(run, lambda event: None)
    with torch.no_grad():
        batch = step.collated(
            current, current.corpus.train, current.choices.passes(current.corpus.train, [np.arange(1)])[0]
        )
        base = step.sequence_losses(current, current.bare.eval(), batch)
        known = looked_up()
        np.testing.assert_allclose(base.numpy(), known[batch.rows], rtol=1e-5)
        session.load_weights(current, run.path / "checkpoints" / "step-000003")
        assert not np.allclose(step.sequence_losses(current, current.bare, batch).numpy(), known[batch.rows], rtol=1e-4)


def test_rows_that_cannot_be_preferred_are_listed(tmp_path: Path) -> None:
    rows = [
        {"prompt": "What?", "chosen": "This.", "rejected": "That."},
        {"prompt": "What?", "chosen": "Same.", "rejected": "Same."},
        {"prompt": "late " * 400, "chosen": "This.", "rejected": "That."},
        {"prompt": "order " * 5, "chosen": "box " * 300 + "a", "rejected": "box " * 300 + "b"},
        {"prompt": "What?", "chosen": "Yes.", "rejected": "Yes. "},
    ]
    template = tmp_path / "trims.jinja"
    template.write_text(CHATML.replace("message['content']", "message['content'] | trim"))
    whole = preferring(tmp_path, data={"chat_template": str(template)}, max_steps=1)
    Path(whole.data.path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = trained(whole, tmp_path / "run")
    listed = [json.loads(line) for line in (run.path / "rejected.jsonl").read_text().splitlines()]
    assert {item["row"]: item["reason"][:40] for item in listed} == {
        1: "`chosen` and `rejected` are the same",
        2: "the 1614 tokens before the answer fill t",
        3: "its answers are the same up to the maxim",
        4: "its answers are made into the same token",
    }
    prepared = run.progress().prepared
    assert prepared is not None
    assert prepared.rows == 1


@pytest.mark.parametrize(
    ("section", "change", "said"),
    [
        ("data", {"long_text": "chunks"}, "data.long_text: with `dpo` no answer is made"),
        ("data", {"packing": True}, "data.packing: with `dpo` rows are compared one by one"),
        ("adapter", {"method": "full"}, "adapter.method: with `dpo` the base stays"),
        ("training", {"beta": 0.0}, "greater than 0"),
    ],
)
def test_what_does_not_go_with_it_is_refused(section: str, change: dict[str, Any], said: str, tmp_path: Path) -> None:
    plain = to_dict(preferring(tmp_path))
    plain[section] |= change
    with pytest.raises(ValueError, match=said):
        from_dict(plain)


def test_a_run_that_has_the_usual_beta_written_down_is_the_one_that_leaves_it_out(tmp_path: Path) -> None:
    written, left = (
        trained(preferring(tmp_path, rows=12, beta=beta, num_train_epochs=1), tmp_path / str(beta))
        for beta in (0.1, None)
    )
    assert digest(written) == digest(left)


@pytest.mark.parametrize(("objective", "method"), [("orpo", "full"), ("orpo", "lora"), ("simpo", "full")])
def test_what_has_no_reference_looks_none_up_and_can_train_every_weight(
    objective: str, method: str, tmp_path: Path
) -> None:
    spec: dict[str, Any] = {"objective": objective, "data": {"eval_split": 0.2}, "eval_steps": 4, "beta": None}
    whole = preferring(tmp_path, num_train_epochs=1, adapter={"method": method, "lora_dropout": 0.0}, **spec)
    told = list[str]()
    run = runs.create(whole, tmp_path / "run")
    resume(run, lambda event: told.append(event.name) if isinstance(event, events.Phase) else None)
    assert "training" in told
    assert "reference" not in told
    assert not looked_up_in().exists()
    progress, log = run.progress(), read(run.path)
    assert progress.evaluations[-1].reward_accuracy is not None
    assert progress.evaluations[-1].eval_loss < progress.evaluations[0].eval_loss
    # A step's loss is the mean of its rows', however long they are.
    for number in (1, 5):
        assert log["loss"][log["step"] == number].mean() == pytest.approx(progress.steps[number - 1].loss, rel=1e-5)


@pytest.mark.parametrize("objective", ["orpo", "simpo"])
def test_with_every_weight_trained_a_run_that_goes_on_ends_bit_identical(objective: str, tmp_path: Path) -> None:
    spec: dict[str, Any] = {"data": {"eval_split": 0.2}, "eval_steps": 4, "save_steps": 2, "num_train_epochs": 1}
    whole = preferring(tmp_path, adapter={"method": "full"}, objective=objective, **spec)
    whole_run, torn = trained(whole, tmp_path / "whole"), runs.create(whole, tmp_path / "torn")
    killed_at(torn, lambda event: isinstance(event, events.Step) and event.step == 5)
    resume(torn)
    assert torn.progress().resumed[-1].step == 5
    assert losses(torn) == losses(whole_run)
    results = [run.progress().finished for run in (whole_run, torn)]
    weights = [
        (run.path / result.path / "model.safetensors").read_bytes()
        for run, result in zip((whole_run, torn), results, strict=True)
        if result is not None
    ]
    assert len(weights) == 2
    assert weights[0] == weights[1]


@pytest.mark.parametrize("objective", ["ipo", "orpo", "simpo"])
def test_how_rows_are_divided_into_passes_changes_no_loss(objective: str, tmp_path: Path) -> None:
    spec: dict[str, Any] = {"rows": 16, "objective": objective, "num_train_epochs": 1, "learning_rate": 1e-3}
    found = [
        losses(trained(preferring(tmp_path, micro_batch_tokens=tokens, **spec), tmp_path / f"run-{tokens}"))
        for tokens in (40, 4000)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_answers_alone_are_not_preferred(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="these have none"):
        trained(config(tmp_path, objective="dpo"), tmp_path / "run")


def test_prompts_are_shared_but_for_the_token_before_the_answers(tmp_path: Path) -> None:
    tokens = session.prepare(
        runs.create(preferring(tmp_path, rows=4), tmp_path / "run"), lambda event: None
    ).corpus.train
    for at in range(0, len(tokens), 2):
        ids, learned = tokens[at]
        shared = prefix.common(tokens, [at, at + 1])
        assert shared == int(learned.argmax()) - 1
        assert ids[:shared].tolist() == tokens[at + 1][0][:shared].tolist()


def test_evaluation_rows_with_one_answer_are_said_to_be_those(tmp_path: Path) -> None:
    whole = preferring(tmp_path, data={"eval_path": str(write_rows(tmp_path / "eval.jsonl", 4))})
    with pytest.raises(StudioError, match=r"data\.eval_path: `dpo` learns from rows") as caught:
        trained(whole, tmp_path / "run")
    assert "of the kind that is trained on" in caught.value.hint


def test_the_time_a_run_takes_counts_the_base(tmp_path: Path) -> None:
    whole = preferring(tmp_path, num_train_epochs=1)
    run = runs.create(whole)
    for number in range(1, 5):
        run.emit(events.Step(step=number, epoch=0.1, loss=1.0, learning_rate=1e-3, grad_norm=1.0, tokens=9,
                             trained_tokens=4, step_s=0.1, tokens_per_s=100.0, memory_bytes=1, eta_s=3.0))  # fmt: skip
    planned = planning.plan(whole, lambda event: None)
    assert planned["seconds"] == math.ceil(1.5 * planned["tokens_per_epoch"] / 100)
