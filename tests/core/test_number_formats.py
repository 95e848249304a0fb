"""How large a GGUF file comes to be: off the headers of a model's files, and as it then is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import paths
from studio.core.number_formats import FORMATS, Stored, file_bytes, shapes


def test_the_built_in_models_shapes_are_read() -> None:
    found = shapes(paths.resources() / "demo" / "model")
    assert len(found["model.embed_tokens.weight"]) == 2
    assert len(found["model.norm.weight"]) == 1


@pytest.mark.parametrize(
    ("stored", "expected"),
    [("f32", 4.0), ("f16", 2.0), ("bf16", 2.0), ("q8_0", 1.0625), ("q5_1", 0.75), ("q4_1", 0.625)],
)
def test_a_matrix_takes_its_format_and_what_is_small_or_of_odd_rows_another(stored: Stored, expected: float) -> None:
    assert file_bytes({"a.weight": (7, 64)}, stored) == 7 * 64 * expected
    assert file_bytes({"norm.weight": (64,)}, stored) == 256
    assert file_bytes({"a.weight": (7, 40)}, stored) == 280 * (2 if stored.startswith("q") else expected)
    assert file_bytes({"lm_head.weight": (7, 64)}, stored) == 448 * max(expected, 1.0625)


@given(st.dictionaries(st.text(), st.tuples(st.integers(1, 99), st.integers(1, 99)), max_size=4))
def test_fewer_bits_are_never_more_bytes(tensors: dict[str, tuple[int, int]]) -> None:
    sizes = {stored: file_bytes(tensors, stored) for stored in FORMATS}
    assert sizes["q4_1"] <= sizes["q5_1"] <= sizes["q8_0"] <= sizes["f16"] == sizes["bf16"] <= sizes["f32"]


@pytest.mark.parametrize(
    "header", [b"{", b"[]", b'{"a": 1}', b'{"a": {"shape": 3}}', b'{"a": {"shape": ["x"]}}', b"[" * 99_999, None]
)
def test_what_is_no_sound_file_has_no_shapes(tmp_path: Path, header: bytes | None) -> None:
    length = 2**60 if header is None else len(header)
    (tmp_path / "model.safetensors").write_bytes(length.to_bytes(8, "little") + (header or b""))
    assert shapes(tmp_path) == {}


def test_all_files_of_a_model_are_read(tmp_path: Path) -> None:
    for name in "ab":
        header = json.dumps({"__metadata__": {"format": "pt"}, name: {"shape": [2, 3]}}).encode()
        (tmp_path / f"{name}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert shapes(tmp_path) == {"a": (2, 3), "b": (2, 3)}
    assert shapes(tmp_path / "none") == {}
