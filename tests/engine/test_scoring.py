"""Scores: the numbers that training lowers, the same however they are computed, and each column's own."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy

from studio.core import desk, library, rowlog, runs
from studio.core.config import DataSpec, ModelSpec
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from studio.core.library import Base
from studio.engine import desk_work, scoring
from studio.engine.adapters import load_adapter
from studio.engine.desk_work import Work
from studio.engine.labels import Encoded, make_encoder
from studio.engine.loaded import Loaded
from studio.engine.model import load_base, load_tokenizer
from tests.desks import random_adapter
from tests.models import FAMILIES, tiny
from tests.training import config, preferring, resume

CPU = torch.device("cpu")
TEXT = [
    desk.Message(role="user", content="What is the capital of France?"),
    desk.Message(role="assistant", content="The capital is Paris, a world of small boxes."),
]


def base(folder: Path) -> Any:
    return load_base(folder, ModelSpec(path=str(folder), dtype="float32"), CPU)


def encoded(folder: Path, data: dict[str, Any], row_format: str, **spec: Any) -> Encoded:
    objective = "pretraining" if row_format == "text" else "sft"
    return make_encoder(load_tokenizer(folder), DataSpec(path="-", **spec), objective).encode(data, row_format)


def chat(folder: Path) -> Encoded:
    return encoded(folder, {"messages": [{"role": one.role, "content": one.content} for one in TEXT]}, "messages")


def plain(model: Any, ids: list[int]) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
    """Returns each token's loss by the library's own means, and the logits (T, V)."""
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    losses = cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="none")
    return losses.numpy(), logits


def ignored(*_: object) -> None:
    pass


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_are_those_of_plain_logits(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny(family, tmp_path / family)
    row = chat(folder)
    model = base(folder)
    losses, logits = plain(model, row.ids)
    model.train()
    monkeypatch.setattr(scoring, "_PIECE_BYTES", 7 * 4 * model.config.get_text_config().vocab_size)
    found = scoring.score(model, row, ignored)
    assert model.training, "as it was"
    assert np.isnan(found.losses[0])
    np.testing.assert_allclose(found.losses[1:], losses, rtol=1e-5, atol=1e-6)
    best = logits[:-1].log_softmax(-1).topk(scoring.TOP)
    assert (found.top_ids[0] == -1).all()
    np.testing.assert_array_equal(found.top_ids[1:], best.indices.numpy())
    np.testing.assert_allclose(found.top_losses[1:], -best.values.numpy(), rtol=1e-5, atol=1e-6)


def test_the_layers_are_gone_through_once_however_many_pieces_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny("llama", tmp_path / "llama")
    row, model = chat(folder), base(folder)
    layers, heads = [0], list[int]()
    model.model.layers[0].register_forward_hook(lambda *_: layers.__setitem__(0, layers[0] + 1))
    model.lm_head.register_forward_hook(lambda _, __, logits: heads.append(logits.shape[1]))
    monkeypatch.setattr(scoring, "_PIECE_BYTES", 7 * 4 * model.config.vocab_size)
    scoring.score(model, row, ignored)
    assert layers == [1]
    assert sum(heads) == len(row.ids) - 1
    assert max(heads) == 7
    assert "forward" not in vars(model.model), "as it was"


def test_a_model_that_projects_every_place_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny("llama", tmp_path / "llama")
    row, model = chat(folder), base(folder)
    whole = scoring.score(model, row, ignored)
    monkeypatch.setattr(type(model), "_supports_logits_to_keep", lambda self: False)
    np.testing.assert_allclose(scoring.score(model, row, ignored).losses, whole.losses, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sequences_loss_is_the_sum_of_its_learned_tokens(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny(family, tmp_path / family)
    row, model = chat(folder), base(folder)
    model.train()
    every = scoring.score(model, row, ignored).losses
    monkeypatch.setattr(scoring, "_PIECE_BYTES", 7 * 4 * model.config.get_text_config().vocab_size)
    ((ids, trained),) = row.sequences()
    told = scoring.summed(model, np.array(ids, np.int32), np.array(trained))
    assert told == pytest.approx(float(every[np.array(trained)].sum()), rel=1e-5)
    assert model.training, "as it was"
    # With nothing learned behind the middle, what stands there is not read.
    half = np.array(trained) & (np.arange(len(ids)) <= np.flatnonzero(trained)[1])
    assert scoring.summed(model, np.array(ids, np.int32), half) == pytest.approx(float(every[half].sum()), rel=1e-5)


def test_a_long_text_is_read_in_its_chunks_as_training_feeds_it(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    words = " ".join(f"order {number} box late" for number in range(40))
    row = encoded(folder, {"text": words}, "text", max_length=64, long_text="chunks", chunk_overlap=16)
    assert len(row.chunks) > 3
    model, told = base(folder), list[tuple[int, int]]()
    found = scoring.score(model, row, lambda done, count: told.append((done, count)))
    assert len(found.losses) == len(row.ids) == told[-1][0] == told[-1][1]
    assert np.isfinite(found.losses[1:]).all()
    for (ids, trained), chunk in zip(row.sequences(), row.chunks, strict=True):
        losses, _ = plain(model, ids)
        head = row.beginning if chunk.start else 0
        places = [at for at in np.flatnonzero(trained) if at - head + chunk.start >= chunk.fresh]
        expected = [losses[at - 1] for at in places]
        np.testing.assert_allclose(found.losses[[at - head + chunk.start for at in places]], expected, rtol=1e-5)


def test_nothing_is_computed_behind_what_the_model_reads(tmp_path: Path) -> None:
    folder = tiny("gpt2", tmp_path / "gpt2", max_position_embeddings=20)
    row = chat(folder)
    assert len(row.ids) > 20
    found = scoring.score(base(folder), row, ignored)
    assert np.isfinite(found.losses[1:20]).all()
    assert np.isnan(found.losses[20:]).all()
    assert (found.top_ids[20:] == -1).all()


def test_it_is_interrupted_between_two_blocks(tmp_path: Path) -> None:
    folder, calls = tiny("llama", tmp_path / "llama"), [0]

    def check() -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scoring.score(base(folder), chat(folder), ignored, check)


def of_rows(request: Callable[[int], desk.Score], rows: list[int]) -> dict[int, list[float]]:
    """Returns the mean loss of the learned tokens of every row, in each column."""
    work, found = Work(), {}
    for row in rows:
        made = work.do(request(row), ignored, ignored, ignored)
        assert isinstance(made, desk.Scores)
        learned = np.array(made.picture.trained[: len(made.columns[0].losses)])
        found[row] = [float(np.array(column.losses)[learned].mean()) for column in made.columns]
    work.forget()
    return found


@pytest.mark.parametrize("data", [{"max_length": 128}, {"max_length": 72}], ids=["whole", "cut"])
def test_the_mean_is_the_loss_that_the_run_kept_of_the_row(tmp_path: Path, data: dict[str, Any]) -> None:
    whole = config(tmp_path, rows=8, data=data, adapter={"lora_dropout": 0.0}, num_train_epochs=2, learning_rate=1e-30,
                   per_device_train_batch_size=8)  # fmt: skip
    run = runs.create(whole, tmp_path / "run")
    resume(run)
    kept = {int(record["row"]): float(record["loss"]) for record in rowlog.read_all(run.path)}
    assert len(kept) == 8
    found = of_rows(
        lambda row: desk.Score(
            text=desk.tokens_of(whole.data, row, whole.model),
            model=whole.model.path,
            adapters=[None, str(run.path / "adapter")],
        ),
        sorted(kept),
    )
    for row, (alone, adapted) in found.items():
        assert alone == pytest.approx(kept[row], rel=1e-4)
        assert adapted == pytest.approx(kept[row], rel=1e-4)


def test_of_two_answers_each_is_read(tmp_path: Path) -> None:
    whole = preferring(tmp_path, rows=2)
    text = desk.tokens_of(whole.data, 1, whole.model)
    row = open_dataset(whole.data.path).find(1).data
    for worse, said in ((False, row["chosen"]), (True, row["rejected"])):
        request = desk.Score(text=replace(text, worse=worse), model=whole.model.path, adapters=[None])
        found = Work().do(request, ignored, ignored, ignored)
        assert isinstance(found, desk.Scores)
        assert found.picture.answer == ("worse" if worse else "better")
        assert said in found.picture.text


def entered(model: Path, seed: int, **settings: Any) -> str:
    folder = random_adapter(model, model.parent / f"made-{seed}", seed, **settings)
    return library.add(folder, title=f"a{seed}", base=Base(path=str(model))).name


def test_each_column_is_its_own_adapters_in_whatever_company(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    names = [
        entered(folder, 0, target_modules=["v_proj"], modules_to_save=["mlp"]),
        entered(folder, 1, target_modules=["gate_proj", "q_proj"]),
        entered(folder, 2),
    ]
    row = chat(folder)
    alone = [plain(base(folder), row.ids)[0]]
    alone += [plain(load_adapter(base(folder), tmp_path / f"made-{seed}"), row.ids)[0] for seed in range(3)]
    loaded = Loaded()
    orders: list[list[str | None]] = [[None, *names], [names[2], None, names[0]], [names[1]]]
    for order in orders:
        wanted = loaded.find(desk.Score(text=desk.Tokens(messages=TEXT), adapters=order), ignored)
        told = list[tuple[str, int, int]]()
        found = loaded.score(wanted, row, lambda *item: told.append(item))  # noqa: B023 - called at once
        for name, scored in zip(order, found, strict=True):
            expected = alone[names.index(name) + 1 if name else 0]
            np.testing.assert_allclose(scored.losses[1:], expected, rtol=1e-4, atol=1e-5)
        shares = [done / total for phase, done, total in told if phase == "scoring"]
        assert shares == sorted(shares)
        assert shares[-1] == 1
    loaded.drop()


def test_all_read_the_text_as_the_first_adapter_was_trained_to(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    made = random_adapter(folder, tmp_path / "made", 0)
    (made / "chat_template.jinja").write_text("{% for m in messages %}[{{ m.role }}]{{ m.content }};{% endfor %}")
    name = library.add(made, title="own", base=Base(path=str(folder))).name
    work = Work()

    def text(adapters: list[str | None], **settings: Any) -> str:
        tokens = desk.Tokens(messages=TEXT, **settings)
        found = work.do(desk.Score(text=tokens, model=str(folder), adapters=adapters), ignored, ignored, ignored)
        assert isinstance(found, desk.Scores)
        return found.picture.text

    assert text([None, name]).startswith("[user]What")
    assert not text([None]).startswith("[user]")
    (other := tmp_path / "other.jinja").write_text("{% for m in messages %}({{ m.content }}){% endfor %}")
    assert text([None, name], chat_template=str(other)).startswith("(What")
    work.forget()


def test_a_row_that_cannot_be_read_is_told_of_before_the_model_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"prompt": "a", "completion": "b"}) + "\n")
    phases = list[str]()
    request = desk.Score(text=desk.Tokens(file=str(file), row=7), model="demo", adapters=[None])
    with pytest.raises(StudioError, match="has no row 7"):
        Work().do(request, lambda phase, *_: phases.append(phase), ignored, ignored)
    assert "loading" not in phases


def asked(request: desk.Score) -> desk.Scores:
    work = Work()
    found = work.do(request, ignored, ignored, ignored)
    work.forget()
    assert isinstance(found, desk.Scores)
    return found


def test_the_learned_tokens_count_or_all_where_none_is(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    row = chat(folder)
    found = scoring.score(base(folder), row, ignored)
    np.testing.assert_array_equal(scoring.counting(row, found), row.trained)
    answer = TEXT[-1].content
    end = row.text.index(answer) + len(answer)
    counts = scoring.counting(row, found, end)
    assert "".join(row.text[slice(*row.offsets[at])] for at in np.flatnonzero(counts)) == answer
    nothing = replace(row, trained=[False] * len(row.ids))
    np.testing.assert_array_equal(scoring.counting(nothing, found), [False] + [True] * (len(row.ids) - 1))


def test_where_nothing_learned_is_read_it_is_told_so(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    request = desk.Score(text=desk.Tokens(messages=TEXT, max_length=12), model=str(folder), adapters=[None])
    with pytest.raises(StudioError, match=r"Only 12 of \d+ tokens are read, and none is learned") as caught:
        asked(request)
    assert caught.value.reason == "data"


def test_all_of_a_long_text_counts_whatever_is_told_of_it(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    text = desk.Tokens(messages=TEXT, max_length=4096)
    whole = asked(desk.Score(text=text, model=str(folder), adapters=[None]))
    some = asked(desk.Score(text=text, model=str(folder), adapters=[None], most_shown=30))
    assert len(some.picture.ids) == len(some.columns[0].losses) == len(some.counts) == 30
    assert len(some.columns[0].top_ids) == 30 * some.top_k
    assert (some.counted, some.read, some.picture.tokens) == (whole.counted, whole.read, whole.picture.tokens)
    assert some.columns[0].loss == whole.columns[0].loss
    losses = np.array(whole.columns[0].losses)
    assert whole.columns[0].loss == pytest.approx(losses[np.array(whole.counts)].mean())


def test_without_a_template_a_typed_answer_stands_behind_its_question(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    about = json.loads((folder / "tokenizer_config.json").read_text())
    about.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    messages = [desk.Message(role="system", content="Be kind."), *TEXT]
    found = asked(desk.Score(text=desk.Tokens(messages=messages), model=str(folder), adapters=[None]))
    assert found.picture.text == f"Be kind.\n\n{TEXT[0].content}{TEXT[1].content}"
    assert found.counts[-2:] == [True, True]
    assert not found.counts[3]


def test_numbers_that_overflow_are_told_of(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    made = random_adapter(folder, tmp_path / "made", 0)
    tensors = load_file(made / "adapter_model.safetensors")
    save_file({name: tensor * 1e20 for name, tensor in tensors.items()}, made / "adapter_model.safetensors")
    text = desk.Tokens(messages=TEXT)
    with pytest.raises(StudioError, match="gives no finite loss") as caught:
        asked(desk.Score(text=text, model=str(folder), adapters=[None, str(made)]))
    assert caught.value.reason == "adapter"


def test_every_likely_token_has_a_name_to_tell_it_by(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "llama")
    tokenizer = load_tokenizer(folder)
    every = set(range(len(tokenizer)))
    names = desk_work._names(tokenizer, every)
    assert set(names) == every
    assert all(names.values())
    assert not any("\ufffd" in name for name in names.values())
    (spaced,) = (at for at in every if tokenizer.convert_ids_to_tokens(at) == "Ġthe")
    assert names[spaced] == " the"
