"""`studio data check` and `studio data tokens`: what they print, for programs and for people."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.cli import output, run
from studio.cli.output import printable
from studio.core.data.index import RowIndex
from studio.core.errors import EXIT_CODES
from studio.core.versions import indexing, steps
from studio.core.versions import store as versions
from studio.core.versions.recipe import Source
from studio.core.versions.store import Version
from tests.models import bare_model, tokenizer

ANSWER = "It is \x1b[31mred\x1b[0m.\nü"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a tokenizer, which is all that these commands need of a model."""
    return bare_model(tmp_path / "model")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [
        json.dumps({"prompt": "What?", "completion": ANSWER}),
        '{"prompt": "What?", "completion": ""}',
        json.dumps({"prompt": "a long question " * 30, "completion": "never seen"}),
        "nonsense \x1b[2J",
        json.dumps({"prompt": "Why?", "completion": "a long answer " * 30}),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def answer(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, Any]:
    """Runs a command with `--json`; returns its exit code and what it printed."""
    code = run([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_check_lists_every_rejected_row(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "data", "check", rows)
    assert code == 0
    assert (found["format"], found["rows"], found["valid"]) == ("prompt_completion", 5, 3)
    assert found["rejected"] == [
        {"row": 1, "line": 2, "reason": "`completion` is empty", "file": "rows.jsonl"},
        {"row": 3, "line": 4, "reason": "not JSON: Expecting value (character 1)", "file": "rows.jsonl"},
    ]
    assert "tokens" not in found


def test_check_counts_tokens(rows: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "data", "check", rows, "--model", model, "--max-length", 100)
    assert code == 0
    assert (found["truncated_rows"], found["untrained_rows"]) == (1, 1)
    assert found["untrained"][0]["row"] == 2
    lengths = []
    for row in (0, 4):
        _, one = answer(capsys, "data", "tokens", rows, "--row", row, "--model", model)
        lengths.append(len(one["tokens"]))
    counts = found["tokens"]
    assert (counts["min"], counts["max"], counts["total"]) == (min(lengths), max(lengths), sum(lengths))
    assert counts["mean"] == counts["p50"] == sum(lengths) / 2
    assert counts["min"] <= counts["p95"] <= counts["max"]


def test_check_fails_where_no_row_can_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": ""}\n', encoding="utf-8")
    code, found = answer(capsys, "data", "check", path)
    assert code == EXIT_CODES["data"]
    assert (found["valid"], len(found["rejected"])) == (0, 1)


def test_check_counts_nothing_where_nothing_is_learned(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"prompt": "long " * 50, "completion": "x"}), encoding="utf-8")
    code, found = answer(capsys, "data", "check", path, "--model", model, "--max-length", 8)
    assert (code, found["tokens"], found["untrained_rows"]) == (EXIT_CODES["data"], None, 1)


def test_check_lays_rows_out_with_the_template_of_the_run(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, template = tmp_path / "a.jsonl", tmp_path / "strict.jinja"
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    lines = [{"messages": turns}, {"messages": [{"role": "system", "content": "Be kind."}, *turns]}]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    refuse = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    template.write_text(refuse + "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}", encoding="utf-8")
    words = ["data", "check", path, "--model", model]
    assert answer(capsys, *words)[1]["untrained_rows"] == 0
    code, found = answer(capsys, *words, "--chat-template", template)
    assert (code, found["valid"], [item["row"] for item in found["untrained"]]) == (0, 2, [1])
    assert run([*map(str, words), "--chat-template", str(template)]) == 0
    out = capsys.readouterr().out
    assert "1 of 2 rows can be used." in out
    assert "System role not supported" in out


def test_check_for_people(rows: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", str(rows), "--model", str(model), "--max-length", "100"]) == 0
    out = capsys.readouterr().out
    assert "2 of 5 rows can be used." in out
    assert "row 1, line 2: `completion` is empty" in out
    assert "Cut at 100 tokens: 1 row." in out
    assert "1 row without a learned token:" in out


def test_a_long_list_is_shortened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good"}\n' + '{"text": ""}\n' * 30, encoding="utf-8")
    assert run(["data", "check", str(path)]) == 0
    out = capsys.readouterr().out
    assert "row 1, line 2 and 29 more: `text` is empty" in out
    assert "--json lists every row" in out


def test_tokens_say_what_is_learned(rows: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "data", "tokens", rows, "--row", 0, "--model", model)
    assert code == 0
    tokens = found["tokens"]
    # The two bytes of ü share its place in the text.
    assert "".join(token["text"] for token in tokens if token["trained"]).replace("üü", "ü") == f"{ANSWER}<|im_end|>"
    assert tokenizer().decode([token["id"] for token in tokens if token["trained"]]) == f"{ANSWER}<|im_end|>"
    assert tokens[0] == {"id": 1, "text": "<|im_start|>", "trained": False, "special": True, "truncated": False}
    _, cut = answer(capsys, "data", "tokens", rows, "--row", 0, "--model", model, "--max-length", 10)
    assert [token["truncated"] for token in cut["tokens"]] == [False] * 10 + [True] * (len(tokens) - 10)


def test_tokens_for_people_cannot_steer_the_terminal(
    rows: Path, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["data", "tokens", str(rows), "--row", "0", "--model", str(model)]
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert "[[It is \\x1b[31mred\\x1b[0m.\nü<|im_end|>]]" in out
    assert "\x1b" not in out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run([*arguments, "--max-length", "20"]) == 0
    out = capsys.readouterr().out
    assert "\x1b[32m" in out
    assert "\x1b[2;9m" in out
    assert "\x1b[31m" not in out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(arguments) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message", "reason"),
    [
        (["--row", "1"], "Row 1 (line 2) of rows.jsonl was rejected: `completion` is empty.", "data"),
        (["--row", "5"], "rows.jsonl has no row 5; it has rows 0 to 4.", "data"),
        (["--row", "-1"], "rows.jsonl has no row -1; it has rows 0 to 4.", "data"),
        (["--row", "0", "--max-length", "1"], "`data.max_length`", "config"),
        (["--row", "0", "--format", "csv"], "`data.format`", "config"),
        (["--row", "0", "--model", "nowhere/nothing"], "nowhere/nothing", "network"),
    ],
)
def test_what_cannot_be_shown_is_told(
    rows: Path,
    model: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    reason: str,
) -> None:
    code, found = answer(capsys, "data", "tokens", rows, "--model", model, *arguments)
    assert code == EXIT_CODES[reason]
    assert message in found["error"]["message"]


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "data", "check", tmp_path / "nothing.jsonl")
    assert code == EXIT_CODES["data"]
    assert found["error"]["reason"] == "data"


def test_text_is_made_harmless() -> None:
    assert printable("a\n\tb\x07\x9b\u202e👩\u200d🚀") == "a\n\tb\\x07\\x9b\\u202e👩\u200d🚀"


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    heavy = "{'torch', 'transformers', 'tokenizers', 'pyarrow', 'datasets', 'numpy'}"
    code = f"import sys, studio.cli; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_of_another_encoding_gets_utf_8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "支援.jsonl"
    path.write_text('{"text": "a"}\n')
    command = [sys.executable, "-m", "studio", "data", "check", str(path)]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding}, check=True)
    assert "支援.jsonl: text" in done.stdout.decode()


