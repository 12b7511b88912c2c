"""What differs from what was handed out is told in plain words, bounded, and inert."""

from __future__ import annotations

from autograder.course.integrity import Integrity, ModuleIntegrity, NotebookIntegrity, Place
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import render_class, render_student
from autograder.reports.findings.changes import Change, changes
from autograder.reports.findings.concerns import Reason, concerns


def result(integrity: Integrity | None) -> SubmissionResult:
    question = QuestionResult("hints", "The hints", 10, 10, Outcome.PASSED, (CaseResult("c", Outcome.PASSED),))
    return SubmissionResult("a1", SubmissionInfo("s", option="1"), 10, 30, (question,), 1, integrity=integrity)


def test_nothing_to_say() -> None:
    kept = ModuleIntegrity(kept=(Place("f", 1),), untouched=(Place("g", 4),), added=(Place("own", 9),))
    assert (
        changes(None)
        == changes(Integrity({"small.py": kept}, {"small.ipynb": NotebookIntegrity()}, supplied=("common/",)))
        == ()
    )


def test_every_kind_is_said_with_its_place() -> None:
    module = ModuleIntegrity(True, missing=(Place("helper"),), restored=(Place("Given.forward", 12),))
    cells = {kind: (Place(kind, 3),) for kind in ("blank", "changed", "moved")}
    notebook = NotebookIntegrity(**cells, removed=(Place("print(1)"),), not_run=2, out_of_turn=1)
    said = changes(Integrity({"small.py": module}, {"small.ipynb": notebook}, edited=("common/data.py",)))
    assert [change.where for change in said] == [
        ("Given.forward, line 12",),
        ("helper",),
        ("common/data.py",),
        ("changed, cell 3",),
        ("print(1)",),
        ("moved, cell 3",),
        ("blank, cell 3",),
        (),
    ]
    assert said[0].what == "Given code that was changed or removed; the course's own was run:"
    assert said[-1].what.endswith("(cells not run: 2, cells run out of turn: 1).")


def test_another_notebook_and_none() -> None:
    foreign, broken = NotebookIntegrity(foreign=True), NotebookIntegrity(trouble="not JSON")
    assert changes(Integrity(notebooks={"small.ipynb": foreign})) == (
        Change("The notebook was not made from the one that was handed out."),
    )
    assert changes(Integrity(notebooks={"small.ipynb": broken})) == (Change("The notebook cannot be read: not JSON."),)


def test_a_long_list_is_cut_and_counted(small: Assignment) -> None:
    module = ModuleIntegrity(True, restored=tuple(Place(f"f{number}", number) for number in range(1, 31)))
    (said,) = changes(Integrity({"small.py": module}))
    assert (len(said.where), said.more) == (8, 22)
    page = render_student(result(Integrity({"small.py": module})), small)
    assert "f8, line 8" in page
    assert "f9, line 9" not in page
    assert "and 22 more" in page


def test_the_class_page_marks_and_counts(small: Assignment) -> None:
    edited = result(
        Integrity({"small.py": ModuleIntegrity(True, restored=(Place("f", 1),))}, edited=("common/a.py", "common/b.py"))
    )
    assert "3 put back" in render_class([edited], small)
    assert "put back" not in render_class([result(Integrity())], small)
    groups = {group.reason: group.concerns for group in concerns([edited], small)}
    assert [concern.text for concern in groups[Reason.GIVEN]] == ["3 places"]


def test_names_from_a_submission_are_inert(small: Assignment) -> None:
    names = ("<script>alert(1)</script>", "\u202eevil", "a\nb", "n" * 9_000)
    module = ModuleIntegrity(True, restored=tuple(Place(name, 1) for name in names))
    page = render_student(result(Integrity({"small.py": module}, edited=names)), small)
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "n" * 100 not in page


def test_formulas_are_shown_without_the_signs_of_tex():
    asked = (Place(r"**Question 1.** Is $X^T$ a $\lambda_{k}$, and what is $\frac", 14),)
    (change,) = changes(Integrity(notebooks={"a.ipynb": NotebookIntegrity(blank=asked)}))
    assert change.where == ("Question 1. Is X^T a lambda_k, and what is frac, cell 14",)
