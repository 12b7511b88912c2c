"""Grades a class: several submissions at once. Keeps finished results, and continues a run that was stopped."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, Protocol

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.notebook import PAGELESS
from autograder.course.result import SubmissionResult
from autograder.errors import GraderError, UsageError
from autograder.grading import fingerprint
from autograder.grading.client import GradingProcess
from autograder.grading.filling import Gap, concerned, filled, gaps
from autograder.grading.order import Order
from autograder.sandbox.isolation.levels import UNCONFINED
from autograder.submission.receive.inbox import Inbox

__all__ = ["RUN_FILE", "Batch", "Failure", "GradeOne", "Graders", "GradingRun", "local_graders", "stored"]

RUN_FILE = "run.json"
# Workers see digests of a run's seed. There are too many seeds to try, and every reader of JSON keeps them exact.
SEEDS = 2**53


class GradeOne(Protocol):
    """Grades one submission, by the checks of some questions or of all; an executor runs it."""

    def __call__(self, path: Path, name: str, questions: Sequence[str] | None = None) -> SubmissionResult: ...


class Graders(NamedTuple):
    """The graders of a run's submissions.

    Attributes:
        grade: grades one submission; `executor` runs it.
        confirm: waits until the reference is graded under the run's seed, which takes no time if an earlier run did
            this. Raises UsageError if the reference fails. Then no result of this run is valid.
        is_confirmed: True if `confirm` need not wait; a cluster does not say before the end. Raises like `confirm`.
        at_once: the number of submissions that are graded at once.
    """

    grade: GradeOne
    executor: Executor
    confirm: Callable[[], None]
    is_confirmed: Callable[[], bool]
    at_once: int


@dataclass(frozen=True)
class Failure:
    """A submission that could not be graded because of a fault of the grader."""

    submission: str
    why: str


@dataclass(frozen=True)
class GradingRun:
    """The common facts of all results of one output folder."""

    assignment: str
    suite: str
    seed: int

    @classmethod
    def plan(
        cls, course: Course, assignment: Assignment, seed: int | None, before: GradingRun | None = None
    ) -> GradingRun:
        """Continue a run if suite and seed are the same. Otherwise begin one, and draw a seed if none is given.

        Args:
            before: the newest run in the gradebook.
        """
        suite = fingerprint.of_suite(course, assignment)
        if before and before.suite == suite and seed in (None, before.seed):
            return before
        return cls(assignment.id, suite, secrets.randbelow(SEEDS) if seed is None else seed)

    @classmethod
    def read(cls, out: Path) -> GradingRun | None:
        """The run of an old folder without a gradebook, from its file RUN_FILE; None if that is missing or damaged."""
        try:
            return cls(**json.loads((out / RUN_FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def fingerprint(self, path: Path) -> str:
        """The fingerprint that a result for the submission at `path` must have to be valid in this run.

        The time when it was handed in is not part of it: a changed time runs no code again.
        """
        return f"{self.suite}-{self.seed}-{fingerprint.of_submission(path)}"


@dataclass(frozen=True)
class Batch:
    """The submissions of one run.

    Attributes:
        inbox: the submissions, by name.
        prints: the fingerprint that a result for each must carry.
        kept: results of an earlier run that are still valid.
        partial: results that are valid except for some cases, which this run can decide.
        gaps: these cases, by submission.
        before: results of an earlier run, by submission; scores of questions, no cases.
    """

    run: GradingRun
    assignment: Assignment
    inbox: Inbox
    prints: Mapping[str, str]
    kept: Mapping[str, SubmissionResult]
    partial: Mapping[str, SubmissionResult]
    gaps: Mapping[str, frozenset[Gap]]
    before: Mapping[str, SubmissionResult] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        run: GradingRun,
        assignment: Assignment,
        out: Path,
        inbox: Inbox,
        booked: Callable[[str], SubmissionResult | None],
        *,
        regrade: bool = False,
        notebooks: bool = False,
        device: str = "cpu",
        unsafe: bool = False,
    ) -> Batch:
        """Use the results in the gradebook, unless everything is to be graded again.

        Args:
            booked: the newest result of a submission there, by name; None for none.
            out: the folder with the pages of executed notebooks, which only a grading makes.
            notebooks: True if a submission without the run or the page of a notebook is graded again.
            device: the device on which this run can grade running times, besides the CPU.
            unsafe: True to keep results of submissions that no host confined.
        """
        prints, kept, partial, lacking, before = {}, {}, {}, {}, {}
        for name, path in inbox.entries.items():
            prints[name] = run.fingerprint(path)
            result = booked(name)
            if result and result.graded:
                before[name] = _scores(result)
            if regrade or not result:
                continue
            result = replace(result, info=inbox.timed(name, result.info))
            if notebooks and not _has_pages(out / name, result, assignment):
                continue
            if result.isolation.get("level") == UNCONFINED and not unsafe:
                continue  # such code may have changed its own result
            if result.graded and result.fingerprint == prints[name]:
                missing = gaps(result, assignment, device)
                if missing and len(missing) == sum(len(question.cases) for question in result.questions):
                    continue  # no case was decided; perhaps the submission was not even read
                if missing:
                    partial[name], lacking[name] = result, missing
                else:
                    kept[name] = result
        return cls(run, assignment, inbox, prints, kept, partial, lacking, before)

    @property
    def missing(self) -> dict[str, Path]:
        """The submissions to grade now, the longest first, so that no core is idle at the end."""
        expected = self.expected
        names = [name for name in self.inbox.entries if name not in self.kept]
        return {name: self.inbox.entries[name] for name in sorted(names, key=lambda name: -expected[name])}

    @property
    def expected(self) -> dict[str, float]:
        """Seconds that each submission took in an earlier run. A new one counts as their mean; 1.0 in a first run.

        If this run decides only some cases of a submission, the seconds of their questions count.
        """
        took = {name: result.seconds for name, result in self.before.items() if result.seconds > 0}
        usual = fmean(took.values()) if took else 1.0
        for name, result in self.partial.items():
            asked = concerned(self.gaps[name], self.assignment)
            cases = [case for question in result.questions if question.id in asked for case in question.cases]
            took[name] = sum(case.seconds for case in cases)
        return {name: took.get(name, usual) for name in self.inbox.entries}

    def grade(self, grade: GradeOne, executor: Executor) -> Iterator[SubmissionResult | Failure]:
        """Grade the missing ones; yields each result when it is finished. Closing the iterator cancels the others."""
        futures: dict[Future[SubmissionResult], str] = {}
        try:
            for name, path in self.missing.items():
                asked = concerned(self.gaps[name], self.assignment) if name in self.gaps else None
                futures[executor.submit(grade, path.absolute(), name, asked)] = name  # it may run in another folder
            for future in as_completed(futures):
                name = futures.pop(future)
                try:
                    result = replace(self._whole(future.result()), fingerprint=self.prints[name])
                except UsageError:  # the reference fails under this seed: nothing can be graded
                    raise
                except GraderError as error:
                    yield Failure(name, str(error))
                except Exception as error:  # for example, a machine died: the other results stay
                    yield Failure(name, f"{type(error).__name__}: {error}")
                else:
                    yield result
        finally:
            for future in futures:
                future.cancel()

    def _whole(self, result: SubmissionResult) -> SubmissionResult:
        """The new result, filled into the earlier one."""
        if result.submission not in self.partial:
            return result
        before = self.partial[result.submission]
        return filled(before, result, self.gaps[result.submission], self.assignment)


@contextmanager
def local_graders(order: Order, jobs: int) -> Iterator[Graders]:
    """The graders on this machine, for `jobs` submissions at once."""
    with GradingProcess(order) as process, ThreadPoolExecutor(jobs) as executor:
        try:
            yield Graders(process.grade, executor, process.confirm, process.is_confirmed, jobs)
        except BaseException:
            process.close()  # ends the gradings under way, which the executor would otherwise wait for
            raise


def _scores(result: SubmissionResult) -> SubmissionResult:
    """The result's scores alone, since the cases of a large class would fill the memory."""
    questions = tuple(replace(question, cases=()) for question in result.questions)
    return replace(result, questions=questions, notebooks=None, integrity=None, reading=None, sources={})


def _has_pages(folder: Path, result: SubmissionResult, assignment: Assignment) -> bool:
    """True if the notebooks were run, and the pages about the runs are there."""
    runs = result.notebooks
    if runs is None:
        return False
    shown = (page for name, page in assignment.pages.items() if name in runs and runs[name].outcome not in PAGELESS)
    return all((folder / page).is_file() for page in shown)


def stored(path: Path) -> SubmissionResult | None:
    """The result in a result.json; None if it is missing or cannot be read."""
    try:
        return SubmissionResult.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
