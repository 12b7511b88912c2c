"""Times the contestants on the same class, turn by turn, and refuses to compare them where their scores differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contestants import Cases, Contestant, FreshPytest, Otter, Round, Scores, ThisGrader
from courses import Suite
from figures import Figure, ratios
from otterzip import otter_zip
from submissions import make_class, unpacked_reference

__all__ = ["Comparison", "Row", "compare", "differences"]

SEED = 7
JOBS = 2
CENT = 0.01  # scores are rounded to hundredths by question


@dataclass(frozen=True)
class Row:
    """One contestant's figures.

    Attributes:
        startup: before the first submission's turn; None where there is no such phase.
        speedup: how many times a fresh pytest each takes as long, round by round; None for itself and where the
            rounds were not the same.
    """

    name: str
    seconds: Figure
    cpu: Figure
    startup: Figure | None = None
    speedup: Figure | None = None
    warm_speedup: Figure | None = None


@dataclass(frozen=True)
class Comparison:
    """All contestants on one suite.

    Attributes:
        differences: where scores differ, in words; empty if the contestants computed the same.
    """

    title: str
    submissions: int
    checks: int
    jobs: int
    rows: tuple[Row, ...]
    differences: tuple[str, ...]


def compare(suite: Suite, scratch: Path, count: int, rounds: int, *, otter: bool = True) -> Comparison:
    """Grade `count` submissions with every contestant, `rounds` times in turn; with otter once, it takes so long."""
    submissions = scratch / "submissions"
    make_class(suite, submissions, count)
    ours, fresh = ThisGrader(suite, SEED, JOBS), FreshPytest(suite, SEED, JOBS)
    cases = _warm_up(suite, fresh, scratch / "warm-up")
    contestants: list[tuple[Contestant, int]] = [(ours, rounds), (fresh, rounds)]
    if otter:
        contestants.append((Otter(suite, otter_zip(suite, cases, SEED, scratch / "otter"), JOBS), 1))
    played: dict[str, list[Round]] = {contestant.name: [] for contestant, _ in contestants}
    for turn in range(rounds):
        for contestant, times in contestants:
            if turn < times:
                out = scratch / f"{contestant.name} {turn}"
                out.mkdir()
                played[contestant.name].append(contestant.grade(submissions, out))
    rows = tuple(_row(name, results, played[fresh.name]) for name, results in played.items())
    scores = {name: results[0].scores for name, results in played.items()}
    checks = sum(len(verdicts) for verdicts in cases.values())
    return Comparison(suite.title, count, checks, JOBS, rows, tuple(differences(scores, ours.name)))


def _warm_up(suite: Suite, fresh: FreshPytest, folder: Path) -> Cases:
    """Let everyone find compiled files and warm disk caches; the reference's cases, by question."""
    fresh.check(unpacked_reference(suite, folder))
    return fresh.verdicts(folder)


def _row(name: str, results: Sequence[Round], fresh: Sequence[Round]) -> Row:
    """Speedups pair rounds of the same minutes; a contestant with fewer rounds is paired with the first ones."""
    seconds = _figure(result.seconds for result in results)
    baseline = _figure(result.seconds for result in fresh[: len(results)])
    row = Row(name, seconds, _figure(result.cpu for result in results))
    if results is fresh:
        return row
    startup = _figure(result.startup for result in results)
    if not any(startup.values):
        return Row(name, seconds, row.cpu, None, ratios(baseline, seconds))
    warm = _figure(result.seconds - result.startup for result in results)
    return Row(name, seconds, row.cpu, startup, ratios(baseline, seconds), ratios(baseline, warm))


def _figure(values: Iterator[float]) -> Figure:
    return Figure(tuple(values), "s")


def differences(scores: dict[str, Scores], ours: str) -> Iterator[str]:
    """Every question that somebody scores otherwise than this grader."""
    for submission, questions in scores[ours].items():
        for question, points in questions.items():
            for name, others in scores.items():
                found = others[submission].get(question, 0.0)
                if abs(found - points) > CENT:
                    yield f"{submission} / {question}: {ours} {points:g}, {name} {found:g}"
