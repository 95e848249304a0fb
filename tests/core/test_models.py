"""What a base model's name means, as far as files tell."""

from pathlib import Path

import pytest

from studio import paths
from studio.core.errors import StudioError
from studio.core.library import PEFT_CONFIG
from studio.core.models import check, found, local_folder


def failure(path: str) -> StudioError:
    with pytest.raises(StudioError) as caught:
        check(path)
    assert caught.value.reason == "model"
    return caught.value


def test_a_folder_an_id_and_the_built_in_model_are_found(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert local_folder(str(tmp_path)) == tmp_path
    assert local_folder("demo") == paths.resources() / "demo" / "model"
    for name in ("owner/model", "gpt2", "Owner-1/Model_v1.5-8B"):
        assert local_folder(name) is None
        check(name)
    for path in (str(tmp_path), "demo"):
        check(path)


@pytest.mark.parametrize(
    "name", ["", "/no/such/folder", "./models/x", "a/b/c", "~/models", "a--b/c", "-a/b", "a/b.git", "C:\\x"]
)
def test_what_is_neither_a_folder_nor_an_id_is_told_so(name: str) -> None:
    assert failure(name).message == f"There is no folder {name}, and it is no Hugging Face id either."


def test_a_file_an_adapter_and_an_empty_folder_are_no_models(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    assert failure(str(file)).message.startswith("model.gguf is a file")
    assert "holds no config.json" in failure(str(tmp_path)).message
    (tmp_path / PEFT_CONFIG).write_text("{}")
    assert "is an adapter, not a base model" in failure(str(tmp_path)).message
    assert failure("a\0b").message.startswith("`a\0b` cannot be opened")


def test_a_model_is_looked_for_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert found("demo") == local_folder("demo")
    assert found("no name: at all") is None
    assert found("owner/model") is None
    snapshot = tmp_path / "models--owner--model" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert found("owner/model", "abc") == snapshot
    assert found("owner/model", "other") is None
