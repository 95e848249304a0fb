"""The loop: the library's own answers, ends and draws of each row's own, caches that grow where they lie."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from transformers import DynamicCache

from studio.engine import decoding, generate
from studio.engine.decoding import Writing, grow_in_place, interruptible
from studio.engine.generate import Sampling, compare
from studio.engine.model import load_tokenizer
from studio.engine.turns import Turns
from tests.engine.test_generate import ASK, CPU, adapter, base, loaded
from tests.models import FAMILIES, random_model, tiny


def write(model: Any, prompts: torch.Tensor, seed: int = 0, **settings: Any) -> Writing:
    """Writes by our loop; `settings` as `generate` takes them."""
    writing = Writing(len(prompts), seed, CPU, on_token=lambda row, token: None)
    defaults = {"max_new_tokens": 12, "eos_token_id": [303], "pad_token_id": 0, "do_sample": False}
    model.generate(
        prompts, attention_mask=torch.ones_like(prompts), custom_generate=writing.loop, **defaults | settings
    )
    return writing


@pytest.mark.parametrize("family", FAMILIES)
def test_it_writes_what_the_librarys_loop_writes(family: str) -> None:
    model = random_model(family)
    prompts = torch.arange(3, 90).reshape(3, 29)
    options: dict[str, Any] = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    expected = model.generate(prompts, attention_mask=torch.ones_like(prompts), eos_token_id=[303], **options)
    ends = [row.index(303) if 303 in row else len(row) for row in expected[:, 29:].tolist()]
    cut = [row[:end] for row, end in zip(expected[:, 29:].tolist(), ends, strict=True)]
    assert [row.ids for row in write(model, prompts).rows] == cut


def test_a_drawn_row_is_the_librarys_under_the_same_seed() -> None:
    model = random_model("llama")
    prompt = torch.arange(3, 20)[None]
    options: dict[str, Any] = {"do_sample": True, "temperature": 0.9, "top_p": 0.8, "top_k": 30}
    torch.manual_seed(5)
    expected = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12, eos_token_id=[303],
                              pad_token_id=0, **options)  # fmt: skip
    for count in (1, 3):
        rows = write(model, prompt.repeat(count, 1), seed=5, **options).rows
        assert [row.ids for row in rows] == count * [expected[0, 17:].tolist()]


def test_the_time_told_is_that_of_writing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, passes = random_model("llama"), [0.0]
    monkeypatch.setattr(decoding, "time", SimpleNamespace(perf_counter=lambda: sum(passes)))
    # The first pass reads the prompt, and from the disk what it has not read yet.
    model.register_forward_hook(lambda *_: passes.append(0.01 if passes[1:] else 0.3))
    row = write(model, torch.arange(3, 20)[None], max_new_tokens=6).rows[0]
    assert row.seconds == pytest.approx(0.05)


@pytest.mark.parametrize("most", [1, 6])
def test_nothing_is_computed_behind_the_last_token(most: int) -> None:
    model, passes = random_model("llama"), []
    model.register_forward_hook(lambda *_: passes.append(1))
    writing = write(model, torch.arange(3, 20)[None], max_new_tokens=most)
    assert len(writing.rows[0].ids) == len(passes) == most
    assert writing.read is not None
    ids, cache = writing.read
    assert cache.get_seq_length() == ids.shape[1] - 1 == 16 + most


@pytest.mark.parametrize("family", ["llama", "gemma3", "opt"])
def test_rows_end_by_themselves_and_the_others_go_on(family: str) -> None:
    model, prompts = random_model(family), torch.arange(3, 90).reshape(3, 29)
    free = [row.ids for row in write(model, prompts).rows]
    stop = free[1][2]
    assert stop not in free[0][:6], "the rows end at different places, or the test shows nothing"
    sizes: list[int] = []
    model.get_input_embeddings().register_forward_hook(lambda module, args, out: sizes.append(len(args[0])))
    rows = write(model, prompts, eos_token_id=[stop]).rows
    for row, ids in zip(rows, free, strict=True):
        end = ids.index(stop) if stop in ids else len(ids)
        assert (row.ids, row.ended) == (ids[:end], stop in ids)
    assert sizes[0] == 3
    assert sizes[-1] < 3, "who has ended is left out of the passes"


def test_what_was_read_before_rows_were_left_out_is_kept_whole() -> None:
    model, prompts = random_model("llama"), torch.arange(3, 90).reshape(3, 29)
    stop = write(model, prompts).rows[1].ids[2]
    writing = write(model, prompts, eos_token_id=[stop])
    assert writing.read is not None
    ids, cache = writing.read
    fresh = model(ids).past_key_values
    assert len(ids) == 3
    known = cache.get_seq_length()
    assert 29 <= known < ids.shape[1]
    for layer, other in zip(cache.layers, fresh.layers, strict=True):
        torch.testing.assert_close(layer.keys, other.keys[:, :, :known], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(layer.values, other.values[:, :, :known], rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    lengths=some.lists(some.integers(1, 90), min_size=1, max_size=6),
    crops=some.lists(some.integers(0, 5), min_size=6, max_size=6),
    kept=some.sets(some.integers(0, 2), min_size=1),
)
def test_a_cache_that_grows_in_place_holds_what_the_plain_one_holds(
    lengths: list[int], crops: list[int], kept: set[int]
) -> None:
    ours, plain = DynamicCache(), DynamicCache()
    rows, generator = 3, torch.Generator().manual_seed(sum(lengths))
    for step, (length, crop) in enumerate(zip(lengths, crops, strict=False)):
        keys, values = (torch.randn(rows, 2, length, width, generator=generator) for width in (4, 6))
        found = [cache.update(keys, values, 0) for cache in (ours, plain)]
        assert all(torch.equal(*pair) for pair in zip(*found, strict=True))
        if step == 0:
            grow_in_place(ours)
        if crop and ours.get_seq_length() > crop:
            ours.crop(-crop)
            plain.crop(-crop)
        if step == 2:
            for cache in (ours, plain):
                cache.batch_select_indices(torch.tensor(sorted(kept)))
            rows = len(kept)


def test_an_answer_can_end_within_a_pass(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "m", num_hidden_layers=4)
    model, encoder = base(folder), generate.encoder_for(load_tokenizer(folder))
    blocks: list[int] = []
    for number, block in enumerate(model.model.layers):
        block.register_forward_hook(lambda module, args, out, number=number: blocks.append(number))

    def check() -> None:
        if len(blocks) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(model, encoder, ASK, [None], Sampling(), check=check)
    assert blocks == [0, 1], "the prompt itself was not read to its end"
    with interruptible(model, None):
        assert not any(block._forward_pre_hooks for block in model.model.layers)


def test_columns_of_different_lengths_go_on_in_a_later_turn(tmp_path: Path) -> None:
    folder = tiny("llama", tmp_path / "m")
    encoder, turns = generate.encoder_for(load_tokenizer(folder)), Turns()
    model = loaded(base(folder), [adapter(folder, tmp_path / str(seed), seed) for seed in range(3)])
    names, sampling = [None, "a0", "a1", "a2"], Sampling(max_new_tokens=40, temperature=3.0, top_k=12, seed=1)
    stop = encoder.stop_ids[0]
    model.get_base_model().lm_head.register_forward_hook(
        lambda module, args, out: out.index_copy(-1, torch.tensor([stop]), out.topk(4).values[..., -1:])
    )
    for text in ("What is the capital of France?", "What is the capital of the small world?"):
        asked = [{"role": "user", "content": text}]
        found = compare(model, encoder, asked, names, sampling, turns=turns)
        afresh = [compare(model, encoder, asked, [name], sampling)[0] for name in names]
        assert [item.text for item in found] == [item.text for item in afresh]
    assert len({item.tokens for item in found}) > 1, "they end at different places, or the test shows nothing"
