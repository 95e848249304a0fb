"""Blind tests by command: made of prompts or rows, answered, judged by keys, and told of."""

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import blind, library
from studio.core.desk import Message
from studio.core.errors import EXIT_CODES
from studio.core.library import Base
from tests.desks import random_adapter
from tests.models import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny("llama", tmp_path_factory.mktemp("blind") / "llama")


@pytest.fixture(scope="module")
def folders(model: Path) -> list[Path]:
    return [random_adapter(model, model.parent / name, seed) for seed, name in enumerate(("red", "blue"))]


@pytest.fixture
def two(model: Path, folders: list[Path]) -> list[str]:
    return [library.add(folder, title=folder.name, base=Base(path=str(model))).name for folder in folders]


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert cli.run(["blind", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_prompts_to_who_wins(
    two: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompts.txt").write_text("order late\nbox open\n")
    asked = ["--prompt", "Paris", "--prompts", str(tmp_path / "prompts.txt"), "--system", "Be kind."]
    adapters = [word for name in two for word in ("--adapter", name)]
    made = told(capsys, "new", *adapters, *asked, "--max-new-tokens", "6", "--name", "colours")
    assert made["prompts"] == 3
    test = blind.find("colours")
    assert test.about.contenders == [None, *two]
    assert [[message.content for message in prompt] for prompt in test.about.prompts] == [
        ["Be kind.", "Paris"],
        ["Be kind.", "order late"],
        ["Be kind.", "box open"],
    ]
    # The answers are those that `compare` gives.
    words = ["--prompt", "Paris", "--system", "Be kind.", "--max-new-tokens", "6", "--json"]
    assert cli.run(["compare", *adapters, *words]) == 0
    columns = json.loads(capsys.readouterr().out)["columns"]
    assert test.answers[0] == [column["answer"] for column in columns]
    pairs = test.open_pairs()
    assert len(pairs) >= 6, "random adapters answer differently"
    keys = iter(["1", "x", "2", "b", "0", "1", "q"])
    monkeypatch.setattr(builtins, "input", lambda prompt: next(keys))
    assert cli.run(["blind", "vote", "colours"]) == 0
    printed = capsys.readouterr()
    assert "red" not in printed.out
    assert "blue" not in printed.out
    assert f"{len(pairs) - 3} pairs left." in printed.err
    votes = blind.find("colours").votes
    assert votes == {pairs[0]: pairs[0].left, pairs[1]: blind.TIE, pairs[2]: pairs[2].left}
    shown = told(capsys, "show", "colours")
    assert (shown["votes"], shown["pairs"], shown["answered"]) == (3, 9, 3)
    assert sum(item["won"] for item in shown["standings"]) == 2
    assert cli.run(["blind", "show", "colours"]) == 0
    assert "which may be chance" in capsys.readouterr().out
    assert [item["votes"] for item in told(capsys, "list")] == [3]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", leave)


@pytest.mark.usefixtures("ended")
def test_rows_of_a_file_are_asked_without_their_answers(
    model: Path, two: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = [("system", "Be kind."), ("user", "one"), ("assistant", "1"), ("user", "two"), ("assistant", "2")]
    chat = {"messages": [{"role": role, "content": content} for role, content in talk]}
    alone = {"messages": [{"role": "assistant", "content": "nobody asked"}]}
    tools = chat | {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (chat, alone, tools)))
    words = ["new", "--model", str(model), "--adapter", two[0], "--file", str(file), "--later", "--name", "rows"]
    assert told(capsys, *words)["prompts"] == 1
    test = blind.find("rows")
    assert [(message.role, message.content) for message in test.about.prompts[0]] == talk[:4]
    assert cli.run(["blind", "vote", "rows"]) == 0
    assert "0 pairs left. Prompts without answers: 1; `studio blind answer" in capsys.readouterr().err
    assert told(capsys, "answer", "rows") == {"test": test.path.name, "answered": 1}
    assert cli.run(["blind", "vote", "rows"]) == 0
    capsys.readouterr()
    out = tmp_path / "votes.jsonl"
    told(capsys, "preferences", "rows", str(tmp_path / "votes.csv"), code=EXIT_CODES["usage"])
    assert told(capsys, "preferences", "rows", str(out), code=EXIT_CODES["usage"])["error"]["reason"] == "usage"
    pair = blind.find("rows").open_pairs()[0]
    whole = blind.find("rows")
    whole.cut[0] = []
    whole.vote(pair, pair.left)
    assert len(whole.preferences()) == 1
    assert told(capsys, "remove", "rows")["test"] == test.path.name
    assert told(capsys, "list") == []
    assert told(capsys, "restore", test.path.name)["path"] == str(test.path)


def test_of_many_rows_some_are_drawn_by_the_seed(
    model: Path, two: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"prompt": f"question {n}", "completion": "yes"} for n in range(50)]
    file = tmp_path / "many.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    drawn = []
    for seed, name in (("1", "a1"), ("1", "b1"), ("2", "c2")):
        words = ["--adapter", two[0], "--file", str(file), "--count", "5", "--seed", seed, "--later", "--name", name]
        told(capsys, "new", *words)
        drawn.append([prompt[0].content for prompt in blind.find(name).about.prompts])
    assert len(set(drawn[0])) == 5
    assert drawn[0] == drawn[1] != drawn[2]
    words = [
        "--adapter",
        two[0],
        "--file",
        str(file),
        "--count",
        "1",
        "--later",
        "--name",
        "kind",
        "--system",
        "Be kind.",
    ]
    told(capsys, "new", *words)
    assert blind.find("kind").about.prompts[0][0] == Message(role="system", content="Be kind.")


@pytest.mark.parametrize(
    ("words", "reason", "sentence"),
    [
        (["--prompt", "hi"], "usage", "No model is named"),
        (["--model", "demo", "--prompt", "hi"], "usage", "two or more that differ"),
        (["--adapter", "RED", "--no-base", "--prompt", "hi"], "usage", "two or more that differ"),
        (["--adapter", "RED", "--adapter", "RED", "--prompt", "hi"], "usage", "two or more that differ"),
        (["--adapter", "RED"], "usage", "nothing to answer"),
        (["--adapter", "RED", "--prompt", "hi", "--temperature", "-1"], "usage", "--temperature is -1.0"),
        (["--adapter", "RED", "--file", "TEXT"], "data", "No row of text.txt is a question"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    two: list[str], words: list[str], reason: Any, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("Only a paragraph.\n")
    named = {"RED": two[0], "TEXT": str(tmp_path / "text.txt")}
    assert cli.run(["blind", "new", *(named.get(word, word) for word in words)]) == EXIT_CODES[reason]
    assert sentence in capsys.readouterr().err
    assert blind.listing() == []
