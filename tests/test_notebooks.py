"""Every assignment's notebook runs top to bottom on its solution, and its checks say so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.authoring.rehearsal import Rehearsal, rehearse
from autograder.course.layout import Course
from autograder.course.model import Assignment

COURSE = Course.find(Path(__file__).parent)
ASSIGNMENTS = [COURSE.assignment(name) for name in COURSE.names()]
ASSIGNMENTS = [assignment for assignment in ASSIGNMENTS if assignment.notebooks]


@pytest.fixture(scope="module", params=ASSIGNMENTS, ids=lambda assignment: assignment.id)
def rehearsed(request: pytest.FixtureRequest) -> tuple[Assignment, Rehearsal]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUICK_NOTEBOOK", "1")  # notebooks that train for minutes have a short form
        return request.param, rehearse(COURSE, request.param)


def shown(rehearsal: Rehearsal, source: str) -> str:
    """All that the cells with this text in them put out."""
    outputs = [
        output
        for notebook in rehearsal.notebooks.values()
        for cell in notebook.cells
        if source in cell.source
        for output in cell.get("outputs", ())
    ]
    return "".join(
        str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", "")) for output in outputs
    )


def test_every_question_is_checked_and_passes(rehearsed: tuple[Assignment, Rehearsal]) -> None:
    assignment, rehearsal = rehearsed
    for question in assignment.questions:
        said = shown(rehearsal, f'grader.check("{question.id}")')
        assert "passed" in said, f"{question.id}: {said or 'no check in the notebook'}"
        assert "fail" not in said


def test_it_plots(rehearsed: tuple[Assignment, Rehearsal]) -> None:
    for notebook in rehearsed[1].notebooks.values():
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4


def test_every_figure_has_an_alternative_text(rehearsed: tuple[Assignment, Rehearsal]) -> None:
    for name, notebook in rehearsed[1].notebooks.items():
        for number, cell in enumerate(notebook.cells):
            for output in cell.get("outputs", ()):
                if "image/png" in output.get("data", {}):
                    text = output["metadata"].get("image/png", {}).get("alt", "")
                    assert text.strip(), f"{name}, cell {number}"


def test_it_writes_the_artifacts(rehearsed: tuple[Assignment, Rehearsal]) -> None:
    """Those of the reference that are kept beside it have the same layout as what the notebook writes today."""
    assignment, rehearsal = rehearsed
    assert set(rehearsal.artifacts) == set(assignment.artifacts)
    for name, content in rehearsal.artifacts.items():
        kept = torch.load(COURSE.solution(assignment) / name, weights_only=True)
        written = torch.load(io.BytesIO(content), weights_only=True)
        assert layout(kept) == layout(written)


def layout(value: Any) -> Any:
    """What stays the same from run to run: names, shapes, and how long a list is."""
    match value:
        case dict():
            return {key: layout(item) for key, item in value.items()}
        case list() | tuple():
            return [layout(item) for item in value]
        case torch.Tensor():
            return tuple(value.shape)
        case _:
            return type(value)
