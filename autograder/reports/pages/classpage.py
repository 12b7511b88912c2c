"""index.html: the class page, for instructors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionResult
from autograder.gradebook.facts import Facts
from autograder.gradebook.grades import Grade, State
from autograder.reports.findings.causes import Cluster, whole_cause
from autograder.reports.findings.concerns import concerns
from autograder.reports.findings.decisions import Decisions, queued
from autograder.reports.findings.need import EarlierScores, in_need
from autograder.reports.findings.rescored import ScoreChange
from autograder.reports.findings.statistics import Statistics
from autograder.reports.findings.summary import summarize
from autograder.reports.findings.timings import budget_charts
from autograder.reports.pages.charts import heat_map, histogram, tone
from autograder.reports.pages.html import render

__all__ = ["ClassGrades", "render_class"]


@dataclass(frozen=True)
class ClassGrades:
    """The grades of a class, from the gradebook.

    Attributes:
        of: by submission's name, the grades that it counts for.
        names: by student, their name.
        missing: names of people without a submission.
    """

    of: Mapping[str, Sequence[Grade]]
    names: Mapping[str, str]
    missing: Sequence[str] = ()

    @classmethod
    def from_book(cls, grades: Iterable[Grade], facts: Facts) -> ClassGrades:
        """The grades of one assignment, by submission."""
        submissions = {each.id: each.name for each in facts.submissions}
        names = {each.key: " ".join(filter(None, (each.name, each.number or each.key))) for each in facts.students}
        found: dict[str, list[Grade]] = {}
        missing = []
        for grade in grades:
            if grade.submission:
                found.setdefault(submissions[grade.submission], []).append(grade)
            else:
                state = "" if grade.state is State.MISSING else f" ({grade.state})"
                missing.append(names.get(grade.student, grade.student) + state)
        return cls(found, names, tuple(missing))

    def rows(self, submission: str) -> tuple[tuple[str, Grade], ...]:
        """(whose, grade) of a submission; "" if all its people have the same grade."""
        own = self.of.get(submission, ())
        if len({_shown_parts(grade) for grade in own}) == 1:
            return (("", own[0]),)
        return tuple((self.names.get(grade.student, grade.student), grade) for grade in own)


def _shown_parts(grade: Grade) -> tuple[object, ...]:
    """The parts of a grade that the class table shows."""
    return grade.state, grade.cents, grade.checks, grade.late, grade.days, grade.percent, grade.taken, grade.adjust


@dataclass(frozen=True)
class _Cell:
    """One question of one submission in the class table."""

    question: QuestionResult | None
    tone: str
    passed: int
    total: int


@dataclass(frozen=True)
class _Row:
    """One submission in the class table. The table can be filtered by `outcomes` and `causes`."""

    result: SubmissionResult
    cells: tuple[_Cell, ...]
    outcomes: tuple[str, ...]
    causes: tuple[int, ...]


def render_class(
    results: Sequence[SubmissionResult],
    assignment: Assignment,
    failures: Iterable[tuple[str, str]] = (),
    decisions: Decisions | None = None,
    changes: Sequence[ScoreChange] = (),
    passed: Iterable[tuple[str, str]] = (),
    earlier: EarlierScores | None = None,
    grades: ClassGrades | None = None,
    figures: Statistics | None = None,
    *,
    to_confirm: str = "",
) -> str:
    """A self-contained page on a class, in order of submission name.

    Args:
        failures: (submission, why it was not graded).
        decisions: a person's decisions on the submissions that a person reads.
        changes: the differences of scores from an earlier run.
        passed: (path, why) of skipped files that are not submissions.
        earlier: the earlier scores of each submission's people, as for `in_need`.
        grades: the grades from the gradebook; without them, the page shows scores only.
        figures: statistics of the class about the questions.
        to_confirm: the command that grades the reference under the seed of the results; "" if it is graded.

    It links to `<submission>/report.html` beside it. It shows facts that students must not see.
    """
    results = sorted(results, key=lambda result: result.submission)
    summary = summarize(results, assignment)
    failures, passed = sorted(failures), list(passed)
    counted = [result.score for result in results if result.graded and not whole_cause(result)]
    causes = list(dict.fromkeys(cluster for question in summary.questions for cluster in question.clusters))
    numbers = {cluster: number for number, cluster in enumerate(causes)}
    return render(
        "class.html",
        script="table.js",
        assignment=assignment,
        summary=summary,
        chart=histogram(counted, assignment.max_score, summary.scores.median) if summary.scores else None,
        heat=heat_map(results, assignment),
        budgets=budget_charts(results, assignment),
        numbers=numbers,
        changes=changes,
        need=in_need(results, assignment, earlier),
        concerns=concerns(results, assignment, failures, passed),
        failures=failures,
        passed=len(passed),
        rows=[_row(result, assignment, numbers) for result in results],
        late=any(result.info.late for result in results),
        notebooks=any(result.notebooks for result in results),
        answers=any(result.answered for result in results),
        grades=grades,
        figures=figures,
        to_confirm=to_confirm,
        question_figures={each.id: each for each in figures.questions} if figures else {},
        queue=len(queued(results, assignment)),
        unread=sum((decisions or Decisions()).is_open(result, assignment) for result in queued(results, assignment)),
        machines=sorted({_machine(result) for result in results}),
    )


def _row(result: SubmissionResult, assignment: Assignment, numbers: Mapping[Cluster, int]) -> _Row:
    found = {question.id: question for question in result.questions}
    outcomes = {case.outcome for question in result.questions for case in question.cases}
    return _Row(
        result,
        tuple(_cell(found.get(question.id)) for question in assignment.questions),
        tuple(outcome.value for outcome in Outcome if outcome in outcomes),
        tuple(number for cluster, number in numbers.items() if result.submission in cluster.submissions),
    )


def _cell(question: QuestionResult | None) -> _Cell:
    cases = question.cases if question else ()
    return _Cell(question, tone(question), sum(case.outcome is Outcome.PASSED for case in cases), len(cases))


def _machine(result: SubmissionResult) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in result.environment.items())
    level = result.isolation.get("level", "")
    return facts + (f"{'; ' if facts else ''}isolation level {level}" if level else "")
