"""A small model and an adapter of it, for tests of commands that read and answer; other tests here load no torch."""

from pathlib import Path

import pytest

from studio.core import library
from studio.core.library import Base


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base."""
    from tests.models import tiny

    return tiny("llama", tmp_path_factory.mktemp("model") / "llama")


@pytest.fixture(scope="module")
def folder(model: Path) -> Path:
    """The folder of a random adapter of it."""
    from tests.desks import random_adapter

    return random_adapter(model, model.parent / "red", 1)


@pytest.fixture
def red(model: Path, folder: Path) -> str:
    """The adapter's name in the library."""
    return library.add(folder, title="red", base=Base(path=str(model))).name
