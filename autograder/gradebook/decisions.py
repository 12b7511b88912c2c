"""The kinds of decisions: their subjects, their values, and which need a reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from autograder.errors import UsageError
from autograder.gradebook.facts import Decision, Terms, key, stamp
from autograder.rounding import hundredths, number

__all__ = ["KINDS", "TEXTS", "DecisionKind", "read_value", "words"]

MAX_TEXT = 4000
NOTHING = ("null", "none", "")


@dataclass(frozen=True)
class DecisionKind:
    """One kind of decision.

    Attributes:
        about: `student`, `submission`, or `either`: a submission if one is named, else students.
        question: the use of a question in it: "no", "may", or "must".
        value: the permitted values, in words.
        why: True if a reason is required.
    """

    about: str
    question: str
    value: str
    why: bool = False


KINDS: Mapping[str, DecisionKind] = {
    "extension": DecisionKind("student", "no", "hours (48), or an instant as the new deadline", why=True),
    "excused": DecisionKind("student", "no", "true", why=True),
    "arrived": DecisionKind("submission", "no", "an instant, 2022-12-02T23:59:00+09:00"),
    "owner": DecisionKind("submission", "no", "ids, separated by spaces", why=True),
    "counts": DecisionKind("student", "no", "a submission's name"),
    "free_days": DecisionKind("student", "no", "a whole number"),
    "points": DecisionKind("submission", "must", "points of that question", why=True),
    "scale": DecisionKind("submission", "no", "a number from 0 to 1"),
    "adjust": DecisionKind("student", "no", "points, signed", why=True),
    "comment": DecisionKind("submission", "may", "text"),
    "note": DecisionKind("either", "may", "text"),
    "request": DecisionKind("student", "may", "text"),
    "answer": DecisionKind("student", "may", "text"),
    "hold": DecisionKind("student", "no", "text", why=True),
}
TEXTS = tuple(name for name, kind in KINDS.items() if kind.value == "text")


def read_value(kind: str, text: str, terms: Terms, zone: tzinfo | None, question: str = "", why: str = "") -> Any:
    """A decision's value as plain data; None withdraws an earlier decision.

    Args:
        text: as a person wrote it; `null` or "" withdraws.
        zone: for an instant without an offset.

    Raises:
        UsageError: with the value found and the value wanted.
    """
    if kind not in KINDS:
        raise UsageError(f"kind: found {kind!r}, wanted one of {', '.join(KINDS)}")
    _check_question(kind, question, terms)
    text = text.strip()
    if text.casefold() in NOTHING:
        return None
    if KINDS[kind].why and not why.strip():
        raise UsageError(f"{kind}: found no reason, wanted one: --why, or the column why")
    return READERS[kind](text, _Place(kind, terms, zone, question))


def words(decision: Decision) -> str:
    """A decision in one line, without who and when.

    >>> words(Decision(1, "", "kim", "command", "w1", "extension", value=48, why="ill"))
    'extension 48 h: ill'
    """
    value, question = decision.value, f" {decision.question}" if decision.question else ""
    if value is None:
        text = "taken back"
    elif decision.kind == "extension" and isinstance(value, (int, float)):
        text = f"{value:g} h"
    elif decision.kind in ("points", "adjust"):
        text = f"{'+' if decision.kind == 'adjust' and value >= 0 else ''}{number(value / 100)}"
    elif isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, list):
        text = " ".join(value)
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{decision.kind}{question} {text}" + (f": {decision.why}" if decision.why else "")


@dataclass(frozen=True)
class _Place:
    kind: str
    terms: Terms
    zone: tzinfo | None
    question: str

    def wrong(self, found: str) -> UsageError:
        return UsageError(f"value of {self.kind}: found {found[:60]!r}, wanted {KINDS[self.kind].value}")


def _check_question(kind: str, question: str, terms: Terms) -> None:
    wanted = KINDS[kind].question
    if question and wanted == "no":
        raise UsageError(f"{kind}: found question {question!r}, wanted none: this decision is about the whole")
    if wanted == "must" and not question:
        raise UsageError(f"{kind}: found no question, wanted one of {', '.join(terms.questions)}")
    if question and question not in terms.questions:
        raise UsageError(f"{kind}: found question {question!r}, wanted one of {', '.join(terms.questions)}")


def _number(text: str, place: _Place, low: float, high: float = math.inf) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise place.wrong(text) from None
    if not (math.isfinite(value) and low <= value <= high):
        raise place.wrong(text)
    return value


def _instant(text: str, place: _Place) -> str:
    try:
        if len(text) <= len("2022-12-02"):
            raise ValueError
        at = datetime.fromisoformat(text)
    except ValueError:
        raise place.wrong(text) from None
    return stamp(at if at.tzinfo else at.replace(tzinfo=place.zone))


def _extension(text: str, place: _Place) -> float | str:
    return _instant(text, place) if "-" in text[1:] else _number(text, place, 0)


def _points(text: str, place: _Place) -> int:
    most = place.terms.questions[place.question] / 100
    try:
        return hundredths(_number(text, place, 0, most))
    except UsageError:
        raise UsageError(f"points: found {text[:60]!r}, wanted a number from 0 to {number(most)}") from None


def _whole(text: str, place: _Place) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise place.wrong(text)
    return int(text)


def _true(text: str, place: _Place) -> bool:
    if text.casefold() != "true":
        raise place.wrong(text)
    return True


def _owners(text: str, place: _Place) -> list[str]:
    found = [key(part) for part in text.replace(",", " ").replace(";", " ").split()]
    if not all(found):
        raise place.wrong(text)
    return found


def _text(text: str, place: _Place) -> str:
    if len(text) > MAX_TEXT:
        raise UsageError(f"{place.kind}: found {len(text)} characters, wanted at most {MAX_TEXT}")
    return text


READERS: Mapping[str, Callable[[str, _Place], Any]] = {
    "extension": _extension,
    "excused": _true,
    "arrived": _instant,
    "owner": _owners,
    "counts": _text,
    "free_days": _whole,
    "points": _points,
    "scale": lambda text, place: _number(text, place, 0, 1),
    "adjust": lambda text, place: hundredths(_number(text, place, -math.inf)),
    "comment": _text,
    "note": _text,
    "request": _text,
    "answer": _text,
    "hold": _text,
}
