"""A notebook on the solution, in a kernel: runs to its end, and its own checks pass."""

from __future__ import annotations

import pytest

from autograder.authoring.rehearsal import rehearse
from autograder.errors import AuthoringError


def test_the_solved_notebook_runs_and_leaves_its_artifacts(workshop):
    workshop.edit(
        workshop.source / "halves.nb.py", "secret_of_the_notebook = 42", "open('halves.pt', 'w').write('weights')"
    )
    rehearsal = rehearse(workshop.course, workshop.assignment)
    assert rehearsal.artifacts == {"halves.pt": b"weights"}
    shown = [
        output
        for cell in rehearsal.notebooks["halves.ipynb"].cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert any("quarter-of results: All test cases passed!" in str(output) for output in shown)


@pytest.mark.parametrize(
    "line, problem",
    [
        ("1 / 0", "does not run on the solution: ZeroDivisionError"),
        ("open('halves.py', 'w').write('')", "own checks fail: quarter-of"),
    ],
    ids=["raises", "fails a check"],
)
def test_a_notebook_that_does_not_work_on_the_solution_is_refused(workshop, line, problem):
    workshop.edit(workshop.source / "halves.nb.py", "secret_of_the_notebook = 42", line)
    with pytest.raises(AuthoringError, match=problem) as caught:
        rehearse(workshop.course, workshop.assignment)
    assert "\n" not in str(caught.value)
