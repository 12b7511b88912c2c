"""Facts and policy → grades. Pure: nothing here opens a file or asks the time.

A grade belongs to a person. A group's submission is a candidate of each member, with that member's own extension and
free days, so two members may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from autograder.gradebook.facts import ERASED, Decision, Facts, Grading, StoredSubmission, Terms, moment
from autograder.gradebook.late import Counts, Lateness, Policy, standing
from autograder.rounding import exact, half_up, number

__all__ = ["TO_READ", "Grade", "State", "grades"]

PENDING = "pending"
TO_READ = "waits for a person who reads it"  # the end of a reason


class State(StrEnum):
    """The state of a person's assignment."""

    GRADED = "graded"
    HELD = "held"
    EXCUSED = "excused"
    MISSING = "missing"


@dataclass(frozen=True)
class Grade:
    """One person's grade of one assignment, in hundredths of a point.

    Attributes:
        student: the key; `?` and a submission's number if the owner is unknown.
        submission: the one that counts; 0 for none.
        grading: the one that counts of it; 0 for none.
        checks: the score before lateness, times the option's scale.
        late: seconds after deadline, extension and grace.
        percent: None if the submission was not accepted.
        cents: the grade; None unless the state is `graded`.
        reasons: why the grade is held.
        notes: further facts that a person should know.
        others: (submission, score before lateness, grade) of further submissions.
        decisions: the numbers of the decisions that the grade rests on.
    """

    assignment: str
    student: str
    state: State
    submission: int = 0
    grading: int = 0
    checks: int = 0
    late: int = 0
    days: int = 0
    percent: float | None = 0.0
    taken: int = 0
    adjust: int = 0
    cents: int | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    others: tuple[tuple[int, int, int], ...] = ()
    decisions: tuple[int, ...] = ()

    @property
    def why(self) -> dict[str, Any]:
        """The reasons for the number, as a release keeps them."""
        return {
            "grading": self.grading,
            "submission": self.submission,
            "decisions": list(self.decisions),
            "checks": self.checks,
            "late": self.late,
            "days": self.days,
            "percent": self.percent,
            "taken": self.taken,
            "adjust": self.adjust,
            "reasons": list(self.reasons),
        }


def grades(facts: Facts, terms: Iterable[Terms]) -> tuple[Grade, ...]:
    """The grades of all assignments that have `terms`, in the order of their due times, then of students.

    Free days are given to the assignments in this order, and in each to the submission that counts. So a later
    submission never changes the grade of an earlier assignment.
    """
    used: dict[str, int] = {}
    found: list[Grade] = []
    for each in sorted(terms, key=lambda terms: (terms.due, terms.id)):
        own = _Assignment.of(facts, each)
        for student in own.students:
            grade = own.grade(student, each.policy.free_days - used.get(student, 0))
            used[student] = used.get(student, 0) + grade.days
            found.append(grade)
    return tuple(found)


