"""A dataset's id opens as its data files, brought one by one; nothing else of the repository ever arrives."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from hypothesis import given
from hypothesis import strategies as st

from studio.core import hub_ids
from studio.core.config_file import load
from studio.core.data import sources
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from tests.hub import Hub, serving


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = tmp_path / "served"
    (folder / "data").mkdir(parents=True)
    rows = [{"question": f"What is {i}?", "answer": f"It is {i}. " * 40} for i in range(200)]
    for name, part in (("train-00000-of-00002", rows[:100]), ("train-00001-of-00002", rows[100:]), ("test", rows[:3])):
        pq.write_table(pa.Table.from_pylist(part), folder / "data" / f"{name}.parquet")
    (folder / "README.md").write_text("---\nconfigs:\n- data_files: ../../secret.csv\n---\n")
    (folder / "script.py").write_text("raise SystemExit('the code of a stranger ran')")
    with serving(folder, tmp_path / "cache", monkeypatch) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/letters.jsonl", "letters"),
        ("/a/letters.v1.2.csv.gz", "letters.v1.2"),
        ("C:\\data\\Kunden 2024.xlsx", "Kunden 2024"),
        ("/a/shop.recipe.json", "shop"),
        ("/a/wiki-v1.5", "wiki-v1.5"),
        ("/a/logs/2024.jsonl", "logs/2024"),
        ("/a/logs/*.jsonl", "logs/*"),
        ("hf://datasets/owner/letters@main?split=train", "letters"),
        ("1.jsonl", "1"),
        ("", ""),
    ],
)
def test_data_has_a_short_name_that_says_something(path: str, name: str) -> None:
    assert hub_ids.short_name(path) == name


@pytest.mark.loopback
def test_an_id_opens_as_its_training_files(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    dataset = open_dataset("someone/tiny", on_progress=lambda done, total: told.append((done, total)))
    assert (len(dataset), dataset.format) == (200, "prompt_completion")
    assert "data/test.parquet was left out as held back for evaluation" in dataset.reason
    assert dataset.files == [f"data/train-0000{i}-of-00002.parquet" for i in range(2)]
    assert {name for name, _ in hub.asked} == {"train-00000-of-00002.parquet", "train-00001-of-00002.parquet"}
    size = sum(file.stat().st_size for file in (hub.folder / "data").glob("train*"))
    assert (size, size) in told


@pytest.mark.loopback
def test_what_is_here_needs_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_dataset("hf://datasets/someone/tiny/data/test*")
    assert len(first) == 3
    hub.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert open_dataset("hf://datasets/someone/tiny/data/test*").fingerprint == first.fingerprint
    assert hub.asked == []
    with pytest.raises(StudioError, match="offline mode is on"):
        open_dataset("someone/other")


@pytest.mark.loopback
def test_a_cancelled_download_goes_on_where_it_stopped(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)

    def cancel(done: int, _total: int) -> None:
        if done >= 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sources.find("hf://datasets/someone/tiny/data/train*", cancel)
    hub.asked.clear()
    assert len(open_dataset("hf://datasets/someone/tiny/data/train*")) == 200
    assert [asked for asked in hub.asked if asked[1] not in ("", "bytes=0-")], hub.asked


@pytest.mark.loopback
@pytest.mark.parametrize(("code", "reason"), [("RepoNotFound", "data"), ("GatedRepo", "data"), ("Other", "network")])
def test_refusals_are_put_in_words(hub: Hub, monkeypatch: pytest.MonkeyPatch, code: str, reason: str) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.refusal = code
    with pytest.raises(StudioError) as caught:
        open_dataset("someone/tiny")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("owner/name", hub_ids.HubId("owner/name")),
        ("hf://datasets/a/b@v1/data/x*", hub_ids.HubId("a/b", "v1", "data/x*")),
        ("hf://datasets/a/b", hub_ids.HubId("a/b")),
        ("hf:/datasets/a/b", hub_ids.HubId("a/b")),
        ("hf:\\datasets\\a\\b@v1", hub_ids.HubId("a/b", "v1")),
        ("hf://datasets/a/b@refs/pr/3/x", hub_ids.HubId("a/b", "refs/pr/3", "x")),
        ("hf://datasets/a/b@v1?subset=en&split=a+b", hub_ids.HubId("a/b", "v1", "", "en", "a b")),
        ("hf://datasets/a/b/train-?.csv", hub_ids.HubId("a/b", None, "train-?.csv")),
        ("data/rows.jsonl", None),
        ("a/b/c", None),
        ("../name", None),
        ("/tmp/name", None),
        ("hf://datasets/a", None),
    ],
)
def test_ids_are_told_from_paths(text: str, wanted: hub_ids.HubId | None) -> None:
    assert hub_ids.parse(text) == wanted


@given(
    st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}", fullmatch=True),
    st.sampled_from([None, "v1", "refs/pr/7", "main"]),
    st.sampled_from(["", "data/*.csv", "x/train-?.json"]),
    st.text("ab &=%+?/\u00e4", max_size=5),
    st.text("tes&", max_size=5),
)
def test_what_is_spelled_is_read_again(repo: str, revision: str | None, pattern: str, subset: str, split: str) -> None:
    wanted = hub_ids.HubId(repo, revision, pattern, subset, split)
    assert hub_ids.parse(str(wanted)) == wanted
    if os.name == "posix":
        assert hub_ids.spelled(Path(str(wanted))) == str(wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (" someone/tiny ", hub_ids.HubId("someone/tiny")),
        ("https://huggingface.co/datasets/someone/tiny", hub_ids.HubId("someone/tiny")),
        ("huggingface.co/datasets/a/b/tree/v2/data", hub_ids.HubId("a/b", "v2")),
        ("tiny", None),
        ("", None),
    ],
)
def test_an_address_may_be_pasted(text: str, wanted: hub_ids.HubId | None) -> None:
    assert hub_ids.typed(text) == wanted


def test_an_id_stays_one_where_data_is_kept_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    full = Path("hf://datasets/someone/tiny")
    assert hub_ids.placed(Path("someone/tiny")) == full
    assert hub_ids.placed(full) == full
    assert hub_ids.placed(Path("data/rows.jsonl")) == tmp_path / "data" / "rows.jsonl"
    (tmp_path / "someone" / "tiny").mkdir(parents=True)
    assert hub_ids.placed(Path("someone/tiny")) == tmp_path / "someone" / "tiny"


@pytest.mark.loopback
def test_a_subset_and_a_split_choose_files_by_the_words_in_their_names(hub: Hub) -> None:
    for name in ("en/test.csv", "en/train.csv", "de/train-0.csv", "golden/train.csv"):
        (hub.folder / name).parent.mkdir(exist_ok=True)
        (hub.folder / name).write_text(f"question,answer\n{name},b\n", encoding="utf-8")

    def files(query: str) -> list[str]:
        return [part.name for part in sources.find(f"hf://datasets/someone/tiny?{query}").parts]

    assert files("subset=en&split=train") == ["en/train.csv"]
    assert files("subset=en&split=test") == ["en/test.csv"]
    assert files("subset=de") == ["de/train-0.csv"]
    assert files("subset=en") == ["en/train.csv"]  # what is for evaluation is taken only where it is named
    with pytest.raises(StudioError, match=r"fits .*split=dev; it holds .* and 2 more") as caught:
        files("split=dev")
    assert "words of the files' names" in caught.value.hint
    with pytest.raises(StudioError, match="no id of a dataset"):
        sources.find("hf://datasets/tiny")


def test_a_config_keeps_an_id_but_a_folder_of_that_name_wins(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({"data": {"path": "owner/name"}}))
    assert load(path).data.path == "owner/name"
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert load(path).data.path == str(tmp_path / "owner" / "name")
