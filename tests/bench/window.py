"""The window's figures beside their goals, as JSON.

    python -m tests.bench.window [PART ...]

Each part runs in a process of its own, with a home of its own; parts whose name ends in `_xcb` need Xvfb. A figure of
time is worth what the machine is: `machine` tells its load and how late a timer of an idle process is on it.
"""

import compileall
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from studio import paths

ROOT = Path(__file__).resolve().parents[2]
GOALS = {
    "cold_start": "wall < 1.0 s, torch not loaded",
    "memory": "rss_mb < 250 idle, no port, no byte of a GPU",
    "lateness": "p99_ms < 8, max_ms < 33",
    "plot": "max_ms < 16 with 1,000,000 points",
    "events": "per_s > 5000",
    "long_run": "worked_max_ms < 16 while 2,000,000 steps are read",
    "beside": "painted_ms < 16 with 8 runs of 100,000 steps, worked_max_ms < 16 while they are read",
    "stalls": "each < 16 ms",
}
_TICK_MS = 16
_TRAIN_S = 35.0
_STARTS = 7
_LONG = 2_000_000
_STEP = (
    b'{"kind":"step","time_s":1796038231.5,"step":%d,"epoch":0.1,"loss":%.16f,"learning_rate":0.0002,'
    b'"grad_norm":%.16f,"tokens":900,"trained_tokens":400,"step_s":0.10123456789,"tokens_per_s":9000.5,'
    b'"memory_bytes":2000000000,"eta_s":3.5,"reward_accuracy":null,"reward_margin":null}\n'
)


class Ticks:
    """A timer in the window's thread that notes how late it is, and how long the thread worked since the last tick.

    The second is what a machine with a core to spare would see; the first holds the waiting for a core too.
    """

    def __init__(self, milliseconds: int = _TICK_MS) -> None:
        from PySide6.QtCore import QAbstractEventDispatcher, Qt, QTimer

        self.late_ms: list[float] = []
        self.worked_ms: list[float] = []
        self._every, self._last, self._cpu = milliseconds, time.perf_counter(), time.thread_time()
        self._bursts, self._began = list[float](), time.thread_time()
        QAbstractEventDispatcher.instance().awake.connect(self._pass)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(milliseconds)

    def _tick(self) -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        self.late_ms.append(max(0.0, 1000 * (now - self._last) - self._every))
        self.worked_ms.append(1000 * (cpu - self._cpu))
        self._last, self._cpu = now, cpu

    def _pass(self) -> None:
        now = time.thread_time()
        self._bursts.append(1000 * (now - self._began))
        self._began = now

    def take(self) -> dict[str, float]:
        """Returns the lateness since the last call, and the greatest work of one pass of the event loop.

        Of passes hardly any does anything, so the percentile is that of ticks, the passes between two of them together.
        """
        late, worked, self.late_ms, self.worked_ms = self.late_ms, self.worked_ms, [], []
        burst, self._bursts = max(self._bursts, default=0.0), []
        told = {f"worked_{key}": value for key, value in spread(worked).items()}
        return {**spread(late), **told, "burst_max_ms": round(burst, 1)}


