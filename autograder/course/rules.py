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
import tomllib
from pathlib import Path
from typing import Any

from autograder.course.rule import Rule
from autograder.course.table import Table
from autograder.errors import UsageError

__all__ = ["load_rules"]

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ENGINES = ("autograd",)


def load_rules(path: Path) -> dict[str, Rule]:
    """The rules of a course by name; empty if it has no such file.

    Raises:
        ManifestError: a key is missing, unknown or of the wrong type, or a pattern is no regular expression.
        UsageError: the file cannot be read, or is not TOML.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    return {name: _rule(path, name, entry) for name, entry in data.items()}


def _rule(path: Path, name: str, entry: Any) -> Rule:
    table = Table(path, "", {name: entry})
    if not NAME.fullmatch(name):
        raise table.wrong(name, name, "lower-case words joined by hyphens")
    table = Table(path, f"{name}.", table.take(name, dict, f"a [{name}] table"))
    rule = Rule(
        name=name,
        says=table.text("says"),
        operators=_patterns(table, "operators"),
        source=_patterns(table, "source"),
        allowed=_allowed(table),
        engine=table.text("engine", re.compile("|".join(ENGINES)), f"one of {', '.join(ENGINES)}", default=""),
    )
    table.done()
    if not (rule.operators or rule.source or rule.engine):
        raise table.wrong("operators", "nothing", "a pattern in operators or source, or an engine")
    return rule


def _patterns(table: Table, key: str) -> tuple[str, ...]:
    patterns = table.texts(key, re.compile(r"(?s).+"), "a regular expression")
    for index, pattern in enumerate(patterns):
        _check(table, f"{key}[{index}]", pattern)
    return patterns


def _allowed(table: Table) -> dict[str, str]:
    allowed = table.take("allowed", dict, "an [….allowed] table", {})
    for pattern, reason in allowed.items():
        _check(table, f"allowed.{pattern}", pattern)
        if not isinstance(reason, str) or not reason.strip():
            raise table.wrong(f"allowed.{pattern}", reason, "the reason why it is allowed")
    return allowed


def _check(table: Table, key: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise table.wrong(key, pattern, f"a regular expression ({error})") from None
