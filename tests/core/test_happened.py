"""What a run told besides its numbers, in sentences."""

from dataclasses import replace

from studio.core import events, happened
from studio.core.progress import folded
from tests.ui.told import finished, prepared, step


def test_what_happened_is_told_in_order_and_what_each_attempt_says_anew_once() -> None:
    notice = events.Notice(message="Batches are padded.")
    refused = "step-3 is damaged: adapter/adapter_model.safetensors has changed."
    resumed = events.Resumed(step=2, checkpoint="checkpoints/step-000002", refused=[refused])
    rate = events.Obeyed(step=2, command={"kind": "set_learning_rate", "learning_rate": 5e-5})
    unknown = events.Obeyed(step=2, command={"kind": "of a later version"})
    failed = events.Failed(reason="disk", message="The disk is full.", hint="h")
    told = folded(
        [notice, step(1, 1.0), step(2, 1.0), step(3, 1.0), failed, notice, resumed, rate, unknown, step(3, 1.0)]
    )
    assert [(line.step, line.text) for line in happened.lines(told)] == [
        (0, "Batches are padded."),
        (0, "The disk is full."),
        (2, refused),
        (2, "It went on behind step 2."),
        (2, "The peak learning rate was set to 5e-05."),
        (2, "It was asked for something that this version does not know."),
    ]
    told.apply(finished(3))
    assert happened.lines(told)[-1].text == "It was completed."
    assert [line.time_s for line in happened.lines(told)][1] == failed.time_s


def test_every_command_and_end_has_a_sentence_of_its_own() -> None:
    commands = ({"kind": kind} for kind in ("stop", "pause", "continue", "save", "evaluate", "save_memory"))
    ends = (replace(finished(1), outcome=outcome) for outcome in ("completed", "stopped", "early_stopped"))
    told = folded([*(events.Obeyed(step=1, command=command) for command in commands), *ends])
    texts = {line.text for line in happened.lines(told)}
    assert len(texts) == 9
    assert not any("does not know" in text for text in texts)


def test_rows_that_are_not_used_are_counted_by_why() -> None:
    plain = prepared(4)
    assert happened.counts(plain) == ["Rows that are trained on: 800, and evaluated: 40."]
    some = replace(plain, eval_rows=0, rejected_rows=1200, untrained_rows=2, truncated_rows=3)
    assert happened.counts(some) == [
        "Rows that are trained on: 800.",
        "Rows that cannot be read: 1,200.",
        "Rows with nothing to learn from: 2.",
        "They are listed in rejected.jsonl in the run folder.",
        "Rows cut at the maximum length: 3.",
    ]


def test_a_question_is_among_what_happened() -> None:
    told = folded([step(1, 1.0), events.Replied(step=1, question="Who\nare you? " + "x" * 99, answer="me")])
    (line,) = happened.lines(told)
    assert (line.step, line.text) == (1, "It was asked: Who are you? " + "x" * 67)
