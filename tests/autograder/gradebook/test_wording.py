"""What pages say of a grade: the sum, the policy with the row that counts, comments, requests, points set by people."""

from __future__ import annotations

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
from autograder.gradebook.grades import grades
from autograder.gradebook.late import LateStep, Of, Policy
from autograder.gradebook.wording import PageWords, page_words

STEPS = (LateStep(24, 10), LateStep(48, 30))
POLICY = Policy(grace_minutes=15, steps=STEPS, free_days=4, free_days_each=2)


def terms_of(policy: Policy) -> Terms:
    return Terms("w1", "2022-12-02T14:59:00Z", 10000, {"one": 6000, "two": 4000}, {"1": 1.0}, frozenset(), policy)


def facts_of(*decisions: Decision, at: str = "2022-12-03T20:59:00Z", members: tuple[str, ...] = ("11",)) -> Facts:
    """A submission of 80 points, 30 hours after the deadline."""
    return Facts(
        students=tuple(Student(key, key, f"Kim {key}", code=f"C{key}") for key in members),
        submissions=(StoredSubmission(1, "w1", "d", "kim", "1"),),
        arrivals=(Arrival(1, at, "files", True, at),),
        members=tuple(Member(1, place, key, "", key) for place, key in enumerate(members)),
        runs=(BookedRun(1, "w1", "s", 1, "", ""),),
        gradings=(Grading(1, 1, 1, 0, "", 0, True, (Score("one", 6000, 6000, ""), Score("two", 2000, 4000, ""))),),
        decisions=decisions,
    )


def decided(number: int, kind: str, value: object, student: str = "", question: str = "") -> Decision:
    return Decision(number, "", "kim", "page", "w1", kind, student, 0 if student else 1, question, value)


def words(facts: Facts, policy: Policy = POLICY) -> PageWords:
    terms = terms_of(policy)
    return page_words(grades(facts, [terms]), facts, terms).get(1, PageWords())


def marked(said: PageWords) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(row.late, row.costs, row.mine) for row in said.policy if row.mine]


def test_nothing_is_said_where_nothing_changes_a_score() -> None:
    assert words(facts_of(), Policy()) == PageWords()


def test_the_policy_with_the_row_that_counts() -> None:
    said = words(facts_of(), Policy(grace_minutes=15, steps=STEPS))
    assert [(row.late, row.costs) for row in said.policy] == [
        ("in time, or within 15 min of the deadline", "nothing"),
        ("up to 1 d late", "10 % of the 100 points"),
        ("up to 2 d late", "30 % of the 100 points"),
        ("later", "not accepted"),
    ]
    assert said.sums == ("80 from the checks − 30 late by 1 d 5 h 45 min = 50 of 100",)
    assert marked(said) == [("up to 2 d late", "30 % of the 100 points", ("",))]


def test_free_days_move_the_row() -> None:
    said = words(facts_of(decided(1, "free_days", 1, "11")))
    assert marked(said) == [("up to 1 d late", "10 % of the 100 points", ("",))]
    assert marked(words(facts_of()))[0][0].startswith("in time")


def test_the_edges_of_a_row() -> None:
    policy = Policy(steps=(LateStep(24, 10), LateStep(float("inf"), 30)), of=Of.SCORE)
    rows = {
        "2022-12-02T14:59:00Z": 0,
        "2022-12-02T14:59:01Z": 1,
        "2022-12-03T14:59:00Z": 1,
        "2022-12-03T14:59:01Z": 2,
        "2030-01-01T00:00:00Z": 2,
    }
    for at, row in rows.items():
        said = words(facts_of(at=at), policy)
        assert [bool(each.mine) for each in said.policy].index(True) == row, at
        assert len(said.policy) == 3
    assert said.policy[2].costs == "30 % of the score"
    beyond = words(facts_of(at="2022-12-09T00:00:00Z"), Policy(steps=STEPS))
    assert marked(beyond) == [("later", "not accepted", ("",))]


def test_members_who_differ_have_a_row_each() -> None:
    extended = decided(1, "extension", 48, "12")
    said = words(facts_of(extended, members=("11", "12")), Policy(steps=STEPS))
    assert [row.mine for row in said.policy] == [("12",), (), ("11",), ()]
    assert said.deadlines == ("12: The deadline was moved by 2 d.",)
    assert said.sums[0].startswith("11: 80 from the checks − 30")
    assert said.sums[1] == "12: 80 from the checks = 80 of 100"


def test_what_people_said_stands_beside_its_question() -> None:
    said = words(
        facts_of(
            decided(1, "comment", "Nice.", question="one"),
            decided(2, "comment", "On the whole", question=""),
            decided(3, "points", 3500, question="two"),
            decided(4, "request", "Why?", "11", "two"),
            decided(5, "answer", "So.", "11", "two"),
            decided(6, "note", "for us"),
            decided(7, "comment", "gone", question="two"),
            decided(8, "comment", None, question="two"),
            decided(9, "request", "of another", "99", "two"),
        ),
        Policy(),
    )
    assert said.beside == {
        "one": ("Nice.",),
        "": ("On the whole",),
        "two": ("Points set by a person: 35", "Request: Why?", "Answer: So."),
    }
    assert said.sums == ("95 from the checks and a person = 95 of 100",)
    assert "Kim" not in str(said.changed(lambda text: text.replace("Nice", "Kim")).sums)
    assert said.changed(str.upper).beside["one"] == ("NICE.",)


def test_an_open_request_is_said_to_hold_the_grade() -> None:
    """Also without a policy: the number at the top is then the one of the checks."""
    said = words(facts_of(decided(1, "request", "Why?", "11", "two")), Policy())
    assert said.sums == ("80 from the checks. Not final: a request is open: two.",)
    assert said.grade is None


def test_the_number_at_the_top_is_the_grade() -> None:
    assert words(facts_of(), Policy(steps=STEPS)).grade == 50
    assert words(facts_of(decided(1, "adjust", -500, "11")), Policy()).grade == 75
    assert words(facts_of(), Policy()).grade is None, "nothing is said, so the page shows its own score"
    group = facts_of(decided(1, "extension", 48, "12"), members=("11", "12"))
    assert words(group, Policy(steps=STEPS)).grade is None, "the members differ"
    assert words(facts_of(members=("11", "12")), Policy(steps=STEPS)).grade == 50
