"""Every assignment as a whole: full marks for the reference, none for the handout, every check catches what it is for.

An assignment takes part as soon as it has hidden checks and golden results of a sample class. One grading process
serves all tests of an assignment, and ends before the next one's begins.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import MAX_SOURCE, SubmissionResult
from autograder.grading.client import GradingProcess
from autograder.grading.mutants.cost import costs
from autograder.grading.mutants.hints import hinted
from autograder.grading.mutants.matrix import KillMatrix, Mutant, kill_matrix, load_mutants, settled
from autograder.grading.order import Order
from tests.submissions import golden
from tests.submissions.make_sample import make_sample, module

COURSE = Course.find(Path(__file__))
# By folder name, not read: a manifest that is wrong fails the tests of its assignment and no others.
CHECKED = {name.split("_")[0]: name for name in COURSE.names() if (COURSE.root / "tests/hidden" / name).is_dir()}
ASSIGNMENTS = {id: name for id, name in CHECKED.items() if golden.path(id).is_file()}
# Submissions graded at once: one where other tests run beside these.
JOBS = 1 if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1 else 2
# Another seed than the golden results were made with, because scores may not hang on it.
SEED = 20221202
# As many as there are: whoever takes one away says so here. An assignment that does not stand here needs one of every
# question.
LEAST_MUTANTS = {"a6": 224, "a7": 201, "a8": 214, "a9": 231, "a10": 231, "a11": 258}
# Assignments whose mutants say which of them miss the very point of their question (`point`). Others join with that.
ONE_SHARE = ("a6", "a7", "a8", "a9", "a10", "a11")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test once for each assignment, or for each submission that its golden results name."""
    if "submission" in metafunc.fixturenames:
        # Names of submissions carry the assignment's number: pytest puts equal parameters together, and here none are.
        pairs = {f"{id}-{student}": (name, student) for id, name in ASSIGNMENTS.items() for student in golden.read(id)}
        metafunc.parametrize(
            "assignment, submission", pairs.values(), ids=pairs, indirect=["assignment"], scope="module"
        )
    else:
        metafunc.parametrize("assignment", ASSIGNMENTS.values(), ids=ASSIGNMENTS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def assignment(request: pytest.FixtureRequest) -> Assignment:
    return COURSE.assignment(request.param)


@pytest.fixture(scope="module")
def sample(assignment: Assignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample class, made afresh."""
    folder = tmp_path_factory.mktemp("class") / assignment.id
    make_sample(COURSE, assignment, folder)
    return folder


@pytest.fixture(scope="module")
def process(assignment: Assignment, sample: Path) -> Iterator[GradingProcess]:
    with GradingProcess(Order.of(COURSE, assignment, SEED, sample)) as process:
        yield process


@pytest.fixture(scope="module")
def mutants(assignment: Assignment) -> tuple[Mutant, ...]:
    return load_mutants(COURSE, assignment)


@pytest.fixture(scope="module")
def matrix(process: GradingProcess, mutants: tuple[Mutant, ...], assignment: Assignment) -> KillMatrix:
    return kill_matrix(process.grade_as_it_is, mutants, assignment, COURSE.solution(assignment), jobs=JOBS)


@pytest.fixture(scope="module")
def results(process: GradingProcess, sample: Path, assignment: Assignment) -> dict[str, SubmissionResult]:
    """What the sample class got, by submission."""
    return {result.submission: result for result in golden.grade_class(process, sample, assignment, jobs=JOBS)}


def test_reference_has_full_marks(
    process: GradingProcess, results: dict[str, SubmissionResult], assignment: Assignment
) -> None:
    """Where somebody of the class handed in the reference, it is not graded once more."""
    texts = {each.file: module({}, COURSE, assignment, each)[:MAX_SOURCE] for each in assignment.components}
    copies = [result for result in results.values() if dict(result.sources) == texts and not result.info.late]
    result = max(copies, key=lambda copy: copy.score, default=None)
    result = result or settled(process.grade)(COURSE.solution(assignment), "reference", None)
    assert result.score == result.max_score == 100
    assert {question.outcome for question in result.questions} == {Outcome.PASSED}


def test_handout_as_it_is_has_none(process: GradingProcess, assignment: Assignment) -> None:
    result = process.grade(COURSE.handout(assignment), "handout")
    attempted = [
        f"{question.id} / {case.id}: {case.outcome}"
        for question in result.questions
        for case in question.cases
        if case.outcome is not Outcome.NOT_ATTEMPTED
    ]
    assert attempted == []
    assert result.score == 0
    assert {question.outcome for question in result.questions} == {Outcome.NOT_ATTEMPTED}


def test_every_hidden_check_has_a_title(assignment: Assignment) -> None:
    """The first sentence of its docstring, which students read."""
    functions = [
        (path.name, node)
        for path in sorted(COURSE.hidden(assignment).glob("test_*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert functions
    assert [f"{file}: {node.name}" for file, node in functions if not ast.get_docstring(node)] == []


def test_there_are_mutants_of_every_question(mutants: tuple[Mutant, ...], assignment: Assignment) -> None:
    assert len(mutants) >= LEAST_MUTANTS.get(assignment.id, 1)
    assert {mutant.check.question for mutant in mutants} == set(assignment.by_id)


def test_every_mutant_is_caught_by_the_check_it_names(matrix: KillMatrix, mutants: tuple[Mutant, ...]) -> None:
    survivors = [
        f"{mutant.id}: wanted {mutant.check}, caught by {sorted(map(str, matrix.functions(mutant.id))) or 'nothing'}"
        for mutant in mutants
        if not matrix.catches(mutant)
    ]
    assert survivors == []


def test_one_slip_costs_one_share(matrix: KillMatrix, mutants: tuple[Mutant, ...], assignment: Assignment) -> None:
    """60 % of its question, unless it misses the question's very point, and 20 of 100."""
    if assignment.id not in ONE_SHARE:
        return
    dear = [
        f"{cost.mutant.id}: {cost.share:.0%} of {cost.mutant.check.question}, {cost.total:.1f} of 100"
        for cost in costs(matrix, mutants, assignment)
        if cost.too_much
    ]
    assert dear == []


def test_checks_say_what_is_wrong(matrix: KillMatrix, mutants: tuple[Mutant, ...]) -> None:
    """A check tells a mistake in the words that its mutant `says`. `autograder mutants --hints` has the rest."""
    rows = [hinted(mutant, matrix.results[mutant.id]) for mutant in mutants if mutant.says]
    assert [row.mutant.id for row in rows if not row.told] == []


def test_every_check_catches_what_no_other_does(matrix: KillMatrix) -> None:
    redundant = [str(check) for check, only in matrix.only_catcher().items() if not only]
    assert redundant == []


def test_sample_class_is_the_golden_one(results: dict[str, SubmissionResult], assignment: Assignment) -> None:
    assert sorted(results) == sorted(golden.read(assignment.id))
    assert all(result.graded for result in results.values())


def test_submission_gets_what_it_got(
    results: dict[str, SubmissionResult], assignment: Assignment, submission: str
) -> None:
    assert golden.summarize(results[submission]) == golden.read(assignment.id)[submission]


def test_sample_class_comes_out_the_same_twice(sample: Path, tmp_path: Path, assignment: Assignment) -> None:
    make_sample(COURSE, assignment, tmp_path / "again")
    assert _bytes(tmp_path / "again") == _bytes(sample)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
