"""The range of memory holds what others measured, and the verdicts follow from it."""

from dataclasses import replace

import pytest

from studio.core import capacity
from studio.core.capacity import METHODS, SIZES, needed_bytes, usable_bytes, verdict
from studio.core.machine import Gpu, Machine

_PLAIN = Machine(
    processor="x", threads=8, memory_bytes=32 * 10**9, free_memory_bytes=0, disk_free_bytes=0, driver="", gpus=()
)


def with_card(gigabytes: float) -> Machine:
    held = round(gigabytes * 1e9)
    return replace(_PLAIN, gpus=(Gpu(name="card", total_bytes=held, free_bytes=held, bfloat16=True),))


def test_the_range_agrees_with_what_others_published() -> None:
    # Dettmers et al. 2023: a 65B model in NF4 on one card of 48 GB.
    lean, usual = needed_bytes(65e9, "qlora", on_gpu=True)
    assert lean <= 48e9 <= usual
    # Rajbhandari et al. 2020, section 3.1: training all of 1.5B parameters holds 24 GB before any activation.
    lean, usual = needed_bytes(1.5e9, "full", on_gpu=True)
    assert 24e9 < lean < usual < 36e9


def test_an_adapter_has_as_many_parameters_as_on_a_real_model() -> None:
    # Rank 16 on all linear layers of Llama 2 7B has 39,976,960 parameters.
    lora, qlora = (capacity._needed(6.74e9, method, True, capacity._USUAL) for method in ("lora", "qlora"))
    without = replace(capacity._USUAL, rank=0)
    for whole, method in ((lora, "lora"), (qlora, "qlora")):
        adapter = (whole - capacity._needed(6.74e9, method, True, without)) / 1.1 / 16  # type: ignore[arg-type]
        assert adapter == pytest.approx(39_976_960, rel=0.05)


def test_more_takes_more_and_the_processor_takes_more_than_a_card() -> None:
    for method in METHODS:
        for on_gpu in (True, False):
            needs = [needed_bytes(size, method, on_gpu=on_gpu) for size in SIZES]
            assert needs == sorted(needs)
            assert all(lean < usual for lean, usual in needs)
        assert needed_bytes(3e9, method, on_gpu=False)[1] > needed_bytes(3e9, method, on_gpu=True)[1]
    for size in SIZES:
        by_method = [needed_bytes(size, method, on_gpu=True)[0] for method in ("qlora", "lora", "full")]
        assert by_method[1] < by_method[2]
        assert by_method[0] <= by_method[1] or size < 1e9


def test_what_fits_follows_from_the_range() -> None:
    lean, usual = needed_bytes(8e9, "qlora", on_gpu=True)
    assert verdict(8e9, "qlora", with_card(usual / 1e9)) == "fits"
    assert verdict(8e9, "qlora", with_card(usual / 1e9 - 0.1)) == "tight"
    assert verdict(8e9, "qlora", with_card(lean / 1e9 - 0.1)) == "no"


def test_other_programs_keep_a_part_of_the_machines_own_memory() -> None:
    assert usable_bytes(_PLAIN) == pytest.approx(0.8 * 32e9)
    assert usable_bytes(with_card(24)) == 24 * 10**9


def test_what_is_not_quantized_has_two_bytes_a_weight_on_a_card() -> None:
    weights = replace(capacity._USUAL, tokens=0, rank=0, torch_bytes=0.0, gaps=1.0)
    # Llama 3 8B: 6.98B weights in NF4, and 1.05B of embedding and head.
    assert capacity._needed(8.03e9, "qlora", True, weights) == pytest.approx(5.7e9, rel=0.05)
    assert capacity._needed(8.03e9, "qlora", False, weights) == pytest.approx(7.8e9, rel=0.05)
