"""What is read of the machine, with and without a driver; the driver's library is stood in for, none is here."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from studio import paths
from studio.core.machine import Probe, free_bytes

_CARDS = {
    "GPU-aa11": SimpleNamespace(name="Card A", memory=SimpleNamespace(total=24_000, free=20_000), capability=(8, 9)),
    "GPU-bb22": SimpleNamespace(name="Card B", memory=SimpleNamespace(total=16_000, free=9_000), capability=(7, 5)),
}


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name, answer in {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetDriverVersion": lambda: "580.1",
        "nvmlDeviceGetCount": lambda: len(_CARDS),
        "nvmlDeviceGetHandleByIndex": list(_CARDS).__getitem__,
        "nvmlDeviceGetUUID": lambda card: card,
        "nvmlDeviceGetName": lambda card: _CARDS[card].name,
        "nvmlDeviceGetMemoryInfo": lambda card: _CARDS[card].memory,
        "nvmlDeviceGetCudaComputeCapability": lambda card: _CARDS[card].capability,
    }.items():
        monkeypatch.setattr(pynvml, name, answer)


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)


@pytest.mark.usefixtures("no_driver")
def test_without_a_driver_a_run_computes_on_the_processor() -> None:
    probe = Probe()
    found = probe.read()
    probe.close()
    assert (found.driver, found.gpus) == ("", ())
    assert found.device == found.processor != ""
    assert found.device_bytes == psutil.virtual_memory().total
    assert 0 < found.device_free_bytes < found.device_bytes
    assert found.threads >= 1
    assert found.disk_free_bytes > 0


@pytest.mark.usefixtures("cards")
def test_the_first_card_is_the_device() -> None:
    found = Probe().read()
    assert found.driver == "580.1"
    assert [card.name for card in found.gpus] == ["Card A", "Card B"]
    assert [card.bfloat16 for card in found.gpus] == [True, False]
    assert (found.device, found.device_bytes, found.device_free_bytes) == ("Card A", 24_000, 20_000)


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("1", ["Card B"]),
        ("1,0", ["Card B", "Card A"]),
        ("GPU-bb", ["Card B"]),
        ("", []),
        ("-1", []),
        ("0,7,1", ["Card A"]),
        ("GPU-", []),
    ],
)
def test_cards_are_left_out_as_cuda_does(chosen: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert [card.name for card in Probe().read().gpus] == names


@pytest.mark.usefixtures("cards")
def test_a_lost_card_hides_no_other_and_a_chip_without_memory_shows_the_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def memory(card: str) -> SimpleNamespace:
        if card == "GPU-aa11":
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", memory)
    (card,) = Probe().read().gpus
    assert (card.name, card.total_bytes) == ("Card B", psutil.virtual_memory().total)


@pytest.mark.usefixtures("cards")
def test_a_closed_probe_asks_the_driver_no_more() -> None:
    probe = Probe()
    probe.close()
    probe.close()
    assert probe.read().gpus == ()


def test_the_space_for_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") == pytest.approx(free_bytes(tmp_path), rel=0.1)
    assert Probe().read().disk_free_bytes == pytest.approx(free_bytes(paths.home()), rel=0.1)
