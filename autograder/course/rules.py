"""Reads the course's rules.toml. Rules are data of the course: the engine knows none by name.

    [convolution]
    says = "torch's convolution or unfold"           # for students: "used …, which this question rules out"
    operators = ["conv", "im2col"]                   # found in the names of forbidden operators
    source = ['torch\\.nn\\.functional\\.conv\\dd']  # dotted names that are reported in the source

    [convolution.allowed]
    "aten::unfold" = "A view of windows; it computes nothing."

Patterns are regular expressions. An operator's name is the one that torch registers, without the overload:
"aten::conv2d". An operator is ruled out if an entry of `operators` is found in its name and no key of `allowed` matches
the whole name. A pattern should be broad: then a new operator of a later torch is ruled out until a person allows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from autograder.course.model import Text
from autograder.course.rule import Rule
from autograder.course.table import Wrong, read_table, read_toml
from autograder.errors import ManifestError

__all__ = ["load_rules"]

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RegularExpression = Annotated[str, Meta(min_length=1, description="a regular expression")]


@dataclass(frozen=True)
class _Table:
    """A rule's table."""

    says: Text
    operators: tuple[RegularExpression, ...] = ()
    source: tuple[RegularExpression, ...] = ()
    allowed: dict[str, Any] = field(default_factory=dict)
    engine: Annotated[Literal["", "autograd"], Meta(description="one of autograd")] = ""

    def __post_init__(self) -> None:
        for pattern, reason in self.allowed.items():
            if not isinstance(reason, str) or not reason.strip():
                raise Wrong(f"allowed.{pattern}", reason, "the reason why it is allowed")
        for key, pattern in self._patterns():
            try:
                re.compile(pattern)
            except re.error as error:
                raise Wrong(key, pattern, f"a regular expression ({error})") from None
        if not (self.operators or self.source or self.engine):
            raise Wrong("operators", "nothing", "a pattern in operators or source, or an engine")

    def _patterns(self) -> Iterator[tuple[str, str]]:
        """Every pattern, with its key."""
        for key in ("operators", "source"):
            yield from ((f"{key}[{index}]", pattern) for index, pattern in enumerate(getattr(self, key)))
        yield from ((f"allowed.{pattern}", pattern) for pattern in self.allowed)


def load_rules(path: Path) -> dict[str, Rule]:
    """The rules of a course by name; empty if it has no such file.

    Raises:
        ManifestError: a key is missing, unknown or of the wrong type, or a pattern is no regular expression.
        UsageError: the file cannot be read, or is not TOML.
    """
    rules: dict[str, Rule] = {}
    for name, table in (read_toml(path) if path.exists() else {}).items():
        if not NAME.fullmatch(name):
            raise ManifestError(path, name, found=name, wanted="lower-case words joined by hyphens")
        rules[name] = Rule(name, **vars(read_table(path, table, _Table, f"{name}.")))
    return rules
