"""The pages of the review, made from the book: the queue, one submission, one person, a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.course.outcome import Outcome
from autograder.course.reading import QuestionReading
from autograder.course.result import CaseResult, QuestionResult, SubmissionResult
from autograder.gradebook.changes import GradeChange, as_released, changed
from autograder.gradebook.facts import Decision, StoredSubmission
from autograder.gradebook.grades import Grade
from autograder.gradebook.wording import sentence
from autograder.reports.findings.causes import Cause, causes
from autograder.reports.pages.html import policy, render
from autograder.review.desk import Moment
from autograder.review.forms import Field, Matter, at, field_of, in_words
from autograder.review.queue import Why, entries

__all__ = ["Page", "person_page", "queue_page", "refusal_page", "submission_page"]

PACKAGE = "autograder.review"
ALLOW = "form-action 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'"
OF_PERSON = ("extension", "excused", "adjust", "hold", "counts", "free_days", "request", "answer")
OF_SUBMISSION = ("scale", "comment", "note", "arrived", "owner")
NAMING = ("owner",)  # left out if names are hidden: the value is ids


@dataclass(frozen=True)
class Page:
    """A page, and its content security policy, which is also a header: only there framing can be forbidden."""

    text: str
    policy: str


def _page(moment: Moment, template: str, script: str = "review.js", **values: Any) -> Page:
    desk = moment.desk
    settings = {"script": script, "package": PACKAGE, "allow": ALLOW}
    text = render(template, desk=desk, assignment=desk.assignment, **settings, **values)
    return Page(text, policy(**settings))


@dataclass(frozen=True)
class _Person:
    """A person of the submission. `line` is the grade in words."""

    key: str
    name: str
    line: str
    fields: tuple[Field, ...]
    asked: tuple[tuple[Field, str], ...]  # the form for the answer, and the request


@dataclass(frozen=True)
class _Question:
    """A question with the results, its author's code, and its forms."""

    id: str
    title: str
    result: QuestionResult | None
    found: tuple[tuple[Cause, tuple[CaseResult, ...]], ...]
    reading: QuestionReading | None
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class _Event:
    """One decision in the history. `field`: the form that undoes it, if it is the current one."""

    id: int
    when: str
    who: str
    by: str
    on: str
    words: str
    field: Field | None


def queue_page(moment: Moment) -> Page:
    found = entries(moment)
    missing = [each for each in moment.grades if not each.submission]
    return _page(
        moment,
        "desk.html",
        script="table.js review.js",
        entries=found,
        open=sum(bool(each.reasons) for each in found),
        kinds=list(Why),
        missing=[(moment.names.codes.get(each.student, ""), moment.names.person(each.student)) for each in missing],
    )


def submission_page(moment: Moment, submission: StoredSubmission, secret: bytes, did: int = 0) -> Page:
    """One submission with everything for deciding about it. `did`: the decision whose effect is shown."""
    names, result = moment.names, moment.result(submission)
    own = moment.grades_of.get(submission.id, ())
    queue = entries(moment)
    place = next(place for place, each in enumerate(queue) if each.submission.id == submission.id)
    found = result if isinstance(result, SubmissionResult) else None
    kinds = [kind for kind in OF_SUBMISSION if not (names.anonymous and kind in NAMING)]
    matters = [Matter(kind, submission=submission.id) for kind in kinds]
    return _page(
        moment,
        "submission.html",
        submission=submission,
        name=names.submission(submission),
        entry=queue[place],
        trouble="" if found else str(result),
        result=found,
        people=_people(moment, own, secret, submission),
        fields=[field_of(moment, matter, secret, submission) for matter in matters],
        questions=_questions(moment, submission, found, secret),
        handed_in=_code(found) if found else [],
        rest=[each for each in found.reading.questions if not each.id] if found and found.reading else [],
        events=_history(moment, {submission.id}, {each.student for each in own}, secret, submission),
        done=_effect(moment, did),
        place=place + 1,
        count=len(queue),
        before=queue[place - 1].submission.id if place else 0,
        after=queue[place + 1].submission.id if place + 1 < len(queue) else 0,
        pages=_notebooks(moment, submission, found),
    )


def person_page(moment: Moment, student: str, secret: bytes, did: int = 0) -> Page:
    """A person, with or without a submission, and the decisions that can be made about them."""
    own = [each for each in moment.grades if each.student == student]
    return _page(
        moment,
        "person.html",
        people=_people(moment, own, secret, None),
        events=_history(moment, set(), {student}, secret, None),
        done=_effect(moment, did),
    )


def refusal_page(moment: Moment, why: str, back: str, theirs: str = "", again: Field | None = None) -> Page:
    """The page on a refused form, with the reason.

    Args:
        back: the page of the form.
        theirs: the decision of somebody else in the meantime.
        again: the form again, to overrule it.
    """
    return _page(
        moment,
        "refusal.html",
        why=why,
        back=back,
        theirs=theirs,
        again=again,
    )


