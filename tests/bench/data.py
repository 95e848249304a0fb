"""Large data files: a million rows of JSONL opened, read, searched and checked, beside `datasets` and pandas.

    python -m tests.bench.data [--rows 1000000] [--rounds 3] [--csv-gb 10] [--folder FOLDER]

Each figure is of a process of its own, all of them in turn, ROUNDS times; printed as JSON is the least of each:
`wall_s` and `cpu_s` from the work's begin (libraries loaded) and `peak_mb` of the whole process. `start_s` is the wall
time from the start of the process to the first rows. The CSV file, of its own size, is for the first page and the
cancel of a file that is larger than memory.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_BEGIN = """
import json, resource, sys, time
began = time.time()
path = sys.argv[1]
{load}
wall, cpu = time.perf_counter(), time.process_time()
told = {{}}
{work}
told.update(wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu)
{after}
told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps(told))
"""
_OURS = "from studio.core import index, search, sources\nfrom studio.core.data.search import Query"
_INDEX = """
def look(done, total):
    if "first_s" not in told:
        known = index.RowIndex(index.folder_of(source))
        told["first_rows"] = sum(row.parsed.data is not None for row in known.rows(0, min(100, len(known))))
        told["first_s"] = time.perf_counter() - wall
source = sources.find(path)
known = index.build(source, look)
told["rows"] = len(known)
"""
_ANY_ROW = """
import random
chance, began = random.Random(0), time.perf_counter()
for _ in range(1000):
    assert known.row(chance.randrange(len(known))).parsed.data is not None
told["any_row_ms"] = time.perf_counter() - began
"""
_SEARCH = "told['found'] = sum(len(found.rows) for found in search.search(known, Query({query})))"
_OPEN = f"{_OURS}\nknown = index.build(sources.find(path))"
CONTENDERS = {
    "index": (_OURS, _INDEX, _ANY_ROW),
    "search_rare": (_OPEN, _SEARCH.format(query="text='999999'"), ""),
    "search_common": (_OPEN, _SEARCH.format(query="text='the'"), ""),
    "search_role": (_OPEN, _SEARCH.format(query="role='assistant'"), ""),
    "search_expression": (_OPEN, _SEARCH.format(query=r"text=r'\b9999\d\b', expression=True"), ""),
    "sort_length": (_OPEN, "told['rows'] = len(search.order(known, 'length'))", ""),
    "check": (
        "from studio.core.data.datasets import open_dataset",
        "data = open_dataset(path)\ntold['rows'] = data.rows\ntold['rejected'] = len(data.rejected)",
        "assert data[len(data) - 1].data",
    ),
    "datasets": (
        "import datasets\ndatasets.disable_progress_bars()",
        "data = datasets.load_dataset('json', data_files=path, cache_dir=sys.argv[2], split='train')\n"
        "told['rows'] = len(data)",
        "assert data[len(data) - 1]['messages']",
    ),
    "datasets_search": (
        "import datasets\ndatasets.disable_progress_bars()\n"
        "data = datasets.load_dataset('json', data_files=path, cache_dir=sys.argv[2], split='train')",
        "hold = lambda row: any('999999' in item['content'] for item in row['messages'])\n"
        "told['found'] = len(data.filter(hold, load_from_cache_file=False))",
        "",
    ),
    "pandas": (
        "import pandas",
        "data = pandas.read_json(path, lines=True)\ntold['rows'] = len(data)",
        "assert data.iloc[len(data) - 1]['messages']",
    ),
}


def make_jsonl(path: Path, rows: int) -> None:
    """Writes conversations of about 415 bytes a row."""
    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)] + [
        "the"
    ]
    turns = [(" ".join(chance.choices(words, k=12)), " ".join(chance.choices(words, k=38))) for _ in range(2000)]
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            asked, answered = turns[row % len(turns)]
            messages = [{"role": "user", "content": f"{row} {asked}"}, {"role": "assistant", "content": answered}]
            file.write(json.dumps({"messages": messages}) + "\n")


def make_csv(path: Path, size: int) -> None:
    """Writes `size` bytes of CSV, some cells of which hold line breaks."""
    text = "".join(f'{row},"What, of {row}?\nI ask.",It is {row} and a little more of it.\n' for row in range(100_000))
    block = text.encode()
    with path.open("wb") as file:
        file.write(b"id,prompt,completion\n")
        while file.tell() < size:
            file.write(block)


def measured(name: str, path: Path, home: Path) -> dict[str, float]:
    """Runs a contender in a process and a home of its own; returns what it tells."""
    load, work, after = CONTENDERS[name]
    with tempfile.TemporaryDirectory(dir=home) as fresh:
        code = _BEGIN.format(load=load, work=work, after=after)
        environment = os.environ | {"STUDIO_HOME": fresh, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", code, str(path), fresh]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def first_page(path: Path, home: Path) -> dict[str, float]:
    """Starts the command that the window starts; returns how long the first rows and a cancel take, and its memory."""
    from studio.core.data.index import RowIndex

    with tempfile.TemporaryDirectory(dir=home) as fresh:
        command = [sys.executable, "-m", "studio", "data", "index", str(path), "--json"]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"STUDIO_HOME": fresh})
        assert child.stdout is not None
        folder = json.loads(child.stdout.readline())["index"]
        child.stdout.readline()
        known = RowIndex(Path(folder))
        assert all(row.parsed.data for row in known.rows(0, 100))
        first = time.perf_counter() - began
        deadline = time.perf_counter() + 10
        while time.perf_counter() < deadline and child.poll() is None:
            child.stdout.readline()
        status = Path(f"/proc/{child.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)
        began = time.perf_counter()
        child.send_signal(signal.SIGINT)
        child.communicate()
        cancel = time.perf_counter() - began
        return {"first_page_s": first, "cancel_s": cancel, "peak_mb": peak, "rows_by_then": len(known)}


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--csv-gb", type=float, default=10.0)
    options.add_argument("--folder", default=None)
    args = options.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        home = Path(folder)
        make_jsonl(home / "rows.jsonl", args.rows)
        for _ in range(args.rounds):
            for name in CONTENDERS:
                told = measured(name, home / "rows.jsonl", home)
                best = found.setdefault(name, told)
                found[name] = {key: min(value, best[key]) for key, value in told.items()}
        size = (home / "rows.jsonl").stat().st_size
        if args.csv_gb:
            make_csv(home / "rows.csv", int(args.csv_gb * 1e9))
            pages = [first_page(home / "rows.csv", home) for _ in range(args.rounds)]
            found["csv"] = {key: min(page[key] for page in pages) for key in pages[0]} | {"gb": args.csv_gb}
    print(json.dumps({"rows": args.rows, "mb": size / 1e6, "found": found}, indent=1))


if __name__ == "__main__":
    main()
