"""JUnit's XML: valid for the schema that Jenkins' xUnit plugin checks with, and read back as it was meant."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from xmlschema import XMLSchema10

from autograder.course.outcome import Outcome
from autograder.course.result import CaseResult
from autograder.exports.junit import Suite, junit
from tests.autograder.exports.conftest import Class

SCHEMA = XMLSchema10(Path(__file__).parent / "schemas/junit-10.xsd")
KINDS = {
    Outcome.PASSED: None,
    **dict.fromkeys((Outcome.FAILED, Outcome.FORBIDDEN, Outcome.TOO_SLOW), Failure),
    **dict.fromkeys((Outcome.ERROR, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED), Error),
    Outcome.GRADER_ERROR: Error,
    **dict.fromkeys((Outcome.NOT_ATTEMPTED, Outcome.BLOCKED, Outcome.PENDING, Outcome.TOO_NOISY), Skipped),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome(outcome: Outcome) -> None:
    message = "" if outcome is Outcome.PASSED else '<a> & "b" \x00\x1b\ufffe 한글 ]]>'
    found = junit([Suite("7K3F2", [("a6.conv", CaseResult("matches[wide]", outcome, message, seconds=0.41261))], 8.8)])
    SCHEMA.validate(ElementTree.ElementTree(ElementTree.fromstring(found)))
    ((suite,),) = [list(JUnitXml.fromstring(found))]
    (read,) = suite
    assert (read.classname, read.name, read.time) == ("a6.conv", "matches[wide]", 0.413)
    kind = KINDS[outcome]
    assert [type(each) for each in read.result] == ([kind] if kind else [])
    counts = (suite.tests, suite.failures, suite.errors, suite.skipped)
    assert counts == (1, int(kind is Failure), int(kind is Error), int(kind is Skipped))
    if kind:
        assert (read.result[0].type, read.result[0].message) == (str(outcome), '<a> & "b" \ufffd\ufffd\ufffd 한글 ]]>')


def test_times_have_three_decimals() -> None:
    found = junit([Suite("x", [("c", CaseResult("n", Outcome.PASSED, seconds=1 / 3))], 12345.67891)])
    assert b'time="0.333"' in found
    assert b'time="12345.679"' in found
    assert SCHEMA.is_valid(found.decode().replace("<?xml version='1.0' encoding='utf-8'?>", ""))


def test_a_class(klass: Class, tmp_path: Path) -> None:
    klass.say("export", "junit", "t1", "--anonymous", "--to", tmp_path / "t1.xml")
    data = (tmp_path / "t1.xml").read_bytes()
    SCHEMA.validate(ElementTree.ElementTree(ElementTree.fromstring(data)))
    read = JUnitXml.fromstring(data)
    assert (read.tests, read.failures, read.errors) == (9, 1, 2)
    with klass.open() as book:
        codes = [student.code for student in book.facts().students if student.key in ("11", "12", "13")]
        assert not book.releases()  # it tells no grade
    assert sorted(suite.name for suite in read) == sorted(codes)
    assert all(suite.timestamp.endswith("Z") and suite.time == 8.812 for suite in read)
    assert "SECRET" not in data.decode()  # what only instructors see
    for name in ("kimms", "340934", "김민수"):
        assert name not in data.decode()
