"""What people reached before: the best of each earlier assignment, whatever its option and whoever was in the group."""

from __future__ import annotations

from autograder.gradebook.earlier import earlier_shares
from autograder.gradebook.facts import BookedRun, Facts, Grading, Member, Score, StoredSubmission, Terms


def terms(id: str, due: str) -> Terms:
    return Terms(id, due, 1000, {}, {"1": 1.0, "2": 0.5}, frozenset())


TERM = [terms("t2", "2022-11-10T00:00:00Z"), terms("t1", "2022-11-01T00:00:00Z"), terms("t4", "2022-12-20T00:00:00Z")]
THIS = terms("t3", "2022-12-01T00:00:00Z")


def facts(*handed_in: tuple[str, str, str, int]) -> Facts:
    """(assignment, name, people as "kim+lee", hundredths of points)."""
    submissions, members, gradings = [], [], []
    for id, (assignment, name, people, cents) in enumerate(handed_in, start=1):
        submissions.append(StoredSubmission(id, assignment, f"d{id}", name, "2"))
        members += [Member(id, place, each, each, each) for place, each in enumerate(people.split("+"))]
        run = int(assignment[1])
        gradings.append(Grading(id, run, id, 0, "", 1.0, True, (Score("q", cents, 1000, "failed"),)))
    runs = tuple(BookedRun(number, f"t{number}", "suite", 0, "", "") for number in (1, 2, 3, 4))
    return Facts((), tuple(submissions), (), tuple(members), runs, tuple(gradings))


def test_earlier_assignments_come_in_order_and_later_ones_do_not() -> None:
    book = facts(
        ("t2", "kim-A2", "kim", 500),
        ("t1", "kim-A1", "kim", 900),
        ("t4", "kim-A4", "kim", 1),
        ("t3", "kim-A3", "kim", 0),
    )
    assert earlier_shares(book, TERM, THIS) == {"kim-A3": (("t1", 0.9), ("t2", 0.5))}


def test_a_group_has_the_mean_of_its_members_and_each_their_best() -> None:
    book = facts(
        ("t1", "kim", "kim", 200),
        ("t1", "kim again", "kim", 600),
        ("t1", "lee", "lee", 1000),
        ("t3", "both", "kim+lee", 0),
    )
    assert earlier_shares(book, TERM, THIS) == {"both": (("t1", 0.8),)}


def test_who_is_new_or_unknown_has_nothing_before() -> None:
    book = facts(("t1", "kim", "kim", 200), ("t3", "lee", "lee", 0), ("t3", "nobody", "", 0))
    assert earlier_shares(book, TERM, THIS) == {}
