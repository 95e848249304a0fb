"""A stranger's template is stopped within two seconds, wherever one runs and whatever it does."""

import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from studio.core import launch, runs
from studio.core.config import DataSpec
from studio.core.errors import StudioError
from studio.engine.labels import Encoder, make_encoder
from studio.engine.limits import _SPIN_S, limited
from tests.desks import ENDLESS
from tests.models import CHATML, tokenizer
from tests.training import config, trained

ROOT = Path(__file__).resolve().parents[2]
ROW = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
GROWING = "{% set n = namespace(x='aa') %}{% for a in range(99999) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
SQUARES = "{% set n = namespace(x=9) %}{% for a in range(99999) %}{% set n.x = n.x * n.x %}{% endfor %}"
RECURSIVE = "{% macro m(a) %}{{ m(a) }}{{ m(a) }}{% endmacro %}{{ m(1) }}"
# Two equal towers of lists: comparing them takes 2^64 steps inside one call of C code.
TOWERS = (
    "{% set n = namespace(x=[], y=[]) %}{% for a in range(64) %}{% set n.x = [n.x, n.x] %}"
    "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"
)


def hostile(folder: Path, text: str) -> Path:
    path = folder / "hostile.jinja"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        ENDLESS,
        "{{ 'a' * 10**11 }}",
        "{{ 'a' * 100000000000 }}",
        "{{ 'a'|center(100000000000) }}",
        GROWING,
        SQUARES,
        "{{ 9**9**9**9 }}",
        "{{ messages|length ** 9 ** 9 }}",
    ],
)
def test_a_template_without_an_end_is_stopped(tmp_path: Path, text: str) -> None:
    started = time.process_time()
    with pytest.raises(StudioError, match=r"did not come to an end|more memory|a power"):
        make_encoder(tokenizer(), DataSpec(path="-", chat_template=str(hostile(tmp_path, text))), "sft").encode(
            ROW, "messages"
        )
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "text",
    [
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}{{ cycler.__init__.__globals__.os.system('touch stolen') }}",
        "{{ messages.append(1) }}",
        "{{ self._TemplateReference__context }}{{ raise_exception.__globals__ }}",
        "{% include '/etc/passwd' %}",
        RECURSIVE,
    ],
)
def test_a_template_reaches_nothing(tmp_path: Path, text: str) -> None:
    encoder = make_encoder(tokenizer(), DataSpec(path="-", chat_template=str(hostile(tmp_path, text))), "sft")
    with pytest.raises(StudioError, match="the chat template refuses it"):
        encoder.encode(ROW, "messages")


def test_a_row_that_hangs_ends_the_batch_and_the_next_one_works() -> None:
    trap = CHATML + "{% if messages|length > 2 %}" + ENDLESS + "{% endif %}"
    encoder = Encoder(tokenizer(), trap, "sft", 100)
    with pytest.raises(StudioError, match="did not come to an end"):
        encoder.encode_all([ROW, {"messages": ROW["messages"] * 2}, ROW], "messages")
    assert encoder.encode_all([ROW], "messages")[0] == encoder.encode(ROW, "messages")
    with pytest.raises(StudioError, match="did not come to an end"):
        encoder.prompt(ROW["messages"] * 2)


def test_each_row_has_its_own_time() -> None:
    with limited(0.3) as renew:
        until = time.process_time() + 0.6
        while time.process_time() < until:
            renew(1)


def test_waiting_is_not_hanging() -> None:
    with limited(0.05):
        time.sleep(0.3)


def test_any_thread_can_be_stopped() -> None:
    encoder, said = Encoder(tokenizer(), ENDLESS, "sft", 100), []

    def work() -> None:
        try:
            encoder.encode(ROW, "messages")
        except StudioError as error:
            said.append(error.message)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert said == ["Laying out a row did not come to an end."]


def test_double_stars_that_are_no_power_are_none(tmp_path: Path) -> None:
    text = "**{{ '**' }}{% for m in messages %}{{ dict(m, **m).content }}{{ dict(**m).role }}{% endfor %}"
    encoder = make_encoder(tokenizer(), DataSpec(path="-", chat_template=str(hostile(tmp_path, text))), "sft")
    assert encoder.encode(ROW, "messages").text == "****auserbassistant"


