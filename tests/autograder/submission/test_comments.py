"""Which comments are a student's own, and how they are counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autograder.course.model import Assignment, Question
from autograder.course.plain import from_plain, to_plain
from autograder.course.reading import Reading
from autograder.submission.clean.comments import MAX_LINES, read_comments
from autograder.submission.clean.module import CleanModule, Source

CLEAN = '''\
"""Layers."""


class Layer:
    """Doubles."""

    @staticmethod
    def forward(x):
        """Double x."""
        # Your answer takes the place of the next line.
        raise NotImplementedError("layer")

    def save(self):  # given
        return 1


def helper(x):
    raise NotImplementedError("helper")
'''
MINE = '''\
"""Layers."""


class Layer:
    """Doubles."""

    @staticmethod
    def forward(x):
        """Double x."""
        # Your answer takes the place of the next line.
        # all of it at once
        out = x + x

        y = "# no comment"
        return out  # twice

    def save(self):  # given
        return 1

    def own(self):
        """Says what
        it does."""
        return 2


# BEGIN SOLUTION helper
def helper(x):
    a = x
    return a


def extra():
    pass
'''

FILE = "two_layers.py"


@pytest.fixture
def course(assignment: Assignment) -> Assignment:
    questions = (
        Question("layer", "L", 5, "Layer", "two_layers"),
        Question("helper", "H", 5, "helper", "two_layers"),
        Question("layer-again", "A", 5, "Layer", "two_layers"),
    )
    return replace(assignment, questions=questions)


def read(source: str, course: Assignment, clean: str | None = CLEAN) -> Reading:
    return read_comments(
        {FILE: Source(source)}, {FILE: CleanModule.read(clean.encode(), course.questions)} if clean else {}, course
    )


def test_own_comments_beside_the_code(course: Assignment) -> None:
    reading = read(MINE, course)
    assert [(part.id, [function.name for function in part.functions]) for part in reading.questions] == [
        ("layer", ["Layer.forward", "Layer.own"]),
        ("helper", ["helper"]),
        ("layer-again", ["Layer.own"]),
        ("", ["extra"]),
    ]
    forward, own = reading.questions[0].functions
    assert [(line.number, line.code, line.comment) for line in forward.lines] == [
        (7, "@staticmethod", ""),
        (8, "def forward(x):", ""),
        (11, "", "all of it at once"),
        (12, "    out = x + x", ""),
        (13, "", ""),
        (14, '    y = "# no comment"', ""),
        (15, "    return out", "twice"),
    ]
    assert (forward.line, forward.code, forward.commented) == (8, 5, 2)
    assert [line.comment for line in own.lines if line.comment] == ["Says what", "it does."]
    assert reading.questions[2].functions[0].lines == ()


def test_counts_over_all(course: Assignment) -> None:
    reading = read(MINE, course)
    assert reading.bare == ("helper", "extra")
    assert reading.code == sum(function.code for function in reading.functions) == 5 + 2 + 3 + 2
    assert from_plain(to_plain(reading), Reading) == reading
    assert all(not function.lines for function in reading.counts().functions)


def test_comments_that_were_handed_out_are_nobodys_own(course: Assignment) -> None:
    reading = read(CLEAN.replace('raise NotImplementedError("layer")', "return x  # given"), course)
    assert reading.questions[0].functions[0].commented == 0


def test_without_a_clean_copy_every_comment_is_own(course: Assignment) -> None:
    reading = read(CLEAN.replace('raise NotImplementedError("layer")', "return 0  # nothing"), course, clean=None)
    assert [function.name for function in reading.questions[0].functions] == ["Layer.forward", "Layer.save"]
    assert [function.commented for function in reading.questions[0].functions] == [1, 1]


def test_nothing_can_be_read_of_what_is_not_python(course: Assignment) -> None:
    assert read_comments({}, {}, course) == Reading()


def test_far_too_many_lines_are_cut_and_counted(course: Assignment) -> None:
    body = "".join(f"    x = {number}\n" for number in range(MAX_LINES + 10))
    reading = read(f"def helper(x):\n{body}", course)
    assert len(reading.functions[0].lines) == MAX_LINES
    assert reading.cut == 11
    assert len(read(f"def helper(x):\n    y = '{'y' * 9_000}'\n", course).functions[0].lines[1].code) == 300
