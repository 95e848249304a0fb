"""The part of the tour that trains: a run from start to end, runs that failed, runs laid over each other."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from studio.core.runs import Run
    from studio.ui.models import RunModel
    from studio.ui.pages.configure import ConfigurePage
    from studio.ui.pages.data import DataPage
    from studio.ui.pages.train import TrainPage
    from tests.camera import Camera

LETTER = "This is Ravi. I ordered a yellow pillow, order 92082. It has a big crack."
FAILURES = (
    (
        "memory",
        "Memory ran out.",
        "Resume with passes of at most 480 tokens. Rows and batches stay; from there on numbers may differ in their"
        " last bits, and dropout draws others.",
    ),
    (
        "disk",
        "The disk is full: step-000120 could not be written.",
        "Free some space and resume the run: it goes on from its last checkpoint.",
    ),
    (
        "diverged",
        "The loss of step 41 is not a finite number; nothing of it was kept.",
        "Resume with a lower learning rate, or look at the rows of the step.",
    ),
)


def train(see: "Camera") -> None:
    """A real run from its start to its end, and runs that failed in several ways."""
    from studio.ui.pages.run_capsule import CapsuleDialog
    from studio.ui.pages.run_rate import RateDialog

    settings = {
        "name": "shop-desk", "data.path": str(_mixed_up(see.folder)), "data.eval_split": 0.05, "data.packing": True,
        "data.max_length": 512, "training.max_steps": 60, "training.eval_steps": 10, "training.save_steps": 20,
        "training.learning_rate": 4e-3, "training.sample_prompts": [LETTER, "Who are you?"],
    }  # fmt: skip
    page = cast("TrainPage", see.window.page("train"))
    configure = cast("ConfigurePage", see.window.page("configure"))
    see.session.draft.apply(settings, "tour")
    configure.start()
    see.wait(lambda: len(see.session.running()) == 1)
    see.shot("train-starting")
    (model,) = see.session.running()
    see.wait(lambda: model.progress.step > 15)
    see.shot("train-running")
    talk = page.view.talk
    page.view.tabs.setCurrentWidget(talk)
    for asked in (LETTER, "Who are you?"):
        talk.prompt.setPlainText(asked)
        talk.send()
        see.wait(lambda: talk.waiting is None)
        talk._begin_anew()
    see.shot("train-ask")
    page.view.tabs.setCurrentIndex(0)
    page.view._ask_rate()
    see.shot("train-rate")
    (dialog,) = page.window().findChildren(RateDialog)
    dialog.box.setText("fast")
    see.shot("train-rate-fault")
    dialog.close()
    see.wait(lambda: not model.alive, 500)
    see.shot("train-done")
    see.quiet()
    page.view.capsule.trigger()
    (capsule,) = page.window().findChildren(CapsuleDialog)
    see.shot("train-capsule")
    capsule.close()
    rows = page.view.rows
    for step, name in ((40, "rows-of-a-step"), (0, "rows")):
        page.view._show_step(step)
        see.wait(lambda: rows._command is None and rows.model.items)
        see.shot(f"train-{name}")
    layers = page.view.layers.view
    page.view.tabs.setCurrentWidget(page.view.layers)
    see.wait(lambda: bool(layers.found))
    layers.map._look((4, 2))
    see.shot("train-layers")
    layers.measure.setCurrentIndex(1)
    see.shot("train-layers-rank")
    page.view.tabs.setCurrentWidget(page.view.answers)
    see.shot("train-answers")
    for name in ("explained", "happened", "log"):
        page.view.tabs.setCurrentWidget(getattr(page.view, name))
        see.shot(f"train-{name}")
    page.view.tabs.setCurrentIndex(page.view.tabs.count() - 1)
    see.shot("train-settings")
    page.view.tabs.setCurrentIndex(0)
    see.session.draft.apply({"name": "wrong-model", "model.path": str(_damaged_model(see.folder))}, "tour")
    configure.start()
    see.wait(lambda: len(see.session.models) == 2 and not see.session.running())
    see.shot("train-failed-model")
    see.session.undo.undo()
    for reason, message, hint in FAILURES:
        see.session.run_wanted.emit(see.failed_run(reason, message, hint))
        see.wait(lambda: not page.view.failure.isHidden())
        see.shot(f"train-failed-{reason}")


def _mixed_up(folder: Path) -> Path:
    """Writes the demo's letters, of which some have the answer to another one."""
    rows = [json.loads(line) for line in demo().read_text(encoding="utf-8").splitlines()]
    for at in range(37, len(rows), 97):
        rows[at]["messages"][-1] = rows[at - 1]["messages"][-1]
    path = folder / "letters.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def preferences(see: "Camera") -> None:
    """Rows with two answers: both as the model reads them, and a run that learns which is better."""
    said = _letters()
    pairs = [
        {"prompt": [asked], "chosen": [answer], "rejected": [other]}
        for (asked, answer), (_, other) in zip(said, [*said[1:], said[0]], strict=True)
    ]
    page = _opened(see, "pairs.jsonl", pairs, 1)
    tokens = page.rows.pane.tokens
    see.shot("pairs-better")
    better = tokens.picture
    tokens.worse.setChecked(True)
    see.wait(lambda: tokens.picture is not better and tokens.picture is not None)
    see.shot("pairs-worse")
    page._use()
    model = _begun(see, "better-answers", "pairs-configure")
    see.wait(lambda: model.progress.phase is not None and model.progress.phase.name == "reference", 100)
    see.shot("pairs-reference")
    see.wait(lambda: not model.alive, 500)
    see.shot("pairs-trained")


