"""The class page with what became of the scores, the page of a term, and a student's page with the policy."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.gradebook.facts import (
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
from autograder.gradebook.late import LateStep, Policy
from autograder.gradebook.wording import PageWords, PolicyRow
from autograder.reports import ClassGrades, render_class, render_student, render_term
from autograder.rounding import hundredths
from tests.autograder.reports.sample_class import make_class

ASSIGNMENT = Course.find(Path(__file__)).assignment("a6")
EVIL = "<script>alert(1)</script>"
STEPS = (LateStep(24, 10), LateStep(48, 30))


def terms_of(id: str, due: str, policy: Policy | None = None) -> Terms:
    return Terms(id, due, 10000, {"q": 10000}, {"1": 1.0}, frozenset(), policy or Policy())


def facts_of(*decisions: Decision) -> Facts:
    """Two assignments; Lee handed in the first only, Oh nothing."""
    submissions = (
        StoredSubmission(1, "w1", "d1", f"kim-{EVIL}", "1"),
        StoredSubmission(2, "w2", "d2", "kim-2", "1"),
        StoredSubmission(3, "w1", "d3", "lee-1", "1"),
    )
    people = (("11", f"Kim {EVIL}"), ("12", "Lee"), ("13", "Oh"))
    return Facts(
        students=tuple(Student(key, key, name, code=key, active=True) for key, name in people),
        submissions=submissions,
        members=tuple(Member(number, 0, key, "", key) for number, key in ((1, "11"), (2, "11"), (3, "12"))),
        runs=(BookedRun(1, "w1", "s", 1, "", ""), BookedRun(2, "w2", "s", 1, "", "")),
        gradings=tuple(
            Grading(n, 1 + (n == 2), n, 0, "", 0, True, (Score("q", 8000 + n, 10000, ""),)) for n in (1, 2, 3)
        ),
        decisions=decisions,
    )


def test_a_term() -> None:
    hold = Decision(1, "", "kim", "page", "w1", "hold", student="12", value="a case is open", why="x")
    facts = facts_of(hold, replace(hold, id=2, kind="excused", student="13", value=True))
    terms = (terms_of("w1", "2022-12-02T00:00:00Z"), terms_of("w2", "2022-12-09T00:00:00Z"))
    page = render_term(grades(facts, terms), facts, terms, {"w1": "First", "w2": EVIL}, "w1", 4)
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page, re.DOTALL)
    assert [re.search(r"<bdi>(\w+)", row)[1] for row in rows] == ["Kim", "Lee", "Oh"]  # type: ignore[index]
    assert EVIL not in page
    kim, lee, oh = (re.findall(r"<td.*?</td>", row) for row in rows)
    assert 'href="kim-%3Cscript%3Ealert%281%29%3C%2Fscript%3E/report.html"' in kim[0]
    assert "<b>80.01</b>" in kim[0]
    assert "href" not in kim[1]  # another assignment's pages lie elsewhere
    assert "<b>80.02</b>" in kim[1]
    assert "held" in lee[0]
    assert "on hold: a case is open" in lee[0]
    assert "missing" in lee[1]
    assert "excused" in oh[0]
    assert [cell.count("4") for cell in kim[2:]] == [0, 1]  # none used, four left
    assert "First: 2 with a grade, 1 held" in page
    assert "1 with a grade, 2 missing" in page


def test_days_used_and_left() -> None:
    policy = Policy(steps=STEPS, free_days=4, free_days_each=2)
    facts = facts_of(Decision(1, "", "k", "page", "w1", "arrived", submission=1, value="2022-12-02T12:00:00Z"))
    terms = (terms_of("w1", "2022-12-02T00:00:00Z", policy),)
    page = render_term(grades(facts, terms), facts, terms, {"w1": "First"}, "w1", 4)
    kim = re.findall(r"<td.*?</td>", page)[:3]
    assert "1 free day<" in kim[0]
    assert kim[1:] == ['<td class="num">1</td>', '<td class="num">3</td>']


@pytest.fixture(scope="module")
def book_of() -> Facts:
    """A class's facts: the first late by a day and a half, the second excused, the third a group that differs."""
    results = make_class(ASSIGNMENT, 4)
    keys = [str(place) for place in range(5)]
    members = [Member(n + 1, 0, keys[n], "", keys[n]) for n in range(4)] + [Member(3, 1, "4", "", "4")]
    late = {1: "2022-12-04T03:00:00Z", 3: "2022-12-03T03:00:00Z"}
    came = [Decision(n, "", "k", "page", "a6", "arrived", submission=n, value=at) for n, at in late.items()]
    came += [Decision(2, "", "k", "page", "a6", "arrived", submission=2, value="2022-12-01T00:00:00Z")]
    came += [Decision(4, "", "k", "page", "a6", "excused", student="1", value=True, why="ill")]
    came += [Decision(5, "", "k", "page", "a6", "extension", student="4", value=48, why="ill")]
    return Facts(
        students=tuple(Student(key, f"2022-{key}", f"Name{key}", active=True) for key in (*keys, "9")),
        submissions=tuple(
            StoredSubmission(number, "a6", str(number - 1), each.submission, "1")
            for number, each in enumerate(results, 1)
        ),
        members=tuple(members),
        runs=(BookedRun(1, "a6", "s", 1, "", ""),),
        gradings=tuple(
            Grading(
                n + 1, 1, n + 1, 0, "", 0, True,
                tuple(Score(each.id, hundredths(each.score), hundredths(each.points), "") for each in result.questions),
            )
            for n, result in enumerate(results)
        ),
        decisions=tuple(sorted(came, key=lambda each: each.id)),
    )  # fmt: skip


