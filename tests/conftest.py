"""What all tests start from: the same environment, whether `make test` runs them, pytest alone, or CI.

And what runs side by side: files, and where a file asks for it (`SIDE_BY_SIDE = True`), the assignments in it.
"""

from __future__ import annotations

import os

import pytest

# A `make` that a test starts is nobody's child: with its parent's flags it prints "Entering directory".
for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test finds a verdict on a reference that somebody's earlier run kept."""
    os.environ["AUTOGRADER_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """One process runs all tests of a group: those of a file, or those of an assignment in it."""
    file = f"{item.path.parent.name}.{item.path.stem}"
    spec = getattr(item, "callspec", None)
    if spec is None or not getattr(getattr(item, "module", None), "SIDE_BY_SIDE", False):
        return file
    return f"{file}.{spec.id.split('-')[0]}"
