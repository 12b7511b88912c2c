"""The files that go along with a wrong version of the reference: its own, exchanged, changed or left out."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.course.model import Assignment

__all__ = ["Exchange", "handed_in", "with_changes"]

# In place of a file: the reference's file of this name, "" for none, or a table that overrides parts of its dict.
Exchange = str | Mapping[str, Any]


def handed_in(assignment: Assignment, folder: Path, exchanged: Mapping[str, Exchange]) -> dict[str, bytes]:
    """The artifacts of a submission, by name.

    Args:
        folder: the reference's folder, with its artifacts. A missing artifact is not handed in.
        exchanged: by name, the replacement that is handed in.
    """
    files = {}
    for name in assignment.artifacts:
        instead = exchanged.get(name, name)
        source = folder / (instead if isinstance(instead, str) else name)
        if source.is_file():  # "" leads to the folder itself
            content = source.read_bytes()
            files[name] = content if isinstance(instead, str) else _changed(content, instead)
    return files


def with_changes(held: Any, changes: Any) -> Any:
    """`held` with `changes` in it: dicts key by key, anything else replaced; a key that is given "" is left out.

    >>> with_changes({"loss": {"train": [2.0, 1.0], "val": [2.5]}, "epochs": 2}, {"loss": {"val": ""}, "epochs": 3})
    {'loss': {'train': [2.0, 1.0]}, 'epochs': 3}
    """
    if not isinstance(held, Mapping) or not isinstance(changes, Mapping):
        return changes
    merged = {**held, **{key: with_changes(held.get(key), change) for key, change in changes.items()}}
    return {key: value for key, value in merged.items() if changes.get(key) != ""}


def _changed(content: bytes, changes: Mapping[str, Any]) -> bytes:
    """The torch file of a dict, changed; equal bytes for equal contents."""
    import torch  # torch takes a second to load, and reading mutants does not need it

    from autograder.sandbox.session.artifacts import load_file

    buffer = io.BytesIO()
    torch.save(with_changes(load_file(content), changes), buffer)
    return buffer.getvalue()