def lines_of(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, list[Any]]:
    """Runs a command with `--json` that prints a line for each step."""
    code = run([*map(str, arguments), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_check_of_a_folder_names_the_file_and_the_second_guess(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "a", "question": "q", "answer": "a"}\n')
    (folder / "b.jsonl").write_text('{"question": "", "answer": ""}\n')
    code, found = answer(capsys, "data", "check", folder)
    assert (code, found["format"], found["files"]) == (0, "prompt_completion", ["a.jsonl", "b.jsonl"])
    assert found["second"] == {"format": "text", "reason": "rows have `text` too"}
    assert found["rejected"] == [{"row": 1, "line": 1, "reason": "`answer` is empty", "file": "b.jsonl"}]
    assert run(["data", "check", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "Or text: rows have `text` too." in out
    assert "row 1, line 1 of b.jsonl: `answer` is empty" in out


def test_columns_are_mapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title,body\nT,B\n")
    code, found = answer(capsys, "data", "check", path, "--map", "text={title}: {body}")
    assert (code, found["format"], found["mapping"]) == (0, "text", {"text": "{title}: {body}"})
    for wrong, reason in (("text", "usage"), ("word=title", "config")):
        code, found = answer(capsys, "data", "check", path, "--map", wrong)
        assert (code, found["error"]["reason"]) == (EXIT_CODES[reason], reason)


def test_show_gives_rows_as_the_file_has_them(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "data", "show", rows, "--first", 2)
    assert (code, found["format"], len(found["rows"])) == (0, "prompt_completion", 2)
    assert found["rows"][1] == {
        "row": 1,
        "file": "rows.jsonl",
        "line": 2,
        "data": {"prompt": "What?", "completion": ""},
        "fault": "",
    }
    code, found = answer(capsys, "data", "show", rows, "--row", 3)
    assert found["rows"][0]["fault"] == "not JSON: Expecting value (character 1)"
    code, found = answer(capsys, "data", "show", rows, "--row", 9)
    assert "has no row 9; it has rows 0 to 4" in found["error"]["message"]
    assert run(["data", "show", str(rows)]) == 0
    assert "row 0, rows.jsonl:1: " in capsys.readouterr().out


def test_show_of_rows_in_no_known_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"colour": "red"}\n')
    code, found = answer(capsys, "data", "show", path)
    assert (code, found["format"], found["rows"][0]["data"]) == (0, None, {"colour": "red"})


def test_search_tells_rows_as_they_are_found(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = lines_of(capsys, "data", "search", rows, "what?")
    assert code == 0
    assert said[-1] == {"complete": True, "found": 2, "rows": 5}
    assert [number for item in said[:-1] for number in item["rows"]] == [0, 1]
    _, said = lines_of(capsys, "data", "search", rows, "--status", "rejected")
    assert said[0]["rows"] == [1, 3]
    _, said = lines_of(capsys, "data", "search", rows, "--status", "accepted", "--sort", "length", "--descending")
    assert said[0]["rows"][-1] == 0
    _, said = lines_of(capsys, "data", "search", rows, "^W", "--regex", "--limit", 1)
    assert said[-1]["found"] == 1
    assert run(["data", "search", str(rows), "never"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 5 rows"
    assert run(["data", "search", str(rows), "what?", "--limit", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 5 rows so far: more may be found without --limit"


def test_convert_takes_no_format(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["data", "convert", str(rows), str(tmp_path / "out.jsonl"), "--format", "text"])
    assert ended.value.code == 2
    assert "--format" in capsys.readouterr().err


def test_convert(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = answer(capsys, "data", "convert", rows, tmp_path / "b.parquet")
    assert (code, found["rows"], found["left_out"]) == (0, 4, 1)
    code, found = answer(capsys, "data", "check", tmp_path / "b.parquet")
    assert (code, found["rows"]) == (0, 4)
    assert run(["data", "convert", str(rows), str(tmp_path / "b.jsonl")]) == 0
    assert "1 left out, the first: rows.jsonl, line 4: not JSON" in capsys.readouterr().out
    assert run(["data", "convert", str(rows), str(tmp_path / "b.jsonl")]) == EXIT_CODES["usage"]


def test_rows_found_go_into_a_file(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "found"
    code, said = lines_of(capsys, "data", "search", rows, "what?", "--into", into)
    assert (code, said[-1]["found"]) == (0, 2)
    assert all(item["rows"] == [] for item in said[:-1])
    assert into.read_bytes() == (0).to_bytes(8, "little") + (1).to_bytes(8, "little")


def test_excluded_rows_of_a_version_are_told_by_their_places(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = tmp_path / "v.recipe.json"
    assert run(["data", "version", "create", str(version), str(rows)]) == 0
    assert run(["data", "edit", str(version), "exclude", "rows=0"]) == 0
    capsys.readouterr()
    for options, expected in (([], [0, 1]), (["--places"], [0, 2, 4])):
        _, said = lines_of(capsys, "data", "search", version, "--min-bytes=1", *options)
        assert [row for item in said[:-1] for row in item["rows"]] == expected


def test_the_check_lists_no_more_rejected_rows_than_asked_for(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = answer(capsys, "data", "check", rows, "--most-rejected", 1)
    assert (found["rows"] - found["valid"], len(found["rejected"])) == (2, 1)
    assert run(["data", "check", str(rows), "--most-rejected", "1"]) == 0
    assert "2 rows rejected, of which the first 1:" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run(["data", "check", str(rows), "--most-rejected", "-1"])


def test_progress_comes_as_lines_where_the_window_asks(
    rows: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_PROGRESS", "1")
    _, said = lines_of(capsys, "data", "check", rows)
    assert said[0] == {"doing": "Reading", "done": rows.stat().st_size, "total": rows.stat().st_size}
    assert said[-1]["rows"] == 5


def test_rows_with_the_same_reason_are_counted_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = '{"prompt": "a", "completion": "b"}\n', '{"prompt": "a", "completion": ""}\n'
    path = tmp_path / "rows.jsonl"
    path.write_text(good + 30 * bad + "{\n" + 1200 * bad)
    capsys.readouterr()
    assert run(["data", "check", str(path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "1,231 rows rejected:" in said
    assert "  row 1, line 2 and 1,229 more: `completion` is empty" in said
    assert [line for line in said if line.startswith("  row 31, line 32: ")]
    assert said[-1] == "  --json lists every row"
    assert len(said) < 8
    _, found = answer(capsys, "data", "check", path)
    assert len(found["rejected"]) == 1231


def test_the_text_to_find_may_stand_behind_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def chat(text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": text}, {"role": "assistant", "content": "x"}]

    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"messages": chat(text)}) for text in ("one", "two")), "utf-8")
    assert run(["data", "search", str(file), "--role", "user", "two"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 rows"
    with pytest.raises(SystemExit):
        run(["data", "search", str(file), "--role", "user", "two", "three"])
    assert "unrecognized arguments: three" in capsys.readouterr().err


def test_rows_are_not_sorted_by_what_no_row_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"text": text}) for text in ("b", "a")), "utf-8")
    assert run(["data", "search", str(file), "--sort", "nope"]) == EXIT_CODES["data"]
    error = capsys.readouterr().err
    assert "No row has a column `nope`." in error
    assert "Sort by `length`, or by one of: `text`." in error
    assert run(["data", "search", str(file), "--sort", "text"]) == 0
    assert capsys.readouterr().out.startswith("row 1")


def test_tokens_are_laid_out_by_the_template_given(
    rows: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "own.jinja"
    template.write_text("{% for m in messages %}<<{{ m.role }}>> {{ m.content }}\n{% endfor %}", encoding="utf-8")
    command = ["data", "tokens", str(rows), "--model", str(model), "--row", "0"]
    assert run([*command, "--chat-template", str(template)]) == 0
    assert "<<user>>" in capsys.readouterr().out


@pytest.mark.parametrize(("label", "said"), [(True, "learned"), (False, "avoided")])
def test_a_labelled_answer_is_shown_with_what_is_done_with_it(
    label: bool, said: str, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "judged.jsonl"
    path.write_text(json.dumps({"prompt": "What?", "completion": "This one.", "label": label}))
    code, found = answer(capsys, "data", "tokens", path, "--row", 0, "--model", model)
    assert (code, found["answer"]) == (0, "good" if label else "bad")
    assert run(["data", "tokens", str(path), "--row", "0", "--model", str(model)]) == 0
    assert f"of them {said}." in capsys.readouterr().out
    code, found = answer(capsys, "data", "check", path, "--model", model)
    assert (code, found["format"], found["valid"], found["untrained_rows"]) == (0, "kto", 1, 0)


def test_both_answers_of_a_row_are_shown_and_counted(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "What?", "chosen": "This one.", "rejected": "Neither of them, I fear."}))
    texts = []
    for options in ((), ("--worse",)):
        code, found = answer(capsys, "data", "tokens", path, "--row", 0, "--model", model, *options)
        assert code == 0
        texts.append("".join(item["text"] for item in found["tokens"] if item["trained"]))
        assert found["answer"] == ("worse" if options else "better")
        assert run(["data", "tokens", str(path), "--row", "0", "--model", str(model), *options]) == 0
        assert f"of them {'avoided' if options else 'preferred'}." in capsys.readouterr().out
    assert [text.removesuffix("<|im_end|>") for text in texts] == ["This one.", "Neither of them, I fear."]
    code, found = answer(capsys, "data", "check", path, "--model", model)
    assert (code, found["format"], found["valid"], found["untrained_rows"]) == (0, "preference", 1, 0)
    assert found["tokens"]["min"] < found["tokens"]["max"]
    assert run(["data", "check", str(path), "--model", str(model)]) == 0
    assert "Tokens an answer:" in capsys.readouterr().out
    path.write_text(json.dumps({"prompt": "What?", "completion": "This one."}))
    assert run(["data", "tokens", str(path), "--row", "0", "--model", str(model), "--worse"]) == EXIT_CODES["usage"]
    assert "one answer each" in capsys.readouterr().err


def test_a_line_of_progress_never_wraps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    labels = ("Step 7 loss 0.6931 " + "and more " * 9, "Step 7 loss 0.6931 and so on till here", "short")
    for done, label in enumerate(labels, start=2):
        output.progress(label, min(done, 4), 4)
    output.progress("short", 4, 4)  # no line more
    lines = [line.rstrip("\n") for line in capsys.readouterr().err.split("\r")[1:]]
    assert [len(line) for line in lines] == [59, 59, 59]
    assert lines[0].startswith("Step 7 loss 0.6931 and more")
    assert lines[0].endswith("  50%")
    assert lines[1].startswith(f"{labels[1]} [####")
    assert lines[2].rstrip() == f"short [{'#' * 30}] 100%"


def test_rows_of_a_version_are_named_by_their_file_in_every_command(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = Version(versions.create("v", [Source(path=str(rows))]))
    version.add(steps.Exclude(rows=((0, 0, 0),)))
    path = version.path
    code, shown = answer(capsys, "data", "show", path)
    known = indexing.index_of(version)
    found = [known.row(number) for number in range(len(known))]
    assert [(item["file"], item["line"], item["data"]) for item in shown["rows"]] == [
        (row.file, row.parsed.line, row.parsed.data) for row in found
    ]
    assert (code, shown["format"], shown["files"]) == (0, "prompt_completion", ["rows.jsonl"])
    assert answer(capsys, "data", "show", path, "--row", 1)[1]["rows"] == shown["rows"][1:2]
    assert run(["data", "search", str(path), "long"]) == 0
    assert "row 0, rows.jsonl:3: " in capsys.readouterr().out
    code, said = lines_of(capsys, "data", "index", path)
    assert (code, said[0]["files"], said[-1]) == (0, ["v.recipe.json"], {"complete": True, "rows": len(found)})
    assert [row.parsed.data for row in RowIndex(Path(said[0]["index"])).rows(0, len(found))] == [
        row.parsed.data for row in found
    ]
    version.add(steps.Keep(rows=((0, 0, 0),)))
    for command in ("show", "index"):
        assert "v has no rows left" in answer(capsys, "data", command, path)[1]["error"]["message"]


@pytest.mark.parametrize("command", ["check", "index", "show", "search"])
def test_a_header_in_another_encoding_is_told_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("größe,prompt\n1,2\n".encode("cp1252"))
    assert run(["data", command, str(path)]) == EXIT_CODES["data"]
    assert "a.csv is not UTF-8 or UTF-16 text.\nSave it as UTF-8." in capsys.readouterr().err


def test_the_tokens_of_chunks_are_not_called_those_of_rows(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps({"text": "one and two, " * count}) for count in (1, 90)), "utf-8")
    command = ["data", "check", str(path), "--model", str(model), "--max-length", "64"]
    assert run(command) == 0
    assert "Tokens a row: " in capsys.readouterr().out
    code, found = answer(capsys, *command, "--chunk-overlap", 4)
    assert (code, found["tokens"]["max"]) == (0, 64)
    assert found["sequences"] > 3
    assert run([*command, "--chunk-overlap", "4"]) == 0
    assert f"Tokens a sequence (2 rows make {found['sequences']}): " in capsys.readouterr().out
