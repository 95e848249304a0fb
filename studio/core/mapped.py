"""Arrays that lie in files and are written through memory."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

_PIECE = 1 << 20


def zeros(path: Path, kind: DTypeLike, shape: tuple[int, ...]) -> "np.memmap[Any, Any]":
    """Makes a file of zeros and returns it as an array; what is put into the array is in the file.

    The whole of its space is taken at once: a full disk is an error here, where it would later kill the process.

    Args:
        path: the file; one that is there is replaced.
        kind: of the array's items.
        shape: of the array, which holds at least one item.

    Raises:
        OSError: there is no room for it.
    """
    size = math.prod(shape) * np.dtype(kind).itemsize
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            for at in range(0, size, _PIECE):
                file.write(bytes(min(_PIECE, size - at)))
    return np.memmap(path, kind, "r+", shape=shape)
