"""An array in a file has its room on the disk from the beginning, or there is none."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from studio.core import mapped

resource = pytest.importorskip("resource")


@pytest.mark.parametrize("reserves", [True, False])
@pytest.mark.parametrize("shape", [(1,), (3, 1_000_003)])
def test_the_room_is_taken_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserves: bool, shape: tuple[int, ...]
) -> None:
    if not reserves:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    path = tmp_path / "a"
    path.write_bytes(b"old")
    found = mapped.zeros(path, np.uint8, shape)
    about = path.stat()
    assert about.st_size == found.nbytes
    assert about.st_blocks * 512 >= found.nbytes, "no hole is left to be filled later"
    assert not found.any()
    found[-1] = 7
    found.flush()
    assert path.read_bytes()[-1] == 7


@pytest.mark.parametrize("reserves", [True, False])
def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserves: bool) -> None:
    if not reserves:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            mapped.zeros(tmp_path / "a", np.float32, (30_000,))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
