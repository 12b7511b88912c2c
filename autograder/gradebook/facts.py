"""The content of the book, as frozen data: submissions, gradings, decisions, releases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from autograder.course.model import Assignment
from autograder.gradebook.late import Policy
from autograder.rounding import hundredths

__all__ = [
    "ERASED",
    "READ_IN",
    "SOURCES",
    "Arrival",
    "BookedRun",
    "Decision",
    "Facts",
    "Grading",
    "Member",
    "Release",
    "ReleasedGrade",
    "Score",
    "StoredSubmission",
    "Student",
    "Terms",
    "coded",
    "key",
    "moment",
    "stamp",
]

SHORTEST = 3  # characters of a name that is searched for in a text
SOURCES = ("table", "system", "files")  # the best source first; its newest arrival counts
ERASED = "erased-"  # the beginning of an erased person's key; no id that a student writes has such a key
READ_IN = "read in"  # `who` of a run whose results were graded before there was a book


def key(id: str) -> str:
    """The key of an id: the same text for every way of writing it.

    >>> key("2022-990101") == key("2022990101")
    True
    """
    return "".join(filter(str.isalnum, id)).casefold()


def coded(names: Iterable[str], code: str) -> Callable[[str], str]:
    """Replaces names and ids of people in a text by a code. Those of one or two characters stay.

    In ASCII, a part of a word is no name. In other scripts it may be one: a particle follows without a space.

    >>> coded(["Lee", "이도아"], "7K3F2")("Lee_1.zip of 이도아의 sleep, fLee")
    '7K3F2_1.zip of 7K3F2의 sleep, fLee'
    """
    known = sorted({name for name in names if len(name) >= SHORTEST}, key=lambda name: (-len(name), name))
    whole = r"(?<![^\W_]){}(?![^\W_])"
    parts = [whole.format(re.escape(name)) if name.isascii() else re.escape(name) for name in known]
    pattern = re.compile("|".join(parts) or r"(?!)")
    return lambda text: pattern.sub(code, text)


def stamp(at: datetime) -> str:
    """An instant as the book writes it: `2022-12-02T14:59:00Z`."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """An instant of the book. Raises ValueError for other text."""
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Student:
    """A person. `active`: on the roster; others have only appeared in submissions."""

    key: str
    number: str = ""
    name: str = ""
    email: str = ""
    login: str = ""
    code: str = ""
    active: bool = False


@dataclass(frozen=True)
class StoredSubmission:
    id: int
    assignment: str
    digest: str
    name: str
    option: str
    notes: tuple[str, ...] = ()
    first_seen: str = ""


@dataclass(frozen=True)
class Arrival:
    """The time at which a submission came in. `at` is "" if there is only a mark; `late` is the mark."""

    submission: int
    at: str
    source: str
    late: bool
    recorded: str


@dataclass(frozen=True)
class Member:
    """A person that a submission names. Place 0 handed it in; the rest of the group follows. Untrusted text."""

    submission: int
    place: int
    student: str
    name: str
    written: str


@dataclass(frozen=True)
class BookedRun:
    """A run. `who`: a login name, or READ_IN."""

    id: int
    assignment: str
    suite: str
    seed: int
    who: str
    at: str

    @property
    def age(self) -> tuple[bool, int]:
        """Sorts runs, the oldest first. A run that was read in is older than all runs that were there before."""
        return (False, -self.id) if self.who == READ_IN else (True, self.id)


@dataclass(frozen=True)
class Score:
    question: str
    cents: int
    points: int
    outcome: str


@dataclass(frozen=True)
class Grading:
    id: int
    run: int
    submission: int
    fills: int
    at: str
    seconds: float
    complete: bool
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True)
class Decision:
    """A person's decision. `value` is plain data; None withdraws an earlier decision."""

    id: int
    at: str
    who: str
    by: str
    assignment: str
    kind: str
    student: str = ""
    submission: int = 0
    question: str = ""
    value: Any = None
    why: str = ""
    saw: int = 0


@dataclass(frozen=True)
class Release:
    id: int
    at: str
    who: str
    assignment: str
    target: str
    policy: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True)
class ReleasedGrade:
    """A released grade of a person. `why` holds grading, decisions, late, days, percent, checks and taken."""

    release: int
    student: str
    state: str
    cents: int | None
    why: Mapping[str, Any]


@dataclass(frozen=True)
class Terms:
    """The facts about an assignment that a grade needs. Scores are hundredths of a point.

    Attributes:
        scales: of each option, by id. A submission that names no known option has the first.
        reviewed: ids of the options that a person has to read.
    """

    id: str
    due: str
    points: int
    questions: Mapping[str, int]
    scales: Mapping[str, float]
    reviewed: frozenset[str]
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def of(cls, assignment: Assignment, policy: Policy) -> Terms:
        return cls(
            id=assignment.id,
            due=stamp(assignment.due),
            points=hundredths(assignment.max_score),
            questions={question.id: hundredths(question.points) for question in assignment.questions},
            scales={option.id: option.scale for option in assignment.options},
            reviewed=frozenset(option.id for option in assignment.options if option.review),
            policy=policy,
        )

    def option(self, id: str) -> str:
        """The option that counts for a submission with the option `id`."""
        return id if id in self.scales else next(iter(self.scales), id)


