"""Where the time of a grading goes: seconds by phase, each second in one phase only.

>>> with measured() as phases:
...     with phase("calls"):
...         with phase("import"):  # its seconds are not the calls'
...             ...
>>> phases.seconds
{'import': 0.41, 'calls': 0.02}
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["PHASES", "Phases", "measured", "phase"]

# What a grading does, in the order in which it does it.
PHASES = {
    "receive": "unpack the archive and find the files",
    "clean": "put answers on clean files, look for edits and for what is ruled out",
    "start": "start workers",
    "import": "let workers import the submission",
    "calls": "what checks ask of the submission",
    "reference": "what checks ask of the reference and of oracles",
    "checks": "draw inputs, compare values",
    "races": "measure running times",
    "mistakes": "name mistakes",
    "notebooks": "run notebooks",
    "rest": "all else",
}


class Phases:
    """A clock that runs for the innermost phase.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._now, self._names, self._since = now, ["rest"], now()

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        self._book()
        self._names.append(name)
        try:
            yield
        finally:
            self._book()
            self._names.pop()

    def _book(self) -> None:
        """Give the innermost phase the seconds since the last time."""
        now, name = self._now(), self._names[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


_current: ContextVar[Phases | None] = ContextVar("phases", default=None)


@contextmanager
def measured() -> Iterator[Phases]:
    """Phases for what is done inside; complete when the block ends."""
    phases = Phases()
    token = _current.set(phases)
    try:
        with phases.within("rest"):
            yield phases
    finally:
        _current.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """The time inside is this phase's, where anybody measures."""
    phases = _current.get()
    if phases is None:
        yield
        return
    with phases.within(name):
        yield
