"""The seconds that each phase of a grading takes. Each second counts for one phase only: the innermost.

>>> with measured() as phases:
...     with phase("calls"):
...         with phase("import"):  # its seconds count for "import" only
...             ...
>>> phases.seconds
{'import': 0.41, 'calls': 0.02}
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["PHASES", "RUN_PHASES", "Phases", "measured", "phase"]

# The phases of a grading, in their order.
PHASES = {
    "receive": "unpack the archive and find the files",
    "clean": "put answers on clean files, find edits and forbidden names",
    "start": "start workers",
    "import": "import the submission in workers",
    "calls": "calls of the submission",
    "train": "trainings of the submission",
    "reference": "calls of the reference and of oracles",
    "checks": "draw inputs, compare values",
    "wait": "wait for a free core or GPU",
    "races": "measure running times",
    "mistakes": "name mistakes",
    "notebooks": "run notebooks",
    "rest": "everything else",
}
WITH_CALLS = ("train", "races")  # calls of the submission in these phases belong to them
# The phases of a run of `autograder grade`, in their order.
RUN_PHASES = {
    "open": "find submissions and earlier results",
    "start": "until the first submission could be graded",
    "grade": "wait for results",
    "write": "write each result and its page",
    "reference": "wait for the grading of the reference",
    "class": "write the pages of the class",
    "rest": "everything else",
}


class Phases:
    """A clock that runs for the innermost phase.

    Args:
        now: returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._now, self._names, self._since = now, ["rest"], now()

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        self._charge()
        now = self._names[-1]
        self._names.append(now if name == "calls" and now in WITH_CALLS else name)
        try:
            yield
        finally:
            self._charge()
            self._names.pop()

    def _charge(self) -> None:
        """Add the seconds since the last call to the innermost phase."""
        now, name = self._now(), self._names[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


_current: ContextVar[Phases | None] = ContextVar("phases", default=None)


@contextmanager
def measured() -> Iterator[Phases]:
    """The phases of the code in this block. They are complete when the block ends."""
    phases = Phases()
    token = _current.set(phases)
    try:
        with phases.within("rest"):
            yield phases
    finally:
        _current.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Charge the time in this block to the phase `name`. Outside `measured` it does nothing."""
    phases = _current.get()
    if phases is None:
        yield
        return
    with phases.within(name):
        yield
