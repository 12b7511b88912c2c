"""The cost of a single mistake: the points that a mutant loses, of its question and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.course.model import Assignment
from autograder.grading.mutants.file import Mutant
from autograder.grading.mutants.matrix import KillMatrix

__all__ = ["MAX_OF_ALL", "MAX_OF_QUESTION", "Cost", "costs"]

MAX_OF_QUESTION = 0.6  # of a question's points, unless the mistake misses the point of the question
MAX_OF_ALL = 20.0  # of all points, in percent


@dataclass(frozen=True)
class Cost:
    """The points that a mutant loses.

    Attributes:
        share: of its question's points, 0 to 1.
        total: of all points, in percent; counted in the questions whose checks were run on it.
        by_question: the lost points by question, for questions with any.
    """

    mutant: Mutant
    share: float
    total: float
    by_question: dict[str, float]

    @property
    def too_much(self) -> bool:
        """True if this mistake costs more than one of the limits allows."""
        return self.total > MAX_OF_ALL or (self.share > MAX_OF_QUESTION and not self.mutant.point)


def costs(matrix: KillMatrix, mutants: Iterable[Mutant], assignment: Assignment) -> list[Cost]:
    """The costs of mutants, the highest first."""
    found = [_cost(matrix, mutant, assignment) for mutant in mutants]
    return sorted(found, key=lambda cost: (-cost.total, -cost.share, cost.mutant.id))


def _cost(matrix: KillMatrix, mutant: Mutant, assignment: Assignment) -> Cost:
    asked = set(assignment.by_id if mutant.attempt is None else mutant.attempt)
    questions = [question for question in matrix.results[mutant.id].questions if question.id in asked]
    lost = {question.id: round(question.points - question.score, 2) for question in questions}
    own = assignment.by_id[mutant.check.question].points
    whole = sum(question.points for question in assignment.questions)
    return Cost(
        mutant,
        share=round(lost.get(mutant.check.question, 0.0) / own, 4),
        total=round(100 * sum(lost.values()) / whole, 2),
        by_question={id: points for id, points in lost.items() if points},
    )
