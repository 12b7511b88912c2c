"""In which order a class is graded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from autograder.course.model import Assignment, Component, Limits, Question
from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult, QuestionResult, SubmissionInfo, SubmissionResult
from autograder.grading.batch import Batch, GradingRun
from autograder.submission.receive.inbox import Inbox

DUE = datetime(2030, 1, 1, tzinfo=UTC)
ASSIGNMENT = Assignment("x1", "x1_things", 1, "Things", DUE, (Component("things"),), (), (), Limits())


def batch(names: str, took: dict[str, float], kept: str = "") -> Batch:
    """A batch of submissions of one letter each, some of which took so many seconds in an earlier run."""
    results = {
        name: SubmissionResult("x1", SubmissionInfo(name), 1.0, 1.0, (), 0, seconds=took.get(name, 0.0))
        for name in names
    }
    return Batch(
        run=GradingRun("x1", "suite", 0),
        assignment=ASSIGNMENT,
        inbox=Inbox(ASSIGNMENT, {name: Path(name) for name in names}),
        prints={},
        kept={name: results[name] for name in kept},
        partial={},
        gaps={},
        before={name: results[name] for name in took},
    )


def test_the_longest_of_an_earlier_run_come_first() -> None:
    assert list(batch("abcd", {"a": 1.0, "b": 30.0, "c": 5.0, "d": 9.0}).missing) == ["b", "d", "c", "a"]


def test_a_new_submission_counts_as_usual() -> None:
    found = batch("abc", {"a": 2.0, "c": 4.0})
    assert list(found.missing) == ["c", "b", "a"]
    assert found.expected == {"a": 2.0, "b": 3.0, "c": 4.0}


def test_a_result_to_complete_counts_with_the_questions_that_run_again() -> None:
    asked = tuple(Question(id, id, 1.0, id, "things") for id in ("fast", "slow"))
    questions = tuple(
        QuestionResult(id, id, 1.0, 1.0, Outcome.TOO_NOISY, (CaseResult("a", Outcome.TOO_NOISY, seconds=took),) * 2)
        for id, took in (("fast", 0.5), ("slow", 20.0))
    )
    whole = batch("ab", {"a": 41.0, "b": 9.0})
    found = replace(
        whole,
        assignment=replace(ASSIGNMENT, questions=asked),
        partial={"a": replace(whole.before["a"], questions=questions)},
        gaps={"a": frozenset({("fast", "a")})},
    )
    assert found.expected == {"a": 1.0, "b": 9.0}
    assert list(found.missing) == ["b", "a"]


def test_a_first_run_keeps_the_order_of_names() -> None:
    assert list(batch("abc", {}).missing) == ["a", "b", "c"]


def test_what_is_kept_is_not_graded() -> None:
    assert list(batch("abc", {"a": 1.0, "b": 2.0, "c": 3.0}, kept="c").missing) == ["b", "a"]


def test_a_result_without_confinement_does_not_hold_in_a_run_that_confines(tmp_path: Path) -> None:
    run = GradingRun("x1", "suite", 0)
    names = {name: tmp_path / name for name in ("confined", "unconfined")}
    for path in names.values():
        path.mkdir()
    case = CaseResult("c", Outcome.PASSED)
    question = QuestionResult("q", "Q", 1.0, 1.0, Outcome.PASSED, (case,))
    results = {
        name: SubmissionResult(
            *("x1", SubmissionInfo(name), 1.0, 1.0, (question,), 0),
            isolation={"level": "D" if name == "unconfined" else "C"},
            fingerprint=run.fingerprint(path),
        )
        for name, path in names.items()
    }
    inbox = Inbox(ASSIGNMENT, names)
    for unsafe, kept in ((True, {"confined", "unconfined"}), (False, {"confined"})):
        found = Batch.open(run, ASSIGNMENT, tmp_path, inbox, results.get, unsafe=unsafe)
        assert found.kept.keys() == kept
        assert found.before.keys() == names.keys()
