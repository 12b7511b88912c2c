"""Figures over a class, on numbers worked out by hand; and copies that the page of similar answers must find."""

from __future__ import annotations

import random

import pytest

from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports.findings.statistics import Distribution, statistics
from autograder.reports.study.page import render_similarity
from autograder.reports.study.similarity import AnswerSource, pairs
from tests.autograder.conftest import TOY

ASSIGNMENT = Course.find(TOY).assignment("t1")


def made(name: str, double: float, counter: float, message: str = "") -> SubmissionResult:
    """Full marks pass; the rest fails with a message."""
    questions = []
    for id, points, score in (("double", 4.0, double), ("counter", 6.0, counter)):
        outcome = Outcome.PASSED if score == points else Outcome.FAILED
        cases = tuple(
            CaseResult(f"{id}[{variant}]", outcome, "" if score == points else message, seconds=0.5) for variant in "ab"
        )
        questions.append(QuestionResult(id, id, points, score, outcome, cases))
    return SubmissionResult("t1", SubmissionInfo(name), double + counter, 10, tuple(questions), 7)


def test_figures_worked_by_hand() -> None:
    """Six people have 4 and 6, six have 0 and 0: the questions measure one thing."""
    results = [made(f"s{number:02}", 4, 6) for number in range(6)]
    results += [made(f"s{number:02}", 0, 0, f"dw has {number} rows") for number in range(6, 12)]
    found = statistics(results, ASSIGNMENT, [(10, 9), (0, 0), (10, 10)])
    double, counter = found.questions
    assert (double.tried, double.full, double.part, double.none, double.difficulty) == (12, 6, 0, 6, 0.5)
    assert (counter.points, counter.seconds, counter.noisy, counter.remark) == (6, 1.0, 0, "")
    assert double.discrimination == pytest.approx(1)
    # variances 4 and 9, of the total 25: 2/1 · (1 − 13/25)
    assert found.alpha == pytest.approx(0.96)
    assert found.checks == Distribution(3, 0, 5, 10, 10, 10, pytest.approx(20 / 3))
    assert found.grades == Distribution(3, 0, 4.5, 9, 9.5, 10, pytest.approx(19 / 3))
    assert [(each.question, each.check, len(each.people)) for each in found.common] == [
        ("counter", "counter", 6),
        ("double", "double", 6),
    ]
    assert found.common[0].message == "dw has … rows"
    assert found.together == (("counter: counter", "double: double"),)
    assert found.never == ()


def test_a_question_that_the_better_fail_is_pointed_at() -> None:
    results = [made(f"s{number}", 4 if number < 6 else 0, 0 if number < 6 else 6) for number in range(12)]
    found = statistics(results, ASSIGNMENT, [])
    assert found.questions[0].discrimination == pytest.approx(-1)
    assert "look at this check" in found.questions[0].remark
    few = statistics(results[:9], ASSIGNMENT, [])
    assert (few.alpha, few.questions[0].discrimination, few.checks) == (None, None, None)


def test_what_nobody_failed_and_our_own_fault() -> None:
    fault = made("x", 4, 6)
    ours = QuestionResult("double", "", 4, 0, Outcome.GRADER_ERROR, ())
    broken = SubmissionResult("t1", fault.info, 0, 10, (ours, *fault.questions[1:]), 7)
    found = statistics([made("a", 4, 0, "no"), made("b", 4, 6), broken], ASSIGNMENT, [])
    assert found.submissions == 2
    assert found.never == ("double: double",)


def answer(seed: int, lines: int = 60) -> str:
    """Code that is a student's own: no two draw the same expressions."""
    draw = random.Random(seed)

    def term(depth: int) -> str:
        if depth == 0:
            return draw.choice(["x", "w", "dout", str(draw.randrange(9))])
        kind = draw.randrange(4)
        inner = term(depth - 1)
        if kind == 0:
            return f"{inner} {draw.choice(['+', '-', '*', '/', '@', '//', '**', '<', '|'])} {term(depth - 1)}"
        return (f"x.sum({inner})", f"w[{inner}]", f"({inner})")[kind - 1]

    heads = (
        "    v{at} = {term}",
        "    for i{at} in {term}:\n        x = {term}",
        "    if {term}:\n        return {term}",
    )
    body = [draw.choice(heads).replace("{at}", str(at)) for at in range(lines)]
    written = [head.replace("{term}", term(4), 1).replace("{term}", term(3)) for head in body]
    return "\n".join([f"def solve_{seed}(x, w):", *written, "    return x", ""])


