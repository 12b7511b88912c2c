"""Tests the hidden checks: grades mutants of the reference, and lists the checks that catch each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.errors import GraderError
from autograder.grading.mutants.artifacts import handed_in
from autograder.grading.mutants.file import Check, Mutant, load_mutants

__all__ = ["Check", "KillMatrix", "Mutant", "kill_matrix", "load_mutants", "settled", "write_mutant"]

# Grades a folder under a name, by the checks of these questions or of all.
GradeSome = Callable[[Path, str, Sequence[str] | None], SubmissionResult]

AGAIN = 2  # the most repeats of a measurement that was too noisy
# The outcomes by which a check rejects an answer. Not attempted, blocked or pending work tells nothing about a check.
CAUGHT = frozenset(
    {
        Outcome.FAILED,
        Outcome.ERROR,
        Outcome.TIMEOUT,
        Outcome.OUT_OF_MEMORY,
        Outcome.CRASHED,
        Outcome.FORBIDDEN,
        Outcome.TOO_SLOW,
    }
)


@dataclass(frozen=True)
class KillMatrix:
    """The cases that caught each mutant.

    Attributes:
        caught: cases by mutant id.
        cases: every case there is.
        results: the result of each mutant, by id.
    """

    caught: Mapping[str, frozenset[Check]]
    cases: frozenset[Check]
    results: Mapping[str, SubmissionResult]

    def functions(self, mutant: str) -> frozenset[Check]:
        """The test functions that caught a mutant."""
        return frozenset(case.function for case in self.caught[mutant])

    def catches(self, mutant: Mutant) -> bool:
        """True if the check that the mutant names caught it."""
        return mutant.check in self.caught[mutant.id] | self.functions(mutant.id)

    def only_catcher(self) -> dict[Check, tuple[str, ...]]:
        """For every test function, the mutants that no other test function catches."""
        only: dict[Check, list[str]] = {case.function: [] for case in sorted(self.cases)}
        for mutant in self.caught:
            functions = self.functions(mutant)
            if len(functions) == 1:
                only[next(iter(functions))].append(mutant)
        return {check: tuple(mutants) for check, mutants in only.items()}


def kill_matrix(
    grade: GradeSome, mutants: Iterable[Mutant], assignment: Assignment, reference: Path, jobs: int = 2
) -> KillMatrix:
    """Grade every mutant as if it had been handed in.

    Running times that were too noisy on a busy machine are measured again.

    Args:
        grade: a warm `GradingProcess.grade_as_it_is`.
        reference: the folder of the reference, whose other modules and artifacts are handed in with each mutant.
        jobs: the number of gradings at once.

    Raises:
        GraderError: a check failed on a mutant through its own fault, not the mutant's.
    """
    mutants = tuple(mutants)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as executor:
        folders = [write_mutant(Path(scratch), mutant, assignment, reference) for mutant in mutants]
        names, questions = ([mutant.id for mutant in mutants], [mutant.attempt for mutant in mutants])
        graded = list(executor.map(settled(grade), folders, names, questions))
    results = {mutant.id: result for mutant, result in zip(mutants, graded, strict=True)}
    for mutant in mutants:
        _refuse_own_faults(mutant, results[mutant.id])
    return KillMatrix(
        caught={
            name: frozenset(check for check, outcome in _verdicts(result) if outcome in CAUGHT)
            for name, result in results.items()
        },
        cases=frozenset(check for result in graded for check, _ in _verdicts(result)),
        results=results,
    )


def settled(grade: GradeSome) -> GradeSome:
    """A function that grades like `grade`, and again if the machine was too busy to measure a running time."""

    def again(path: Path, name: str, questions: Sequence[str] | None = None) -> SubmissionResult:
        result = grade(path, name, questions)
        for _ in range(AGAIN):
            if not result.too_noisy:
                break
            result = grade(path, name, questions)
        return result

    return again


def write_mutant(scratch: Path, mutant: Mutant, assignment: Assignment, reference: Path) -> Path:
    """Write a mutant as a submission's folder below `scratch`; return that folder."""
    folder = scratch / mutant.id
    folder.mkdir()
    for name in assignment.files:
        if name != mutant.file:
            shutil.copyfile(reference / name, folder / name)
    (folder / mutant.file).write_text(mutant.source, encoding="utf-8")
    for name, content in handed_in(assignment, reference, mutant.artifacts).items():
        (folder / name).write_bytes(content)
    return folder


def _verdicts(result: SubmissionResult) -> Iterator[tuple[Check, Outcome]]:
    for question in result.questions:
        for case in question.cases:
            yield Check(question.id, case.id), case.outcome


def _refuse_own_faults(mutant: Mutant, result: SubmissionResult) -> None:
    for question in result.questions:
        for case in question.cases:
            if case.outcome is Outcome.GRADER_ERROR:
                raise GraderError(f"{question.id} / {case.id} broke on mutant {mutant.id}:\n{case.detail}")
