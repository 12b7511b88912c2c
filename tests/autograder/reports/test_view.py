"""What a student may see: nothing else reaches the page, whatever the result holds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.reports import render_student, student_view

# Secrets are marked by letters that no page of ours contains, so that finding one means that it leaked.
MARK = "ЖѪ"
secrets = st.integers(0, 10**9).map(lambda number: f"{MARK}{number}")
outcomes = st.sampled_from(Outcome)


@st.composite
def cases(draw: st.DrawFn, secret: frozenset[str]) -> CaseResult:
    """A case in which each field named in `secret`, and `detail`, carries the mark; the others don't."""
    outcome = draw(outcomes)
    hidden = secret | ({"message", "hint", "location"} if outcome is Outcome.GRADER_ERROR else set())
    texts = {
        field: draw(secrets) if field in hidden else draw(st.sampled_from(["", "a word"]))
        for field in ("message", "hint", "location")
    }
    id = draw(secrets) if "id" in secret else f"check[{draw(st.integers(0, 3))}]"
    title = draw(secrets) if "id" in secret else draw(st.sampled_from(["", "The output is right"]))
    return CaseResult(id, outcome, **texts, detail=f"{MARK} detail {draw(secrets)}", title=title)


# By question. The student sees only the score of a question that the assignment lacks.
SECRET = {"hints": frozenset[str](), "unnamed": frozenset({"message", "hint", "location", "id"})}


@st.composite
def results(draw: st.DrawFn) -> SubmissionResult:
    questions = []
    for id, secret in SECRET.items():
        found = tuple(draw(st.lists(cases(secret), max_size=4)))
        questions.append(QuestionResult(id, id, 10, 5, Outcome.of(case.outcome for case in found), found))
    return SubmissionResult("a1", SubmissionInfo("someone"), 15, 30, tuple(questions), seed=918273645)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results())
def test_nothing_hidden_reaches_the_students_page(small: Assignment, result: SubmissionResult) -> None:
    page = render_student(result, small)
    assert MARK not in page
    assert MARK not in repr(student_view(result, small))
    assert str(result.seed) not in page


def one_case(case: CaseResult, question: str = "hints") -> SubmissionResult:
    found = QuestionResult(question, "Title", 10, 4, case.outcome, (case,))
    return SubmissionResult("a1", SubmissionInfo("someone"), 4, 30, (found,), seed=1)


CASE = CaseResult("matches[wide]", Outcome.FAILED, "off by one row", "look at the padding", "small.py:7", "secret")


def test_cause_hint_location_and_case_are_shown(small: Assignment) -> None:
    page = render_student(one_case(CASE), small)
    for text in ("off by one row", "look at the padding", "small.py:7", "matches", "wide", "failed"):
        assert text in page


def test_a_question_that_the_assignment_lacks_shows_its_score_only(small: Assignment) -> None:
    (question,) = student_view(one_case(CASE, "unnamed"), small).questions
    assert (question.score, question.outcome, question.groups, question.total) == (4, None, (), 0)
    assert "failed" not in render_student(one_case(CASE, "unnamed"), small).partition("<main>")[2]


def test_a_score_that_waits_is_said_not_to_be_final(small: Assignment) -> None:
    for question in SECRET:
        for outcome in (Outcome.PENDING, Outcome.GRADER_ERROR):
            page = render_student(one_case(replace(CASE, outcome=outcome), question), small)
            assert "This score is not final" in page
        assert "This score is not final" not in render_student(one_case(CASE, question), small)


def test_one_cause_is_told_once(small: Assignment) -> None:
    alike = [replace(CASE, id=id) for id in ("matches[wide]", "dtype", "matches[tall]")]
    other = replace(CASE, id="empty", message="another cause")
    passed = CaseResult("first", Outcome.PASSED)
    question = QuestionResult("hints", "Title", 10, 2, Outcome.FAILED, (passed, *alike, other))
    result = SubmissionResult("a1", SubmissionInfo("someone"), 2, 30, (question,), seed=1)
    groups = student_view(result, small).questions[0].groups
    assert [group.count for group in groups] == [3, 1, 1]
    assert groups[0].checks == (("matches", ("wide", "tall")), ("dtype", ()))
    titled = replace(question, cases=tuple(replace(case, title="Is right") for case in alike))
    (group,) = student_view(replace(result, questions=(titled,)), small).questions[0].groups
    assert group.checks == (("Is right", ("wide", "tall")), ("Is right", ()))
    assert groups[-1].outcome is Outcome.PASSED
    assert render_student(result, small).count("off by one row") == 1


def test_option_late_and_notes_are_said(small: Assignment) -> None:
    info = SubmissionInfo(
        "kim-1-A1-O2",
        "Kim",
        "1",
        "2",
        members=(("1", "Kim Minjun"), ("2", "Lee")),
        submitted_at="2022-12-03T02:09:00+09:00",
        late=True,
        notes=("the files lie in a folder",),
    )
    page = render_student(replace(one_case(CASE), info=info, scale=0.5), small)
    for text in ("Late by 2 h 10 min", "Not own work", "gives 50 %", "the files lie in a folder", "Lee"):
        assert text in page
    assert "Kim Minjun" not in page  # the same person under the same id


def test_what_was_graded_and_how_is_said(small: Assignment) -> None:
    result = replace(
        one_case(CASE),
        environment={"torch": "2.13.0"},
        isolation={"level": "B", "layers": {"landlock": True, "cgroup": False}},
        fingerprint="0123456789abcdef",
    )
    page = render_student(result, small)
    assert "torch 2.13.0" in page
    assert "Level B: landlock" in page
    assert "cgroup" not in page
    assert "0123456789" in page


def test_a_question_opens_where_there_is_something_to_mend(small: Assignment) -> None:
    opened = {
        outcome: " open>" in render_student(one_case(replace(CASE, outcome=outcome)), small) for outcome in Outcome
    }
    assert {outcome for outcome, is_open in opened.items() if not is_open} == {Outcome.PASSED, Outcome.NOT_ATTEMPTED}