def disguised(code: str) -> str:
    """The same code with other names, other numbers, other comments, and in another order."""
    first, *rest = code.splitlines()
    half = len(rest) // 2
    while not rest[half].startswith("    ") or rest[half].startswith("        "):
        half += 1
    moved = [first.replace("solve", "mine"), *rest[half:], "    # all my own work", *rest[:half]]
    text = "\n".join(moved)
    for old, new in (("v", "value"), ("i", "index")):
        for number in range(99, -1, -1):
            text = text.replace(f" {old}{number} ", f" {new}_{number} ")
    return text.replace("[4]", "[7]") + "\n"


COMMON = "def everybody(a, b):\n" + "".join(f"    a = a + b[{at}] * (a - {at}) / b.sum()\n" for at in range(30))


def test_planted_copies_are_the_first_pairs() -> None:
    sources = [AnswerSource(f"s{seed:02}", {"toy.py": COMMON + answer(seed)}) for seed in range(24)]
    sources += [AnswerSource("copy-of-3", {"toy.py": COMMON + disguised(answer(3))})]
    sources += [AnswerSource("old/copy-of-5", {"toy.py": disguised(answer(5))}, old=True)]
    sources += [AnswerSource("old/alone", {"toy.py": answer(77)}, old=True)]
    found = pairs(sources, [])
    first = {frozenset((pair.one, pair.other)) for pair in found[:2]}
    assert first == {frozenset(("s03", "copy-of-3")), frozenset(("s05", "old/copy-of-5"))}
    assert all(pair.worth < found[1].worth / 3 for pair in found[2:])
    assert {file for file, _ in found[0].lines[0]} == {"toy.py"}


def test_two_honest_answers_in_the_one_obvious_way_are_none() -> None:
    reference = COMMON + "def solve(x):\n" + "".join(f"    x = x.pad({at}).sum(1) * x\n" for at in range(30))
    sources = [AnswerSource("a", {"toy.py": reference}), AnswerSource("b", {"toy.py": reference.replace("x", "y")})]
    assert pairs(sources, [{"toy.py": reference}]) == ()
    many = [AnswerSource(f"s{number}", {"toy.py": COMMON}) for number in range(30)]
    assert pairs(many, []) == ()


def test_equal_comments_are_told_and_text_is_inert() -> None:
    remark = "# the <b>window</b> moves one step at a time"
    sources = [AnswerSource(name, {"toy.py": f"{remark}\nx = {at}\n"}) for at, name in enumerate(("a", "<script>b"))]
    sources += [AnswerSource(f"s{seed}", {"toy.py": answer(seed)}) for seed in range(20)]
    found = pairs(sources, [])
    told = [(pair.one, pair.other, pair.comments) for pair in found if pair.comments]
    assert told == [("a", "<script>b", (remark[2:],))]
    page = render_similarity(found, sources, ASSIGNMENT)
    assert "<script>b" not in page
    assert "<b>window</b>" not in page
    assert "&lt;b&gt;window" in page


@pytest.mark.parametrize("text", ["def f(:\n", "'''", "\x00", "if x:\n  y\n z\n", ""])
def test_what_is_no_python_is_read_as_far_as_it_goes(text: str) -> None:
    assert pairs([AnswerSource("a", {"toy.py": text}), AnswerSource("b", {"toy.py": text})], []) == ()


def test_a_class_gives_a_list_that_a_person_can_read() -> None:
    """Of 80 answers no more than 50 pairs come out, and a copy is the first."""
    sources = [AnswerSource(f"s{seed}", {"toy.py": answer(seed, 30)}) for seed in range(80)]
    found = pairs([*sources, AnswerSource("copy", {"toy.py": disguised(answer(11, 30))})], [])
    assert len(found) <= 50
    assert {found[0].one, found[0].other} == {"s11", "copy"}
