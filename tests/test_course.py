"""Assignment 6 as a whole: the reference has full marks, the handout none, every hidden check catches what it is for.

One grading process serves the whole file, two submissions at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.grading.client import GradingProcess
from autograder.grading.mutants import KillMatrix, Mutant, kill_matrix, load_mutants
from tests.submissions import golden
from tests.submissions.make_sample import make_sample

COURSE = Course.find(Path(__file__))
ASSIGNMENT = COURSE.assignment("a6")
GOLDEN = golden.read(ASSIGNMENT.id)
# Another seed than the golden results were made with, because scores may not hang on it.
SEED = 20221202
LEAST_MUTANTS = 75


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample class, made afresh."""
    folder = tmp_path_factory.mktemp("class") / ASSIGNMENT.id
    make_sample(COURSE, ASSIGNMENT, folder)
    return folder


@pytest.fixture(scope="session")
def process(sample: Path) -> Iterator[GradingProcess]:
    with GradingProcess(COURSE, ASSIGNMENT, SEED, submissions=sample) as process:
        yield process


@pytest.fixture(scope="session")
def mutants() -> tuple[Mutant, ...]:
    return load_mutants(COURSE, ASSIGNMENT)


@pytest.fixture(scope="session")
def matrix(process: GradingProcess, mutants: tuple[Mutant, ...]) -> KillMatrix:
    return kill_matrix(process.grade, mutants, ASSIGNMENT, COURSE.solution(ASSIGNMENT), jobs=2)


@pytest.fixture(scope="session")
def results(process: GradingProcess, sample: Path) -> dict[str, SubmissionResult]:
    """What the sample class got, by submission."""
    return {result.submission: result for result in golden.grade_class(process, sample, ASSIGNMENT, jobs=2)}


def test_reference_has_full_marks(process: GradingProcess) -> None:
    result = process.grade(COURSE.solution(ASSIGNMENT), "reference")
    assert result.score == result.max_score == 100
    assert {question.outcome for question in result.questions} == {Outcome.PASSED}


def test_handout_as_it_is_has_none(process: GradingProcess) -> None:
    result = process.grade(COURSE.handout(ASSIGNMENT), "handout")
    attempted = [
        f"{question.id} / {case.id}: {case.outcome}"
        for question in result.questions
        for case in question.cases
        if case.outcome is not Outcome.NOT_ATTEMPTED
    ]
    assert attempted == []
    assert result.score == 0
    assert {question.outcome for question in result.questions} == {Outcome.NOT_ATTEMPTED}


def test_there_are_mutants_of_every_question(mutants: tuple[Mutant, ...]) -> None:
    assert len(mutants) >= LEAST_MUTANTS
    assert {mutant.check.question for mutant in mutants} == set(ASSIGNMENT.by_id)


def test_every_mutant_is_caught_by_the_check_it_names(matrix: KillMatrix, mutants: tuple[Mutant, ...]) -> None:
    survivors = [
        f"{mutant.id}: wanted {mutant.check}, caught by {sorted(map(str, matrix.functions(mutant.id))) or 'nothing'}"
        for mutant in mutants
        if not matrix.catches(mutant)
    ]
    assert survivors == []


def test_every_check_catches_what_no_other_does(matrix: KillMatrix) -> None:
    redundant = [str(check) for check, only in matrix.only_catcher().items() if not only]
    assert redundant == []


def test_sample_class_is_the_golden_one(results: dict[str, SubmissionResult]) -> None:
    assert sorted(results) == sorted(GOLDEN)
    assert all(result.graded for result in results.values())


@pytest.mark.parametrize("name", GOLDEN)
def test_submission_gets_what_it_got(results: dict[str, SubmissionResult], name: str) -> None:
    assert golden.summarize(results[name]) == GOLDEN[name]


def test_sample_class_comes_out_the_same_twice(sample: Path, tmp_path: Path) -> None:
    make_sample(COURSE, ASSIGNMENT, tmp_path / "again")
    assert _bytes(tmp_path / "again") == _bytes(sample)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
