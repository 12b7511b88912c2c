"""Grades one submission with the hidden checks that pytest has collected."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autograder.checks.desk import Desk, reference_channels, reference_loader
from autograder.checks.plugin import case_id, question_of, run_check, weight_of
from autograder.checks.subject import Library, Subject
from autograder.checks.timing.workers import WorkerRivals
from autograder.checks.transcript import Answers
from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, SubmissionInfo, SubmissionResult
from autograder.errors import ArchiveError, UsageError
from autograder.grading.notebooks import Notebooks
from autograder.grading.scoring import score_questions, total
from autograder.sandbox import Package, Sandbox
from autograder.sandbox.grader.gpu import Gpu
from autograder.submission.comments import read_comments
from autograder.submission.inbox import Inbox
from autograder.submission.integrity import CleanCopy, Prepared, as_handed_in, prepare
from autograder.submission.scan import scan_questions

__all__ = ["Examiner"]

MAX_DETAIL = 8_000
TIMED = "race"  # the fixture that times
NOT_TIMED = "not timed: this needs “{}”, which does not work yet"
# What the reference may end in: its running time may have to be graded elsewhere, or on a quieter machine.
FINE = (Outcome.PASSED, Outcome.PENDING, Outcome.TOO_NOISY)
MAX_SEEN = 3


@dataclass
class Examiner:
    """The hidden checks of an assignment, and what it takes to run them on somebody's work.

    Attributes:
        items: collected checks, in any order.
        seed: the run's; inputs follow from it.
        environment, isolation: facts that go into every result.
        clean: the handout's files by path; given files and given code come from these.
        submitted: what a table beside the submissions says of when they came.
        notebooks: runs each submission's notebook after the checks; None to leave them alone.
        gpu: where running times are graded besides the CPU; None where there is none.
    """

    course: Course
    assignment: Assignment
    sandbox: Sandbox
    items: Sequence[pytest.Function]
    seed: int
    environment: dict[str, Any]
    isolation: dict[str, Any]
    clean: Mapping[str, bytes] = field(default_factory=dict)
    submitted: Mapping[str, datetime] = field(default_factory=dict)
    notebooks: Notebooks | None = None
    gpu: Gpu | None = None

    def __post_init__(self) -> None:
        order = list(self.assignment.by_id)
        for item in self.items:
            if question_of(item) not in order:
                raise UsageError(
                    f"{item.nodeid}: marked for {question_of(item)!r}; the questions are {', '.join(order)}"
                )
        self.items = sorted(self.items, key=lambda item: order.index(str(question_of(item))))
        for question in order:
            if not any(question_of(item) == question for item in self.items):
                raise UsageError(f"{self.course.hidden(self.assignment)}: no check for question {question!r}")
        for (owner, name), count in Counter((question_of(item), item.name) for item in self.items).items():
            if count > 1:
                raise UsageError(f"{self.course.hidden(self.assignment)}: {count} checks of {owner} are named {name}")
        self._clean = CleanCopy.read(self.clean, self.assignment)
        self._answers: Answers = {}
        self._library = Library(self.course.common)
        self._baseline = self._library.reference(self.course.solution(self.assignment), self.assignment.module)
        self._reference = reference_channels(reference_loader(self.course, self.assignment), self._answers)

    def grade_reference(self) -> SubmissionResult:
        """Grade the reference like any submission, and remember what it answered.

        Raises UsageError naming the first check that is at fault where it does not get full marks.
        """
        result = self.grade(self.course.solution(self.assignment), "reference", as_it_is=True)
        for question in result.questions:
            for case in question.cases:
                if case.outcome not in FINE:
                    ours = case.outcome is Outcome.GRADER_ERROR  # then the detail is a traceback, which ends in why
                    lines = case.detail.strip().splitlines() or [""]
                    what = " · ".join(filter(None, (case.message, lines[-1 if ours else 0])))
                    raise UsageError(f"the reference fails {question.id} / {case.id}: {case.outcome}: {what}")
        return result

    def grade(
        self, path: Path, name: str, *, as_it_is: bool = False, questions: Collection[str] | None = None
    ) -> SubmissionResult:
        """Grade one zip or folder. Whatever is wrong with it becomes part of the result.

        Args:
            as_it_is: run also the given code that it changes, as what tests the checks wants.
            questions: whose checks are run; the others' count as not attempted. None for all.
        """
        began = time.perf_counter()
        inbox = Inbox(self.assignment, {name: path}, self.clean, self.submitted)
        try:
            submission = inbox.receive(name)
        except ArchiveError as error:
            info = inbox.unreadable(name, str(error))
            cases = self._everywhere("archive", f"cannot be read: {error}", "Hand in the zip once more.")
            return self._with_notebook(self._result(info, cases, began), None, Package({}, "", frozenset()))
        if not submission.module_found:
            wanted = f"{self.assignment.module}.py"
            cases = self._everywhere("file", f"{wanted} was not handed in", f"Put {wanted} at the zip's root.")
            alone = self._library.package(as_handed_in(submission), submission.artifacts, self.assignment.module)
            return self._with_notebook(self._result(submission.info, cases, began), submission.notebook, alone)
        prepared = as_handed_in(submission) if as_it_is else prepare(submission, self._clean, self.assignment)
        given = self._library.package(prepared, submission.artifacts, self.assignment.module)
        cases = self._run(given, questions)
        seen = (*prepared.notes, *_looked_at(prepared, self.assignment))
        info = replace(submission.info, notes=(*submission.info.notes, *seen))
        reading = None
        if self.assignment.option(info.option).review and not as_it_is:
            reading = read_comments(prepared.source, self._clean.module if self._clean else None, self.assignment)
        result = replace(self._result(info, cases, began), integrity=prepared.integrity, reading=reading)
        return self._with_notebook(result, submission.notebook, given)

    def _run(self, given: Package, asked: Collection[str] | None) -> dict[str, list[CaseResult]]:
        cases: dict[str, list[CaseResult]] = {question.id: [] for question in self.assignment.questions}
        with ExitStack() as stack:
            subject = stack.enter_context(Subject(self.sandbox, given, self.assignment.limits))
            workers = WorkerRivals(self.sandbox, subject, given, self._baseline, self.assignment.limits, self.gpu)
            rivals = stack.enter_context(workers)
            desk = Desk(self.assignment, subject, self._reference, self.seed, self._answers, rivals)
            for item, following in zip(self.items, [*self.items[1:], None], strict=True):
                question = str(question_of(item))
                if asked is not None and question not in asked:
                    case = CaseResult(case_id(item), Outcome.NOT_ATTEMPTED, "not asked for")
                elif TIMED in item.fixturenames and (broken := self._broken(question, cases)):
                    case = replace(broken, id=case_id(item), weight=weight_of(item))
                else:
                    case = self._kept(run_check(item, following, desk), subject.output)
                cases[question].append(case)
        return cases

    def _broken(self, question: str, cases: Mapping[str, Sequence[CaseResult]]) -> CaseResult | None:
        """What becomes of a timed case where a question that it depends on earned nothing; None where none did.

        Nothing is timed then: what is wrong is not slow, and what is slow anyway would take its time. Where all of the
        other question ended alike, not begun or not to be imported, this would have too.
        """
        for other in self.assignment.by_id[question].depends:
            if cases[other] and not any(case.credit for case in cases[other]):
                first = cases[other][0]
                alike = len({(case.outcome, case.message) for case in cases[other]}) == 1
                if alike and first.outcome in (Outcome.NOT_ATTEMPTED, Outcome.ERROR):
                    return replace(first, seconds=0.0, student_seconds=0.0)
                return CaseResult("", Outcome.BLOCKED, NOT_TIMED.format(self.assignment.by_id[other].title))
        return None

    def _with_notebook(self, result: SubmissionResult, received: bytes | None, package: Package) -> SubmissionResult:
        """The result, with the notebook run beside this package if that was asked for."""
        if self.notebooks is None:
            return result
        run, pages = self.notebooks.run(received, package, result.submission)
        seconds = round(result.seconds + run.seconds, 3)
        return replace(result, notebook=run, attachments={**result.attachments, **pages}, seconds=seconds)

    def _kept(self, case: CaseResult, output: Callable[[], str]) -> CaseResult:
        """The case as it is stored: where something went wrong, with the end of what the submission printed."""
        if case.outcome in (Outcome.PASSED, Outcome.NOT_ATTEMPTED):
            return case
        printed = output()[-MAX_DETAIL // 4 :]
        detail = f"{case.detail}\n--- printed ---\n{printed}" if printed else case.detail
        return replace(case, detail=detail[-MAX_DETAIL:])

    def _everywhere(self, id: str, message: str, hint: str) -> dict[str, list[CaseResult]]:
        case = CaseResult(id, Outcome.ERROR, message, hint)
        return {question.id: [case] for question in self.assignment.questions}

    def _result(self, info: SubmissionInfo, cases: dict[str, list[CaseResult]], began: float) -> SubmissionResult:
        questions = score_questions(self.assignment, cases)
        scale = self.assignment.option(info.option).scale
        return SubmissionResult(
            assignment=self.assignment.id,
            info=info,
            score=total(questions, scale),
            max_score=self.assignment.max_score,
            questions=questions,
            seed=self.seed,
            scale=scale,
            environment=self.environment,
            isolation=self.isolation,
            seconds=round(time.perf_counter() - began, 3),
        )


def _looked_at(prepared: Prepared, assignment: Assignment) -> list[str]:
    """What a person should look at: uses of what a question rules out that the source shows, whether or not they ran.

    Evidence, not a verdict: guards in the worker decide, and the source may only seem to do what it says.
    """
    found = scan_questions(prepared.tree, assignment.questions) if prepared.tree else {}
    return [
        f"{question}: line {prepared.line(violation.line)} has {violation.what}, which is {violation.kind} there"
        for question, violations in found.items()
        for violation in violations[:MAX_SEEN]
    ]
