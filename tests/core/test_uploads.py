"""An export taken to an imitation of the Hub on this machine; what cannot be taken there is told before."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from studio import cli
from studio.core.errors import EXIT_CODES, StudioError
from studio.core.uploads import upload
from tests.hub import Hub, serving

FILES = {
    "README.md": b"---\ntags:\n- finetune-studio\n---\n# A card\n",
    "adapter_config.json": b"{}",
    "a.gguf": bytes(range(256)) * 99,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    for name, content in FILES.items():
        (made / name).write_bytes(content)
    return made


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving(tmp_path, tmp_path / "cache", monkeypatch) as server:
        yield server


@pytest.mark.loopback
def test_the_whole_folder_goes_there_with_the_login(hub: Hub, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["upload", str(folder), "someone/letters", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"folder": str(folder), "repo": "someone/letters", "url": f"{constants.ENDPOINT}/someone/letters"}
    (made,) = hub.made
    assert (made["organization"], made["name"], made["visibility"]) == ("someone", "letters", "private")
    assert hub.committed == FILES
    assert hub.tokens == {"Bearer hf_secret"}


@pytest.mark.loopback
def test_one_that_is_not_private_is_public(hub: Hub, folder: Path) -> None:
    assert upload(folder, "someone/letters", private=False).endswith("/someone/letters")
    assert hub.made[0]["visibility"] == "public"


@pytest.mark.loopback
@pytest.mark.parametrize(("code", "said"), [("403", "does not let this login write"), ("400", "error 400")])
def test_what_the_hub_refuses_is_told(hub: Hub, folder: Path, code: str, said: str) -> None:
    hub.refusal = code
    with pytest.raises(StudioError, match=said) as told:
        upload(folder, "someone/letters", private=True)
    assert told.value.reason == "network"
    assert hub.committed == {}


@pytest.mark.loopback
def test_hidden_files_stay_here(hub: Hub, folder: Path) -> None:
    (folder / ".env").write_text("SECRET=1")
    (folder / "sub").mkdir()
    (folder / "sub" / ".env").write_text("SECRET=1")
    upload(folder, "someone/letters", private=True)
    assert hub.committed == FILES


@pytest.mark.loopback
def test_a_card_that_the_hub_does_not_take_is_told(hub: Hub, folder: Path) -> None:
    hub.card_fault = "license is odd"
    with pytest.raises(StudioError, match="does not take the head of README") as told:
        upload(folder, "someone/letters", private=True)
    assert "license is odd" in told.value.detail
    assert hub.committed == {}


@pytest.mark.loopback
def test_a_hub_that_is_not_there_is_told(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(StudioError, match="cannot be reached"):
        upload(folder, "someone/letters", private=True)


def test_without_a_login_or_a_network_nothing_is_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["upload", str(folder), "someone/letters"]) == EXIT_CODES["network"]
    assert "Offline mode is on." in capsys.readouterr().err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(StudioError, match="Nobody is logged in") as told:
        upload(folder, "someone/letters", private=True)
    assert "hf auth login" in told.value.hint


@pytest.mark.parametrize("repo", ["letters", "a/b/c", "some one/letters", "someone/", "https://hf.co/a/b"])
def test_a_name_that_cannot_be_is_refused(folder: Path, repo: str) -> None:
    with pytest.raises(StudioError, match="is no name for a model") as told:
        upload(folder, repo, private=True)
    assert told.value.reason == "usage"


def test_what_is_no_export_is_not_taken_there(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\nMade with finetune-studio")
    (tmp_path / "config.json").write_text("{}")
    (folder / "README.md").unlink()
    for place in (folder, tmp_path):
        with pytest.raises(StudioError, match="holds no export"):
            upload(place, "someone/letters", private=True)