def spread(late_ms: Sequence[float]) -> dict[str, float]:
    """Returns the 99th percentile and the greatest of at least 100 values."""
    found = sorted(late_ms) or [0.0]
    return {"p99_ms": round(found[len(found) * 99 // 100], 1), "max_ms": round(found[-1], 1)}


def spin(seconds: float = 0.0, until: Callable[[], bool] = lambda: False, limit_s: float = 120.0) -> float:
    """Runs the event loop for some time, or until something holds; returns how long that was."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, began = QEventLoop(), time.perf_counter()
    timer = QTimer()
    timer.timeout.connect(
        lambda: loop.quit() if until() or time.perf_counter() - began > (seconds or limit_s) else None
    )
    timer.start(5)
    loop.exec()
    return time.perf_counter() - began


def opened() -> tuple[Any, Any]:
    """Returns the application and its window, shown, and all loaded and built that is so ahead."""
    from PySide6.QtWidgets import QApplication

    from studio.ui import app as root

    application = QApplication(["finetune-studio"])
    window = root.open_window(application)
    gc.freeze()
    root.settle(window).join()
    spin(2.0)
    return application, window


def start() -> dict[str, float]:
    """Starts the program as `python -m studio` does and tells when its window is painted and has nothing left to do."""
    import studio.__main__
    from studio.ui import app as root

    found: dict[str, float] = {}
    open_window = root.open_window

    def watched(application: Any) -> Any:
        application.installEventFilter(watch(application, found))
        return open_window(application)

    root.open_window = watched  # type: ignore[assignment]
    sys.argv = ["studio"]
    studio.__main__.main()
    return found


def start_empty() -> dict[str, float]:
    """Starts a process that shows an empty window: what Python and Qt take by themselves."""
    from PySide6.QtWidgets import QApplication, QMainWindow

    application, found = QApplication([]), dict[str, float]()
    watcher = watch(application, found)
    application.installEventFilter(watcher)
    window = QMainWindow()
    window.show()
    application.exec()
    return found


def watch(application: Any, found: dict[str, float]) -> Any:
    """Returns what notes the time of the first painting and ends the program when nothing is left to do after it."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    def idle() -> None:
        spent = psutil.Process().cpu_times()
        found["wall_s"], found["cpu_s"] = time.time() - float(os.environ["BEGAN"]), spent.user + spent.system
        found["torch"] = float("torch" in sys.modules)
        application.closeAllWindows()

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.UpdateRequest and "painted" not in found:
                found["painted"] = time.time()
                QTimer.singleShot(0, lambda: QTimer.singleShot(0, idle))
            return False

    return Watch(application)


def cold_start(platform: str = "offscreen") -> dict[str, Any]:
    """Starts the program and an empty window in turn; the first start, which fills the disk's cache, is told apart."""
    pairs = [(child("start", platform), child("start_empty", platform)) for _ in range(_STARTS + 1)]
    runs, empty = ([pair[at] for pair in pairs] for at in (0, 1))
    values = {key: [run[key] for run in runs[1:]] for key in ("wall_s", "cpu_s")}
    values |= {f"empty_{key}": [run[key] for run in empty[1:]] for key in ("wall_s", "cpu_s")}
    least = {f"{key}_min": round(min(each), 3) for key, each in values.items()}
    middle = {f"{key}_median": round(statistics.median(each), 3) for key, each in values.items()}
    return {"first_wall_s": round(runs[0]["wall_s"], 3), **least, **middle, "torch": bool(runs[0]["torch"])}


def cold_start_xcb() -> dict[str, Any]:
    """The same on a real X server."""
    from tests import xserver

    with tempfile.TemporaryDirectory() as folder, xserver.opened(Path(folder)) as screen:
        os.environ["DISPLAY"] = screen.name
        return cold_start("xcb")


def memory() -> dict[str, Any]:
    """What the window holds when idle and with every page built."""
    _, window = opened()
    process = psutil.Process()
    idle = process.memory_info().rss
    for action in window.page_actions:
        action.trigger()
        spin(0.2)
    maps = Path("/proc/self/maps").read_text() if sys.platform == "linux" else ""
    found = {
        "modules": len(sys.modules),
        "pandas": "pandas" in sys.modules,
        "rss_mb_idle": idle // 10**6,
        "rss_mb_all_pages": process.memory_info().rss // 10**6,
        "ports": len(process.net_connections(kind="inet")),
        "gpu_libraries": sorted({line.split("/")[-1] for line in maps.splitlines() if "libcuda" in line}),
        "torch": "torch" in sys.modules,
    }
    window.close()
    return found


def lateness() -> dict[str, Any]:
    """How late the timer is while the built-in run starts and trains, its page shown and its curves live."""
    from studio.core import config_file
    from studio.ui.session import demo_data

    _, window = opened()
    ticks = Ticks()
    spin(3.0)
    idle = ticks.take()
    config = config_file.load(demo_data().with_name("support.yaml"), ["name=bench", "training.max_steps=100000"])
    model = window.session.start(config)
    window.session.run_wanted.emit(model.run)
    spin(until=lambda: model.progress.step > 0)
    starting = ticks.take()
    first, share = model.progress.step, psutil.cpu_percent()
    spin(_TRAIN_S)
    training, steps, share = ticks.take(), model.progress.step - first, psutil.cpu_percent()
    model.end_process(kill=True)
    spin(until=lambda: not model.alive)
    window.close()
    return {"idle": idle, "starting": starting, "training": training, "steps": steps, "cpu_percent": share}


def plot() -> dict[str, Any]:
    """How long a plot of a million points takes for new points: numbers taken over, everything painted."""
    import numpy as np
    from PySide6.QtWidgets import QApplication

    from studio.ui.curves import Curve
    from studio.ui.plots import LinePlot
    from studio.ui.theme import Theme

    application = QApplication([])
    shown, curve = LinePlot(Theme(application), "loss", smoothed=True), Curve()
    curve.extend(np.arange(1e6), np.random.default_rng(0).normal(2, 0.3, 1_000_000))
    shown.resize(1000, 500)
    shown.show()
    shown.set_curves(curve, None)
    spin(1.0)
    taken, worked = [], []
    for at in range(30):
        curve.extend(np.arange(10, dtype=np.float64) + 1e6 + 10 * at, np.full(10, 2.0))
        began, cpu = time.perf_counter(), time.thread_time()
        shown.redraw()
        shown.canvas.repaint()
        taken.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.thread_time() - cpu))
    shown.close()
    found = {"median_ms": statistics.median(taken), "max_ms": max(taken), "worked_median_ms": statistics.median(worked)}
    return {"points": len(curve), "worked_min_ms": round(min(worked), 1)} | {k: round(v, 1) for k, v in found.items()}


def recorded(count: int, rank: int = 0) -> Any:
    """Returns a run of `count` steps that nobody works on; those of another `rank` have other numbers and settings."""
    import random

    from studio.core import runs
    from studio.core.config import AdapterSpec, DataSpec, RunConfig

    adapter, numbers = AdapterSpec(r=16 + rank), random.Random(rank)
    data = DataSpec(path=str(ROOT / "resources/demo/support.jsonl"))
    run = runs.create(RunConfig(name="long", data=data, adapter=adapter))
    with run.events_path.open("wb") as file:
        for first in range(1, count + 1, 10_000):
            steps = range(first, min(first + 10_000, count + 1))
            file.write(b"".join(_STEP % (step, 2 + numbers.random(), 1 + numbers.random()) for step in steps))
    return run


def events() -> dict[str, Any]:
    """How many events a second come from the file through the worker into the curves."""
    count = 100_000
    _, window = opened()
    # Behind the opening, which reads the newest run ahead.
    run = recorded(count)
    began, model = time.perf_counter(), window.session.model_of(run)
    spin(until=lambda: len(model.curves["loss"]) == count)
    took_s = time.perf_counter() - began
    window.close()
    return {"per_s": round(count / took_s)}


def long_run() -> dict[str, Any]:
    """What a long run that has ended takes the window: time, stutter while it is read and looked at, and memory."""
    _, window = opened()
    window.show_page("train")
    spin(1.0)
    process, run = psutil.Process(), recorded(_LONG)
    before, ticks, began = process.memory_info().rss, Ticks(), time.perf_counter()
    window.session.run_wanted.emit(run)
    spin(0.1)
    shown, model = ticks.take(), window.session.model_of(run)
    spin(until=lambda: not model.alive and len(model.curves["loss"]) == _LONG)
    took_s = time.perf_counter() - began
    spin(2.0)
    found = {"read_s": round(took_s, 1), **ticks.take(), "shown": shown, "rss_mb_before": before // 10**6}
    found["rss_mb"] = process.memory_info().rss // 10**6
    window.close()
    return found


def beside() -> dict[str, Any]:
    """Eight runs of 100,000 steps in one plot: what laying one over takes, memory, painting, and other smoothing."""
    _, window = opened()
    made = [recorded(100_000, at) for at in range(8)]
    window.session.run_wanted.emit(made[0])
    spin(1.0)
    page, process, ticks = window.page("train"), psutil.Process(), Ticks()
    curves, before = page.view.curves, process.memory_info().rss
    glances = {item.run.name: item for item in page.table.items}
    for run in made[1:]:
        curves.lay(glances[run.name])
        spin(0.1)
    spin(until=lambda: all(len(model.curves["loss"]) == 100_000 for model in curves.others))
    spin(1.0)
    found = {"read": ticks.take(), "more_mb": (process.memory_info().rss - before) // 10**6}
    for smoothing in range(4):
        spin(0.1)
        ticks.take()
        curves._smoothing.setCurrentIndex(smoothing)
        spin(0.5)
        found[f"smoothed_{smoothing}_ms"] = ticks.take()["burst_max_ms"]
        for name in ("loss", "grad_norm") if smoothing in (1, 3) else ("loss",):
            found[f"painted_{name}_{smoothing}_ms"] = painted(curves.plots[name])
    window.close()
    return found


def painted(plot: Any) -> list[float]:
    """Returns the median and the greatest time of work of taking a plot's curves over and painting them."""
    taken = []
    for _ in range(20):
        cpu = time.thread_time()
        plot.reset_view()
        plot.canvas.repaint()
        taken.append(1000 * (time.thread_time() - cpu))
    return [round(statistics.median(taken), 1), round(max(taken), 1)]


def stalls() -> dict[str, Any]:
    """The longest time the window's thread is held by what a user does: milliseconds, and those of work in them."""
    adapters(1000)
    _, window = opened()
    ticks, found = Ticks(4), {}

    def held(
        name: str, act: Callable[[], object], settle_s: float = 0.4, until: Callable[[], bool] | None = None
    ) -> None:
        spin(0.2)
        ticks.take()
        act()
        spin(until=until) if until else None
        spin(settle_s)
        seen = ticks.take()
        found[name] = [seen["max_ms"], seen["worked_max_ms"]]

    for action in window.page_actions:
        held(f"first_{action.text().lower()}", action.trigger)  # of the library: with 1,000 adapters
    for action in window.page_actions:
        held(f"again_{action.text().lower()}", action.trigger)
    held("theme", window._switch_theme)
    run = recorded(20_000)
    held("run_of_20000_steps", lambda: window.session.run_wanted.emit(run), 1.5)
    window.show_page("configure")
    held("edit", lambda: window.session.draft.edit("adapter.r", 24))
    file = paths.home() / "rows.jsonl"
    file.write_bytes(b"".join(b'{"prompt": "question %d", "completion": "an answer"}\n' % n for n in range(100_000)))
    page = window.page("data")
    held("table_of_100000_rows", lambda: window.open_path(file), 1.0, lambda: page.table_model.rowCount() == 100_000)
    held("scroll", lambda: page.rows.table.scrollToBottom())
    held("search", lambda: page.search.setText("question 777"), 1.0)
    window.show_page("library")
    held("library_of_1000_changed", window.session.library_changed.emit, 1.0)
    held("library_search", lambda: window.page("library").search.setText("adapter 77"))
    window.close()
    return found


def adapters(count: int) -> None:
    """Puts adapters into the library, each a small file."""
    from studio.core import library

    for number in range(count):
        entry = library.Entry(name=f"a{number}", folder=paths.adapters_dir() / f"a{number}", title=f"adapter {number}")
        entry.folder.mkdir(parents=True)
        (entry.folder / library.WEIGHTS).write_bytes(b"x")
        (entry.folder / library.PEFT_CONFIG).write_text("{}")
        (entry.folder / "entry.json").write_text(json.dumps(library.to_dict(entry), default=str))


def child(part: str, platform: str = "offscreen") -> dict[str, Any]:
    """Runs a part in a process of its own and returns what it found."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {
            "STUDIO_HOME": home,
            "QT_QPA_PLATFORM": platform,
            "OMP_NUM_THREADS": "1",
            "BEGAN": repr(time.time()),
        }
        command = [sys.executable, "-m", "tests.bench.window", "--here", part]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def machine() -> dict[str, Any]:
    """How loaded the machine is, and how late a timer of a process that does nothing else is on it."""
    late = []
    for _ in range(300):
        began = time.perf_counter()
        time.sleep(_TICK_MS / 1000)
        late.append(1000 * (time.perf_counter() - began) - _TICK_MS)
    load = [round(each, 2) for each in os.getloadavg()] if hasattr(os, "getloadavg") else []
    return {"cores": os.cpu_count(), "load": load, "idle_process": spread(late)}


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "cold_start": cold_start,
    "cold_start_xcb": cold_start_xcb,
    "memory": lambda: child("memory"),
    "lateness": lambda: child("lateness"),
    "plot": lambda: child("plot"),
    "events": lambda: child("events"),
    "long_run": lambda: child("long_run"),
    "beside": lambda: child("beside"),
    "stalls": lambda: child("stalls"),
}


def main(words: Sequence[str]) -> None:
    """Measures the parts named, or all, and prints what was found beside the goals."""
    if words[:1] == ["--here"]:
        print(json.dumps(globals()[words[1]]()))
        return
    # As every installation is: else each process would compile the program anew where bytecode is not written.
    compileall.compile_dir(ROOT / "studio", quiet=1)
    found: dict[str, Any] = {"machine_before": machine()}
    for name in words or PARTS:
        goal = GOALS[name.removesuffix("_xcb")]
        found[name] = {"goal": goal, **PARTS[name]()}
    print(json.dumps(found | {"machine_after": machine()}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
