"""The hidden checks of both parts."""

import pytest

from autograder.checks import assert_matches


@pytest.mark.question("span")
def test_span(student, reference, rng):
    x = rng.normal(5)
    assert_matches(student.span(x), reference.span(x))


@pytest.mark.question("rectangle")
def test_rectangle(student, reference, rng):
    sides = rng.normal(3), rng.normal(3)
    assert_matches(student.rectangle(*sides), reference.rectangle(*sides))


@pytest.mark.question("strip")
def test_strip(student, reference, rng):
    x = rng.normal(4)
    assert_matches(student.Strip(2.0).area(x), reference.Strip(2.0).area(x))
