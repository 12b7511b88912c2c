"""The scores that the people of a submission reached in earlier assignments, from the checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean

from autograder.gradebook.facts import Facts, Terms

__all__ = ["earlier_shares"]

Shares = tuple[tuple[str, float], ...]


def earlier_shares(facts: Facts, term: Iterable[Terms], this: Terms) -> Mapping[str, Shares]:
    """By name of each submission of an assignment: (earlier assignment, share of its points), in order of deadlines.

    Options' scales and lateness are left out: only ability matters here. Of several submissions of one person,
    the best counts; a group has the mean of its members. Assignments of which the book holds nothing are left out.
    """
    before = sorted((terms for terms in term if terms.due < this.due), key=lambda terms: (terms.due, terms.id))
    names = {each.id: each.name for each in facts.submissions if each.assignment == this.id}
    people: dict[str, set[str]] = {}
    for member in facts.members:
        if member.submission in names and member.student:
            people.setdefault(names[member.submission], set()).add(member.student)
    shares = {terms.id: _shares(facts, terms) for terms in before}
    found: dict[str, Shares] = {}
    for name, members in people.items():
        reached = {id: [of[student] for student in members if student in of] for id, of in shares.items()}
        found[name] = tuple((id, fmean(each)) for id, each in reached.items() if each)
    return {name: each for name, each in found.items() if each}


def _shares(facts: Facts, terms: Terms) -> dict[str, float]:
    """By student, the best share of an assignment's points, 0 to 1."""
    best: dict[str, float] = {}
    of = {each.id: 0.0 for each in facts.submissions if each.assignment == terms.id}
    for submission in of:
        grading, _ = facts.counting(submission)
        if grading and terms.points:
            of[submission] = sum(score.cents for score in grading.scores) / terms.points
    for member in facts.members:
        if member.submission in of and member.student:
            best[member.student] = max(best.get(member.student, 0.0), of[member.submission])
    return best
