"""Pictures of the queue, of several values tried, of blind tests and of mixing; see `tests/tour.py`."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from studio.core.runs import Run
    from studio.ui.pages.compare import ComparePage
    from studio.ui.pages.configure import ConfigurePage
    from studio.ui.pages.library import LibraryPage
    from studio.ui.pages.train import TrainPage
    from tests.camera import Camera

_PROMPTS = (
    "This is Ravi. I ordered a yellow pillow, order 92082. It has a big crack.",
    "Hello, I am Luis. My order 24282, a green radio, is not here yet.",
    "I am Mia. Can I send back the blue lamp, order 40117? It is too small.",
)
_ANSWERS = (
    ("This is a letter from Ravi about a yellow pillow. The yellow pillow is broken.",
     "Dear Ravi, thank you for writing to us.\nOrder: 92082\nTopic: broken item\nWe will send you a new yellow pillow "
     "and you pay nothing.\nYours, the Willow & Wren desk",
     "Dear Ravi,\nOrder: 92082\nTopic: late item\nWe will look for it.\nYours, the Willow & Wren desk"),
) * 3  # fmt: skip


def queue(see: "Camera") -> None:
    """Runs that wait for one at work, several values tried, and what was cut off."""
    from studio.core import events, run_queue
    from tests.ui.told import made_run, prepared, step, tell

    train = cast("TrainPage", see.window.page("train"))
    with ExitStack() as held:

        def there(name: str, *told: "events.Event") -> "Run":
            run = made_run(name)
            run_queue.enter([run], waits=True)
            tell(run, *told)
            held.enter_context(run.claim())
            run_queue.arrive(run, waits=True)
            return run

        first = there("shop-desk learning_rate=0.0002, r=8",
                      prepared(400), *(step(n, 3 / n**0.3) for n in range(1, 121)))  # fmt: skip
        run_queue.admit(first)
        waits = events.Phase(name="queued", detail=first.name)
        behind = [there(f"shop-desk learning_rate=0.0002, r={rank}", waits) for rank in (16, 32)]
        see.session.run_wanted.emit(behind[0])
        see.wait(lambda: any(model.state() == "queued" for model in see.session.running()))
        train._refresh()
        see.shot("train-queued")
        see.window.show_page("configure")
        see.shot("configure-queue")
        page = cast("ConfigurePage", see.window.page("configure"))
        page.try_several()
        dialog = see.top()
        from studio.ui.pages.several import SeveralDialog

        assert isinstance(dialog, SeveralDialog)
        chosen = dialog.settings[1][0]
        chosen.setCurrentIndex(chosen.findData("adapter.r"))
        see.shot("several")
        dialog.settings[1][1].setText("8, -3")
        see.shot("several-fault")
        dialog.close()
    for model in see.session.running():
        see.wait(lambda model=model: not model.alive)  # type: ignore[misc]
    see.session.offer_cut_off()
    see.shot("cut-off")
    see.quiet()


def blind(see: "Camera") -> None:
    """A blind test: made, judged, and who wins."""
    from studio.core import blind as tests
    from studio.core.desk import Column, Message
    from studio.ui.pages.compare import BLIND

    page = cast("ComparePage", see.window.page("compare"))
    see.window.show_page("compare")
    page.show_mode(BLIND)
    see.shot("blind-none")
    prompts = [[Message(role="user", content=text)] for text in _PROMPTS]
    about = tests.About(
        title="Base model / shop-desk / shop-desk, weaker", model="demo",
        contenders=[None, "shop-desk", "shop-desk-weaker"], prompts=prompts, seed=3, created_s=1.7e9,
    )  # fmt: skip
    test = tests.create(about)
    for at, texts in enumerate(_ANSWERS):
        test.answer(
            at, [Column(adapter=None, text=text, tokens=9, seconds=1.0, cut=text is texts[0]) for text in texts]
        )
    page.blind.open(test)
    see.shot("blind")
    for pair in test.pairs()[:-1]:
        test.vote(pair, 1 if 1 in (pair.left, pair.right) else tests.TIE)
    page.blind.show_standing()
    see.shot("blind-standing")
    page.blind.shut()
    see.shot("blind-setup")


def evaluation(see: "Camera") -> None:
    """An evaluation: nothing yet, and rows read by the base and what adapters there are."""
    from studio.core import library
    from studio.ui.evaluation_setup import FILE
    from studio.ui.pages.compare import EVALUATION
    from studio.ui.session import demo_data

    page = cast("ComparePage", see.window.page("compare"))
    see.window.show_page("compare")
    page.panel.choose(*library.entries()[:2], base="demo")
    page.panel.numbers["max_new_tokens"].setValue(60)
    page.show_mode(EVALUATION)
    mode = page.evaluation
    mode.setup.source.setCurrentIndex(mode.setup.source.findData(FILE))
    see.shot("evaluation-none")
    mode.setup.file.setText(str(demo_data().with_name("support_heldout.jsonl")))
    mode.setup.count.setValue(20)
    mode.run()
    see.wait(lambda: len(mode.results) > 2 or not mode.running)
    see.shot("evaluation-running")
    see.wait(lambda: not mode.running)
    see.shot("evaluation")


def mix(see: "Camera") -> None:
    """Adapters added up."""
    page = cast("LibraryPage", see.window.page("library"))
    see.window.show_page("library")
    page.table.selectAll()
    page.mix()
    see.shot("mix")
    see.close()
