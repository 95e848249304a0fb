"""What helps a run that failed: what it is asked for before it is resumed, or what is set otherwise in a new one."""

from dataclasses import replace
from typing import Any

import pytest

from studio.core import events, recovery
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig
from studio.core.progress import Progress, folded
from tests.ui.told import prepared, step

FULL = events.Failed(reason="memory", message="Memory ran out.", hint="Set it smaller.")
CONFIG = RunConfig(data=DataSpec(path="-", max_length=512))


def begun(phase: events.PhaseName = "training", **told: Any) -> Progress:
    planned = replace(prepared(9), **({"micro_batch_tokens": 2048, "tokens_per_epoch": 9 * 4096} | told))
    return folded([events.Phase(name="loading"), planned, step(1, 1.0), events.Phase(name=phase)])


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({}, events.SaveMemory(micro_batch_tokens=1024)),
        # A step of fewer tokens is one pass.
        ({"tokens_per_epoch": 9 * 1500}, events.SaveMemory(micro_batch_tokens=750)),
        # Passes of fewer tokens than a row are no smaller.
        ({"micro_batch_tokens": 1000}, events.SaveMemory(activation_checkpointing=True)),
        ({"batching": "padded"}, events.SaveMemory(activation_checkpointing=True)),
        ({"micro_batch_tokens": 1000, "activations": "recomputed"}, events.SaveMemory(micro_batch_tokens=500)),
    ],
)
def test_memory_that_runs_out_within_a_run_is_saved_in_it(told: dict[str, Any], asked: events.SaveMemory) -> None:
    for phase in ("training", "evaluating", "reference"):
        assert recovery.of(FULL, begun(phase, **told), CONFIG) == recovery.Recovery(True, asked)
    hint = recovery.hint(FULL, begun(**told), CONFIG)
    assert hint.startswith("Resume with")
    assert "last bits" in hint
    way = (
        f"--micro-batch-tokens {asked.micro_batch_tokens}" if asked.micro_batch_tokens else "--activation-checkpointing"
    )
    assert recovery.words(asked, "mine") == f"studio runs resume mine {way}"


def test_a_run_that_saves_all_it_can_needs_a_smaller_base() -> None:
    told = begun(micro_batch_tokens=100, activations="recomputed")
    assert recovery.of(FULL, told, CONFIG) == recovery.Recovery(False, settings={"model.quantization": "nf4"})
    assert recovery.hint(FULL, told, CONFIG) == FULL.hint


def test_a_model_that_does_not_fit_is_to_be_another() -> None:
    loading = folded([events.Phase(name="tokenizing"), events.Phase(name="loading")])
    assert recovery.of(FULL, loading, CONFIG) == recovery.Recovery(False, settings={"model.quantization": "nf4"})
    for other in (
        replace(CONFIG, model=ModelSpec(quantization="nf4")),
        replace(CONFIG, adapter=AdapterSpec(method="full")),
    ):
        assert recovery.of(FULL, loading, other) == recovery.Recovery(False)
    # It was loaded before: something else takes the memory now.
    assert recovery.of(FULL, begun("loading"), CONFIG) == recovery.Recovery(True)


def test_a_run_that_diverged_goes_on_at_a_lower_rate() -> None:
    diverged = replace(FULL, reason="diverged")
    rate = CONFIG.training.learning_rate
    found = recovery.of(diverged, begun(), CONFIG)
    assert found == recovery.Recovery(True, events.SetLearningRate(learning_rate=rate / 2))
    told = begun()
    told.apply(events.Obeyed(step=1, command={"kind": "set_learning_rate", "learning_rate": 1e-5}))
    told.apply(step(2, 1.0))
    command = recovery.of(diverged, told, CONFIG).command
    assert command == events.SetLearningRate(learning_rate=5e-6)
    assert recovery.words(command, "mine") == "studio runs resume mine --learning-rate 5e-06"
    # One that failed in the same step once more needs far less.
    told.apply(events.Obeyed(step=told.step, command={"kind": "set_learning_rate", "learning_rate": 5e-6}))
    far = replace(CONFIG, training=replace(CONFIG.training, learning_rate=10.0))
    assert recovery.of(diverged, begun(), far).command == events.SetLearningRate(learning_rate=1.0)
    again = recovery.of(diverged, told, CONFIG).command
    assert isinstance(again, events.SetLearningRate)
    assert again.learning_rate == pytest.approx(5e-7)
    told.apply(events.Obeyed(step=told.step, command={"kind": "set_learning_rate", "learning_rate": 1e-3}))
    assert recovery.of(diverged, told, CONFIG).command == events.SetLearningRate(learning_rate=5e-4)
    assert recovery.hint(diverged, told, CONFIG) == FULL.hint


def test_one_that_was_killed_may_need_less_memory() -> None:
    killed = replace(FULL, reason="run", killed=True)
    assert recovery.of(killed, begun(), CONFIG) == recovery.Recovery(True)
    assert recovery.spares(killed, begun(), CONFIG) == events.SaveMemory(micro_batch_tokens=1024)
    assert recovery.spares(killed, begun("loading"), CONFIG) is None
    assert recovery.spares(replace(killed, killed=False), begun(), CONFIG) is None


def test_memory_that_runs_out_beside_the_passes_is_not_theirs() -> None:
    for phase in ("saving", "finishing"):
        assert recovery.of(FULL, begun(phase), CONFIG) == recovery.Recovery(True)
    # What looks for directions of a weight computes no pass, what looks for those of inputs does.
    for spec, passes in ((AdapterSpec(init_lora_weights="pissa"), False), (AdapterSpec(init_lora_weights="eva"), True)):
        whole = replace(CONFIG, adapter=spec)
        assert (recovery.of(FULL, begun("initialising"), whole).command is not None) == passes


@pytest.mark.parametrize(("reason", "resumes"), [("disk", True), ("run", True), ("crash", True), ("data", False)])
def test_what_settings_do_not_help_is_resumed(reason: Any, resumes: bool) -> None:
    assert recovery.of(replace(FULL, reason=reason), begun(), CONFIG) == recovery.Recovery(resumes)
