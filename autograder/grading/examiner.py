"""Grades one submission with the hidden checks that pytest has collected."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autograder.checks.harness.desk import Desk
from autograder.checks.harness.items import labelled, question_of
from autograder.checks.harness.leak_limit import bounded
from autograder.checks.harness.plugin import run_check, wrong_value
from autograder.checks.harness.verdict import judge
from autograder.checks.sides.local import LocalSubject, reference_channels, reference_loader
from autograder.checks.sides.reference import Answers
from autograder.checks.sides.student import Library, Subject
from autograder.checks.timing.workers import WorkerRivals
from autograder.course.layout import Course
from autograder.course.model import MAX_SECONDS, Assignment, Component
from autograder.course.outcome import Outcome
from autograder.course.result import MAX_SOURCE, CaseResult, SubmissionInfo, SubmissionResult
from autograder.course.rule import Rule
from autograder.errors import ArchiveError, TimeSpent, UsageError
from autograder.grading.filling import UNFINISHED
from autograder.grading.mutants.ends import Ends
from autograder.grading.mutants.mistakes import Evidence, FailureKey, named_mistakes
from autograder.grading.notebooks.run import Notebooks
from autograder.grading.reasons import explained
from autograder.grading.scoring import blocked, blocker, score_questions, total
from autograder.phases import PHASES, measured, phase
from autograder.reports.findings.causes import masked
from autograder.sandbox import Package, Sandbox
from autograder.sandbox.grader.deadline import Allowance
from autograder.sandbox.grader.gpu import Gpu
from autograder.submission.clean.comments import read_comments
from autograder.submission.clean.prepare import CleanCopy, Prepared, as_handed_in, prepare
from autograder.submission.receive.inbox import Inbox, Submission
from autograder.submission.source.rules import scan_questions

__all__ = ["Examiner"]

MAX_DETAIL = 8_000
TIMED = "race"  # the fixture that times
NOT_TIMED = "This was not timed."
# Outcomes that the reference may have: its running time may be graded elsewhere, or on a quieter machine.
FINE = (Outcome.PASSED, Outcome.PENDING, Outcome.TOO_NOISY)
MAX_SEEN = 3
NOT_ASKED_FOR = CaseResult("", Outcome.NOT_ATTEMPTED, "not asked for")
# The result of questions that are not run, for the reference and for mutants. They are right, so they block nothing.
RIGHT_ELSEWHERE = CaseResult("", Outcome.PASSED, credit=1.0)
# The reference has this many times the seconds: if it takes long, the machine is the cause.
PATIENCE = 10.0
# Additional seconds for each budget on a GPU: workers of both sides start there and load its libraries.
GPU_SECONDS = 300.0
SKIPPED = "{}: the statement was skipped, and costs only what uses the names that it sets"
NO_GPU = (
    "the code asks for a GPU by name{}, but there is none here: the CPU took its place. "
    "Take the device from an argument or from an input"
)

Cases = dict[str, list[CaseResult]]


@dataclass
class Examiner:
    """Runs the hidden checks of an assignment on submissions.

    Attributes:
        items: collected checks, in any order.
        seed: the run's; inputs follow from it.
        environment, isolation: facts that go into every result.
        ends: the ends of checks for mutants, for all submissions.
        clean: the handout's files by path; given files and given code come from these.
        submitted: the times of handing in, from a table beside the submissions.
        notebooks: runs each submission's notebook after the checks; None to leave them alone.
        gpu: the GPU on which running times are graded, too; None if there is none.
        answers: the answers of the reference and of oracles, for all later gradings.
        until: the instant, of `time.monotonic`, at which the run ends; undecided cases are then pending.
    """

    course: Course
    assignment: Assignment
    sandbox: Sandbox
    items: Sequence[pytest.Function]
    seed: int
    environment: dict[str, Any]
    isolation: dict[str, Any]
    ends: Ends
    clean: Mapping[str, bytes] = field(default_factory=dict)
    submitted: Mapping[str, datetime] = field(default_factory=dict)
    notebooks: Notebooks | None = None
    gpu: Gpu | None = None
    answers: Answers = field(default_factory=dict)  # the copy that `replace` makes shares this dict
    until: float = math.inf

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
        self._library = Library.of(self.course, self.assignment)
        self._baseline = self._library.reference(self.course.solution(self.assignment), self.assignment.files)
        self._reference = reference_channels(reference_loader(self.course, self.assignment), self.answers)

    def grade_reference(self, question: str) -> None:
        """Grade the reference by the checks of one question, like any submission, and remember its answers.

        Raises:
            UsageError: the reference does not get full marks; the message names the first check that it fails.
            GraderError: workers can no longer be started.
        """
        patient = replace(self, assignment=_patient(self.assignment), until=math.inf)
        solution = self.course.solution(self.assignment)
        result = patient.grade(solution, "reference", as_it_is=True, questions=[question], named=False)
        for graded in result.questions:
            for case in graded.cases:
                if case.outcome not in FINE:
                    self.sandbox.require_alive()
                    ours = case.outcome is Outcome.GRADER_ERROR  # then the detail's last line is the reason
                    lines = case.detail.strip().splitlines() or [""]
                    what = " · ".join(filter(None, (case.message, lines[-1 if ours else 0])))
                    raise UsageError(f"the reference fails {graded.id} / {case.id}: {case.outcome}: {what}")

    def grade(
        self,
        path: Path,
        name: str,
        *,
        as_it_is: bool = False,
        questions: Collection[str] | None = None,
        named: bool = True,
        without: str | None = None,
    ) -> SubmissionResult:
        """Grade one zip or folder. All problems with it become part of the result.

        Args:
            as_it_is: run also given code that the submission changed, for tests of the checks.
            questions: the questions whose checks are run; None for all. The others count as not attempted. For a
                submission that is graded as it is, they count as passed: it is the reference with one mistake.
            named: True if known mistakes get their names as hints.
            without: the id of a mutant whose mistake is not named.
        """
        with measured() as phases:
            result = self._graded(path, name, as_it_is, questions, named, without)
        spent = {name: round(phases.seconds[name], 4) for name in PHASES if name in phases.seconds}
        return replace(result, phase_seconds=spent)

    def _graded(
        self,
        path: Path,
        name: str,
        as_it_is: bool,
        questions: Collection[str] | None,
        named: bool,
        without: str | None,
    ) -> SubmissionResult:
        began, allowance = time.perf_counter(), Allowance(self._seconds(), self.until)
        inbox = Inbox(self.assignment, {name: path}, self.clean, self.submitted)
        try:
            with allowance.alarm():
                with phase("receive"):
                    submission = inbox.receive(name)
                with phase("clean"):
                    prepared = self._prepared(submission, as_it_is)
                    seen = (*prepared.notes, *_looked_at(prepared, self.assignment, self.course.rules))
        except (ArchiveError, TimeSpent) as error:
            info = inbox.unreadable(name, str(error))
            cases = self._everywhere("archive", f"cannot be read: {error}", "Hand in the zip again.")
            if isinstance(error, TimeSpent):
                spent = _spent("reading", error)
                cases = {question: [_unfinished(spent) if allowance.over else spent] for question in cases}
            return self._with_notebooks(self._result(info, cases, began), {}, Package({}, "", frozenset()))
        given = self._library.package(prepared, submission.artifacts)
        asides: dict[str, str] = {}
        other = RIGHT_ELSEWHERE if as_it_is else NOT_ASKED_FOR
        cases, evidence = self._run(given, submission, questions, other, allowance, asides)
        if named and not allowance.over:
            with phase("mistakes"):
                cases = self._named(cases, evidence, allowance.left(), without)
        info = replace(submission.info, notes=(*submission.info.notes, *seen, *asides.values()))
        reading = None
        if self.assignment.option(info.option).review and not as_it_is:
            reading = read_comments(prepared.sources, self._clean.modules if self._clean else {}, self.assignment)
        handed_in = {name: submission.files[name] for name in self.assignment.files if name in submission.files}
        sources = {name: code[: 4 * MAX_SOURCE].decode("utf-8", "replace") for name, code in handed_in.items()}
        result = replace(
            self._result(info, cases, began),
            integrity=prepared.integrity,
            reading=reading,
            sources={name: code[:MAX_SOURCE] for name, code in sources.items()},
        )
        theirs = {**submission.given, **submission.files}
        return self._with_notebooks(result, submission.notebooks, given, theirs, submission.unread)

    def _prepared(self, submission: Submission, as_it_is: bool) -> Prepared:
        return as_handed_in(submission) if as_it_is else prepare(submission, self._clean, self.assignment)

    def _seconds(self) -> float:
        """The seconds for everything that one submission causes."""
        on_gpu = GPU_SECONDS * sum(len(question.budgets) for question in self.assignment.questions)
        return self.assignment.submission_seconds + (on_gpu if self.gpu else 0.0)

    def _run(
        self,
        given: Package,
        submission: Submission,
        asked: Collection[str] | None,
        other: CaseResult,
        allowance: Allowance,
        asides: dict[str, str],
    ) -> tuple[Cases, list[Evidence]]:
        """The cases of every question, and those that were run. Cases of a missing module are not run.

        Args:
            other: makes the result of a case whose question is not asked.
            asides: notes of mistakes that were set aside are added here.
        """
        cases: Cases = {
            question.id: []
            if question.module in submission.modules
            else [_not_handed_in(self.assignment.component_of(question), submission)]
            for question in self.assignment.questions
        }
        items = [item for item in self.items if not cases[str(question_of(item))]]
        evidence: list[Evidence] = []
        with ExitStack() as stack:
            subject = stack.enter_context(Subject(self.sandbox, given, self.assignment.limits, allowance))
            workers = WorkerRivals(self.sandbox, subject, self._baseline, self.assignment.limits, self.gpu, allowance)
            rivals = stack.enter_context(workers)
            desk = Desk(self.assignment, subject, self._reference, self.seed, self.answers, rivals, asides)
            for item, following in pairwise([*items, None]):
                assert item is not None
                question = str(question_of(item))
                if asked is not None and question not in asked:
                    case = labelled(other, item)
                elif allowance.over:
                    case = labelled(_unfinished(CaseResult("", Outcome.TIMEOUT)), item)
                elif TIMED in item.fixturenames and (broken := self._broken(question, cases)):
                    case = labelled(broken, item)
                elif allowance.spent:
                    case = labelled(_spent("", TimeSpent(allowance.seconds)), item)
                else:
                    with allowance.alarm(), phase("checks"):
                        case = run_check(item, following, desk)
                    case = _unfinished(case) if allowance.over else self._kept(case, subject.output)
                    module = f"{self.assignment.by_id[question].module}.py"
                    case = explained(case, submission.files, module, submission.unread, subject.skipped)
                    evidence.append(Evidence(item, case, wrong_value(item)))
                cases[question].append(bounded(case, cases[question]))
        if subject.no_gpu is not None:
            asides[""] = NO_GPU.format(f" ({subject.no_gpu})" if subject.no_gpu else "")
        asides.update({str(each): SKIPPED.format(each) for each in subject.skipped})
        return cases, evidence

    def _named(self, cases: Cases, evidence: Sequence[Evidence], seconds: float, without: str | None) -> Cases:
        """The cases, with the name of the mistake as hint if an answer is wrong and the mistake is known.

        Args:
            seconds: what is left of the submission's time.
        """
        subject = LocalSubject(reference_loader(self.course, self.assignment))
        desk = Desk(self.assignment, subject, self._reference, self.seed, self.answers, asides={})
        mistakes = named_mistakes(self.course, self.assignment, evidence, desk, self.ends, seconds, without)
        return {question: [_hinted(question, case, mistakes) for case in of] for question, of in cases.items()}

    def _broken(self, question: str, cases: Mapping[str, Sequence[CaseResult]]) -> CaseResult | None:
        """The result of a timed case if a question that it depends on earned nothing; otherwise None.

        Such a case is not timed: a wrong answer earns no points for speed. If all cases of the other question
        ended alike, as not attempted or with the same error, this case ends in the same way.
        """
        by = blocker(self.assignment, self.assignment.by_id[question], cases)
        if by is None:
            return None
        first = next(iter(cases[by.id]), None)
        alike = len({(case.outcome, case.message) for case in cases[by.id]}) == 1
        if first and alike and first.outcome in (Outcome.NOT_ATTEMPTED, Outcome.ERROR):
            return replace(first, seconds=0.0, student_seconds=0.0)
        return blocked(CaseResult("", Outcome.FAILED), by, NOT_TIMED)

    def _with_notebooks(
        self,
        result: SubmissionResult,
        received: Mapping[str, bytes],
        package: Package,
        theirs: Mapping[str, bytes] | None = None,
        unread: Mapping[str, str] | None = None,
    ) -> SubmissionResult:
        """The result, with the notebooks run beside this package if that was asked for."""
        if self.notebooks is None or time.monotonic() >= self.until:
            return result
        runs, attachments, seconds = {}, dict(result.attachments), result.seconds
        for name, page in self.assignment.pages.items():
            with phase("notebooks"):
                given, why = received.get(name), (unread or {}).get(name, "")
                runs[name], shown = self.notebooks.run(name, given, package, result.submission, theirs, why)
            if time.monotonic() >= self.until:  # the end of the whole run, not of this notebook's time, stopped it
                return result
            seconds += runs[name].seconds
            if shown is not None:
                attachments[page] = shown
        return replace(result, notebooks=runs, attachments=attachments, seconds=round(seconds, 3))

    def _kept(self, case: CaseResult, output: Callable[[], str]) -> CaseResult:
        """The case as it is stored. If something went wrong, it gets the end of the submission's prints."""
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