@dataclass(frozen=True)
class Facts:
    """All facts that grades are computed from.

    Attributes:
        by_id: gradings by their number.
        moved: by submission, the newest decision on the time of handing in.
    """

    students: tuple[Student, ...] = ()
    submissions: tuple[StoredSubmission, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    members: tuple[Member, ...] = ()
    runs: tuple[BookedRun, ...] = ()
    gradings: tuple[Grading, ...] = ()
    decisions: tuple[Decision, ...] = ()
    by_id: Mapping[int, Grading] = field(init=False, repr=False, compare=False)
    moved: Mapping[int, Decision] = field(init=False, repr=False, compare=False)
    _arrivals: Mapping[int, list[Arrival]] = field(init=False, repr=False, compare=False)
    _complete: Mapping[int, list[Grading]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        arrivals: dict[int, list[Arrival]] = {}
        for arrival in self.arrivals:
            arrivals.setdefault(arrival.submission, []).append(arrival)
        complete: dict[int, list[Grading]] = {}
        runs = {run.id for run in self.runs}
        for grading in self.gradings:
            if grading.complete and grading.run in runs:  # a damaged number leads to no run
                complete.setdefault(grading.submission, []).append(grading)
        object.__setattr__(self, "by_id", {grading.id: grading for grading in self.gradings})
        times = sorted((each for each in self.decisions if each.kind == "arrived"), key=lambda each: each.id)
        object.__setattr__(self, "moved", {each.submission: each for each in times})
        object.__setattr__(self, "_arrivals", arrivals)
        object.__setattr__(self, "_complete", complete)

    def before(self, at: str, run: int = 0, next_run: int = 0) -> Facts:
        """The content of the book before an instant; the roster has no history.

        Args:
            at: as the book writes it.
            run, next_run: numbers of two consecutive runs of one assignment; 0 for none. For their gradings the
                numbers decide, not the clock.
        """
        out = {each.id for each in self.runs if (each.at >= at and each.id > run) or each.id == next_run}
        gradings = tuple(
            each for each in self.gradings if each.run not in out and (each.at < at or 0 < each.run <= run)
        )
        graded = {each.submission for each in gradings}
        submissions = tuple(each for each in self.submissions if each.first_seen < at or each.id in graded)
        known = {each.id for each in submissions}
        first = {each.submission: each for each in reversed(self.arrivals)}
        return replace(
            self,
            submissions=submissions,
            arrivals=tuple(
                each
                for each in self.arrivals
                if each.submission in known and (each.recorded < at or first[each.submission] == each)
            ),
            members=tuple(each for each in self.members if each.submission in known),
            runs=tuple(each for each in self.runs if each.id not in out),
            gradings=gradings,
            decisions=tuple(each for each in self.decisions if each.at < at),
        )

    def arrival(self, submission: int) -> Arrival | None:
        """The arrival that counts: of the best source, the one that was written last, whatever its time."""
        own = enumerate(self._arrivals.get(submission, []))
        return max(own, key=lambda each: (-SOURCES.index(each[1].source), each[0]), default=(0, None))[1]

    def handed_in(self, submission: int, due: datetime, *, decided: bool = True) -> tuple[str, bool]:
        """The time of handing in ("" if unknown), and True if it was after `due`.

        Args:
            decided: True if a person's decision on the time comes first.
        """
        decision = self.moved.get(submission) if decided else None
        if decision is not None and decision.value is not None:
            return str(decision.value), moment(decision.value) > due
        arrival = self.arrival(submission)
        return (arrival.at, arrival.late) if arrival else ("", False)

    def counting(self, submission: int) -> tuple[Grading | None, bool]:
        """The grading that counts, and True if it is stale: of an older suite than the newest."""
        own = self._complete.get(submission, [])
        if not own:
            return None, False
        runs = {run.id: run for run in self.runs}
        of_it = [run for run in self.runs if run.assignment == runs[own[0].run].assignment]
        suites = [run.suite for run in sorted(of_it, key=lambda run: run.age)]
        latest = max(own, key=lambda each: (_suite_age(suites, runs[each.run].suite), runs[each.run].age, each.id))
        return latest, runs[latest.run].suite != suites[-1]


def _suite_age(suites: list[str], suite: str) -> int:
    """The place of a suite's latest run: larger is newer."""
    return max(place for place, other in enumerate(suites) if other == suite)
