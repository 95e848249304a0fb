"""What a run shows is said by its figures, and nothing where they are too few."""

from dataclasses import replace
from typing import Any

import pytest

from studio.core import events
from studio.core.config import AdapterSpec, DataSpec, RunConfig, TrainingSpec
from studio.core.explained import Finding, findings
from studio.core.progress import Progress
from tests.ui.told import evaluated, finished, prepared, step

STEPS = 200
FALLING = [3.0 * 0.99**at + 0.5 for at in range(STEPS)]


def run(
    losses: list[float],
    evaluations: dict[int, float] | None = None,
    ended: bool = True,
    norms: dict[int, float] | None = None,
    right: float | None = None,
    **about: Any,
) -> Progress:
    told = Progress()
    told.apply(replace(prepared(len(losses)), **{"steps_per_epoch": 100, **about}))
    for at, loss in (evaluations or {}).items():
        if at == 0:
            told.apply(evaluated(0, loss, False))
    for at, loss in enumerate(losses, start=1):
        told.apply(replace(step(at, loss), grad_norm=(norms or {}).get(at, 1.0), reward_accuracy=right))
        if at in (evaluations or {}):
            told.apply(evaluated(at, (evaluations or {})[at], False))
    if ended:
        told.apply(finished(len(losses)))
    return told


def config(**training: Any) -> RunConfig:
    return RunConfig(data=DataSpec(path="-", eval_split=0.05), training=TrainingSpec(**training))


def shown(told: Progress, **training: Any) -> list[Finding]:
    return findings(told, config(**training))


def said(found: list[Finding], words: str) -> Finding:
    (one,) = [finding for finding in found if words in finding.message]
    return one


def test_a_sound_run_shows_what_it_gained_and_nothing_else() -> None:
    (one,) = shown(run(FALLING, {0: 3.4, 100: 1.9, 150: 1.2, 200: 1.195}))
    assert (one.tone, one.settings, one.hint) == ("good", {}, "")
    assert "from 3.400 before training to 1.195 at step 200" in one.message


def test_learning_by_heart_is_seen_where_the_losses_part() -> None:
    told = run(FALLING, {0: 3.4, 50: 2.0, 100: 1.5, 150: 1.8, 200: 2.2})
    one = said(shown(told), "by heart")
    assert (one.tone, one.settings) == ("bad", {"training.num_train_epochs": 1.0})
    assert "From step 100 on the loss on the rows held back rose from 1.500 to 2.200" in one.message
    kept = replace(finished(STEPS), result_step=100)
    told.apply(kept)
    one = said(shown(told), "by heart")
    assert one.tone == "warn"
    assert one.hint.startswith("The result has the weights of step 100.")
    assert said(shown(told, max_steps=200), "by heart").settings == {"training.max_steps": 100}
    # Both rise: that is another matter.
    rising = FALLING[:100] + [2.0 + at / 20 for at in range(100)]
    found = shown(run(rising, {50: 2.0, 100: 1.5, 150: 1.8, 200: 2.2}))
    assert not [finding for finding in found if "by heart" in finding.message]
    assert said(found, "trained on rose from").settings == {"training.learning_rate": 6.7e-05}


def test_one_that_gets_no_better_than_its_base_says_so() -> None:
    one = said(shown(run(FALLING, {0: 2.0, 100: 2.4, 200: 1.999})), "hardly below")
    assert one.tone == "bad"


def test_one_that_ended_too_early_is_to_go_on() -> None:
    told = run(FALLING, {50: 2.0, 100: 1.6, 150: 1.3, 200: 1.0})
    assert said(shown(told), "still falling").settings == {"training.num_train_epochs": 6.0}
    assert said(shown(told, max_steps=200), "still falling").settings == {"training.max_steps": 400}
    assert not shown(run(FALLING, {50: 2.0, 100: 1.6, 150: 1.3, 200: 1.0}, ended=False))
    short = shown(run(FALLING[:10]), per_device_train_batch_size=8)
    assert said(short, "10 steps only").settings == {"training.per_device_train_batch_size": 4}


def test_a_loss_that_hardly_changes_asks_for_a_higher_rate() -> None:
    noisy = [2.0 + (at % 7) / 50 for at in range(STEPS)]
    one = said(shown(run(noisy), learning_rate=1e-6), "hardly changed")
    assert (one.tone, one.settings) == ("bad", {"training.learning_rate": 3e-6})
    assert not [finding for finding in shown(run(noisy)) if "rose" in finding.message], "that is noise"
    config = RunConfig(data=DataSpec(path="-"), adapter=AdapterSpec(method="ia3"))
    slow = said(findings(run(noisy), config), "hardly changed")
    assert (slow.hint, slow.settings) == (
        "IA3 learns at larger rates than LoRA, such as 0.005.",
        {"training.learning_rate": 5e-3},
    )


def test_leaps_of_the_gradient_lead_to_their_rows() -> None:
    leaps = {80: 30.0, 120: 40.0, 160: 50.0}
    one = said(shown(run(FALLING, norms=leaps)), "times as large")
    assert one.step == 80
    assert "In 3 of 200 steps" in one.message
    few = dict(list(leaps.items())[:2])
    assert not [finding for finding in shown(run(FALLING, norms=few)) if "gradient" in finding.message]
    # At the start it is larger anyway, and where nothing is left to learn all of it is small.
    early = dict.fromkeys(range(1, 10), 30.0)
    assert not [finding for finding in shown(run(FALLING, norms=early)) if "gradient" in finding.message]
    small = {at: 0.9 if at % 40 == 0 else 0.01 for at in range(1, STEPS + 1)}
    assert not [finding for finding in shown(run(FALLING, norms=small)) if "gradient" in finding.message]


@pytest.mark.parametrize(("right", "words", "tone"), [(0.5, "chance", "bad"), (1.0, "pushes answers apart", "warn")])
def test_preferences_are_judged_by_their_rewards(right: float, words: str, tone: str) -> None:
    assert said(shown(run(FALLING, right=right), objective="dpo", learning_rate=1e-5), words).tone == tone
    assert not [one for one in shown(run(FALLING, right=0.8), objective="dpo") if "rewards" in one.message]


def test_what_the_rows_lack_is_said() -> None:
    about: dict[str, Any] = {"eval_rows": 0, "truncated_rows": 100, "rejected_rows": 30, "trained_tokens_per_epoch": 90}
    found = shown(run(FALLING, **about, activations="recomputed"))
    assert said(found, "No rows were held back").settings == {"data.eval_split": 0.05}
    assert said(found, "100 were cut at 1,024").settings == {"data.max_length": 2048}
    assert said(found, "30 were not used").tone == "warn"
    assert "1.0%" in said(found, "are learned; the others").message
    assert said(found, "Activations did not fit")
    few = said(shown(run(FALLING, eval_rows=5, rows=95)), "5 were held back")
    assert few.settings == {"data.eval_split": 0.4}


def test_too_few_steps_show_nothing_and_the_worst_comes_first() -> None:
    assert shown(run(FALLING[:15], ended=False)) == []
    assert findings(Progress(), config()) == []
    tones = [finding.tone for finding in shown(run([2.0] * STEPS, {0: 3.0, 200: 2.0}, eval_rows=5))]
    assert tones == sorted(tones, key=["bad", "warn", "good"].index)
    assert len(set(tones)) == 3
    broken = Progress()
    broken.apply(events.Failed(reason="memory", message="x", hint="y"))
    assert findings(broken, config()) == []
