"""What anyone may give as a path gets a sentence, and running out of memory is told from other failures."""

import errno
from pathlib import Path

import pytest

from studio.core.errors import StudioError, as_device_error, as_memory_error, given_path, is_absent


@pytest.mark.parametrize("path", ["~nosuchuser/x", "a\0b", "x" * 300, "\ud800", "loop/x"])
def test_a_path_no_file_can_have_is_said(path: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StudioError, match="cannot be opened") as caught:
        given_path(path, "data", tmp_path)
    assert caught.value.reason == "data"
    assert len(caught.value.message) < 200


def test_a_path_is_read_from_the_folder_and_needs_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").touch()
    assert given_path("none/there", "data", tmp_path) == tmp_path / "none" / "there"
    assert given_path("file/below", "data", tmp_path) == tmp_path / "file" / "below"
    assert given_path(str(tmp_path / "file"), "data", Path("/elsewhere")) == tmp_path / "file"
    assert given_path("~/file", "data") == tmp_path / "file"


@pytest.mark.parametrize(
    "words",
    [
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried",
        "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate",
        "MPS backend out of memory (MPS allocated: 9.05 GB)",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "unable to mmap 200 bytes from file <model.safetensors>: Cannot allocate memory (12)",
        "Die Auslagerungsdatei ist zu klein, um diesen Vorgang durchzuführen. (os error 1455)",
        "[WinError 1455] The paging file is too small for this operation to complete: 'model.safetensors'",
        "Couldn't open file mapping: <model.safetensors>, error code: <1455>",
    ],
)
def test_the_allocators_words_are_known(words: str) -> None:
    error = as_memory_error(RuntimeError(words))
    assert error is not None
    assert (error.reason, error.detail) == ("memory", words)


def test_only_memory_is_taken_for_memory() -> None:
    out_of_memory = type("OutOfMemoryError", (RuntimeError,), {})
    assert as_memory_error(MemoryError()) is not None
    assert as_memory_error(out_of_memory("CUDA out of memory")) is not None
    assert as_memory_error(RuntimeError("shape mismatch")) is None


def test_the_hint_is_what_helps_on_every_device() -> None:
    for error in (MemoryError(), RuntimeError("MPS backend out of memory")):
        told = as_memory_error(error)
        assert told is not None
        # A pass takes no more rows of a larger batch.
        assert "`training.micro_batch_tokens`" in told.hint
        assert "batch_size" not in told.hint


@pytest.mark.parametrize("number", [123, 161])
def test_a_name_that_windows_takes_for_none_is_of_nothing_there(number: int) -> None:
    error = OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is incorrect")
    assert not is_absent(error)
    error.winerror = number  # type: ignore[attr-defined]
    assert is_absent(error)
    assert is_absent(FileNotFoundError())
    assert not is_absent(PermissionError())


ASYNC = (
    "\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be"
    " incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (f"CUDA error: unspecified launch failure{ASYNC}", "stopped working", "update the NVIDIA driver"),
        (f"CUDA error: an illegal memory access was encountered{ASYNC}", "stopped working", "Resume"),
        (f"CUDA error: unknown error{ASYNC}", "stopped working", "restart the computer"),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx( handle )`", "stopped", "Resume"),
        ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "stopped", "Resume"),
        (f"CUDA error: the launch timed out and was terminated{ASYNC}", "longer than it allows", "micro_batch_tokens"),
        (f"CUDA error: device-side assert triggered{ASYNC}", "cannot compute with", "report the details"),
        (f"CUDA error: uncorrectable ECC error encountered{ASYNC}", "could not be corrected", "may be broken"),
        (f"CUDA error: no kernel image is available for execution on the device{ASYNC}", "no kernels", "torch-index"),
        ("CUDA driver version is insufficient for CUDA runtime version", "too old", "Update"),
        (
            "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by",
            "too old",
            "Update",
        ),
        ("CUDA error: no CUDA-capable device is detected", "cannot be reached", "restart its driver"),
        ("No CUDA GPUs are available", "cannot be reached", "restart its driver"),
        ("CUDA error: CUDA-capable device(s) is/are busy or unavailable", "cannot be reached", "holds it"),
    ],
)
def test_what_ends_work_on_a_card_is_said_in_words(words: str, message: str, hint: str) -> None:
    error = as_device_error(RuntimeError(words))
    assert error is not None
    assert (error.reason, error.detail) == ("device", words)
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: invalid argument"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("CUDA error: unknown error"),
    ],
)
def test_what_is_no_failure_of_a_card_is_not_taken_for_one(error: Exception) -> None:
    assert as_device_error(error) is None
