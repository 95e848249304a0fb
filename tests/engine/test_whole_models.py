"""A model that was trained whole is a column by itself: computed with its own weights, in whatever company and room."""

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.core import desk, evaluations, library
from studio.core.config import to_dict
from studio.core.entry import Entry
from studio.core.errors import StudioError
from studio.core.evaluations import Result
from studio.core.library import Base
from studio.engine import mixing, updates, weights
from studio.engine.desk_work import Work
from studio.engine.generate import Sampling
from studio.engine.labels import Encoded
from studio.engine.loaded import Loaded
from tests.desks import ASK, random_adapter
from tests.models import tiny, tokenizer
from tests.training import Memory, config, trained

TEXT = {"messages": [{"role": "user", "content": "order late"}, {"role": "assistant", "content": "sorry, open box"}]}
SHORT = desk.Sampling(max_new_tokens=10)
SAMPLING = Sampling(max_new_tokens=10)
FULL: dict[str, Any] = {"adapter": {"method": "full"}, "learning_rate": 5e-3, "num_train_epochs": 3}


@pytest.fixture
def made(tmp_path: Path) -> tuple[Entry, Entry]:
    """Returns a model that was trained whole and an adapter of the same base."""
    run = trained(config(tmp_path, rows=24, data={"eval_split": 0.3}, **FULL), tmp_path / "run")
    finished = run.progress().finished
    assert finished is not None
    base = tmp_path / "llama"
    known = Base(path=str(base), fingerprint=weights.fingerprint(base))
    adapter = library.add(random_adapter(base, tmp_path / "made", 0), title="lora", base=known)
    return library.find(finished.adapter), adapter


def own(folder: Path, adapter: Path | None = None) -> Any:
    """Returns a model as transformers and PEFT load it by themselves."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return (model if adapter is None else PeftModel.from_pretrained(model, str(adapter))).eval()


def expected(model: Any, row: Encoded) -> NDArray[np.float32]:
    ids = torch.tensor([row.ids])
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0]
    losses: NDArray[np.float32] = torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:], reduction="none").numpy()
    return losses


def greedy(model: Any, folder: Path, *before: dict[str, str]) -> str:
    """Returns what transformers' own generate answers with the tokenizer and the template of a folder."""
    tokens = AutoTokenizer.from_pretrained(folder)
    messages = [*before, *({"role": item.role, "content": item.content} for item in ASK)]
    ids = tokens.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**ids, max_new_tokens=SHORT.max_new_tokens, do_sample=False)
    return str(tokens.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))


class Told(list[tuple[str, int, int]]):
    """What was said to be done."""

    def __call__(self, *item: Any) -> None:
        self.append(item)

    def count(self, phase: Any) -> int:
        return sum(item[0] == phase for item in self)


ROOM = pytest.mark.parametrize("room", [True, False], ids=["both fit", "one fits"])


@pytest.fixture
def short_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(0))


@ROOM
def test_every_column_is_computed_with_its_own_weights(
    made: tuple[Entry, Entry], tmp_path: Path, room: bool, short_of: Callable[[], None]
) -> None:
    whole, adapter = made
    base = tmp_path / "llama"
    models = {None: own(base), whole.name: own(whole.folder), adapter.name: own(base, adapter.folder)}
    if not room:
        short_of()
    loaded = Loaded()
    orders: list[list[str | None]] = [
        [None, whole.name, adapter.name],
        [whole.name, adapter.name, None],
        [adapter.name, None, whole.name],
        [whole.name],
        [None, whole.name],
    ]
    for order in orders:
        wanted = loaded.find(desk.Score(text=desk.Tokens(), adapters=order), Told())
        loaded.require_same_tokens(wanted)
        row = loaded._encoder(wanted, 0).encode(TEXT, "messages")
        found = loaded.score(wanted, row, Told())
        for name, scored in zip(order, found, strict=True):
            np.testing.assert_allclose(scored.losses[1:], expected(models[name], row), rtol=1e-4, atol=1e-5)
    apart = [expected(model, row) for model in models.values()]
    assert all(np.abs(one - other).max() > 0.1 for one, other in zip(apart, [*apart[1:], apart[0]], strict=True))
    loaded.drop()


@ROOM
def test_answers_are_each_models_own(
    made: tuple[Entry, Entry], tmp_path: Path, room: bool, short_of: Callable[[], None]
) -> None:
    whole, adapter = made
    base = tmp_path / "llama"
    said = {
        None: greedy(own(base), base),
        whole.name: greedy(own(whole.folder), whole.folder),
        adapter.name: greedy(own(base, adapter.folder), base),
    }
    assert len(set(said.values())) == 3
    if not room:
        short_of()
    work = Work()
    orders: list[list[str | None]] = [[None, whole.name, adapter.name], [whole.name, None], [whole.name]]
    orders.append([adapter.name, whole.name])
    for order in orders:
        request = desk.Answer(model=str(base), adapters=order, messages=ASK, sampling=SHORT)
        pieces, told = [""] * len(order), Told()

        def put(column: int, text: str, into: list[str] = pieces) -> None:
            into[column] += text

        done = work.do(request, told, put, lambda _: None)
        assert isinstance(done, desk.Answers)
        assert [column.text for column in done.columns] == pieces == [said[name] for name in order]
        assert [column.adapter for column in done.columns] == order


