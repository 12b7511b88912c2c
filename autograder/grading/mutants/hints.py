"""Counts the mutants that get a hint with the name of their mistake, and those that get a wrong name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, SubmissionResult
from autograder.grading.mutants.file import Mutant
from autograder.grading.mutants.matrix import write_mutant
from autograder.grading.mutants.mistakes import SAYS

__all__ = ["Hinted", "hint_table", "hinted"]

# Grades a folder under a name by the checks of some questions, leaving the mistake of one mutant without a name.
GradeHinted = Callable[[Path, str, Sequence[str] | None, str], SubmissionResult]


@dataclass(frozen=True)
class Hinted:
    """The hints that a student with this mistake reads.

    Attributes:
        named: some hint names this mistake.
        told: the check's own message or hint names it, in the mutant's words (`says`).
        wrong: the mistakes that hints name though the student made another one.
        other: the first hint that names no mistake, such as a pattern or the meaning of an exception; "" for none.
        alone: the mistakes that are named if this one is not known: they give the same answers.
        valued: True if some case failed by a value; an exception or a time needs no name.
    """

    mutant: Mutant
    named: bool
    told: bool
    wrong: tuple[str, ...]
    other: str
    alone: tuple[str, ...]
    valued: bool


def hint_table(
    grade: GradeHinted, mutants: Sequence[Mutant], assignment: Assignment, reference: Path, jobs: int
) -> tuple[Hinted, ...]:
    """Grade every mutant twice: with all mistakes known, and with its own left out.

    Args:
        reference: the folder of the reference, whose other modules and artifacts are handed in with each mutant.
    """
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as executor:
        folders = [write_mutant(Path(scratch), mutant, assignment, reference) for mutant in mutants]
        return tuple(executor.map(partial(_hinted, grade), mutants, folders))


def _hinted(grade: GradeHinted, mutant: Mutant, folder: Path) -> Hinted:
    result = grade(folder, mutant.id, mutant.attempt, "")
    return hinted(mutant, result, grade(folder, mutant.id, mutant.attempt, mutant.id))


def hinted(mutant: Mutant, result: SubmissionResult, without: SubmissionResult | None = None) -> Hinted:
    """The quality of the hints in one grading of a mutant.

    Args:
        result: graded with all mistakes known.
        without: graded without its own name; None if other mutants with the same answers do not matter.
    """
    cases = _cases(result, mutant)
    names, others = _hints(cases)
    return Hinted(
        mutant=mutant,
        named=mutant.why in names,
        told=bool(mutant.says) and any(mutant.says in f"{case.message} {case.hint}" for case in cases),
        wrong=tuple(name for name in names if name != mutant.why),
        other=next(iter(others), ""),
        alone=_hints(_cases(without, mutant))[0] if without else (),
        valued=any(case.outcome is Outcome.FAILED for case in cases),
    )


def _cases(result: SubmissionResult, mutant: Mutant) -> Sequence[CaseResult]:
    return next(each.cases for each in result.questions if each.id == mutant.check.question)


def _hints(cases: Sequence[CaseResult]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The mistakes that hints name, and the other hints, each once."""
    hints = dict.fromkeys(case.hint for case in cases if case.hint and case.outcome is not Outcome.PASSED)
    begin = SAYS.format("")
    names = tuple(hint.removeprefix(begin) for hint in hints if hint.startswith(begin))
    return names, tuple(hint for hint in hints if not hint.startswith(begin))
