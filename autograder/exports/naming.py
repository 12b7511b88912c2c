"""The names of people and submissions in exports, or codes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from autograder.course.result import CaseResult, QuestionResult, SubmissionResult
from autograder.gradebook.decisions import TEXTS
from autograder.gradebook.facts import ERASED, Decision, Facts, StoredSubmission, Student, coded

__all__ = ["Naming", "names_in", "with_codes"]

HIDDEN = "not shown without names"


@dataclass(frozen=True)
class Naming:
    """Names for people and submissions.

    Attributes:
        anonymous: codes instead of ids and names. A submission has the code of its first person, with a number
            if the person has several.
    """

    facts: Facts
    anonymous: bool = False
    _people: Mapping[str, Student] = field(init=False, repr=False, compare=False)
    _submissions: Mapping[int, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        people = {student.key: student for student in self.facts.students}
        object.__setattr__(self, "_people", people)
        names = {each.id: each.name for each in self.facts.submissions}
        object.__setattr__(self, "_submissions", self._coded(people) if self.anonymous else names)

    def _coded(self, people: Mapping[str, Student]) -> dict[int, str]:
        first = {each.submission: each.student for each in self.facts.members if each.place == 0}
        seen: dict[tuple[str, str], int] = {}
        found = {}
        for each in self.facts.submissions:
            student = people.get(first.get(each.id, ""))
            code = student.code if student else f"submission-{each.id}"
            count = seen[each.assignment, code] = seen.get((each.assignment, code), 0) + 1
            found[each.id] = code if count == 1 else f"{code}-{count}"
        return found

    def id(self, student: str) -> str:
        """A person's id as the roster has it, or their code. `student` is a key of the book."""
        known = self._people.get(student)
        if known is None:
            return student
        return known.code if self.anonymous else known.number or known.key

    def name(self, student: str) -> str:
        known = self._people.get(student)
        return known.name if known and not self.anonymous else ""

    def submission(self, number: int) -> str:
        """The name of a submission; "" for none."""
        return self._submissions.get(number, "")

    def of(self, submission: StoredSubmission) -> str:
        return self.submission(submission.id)

    def result(self, result: SubmissionResult, submission: StoredSubmission) -> SubmissionResult:
        """The result, with a code for every name of the submission and of its people in its messages."""
        if not self.anonymous:
            return result
        return with_codes(result, names_in(self.facts, submission), self.of(submission))

    def bare(self) -> Facts:
        """The facts that grades need, with codes for people and submissions, and without any text of a person's."""
        if not self.anonymous:
            return self.facts
        students = (Student(self._key(each.key), code=each.code, active=each.active) for each in self.facts.students)
        return replace(
            self.facts,
            students=tuple(students),
            submissions=tuple(replace(each, name=self.of(each), notes=()) for each in self.facts.submissions),
            members=tuple(
                replace(each, student=self._key(each.student), name="", written=self._key(each.student))
                for each in self.facts.members
            ),
            decisions=tuple(map(self._bare, self.facts.decisions)),
        )

    def _bare(self, decision: Decision) -> Decision:
        value = decision.value
        if decision.kind == "owner" and value is not None:
            value = [self._key(student) for student in value]
        elif decision.kind in TEXTS and value is not None:
            value = HIDDEN
        return replace(decision, who="", student=self._key(decision.student), value=value, why="")

    def _key(self, student: str) -> str:
        """A key that names nobody. The key of an erased person holds no name."""
        known = self._people.get(student)
        return student if student.startswith(ERASED) else known.code if known else ""

    def text(self, text: str) -> str:
        """A text that may name people; "" if names are hidden."""
        return "" if self.anonymous else text


def names_in(facts: Facts, submission: StoredSubmission) -> list[str]:
    """Every text that names a submission or one of its people."""
    members = [each for each in facts.members if each.submission == submission.id]
    keys = {each.student for each in members if each.student}
    found = {submission.name, *(text for each in members for text in (each.name, each.written, each.student))}
    for each in facts.students:
        if each.key in keys:
            found |= {each.name, each.number, each.email, each.login}
    return sorted(found)


def with_codes(result: SubmissionResult, names: Iterable[str], code: str) -> SubmissionResult:
    """A result with a code instead of each of these names in the texts of its cases."""
    without = coded(names, code)
    return replace(result, questions=tuple(_changed(question, without) for question in result.questions))


def _changed(question: QuestionResult, change: Callable[[str], str]) -> QuestionResult:
    return replace(question, cases=tuple(_case(case, change) for case in question.cases))


def _case(case: CaseResult, change: Callable[[str], str]) -> CaseResult:
    message, hint, location, detail = map(change, (case.message, case.hint, case.location, case.detail))
    return replace(case, message=message, hint=hint, location=location, detail=detail)
