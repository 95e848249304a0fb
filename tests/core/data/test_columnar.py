"""What is written as Parquet is read back equal, and a stranger's nulls are not taken for arguments."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.chat import to_example
from studio.core.data import columnar, sources
from studio.core.errors import StudioError

Row = dict[str, Any]
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.integers(-3, 3), st.floats(), st.sampled_from([2**53 + 1, 2**63]))
LEAVES = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.sampled_from(["", "a", "ü", "5", "null", '{"a": 1}', "[", "NaN"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "arguments"]), inner, max_size=3),
    ),
    max_leaves=8,
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["x", "y.z", "tools", "Functions"]), VALUES, min_size=1, max_size=4),
    min_size=1,
    max_size=7,
)


def written(folder: Path, rows: list[Row], size: int = 2) -> Path:
    path = folder / "rows.parquet"
    columnar.write(path, lambda: (rows[at : at + size] for at in range(0, len(rows), size)))
    return path


def back(path: Path) -> list[Row]:
    """What is read of a file, without the columns that a row lacks."""
    (part,) = sources.find(path).parts
    rows = (json.loads(row.text) for row in columnar.read(part))
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def exact(value: Any) -> str:
    return json.dumps(value)


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, size=st.integers(1, 7))
def test_rows_are_read_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], size: int) -> None:
    found = back(written(tmp_path_factory.mktemp("rows"), rows, size))
    assert len(found) == len(rows)
    for one, row in zip(found, rows, strict=True):
        for name, value in row.items():
            # In a column of numbers one may stand with a point.
            same = one.get(name) == value and type(value) in (int, float) and type(one[name]) is float
            assert same or exact(one.get(name)) == exact(value)
        assert one.keys() <= row.keys()


def called(name: str, arguments: Any) -> Row:
    call = {"type": "function", "function": {"name": name, "arguments": arguments}}
    tool = {
        "type": "function",
        "function": {"name": name, "parameters": {"properties": {key: {"type": "string"} for key in arguments}}},
    }
    turns = [{"role": "user", "content": "Do."}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    return {"messages": turns, "tools": [tool]}


@pytest.mark.parametrize(
    "rows",
    [
        [called("weather", {"city": "Paris"}), called("sum", {"a": 1, "b": 2.5})],
        [called("now", {}), called("now", {})],
        [called("now", {}), called("sum", {"a": None})],
        [called("sum", {"a": 1}), called("sum", {"a": 2.5})],
        [called("sum", {"a": 1, "b": 2}), called("sum", {"b": 2, "a": 1})],
    ],
)
def test_calls_of_tools_are_learned_as_before(tmp_path: Path, rows: list[Row]) -> None:
    path = written(tmp_path, rows, 1)
    assert exact(back(path)) == exact(rows)
    # Another program gives the same rows back without knowing which columns are JSON.
    pq.write_table(pa.Table.from_pylist(pq.read_table(path).to_pylist()), path)
    for found, row in zip(back(path), rows, strict=True):
        assert exact(to_example(found, "messages").messages) == exact(to_example(row, "messages").messages)
        assert to_example(found, "messages").tools == row["tools"]


def test_plain_rows_keep_their_types(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    rows: list[Row] = [{"messages": turns, "n": 1, "tags": ["x"]}, {"messages": turns[:1], "n": 2.5, "none": None}]
    kinds = {column.name: column.type for column in pq.read_schema(written(tmp_path, rows))}
    assert kinds["n"] == pa.float64()
    assert kinds["tags"] == pa.list_(pa.string())
    assert kinds["messages"] == pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))


def test_the_nulls_that_a_table_makes_of_arguments_and_tools_are_not_read(tmp_path: Path) -> None:
    rows = [called("weather", {"city": "Paris", "days": [{"n": 1}, {"m": None}]}), called("sum", {"a": 1})]
    given = [row | {"meta": {"arguments_of": name}} for row, name in zip(rows, (None, "x"), strict=True)]
    pq.write_table(pa.Table.from_pylist(given), tmp_path / "theirs.parquet")
    first, second = back(tmp_path / "theirs.parquet")
    calls = [row["messages"][1]["tool_calls"][0]["function"] for row in (first, second)]
    assert calls[0]["arguments"] == {"city": "Paris", "days": [{"n": 1}, {}]}
    assert calls[1] == {"name": "sum", "arguments": {"a": 1}}
    assert first["tools"][0]["function"]["parameters"]["properties"].keys() == {"city", "days"}
    assert first["meta"] == {"arguments_of": None}, "elsewhere null is as it is said"


def test_what_is_no_json_in_a_column_of_json_is_read_as_text(tmp_path: Path) -> None:
    column = pa.field("x", pa.string(), metadata={"media_type": "application/json"})
    cells = ["{", '{"a": 1}', "[" * 100_000, None]
    pq.write_table(pa.table({"x": pa.array(cells)}, pa.schema([column])), tmp_path / "theirs.parquet")
    assert back(tmp_path / "theirs.parquet") == [{"x": "{"}, {"x": {"a": 1}}, {"x": "[" * 100_000}, {}]


def test_rows_without_a_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"The rows have no columns\. Write them as JSONL\.") as caught:
        written(tmp_path, [{}, {}])
    assert caught.value.reason == "data"


def test_fields_that_some_messages_have_do_not_make_them_a_text(tmp_path: Path) -> None:
    asked, answered = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}
    rows: list[Row] = [
        {"messages": [asked, answered | {"weight": 0}, {"name": "ann"} | asked, answered]},
        {"messages": [asked, answered]},
    ]
    path = written(tmp_path, rows)
    assert pa.types.is_list(pq.read_schema(path).field("messages").type)
    assert back(path) == rows
