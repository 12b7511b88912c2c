"""What holds a grade, what a person's word on time and free days does, and which arrival counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from autograder.gradebook.facts import (
    Arrival,
    BookedRun,
    Decision,
    Facts,
    Grading,
    Member,
    Score,
    StoredSubmission,
    Student,
    Terms,
)
from autograder.gradebook.grades import Grade, State, grades
from autograder.gradebook.late import LateStep, Policy

DUE = "2022-12-02T14:59:00Z"
POLICY = Policy(steps=(LateStep(24, 10), LateStep(72, 30)), free_days=4, free_days_each=2)


def facts(came: Sequence[str], *decisions: Decision, roster: str = "", option: str = "1") -> Facts:
    """One submission of student 2022990101, which came in at one time after the other."""
    return Facts(
        students=(Student(roster, roster, active=True),) if roster else (),
        submissions=(StoredSubmission(1, "w1", "", "s1", option),),
        arrivals=tuple(Arrival(1, at, "table", at > DUE, "2022-12-09T00:00:00Z") for at in came),
        members=(Member(1, 0, "2022990101", "", "2022990101"),),
        runs=(BookedRun(1, "w1", "s", 0, "", ""),),
        gradings=(Grading(1, 1, 1, 0, "", 0, True, (Score("q", 8000, 10000, "passed"),)),),
        decisions=decisions,
    )


def grade(known: Facts) -> Grade:
    terms = Terms("w1", DUE, 10000, {"q": 10000}, {"1": 1.0, "2": 0.5}, frozenset({"2"}), POLICY)
    return next(each for each in grades(known, [terms]) if each.student == "2022990101")


def decided(kind: str, value: object, id: int = 1) -> Decision:
    about = {"submission": 1} if kind in ("note", "scale", "arrived") else {"student": "2022990101"}
    return Decision(id, "", "kim", "command", "w1", kind, value=value, **about)


def test_only_a_scale_says_that_somebody_has_read_an_option() -> None:
    early = ["2022-12-01T00:00:00Z"]
    assert grade(facts(early, decided("note", "ask Lee"), option="2")).state is State.HELD
    assert grade(facts(early, decided("scale", 0.9), option="2")).cents == 7200


def test_of_arrivals_in_one_second_the_later_entry_counts() -> None:
    assert grade(facts(["2022-12-01T00:00:00Z", "2022-12-03T00:00:00Z"])).late > 0
    assert grade(facts(["2022-12-03T00:00:00Z", "2022-12-01T00:00:00Z"])).late == 0


def test_a_persons_word_on_the_time_of_handing_in() -> None:
    due = datetime.fromisoformat(DUE)
    late = facts(["2022-12-05T00:00:00Z"])
    assert late.handed_in(1, due) == ("2022-12-05T00:00:00Z", True)
    moved = facts(["2022-12-05T00:00:00Z"], decided("arrived", "2022-12-02T00:00:00Z"))
    assert moved.handed_in(1, due) == ("2022-12-02T00:00:00Z", False)
    back = facts(["2022-12-05T00:00:00Z"], decided("arrived", "2022-12-02T00:00:00Z"), decided("arrived", None, id=2))
    assert back.handed_in(1, due) == ("2022-12-05T00:00:00Z", True)
    assert facts([]).handed_in(1, due) == ("", False)


def test_free_days_that_a_person_fixes_are_not_cut_by_the_limit_of_one_assignment() -> None:
    came = ["2022-12-05T08:00:00Z"]  # late by 65 hours
    assert grade(facts(came)).days == 2
    assert grade(facts(came, decided("free_days", 3))).days == 3
    assert grade(facts(came, decided("free_days", 0))).days == 0


def test_the_nearest_id_is_named() -> None:
    early = ["2022-12-01T00:00:00Z"]
    for near in ("202299101", "20222990101", "2022990110", "2022990107"):
        (reason,) = grade(facts(early, roster=near)).reasons
        assert reason.endswith(f"nearest: {near}")
    assert "nearest" not in grade(facts(early, roster="2022880101")).reasons[0]
