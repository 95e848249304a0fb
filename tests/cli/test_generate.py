"""`chat` and `compare`: the base is the base, the adapter the adapter, and a wrong word gets a sentence."""

import builtins
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora.layer import ParamWrapper

from studio import cli
from studio.cli import generate as commands
from studio.cli.output import printable
from studio.core import library
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, to_dict
from studio.core.errors import EXIT_CODES
from studio.core.library import Base
from studio.core.runs import create
from studio.engine import adapters
from studio.engine.generate import Sampling, answer, encoder_for
from studio.engine.model import load_base, load_tokenizer
from studio.engine.weights import fingerprint
from tests.models import tiny

CPU = torch.device("cpu")
SHORT = ("--max-new-tokens", "8")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("llama", tmp_path_factory.mktemp("model") / "base", attention_bias=True)


@pytest.fixture(scope="module")
def folders(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """PEFT folders of random weights: two plain ones and one that trained biases."""
    place = tmp_path_factory.mktemp("adapters")
    for number, (name, bias) in enumerate((("red", "none"), ("blue", "none"), ("biased", "all"))):
        adapted: Any = adapters.attach(plain(base), AdapterSpec(r=2, bias=bias))  # type: ignore[arg-type]
        torch.manual_seed(number)
        with torch.no_grad():
            for key, parameter in adapted.named_parameters():
                if parameter.requires_grad and "lora_A" not in key:
                    parameter.normal_(std=0.5)
        adapters.save_adapter(adapted, place / name, "org/base")
    return {path.name: path for path in place.iterdir()}


@pytest.fixture
def three(base: Path, folders: dict[str, Path]) -> None:
    for name, folder in folders.items():
        library.add(folder, title=name, base=Base(path=str(base), fingerprint=fingerprint(base)))


def test_experts_answer_by_the_passes_written_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny("mixtral", tmp_path / "base")
    torch.manual_seed(0)
    adapted: Any = adapters.attach(plain(base), AdapterSpec(r=2, target_parameters=["experts"]))
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(std=0.3)
    adapters.save_adapter(adapted, tmp_path / "experts", "org/base")
    passes, plainly = list[int](), ParamWrapper.forward

    def noted(*given: Any, **options: Any) -> Any:
        passes.append(1)
        return plainly(*given, **options)

    monkeypatch.setattr(ParamWrapper, "forward", noted)
    asked = ["--adapter", str(tmp_path / "experts"), "--prompt", "Hello", "--force", "--json"]
    for command in (["chat", str(base)], ["compare", "--model", str(base)]):
        assert cli.run([*command, *asked, "--max-new-tokens", "4"]) == 0
    assert not passes
    assert capsys.readouterr().out.count("\n") == 2


def plain(base: Path) -> Any:
    return load_base(base, ModelSpec(path=str(base), dtype="float32"), CPU)


def truth(base: Path, folder: Path | None, prompt: str, **sampling: Any) -> str:
    model = adapters.load_adapter(plain(base), folder) if folder else plain(base)
    messages = [{"role": "user", "content": prompt}]
    return answer(model, encoder_for(load_tokenizer(base)), messages, Sampling(**({"max_new_tokens": 8} | sampling)))


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.run(arguments) == code
    said = capsys.readouterr()
    return said.out, said.err


@pytest.mark.usefixtures("three")
def test_columns_are_the_base_and_each_adapter_by_its_own(
    base: Path, folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prompts.txt").write_text("What is 1 + 1?\n\nGrüße!\n", encoding="utf-8")
    names = ["red", "biased", "blue"]
    wanted = [part for name in names for part in ("--adapter", name)]
    prompts = ("--prompt", "Hello", "--prompts", str(tmp_path / "prompts.txt"))
    out, _ = run(capsys, "compare", *wanted, *prompts, *SHORT, "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert [item["prompt"] for item in told] == ["Hello", "What is 1 + 1?", "Grüße!"]
    for item in told:
        assert [column["adapter"] for column in item["columns"]] == [None, *names]
        expected = [truth(base, path, item["prompt"]) for path in (None, *(folders[name] for name in names))]
        assert [column["answer"] for column in item["columns"]] == expected
        assert len(set(expected)) == 4


def test_a_base_alone_can_be_compared(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "compare", "--model", str(base), "--prompt", "Hello", *SHORT, "--json")
    (column,) = json.loads(out)["columns"]
    assert (column["adapter"], column["answer"]) == (None, truth(base, None, "Hello"))


@pytest.mark.usefixtures("three")
def test_people_see_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out, _ = run(capsys, "compare", "--adapter", "red", "--prompt", "Hello", *SHORT)
    head = next(line for line in out.splitlines() if "base" in line)
    assert head.split() == ["base", "|", "red"]
    assert max(map(len, out.splitlines())) <= 60


@pytest.mark.usefixtures("three")
def test_one_question_one_answer(
    base: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = run(capsys, "chat", "--adapter", "red", "--prompt", "Hello", *SHORT, "--json")
    assert json.loads(out) == {"prompt": "Hello", "adapter": "red", "answer": truth(base, folders["red"], "Hello")}
    out, _ = run(capsys, "chat", str(base), "--prompt", "Hello", *SHORT)
    assert out.rstrip("\n") == printable(truth(base, None, "Hello")).rstrip("\n")
    drawn = ("--temperature", "1", "--seed", "5", "--top-k", "20", "--top-p", "0.9", "--repetition-penalty", "1.1")
    out, _ = run(capsys, "chat", str(base), "--prompt", "Hello", *SHORT, *drawn, "--json")
    settings = {"temperature": 1.0, "seed": 5, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.1}
    assert json.loads(out)["answer"] == truth(base, None, "Hello", **settings)
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello\n"))
    out, _ = run(capsys, "chat", str(base), *SHORT, "--json")
    assert json.loads(out)["answer"] == truth(base, None, "Hello")


def test_a_runs_own_folder_knows_its_base(
    base: Path, folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = create(RunConfig(model=ModelSpec(path=str(base)), data=DataSpec(path=str(tmp_path / "x.jsonl"))))
    checkpoint = made.path / "checkpoints" / "step-000010"
    checkpoint.mkdir(parents=True)
    shutil.copytree(folders["red"], checkpoint / "adapter")
    out, _ = run(capsys, "chat", "--adapter", str(checkpoint / "adapter"), "--prompt", "Hello", *SHORT, "--json")
    assert json.loads(out)["answer"] == truth(base, folders["red"], "Hello")


@pytest.mark.usefixtures("three")
def test_another_base_needs_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tiny("llama", tmp_path / "other", attention_bias=True, initializer_range=0.2)
    arguments = ("chat", str(other), "--adapter", "red", "--prompt", "Hello", *SHORT)
    _, err = run(capsys, *arguments, code=EXIT_CODES["adapter"])
    assert "was trained on other weights" in err
    assert "--force" in err
    assert "Warning" in run(capsys, *arguments, "--force")[1]
    narrow = tiny("llama", tmp_path / "narrow", hidden_size=48)
    _, err = run(
        capsys, "chat", str(narrow), "--adapter", "red", "--prompt", "x", "--force", code=EXIT_CODES["adapter"]
    )
    assert "another base model" in err


@pytest.mark.parametrize(
    ("arguments", "reason", "words"),
    [
        (("chat", "--prompt", "x"), "usage", "No model is named"),
        (("chat", "demo", "--adapter", "nobody", "--prompt", "x"), "adapter", "no adapter `nobody`"),
        (("chat", "demo", "--prompt", "x", "--temperature", "-1"), "usage", "temperature is -1.0"),
        (("chat", "./nowhere/at/all", "--prompt", "x"), "model", "no folder"),
        (("chat", "demo", "--json"), "usage", "There is no question"),
        (("compare", "--prompt", "x"), "usage", "No model is named"),
        (("compare", "--model", "demo"), "usage", "nothing to answer"),
        (("compare", "--model", "demo", "--prompts", "missing.txt"), "usage", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...],
    reason: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert words in run(capsys, *arguments, code=EXIT_CODES[reason])[1]


def test_a_conversation_goes_on_and_remembers(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["Hello", "", KeyboardInterrupt, "word " * 600, "And now?", "/exit"])
    asked: list[list[dict[str, str]]] = []

    def read(prompt: str) -> str:
        item = next(said)
        if item is KeyboardInterrupt:
            raise KeyboardInterrupt
        return str(item)

    monkeypatch.setattr(builtins, "input", read)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    turn = commands._turn

    def watched(answer: Any, messages: list[dict[str, str]], said: str) -> None:
        turn(answer, messages, said)
        asked.append(list(messages))

    monkeypatch.setattr(commands, "_turn", watched)
    _, err = run(capsys, "chat", str(base), "--system", "Be brief.", *SHORT)
    assert "this model reads at most 512" in err
    assert [item["role"] for item in asked[-1]] == ["system", "user", "assistant", "user", "assistant"]
    assert asked[-1][2]["content"] == truth_after(base)


@pytest.mark.usefixtures("three")
def test_an_adapter_is_asked_with_what_it_learned_with_unless_told(
    base: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = to_dict(RunConfig(data=DataSpec(path="x", system="Be a\npirate.")))
    about = Base(path=str(base), fingerprint=fingerprint(base))
    name = library.add(folders["red"], title="taught", base=about, config=config).name
    asked = ("chat", "--adapter", name, "--prompt", "Hello", "--json", *SHORT)
    found, err = run(capsys, *asked)
    assert f"{name} is asked with its system prompt: Be a" in err
    told, err = run(capsys, *asked, "--system", "Be a\npirate.")
    assert "is asked with" not in err
    assert json.loads(found)["answer"] == json.loads(told)["answer"]
    both, _ = run(capsys, "compare", "--adapter", "red", "--adapter", name, "--prompt", "Hello", "--json", *SHORT)
    without, _ = run(capsys, "chat", "--adapter", "red", "--prompt", "Hello", "--json", *SHORT)
    answers = [item["answer"] for item in json.loads(both)["columns"]]
    assert answers[1:] == [json.loads(without)["answer"], json.loads(told)["answer"]]
    assert answers[1] != answers[2]


def truth_after(base: Path) -> str:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    return answer(plain(base), encoder_for(load_tokenizer(base)), messages, Sampling(max_new_tokens=8))


def test_ctrl_c_stops_the_answer_and_keeps_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(messages: Any, on_text: Any) -> None:
        on_text("Well, ")
        raise KeyboardInterrupt

    messages: list[dict[str, str]] = []
    commands._turn(interrupted, messages, "Hello")
    assert messages == [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Well, "}]
    assert capsys.readouterr().out == "Well,  [stopped]\n"


@pytest.mark.parametrize("width", [10, 41, 60, 100])
def test_columns_keep_to_the_width_of_the_terminal(width: int) -> None:
    texts = ["a short one", "a long one " * 20 + "\n\nand\ta paragraph", "世界" * 40, "", "\x1b[31mred\x07"]
    shown = commands.side_by_side([f"column {number}" for number in range(5)], texts, width)
    if width < 5 * 20 + 4 * 3:
        assert "[column 4]\n\\x1b[31mred" in shown
    columns = commands.side_by_side(["one", "two"], texts[1:3], width)
    if width >= 43:
        assert max(commands._cells(line) for line in columns.splitlines()) <= width
    for text in (shown, columns):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert text.count("世") == 40


def test_the_training_decides_how_the_base_is_held(
    base: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RunConfig(model=ModelSpec(path=str(base), quantization="nf4"), data=DataSpec(path="x.jsonl"))
    library.add(folders["red"], title="q", base=Base(path=str(base)), config=to_dict(config))
    out, _ = run(capsys, "chat", "--adapter", "q", "--prompt", "Hello", *SHORT, "--json")
    held = load_base(base, config.model, CPU)
    model = adapters.load_adapter(held, folders["red"])
    messages = [{"role": "user", "content": "Hello"}]
    expected = answer(model, encoder_for(load_tokenizer(base)), messages, Sampling(max_new_tokens=8))
    assert json.loads(out)["answer"] == expected
    out, _ = run(capsys, "chat", "--adapter", "q", "--quantization", "none", "--prompt", "Hello", *SHORT, "--json")
    assert json.loads(out)["answer"] == truth(base, folders["red"], "Hello")


def test_the_order_of_adapters_decides_nothing(
    base: Path, folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, held in (("red", ModelSpec(quantization="nf4")), ("blue", ModelSpec(dtype="float16"))):
        config = to_dict(RunConfig(model=held, data=DataSpec(path="x.jsonl")))
        library.add(folders[name], title=name, base=Base(path=str(base)), config=config)
    said = [
        "The adapters were trained with model.quantization nf4 and none; here all columns have none."
        " --quantization chooses another.",
        "The adapters were trained with model.dtype auto and float16; here all columns have auto.",
    ]
    told = [said, said, said[1:]]
    found = list[dict[str | None, str]]()
    for names, more in ((("red", "blue"), ()), (("blue", "red"), ()), (("blue", "red"), ("--quantization", "nf4"))):
        wanted = [part for name in names for part in ("--adapter", name)]
        out, err = run(capsys, "compare", *wanted, "--prompt", "Hello", *SHORT, *more, "--json")
        assert [line for line in err.splitlines() if "columns" in line] == told[len(found)]
        found.append({column["adapter"]: column["answer"] for column in json.loads(out)["columns"]})
    assert found[0] == found[1]
    assert found[0]["red"] == truth(base, folders["red"], "Hello")
    assert found[2] != found[0]


@pytest.mark.usefixtures("three")
def test_an_entry_with_a_wrong_config_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = library.find("red").folder / "entry.json"
    about = json.loads(path.read_text())
    for config, reason in (({"model": 5}, "adapter"), ({"model": {"quantization": 7}}, "config")):
        path.write_text(json.dumps(about | {"config": config}))
        said = run(capsys, "chat", "--adapter", "red", "--prompt", "hi", code=EXIT_CODES[reason])[1]
        assert "wrong" in said or "quantization" in said


@pytest.mark.usefixtures("three")
def test_adapters_are_compared_at_several_strengths(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--adapter", "red", "--adapter", "red=0", "--adapter", "red=0.5", "--prompt", "order late", *SHORT]
    assert cli.run(["compare", *asked, "--json"]) == 0
    base, whole, none, half = json.loads(capsys.readouterr().out)["columns"]
    assert [column["strength"] for column in (base, whole, none, half)] == [1, 1, 0, 0.5]
    assert none["answer"] == base["answer"] != whole["answer"]
    assert cli.run(["compare", *asked]) == 0
    assert "red x 0.5" in capsys.readouterr().out
    for strength, column in (("0", base), ("0.5", half), ("1", whole)):
        assert cli.run(["chat", "--adapter", "red", "--strength", strength, "--prompt", "order late", *SHORT]) == 0
        assert capsys.readouterr().out.strip() == printable(column["answer"]).strip()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["compare", "--adapter", "red=-1"], "usage", "-1 is no strength"),
        (["compare", "--adapter", "red=nan"], "usage", "nan is no strength"),
        (["compare", "--adapter", "biased=0.5"], "adapter", "changes biases"),
        (["compare", "--adapter", "none=0.5"], "adapter", "none"),
        (["chat", "demo", "--strength", "0.5"], "usage", "The base alone has no strength"),
        (["chat", "--adapter", "red", "--strength", "101"], "usage", "101 is no strength"),
    ],
)
@pytest.mark.usefixtures("three")
def test_a_strength_that_cannot_be_is_refused(
    words: list[str], code: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*words, "--prompt", "x"]) == EXIT_CODES[code]
    assert said in capsys.readouterr().err


def test_a_name_may_look_like_a_strength(base: Path, folders: dict[str, Path]) -> None:
    library.add(folders["red"], title="a=2", base=Base(path=str(base)))
    assert [commands.with_strength(text).strength for text in ("a=2", "a=2=0.5")] == [1.0, 0.5]
