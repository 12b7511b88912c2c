"""Differences between a class's scores and those of an earlier grading into the same folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.course.result import SubmissionResult
from autograder.rounding import number

__all__ = ["ScoreChange", "score_changes"]


@dataclass(frozen=True)
class ScoreChange:
    """One submission's score before and now; `questions` are (id, before, now) of those that differ."""

    submission: str
    before: float
    now: float
    questions: tuple[tuple[str, float, float], ...]

    def __str__(self) -> str:
        """The change in one line.

        >>> str(ScoreChange("kim-1-A6-O1", 74.8, 87.3, (("conv-backward", 1.96, 11.0),)))
        'kim-1-A6-O1  74.8 → 87.3, conv-backward 1.96 → 11'
        """
        parts = [f"{self.submission}  {number(self.before)} → {number(self.now)}"]
        parts += [f"{id} {number(before)} → {number(now)}" for id, before, now in self.questions]
        return ", ".join(parts)


def score_changes(
    before: Mapping[str, SubmissionResult], results: Sequence[SubmissionResult]
) -> tuple[ScoreChange, ...]:
    """Submissions whose score, or a question's score, differs from an earlier run; largest change first.

    Args:
        before: results of the earlier run, by submission.
    """
    found = []
    for now in results:
        earlier = before.get(now.submission)
        if earlier is None:
            continue
        scores = {question.id: question.score for question in earlier.questions}
        questions = tuple(
            (question.id, scores[question.id], question.score)
            for question in now.questions
            if question.id in scores and scores[question.id] != question.score
        )
        if questions or earlier.score != now.score:
            found.append(ScoreChange(now.submission, earlier.score, now.score, questions))
    return tuple(sorted(found, key=lambda change: (-abs(change.now - change.before), change.submission)))