def test_what_is_loaded_answers_first_where_only_one_fits(
    made: tuple[Entry, Entry], short_of: Callable[[], None]
) -> None:
    whole, _ = made
    request = desk.Answer(adapters=[None, whole.name], messages=ASK, sampling=SHORT)

    def loads(work: Work) -> int:
        told = Told()
        work.do(request, told, lambda *_: None, lambda _: None)
        return told.count("loading")

    roomy = Work()
    assert [loads(roomy) for _ in range(3)] == [2, 0, 0]
    short_of()
    tight = Work()
    assert [loads(tight) for _ in range(3)] == [2, 1, 1]


def evaluated(work: Work, request: desk.Evaluate) -> tuple[Told, list[Result]]:
    told, found = Told(), list[Result]()
    work.do(request, told, lambda *_: None, lambda _: None, None, found.extend)
    return told, sorted(found, key=lambda item: item.row)


def test_an_evaluation_reads_all_rows_by_one_model_before_the_next_and_keeps_them_by_its_weights(
    made: tuple[Entry, Entry], tmp_path: Path, short_of: Callable[[], None]
) -> None:
    whole, adapter = made
    settings, known = evaluations.held_for(whole)
    request = desk.Evaluate(
        config=to_dict(settings), held=True, known=known, adapters=[None, whole.name, adapter.name], answers=True,
        sampling=SHORT,
    )  # fmt: skip
    short_of()
    told, found = evaluated(Work(), request)
    assert len(found) == 7
    # The base, the adapter on it, and the model: whatever the number of rows.
    assert told.count("loading") == 3
    metrics = whole.metrics
    total, tokens = sum(sum(row.columns[1].losses) for row in found), sum(sum(row.tokens) for row in found)
    assert total / tokens == pytest.approx(metrics["eval_loss"], rel=1e-4), "as its run's last evaluation"
    total = sum(sum(row.columns[0].losses) for row in found)
    assert total / tokens == pytest.approx(metrics["base_eval_loss"], rel=1e-4), "as before its training"
    again, kept = evaluated(Work(), request)
    assert (again.count("loading"), kept) == (0, found)
    # Other weights under the same name are read anew, and the base is not.
    file = next(whole.folder.glob("*.safetensors"))
    shutil.copyfile(tmp_path / "llama" / file.name, file)
    with pytest.raises(StudioError, match="weights have changed since it was added"):
        evaluated(Work(), request)
    library.remove(whole)
    assert library.take(Entry(name="", folder=unchanged(tmp_path), title=whole.title, is_model=True,
                              base=whole.base, config=whole.config)) is not None  # fmt: skip
    told, now = evaluated(Work(), request)
    assert told.count("loading") == 1
    assert [row.columns[1].losses for row in now] == [pytest.approx(row.columns[0].losses, rel=1e-5) for row in found]
    assert [row.columns[2] for row in now] == [row.columns[2] for row in found]


def unchanged(tmp_path: Path) -> Path:
    """Returns a folder of a model that is its base unchanged."""
    folder = tmp_path / "unchanged"
    shutil.copytree(tmp_path / "llama", folder)
    return folder


def test_it_is_asked_with_the_template_and_the_tokenizer_that_were_saved_with_it(tmp_path: Path) -> None:
    template = tmp_path / "own.jinja"
    template.write_text("{% for m in messages %}[{{ m.role }}]{{ m.content }}<|im_end|>{% endfor %}")
    data = {"chat_template": str(template), "system": "be small"}
    settings = config(tmp_path, rows=8, data=data, **(FULL | {"num_train_epochs": 1}))
    finished = trained(settings, tmp_path / "run").progress().finished
    assert finished is not None
    template.unlink()
    entry, loaded = library.find(finished.adapter), Loaded()
    wanted = loaded.find(desk.Answer(adapters=[None, entry.name], messages=ASK), Told())
    base, its = (loaded._encoder(wanted, at) for at in (0, 1))
    asked = [{"role": "user", "content": "order"}]
    assert its.tokenizer.decode(its.prompt(asked)) == "[system]be small<|im_end|>[user]order<|im_end|>"
    assert base.tokenizer.decode(base.prompt(asked)).startswith("<|im_start|>user")
    assert its.tokenizer.name_or_path == str(entry.folder)
    request = desk.Answer(adapters=[None, entry.name], messages=ASK, sampling=SHORT)
    done = Work().do(request, Told(), lambda *_: None, lambda _: None)
    assert isinstance(done, desk.Answers)
    system = {"role": "system", "content": "be small"}
    expected = greedy(own(entry.folder), entry.folder, system)
    assert [column.text for column in done.columns] == [greedy(own(tmp_path / "llama"), tmp_path / "llama"), expected]


