"""A student's module in this process, under the rules of a question. Public checks refuse the same uses as grading.

The guards are those of grading. They are on only during a request, because this process may be a notebook's kernel.
Given code in the student's file, `FastConv` for example, may use operators that answers may not use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.course.rule import Rule
from autograder.errors import ForbiddenUse, Location, StudentError
from autograder.sandbox.channel.refs import Ref
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.worker.guards import CoveredCache, Guard

__all__ = ["Watch", "WatchedChannel", "unwatched"]

_paused = 0


@contextmanager
def unwatched() -> Iterator[None]:
    """Watch no request in this block. Timed calls use it, after one watched call."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


class Watch:
    """Adds rules to this process, and lifts them again.

    Args:
        rules: of the course, by name.
        own: paths of the student's files.
    """

    def __init__(self, rules: Mapping[str, Rule], own: Collection[str]) -> None:
        self._rules, self.own = rules, own
        self._places = CoveredCache()

    @contextmanager
    def over(self, names: Sequence[str]) -> Iterator[None]:
        """Watch for these rules. Raises ForbiddenUse at the end if one was broken, whatever was raised inside."""
        guard = Guard([self._rules[name] for name in names], self._places, graph=True)
        try:
            yield
        except StudentError:
            self._judge(guard)
            raise
        finally:
            guard.keep_only(())
        self._judge(guard)

    def _judge(self, guard: Guard) -> None:
        """Raise ForbiddenUse if the guard has seen a forbidden use."""
        for rule, file, line in guard.used(self.own):
            raise ForbiddenUse(self._rules[rule].says, Location(Path(file).name, line) if file else None) from None


class WatchedChannel:
    """A channel to a student's module. Its calls are watched for uses that the question rules out.

    Args:
        names: the names of the rules.
        written: the names in the module that students write. Code under other names is given.
    """

    def __init__(self, channel: LocalChannel, names: Sequence[str], written: Collection[str], watch: Watch) -> None:
        self._channel, self._names, self._written, self._watch = channel, names, written, watch

    def request(self, op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        target = payload.get("target")
        if _paused or not isinstance(target, Ref) or self._is_given(target):
            return self._channel.request(op, payload, timeout)
        with self._watch.over(self._names):
            return self._channel.request(op, payload, timeout)

    def _is_given(self, target: Ref) -> bool:
        return target.handle is None and bool(target.path) and target.path[0] not in self._written