@dataclass(frozen=True)
class _Candidate:
    """A submission of a person, with its score after lateness."""

    submission: StoredSubmission
    grading: Grading | None
    checks: int
    standing: Lateness
    arrived: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Assignment:
    """One assignment's facts, by person and by submission."""

    facts: Facts
    terms: Terms
    theirs: Mapping[str, Sequence[StoredSubmission]]
    newest: Mapping[tuple[str, str, int, str], Decision]
    roster: frozenset[str]
    used: dict[int, None] = field(default_factory=dict)  # numbers of the decisions that the current grade rests on

    @classmethod
    def of(cls, facts: Facts, terms: Terms) -> _Assignment:
        newest: dict[tuple[str, str, int, str], Decision] = {}
        for decision in sorted(facts.decisions, key=lambda decision: decision.id):
            if decision.assignment == terms.id:
                newest[decision.kind, decision.student, decision.submission, decision.question] = decision
        members: dict[int, list[str]] = {}
        for member in sorted(facts.members, key=lambda member: (member.submission, member.place)):
            members.setdefault(member.submission, []).append(member.student)
        theirs: dict[str, list[StoredSubmission]] = {}
        for submission in facts.submissions:
            if submission.assignment == terms.id:
                owner = newest.get(("owner", "", submission.id, ""))
                keys = owner.value if owner and owner.value is not None else members.get(submission.id, [])
                for key in dict.fromkeys(key for key in keys if key) or {f"?{submission.id}": None}:
                    theirs.setdefault(key, []).append(submission)
        return cls(facts, terms, theirs, newest, frozenset(each.key for each in facts.students if each.active))

    @property
    def students(self) -> list[str]:
        return sorted({*self.theirs, *self.roster})

    def grade(self, student: str, days_left: int) -> Grade:
        self.used.clear()
        excused = self._value("excused", student) is True
        wanted = self._value("free_days", student)
        days = days_left if wanted is None else min(days_left, wanted)
        policy = self.terms.policy if wanted is None else replace(self.terms.policy, free_days_each=None)
        candidates = [self._candidate(each, student, max(days, 0), policy) for each in self.theirs.get(student, ())]
        adjust = self._value("adjust", student) or 0
        held = self._holds(student)
        chosen = self._counts(candidates, student)
        if chosen is None:
            state = State.EXCUSED if excused else State.HELD if held else State.MISSING
            return Grade(self.terms.id, student, state, reasons=held, decisions=tuple(self.used))
        reasons = (*held, *dict.fromkeys(reason for each in candidates for reason in each.reasons))
        state = State.EXCUSED if excused else State.HELD if reasons else State.GRADED
        found = Grade(
            assignment=self.terms.id,
            student=student,
            state=state,
            submission=chosen.submission.id,
            grading=chosen.grading.id if chosen.grading else 0,
            checks=chosen.checks,
            late=chosen.standing.late,
            days=0 if excused else chosen.standing.days,
            percent=chosen.standing.percent,
            taken=chosen.standing.taken,
            adjust=adjust,
            reasons=reasons,
            notes=chosen.notes,
            others=tuple(
                (each.submission.id, each.checks, each.standing.cents) for each in candidates if each is not chosen
            ),
            decisions=tuple(self.used),
        )
        return replace(found, cents=max(chosen.standing.cents + adjust, 0)) if state is State.GRADED else found

    def _candidate(self, submission: StoredSubmission, student: str, days_left: int, policy: Policy) -> _Candidate:
        grading, stale = self.facts.counting(submission.id)
        arrived = self._arrived(submission)
        reasons = [*self._whose(student), *self._unfinished(submission, grading)]
        if not arrived and self.terms.policy.steps:
            reasons.append("the time of handing in is unknown")
        checks, disputed = self._checks(submission, grading)
        reasons += disputed
        late = self._late(arrived, student) if arrived else 0
        found = standing(checks, self.terms.points, late, days_left, policy)
        notes = ("graded by an older version of the checks",) if stale else ()
        return _Candidate(submission, grading, checks, found, arrived, tuple(reasons), notes)

    def _counts(self, candidates: Sequence[_Candidate], student: str) -> _Candidate | None:
        if not candidates:
            return None
        named = self._value("counts", student)
        for candidate in candidates:
            if candidate.submission.id == named:
                return candidate
        in_order = sorted(candidates, key=lambda each: (each.arrived, each.submission.id))
        accepted = [each for each in in_order if each.standing.accepted]
        if self.terms.policy.counts is Counts.LAST:
            return accepted[-1] if accepted else in_order[-1]
        return max(accepted or in_order, key=lambda each: each.standing.cents)  # the first of equals

    def _checks(self, submission: StoredSubmission, grading: Grading | None) -> tuple[int, list[str]]:
        """The score before lateness, and the questions whose points a person set before the grading changed."""
        if grading is None:
            return 0, []
        whole, reasons = 0, []
        for score in grading.scores:
            decision = self._newest("points", "", submission.id, score.question)
            whole += score.cents if decision is None else decision.value
            if decision and decision.saw != grading.id and decision.saw in self.facts.by_id:
                seen = {each.question: each.cents for each in self.facts.by_id[decision.saw].scores}
                before = seen.get(score.question, score.cents)
                if before != score.cents:
                    set_to, was, now = (number(value / 100) for value in (decision.value, before, score.cents))
                    reasons.append(f"{score.question}: set to {set_to} when the checks said {was}; they now say {now}")
        scale = self._newest("scale", "", submission.id)
        option = self.terms.scales.get(self.terms.option(submission.option), 1.0)
        share = option if scale is None else scale.value
        return half_up(exact(share) * whole), reasons

    def _arrived(self, submission: StoredSubmission) -> str:
        decision = self._newest("arrived", "", submission.id)
        if decision:
            return str(decision.value)
        arrival = self.facts.arrival(submission.id)
        return arrival.at if arrival and not (arrival.source == "system" and arrival.late) else ""

    def _late(self, arrived: str, student: str) -> int:
        """Elapsed seconds after deadline, extension and grace; negative for early."""
        due, extension = moment(self.terms.due), self._value("extension", student)
        if isinstance(extension, str):
            due = moment(extension)
        elif extension is not None:
            due += timedelta(hours=extension)
        due += timedelta(minutes=self.terms.policy.grace_minutes)
        return int((moment(arrived) - due).total_seconds())

    def _whose(self, student: str) -> list[str]:
        if student.startswith("?"):
            return ["the owner is unknown"]
        if not self.roster or student in self.roster or student.startswith(ERASED):
            return []
        near = [each for each in sorted(self.roster) if _differ_by_one(each, student)]
        return [f"{student} is not on the roster" + (f"; nearest: {', '.join(near[:3])}" if near else "")]

    def _unfinished(self, submission: StoredSubmission, grading: Grading | None) -> list[str]:
        if grading is None:
            return ["not graded yet, or a fault of the grader"]
        pending = [score.question for score in grading.scores if score.outcome == PENDING]
        found = [f"waits for a device, a person or more time: {', '.join(pending)}"] if pending else []
        if self.terms.option(submission.option) in self.terms.reviewed and not self._reviewed(submission):
            found.append(f"option {submission.option or '?'} {TO_READ}")
        return found

    def _reviewed(self, submission: StoredSubmission) -> bool:
        return self._newest("scale", "", submission.id) is not None

    def _holds(self, student: str) -> tuple[str, ...]:
        hold = self._newest("hold", student)
        found = [f"on hold: {hold.value}"] if hold else []
        for (kind, who, _, question), request in self.newest.items():
            if kind == "request" and who == student and request.value is not None:
                answer = self.newest.get(("answer", student, 0, question))
                if answer is None or answer.id < request.id:
                    self.used[request.id] = None
                    found.append("a request is open" + (f": {question}" if question else ""))
        return tuple(found)

    def _newest(self, kind: str, student: str = "", submission: int = 0, question: str = "") -> Decision | None:
        """The decision that counts; None if there is none, or if it was withdrawn."""
        decision = self.newest.get((kind, student, submission, question))
        if decision is None or decision.value is None:
            return None
        self.used[decision.id] = None
        return decision

    def _value(self, kind: str, student: str) -> Any:
        decision = self._newest(kind, student)
        return decision.value if decision else None


def _differ_by_one(one: str, other: str) -> bool:
    """True if two ids differ in one character, which may be missing, or in the order of two neighbours."""
    if abs(len(one) - len(other)) == 1:
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
    if len(one) != len(other):
        return False
    at = [place for place, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
    swapped = len(at) == 2 and at[1] == at[0] + 1 and one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]]
    return len(at) == 1 or swapped
