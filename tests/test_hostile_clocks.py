"""Tricks against the clock gain nothing: on an assignment's own questions, each beside the same slow code without it.

The tricks stand in `submissions/hostile/clocks/`, one file each, to be put at the end of a module whose convolution is
right and slow, far beyond what earns half of the points. All of that runs in the submission's worker; the clock, the
comparison and the baseline are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult
from autograder.grading.client import GradingProcess
from autograder.grading.mutants.matrix import load_mutants
from autograder.grading.order import Order

COURSE = Course.find(Path(__file__))
TRICKS = {path.stem: path for path in sorted((Path(__file__).parent / "submissions/hostile/clocks").glob("*.py"))}
SLOW, QUESTION = "conv-forward-filter-by-filter", "conv-speed"
HONEST = "no_trick"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, QuestionResult]]:
    """What becomes of the slow question, by trick."""
    assignment = COURSE.assignment("a6")
    slow = next(mutant.source for mutant in load_mutants(COURSE, assignment) if mutant.id == SLOW)
    sources = {HONEST: slow} | {name: f"{slow}\n\n{path.read_text()}" for name, path in TRICKS.items()}
    folders = {name: tmp_path_factory.mktemp(name) for name in sources}
    for name, folder in folders.items():
        (folder / assignment.files[0]).write_text(sources[name])
    with GradingProcess(Order.of(COURSE, assignment, 7)) as process, ThreadPoolExecutor(2) as executor:
        graded = executor.map(process.grade_as_it_is, folders.values(), folders, [(QUESTION,)] * len(folders))
        yield {result.submission: next(each for each in result.questions if each.id == QUESTION) for result in graded}


def test_slow_work_loses_what_is_slow(results: dict[str, QuestionResult]) -> None:
    forward, backward = results[HONEST].cases
    assert (forward.outcome, forward.credit) == (Outcome.TOO_SLOW, 0.0)
    assert backward.credit == 1.0, f"{backward.outcome}: {backward.message} {backward.timing}"


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_gains_nothing(
    results: dict[str, QuestionResult], trick: str, record_property: Callable[[str, object], None]
) -> None:
    over = round(results[trick].score - results[HONEST].score, 2)
    record_property("attack", {"name": f"clocks: {trick}", "over": over, "leaked": "nothing", "harmed": "nobody"})
    assert results[trick].score <= results[HONEST].score
    forward = results[trick].cases[0]
    assert forward.credit == 0.0, f"{forward.outcome}: {forward.message} {forward.timing}"
