"""The data of the review page: facts, grades and results of one assignment at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.exports.naming import names_in, with_codes
from autograder.gradebook.facts import Decision, Facts, StoredSubmission, Student, Terms
from autograder.gradebook.grades import Grade, grades
from autograder.gradebook.settings import Settings
from autograder.gradebook.store import Book, Damaged
from autograder.grading.recording import info_of
from autograder.review.names import Names

__all__ = ["Moment", "ReviewDesk"]


@dataclass(frozen=True)
class ReviewDesk:
    """One assignment of a book, and the reviewer.

    Attributes:
        out: the folder of results, with the executed notebooks; None for none.
        who: the reviewer's name in decisions.
        anonymous: True if codes replace names, ids and submissions' names.
    """

    book: Book
    settings: Settings
    assignment: Assignment
    out: Path | None
    who: str
    anonymous: bool = False
    _restored: dict[int, int] = field(default_factory=dict)  # by grading; it never changes

    def now(self) -> Moment:
        """The book as it is."""
        return Moment(self, self.book.facts())

    def restored(self, moment: Moment, submission: StoredSubmission) -> int:
        """The number of places in a submission with restored given code. It is cached: a result never changes."""
        grading, _ = moment.facts.counting(submission.id)
        if grading is None:
            return 0
        if grading.id not in self._restored:
            result = moment.result(submission)
            integrity = result.integrity if isinstance(result, SubmissionResult) else None
            self._restored[grading.id] = integrity.restored if integrity else 0
        return self._restored[grading.id]


@dataclass(frozen=True)
class Moment:
    """Facts from one moment, and values computed from them."""

    desk: ReviewDesk
    facts: Facts

    @cached_property
    def all_terms(self) -> tuple[Terms, ...]:
        """The terms for computing grades: of all assignments if there are free days."""
        settings = self.desk.settings
        return settings.all_terms() if settings.policy.free_days else (settings.terms(self.desk.assignment),)

    @cached_property
    def terms(self) -> Terms:
        return next(terms for terms in self.all_terms if terms.id == self.desk.assignment.id)

    @cached_property
    def grades(self) -> tuple[Grade, ...]:
        """The grades of this assignment, in the order of students."""
        return self._grades(self.facts)

    @cached_property
    def names(self) -> Names:
        return Names.of(self.facts, self.grades, self.desk.anonymous)

    @cached_property
    def submissions(self) -> tuple[StoredSubmission, ...]:
        """The submissions of this assignment, in the order of the page."""
        own = [each for each in self.facts.submissions if each.assignment == self.desk.assignment.id]
        return tuple(sorted(own, key=lambda each: (self.names.submission(each), each.id)))

    @cached_property
    def grades_of(self) -> Mapping[int, tuple[Grade, ...]]:
        """By submission, the grades of its people."""
        found: dict[int, list[Grade]] = {}
        for grade in self.grades:
            for number in filter(None, (grade.submission, *(other for other, _, _ in grade.others))):
                found.setdefault(number, []).append(grade)
        return {number: tuple(own) for number, own in found.items()}

    @cached_property
    def newest(self) -> Mapping[tuple[str, str, int, str], Decision]:
        """The newest decision on each matter: kind, student, submission, question."""
        return {self.matter(each): each for each in self.decisions}

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions of this assignment, the oldest first."""
        own = (each for each in self.facts.decisions if each.assignment == self.desk.assignment.id)
        return tuple(sorted(own, key=lambda each: each.id))

    @staticmethod
    def matter(decision: Decision) -> tuple[str, str, int, str]:
        """The matter of a decision. A later decision on the same matter replaces it."""
        return decision.kind, decision.student, decision.submission, decision.question

    def student(self, key: str) -> Student | None:
        return next((each for each in self.facts.students if each.key == key), None)

    def submission(self, number: int) -> StoredSubmission | None:
        return next((each for each in self.submissions if each.id == number), None)

    def result(self, submission: StoredSubmission) -> SubmissionResult | str:
        """The result that counts, with the names that the page may show; or the reason why there is none."""
        grading, _ = self.facts.counting(submission.id)
        if grading is None:
            return "no grading of it is in the book that counts"
        info = self.names.info(submission, info_of(self.facts, submission, self.desk.assignment))
        try:
            result = self.desk.book.result(grading.id, info)
        except Damaged as error:
            return str(error)
        if not self.desk.anonymous:
            return result
        return with_codes(result, names_in(self.facts, submission), self.names.submission(submission))

    def before(self, decision: int) -> tuple[tuple[Grade, ...], tuple[Grade, ...]]:
        """The grades before and after a decision. Later decisions are left out of both."""
        without = tuple(each for each in self.facts.decisions if each.id < decision)
        with_it = tuple(each for each in self.facts.decisions if each.id <= decision)
        return self._with(without), self._with(with_it)

    def _with(self, decisions: Iterable[Decision]) -> tuple[Grade, ...]:
        return self._grades(replace(self.facts, decisions=tuple(decisions)))

    def _grades(self, facts: Facts) -> tuple[Grade, ...]:
        return tuple(each for each in grades(facts, self.all_terms) if each.assignment == self.desk.assignment.id)
