"""The adapter library: what goes in comes out whole, once, under a name of its own, and damage stays where it is."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from studio import paths
from studio.core import entry as entry_module
from studio.core import library
from studio.core.errors import StudioError
from tests.held import held


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def peft_folder(path: Path, value: float = 1.0) -> Path:
    path.mkdir(parents=True)
    config = {"peft_type": "LORA", "r": 2, "target_modules": ["q"], "base_model_name_or_path": "org/base"}
    (path / "adapter_config.json").write_text(json.dumps(config))
    save_file({"base_model.model.q.lora_A.weight": np.full((2, 4), value, np.float32)}, path / library.WEIGHTS)
    (path / "README.md").write_text("# a card")
    return path


def added(tmp_path: Path, title: str, value: float = 1.0, **about: Any) -> library.Entry:
    return library.add(peft_folder(tmp_path / f"made-{time.monotonic_ns()}", value), title=title, **about)


def test_an_added_adapter_is_listed_with_all_that_was_told(tmp_path: Path) -> None:
    base = library.Base(path="demo", fingerprint="ab" * 32)
    data = library.Data(path="/data/x.jsonl", fingerprint="cd" * 32, rows=9)
    about: dict[str, Any] = {
        "config": {"adapter": {"r": 2}},
        "metrics": {"eval_loss": float("nan"), "steps": 3},
        "run": "r1",
    }
    entry = added(tmp_path, "Müllers Stütze 支援", base=base, data=data, note="n", tags=["a", "b"], **about)
    (listed,) = library.entries()
    assert listed.name == entry.name == "Müllers-Stütze-支援"
    assert (listed.title, listed.base, listed.data) == ("Müllers Stütze 支援", base, data)
    assert (listed.config, listed.run, listed.note, listed.tags) == ({"adapter": {"r": 2}}, "r1", "n", ["a", "b"])
    assert listed.metrics["steps"] == 3
    assert listed.metrics["eval_loss"] != listed.metrics["eval_loss"]  # NaN survives
    assert not listed.fault
    assert abs(listed.created_s - time.time()) < 60
    assert json.loads(json.dumps(library.to_dict(listed)))["folder"] == str(paths.adapters_dir() / entry.name)


def test_a_damaged_adapter_of_a_run_is_added_anew(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "made", 1.0)
    first = library.add(folder, title="t", run="r")
    (first.folder / library.PEFT_CONFIG).unlink()
    second = library.add(folder, title="t", run="r")
    assert second.name != first.name
    assert not second.fault
    assert library.add(folder, title="t", run="r") == second


def test_runs_of_one_name_are_told_apart_by_where_they_lie(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "made", 1.0)
    first, second = (library.add(folder, title="t", run=f"/{part}/run") for part in ("pa", "pb"))
    assert (first.name, second.name) == ("t", "t-2")
    assert library.known(folder, "/pa/run") == first
    assert library.known(folder, "/pc/run") is None
    assert library.known(folder, "") is None


def with_config(tmp_path: Path, **model: Any) -> library.Entry:
    return added(tmp_path, "t", config={"model": model})


def test_one_base_is_held_for_several_adapters_whatever_their_order(tmp_path: Path) -> None:
    unknown, plain, half = added(tmp_path, "u"), with_config(tmp_path), with_config(tmp_path, dtype="float16")
    nf4, eight = (with_config(tmp_path, quantization=name) for name in ("nf4", "8bit"))
    for entries, quantization, dtype in (
        ([], "none", "auto"),
        ([unknown], "none", "auto"),
        ([unknown, nf4], "nf4", "auto"),
        ([nf4, nf4], "nf4", "auto"),
        ([nf4, eight], "none", "auto"),
        ([plain, nf4, unknown], "none", "auto"),
        ([half, half], "none", "float16"),
        ([half, nf4], "none", "auto"),
    ):
        for ordered in (entries, entries[::-1]):
            spec = library.shared_spec(library.model_specs(ordered))
            assert (spec.quantization, spec.dtype) == (quantization, dtype)
    with pytest.raises(StudioError, match="quantization"):
        library.model_specs([with_config(tmp_path, quantization="nf5")])


def test_what_trainings_did_not_have_in_common_is_said(tmp_path: Path) -> None:
    made = [with_config(tmp_path), with_config(tmp_path, quantization="nf4"), with_config(tmp_path, dtype="float16")]
    specs = library.model_specs(made)
    assert library.compromises(specs[:1]) == {}
    said = library.compromises(specs)
    assert said["quantization"].endswith("model.quantization nf4 and none; here all columns have none.")
    assert said["dtype"].endswith("model.dtype auto and float16; here all columns have auto.")
    assert list(library.compromises(specs[:2], ["quantization"])) == []


def test_weights_that_change_while_they_are_copied_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, copy = peft_folder(tmp_path / "made", 1.0), shutil.copyfileobj

    def other(source: Any, target: Any, length: int) -> None:
        copy(source, target, length)
        if source.name.endswith(library.WEIGHTS):
            target.seek(0)
            target.write(b"x")

    monkeypatch.setattr(shutil, "copyfileobj", other)
    with pytest.raises(StudioError, match="changed while it was copied"):
        library.add(folder, title="t")
    assert library.entries() == []


def test_only_what_belongs_to_an_adapter_is_copied(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "foreign")
    (folder / "training_args.bin").write_bytes(b"pickle")
    (folder / "secret.txt").write_text("token")
    (tmp_path / "private").write_text("private")
    (folder / "chat_template.jinja").symlink_to(tmp_path / "private")
    entry = library.add(folder, title="foreign")
    assert sorted(item.name for item in entry.folder.iterdir()) == sorted(
        ["README.md", "adapter_config.json", library.WEIGHTS, "entry.json"]
    )
    assert entry.base == library.Base(path="org/base")
    assert (folder / "secret.txt").exists()


def test_names_never_take_anothers_place(tmp_path: Path) -> None:
    names = [added(tmp_path, "Same", value).name for value in (1.0, 2.0, 3.0)]
    assert names == ["Same", "Same-2", "Same-3"]
    assert len({entry.sha256 for entry in library.entries()}) == 3
    assert library.entries()[0].name == "Same-3", "newest first"


@pytest.mark.parametrize("title", ["", "../../etc", "a/b\\c:d*?", "CON", ".hidden", "x" * 300])
def test_any_title_makes_a_plain_folder_name(tmp_path: Path, title: str) -> None:
    entry = added(tmp_path, title)
    assert entry.folder.parent == paths.adapters_dir()
    assert not entry.name.startswith(".")
    assert library.entries()[0].title == title


def test_adding_a_run_again_changes_nothing(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "result")
    first = library.add(folder, title="t", run="run-1")
    assert library.add(folder, title="t", run="run-1") == first
    assert library.add(folder, title="t", run="run-2").name == "t-2"
    save_file({"x": np.ones(3, np.float32)}, folder / library.WEIGHTS)
    assert library.add(folder, title="t", run="run-1").name == "t-3"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("entry.json", b"{", "entry.json cannot be read"),
        ("entry.json", b"[" * 100_000, "entry.json cannot be read"),
        ("entry.json", b"[1]", "entry.json cannot be read"),
        ("entry.json", b'{"created_s": "yesterday"}', "entry.json holds wrong values"),
        ("entry.json", None, "entry.json is missing"),
        (library.WEIGHTS, None, "is missing"),
        (library.WEIGHTS, b"short", "has 5 bytes instead of"),
        (library.PEFT_CONFIG, None, "is missing"),
    ],
)
def test_damage_is_said_and_hides_no_other(tmp_path: Path, name: str, content: bytes | None, fault: str) -> None:
    added(tmp_path, "sound")
    bad = added(tmp_path, "bad")
    (bad.folder / name).unlink()
    if content is not None:
        (bad.folder / name).write_bytes(content)
    faults = {entry.name: entry.fault for entry in library.entries()}
    assert faults["sound"] == ""
    assert fault in faults["bad"]
    library.remove(library.find("bad"))
    assert [entry.name for entry in library.entries()] == ["sound"]


def test_one_flipped_byte_is_found(tmp_path: Path) -> None:
    entry = added(tmp_path, "x")
    assert library.verified(entry) == entry
    weights = bytearray((entry.folder / library.WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (entry.folder / library.WEIGHTS).write_bytes(weights)
    assert "has changed" in library.verified(library.find("x")).fault


def test_find_by_name_title_part_and_folder(tmp_path: Path) -> None:
    one, two = added(tmp_path, "Support desk"), added(tmp_path, "Support mail")
    for name in ("Support-desk", "Support desk", "DESK", str(one.folder)):
        assert library.find(name) == one
    assert library.find("mail") == two
    with pytest.raises(StudioError, match="could mean 2 adapters: Support-mail, Support-desk"):
        library.find("support")
    with pytest.raises(StudioError, match="There is no adapter `none`") as error:
        library.find("none")
    assert error.value.reason == "adapter"


def test_nothing_is_meant_by_no_name(tmp_path: Path) -> None:
    added(tmp_path, "only")
    with pytest.raises(StudioError, match="No adapter was named"):
        library.find("")


def test_what_a_file_browser_leaves_in_the_trash_is_in_nobodys_way(tmp_path: Path) -> None:
    gone = library.remove(added(tmp_path, "gone"))
    (gone.parent / ".DS_Store").write_bytes(b"")
    assert library.restore("gone").name == "gone"


def test_removed_adapters_come_back_newest_first_and_overwrite_nothing(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        trashed = library.remove(added(tmp_path, "x", value))
        assert (trashed / library.WEIGHTS).is_file()
    assert library.entries() == []
    now = added(tmp_path, "x", 3.0)
    back = library.restore("x")
    assert back.name == "x-2"
    assert np.frombuffer((back.folder / library.WEIGHTS).read_bytes()[-4:], np.float32)[0] == 2.0
    assert library.find("x").sha256 == now.sha256
    assert library.restore("x").name == "x-3"
    with pytest.raises(StudioError, match="No adapter `x` was removed"):
        library.restore("x")


def test_a_name_comes_back_before_a_title_and_a_title_that_only_one_has(tmp_path: Path) -> None:
    first, later = added(tmp_path, "first"), added(tmp_path, "later")
    library.remove(first)
    library.remove(library.change(later, title="first"))
    assert library.restore("first").name == "first"
    library.remove(library.change(library.find("first"), title="both"))
    library.remove(library.change(added(tmp_path, "third"), title="both"))
    with pytest.raises(StudioError, match=r"`both` could mean 2 adapters: third, first\. Write the name"):
        library.restore("both")
    assert library.restore("first").title == "both"
    assert library.restore("both").name == "third"


def test_a_name_taken_while_an_adapter_comes_back_to_it_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = added(tmp_path, "first")
    trashed, rename = library.remove(entry), os.replace

    def late(source: Path, target: Path) -> None:
        (entry.folder / "copied by hand").mkdir(parents=True, exist_ok=True)
        rename(source, target)

    monkeypatch.setattr("os.replace", late)
    assert library.restore_from(trashed).name == "first-2"


def test_by_its_place_in_the_trash_exactly_that_one_comes_back(tmp_path: Path) -> None:
    first = library.remove(added(tmp_path, "x", 1.0))
    library.remove(added(tmp_path, "x", 2.0))
    added(tmp_path, "x", 3.0)
    back = library.restore_from(first)
    assert back.name == "x-2"
    assert np.frombuffer((back.folder / library.WEIGHTS).read_bytes()[-4:], np.float32)[0] == 1.0
    with pytest.raises(StudioError, match="not in the trash any more"):
        library.restore_from(first)


@pytest.mark.parametrize(
    ("missing", "words"), [(library.WEIGHTS, "pickled ones"), (library.PEFT_CONFIG, "no readable adapter_config.json")]
)
def test_a_folder_without_an_adapter_is_refused(tmp_path: Path, missing: str, words: str) -> None:
    folder = peft_folder(tmp_path / "f")
    (folder / missing).unlink()
    with pytest.raises(StudioError, match=words) as error:
        library.add(folder, title="f")
    assert error.value.reason == "adapter"
    assert library.entries() == []


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX systems do")
def test_a_full_disk_leaves_nothing_behind_and_says_so(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "f")
    save_file({"x": np.zeros(100_000, np.float32)}, folder / library.WEIGHTS)
    code = (
        "import resource, signal, sys, pathlib; from studio.core import library, errors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: library.add(pathlib.Path(sys.argv[1]), title='f')\n"
        "except errors.StudioError as error: print(error.reason, error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("disk The disk is full")
    assert [item.name for item in paths.adapters_dir().iterdir()] == [".lock"]


def test_processes_adding_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "f")
    stale = paths.adapters_dir() / ".stage-dead"
    stale.mkdir(parents=True)
    code = (
        "import sys, pathlib; from studio.core import library\n"
        "for i in range(10): library.add(pathlib.Path(sys.argv[1]), title='same')"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(folder)]) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    assert len(library.entries()) == 20
    assert {entry.fault for entry in library.entries()} == {""}
    assert not stale.exists()


def test_a_thousand_adapters_are_listed_without_delay(tmp_path: Path) -> None:
    entry = added(tmp_path, "x", config={"training": {str(i): i for i in range(60)}})
    for number in range(1000):
        copy = paths.adapters_dir() / f"x{number}"
        copy.mkdir()
        for item in entry.folder.iterdir():
            os.link(item, copy / item.name)
    started = time.process_time()
    assert len(library.entries()) == 1001
    # A quarter of a second; what reads each of them with all others takes minutes.
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["~nosuchuser/x", "a\0b", "x" * 300])
def test_a_name_that_no_folder_can_have_is_said(name: str) -> None:
    for look in (library.find, library.located):
        with pytest.raises(StudioError) as caught:
            look(name)
        assert caught.value.reason == "adapter"


@pytest.mark.parametrize(
    "values",
    [
        {"created_s": 1e20},
        {"created_s": float("inf")},
        {"created_s": -1},
        {"weights_bytes": 10**400},
        {"data": {"rows": 10**400}},
        {"config": {"model": 5}},
        {"config": {"data": []}},
        {"config": 7},
    ],
)
def test_values_that_cannot_be_make_a_damaged_entry_and_hide_no_other(tmp_path: Path, values: dict[str, Any]) -> None:
    added(tmp_path, "good")
    path = added(tmp_path, "bad").folder / "entry.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    faults = {entry.name: entry.fault for entry in library.entries()}
    assert faults == {"good": "", "bad": "entry.json holds wrong values."}


def test_adapters_removed_in_one_tick_of_a_clock_come_back_last_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick = 15_625_000  # ns, of Windows' clock
    exact = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: exact() // (1000 * tick) * (1000 * tick))
    for value in (1.0, 2.0, 3.0):
        library.remove(added(tmp_path, "x", value))
    last = library.restore("x")
    assert np.all(load_file(last.folder / library.WEIGHTS)["base_model.model.q.lora_A.weight"] == 3.0)
    library.remove(last)
    assert len(list((paths.home() / "trash" / "adapters").iterdir())) == 3


def test_names_that_differ_in_the_case_of_letters_alone_are_one(tmp_path: Path) -> None:
    assert added(tmp_path, "Letters").name == "Letters"
    assert added(tmp_path, "letters", 2.0).name == "letters-2"
    assert added(tmp_path, "LETTERS", 3.0).name == "LETTERS-3"


def test_an_adapter_that_a_program_has_open_stays_whole_and_is_told(tmp_path: Path) -> None:
    entry = added(tmp_path, "x")
    with held(entry.folder / library.WEIGHTS), pytest.raises(StudioError, match="in use by another program"):
        library.remove(entry)
    assert library.entries() == [entry]
    assert not library.verified(entry).fault
    with pytest.raises(StudioError, match="The trash holds no adapter"):
        library.restore("x")
    library.remove(entry)
    assert library.restore("x") == entry


def test_the_rank_of_one_made_elsewhere_is_what_its_own_config_says(tmp_path: Path) -> None:
    elsewhere = added(tmp_path, "elsewhere")
    assert entry_module.rank(elsewhere) == 2
    assert entry_module.rank(added(tmp_path, "ours", config={"adapter": {"r": 7}})) == 7
    halved = added(tmp_path, "halved", config={"adapter": {"r": 1, "init_lora_weights": "olora"}})
    assert entry_module.rank(halved) == 2
    odd = peft_folder(tmp_path / "odd")
    (odd / library.PEFT_CONFIG).write_text('{"peft_type": "LORA", "r": "many"}')
    assert entry_module.rank(library.located(str(odd))) is None


def test_no_two_are_called_alike_unless_the_user_calls_them_so(tmp_path: Path) -> None:
    made = [added(tmp_path, title) for title in ("Desk", "desk")]
    assert [(entry.title, entry.name) for entry in made] == [("Desk", "Desk"), ("desk-2", "desk-2")]
    renamed = library.change(made[1], title="Desk")
    assert renamed.title == "Desk"
    third = added(tmp_path, "Desk")
    assert (third.title, third.name) == ("Desk-2", "Desk-2-2")
