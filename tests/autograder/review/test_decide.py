"""Forms become decisions: who, when, why, what they change, and what happens where two decide at once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from autograder.course.outcome import Outcome
from autograder.gradebook.store import Book
from tests.autograder.review.serving import ASSIGNMENT, Reviewer, by_hand, decided, form_of, make_desk, serving

FIRST = "/submission/1"
POINTS = "points-s1-conv-forward"


def code(book: Book, submission: int) -> str:
    facts = book.facts()
    keys = [each.student for each in facts.members if each.submission == submission]
    return next(each.code for each in facts.students if each.key in keys)


def test_points_and_what_they_change(reviewer: Reviewer, book: Book) -> None:
    assert "100 from the checks = 100 of 100" in reviewer.page(FIRST)
    answer = reviewer.decide(FIRST, POINTS, "3,5", "a check was unfair")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{FIRST}?did=1")
    page = reviewer.page(f"{FIRST}?did=1")
    assert "points conv-forward 3.5: a check was unfair" in page
    assert "100 → <b>93.5</b>" in page
    assert "93.5 from the checks = 93.5 of 100" in page
    (made,) = book.facts().decisions
    assert (made.kind, made.value, made.who, made.by, made.saw) == ("points", 350, "kim", "page", 1)
    assert made.at[:2] == "20"
    form = form_of(page, POINTS)
    assert (form["value"], form["why"], form["shown"]) == ("3.5", "a check was unfair", "1")
    assert re.search(r"<output aria-live=\"polite\">kim, 20\d\d-\d\d-\d\d \d\d:\d\d</output>", page)


@pytest.mark.parametrize(
    "form, value, why, said",
    [
        (POINTS, "3", "", "points: found no reason"),
        (POINTS, "11", "x", "wanted a number from 0 to 10"),
        (POINTS, "many", "x", "wanted a number"),
        ("scale-s1", "1.5", "", "scale: found '1.5'"),
        ("arrived-s1", "yesterday", "", "arrived: found 'yesterday'"),
        ("owner-s1", "2099-1", "typo", "nobody in the book has the id"),
        ("comment-s1", "x" * 4001, "", "4001 characters"),
    ],
)
def test_what_makes_no_sense_is_said(
    reviewer: Reviewer, book: Book, form: str, value: str, why: str, said: str
) -> None:
    answer = reviewer.decide(FIRST, form, value, why)
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert decided(book) == []


def test_every_kind_has_its_form(reviewer: Reviewer, book: Book) -> None:
    me = code(book, 1)
    forms = {
        f"extension-{me}": ("48", "ill"),
        f"excused-{me}": ("true", "ill"),
        f"adjust-{me}": ("-5", "no notebook"),
        f"hold-{me}": ("a case is open", "asked"),
        f"free_days-{me}": ("2", ""),
        f"request-{me}": ("Was it read?", ""),
        f"answer-{me}": ("It was.", ""),
        POINTS: ("3.5", "unfair"),
        "comment-s1-conv-forward": ("Nice\nloops", ""),
        "scale-s1": ("0.5", ""),
        "comment-s1": ("Well done", ""),
        "note-s1": ("for us", ""),
        "arrived-s1": ("2022-12-02T12:00", ""),
        "owner-s1": ("2022990999", "typo"),
    }
    pages = dict.fromkeys(forms, FIRST)
    for form, (value, why) in forms.items():
        assert reviewer.decide(pages[form], form, value, why).status_code == 303, form
    values = [value for _, value, _, _ in decided(book)]
    texts = ["Nice\nloops", 0.5, "Well done", "for us"]
    people = [48.0, True, -500, "a case is open", 2, "Was it read?", "It was."]
    assert values == [*people, 350, *texts, "2022-12-02T03:00:00Z", ["2022990999"]]
    page = reviewer.page("/submission/1")  # it is somebody else's now, and theirs say what stands
    assert form_of(page, "arrived-s1")["value"] == "2022-12-02T12:00:00+09:00"
    assert "Oh, Nara 2022-990999" in page
    assert form_of(reviewer.page(f"/person/{me}"), f"adjust-{me}")["value"] == "-5"


def test_who_decides_second_sees_both(reviewer: Reviewer, book: Book, tmp_path: Path) -> None:
    with serving(make_desk(book, tmp_path, "lee")) as lee:
        mine, theirs = reviewer.form(FIRST, POINTS), lee.form(FIRST, POINTS)
        assert lee.send({**theirs, "value": "2", "why": "theirs"}).status_code == 303
        answer = reviewer.send({**mine, "value": "7", "why": "mine"})
        assert answer.status_code == 409
        said = unescape(answer.text)
        assert "points conv-forward 2: theirs (lee, " in said
        again = form_of(answer.text, f"{POINTS}-again")
        assert (again["value"], again["why"], again["shown"]) == ("7", "mine", "1")
        assert decided(book) == [("points", 200, "theirs", "lee")]
        assert reviewer.send(again).status_code == 303
        assert [value for _, value, _, _ in decided(book)] == [200, 700]
        # another matter of the same submission is no conflict
        assert lee.send({**lee.form(FIRST, "note-s1"), "value": "x"}).status_code == 303


def test_two_at_the_same_moment(reviewer: Reviewer, book: Book, tmp_path: Path) -> None:
    with serving(make_desk(book, tmp_path, "lee")) as lee:
        for round in range(5):
            value = f"{round}.5"
            forms = [
                (each, {**each.form(FIRST, POINTS), "value": value, "why": str(id(each))}) for each in (reviewer, lee)
            ]
            with ThreadPoolExecutor(2) as pool:
                statuses = sorted(pool.map(lambda pair: pair[0].send(pair[1]).status_code, forms))
            assert statuses == [303, 409]
        assert len(decided(book)) == 5


def test_a_command_in_between(reviewer: Reviewer, book: Book) -> None:
    form = reviewer.form(FIRST, "scale-s1")
    book.add_decisions([by_hand("scale", 0.7, submission=1)])
    assert reviewer.send({**form, "value": "0.9"}).status_code == 409


def test_what_stands_is_not_entered_twice(reviewer: Reviewer, book: Book) -> None:
    assert reviewer.decide(FIRST, "note-s1", "").status_code == 303
    assert decided(book) == []
    for _ in range(2):
        reviewer.decide(FIRST, "note-s1", "seen")
    reviewer.decide(FIRST, "note-s1", "")
    reviewer.decide(FIRST, "note-s1", "  ")
    assert [value for _, value, _, _ in decided(book)] == ["seen", None]


def test_undo_goes_back_and_forth(reviewer: Reviewer, book: Book) -> None:
    def undo() -> None:
        form = reviewer.form(FIRST, POINTS)
        assert reviewer.send({**form, "act": "undo"}).status_code == 303

    reviewer.decide(FIRST, POINTS, "3", "first")
    reviewer.decide(FIRST, POINTS, "4", "second")
    undo()
    assert "94 → <b>93</b>" in reviewer.page(f"{FIRST}?did=3")
    assert decided(book)[-1] == ("points", 300, "first", "kim")
    undo()
    assert decided(book)[-1] == ("points", 400, "second", "kim")
    book.add_decisions([by_hand("points", None, submission=1, question="conv-forward")])
    undo()
    assert decided(book)[-1] == ("points", 400, "second", "kim")
    shown = reviewer.form(FIRST, "note-s1")
    assert reviewer.send({**shown, "act": "undo"}).status_code == 422  # there is nothing to undo
    first = reviewer.form(FIRST, POINTS)
    reviewer.decide(FIRST, POINTS, "5", "third")
    assert reviewer.send({**first, "act": "undo"}).status_code == 409  # somebody decided meanwhile


def test_the_only_decision_is_taken_back(reviewer: Reviewer, book: Book) -> None:
    reviewer.decide(FIRST, POINTS, "3", "first")
    reviewer.send({**reviewer.form(FIRST, POINTS), "act": "undo"})
    assert decided(book)[-1] == ("points", None, "undo of decision 1", "kim")
    page = reviewer.page(f"{FIRST}?did=2")
    assert "93 → <b>100</b>" in page
    assert "taken back by kim" in page


def test_a_submission_that_is_read_is_no_longer_held(reviewer: Reviewer, book: Book) -> None:
    assert "option 2 waits for a person" in reviewer.page("/submission/6")
    half = next(option.scale for option in ASSIGNMENT.options if option.id == "2")
    assert reviewer.decide("/submission/6", "scale-s6", f"{half:g}").status_code == 303
    page = reviewer.page("/submission/6?did=1")
    assert "held → <b>" in page
    assert "waits for a person" not in page


def test_points_on_a_grading_that_was_replaced(reviewer: Reviewer, book: Book) -> None:
    reviewer.decide(FIRST, POINTS, "3", "unfair")
    form = reviewer.form(FIRST, POINTS)
    result = book.result(1, make_info(book))
    worse = replace(result.questions[0], score=6.0, outcome=Outcome.FAILED)
    run = book.add_run(ASSIGNMENT.id, "mended", None, 1)
    book.add_grading(run.id, 1, replace(result, questions=(worse, *result.questions[1:])))
    said = "conv-forward: set to 3 when the checks said 10; they now say 6"
    assert said in reviewer.page(FIRST)
    assert said in reviewer.page("/")
    # a form that shows the old grading confirms nothing of the new one
    reviewer.send({**form, "value": "4", "why": "unfair"})
    assert book.facts().decisions[-1].saw == 1
    reviewer.decide(FIRST, POINTS, "4", "unfair")
    assert book.facts().decisions[-1].saw == book.facts().gradings[-1].id
    assert said.replace("to 3", "to 4") not in reviewer.page(FIRST)


def make_info(book: Book):
    from autograder.grading.recording import info_of

    facts = book.facts()
    return info_of(facts, facts.submissions[0], ASSIGNMENT)


def test_which_submission_counts(reviewer: Reviewer, book: Book) -> None:
    second = book.add_submission(ASSIGNMENT.id, "again", make_info(book))  # the same name, handed in again
    book.add_grading(1, second, replace(book.result(1, make_info(book)), questions=()))
    me = code(book, 1)
    page = reviewer.page(FIRST)
    assert f'<option value="#{second}">' in page
    assert reviewer.decide(FIRST, f"counts-{me}", f"#{second}").status_code == 303
    assert decided(book)[-1][1] == second
    assert "Another submission counts" in reviewer.page(FIRST)


def test_a_request_and_its_answer(reviewer: Reviewer, book: Book) -> None:
    facts = book.facts()
    key = next(each.student for each in facts.members if each.submission == 1)
    book.add_decisions([by_hand("request", "Was <my> padding read?", student=key, question="conv-forward")])
    assert "Was &lt;my&gt; padding read?" in reviewer.page("/")
    me = code(book, 1)
    reviewer.decide(FIRST, f"answer-{me}-conv-forward", "Yes.")
    assert decided(book)[-1] == ("answer", "Yes.", "", "kim")
    assert "padding read" not in reviewer.page("/")


def test_a_person_of_whom_nothing_came(reviewer: Reviewer, book: Book) -> None:
    nara = next(each.code for each in book.facts().students if each.key == "2022990999")
    assert f'href="/person/{nara}"' in reviewer.page("/")
    answer = reviewer.decide(f"/person/{nara}", f"excused-{nara}", "true", "ill")
    assert answer.headers["location"] == f"/person/{nara}?did=1"
    assert "missing → <b>excused</b>" in reviewer.page(f"/person/{nara}?did=1")
