"""One thing that a question may rule out: plain data and patterns, for the grader's side and for workers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule:
    """One thing that a question may rule out.

    Attributes:
        name: as manifests write it, `convolution`.
        says: what it covers, in words for the student.
        operators: regular expressions; an operator in whose name one is found is ruled out.
        source: regular expressions; a dotted name that one matches as a whole, in upper or lower case, is reported.
        allowed: regular expressions of whole names of operators that are not ruled out all the same, with the reason.
        engine: "autograd" where torch's automatic differentiation as a whole is ruled out; "" otherwise.
    """

    name: str
    says: str
    operators: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    allowed: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""

    def matches(self, operator: str) -> bool:
        """Whether an operator, `aten::conv2d`, is one that this rule has to decide about."""
        return self._operators is not None and self._operators.search(operator) is not None

    def covers(self, operator: str) -> bool:
        """Whether this operator is ruled out."""
        return self.matches(operator) and not (self._allowed and self._allowed.fullmatch(operator))

    def names(self, dotted: str) -> bool:
        """Whether a dotted name in a source text, `torch.nn.functional.conv2d`, stands for what is ruled out."""
        return self._source is not None and self._source.fullmatch(dotted) is not None

    def plain(self) -> dict[str, Any]:
        """This rule as plain data, which `Rule.read` turns back: how it travels to where workers are made."""
        return asdict(self)

    @staticmethod
    def read(plain: Mapping[str, Any]) -> Rule:
        """The rule that `plain` made. JSON has turned its tuples into lists."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()
        }
        return Rule(**values)

    @cached_property
    def _operators(self) -> re.Pattern[str] | None:
        return _any_of(self.operators)

    @cached_property
    def _allowed(self) -> re.Pattern[str] | None:
        return _any_of(self.allowed)

    @cached_property
    def _source(self) -> re.Pattern[str] | None:
        return _any_of(self.source, re.IGNORECASE)


def _any_of(patterns: Iterable[str], flags: int = 0) -> re.Pattern[str] | None:
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(joined, flags) if joined else None
