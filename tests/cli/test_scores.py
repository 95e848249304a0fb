"""`score`: what it tells of a typed answer and of a row, and what it says where it cannot."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from studio import cli
from studio.core import library
from studio.core.errors import EXIT_CODES
from studio.core.library import Base

ASKED = ("--prompt", "order late", "--answer", "sorry for the trouble")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """Runs the command with `--json`; returns what it printed."""
    assert cli.run(["score", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_typed_answer_is_read_by_the_base_and_the_adapter(red: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--adapter", red, *ASKED)
    base, mine = found["columns"]
    assert (base["adapter"], base["name"], mine["adapter"]) == (None, "base", red)
    learned = [token for token in found["tokens"] if token["trained"]]
    assert "".join(token["text"] for token in learned).startswith("sorry for the trouble")
    for at, column in enumerate((base, mine)):
        mean = sum(token["losses"][at] for token in learned) / len(learned)
        assert column["loss"] == pytest.approx(mean)
        assert column["perplexity"] == pytest.approx(math.exp(mean))
        assert column["tokens"] == len(learned)
        for token in learned:
            likeliest = token["likeliest"][at]
            assert len(likeliest) == 5
            assert likeliest[0]["loss"] <= token["losses"][at] + 1e-6
    assert base["loss"] != mine["loss"]
    assert found["tokens"][0]["losses"] == [None, None], "nothing stands before it"
    assert found["tokens"][0]["likeliest"] == [[], []]


def test_the_tokens_that_differ_most_come_first(red: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--adapter", red, *ASKED)
    learned = [(abs(token["losses"][0] - token["losses"][1]), at + 1) for at, token in enumerate(found["tokens"])
               if token["trained"]]  # fmt: skip
    expected = [str(at) for _, at in sorted(learned, reverse=True)]
    assert cli.run(["score", "--adapter", red, *ASKED, "--first", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("The tokens that differ most, 3 of"))
    assert [line.split()[0] for line in lines[head + 2 :]] == expected[:3]
    assert lines[1].startswith("base ")
    assert lines[2].startswith("red ")
    assert cli.run(["score", "--adapter", red, *ASKED, "--by", "loss", "--first", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = lines.index("The tokens with the greatest loss:")
    by_loss = sorted((token["losses"][1], at + 1) for at, token in enumerate(found["tokens"]) if token["trained"])
    assert [int(line.split()[0]) for line in lines[head + 2 :]] == [at for _, at in reversed(by_loss)]


def test_a_row_of_a_file_and_the_worse_of_two_answers(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pairs.jsonl"
    rows = [{"q": f"order {number}", "good": "sorry late", "bad": "no box"} for number in range(3)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    mapped = [word for part in ("prompt=q", "chosen=good", "rejected=bad") for word in ("--map", part)]
    where = ["--model", str(model), "--file", str(file), "--row", "2", "--format", "preference", *mapped]
    for more, said in ([], "sorry late"), (["--worse"], "no box"):
        found = told(capsys, *where, *more)
        assert "".join(token["text"] for token in found["tokens"] if token["trained"]).startswith(said)
    plain = tmp_path / "plain.jsonl"
    plain.write_text(json.dumps({"prompt": "order", "completion": "late"}) + "\n")
    said = told(capsys, "--model", str(model), "--file", str(plain), "--row", "0", "--worse", code=EXIT_CODES["usage"])
    assert "one answer" in said["error"]["message"]


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        (("--model", "demo"), "usage", "Either a question with its answer"),
        (("--model", "demo", *ASKED, "--file", "x.jsonl", "--row", "0"), "usage", "Either a question with its answer"),
        (("--model", "demo", "--prompt", "order"), "usage", "belong together"),
        (("--model", "demo", "--prompt", "order", "--answer", " "), "usage", "belong together"),
        (("--model", "demo", "--file", "x.jsonl"), "usage", "No row is named"),
        (("--model", "demo", *ASKED, "--row", "3"), "usage", "are about a file"),
        (("--model", "demo", *ASKED, "--map", "prompt=q"), "usage", "are about a file"),
        (("--model", "demo", "--file", "x.jsonl", "--row", "0", "--system", "Be kind."), "usage", "--system belongs"),
        (("--model", "demo", *ASKED, "--by", "difference"), "usage", "differs from nothing"),
        (("--model", "demo", "--file", "x.jsonl", "--row", "0"), "data", "x.jsonl"),
        (ASKED, "usage", "No model is named"),
        (("--adapter", "nobody", *ASKED), "adapter", "There is no adapter `nobody`"),
        (("--model", "demo", *ASKED, "--max-length", "2"), "config", "max_length"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_remedy(
    words: tuple[str, ...], reason: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = told(capsys, *words, code=EXIT_CODES[reason])["error"]
    assert said in error["message"]
    assert error["hint"]


def test_what_is_not_read_is_told(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "long.jsonl"
    file.write_text(json.dumps({"text": "order late box " * 50}) + "\n")
    where = ["--model", str(model), "--file", str(file), "--row", "0"]
    found = told(capsys, *where, "--max-length", "20")
    assert found["read"] == 20 < found["of"]
    assert cli.run(["score", *where, "--max-length", "20"]) == 0
    assert f"Only 20 of {found['of']} tokens are read" in capsys.readouterr().out
    whole = told(capsys, *where, "--max-length", "20", "--chunk-overlap", "4")
    assert whole["read"] >= whole["of"]
    assert whole["columns"][0]["tokens"] == whole["of"] - 1


def test_a_row_is_cut_as_the_adapters_rows_were(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "long.jsonl"
    file.write_text(json.dumps({"prompt": "order", "completion": "late box " * 50}) + "\n")
    for title, config in (
        ("short", {"data": {"max_length": 24}, "training": {"objective": "sft"}}),
        ("odd", {"data": {"max_length": -3}}),
    ):
        library.add(folder, title=title, base=Base(path=str(model)), config=config, run=title)
    where = ["--file", str(file), "--row", "0"]
    assert told(capsys, "--adapter", "short", *where)["read"] == 24
    assert told(capsys, "--adapter", "short", *where, "--max-length", "40")["read"] == 40
    error = told(capsys, "--adapter", "odd", *where, code=EXIT_CODES["config"])["error"]
    assert "max_length" in error["message"]


def test_what_is_typed_is_laid_out_as_asked_for(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def text(*words: str) -> str:
        return "".join(token["text"] for token in told(capsys, "--model", str(model), *ASKED, *words)["tokens"])

    assert "order box" not in text()
    assert "order box" in text("--system", "order box")
    (own := tmp_path / "own.jinja").write_text("{% for m in messages %}({{ m.content }}){% endfor %}")
    assert text("--chat-template", str(own)).startswith("(order late)(sorry for the trouble)")
    assert text("--chat-template", "none").startswith("order latesorry for the trouble")
    whole = told(capsys, "--model", str(model), *ASKED)
    held = told(capsys, "--model", str(model), *ASKED, "--quantization", "8bit")
    assert 0 < abs(whole["columns"][0]["loss"] - held["columns"][0]["loss"]) < 0.5
