"""The forms of the review page: one for each matter, and the decision that it sends."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from autograder.errors import UsageError
from autograder.gradebook.decisions import KINDS, TEXTS, words
from autograder.gradebook.facts import Decision, StoredSubmission, moment
from autograder.grading.entering import Wish, about
from autograder.review.desk import Moment
from autograder.rounding import number

__all__ = ["Field", "Matter", "Posted", "at", "decision", "field_of", "in_words", "read"]

LABELS: Mapping[str, str] = {
    "extension": "Extension",
    "excused": "Excused",
    "arrived": "Came in",
    "owner": "Whose it is",
    "counts": "What counts",
    "free_days": "Free days used",
    "points": "Points",
    "scale": "Scale",
    "adjust": "Points added",
    "comment": "Comment for the student",
    "note": "Note for the staff",
    "request": "Request",
    "answer": "Answer",
    "hold": "On hold",
}
HINTS: Mapping[str, str] = {
    "extension": "hours, or the new deadline",
    "arrived": "2022-12-02T23:59",
    "owner": "ids",
    "free_days": "a whole number",
    "adjust": "signed",
}
NUMBERS = ("points", "scale", "adjust", "free_days")


@dataclass(frozen=True)
class Matter:
    """The matter of a decision. Either `student`, a key, or `submission`, a number, is set."""

    kind: str
    student: str = ""
    submission: int = 0
    question: str = ""

    @property
    def about(self) -> tuple[str, str, int, str]:
        return self.kind, self.student, self.submission, self.question


@dataclass(frozen=True)
class Field:
    """One form of a page.

    Attributes:
        whom: a submission's number or a person's code, as the form sends it.
        value: the current value, as a person writes it.
        shown: the number of the current decision; 0 for none.
        stood: the person and time of the decision; "" for none.
        saw: the grading that the page shows.
        token: proves that the form is ours.
        choices: (value, words) to choose from.
        back: the submission whose page holds the form.
    """

    id: str
    kind: str
    label: str
    whom: str
    question: str
    value: str
    why: str
    needs_why: bool
    hint: str
    shown: int
    stood: str
    saw: int
    token: str
    back: int
    long: bool = False
    number: bool = False
    most: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    conflict: bool = False

    def overruling(self, value: str, why: str) -> Field:
        """The same form with the refused value, to be sent again."""
        return replace(self, id=f"{self.id}-again", value=value, why=why, conflict=True)


def field_of(moment: Moment, matter: Matter, secret: bytes, submission: StoredSubmission | None) -> Field:
    """The form on a matter.

    Args:
        submission: the one whose page holds the form.
    """
    stands = moment.newest.get(matter.about)
    live = stands if stands and stands.value is not None else None
    whom = f"s{matter.submission}" if matter.submission else moment.names.codes.get(matter.student, "")
    grading = moment.facts.counting(matter.submission)[0] if matter.submission else None
    return Field(
        id="-".join(filter(None, (matter.kind, whom, matter.question))),
        kind=matter.kind,
        label=LABELS[matter.kind],
        whom=whom,
        question=matter.question,
        value=_written(live, moment) if live else "",
        why=live.why if live else "",
        needs_why=KINDS[matter.kind].why,
        hint=_hint(matter, moment),
        shown=stands.id if stands else 0,
        stood=_stood(stands, moment) if stands else "",
        saw=grading.id if grading else 0,
        token=_token(secret, matter.kind, whom, matter.question),
        back=submission.id if submission else 0,
        long=matter.kind in TEXTS,
        number=matter.kind in NUMBERS,
        most=moment.terms.questions[matter.question] / 100 if matter.kind == "points" else None,
        choices=_choices(matter, moment),
    )


@dataclass(frozen=True)
class Posted:
    """The data that a form sent: matter, new value, and the shown decision. `undo` restores the decision before."""

    matter: Matter
    value: str
    why: str
    shown: int
    saw: int
    undo: bool
    back: StoredSubmission | None


def read(moment: Moment, data: Mapping[str, str], secret: bytes) -> Posted:
    """A form's data. Raises UsageError if it is not ours, or if the book does not hold its matter."""
    kind, whom, question = (data.get(name, "") for name in ("kind", "whom", "question"))
    if not hmac.compare_digest(data.get("token", "").encode(), _token(secret, kind, whom, question).encode()):
        raise UsageError("this form is not of this page: open it again")
    number, student = 0, ""
    if KINDS[kind].about != "student":
        number = _whole(whom.removeprefix("s"))
        if moment.submission(number) is None:
            raise UsageError("this submission is not in the book any more")
    else:
        student = moment.names.key(whom) or ""
        if not student:
            raise UsageError("this person is not in the book any more")
    return Posted(
        matter=Matter(kind, student, number, question),
        value=data.get("value", "").replace("\r\n", "\n").strip(),
        why=data.get("why", "").strip(),
        shown=_whole(data.get("shown", "")),
        saw=_whole(data.get("saw", "")),
        undo=data.get("act") == "undo",
        back=moment.submission(_whole(data.get("back", ""))),
    )


