"""Large data files: a million rows of JSONL opened, read, searched and checked, beside `datasets` and pandas.

    python -m tests.bench.data [--rows 1000000] [--rounds 3] [--csv-gb 10] [--folder FOLDER]

Each figure is of a process of its own, all of them in turn, ROUNDS times; printed as JSON is the least of each:
`wall_s` and `cpu_s` from the work's begin (libraries loaded) and `peak_mb` of the whole process; of a search `first_s`
is when its first finds were there. `window` is the real window, without a screen: from the moment a file is opened in
it to its first rows in the table, and its memory with the file, with a version of all its rows, and scrolled through.
The CSV file, of its own size, is for the first page and the cancel of a file that is larger than memory.
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

import psutil

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
_OURS = "from studio.core.data import index, ordering, search, sources\nfrom studio.core.data.search import Query"
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
_SEARCH = """
told["found"] = 0
for found in search.search(known, Query({query})):
    told["found"] += len(found.rows)
    if told["found"]:
        told.setdefault("first_s", time.perf_counter() - wall)
"""
_VERSIONS = "from studio.core.versions import steps, store\nfrom studio.core.versions.recipe import Source"
_VERSION = "version = store.Version(store.create('bench', [Source(path=path)]))"
_FILTER = "version.add(steps.Filter(min_chars=300))\ntold['rows'] = len(version.selection)"
_OPEN = f"{_OURS}\nknown = index.build(sources.find(path))"
CONTENDERS = {
    "index": (_OURS, _INDEX, _ANY_ROW),
    "search_rare": (_OPEN, _SEARCH.format(query="text='999999'"), ""),
    "search_some": (_OPEN, _SEARCH.format(query="text='the'"), ""),
    "search_all": (_OPEN, _SEARCH.format(query="text='e'"), ""),
    "search_role": (_OPEN, _SEARCH.format(query="role='assistant'"), ""),
    "expression_rare": (_OPEN, _SEARCH.format(query=r"text=r'\b9999\d\b', expression=True"), ""),
    "expression_some": (_OPEN, _SEARCH.format(query="text='e.e', expression=True"), ""),
    "expression_all": (_OPEN, _SEARCH.format(query="text='[aeiou]', expression=True"), ""),
    "sort_length": (_OPEN, "told['rows'] = len(ordering.order(known, 'length'))", ""),
    "sort_column": (_OPEN, "told['rows'] = len(ordering.order(known, 'messages'))", ""),
    "version_make": (_VERSIONS, f"{_VERSION}\ntold['rows'] = len(version.selection)", ""),
    "version_open": (f"{_VERSIONS}\n{_VERSION}", "told['rows'] = len(store.Version(version.path).selection)", ""),
    "version_filter": (f"{_VERSIONS}\n{_VERSION}", _FILTER, ""),
    "version_search": (
        f"{_OURS}\n{_VERSIONS}\nfrom studio.core.versions import indexing\n{_VERSION}",
        "known = indexing.index_of(store.Version(version.path))" + _SEARCH.format(query="text='the'"),
        "",
    ),
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
    "pandas_search": (
        "import pandas\ndata = pandas.read_json(path, lines=True)",
        "hold = lambda row: any('999999' in item['content'] for item in row)\n"
        "told['found'] = int(data['messages'].map(hold).sum())",
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


def in_window(path: Path, home: Path) -> dict[str, float]:
    """Opens a file in a window of its own process and home; returns what `look` tells."""
    with tempfile.TemporaryDirectory(dir=home) as fresh:
        environment = os.environ | {"STUDIO_HOME": fresh, "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "tests.bench.data", "--window", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def look(path: Path) -> dict[str, float]:
    """Opens a file in the window, and a version of it, and scrolls through it; in this process."""
    from studio.core.versions import recipe
    from studio.ui.pages.data import DataPage
    from tests.bench.window import opened, spin

    def memory(name: str) -> None:
        told[name] = psutil.Process().memory_info().rss / 1e6

    _, window = opened()
    window.session.spare.keep()
    spin(3.0)
    window.show_page("data")
    spin(0.5)
    page, told = window.page("data"), dict[str, float]()
    assert isinstance(page, DataPage)
    memory("idle_mb")
    told["spare_mb"] = psutil.Process(window.session.spare.process_id).memory_info().rss / 1e6
    rows, began = page.table_model, time.perf_counter()

    def painted() -> bool:
        page.rows.table.viewport().repaint()
        return rows.rowCount() > 0 and rows.data(rows.index(0, 3)) not in (None, "", "\u00b7\u00b7\u00b7")

    window.open_path(path)
    spin(until=painted)
    told["first_rows_s"] = time.perf_counter() - began
    spin(until=lambda: bool(page.plain.reading and page.plain.reading.complete))
    told["indexed_s"] = time.perf_counter() - began
    spin(until=lambda: not (page.plain.reading and page.plain.reading.busy), limit_s=600.0)
    memory("file_mb")
    page.search.setText("the")
    began = time.perf_counter()
    # Until then all rows are shown.
    spin(until=lambda: rows.shown() is not None and painted())
    told["first_finds_s"] = time.perf_counter() - began
    first = rows.row(0)
    assert first is not None
    assert "the" in json.dumps(first.data)
    page.search.setText("")
    spin(1.0)
    began = time.perf_counter()
    page._editing.create(str(path), "auto", {})
    spin(until=lambda: page._editing.version is not None, limit_s=600.0)
    told["version_s"] = time.perf_counter() - began
    memory("version_mb")
    chance, slowest = random.Random(0), 0.0
    for _ in range(300):
        began = time.perf_counter()
        page.rows.table.scrollTo(rows.index(chance.randrange(rows.rowCount()), 0))
        page.rows.table.viewport().repaint()
        slowest = max(slowest, time.perf_counter() - began)
        spin(0.02)
    told["slowest_scroll_ms"] = 1000 * slowest
    memory("scrolled_mb")
    assert recipe.listed()
    window.close()
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
    options.add_argument("--window", type=Path, default=None, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.window:
        print(json.dumps(look(args.window)))
        return
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        home = Path(folder)
        make_jsonl(home / "rows.jsonl", args.rows)
        for _ in range(args.rounds):
            for name in CONTENDERS:
                told = measured(name, home / "rows.jsonl", home)
                best = found.setdefault(name, told)
                found[name] = {key: min(value, best[key]) for key, value in told.items()}
            told = in_window(home / "rows.jsonl", home)
            best = found.setdefault("window", told)
            found["window"] = {key: min(value, best[key]) for key, value in told.items()}
        size = (home / "rows.jsonl").stat().st_size
        if args.csv_gb:
            make_csv(home / "rows.csv", int(args.csv_gb * 1e9))
            pages = [first_page(home / "rows.csv", home) for _ in range(args.rounds)]
            found["csv"] = {key: min(page[key] for page in pages) for key in pages[0]} | {"gb": args.csv_gb}
    print(json.dumps({"rows": args.rows, "mb": size / 1e6, "found": found}, indent=1))


if __name__ == "__main__":
    main()