def test_damaged_files_are_said_before_anything_is_loaded(made: tuple[Entry, Entry]) -> None:
    whole, _ = made
    file = whole.folder / "model.safetensors"
    file.write_bytes(b"\xff" * file.stat().st_size)
    with pytest.raises(StudioError, match=r"test is damaged: model\.safetensors in .* is damaged") as told:
        Loaded().find(desk.Answer(adapters=[None, whole.name], messages=ASK), Told())
    assert told.value.reason == "adapter"


def test_nothing_is_trained_on_a_model_that_has_changed_since(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, _ = made
    plain = config(tmp_path, max_steps=1)
    on_it = replace(plain, model=replace(plain.model, path=str(whole.folder)))
    assert trained(on_it, tmp_path / "sound").progress().finished is not None
    file = whole.folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(StudioError, match="have changed since it was added") as told:
        trained(on_it, tmp_path / "damaged")
    assert told.value.reason == "model"


def test_beside_an_adapter_of_its_own_a_model_is_loaded_once(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, _ = made
    base = Base(path=str(whole.folder), fingerprint=weights.fingerprint(whole.folder))
    adapter = library.add(random_adapter(whole.folder, tmp_path / "on-it", 1), title="on it", base=base)
    names = [None, adapter.name, whole.name]
    # Forced, since the model was trained from other weights than its own.
    request = desk.Answer(model=str(whole.folder), adapters=names, messages=ASK, sampling=SHORT, force=True)
    loaded, told = Loaded(), Told()
    for _ in range(2):
        wanted = loaded.find(request, told)
        answers = loaded.answer(wanted, [{"role": "user", "content": ASK[-1].content}], SAMPLING, told, lambda *_: None)
        assert answers[0].text == answers[2].text != answers[1].text
        assert told.count("loading") == 2, "the model and the adapter"


def test_a_model_alone_needs_no_base(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, _ = made
    shutil.rmtree(tmp_path / "llama")
    loaded = Loaded()
    assert loaded.find(desk.Answer(model="gone", adapters=[whole.name], messages=ASK), Told()).folder == whole.folder
    with pytest.raises(StudioError):
        loaded.find(desk.Answer(adapters=[None, whole.name], messages=ASK), Told())


def test_beside_another_base_it_is_refused_unless_forced(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, _ = made
    other = tiny("llama", tmp_path / "other", vocab_size=301)
    ask = desk.Answer(model=str(other), adapters=[None, whole.name], messages=ASK)
    with pytest.raises(StudioError, match="test was trained on other weights than those of") as told:
        Loaded().find(ask, Told())
    assert told.value.hint.endswith("or leave it out.")
    forced = desk.Answer(model=str(other), adapters=[None, whole.name], messages=ASK, force=True)
    assert Loaded().find(forced, Told()).folder == other


def test_losses_of_other_tokens_are_not_compared(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, _ = made
    other = tokenizer()
    other.add_tokens(["sorry"])
    other.save_pretrained(tmp_path / "llama")
    loaded = Loaded()
    wanted = loaded.find(desk.Answer(adapters=[None, whole.name], messages=ASK), Told())
    with pytest.raises(StudioError, match="test has other tokens than those of llama") as told:
        loaded.require_same_tokens(wanted)
    assert told.value.reason == "model"


def test_what_makes_no_sense_of_a_model_is_refused_with_what_does(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, adapter = made
    request = desk.Answer(adapters=[None, whole.name], strengths=[1.0, 0.5], messages=ASK)
    with pytest.raises(StudioError, match="test is a whole model, which answers as it was trained") as told:
        Loaded().find(request, Told())
    assert told.value.hint == "Leave its strength at 1."
    with pytest.raises(StudioError, match="is a whole model, which cannot be added up"):
        mixing.mix([(whole, 0.5), (adapter, 0.5)], tmp_path / "mixed")


def test_its_layers_are_told_by_how_much_each_weight_was_changed(made: tuple[Entry, Entry], tmp_path: Path) -> None:
    whole, adapter = made
    base = tmp_path / "llama"
    found = {item.name: item for item in updates.of(whole.folder, updates.Base(base))}
    before, after = own(base).state_dict(), own(whole.folder).state_dict()
    for name, item in found.items():
        change = (after[f"{name}.weight"] - before[f"{name}.weight"]).norm()
        assert item.norm == pytest.approx(float(change), rel=1e-4)
        assert item.base == pytest.approx(float(before[f"{name}.weight"].norm()), rel=1e-4)
    assert {f"{name}.weight" for name in found} == set(after)
    beside = updates.between(whole.folder, adapter.folder, updates.Base(base))
    assert any(item.cosine is not None and item.norm and item.other for item in beside)
