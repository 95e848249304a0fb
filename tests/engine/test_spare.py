"""What a run's process is kept from loading, and that it is there all the same when something asks for it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core.config import ModelSpec, RunConfig, to_dict
from tests.training import config

# A run's process loads torch before anything else is decided. Here one does, and forks for each program.
_TORCH = """
import gc, json, os, sys

gc.disable()
import torch

for line in sys.stdin:
    program, sys.argv[1:], environment = json.loads(line)
    if os.fork() == 0:
        os.environ.update(environment)
        exec(program, {})
        sys.stdout.flush()
        os._exit(0)
    print("ended:", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
_BEGIN = """
import json, sys
from studio.core.config import from_dict
from studio.engine import spare

config = from_dict(json.loads(sys.argv[1]))
spare.imports(config)
"""
_TRAIN = """
from pathlib import Path
from studio.core import runs
from studio.engine.train import train

run = runs.create(config, Path(sys.argv[2]))
train(run, 0, run.emit)
names = ("bitsandbytes", "torch._dynamo.convert_frame", "torch._inductor", "torch.distributed.tensor")
print(json.dumps([name for name in names if sys.modules.get(name)]))
"""
# A process for each, forked where the libraries are loaded: that takes most of the time.
_COMPILE = """
import os
import torch, transformers.modeling_utils

def ask(asked):
    exec(asked, {"torch": torch})
    twice = torch.compile(lambda x: x.sin() + x, backend="eager")
    x = torch.ones(3)
    import torch._dynamo as compiler
    return [
        torch.equal(twice(x), x.sin() + x),
        compiler.utils.counters["frames"]["ok"],
        compiler is sys.modules["torch._dynamo"] is torch._dynamo,
        type(compiler.disable(len)).__name__,
        compiler._trace_wrapped_higher_order_op is sys.modules["torch._dynamo._trace_wrapped_higher_order_op"],
    ]

found = []
for asked in sys.argv[2:]:
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, json.dumps(ask(asked)).encode())
        os._exit(0)
    os.close(write)
    with open(read) as answer:
        found.append(json.loads(answer.read() or "null"))
    os.wait()
print(json.dumps(found))
"""


class Loaded:
    """The process that has loaded torch."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def told(self, program: str, whole: RunConfig, *arguments: str, **environment: str) -> Any:
        """Returns what a program prints that begins as a run of a config does."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = [_BEGIN + program, [json.dumps(to_dict(whole)), *arguments], environment]
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        said = list[str]()
        while not said or not said[-1].startswith("ended: "):
            said.append(self.process.stdout.readline())
            assert said[-1], "the process has ended"
        assert said[-1] == "ended: 0\n", "".join(said)
        return json.loads(said[-2])


@pytest.fixture(scope="module")
def loaded() -> Iterator[Loaded]:
    words, pipe = [sys.executable, "-c", _TORCH], subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        yield Loaded(process)


@pytest.mark.parametrize("training", [{}, {"optim": "adafactor"}])
def test_a_run_loads_no_compiler_and_nothing_that_spreads_a_model(
    loaded: Loaded, tmp_path: Path, training: dict[str, Any]
) -> None:
    whole = config(tmp_path, rows=8, num_train_epochs=1, **training)
    assert loaded.told(_TRAIN, whole, str(tmp_path / "run")) == []


def test_bitsandbytes_is_not_refused_where_a_base_may_need_it(loaded: Loaded, tmp_path: Path) -> None:
    """That a run which needs it has it is tried with the whole of a run's process."""
    unknown = replace(config(tmp_path, rows=8), model=ModelSpec(path="somebody/something"))
    assert loaded.told("print(json.dumps('bitsandbytes' in sys.modules))", unknown) is False


@pytest.mark.parametrize("name", ["LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"])
def test_one_of_several_processes_keeps_what_spreads_a_model(loaded: Loaded, tmp_path: Path, name: str) -> None:
    program = "import torch; print(json.dumps(torch.distributed.is_available()))"
    whole = config(tmp_path, rows=8)
    assert loaded.told(program, whole) is False
    assert loaded.told(program, whole, **{name: "1"}) is True


def test_a_run_whose_libraries_ask_for_the_compiler_gets_it(loaded: Loaded, tmp_path: Path) -> None:
    whole = config(tmp_path, rows=8, num_train_epochs=1, activation_checkpointing=True)
    assert "torch._dynamo.convert_frame" in loaded.told(_TRAIN, whole, str(tmp_path / "run"))


def test_threads_may_ask_for_the_compiler_at_once(loaded: Loaded, tmp_path: Path) -> None:
    program = """
import importlib.util, torch, transformers.modeling_utils
from concurrent.futures import ThreadPoolExecutor

there = importlib.util.find_spec("torch._dynamo") is not None
with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(lambda _: id(torch._dynamo.config), range(4)))
print(json.dumps([there, len(set(found))]))
"""
    assert loaded.told(program, config(tmp_path, rows=8)) == [True, 1]


def test_the_compiler_is_there_when_it_is_asked_for(loaded: Loaded, tmp_path: Path) -> None:
    asked = (
        "",
        "import torch._dynamo.config, torch._dynamo.utils",
        "from torch._dynamo import config",
        "from torch._dynamo.backends.registry import list_backends",
        "torch._dynamo.reset()",
    )
    found = loaded.told(_COMPILE, config(tmp_path, rows=8), *asked)
    assert dict(zip(asked, found, strict=True)) == {key: [True, 1, True, "function", True] for key in asked}