def decision(moment: Moment, posted: Posted) -> Decision | None:
    """The decision of a form; None if nothing changes. Raises UsageError for an invalid value."""
    matter = posted.matter
    if posted.undo:
        return _undone(moment, posted)
    wish = Wish("", matter.kind, posted.value, posted.why, matter.question)
    desk = moment.desk
    submission = moment.submission(matter.submission) if matter.submission else None
    people = [matter.student] if matter.student else []
    (found,) = about(people, submission, wish, moment.facts, moment.terms, desk.assignment, desk.who, "page")
    found = replace(found, saw=posted.saw if posted.saw in moment.facts.by_id else found.saw)
    return None if _stands(found, moment.newest.get(matter.about)) else found


def in_words(decision: Decision, moment: Moment) -> str:
    """A decision in words, without who and when; with codes if names are hidden."""
    shown = decision
    if decision.kind == "counts" and decision.value is not None:
        other = moment.submission(decision.value)
        shown = replace(decision, value=moment.names.submission(other) if other else "a submission that is gone")
    return moment.names.without(words(shown))


def _stands(wanted: Decision, newest: Decision | None) -> bool:
    """True if a decision changes nothing. The same points on a newer grading change it: they confirm the decision."""
    if newest is None or newest.value is None:
        return wanted.value is None
    same = newest.value == wanted.value and newest.why == wanted.why
    return same and (wanted.kind != "points" or newest.saw == wanted.saw)


def _undone(moment: Moment, posted: Posted) -> Decision:
    """The decision before the one that the form showed."""
    chain = [each for each in moment.decisions if Moment.matter(each) == posted.matter.about]
    shown = next((place for place, each in enumerate(chain) if each.id == posted.shown), None)
    if shown is None:
        raise UsageError("there is no decision to undo")
    earlier = chain[shown - 1] if shown else replace(chain[0], value=None, saw=0)
    why = earlier.why if earlier.value is not None else f"undo of decision {posted.shown}"
    return replace(earlier, id=0, who=moment.desk.who, by="page", why=why)


def _written(decision: Decision, moment: Moment) -> str:
    """A value as a person writes it into the form."""
    value: Any = decision.value
    match decision.kind:
        case "points" | "adjust":
            return number(value / 100)
        case "counts":
            return f"#{value}"
        case "owner":
            return " ".join(moment.names.without(key) for key in value)
        case "arrived" | "extension" if isinstance(value, str):
            return _local(value, moment)
        case "excused":
            return "true"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _local(stamp: str, of: Moment) -> str:
    return moment(stamp).astimezone(of.desk.assignment.due.tzinfo).isoformat(timespec="seconds")


def _stood(decision: Decision, moment: Moment) -> str:
    taken_back = "taken back by " if decision.value is None else ""
    return f"{taken_back}{decision.who}, {at(decision, moment)}"


def at(decision: Decision, of: Moment) -> str:
    """The time of a decision, in the time zone of the assignment's deadline."""
    zone = of.desk.assignment.due.tzinfo or ZoneInfo("UTC")
    return moment(decision.at).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _hint(matter: Matter, moment: Moment) -> str:
    match matter.kind:
        case "points":
            return f"of {number(moment.terms.questions[matter.question] / 100)}"
        case "scale":
            submission = moment.submission(matter.submission)
            option = moment.terms.option(submission.option) if submission else ""
            return f"0 to 1; option {option or '?'} has {moment.terms.scales.get(option, 1.0):g}"
    return HINTS.get(matter.kind, "")


def _choices(matter: Matter, moment: Moment) -> tuple[tuple[str, str], ...]:
    if matter.kind == "excused":
        return (("", "no"), ("true", "yes: no score"))
    if matter.kind == "counts":
        theirs = [each for each in moment.submissions if matter.student in moment.names.owners.get(each.id, ())]
        return (("", "as the policy says"), *((f"#{each.id}", moment.names.submission(each)) for each in theirs))
    return ()


def _token(secret: bytes, kind: str, whom: str, question: str) -> str:
    return hmac.digest(secret, "\0".join((kind, whom, question)).encode(), "sha256").hex()


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
