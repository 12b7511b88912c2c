"""A rule: operators and names that a question rules out. Grader and workers both use it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule:
    """Operators and names that a question may rule out.

    Attributes:
        name: its name in manifests, `convolution`.
        says: the ruled-out operations, in words for the student.
        operators: regular expressions. An operator is ruled out if one is found in its name.
        source: regular expressions. A dotted name in the source is reported if one matches all of it, ignoring case.
        allowed: regular expressions for whole names of operators that stay allowed, each with the reason.
        engine: "autograd" to rule out torch's automatic differentiation as a whole, else "".
    """

    name: str
    says: str
    operators: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    allowed: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""

    def matches(self, operator: str) -> bool:
        """True if a pattern of this rule is found in an operator's name, `aten::conv2d`, allowed or not."""
        return self._operators is not None and self._operators.search(operator) is not None

    def covers(self, operator: str) -> bool:
        """True if this operator is ruled out."""
        return self.matches(operator) and not (self._allowed and self._allowed.fullmatch(operator))

    def names(self, dotted: str) -> bool:
        """True if a dotted name in the source, `torch.nn.functional.conv2d`, is ruled out."""
        return self._source is not None and self._source.fullmatch(dotted) is not None

    def plain(self) -> dict[str, Any]:
        """This rule as plain data, for workers. `Rule.read` reads it."""
        return asdict(self)

    @staticmethod
    def read(plain: Mapping[str, Any]) -> Rule:
        """A rule from the data of `plain`. JSON has turned its tuples into lists."""
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
