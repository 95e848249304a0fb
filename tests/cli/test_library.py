"""The commands over the adapter library and `export`: what they print, what they refuse, and with which code."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from studio import cli
from studio.core import library, runs
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig
from studio.core.errors import EXIT_CODES
from studio.core.library import Base, Entry
from studio.engine import adapters
from studio.engine.model import load_base
from studio.engine.weights import fingerprint
from tests.models import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("llama", tmp_path_factory.mktemp("model") / "base")


@pytest.fixture(scope="module")
def made(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEFT folder of random weights."""
    model: Any = load_base(base, ModelSpec(path=str(base), dtype="float32"), torch.device("cpu"))
    adapted: Any = adapters.attach(model, AdapterSpec(r=2))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    folder = tmp_path_factory.mktemp("made") / "French tutor"
    adapters.save_adapter(adapted, folder, "org/base")
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.run(arguments) == code
    said = capsys.readouterr()
    return said.out, said.err


def data(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    return json.loads(run(capsys, *arguments, "--json", code=code)[0])


def entered(base: Path, made: Path, **about: Any) -> Entry:
    known = Base(path=str(base), fingerprint=fingerprint(base))
    given: dict[str, Any] = {"title": "tutor", "base": known} | about
    return library.add(made, **given)


def test_an_adapter_comes_in_goes_out_and_comes_back(
    base: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data(capsys, "adapters", "list") == []
    assert "no adapters yet" in run(capsys, "adapters", "list")[0]
    added = data(capsys, "adapters", "add", str(made), "--base", str(base), "--tag", "fr", "--tag", "x", "--note", "n")
    assert (added["name"], added["tags"], added["note"]) == ("French-tutor", ["fr", "x"], "n")
    assert added["base"] == {"path": str(base), "fingerprint": fingerprint(base), "revision": None}
    assert [item["name"] for item in data(capsys, "adapters", "list")] == ["French-tutor"]
    assert data(capsys, "adapters", "show", "tutor") == added
    trashed = data(capsys, "adapters", "remove", "tutor")
    assert Path(trashed["path"], library.WEIGHTS).is_file()
    assert data(capsys, "adapters", "list") == []
    assert data(capsys, "adapters", "restore", "French-tutor") == added


def test_an_adapter_gets_a_title_tags_and_a_note(base: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = entered(base, made, tags=["old"]).sha256
    renamed = data(capsys, "adapters", "rename", "tutor", " Tutor of\nFrench ")
    assert (renamed["name"], renamed["title"]) == ("tutor", "Tutor of French")
    assert data(capsys, "adapters", "tag", "tutor", "fr", "FR", "OLD", " ")["tags"] == ["old", "fr"]
    assert run(capsys, "adapters", "tag", "tutor", "x, y")[0] == "Tags of tutor: old, fr, x, y\n"
    assert data(capsys, "adapters", "tag", "tutor", "--remove", "Fr", "old,y", "nothing")["tags"] == ["x"]
    assert run(capsys, "adapters", "tag", "tutor", "--remove", "x")[0] == "Tags of tutor: none\n"
    assert run(capsys, "adapters", "note", "tutor", "for\nclass")[0] == "Note on tutor: for class\n"
    assert library.find("tutor").note == "for\nclass"
    assert data(capsys, "adapters", "note", "tutor", "")["note"] == ""
    assert library.verified(library.find("tutor")).sha256 == weights
    assert "title is empty" in run(capsys, "adapters", "rename", "tutor", " ", code=EXIT_CODES["usage"])[1]
    assert library.find("tutor").title == "Tutor of French"


def test_a_wrong_option_is_told_with_the_usage_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("adapters", "tag", "a", "b", "--wrong"), ("export", "a", "--to", "peft", "out", "--wrong")):
        with pytest.raises(SystemExit) as end:
            cli.run(words)
        assert end.value.code == EXIT_CODES["usage"]
        said = capsys.readouterr().err
        command = " ".join(words[:2] if words[0] == "adapters" else words[:1])
        assert said.startswith(f"usage: studio {command} [-h] [--json]")
        assert "unrecognized arguments: --wrong" in said


def test_people_read_plain_lines(base: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entered(base, made, metrics={"loss": 1.23456, "eval_loss": 2.0, "step": 7}, note="for class", run="r1")
    out, _ = run(capsys, "adapters", "list")
    assert [line.split()[-3:] for line in out.splitlines()] == [["LOSS", "REWARD", "ACCURACY"], ["1.235", "2", "-"]]
    entered(base, made, title="prefers", metrics={"eval_reward_accuracy": 0.875})
    assert run(capsys, "adapters", "list")[0].splitlines()[1].split()[-3:] == ["-", "-", "88%"]
    out, _ = run(capsys, "adapters", "show", "tutor")
    for word in ("Run", "r1", "step 7", "for class", fingerprint(base)[:12]):
        assert word in out
    assert "Damage" not in out
    assert "Learning rate" not in out
    config = {"adapter": {"r": 4, "rank_pattern": {}, "bias": "none"}, "training": {"learning_rate": 2e-4}}
    entered(base, made, title="later", config=config, metrics={"step": 9, "learning_rates": [[3, 1e-5], "what", [4]]})
    lines = [line.split(maxsplit=1) for line in run(capsys, "adapters", "show", "later")[0].splitlines()]
    told = {line[0]: line[1] for line in lines}
    assert (told["Adapter"], told["Metrics"]) == ("r 4, bias none", "step 9")
    assert ["Learning", "rate  0.0002, 1e-05 behind step 3"] in lines
    assert run(capsys, "adapters", "remove", "tutor")[0].count("restore tutor") == 1
    assert run(capsys, "adapters", "restore", "tutor")[0] == "tutor is back.\n"


def test_damage_is_shown(base: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entered(base, made)
    weights = bytearray((entry.folder / library.WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (entry.folder / library.WEIGHTS).write_bytes(weights)
    assert "has changed since" in run(capsys, "adapters", "show", "tutor")[0]
    assert "has changed since" in data(capsys, "adapters", "show", "tutor")["fault"]
    for words in (("export", "tutor", "--to", "peft", "out"), ("chat", "--adapter", "tutor", "--prompt", "hi")):
        assert "is damaged" in run(capsys, *words, code=EXIT_CODES["adapter"])[1]
    words = ("compare", "--adapter", "tutor", "--prompt", "hi")
    assert "has changed since" in run(capsys, *words, code=EXIT_CODES["adapter"])[1]


@pytest.mark.parametrize(
    ("arguments", "reason", "words"),
    [
        (("adapters", "show", "nobody"), "adapter", "There is no adapter `nobody`"),
        (("adapters", "remove", "nobody"), "adapter", "There is no adapter `nobody`"),
        (("adapters", "tag", "nobody", "x"), "adapter", "There is no adapter `nobody`"),
        (("adapters", "restore", "nobody"), "adapter", "No adapter `nobody` was removed"),
        (("adapters", "add", "nowhere"), "adapter", "holds no adapter"),
        (("export", "nobody", "--to", "peft", "out"), "adapter", "There is no adapter `nobody`"),
    ],
)
def test_what_is_not_there_is_named(
    arguments: tuple[str, ...], reason: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in run(capsys, *arguments, code=EXIT_CODES[reason])[1]
    error = data(capsys, *arguments, code=EXIT_CODES[reason])["error"]
    assert error["reason"] == reason
    assert error["hint"]


def test_pickles_and_oddities_do_not_come_in(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "adapter_config.json").write_text((made / "adapter_config.json").read_text())
    (folder / "adapter_model.bin").write_bytes(b"pickle")
    assert "pickle" in run(capsys, "adapters", "add", str(folder), code=EXIT_CODES["adapter"])[1]
    (folder / library.WEIGHTS).write_bytes(b"not safetensors")
    run(capsys, "adapters", "add", str(folder), code=EXIT_CODES["adapter"])
    assert library.entries() == []


def test_adding_what_is_in_the_library_is_refused_and_a_copy_of_an_entry_keeps_its_story(
    base: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entered(base, made, metrics={"loss": 1.0})
    assert "already" in run(capsys, "adapters", "add", str(entry.folder), code=EXIT_CODES["usage"])[1]
    copy = tmp_path / "from another machine"
    entry.folder.rename(copy)
    added = data(capsys, "adapters", "add", str(copy))
    assert (added["title"], added["metrics"], added["base"]["fingerprint"]) == (
        "tutor",
        {"loss": 1.0},
        entry.base.fingerprint,
    )


def a_run(base: Path, made: Path, folder: Path) -> Path:
    """Returns the adapter in the folder of a run, made there by hand."""
    made_by = runs.create(RunConfig(model=ModelSpec(path=str(base)), data=DataSpec(path="/x.jsonl")), folder)
    return Path(shutil.copytree(made, made_by.path / "adapter"))


def test_what_a_run_added_is_not_added_again_and_what_is_said_of_it_is_kept(
    base: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(a_run(base, made, tmp_path / "pa" / "run"))
    assert run(capsys, "adapters", "add", folder, "--tag", "Old") == ("Added as run.\n", "")
    again = "run is this adapter, in the library already: it was not added again"
    assert run(capsys, "adapters", "add", folder)[0] == f"{again}.\n"
    more = ("--title", "Tutor", "--note", "for class", "--tag", "old", "--tag", "fr")
    assert run(capsys, "adapters", "add", folder, *more)[0] == f"{again}, and now it is as you said.\n"
    (entry,) = library.entries()
    assert (entry.name, entry.title, entry.note, entry.tags) == ("run", "Tutor", "for class", ["Old", "fr"])


def test_another_run_of_the_same_name_is_another_run(
    base: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("pa", "pb"):
        run(capsys, "adapters", "add", str(a_run(base, made, tmp_path / part / "run")))
    held = {entry.name: entry.run for entry in library.entries()}
    assert held == {"run": str(tmp_path / "pa" / "run"), "run-2": str(tmp_path / "pb" / "run")}
    assert all(runs.find(address).path == Path(address) for address in held.values())


@pytest.mark.parametrize("named", ["here", "in the adapter"])
def test_a_base_beside_the_adapter_is_found_from_every_folder(
    base: Path,
    made: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    named: str,
) -> None:
    shutil.copytree(base, tmp_path / "org" / "base")
    monkeypatch.chdir(tmp_path)
    given = ("--base", "org/base") if named == "here" else ()
    assert data(capsys, "adapters", "add", str(made), *given)["base"]["path"] == str(tmp_path / "org" / "base")
    monkeypatch.chdir(tmp_path / "org")
    answer = run(capsys, "chat", "--adapter", "French", "--prompt", "hi", "--max-new-tokens", "2", "--json")[0]
    assert json.loads(answer)["adapter"] == "French-tutor"
    assert data(capsys, "adapters", "add", str(made), "--base", "demo")["base"]["path"] == "demo"


def test_an_adapter_that_changed_the_base_does_not_come_in(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(made, tmp_path / "odd"))
    about = json.loads((folder / library.PEFT_CONFIG).read_text())
    (folder / library.PEFT_CONFIG).write_text(json.dumps(about | {"init_lora_weights": "pissa_niter_16"}))
    first, second = run(capsys, "adapters", "add", str(folder), code=EXIT_CODES["adapter"])[1].splitlines()
    assert "began as pissa_niter_16" in first
    assert "path_initial_model_for_weight_conversion" in second
    assert library.entries() == []


def test_export_proves_and_tells(base: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entered(base, made)
    told = data(capsys, "export", "tutor", "--to", "peft", str(tmp_path / "peft"))
    assert told.keys() == {"path", "to", "files", "bytes", "proof", "folded", "consumers"}
    assert told["consumers"][1] == {"program": "vLLM", "to": "peft", "add": "--enable-lora", "said": ""}
    assert told["proof"].keys() >= {"max_abs_difference", "argmax_equal", "positions", "bound"}
    assert (tmp_path / "peft" / library.WEIGHTS).is_file()
    out, _ = run(capsys, "export", "tutor", "--to", "peft", str(tmp_path / "again"))
    assert ("worked into its matrices" in out) == told["folded"]
    assert [line.split("  ")[0] for line in out.splitlines()[-4:]] == ["vLLM", "llama.cpp", "Ollama", "LM Studio"]
    lora = data(capsys, "export", "tutor", "--to", "gguf-lora", str(tmp_path / "lora"))
    assert lora["files"] == ["Modelfile", "README.md", "chat_template.jinja", "tutor-LoRA.gguf"]
    assert (lora["consumers"], lora["proof"]["max_abs_difference"] < 1e-3) == ([], True)
    out, _ = run(capsys, "export", "tutor", "--to", "merged", str(tmp_path / "merged"))
    assert "100.0% of the likeliest tokens are the same" in out
    assert (tmp_path / "merged" / "model.safetensors").is_file()
    small = data(capsys, "export", "tutor", "--to", "gguf", str(tmp_path / "gguf"), "--gguf-type", "q8_0")
    assert small["files"] == ["Modelfile", "README.md", "tutor-Q8_0.gguf"]
    assert small["proof"]["tokens"] > 500
    out, _ = run(capsys, "export", "tutor", "--to", "gguf", str(tmp_path / "four"), "--gguf-type", "q4_1")
    assert "Of 5 answers of the live adapter " in out
    out, _ = run(capsys, "export", "tutor", "--to", "gguf", str(tmp_path / "half"))
    assert "tokens of texts that were split by it" in out
    assert (tmp_path / "half" / "tutor-F16.gguf").is_file()
    wrong = ("export", "tutor", "--to", "merged", str(tmp_path / "no"), "--gguf-type", "f16")
    assert "is for --to gguf" in run(capsys, *wrong, code=EXIT_CODES["usage"])[1]
    taken = run(capsys, "export", "tutor", "--to", "peft", str(tmp_path / "peft"), code=EXIT_CODES["usage"])[1]
    assert "is there already" in taken


def test_an_exported_adapter_taken_in_again_knows_its_base(
    base: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entered(base, made)
    out, other = str(tmp_path / "out"), str(tiny("llama", tmp_path / "other", initializer_range=0.2))
    data(capsys, "export", "tutor", "--to", "peft", out)
    library.remove(library.find("tutor"))
    wrong = ("--model", other, "--prompt", "hi")
    for name in (out, data(capsys, "adapters", "add", out, "--base", other)["name"]):
        said = run(capsys, "compare", "--adapter", name, *wrong, code=EXIT_CODES["adapter"])[1]
        assert "trained on other weights" in said


def test_export_wants_the_base_of_the_training(
    base: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entered(base, made)
    other = tiny("llama", tmp_path / "other", initializer_range=0.2)
    arguments = ("export", "tutor", "--to", "peft", str(tmp_path / "out"), "--base", str(other))
    assert "trained on other weights" in run(capsys, *arguments, code=EXIT_CODES["adapter"])[1]
    assert not (tmp_path / "out").exists()
    assert "Warning" in run(capsys, *arguments, "--force")[1]
    gone = data(capsys, "adapters", "add", str(made), "--title", "homeless")["name"]
    run(capsys, "export", gone, "--to", "peft", str(tmp_path / "x"), code=EXIT_CODES["network"])


def test_nothing_a_stranger_wrote_steers_the_terminal(
    base: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "a\x1b]0;owned\x07\u202eb\nc"
    library.add(made, title="x", base=Base(path=f"org/{evil}"), note=evil, run=evil, tags=[evil])
    (entry,) = library.entries()
    about = json.loads((entry.folder / "entry.json").read_text())
    (entry.folder / "entry.json").write_text(json.dumps(about | {"title": evil}))
    shown = [run(capsys, "adapters", "list")[0], run(capsys, "adapters", "show", "x")[0]]
    _, said = run(capsys, "chat", "--adapter", "x", "--prompt", "hi", code=EXIT_CODES["model"])
    for text in (*shown, said):
        assert "a\\x1b]0;owned\\x07\\u202eb" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert len(shown[0].splitlines()) == 2


def test_a_folder_no_system_can_have_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("~nosuchuser/x", "x" * 300):
        for action in ("show", "add"):
            assert "cannot be opened" in run(capsys, "adapters", action, name, code=EXIT_CODES["adapter"])[1]
