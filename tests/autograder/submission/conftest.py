"""A small assignment and ways to make submissions, for the tests of receiving."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from autograder.course.model import Assignment, Component, Limits, Option, Question

from .samples import Zip, zipped


@pytest.fixture
def assignment() -> Assignment:
    return Assignment(
        id="a6",
        name="a6_two_layers",
        number=6,
        title="Two layers",
        due=datetime.fromisoformat("2022-12-02T23:59:00+09:00"),
        components=(Component("two_layers", "two_layers.ipynb", ("best_layers.pt",)),),
        questions=(
            Question("layer", "Layer", 50, "Layer.forward", "two_layers"),
            Question("helper", "Helper", 50, "helper", "two_layers"),
        ),
        options=(Option("1", "own work"), Option("2", "not own work", 0.5, True)),
        limits=Limits(),
    )


@pytest.fixture
def make_zip(tmp_path: Path) -> Zip:
    def make(members: Mapping[str, bytes] | list[tuple[str, bytes]], name: str = "s.zip", **how: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zipped(members, **how))  # type: ignore[arg-type]
        return path

    return make
