"""Checks with fixtures of their own go pytest's way, others are called directly; which are run does not matter."""

from __future__ import annotations

from _pytest.fixtures import FixtureFunctionDefinition

from autograder.course.layout import Course
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from tests import conftest
from tests.autograder.conftest import Toy

THIRD = '\n\n[[questions]]\nid = "third"\ntitle = "A third one"\npoints = 1\ncomponent = "double"\n'
CHECK = """
import pytest
import torch


@pytest.fixture(scope="module")
def ones():
    return torch.ones(2)

"""
ONE = """
@pytest.mark.question("{question}")
def test_of_{question}(student, ones):
    assert student.double(ones).sum() == 4

"""


def test_a_check_that_is_left_out_does_not_disturb_the_next(toy: Toy) -> None:
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    manifest.write_text(manifest.read_text() + THIRD)
    hidden = toy.root / "tests/hidden/t1_toy"
    (hidden / "test_toy.py").unlink()
    (hidden / "test_first.py").write_text(CHECK + ONE.format(question="double") + ONE.format(question="counter"))
    (hidden / "test_second.py").write_text(CHECK + ONE.format(question="third"))
    path = toy.submit("kim-1-A1-O1")
    course = Course.find(toy.root)
    with GradingProcess(Order.of(course, course.assignment("t1"), 1)) as process:
        result = process.grade(path, "kim-1-A1-O1", ["double", "third"])
    assert [(question.id, question.outcome) for question in result.questions] == [
        ("double", "passed"),
        ("counter", "not_attempted"),
        ("third", "passed"),
    ]


def test_hidden_checks_are_called_directly() -> None:
    """The tests' own conftest.py lies above the hidden checks: a fixture in it would send every check pytest's way."""
    assert not [value for value in vars(conftest).values() if isinstance(value, FixtureFunctionDefinition)]
