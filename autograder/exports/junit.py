"""Results as JUnit's XML, for a CI server: a `testsuite` per submission, a `testcase` per case.

JUnit has no single schema. The output is valid by junit-10.xsd of Jenkins' xUnit plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.reports.text import block, line

__all__ = ["Suite", "junit"]

# Other outcomes, except passed, are undecided.
FAILURES = (Outcome.FAILED, Outcome.FORBIDDEN, Outcome.TOO_SLOW)
ERRORS = (Outcome.ERROR, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED, Outcome.GRADER_ERROR)
COUNTED = ("failures", "errors", "skipped")


@dataclass(frozen=True)
class Suite:
    """The cases of one submission, or of one folder.

    Attributes:
        name: the submission's, or a code.
        cases: (class, case); the class is `{assignment}.{question}`, and CI servers group by it.
        seconds: in all.
        at: the time of grading, `2022-12-03T01:20:00Z`; "" if unknown.
    """

    name: str
    cases: Sequence[tuple[str, CaseResult]]
    seconds: float
    at: str = ""


def junit(suites: Iterable[Suite]) -> bytes:
    """The whole file. Text of submissions is escaped, and characters that XML forbids are replaced."""
    root = ElementTree.Element("testsuites")
    totals, seconds = dict.fromkeys(("tests", *COUNTED), 0), 0.0
    for suite in suites:
        element, counts = _suite(suite)
        root.append(element)
        totals = {name: totals[name] + counts[name] for name in totals}
        seconds += suite.seconds
    for name in ("tests", "failures", "errors"):  # the schema has no `skipped` here
        root.set(name, str(totals[name]))
    root.set("time", _time(seconds))
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(suite: Suite) -> tuple[ElementTree.Element, dict[str, int]]:
    element = ElementTree.Element("testsuite", name=line(suite.name))
    counts = {"tests": len(suite.cases), **dict.fromkeys(COUNTED, 0)}
    for classname, case in suite.cases:
        found = ElementTree.SubElement(
            element, "testcase", classname=line(classname), name=line(case.id), time=_time(case.seconds)
        )
        if (kind := _kind(case.outcome)) is not None:
            tag, counted = kind
            counts[counted] += 1
            child = ElementTree.SubElement(found, tag, type=str(case.outcome), message=line(case.message, 500))
            child.text = block("\n".join(filter(None, (case.message, case.hint, case.location))))
    for name, value in counts.items():
        element.set(name, str(value))
    element.set("time", _time(suite.seconds))
    if suite.at:
        element.set("timestamp", suite.at)
    return element, counts


def _kind(outcome: Outcome) -> tuple[str, str] | None:
    """The element of an outcome, and the attribute that counts it; None for passed cases."""
    if outcome is Outcome.PASSED:
        return None
    if outcome in FAILURES:
        return "failure", "failures"
    return ("error", "errors") if outcome in ERRORS else ("skipped", "skipped")


def _time(seconds: float) -> str:
    """Seconds with at most three decimals: a file with more is not valid."""
    return f"{max(seconds, 0):.3f}"
