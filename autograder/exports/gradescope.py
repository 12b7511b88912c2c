"""A result as Gradescope's results.json. Pure.

Each question is one test, with the text that its student may see, as plain text: the default of the top-level output
is HTML. There is no seed, no text for instructors, and no leaderboard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.gradebook.facts import Terms
from autograder.gradebook.late import standing
from autograder.gradebook.wording import elapsed
from autograder.reports.findings.view import CaseGroup, QuestionView, StudentView, student_view
from autograder.rounding import hundredths, number

__all__ = ["lateness", "results", "unreadable"]

MAX_TEXT = 5000  # characters of one question


def lateness(metadata: Mapping[str, Any], grace_minutes: float) -> int:
    """Seconds after the deadline and the grace; 0 if in time.

    Each user has an own deadline, which includes an extension. For a group, the latest deadline counts.

    Raises:
        ValueError: the metadata have no time of handing in, or no deadline.
    """
    users = metadata.get("users") or []
    own = [user["assignment"]["due_date"] for user in users if (user.get("assignment") or {}).get("due_date")]
    due = own or [(metadata.get("assignment") or {}).get("due_date")]
    try:
        came = datetime.fromisoformat(metadata["created_at"])
        deadline = max(datetime.fromisoformat(each) for each in due)
    except (KeyError, TypeError):
        raise ValueError("submission_metadata.json does not say when it came in, or when it was due") from None
    return max(int((came - deadline - timedelta(minutes=grace_minutes)).total_seconds()), 0)


def results(result: SubmissionResult, assignment: Assignment, terms: Terms, late: int) -> dict[str, Any]:
    """The content of results.json.

    Args:
        late: seconds of lateness. Free days are counted over the term. With them the score is the one before
            lateness, and the output says so.

    Raises:
        ValueError: the grader had a fault, so there is no score.
    """
    if not result.graded:
        raise ValueError("this result met a fault of the grader's")
    view = student_view(result, assignment)
    checks = hundredths(result.score)
    found = standing(checks, terms.points, late, 0, terms.policy)
    by_term = bool(terms.policy.free_days)
    data = _around((checks if by_term else found.cents) / 100, "\n".join(_message_lines(view, result, terms, late)))
    data["execution_time"] = round(result.seconds)
    data["extra_data"] = {
        "autograder": {
            "suite": result.fingerprint.partition("-")[0][:12],
            "isolation": result.isolation.get("level", ""),
        }
    }
    data["tests"] = [
        _test(place, question, view.stopped.get(question.file)) for place, question in enumerate(view.questions, 1)
    ]
    return data


def unreadable(why: str) -> dict[str, Any]:
    """The content of results.json if nothing can be graded. `why` is for the student."""
    return _around(0, why)


def _around(score: float, output: str) -> dict[str, Any]:
    """The fields around the tests. Gradescope hides the total if one test is hidden, so none is."""
    return {
        "score": score,
        "output": output,
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
    }


def _message_lines(view: StudentView, result: SubmissionResult, terms: Terms, late: int) -> Sequence[str]:
    found = standing(hundredths(result.score), terms.points, late, 0, terms.policy)
    lines = [f"{number(result.score)} from the checks, of {number(result.max_score)}."]
    if late and terms.policy.free_days:
        lines.append(f"Late by {elapsed(late)}; free days are counted over the term, so nothing is taken off here.")
    elif late and found.percent is None:
        lines.append(f"Late by {elapsed(late)}: not accepted.")
    elif late:
        lines.append(f"Late by {elapsed(late)}: {number(found.taken / 100)} taken off.")
    if view.review:
        lines.append("Not final: a person reads this option.")
    if not view.final:
        lines.append("Not final: checks that wait for a device or for more time are decided later.")
    if view.whole:
        lines.append(_words(view.whole))
    return [*lines, *view.notes]


def _test(place: int, question: QuestionView, stopped: CaseGroup | None) -> dict[str, Any]:
    test: dict[str, Any] = {
        "number": str(place),
        "name": question.title,
        "score": question.score,
        "max_score": question.points,
        "status": "passed" if question.score >= question.points else "failed",
    }
    if question.outcome is not None:
        test["output"] = _output(question, stopped)[:MAX_TEXT]
    return test


def _output(question: QuestionView, stopped: CaseGroup | None) -> str:
    if not question.final:
        return "Not decided yet."
    wrong = [group for group in question.groups if group.outcome is not Outcome.PASSED]
    messages = [_words(stopped)] if stopped else [_words(group) for group in wrong]
    if question.depends:
        messages.insert(0, f"This needs what does not work yet: {', '.join(question.depends)}.")
    count = f"{question.passed} of {question.total} checks passed" if question.total else ""
    return "\n\n".join(filter(None, (count, *messages)))


def _words(group: CaseGroup) -> str:
    head = f"{group.example}: {group.message}" if group.example else group.message
    hint = f"Hint: {group.hint}" if group.hint else ""
    where = f"At {group.location}" if group.location else ""
    return "\n".join(filter(None, (head or str(group.outcome).replace("_", " "), hint, where)))
