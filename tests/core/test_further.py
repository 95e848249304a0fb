"""What a run takes over from the adapter that it trains further."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core import config_file, further, library
from studio.core.config import AdapterSpec, DataSpec, ModelSpec, RunConfig, to_dict
from studio.core.errors import StudioError
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
    assert caught.value.hint.startswith("Reset it")


@pytest.mark.parametrize(
    ("peft", "said"),
    [
        ({"peft_type": "IA3"}, "no LoRA"),
        ({"target_parameters": ["experts.down_proj"]}, "uses target_parameters"),
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
    found = further.laid_out(config_file.load(file, ["training.max_steps=3"], further.settings(entry)))
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