def test_the_class_page_says_what_became_of_scores(book_of: Facts) -> None:
    results = make_class(ASSIGNMENT, 4)
    terms = Terms.of(ASSIGNMENT, Policy(steps=STEPS))
    page = render_class(results, ASSIGNMENT, grades=ClassGrades.from_book(grades(book_of, [terms]), book_of))
    table = page.partition('id="students"')[2]
    heads = re.findall(r'<th scope="col" class="[^"]*">([^<]+)</th>', table)
    assert heads[:5] == ["Checks", "Option", "Late", "Grade", "State"]
    rows = {
        name: next(row for row in table.split("<tr ") if f"{name}/" in row) for name in (r.submission for r in results)
    }
    first, second, third, fourth = (rows[each.submission] for each in results)
    assert "1 d 12 h 1 min" in first
    assert "<small>−30</small>" in first
    assert f"<b>{results[0].score - 30:g}</b>" in first
    assert "excused" in second
    assert "Name2 2022-2</small>" in third  # its members differ
    assert "Name4 2022-4</small>" in third
    assert ">held<" in fourth  # the time of handing in is unknown
    assert "Nothing came from 1: <bdi>Name9 2022-9</bdi>" in page
    assert 'href="term.html"' in page


def test_without_a_book_the_class_page_is_as_ever() -> None:
    page = render_class(make_class(ASSIGNMENT, 4), ASSIGNMENT)
    assert "term.html" not in page
    assert ">State<" not in page


def test_a_students_page() -> None:
    result = make_class(ASSIGNMENT, 1)[0]
    question = ASSIGNMENT.questions[0].id
    rows = (PolicyRow("in time", "nothing"), PolicyRow("up to 1 d late", "10 %", ("",)))
    told = PageWords(("a sum",), {question: (f"said {EVIL}",), "": ("of the whole",)}, rows, ("moved",))
    page = render_student(result, ASSIGNMENT, told)
    assert EVIL not in page
    assert page.index("a sum") < page.index("of the whole") < page.index(f'id="{question}"') < page.index("said &lt;")
    assert page.index("said &lt;") < page.index(f'id="{ASSIGNMENT.questions[1].id}"')
    assert [line for line in page.splitlines() if "this submission" in line and 'class="mine"' in line]
    assert "moved" in page
    assert "Cost of lateness" not in render_student(result, ASSIGNMENT)