def test_a_run_on_a_hostile_template_says_so(tmp_path: Path) -> None:
    whole = config(tmp_path, rows=8, data={"chat_template": str(hostile(tmp_path, ENDLESS))})
    with pytest.raises(StudioError, match="did not come to an end"):
        trained(whole, tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="the system's timers end processes on POSIX only")
def test_what_no_exception_can_end_the_system_ends(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom studio.engine.labels import Encoder\nfrom tests.models import tokenizer\n"
        f"encoder = Encoder(tokenizer(), {TOWERS!r}, 'sft', 100)\nprint('ready', flush=True)\n"
        f"encoder.encode({ROW!r}, 'messages')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"STUDIO_HOME": str(tmp_path)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert process.wait(30) == -launch.TEMPLATE_SIGNAL


HANGING = """
import functools, time
from studio.engine.limits import by_the_clock
tower = lambda: functools.reduce(lambda x, _: [x, x], range(64), [])
with by_the_clock(0.2, 0.2) as put_off:
    for _ in range(8):
        put_off(0.0)
        time.sleep(0.1)
print("in time", flush=True)
time.sleep(0.6)
print("and no longer", flush=True)
with by_the_clock(0.2, 0.2):
    tower() == tower()
"""


def test_what_no_exception_can_end_the_clock_ends_where_no_timer_can(tmp_path: Path) -> None:
    run = runs.create(config(tmp_path, rows=1), tmp_path / "run")
    with (run.path / "worker.log").open("wb") as log:
        done = subprocess.run([sys.executable, "-c", HANGING], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, timeout=60)
    assert (done.returncode, done.stdout.split(b"\n")) == (1, [b"in time", b"and no longer", b""])
    assert launch.death(run, 1).message == launch.TEMPLATE_END[0]
    with (run.path / "worker.log").open("ab") as log:
        log.write(b"ModuleNotFoundError: another end\n")
    assert launch.death(run, 1).reason == "run"


def test_threads_that_still_spin_do_not_count_where_only_the_whole_process_is_told() -> None:
    def spin() -> None:
        started = time.thread_time()
        while time.thread_time() - started < 0.9 * _SPIN_S:
            sum(range(1000))

    others = [threading.Thread(target=spin) for _ in range((os.cpu_count() or 1) - 1)]
    for thread in others:
        thread.start()
    with limited(0.05, "win32"):
        for thread in others:
            thread.join()
        time.sleep(0.2)

    def endless() -> None:
        with limited(0.05, "win32"):
            while True:
                pass

    with pytest.raises(StudioError, match="did not come to an end"):
        endless()


def test_neither_another_thread_nor_a_collection_counts_as_the_template() -> None:
    done = threading.Event()

    def busy() -> None:
        while not done.is_set():
            sum(range(1000))

    others = [threading.Thread(target=busy) for _ in range(2)]
    for thread in others:
        thread.start()
    try:
        with limited(0.3):
            assert not gc.isenabled()
            started = time.process_time()
            while time.process_time() - started < 0.6:
                time.sleep(0.01)
    finally:
        done.set()
        for thread in others:
            thread.join()
    assert gc.isenabled()


@pytest.mark.parametrize("what", ["pass", "time.sleep(0.2)", "loop()"])
def test_no_step_of_python_is_dearer_afterwards(what: str) -> None:
    # Where something is left to be raised, tracing never leaves its first step.
    code = f"""
import sys, time
from studio.core.errors import StudioError
from studio.engine.limits import limited

def loop():
    while True:
        pass

for _ in range(3):
    try:
        with limited(0.1):
            {what}
    except StudioError as error:
        print(error)
sys.settrace(lambda *_: None)
(lambda: print("traced"))()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.stdout.splitlines()[-1:] == ["traced"], done.stderr
    assert done.stdout.count("did not come to an end") == (3 if what == "loop()" else 0)
