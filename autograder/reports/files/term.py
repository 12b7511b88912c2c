"""The gradebook's data for the pages of a class and of a term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.gradebook.earlier import earlier_shares
from autograder.gradebook.facts import Facts, Terms
from autograder.gradebook.grades import Grade, grades
from autograder.gradebook.settings import Settings
from autograder.gradebook.wording import PageWords, page_words
from autograder.reports.findings.need import EarlierScores
from autograder.reports.pages.classpage import ClassGrades
from autograder.reports.pages.termpage import render_term

__all__ = ["Standings"]


@dataclass(frozen=True)
class Standings:
    """The grades of all assignments in the book, for the pages of one of them."""

    facts: Facts
    settings: Settings
    assignment: Assignment

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """This one, and the others of the book, in the order of their due times.

        An assignment that the course no longer has, or that cannot be read, is left out.

        Raises:
            ManifestError: an assignment cannot be read, but free days are counted over the term.
        """
        found = [self.assignment]
        course = self.settings.course
        ids = {each.assignment for each in self.facts.submissions} - {self.assignment.id}
        for name in course.names():
            if name.partition("_")[0] in ids:
                try:
                    other = course.assignment(name)
                    self.settings.terms(other)
                except UsageError:
                    if self.settings.policy.free_days:
                        raise
                    continue
                found.append(other)
        return tuple(sorted(found, key=lambda each: (each.due, each.id)))

    @cached_property
    def terms(self) -> tuple[Terms, ...]:
        return tuple(self.settings.terms(each) for each in self.assignments)

    def earlier(self) -> EarlierScores:
        """The scores of each submission's people in earlier assignments."""
        (this,) = (each for each in self.terms if each.id == self.assignment.id)
        return earlier_shares(self.facts, (each for each in self.terms if each is not this), this)

    @cached_property
    def grades(self) -> tuple[Grade, ...]:
        return grades(self.facts, self.terms)

    @property
    def own(self) -> tuple[Grade, ...]:
        """The grades of this assignment."""
        return tuple(grade for grade in self.grades if grade.assignment == self.assignment.id)

    def words(self) -> dict[str, PageWords]:
        """By submission's name, the text on its page about lateness and people's decisions."""
        (terms,) = (each for each in self.terms if each.id == self.assignment.id)
        names = {each.id: each.name for each in self.facts.submissions}
        return {names[number]: words for number, words in page_words(self.own, self.facts, terms).items()}

    def before_and_after(self) -> list[tuple[float, float]]:
        """Points before lateness, and grade, of each person whose grade is known."""
        known = [each for each in self.own if each.cents is not None and each.submission]
        return [(each.checks / 100, (each.cents or 0) / 100) for each in known]

    def of_class(self) -> ClassGrades:
        return ClassGrades.from_book(self.own, self.facts)

    def term_page(self) -> str:
        """term.html, beside the pages of this assignment."""
        titles = {each.id: each.title for each in self.assignments}
        render = partial(render_term, self.grades, self.facts, self.terms, titles, self.assignment.id)
        return render(self.settings.policy.free_days)