def _not_handed_in(component: Component, submission: Submission) -> CaseResult:
    if unread := submission.unread.get(component.file):
        return CaseResult("file", Outcome.ERROR, f"{component.file} cannot be read: {unread}", "Hand it in again.")
    why, what = f"{component.file} was not handed in", f"Put {component.file} at the zip's root."
    return CaseResult("file", Outcome.ERROR, why, what)


def _patient(assignment: Assignment) -> Assignment:
    """The assignment with limits that a busy machine does not reach."""
    limits = assignment.limits
    longer = {key: PATIENCE * getattr(limits, key) for key in ("call_seconds", "question_seconds", "import_seconds")}
    return replace(assignment, limits=replace(limits, **longer, submission_seconds=PATIENCE * MAX_SECONDS))


def _spent(id: str, error: TimeSpent) -> CaseResult:
    """A case for which no time is left."""
    verdict = judge(error)
    return CaseResult(id, verdict.outcome, verdict.message, verdict.hint)


def _unfinished(case: CaseResult) -> CaseResult:
    """A case at the end of the run: if it had no time left, it is undecided."""
    if case.outcome is not Outcome.TIMEOUT:
        return case
    return replace(case, outcome=Outcome.PENDING, message=UNFINISHED, hint="", location="", detail="", credit=0.0)


def _hinted(question: str, case: CaseResult, mistakes: Mapping[FailureKey, str]) -> CaseResult:
    """The case with the name of the mistake as its hint, if its answer is wrong and the mistake is known."""
    mistake = mistakes.get((question, masked(case.message))) if case.outcome is Outcome.FAILED else None
    return replace(case, hint=mistake) if mistake else case


def _looked_at(prepared: Prepared, assignment: Assignment, rules: Mapping[str, Rule]) -> list[str]:
    """Notes for a person: uses in the source that a question rules out, even if this code did not run.

    They are evidence, not a verdict. Guards in the worker decide; the source may be misleading.
    """
    asked = {component.file: assignment.questions_in(component.module) for component in assignment.components}
    return [
        f"{question}: line {prepared.line(file, violation.line)} has {violation.what}, which is {violation.kind} there"
        for file, tree in prepared.trees.items()
        for question, violations in scan_questions(tree, asked[file], rules).items()
        for violation in violations[:MAX_SEEN]
    ]