def judged(see: "Camera") -> None:
    """Answers labelled good or bad: a bad one as the model reads it, and a run that learns from both."""
    rows = _letters()
    answers = [*(answer for _, answer in rows[1:]), rows[0][1]]
    labelled = [{"prompt": [asked], "completion": [answer], "label": True} for asked, answer in rows[:60]]
    labelled += [
        {"prompt": [asked], "completion": [answer], "label": False}
        for (asked, _), answer in zip(rows[60:], answers[60:], strict=True)
    ]
    page = _opened(see, "judged.jsonl", labelled, 70)
    see.shot("judged-bad")
    page._use()
    model = _begun(see, "good-and-bad", "judged-configure")
    see.wait(lambda: not model.alive, 500)
    see.shot("judged-trained")


def _letters() -> list[list[dict[str, str]]]:
    """Returns some of the demo's letters, each with its answer."""
    return [json.loads(line)["messages"] for line in demo().read_text(encoding="utf-8").splitlines()[:120]]


def _opened(see: "Camera", name: str, rows: list[dict[str, Any]], at: int) -> "DataPage":
    """Opens rows as data, and shows one of them as the model reads it."""
    file = see.folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    page = cast("DataPage", see.window.page("data"))
    see.window.show_page("data")
    page.receive(file)
    see.wait(lambda: "valid" in page.plain.known)
    page.rows.table.selectRow(at)
    pane = page.rows.pane
    pane.views.setCurrentWidget(pane.tokens)
    see.wait(lambda: pane.tokens.picture is not None)
    return page


def _begun(see: "Camera", name: str, shot: str) -> "RunModel":
    """Begins a run on the data that is used, behind a picture of its settings."""
    see.session.draft.apply(
        {"name": name, "data.eval_split": 0.1, "data.packing": False, "data.max_length": 256,
         "training.max_steps": 40, "training.eval_steps": 10, "training.learning_rate": 5e-4}, "tour")  # fmt: skip
    configure = cast("ConfigurePage", see.window.page("configure"))
    see.wait(lambda: configure.summary.figures["steps"].text().strip("\u2013") != "", 200)
    configure.go_to("training.objective")
    see.shot(shot)
    configure.start()
    see.wait(lambda: len(see.session.running()) == 1)
    return see.session.running()[0]


def beside(see: "Camera") -> None:
    """Other runs laid over one: chosen, their curves, what differs; and as many as there may be."""
    page = cast("TrainPage", see.window.page("train"))
    curves = page.view.curves
    kinds = ((16, 2e-4), (16, 1e-3), (4, 2e-4), (64, 2e-4), (8, 5e-4), (2, 1e-3), (32, 1e-4), (1, 2e-3))
    made = [_told_run(f"letters, rank {rank}, peak rate {rate:g}", rank, rate) for rank, rate in kinds]
    see.session.run_wanted.emit(made[0])
    page._refresh()
    see.wait(lambda: len(curves.plots["loss"].raw.x) > 9)
    curves.choose()
    see.shot("train-beside-choice")
    see.close()
    glances = {item.run.name: item for item in page.table.items}
    for at, run in enumerate(made[1:]):
        curves.lay(glances[run.name])
        see.wait(lambda: all(len(line.x) for line, _ in curves.plots["loss"].beside))
        if at in (1, 6):
            for name, where in (("tokens_per_s", 300.0), ("loss", 120.0)):
                see.wait(lambda name=name: all(len(line.x) for line, _ in curves.plots[name].beside))  # type: ignore[misc]
                curves.plots[name].canvas.hovered.emit(where)
            see.shot(f"train-beside-{at + 2}")
            curves.differs.click()
            see.shot(f"train-differences-{at + 2}")
            curves.differs.click()


def _told_run(name: str, rank: int, rate: float) -> "Run":
    from studio.core import events, runs
    from studio.core.config import AdapterSpec, DataSpec, RunConfig, TrainingSpec
    from tests.ui.told import evaluated, prepared, step, tell

    training = TrainingSpec(learning_rate=rate, seed=rank)
    adapter = AdapterSpec(r=rank)
    run = runs.create(RunConfig(name=name, data=DataSpec(path=str(demo())), adapter=adapter, training=training))
    told: list[events.Event] = [prepared(400)]
    for number in range(1, 401 - 3 * rank):
        falls = 3.2 * math.exp(-number * rate * 20) + 1.2 / rank**0.2
        told.append(replace(
            step(number, falls + 0.3 * math.sin(number * (1.7 + rank)) / (1 + number / 200)),
            learning_rate=rate * (1 - number / 400), grad_norm=1 + falls / 4 * (1.2 + math.sin(number * rank * 1.3)),
            tokens_per_s=9000 - 40 * rank + 90 * math.sin(number * 0.9),
        ))  # fmt: skip
        if number % 50 == 0:
            told.append(evaluated(number, falls + 0.1, True))
    tell(run, *told)
    return run


def _damaged_model(folder: Path) -> Path:
    """Returns a model whose weights end too soon: only the run finds that, so that the draft lets it begin."""
    made = folder / "damaged"
    shutil.copytree(demo().parent / "model", made)
    weights = made / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return made


def demo() -> Path:
    from studio.ui.session import demo_data

    return demo_data()
