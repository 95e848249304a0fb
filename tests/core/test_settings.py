import json
from pathlib import Path
from typing import Any

import pytest

from studio.core import settings
from studio.core.errors import StudioError

GOOD: dict[str, Any] = {
    "theme": "dark",
    "page": "library",
    "recent_data": ["b.jsonl", "a.jsonl"],
    "draft": {"name": "mine"},
    "welcomed": True,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("settings-damaged-*.json"))


def test_what_is_saved_is_loaded(path: Path) -> None:
    settings.save(settings.Settings(**GOOD), path)
    assert settings.load(path) == settings.Settings(**GOOD)
    assert not aside(path)


def test_without_a_file_there_are_the_defaults(path: Path) -> None:
    assert settings.load(path) == settings.Settings()
    assert not aside(path)


@pytest.mark.parametrize(
    "wrong", [{"theme": 5}, {"all_fields": "perhaps"}, {"geometry": None, "language": []}, {"recent_models": "a"}]
)
def test_a_wrong_field_costs_no_other(path: Path, wrong: dict[str, Any]) -> None:
    path.write_text(json.dumps(GOOD | wrong))
    kept = {key: value for key, value in GOOD.items() if key not in wrong}
    assert settings.load(path) == settings.Settings(**kept)


def test_of_a_list_only_the_wrong_items_go(path: Path) -> None:
    path.write_text(json.dumps(GOOD | {"recent_data": [1, "b.jsonl", None, "a.jsonl", {}]}))
    assert settings.load(path) == settings.Settings(**GOOD)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"theme": "\\ud800"}'])
def test_a_damaged_file_is_kept_aside_once_and_not_overwritten(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    assert settings.load(path) == settings.load(path) == settings.Settings()
    settings.save(settings.Settings(theme="light"), path)
    assert [kept.read_bytes() for kept in aside(path)] == [text]
    assert settings.load(path).theme == "light"


def test_a_file_with_a_wrong_field_is_kept_aside(path: Path) -> None:
    path.write_text(json.dumps(GOOD | {"theme": 5}))
    before = path.read_bytes()
    settings.save(settings.load(path), path)
    assert [kept.read_bytes() for kept in aside(path)] == [before]


def test_a_damaged_file_is_told_of_until_it_is_written_anew(path: Path) -> None:
    told: list[StudioError] = []
    settings.save(settings.Settings(**GOOD), path)
    settings.load(path, told.append)
    assert told == []
    path.write_bytes(b"{")
    settings.load(path, told.append)
    assert [error.message for error in told] == ["The settings in settings.json are damaged."]
    assert str(aside(path)[0]) in told[0].hint
    settings.save(settings.Settings(), path)
    settings.load(path, told.append)
    assert len(told) == 1


def test_what_cannot_be_kept_aside_is_not_said_to_be(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[StudioError] = []
    path.write_bytes(b"{")

    def full(*_: object) -> None:
        raise OSError("no room")

    for name in ("os.link", "shutil.copyfile"):
        monkeypatch.setattr(name, full)
    assert settings.load(path, told.append) == settings.Settings()
    assert told[0].hint == "What could not be read of it has its default."


def test_settings_of_another_version_load(path: Path) -> None:
    path.write_text(json.dumps(GOOD | {"of_later": [1, 2]}))
    assert settings.load(path) == settings.Settings(**GOOD)
    settings.save(settings.Settings(theme="light"), path)
    assert settings.load(path) == settings.Settings(theme="light")
    assert json.loads(path.read_text())["of_later"] == [1, 2], "what this one does not know stays"
    assert not aside(path)


def test_remembered_comes_first_and_once() -> None:
    assert settings.remembered(["a", "b"], "b") == ["b", "a"]
    assert settings.remembered(["a", "b", "c", "b"], "b") == ["b", "a", "c"]
    many = [str(n) for n in range(12)]
    before = list(many)
    assert settings.remembered(many, "new") == ["new", *many[:11]], "the oldest goes"
    assert settings.remembered(many, "11") == ["11", *many[:11]], "none goes for one that is known"
    assert settings.remembered(many[:11], "new") == ["new", *many[:11]], "twelve have room"
    assert many == before
    assert settings.remembered([], "a") == ["a"]
