"""What the desk is asked about the data shown: a row's tokens, or the lengths of all rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from studio.core.config import DataSpec, ModelSpec
from studio.core.data.mapping import Role
from studio.core.desk import Tokens, tokens_of
from studio.ui import words
from studio.ui.draft import Draft
from studio.ui.row_source import Shown, VersionRows

if TYPE_CHECKING:
    from studio.core.versions.store import Version

_DECIDE = ("model.path", "model.revision", "data.max_length", "data.chat_template", "training.objective",
           "data.long_text", "data.chunk_overlap", "data.train_overlap", "data.system")  # fmt: skip


def tokens_of_file(draft: Draft, shown: Shown, file: str, format: str, columns: Mapping[Role, str]) -> Tokens | str:
    """Returns how to ask for a row's tokens as the present settings make them, or why there are none.

    Args:
        draft: the settings.
        shown: the row.
        file: the plain file that it is in, as a command names it.
        format: what its rows are taken for.
        columns: their mapping.
    """
    return fault_of(draft, shown) or _tokens(draft, file, shown.number, format, columns)


def tokens_of_version(draft: Draft, shown: Shown, version: "Version") -> Tokens | str:
    """Returns the same for a row of a version: of its file, or of the version where it was edited."""
    if fault := fault_of(draft, shown):
        return fault
    if not shown.edited:
        source = version.recipe.sources[shown.source]
        return _tokens(draft, source.path, shown.number, source.format, source.mapping)
    number = VersionRows(version).number_of(shown.place)
    if number < 0:
        return QCoreApplication.translate("data_request", "The row is excluded.")
    return _tokens(draft, str(version.path), number, "auto", {})


def fault_of(draft: Draft, shown: Shown) -> str:
    """Returns why a row has no tokens now; empty where it has some."""
    faults = draft.faults()
    return words.sentence(next((faults[key] for key in _DECIDE if key in faults), "") or shown.fault)


def _tokens(draft: Draft, file: str, row: int, format: str, columns: Mapping[Role, str]) -> Tokens:
    model, revision, length, template, objective, long_text, overlap, train_overlap, system = map(draft.value, _DECIDE)
    data = DataSpec(
        path=file,
        format=format,  # type: ignore[arg-type] # a wrong one is refused here
        mapping=dict(columns),
        max_length=length,
        chat_template=template,
        system=system,
        long_text=long_text,
        chunk_overlap=overlap,
        train_overlap=train_overlap,
    )
    return tokens_of(data, row, ModelSpec(path=model, revision=revision), objective)
