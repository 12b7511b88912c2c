"""What a later run fills into a result: exactly what waited, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autograder.course.model import Assignment, Band, Budget, Component, Limits, Option, Question
from autograder.course.notebook import NotebookOutcome, NotebookRun
from autograder.course.outcome import Outcome
from autograder.course.reading import Reading
from autograder.course.result import CaseResult, SubmissionInfo, SubmissionResult
from autograder.grading.filling import concerned, filled, gaps
from autograder.grading.scoring import score_questions, total

CPU = Budget("cpu", bands=(Band(2.0, 1.0),), sizes={"cpu": {}})
GPU = Budget("gpu", bands=(Band(2.0, 1.0),), sizes={"cuda": {}})
QUESTIONS = (
    Question("right", "Right", 10, "f", "toy"),
    Question("fast", "Fast", 4, "f", "toy", depends=("right",), budgets=(CPU, GPU)),
    Question("other", "Other", 6, "g", "toy"),
)
TOY = Assignment(
    "t",
    "t_toy",
    1,
    "Toy",
    datetime(2030, 1, 1, tzinfo=UTC),
    (Component("toy"),),
    QUESTIONS,
    (Option("1", "Own"),),
    Limits(),
)
NOISY = CaseResult("cpu", Outcome.TOO_NOISY, credit=1.0, timing={"device": "cpu"})
PENDING = CaseResult("gpu", Outcome.PENDING)
PASSED = CaseResult("case", Outcome.PASSED)


def result(*fast: CaseResult, right: CaseResult = PASSED, **changes: object) -> SubmissionResult:
    questions = score_questions(TOY, {"right": [right], "fast": fast, "other": [PASSED]})
    made = SubmissionResult(
        "t", SubmissionInfo("a"), total(questions, 1.0), 20, questions, 7, environment={"torch": "2"}, seconds=5.0
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_noise_is_measured_again_by_every_run() -> None:
    assert gaps(result(NOISY, PENDING), TOY, "cpu") == {("fast", "cpu")}


def test_a_device_fills_in_what_waited_for_it() -> None:
    assert gaps(result(NOISY, PENDING), TOY, "cuda") == {("fast", "cpu"), ("fast", "gpu")}
    assert gaps(result(replace(NOISY, outcome=Outcome.TOO_SLOW), PENDING), TOY, "cuda") == {("fast", "gpu")}


def test_noise_on_a_device_waits_for_it() -> None:
    noisy = replace(NOISY, timing={"device": "cuda"})
    assert gaps(result(noisy), TOY, "cpu") == set()
    assert gaps(result(noisy), TOY, "cuda") == {("fast", "cpu")}


def test_nothing_is_missing() -> None:
    assert gaps(result(PASSED), TOY, "cuda") == set()


def test_what_it_builds_on_is_checked_with_it() -> None:
    assert concerned({("fast", "gpu")}, TOY) == ("right", "fast")


@pytest.mark.parametrize("outcome, credit, score", [(Outcome.PASSED, 1.0, 20.0), (Outcome.TOO_SLOW, 0.5, 19.0)])
def test_only_what_waited_changes(outcome: Outcome, credit: float, score: float) -> None:
    before = result(PASSED, PENDING)
    assert before.score == 18.0
    fresh = result(
        CaseResult("case", Outcome.FAILED),
        CaseResult("gpu", outcome, credit=credit, timing={"device": "cuda"}),
        environment={"torch": "other", "gpu": "H"},
        seconds=1.0,
    )
    after = filled(before, fresh, {("fast", "gpu")}, TOY)
    assert after.score == score
    assert [case.outcome for case in after.questions[1].cases] == [Outcome.PASSED, outcome]
    assert after.environment == {"torch": "2", "gpu": "H"}
    assert (after.seed, after.seconds, after.questions[0]) == (7, 6.0, before.questions[0])


def test_what_the_later_run_made_besides_is_kept_with_what_it_says() -> None:
    ran = NotebookRun(NotebookOutcome.RAN, cells=3)
    held = result(PENDING, notebooks={"toy.ipynb": ran})
    assert filled(held, result(PASSED), {("fast", "gpu")}, TOY).notebooks == {"toy.ipynb": ran}
    fresh = result(
        PASSED, notebooks={"toy.ipynb": replace(ran, cells=4)}, attachments={"notebook.html": "<p>"}, reading=Reading()
    )
    after = filled(held, fresh, {("fast", "gpu")}, TOY)
    assert (after.notebooks, after.attachments, after.reading) == (fresh.notebooks, fresh.attachments, Reading())


def test_a_case_that_is_gone_stays_as_it_was() -> None:
    before = result(PENDING)
    assert filled(before, result(PASSED), {("fast", "gpu")}, TOY).questions == before.questions
