"""What a run takes over from the adapter that it trains further."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core import config_file, further, library, runs
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, TrainingSpec, to_dict
from studio.core.entry import write_entry
from studio.core.errors import StudioError
from studio.core.versions import store
from studio.core.versions.recipe import Source
from tests.adapters import made


def config(model: ModelSpec | None = None, **adapter: Any) -> RunConfig:
    spec = AdapterSpec(**({"path": "letters"} | adapter))
    return RunConfig(model=model or ModelSpec(), data=DataSpec(path="/rows.jsonl"), adapter=spec)


def test_a_new_adapter_is_laid_out_as_the_config_says() -> None:
    plain = config(path="", r=3)
    assert further.laid_out(plain) is plain


def test_the_layout_and_the_base_are_the_adapters() -> None:
    entry = made("letters", base="org/base", use_rslora=True, rank_pattern={"q_proj": 1}, exclude_modules=None)
    found = further.laid_out(config(lora_dropout=0.3))
    assert found.model.path == "org/base"
    assert found.adapter == AdapterSpec(
        path=str(entry.folder),
        r=2,
        lora_alpha=4,
        lora_dropout=0.3,
        target_modules=["q_proj"],
        use_rslora=True,
        rank_pattern={"q_proj": 1},
    )
    assert further.laid_out(found) == found
    assert found.data.system == ""
    elsewhere = further.laid_out(config(ModelSpec(path="/other/base")))
    assert elsewhere.model.path == "/other/base", "a folder may have been moved; its weights are looked at later"


@given(
    rank=st.integers(1, 1024),
    alpha=st.floats(0.5, 1e4),
    names=st.lists(st.sampled_from(["q_proj", "k_proj", "v_proj"]), min_size=1, unique=True),
    layers=st.none() | st.lists(st.integers(0, 30), min_size=1),
    dora=st.booleans(),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_layout_is_kept_and_taken_over_but_once(
    rank: int, alpha: float, names: list[str], layers: list[int] | None, dora: bool
) -> None:
    peft: dict[str, Any] = {"r": rank, "lora_alpha": alpha, "target_modules": names, "layers_to_transform": layers}
    entry = made("any", use_dora=dora, **peft)
    try:
        found = further.laid_out(config(path="any"))
        kept = {key: getattr(found.adapter, key) for key in peft}
        assert kept == peft
        assert found.adapter.use_dora is dora
        assert further.laid_out(found) == found
        again = config_file.build(to_dict(found))
        assert again == found
    finally:
        library.remove(entry)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"r": 5}, "adapter.r: it is 5, but .* has 2"),
        ({"use_dora": True}, "adapter.use_dora"),
        ({"target_modules": ["v_proj"]}, "adapter.target_modules"),
    ],
)
def test_what_contradicts_it_is_refused_by_name(asked: dict[str, Any], said: str) -> None:
    made("letters")
    with pytest.raises(StudioError, match=said) as caught:
        further.laid_out(config(**asked))
    assert caught.value.hint.startswith("Set it to")


@pytest.mark.parametrize(
    ("peft", "said"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "by no method that is trained here"),
        ({"layers_pattern": "h"}, "uses layers_pattern"),
        ({"r": 0}, "adapter.r"),
    ],
)
def test_what_no_run_can_train_is_refused(peft: dict[str, Any], said: str) -> None:
    made("letters", **peft)
    with pytest.raises(StudioError, match=said):
        further.laid_out(config())


def test_an_adapter_that_is_not_there_or_damaged_is_told_with_its_setting() -> None:
    with pytest.raises(StudioError, match=r"adapter\.path: There is no adapter `letters`"):
        further.laid_out(config())
    entry = made("letters")
    (entry.folder / library.WEIGHTS).write_bytes(b"cut")
    with pytest.raises(StudioError, match=r"adapter\.path: letters is damaged: .* bytes instead of"):
        further.laid_out(config())


def test_full_fine_tuning_trains_none_further() -> None:
    with pytest.raises(StudioError, match="trains no adapter further"):
        config_file.build({"data": {"path": "x"}, "adapter": {"method": "full", "path": "letters"}})


def test_its_runs_settings_are_where_the_next_ones_begin(tmp_path: Path) -> None:
    before = RunConfig(data=DataSpec(path="/old.jsonl", max_length=77), adapter=AdapterSpec(r=2, lora_dropout=0.25))
    plain = to_dict(before)
    plain["training"]["of_a_later_program"] = 1
    entry = made("letters", config=plain)
    file = tmp_path / "more.yaml"
    file.write_text("data: {path: rows.jsonl}\n")
    said = config_file.said(file, ["training.max_steps=3"])
    found = further.laid_out(config_file.whole(said, file, further.settings(entry)))
    assert said == {"data": {"path": "rows.jsonl"}, "training": {"max_steps": 3}}
    assert (found.data.path, found.data.max_length) == (str(tmp_path / "rows.jsonl"), 77)
    assert further.settings(entry)["adapter"]["path"] == "letters"
    assert (found.adapter.r, found.adapter.lora_dropout, found.adapter.path) == (2, 0.25, str(entry.folder))
    assert (found.training.max_steps, found.name) == (3, None)
    elsewhere = made("foreign", base="org/base")
    assert further.settings(elsewhere)["model"] == {"path": "org/base", "revision": None}


def test_a_folder_is_named_from_where_the_config_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made("letters").folder.rename(tmp_path / "mine")
    (tmp_path / "run.yaml").write_text("data: {path: rows.jsonl}\nadapter: {path: mine}\n")
    (tmp_path / "letters").mkdir()
    made("letters")
    monkeypatch.chdir(tmp_path)
    assert config_file.load(tmp_path / "run.yaml").adapter.path == str(folder)
    named = config_file.load(None, ["data.path=rows.jsonl", "adapter.path=letters"])
    assert named.adapter.path == "letters", "a folder that holds no adapter is none"


def test_it_goes_on_with_the_system_prompt_it_learned_with() -> None:
    plain = to_dict(RunConfig(data=DataSpec(path="/rows.jsonl", system="Be brief."), adapter=AdapterSpec(r=2)))
    made("letters", config=plain)
    assert further.laid_out(config()).data.system == "Be brief."
    other = RunConfig(data=DataSpec(path="/rows.jsonl", system="Be long."), adapter=AdapterSpec(path="letters"))
    assert further.laid_out(other).data.system == "Be long."


def test_what_is_named_is_meant_even_where_it_is_the_default(tmp_path: Path) -> None:
    made("letters")
    assert further.laid_out(config()).adapter.r == 2
    for named in ({"adapter.r"}, further.MEANT):
        with pytest.raises(StudioError, match=r"adapter\.r: it is 16, but .* has 2") as caught:
            further.laid_out(config(), named)
        assert caught.value.hint == "Set it to 2: an adapter keeps its layout."
    file = tmp_path / "run.yaml"
    file.write_text("adapter: {lora_alpha: 32}\n")
    said = config_file.said(file, ["r=16", "data.path=x"])
    assert config_file.named(said) == {"adapter.lora_alpha", "adapter.r", "data.path"}


def test_the_usual_beta_of_its_objective_is_not_carried_on() -> None:
    plain = to_dict(RunConfig(data=DataSpec(path="/rows.jsonl"), adapter=AdapterSpec(r=2)))
    plain["training"] |= {"objective": "dpo", "beta": 0.1}
    made("letters", config=plain)
    assert further.settings(library.find("letters"))["training"]["beta"] is None
    plain["training"]["beta"] = 0.3
    made("notes", config=plain)
    assert further.settings(library.find("notes"))["training"]["beta"] == 0.3


def test_the_template_it_learned_with_is_taken_from_beside_it() -> None:
    plain = to_dict(RunConfig(data=DataSpec(path="/rows.jsonl", chat_template="/gone.jinja"), adapter=AdapterSpec(r=2)))
    entry = made("letters", template="{{ messages }}", config=plain)
    assert "chat_template" not in further.settings(entry)["data"]
    assert further.laid_out(config()).data.chat_template == str(entry.folder / "chat_template.jinja")
    plain["data"]["chat_template"] = "none"
    made("bare", config=plain)
    assert further.laid_out(config(path="bare")).data.chat_template == "none"


def test_a_strangers_folder_names_no_files_of_the_users(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    plain = to_dict(RunConfig(data=DataSpec(path=str(secret), chat_template=str(secret)), adapter=AdapterSpec(r=2)))
    folder = made("letters", config=plain).folder.rename(tmp_path / "theirs")
    (folder / "chat_template.jinja").symlink_to(secret)
    entry = library.located(str(folder))
    assert further.settings(entry)["data"] == {}
    assert further.laid_out(config(path=str(folder))).data.chat_template == "auto"
    (folder / library.PEFT_CONFIG).write_text(" " * 11_000_000)
    with pytest.raises(StudioError, match="cannot be read"):
        further.layout_of(folder)


def test_data_is_a_version_itself_and_not_a_runs_copy_of_it(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"prompt": "a", "completion": "b"}\n')
    version = store.create("letters", [Source(path=str(source))])
    run = runs.create(RunConfig(data=DataSpec(path=str(version))))
    copied = run.config()
    assert copied.data.path != str(version)
    entry = made("letters", config=to_dict(copied))
    assert further.settings(entry)["data"]["path"] == str(version)


def test_what_was_for_other_data_or_another_objective_is_left(tmp_path: Path) -> None:
    before = RunConfig(
        data=DataSpec(path="/rows.csv", mapping={"prompt": "a", "completion": "b"}, packing=True, max_length=77),
        adapter=AdapterSpec(r=2),
        training=TrainingSpec(learning_rate=3e-3, max_steps=9),
    )
    entry = made("letters", config=to_dict(before))

    def load(*assignments: str) -> RunConfig:
        said = config_file.said(None, assignments)
        return config_file.whole(said, None, further.begun(entry, said))

    same = load("max_steps=3")
    assert (same.data.mapping, same.data.packing, same.training.learning_rate) == (before.data.mapping, True, 3e-3)
    other = load("data.path=/other.csv")
    assert (other.data.mapping, other.data.max_length, other.training.learning_rate) == ({}, 77, 3e-3)
    preferred = load("data.path=/pairs.jsonl", "objective=dpo")
    assert (preferred.data.packing, preferred.training.learning_rate) == (False, 1e-5)
    assert load("objective=dpo", "learning_rate=1e-4").training.learning_rate == 1e-4
    assert config_file.load(None, ["data.path=x", "objective=kto"]).training.learning_rate == 1e-5
    assert config_file.load(None, ["data.path=x"]).training.learning_rate == TrainingSpec().learning_rate


def test_a_system_prompt_can_be_taken_away() -> None:
    plain = to_dict(RunConfig(data=DataSpec(path="/rows.jsonl", system="Be brief."), adapter=AdapterSpec(r=2)))
    entry = made("letters", config=plain)
    said = config_file.said(None, ["data.system="])
    config = config_file.whole(said, None, further.begun(entry, said))
    assert further.laid_out(config, config_file.named(said)).data.system == ""
    assert further.laid_out(config).data.system == "Be brief."


def test_all_linear_is_what_its_own_run_said() -> None:
    entry = made("letters")
    named = {"adapter.target_modules"}
    with pytest.raises(StudioError, match="target_modules"):
        further.laid_out(config(), named)
    write_entry(replace(entry, config={"adapter": {"target_modules": "all-linear"}}))
    assert further.laid_out(config(), named).adapter.target_modules == ["q_proj"]