def _people(
    moment: Moment, own: Iterable[Grade], secret: bytes, submission: StoredSubmission | None
) -> tuple[_Person, ...]:
    return tuple(_person(moment, each, secret, submission) for each in own if each.student in moment.names.codes)


def _person(moment: Moment, grade: Grade, secret: bytes, submission: StoredSubmission | None) -> _Person:
    names = moment.names
    asked = []
    for kind, student, _, question in moment.newest:
        request = moment.newest[kind, student, 0, question] if kind == "request" else None
        if request and student == grade.student and request.value is not None:
            answer = field_of(moment, Matter("answer", student, question=question), secret, submission)
            asked.append((answer, in_words(request, moment)))
    several = len([each for each in moment.submissions if grade.student in names.owners.get(each.id, ())]) > 1
    kinds = [kind for kind in OF_PERSON if kind != "answer" and (kind != "counts" or several)]
    line = names.without(sentence(grade, moment.terms)) if grade.submission else f"{grade.state}: nothing came in"
    if submission and grade.submission != submission.id:
        line = f"Another submission counts: {line}"
    return _Person(
        key=grade.student,
        name=names.person(grade.student),
        line=line,
        fields=tuple(field_of(moment, Matter(kind, grade.student), secret, submission) for kind in kinds),
        asked=tuple(asked),
    )


def _questions(
    moment: Moment, submission: StoredSubmission, result: SubmissionResult | None, secret: bytes
) -> tuple[_Question, ...]:
    results = {each.id: each for each in result.questions} if result else {}
    readings = {each.id: each for each in result.reading.questions if each.id} if result and result.reading else {}
    found = []
    for question in moment.desk.assignment.questions:
        matters = [Matter(kind, submission=submission.id, question=question.id) for kind in ("points", "comment")]
        found.append(
            _Question(
                id=question.id,
                title=question.title,
                result=results.get(question.id),
                found=_found(results.get(question.id)),
                reading=readings.get(question.id),
                fields=tuple(field_of(moment, matter, secret, submission) for matter in matters),
            )
        )
    return tuple(found)


def _found(result: QuestionResult | None) -> tuple[tuple[Cause, tuple[CaseResult, ...]], ...]:
    """The causes of lost points, with their cases."""
    cases = result.cases if result else ()
    by_id = {case.id: case for case in cases}
    wrong = (cause for cause in causes(cases) if cause.outcome is not Outcome.PASSED)
    return tuple((cause, tuple(by_id[id] for id in cause.cases)) for cause in wrong)


def _history(
    moment: Moment, submissions: set[int], students: set[str], secret: bytes, submission: StoredSubmission | None
) -> tuple[_Event, ...]:
    """Decisions on these submissions and people, the newest first."""
    found = []
    for each in reversed(moment.decisions):
        if each.submission not in submissions and each.student not in students:
            continue
        stands = moment.newest[Moment.matter(each)].id == each.id
        field = None
        if stands and (each.submission or each.student in moment.names.codes):
            matter = Matter(each.kind, each.student, each.submission, each.question)
            field = field_of(moment, matter, secret, submission)
        on = moment.names.person(each.student) if each.student else ""
        when, words = at(each, moment), in_words(each, moment)
        found.append(_Event(each.id, when, each.who, each.by, on, words, field))
    return tuple(found)


@dataclass(frozen=True)
class _Effect:
    """A decision in words, and the grades that it changed."""

    decision: Decision
    when: str
    words: str
    changes: Sequence[tuple[str, GradeChange]]


def _effect(moment: Moment, number: int) -> _Effect | None:
    decision = next((each for each in moment.decisions if each.id == number), None)
    if decision is None:
        return None
    without, with_it = moment.before(number)
    found = changed(as_released(without), as_released(with_it), moment.facts)
    changes = [(moment.names.person(each.student), each) for each in found]
    return _Effect(decision, at(decision, moment), in_words(decision, moment), changes)


def _code(result: SubmissionResult) -> list[tuple[str, list[str]]]:
    """(file, its lines) of the submission, unless the code is beside the questions."""
    return [] if result.reading else [(name, text.splitlines()) for name, text in sorted(result.sources.items())]


def _notebooks(moment: Moment, submission: StoredSubmission, result: SubmissionResult | None) -> list[tuple[str, str]]:
    """(file, page) of the executed notebooks in the folder of results."""
    out = moment.desk.out
    if out is None or result is None:
        return []
    runs = result.notebooks or {}
    pages = {name: moment.desk.assignment.pages.get(name, "notebook.html") for name in runs}
    return [(name, page) for name, page in pages.items() if (out / submission.name / page).is_file()]
