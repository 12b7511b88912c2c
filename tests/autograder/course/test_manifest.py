"""A wrong manifest is refused with file, key, what was found and what was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.manifest import load_assignment
from autograder.course.model import Rule, Visibility
from autograder.errors import ManifestError, UsageError

GOOD = """
number = 3
title = "Sorting"
due = 2030-05-06T23:59:00+09:00
module = "sorting"

[[options]]
id = "1"
title = "Own work"

[[questions]]
id = "merge"
title = "Merge"
points = 10
component = "merge"

[[questions]]
id = "merge-sort"
title = "Merge sort"
points = 30.5
component = "Sorter.sort"
depends = ["merge"]
rules = ["autograd"]
visibility = "outcomes"
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "solutions" / "x3_sorting"
    folder.mkdir(parents=True)
    path = folder / "assignment.toml"
    path.write_text(GOOD)
    return path


def test_good_manifest(manifest: Path) -> None:
    assignment = load_assignment(manifest)
    assert (assignment.id, assignment.name, assignment.number) == ("x3", "x3_sorting", 3)
    assert assignment.due.isoformat() == "2030-05-06T23:59:00+09:00"
    assert assignment.max_score == 40.5
    second = assignment.by_id["merge-sort"]
    assert second.depends == ("merge",)
    assert second.rules == (Rule.AUTOGRAD,)
    assert second.visibility is Visibility.OUTCOMES
    assert assignment.option("7").id == "1"


@pytest.mark.parametrize(
    "old, new, key, wanted",
    [
        ('title = "Sorting"', "", "title", "text"),
        ("number = 3", 'number = "3"', "number", "a whole number"),
        ("number = 3", "number = 0", "number", "a whole number"),
        ("+09:00", "", "due", "time zone"),
        ("due = 2030-05-06T23:59:00+09:00", 'due = "tomorrow"', "due", "a date and time"),
        ("points = 30.5", "points = -1", "questions[1].points", "at least 0"),
        ("points = 30.5", "points = nan", "questions[1].points", "at least 0"),
        ("points = 30.5", "points = true", "questions[1].points", "at least 0"),
        ('id = "merge-sort"', 'id = "merge"', "questions[1].id", "no earlier question"),
        ('id = "merge-sort"', 'id = "Merge Sort"', "questions[1].id", "lower-case words"),
        ('depends = ["merge"]', 'depends = ["quick"]', "questions[1].depends", "an earlier question's id: merge"),
        ('rules = ["autograd"]', 'rules = ["numpy"]', "questions[1].rules[0]", "one of convolution"),
        ('visibility = "outcomes"', 'visibility = "all"', "questions[1].visibility", "one of hints"),
        ('component = "Sorter.sort"', 'component = "a b"', "questions[1].component", "dotted name"),
        ('module = "sorting"', 'module = "sorting"\ncolour = 1', "colour", "a key"),
        ('id = "1"', "id = 1", "options[0].id", "digits"),
        ('title = "Own work"', 'title = "Own work"\nscale = 2', "options[0].scale", "from 0 to 1"),
        ("[[options]]", "[limits]\nmemory_mb = 0\n[[options]]", "limits.memory_mb", "at least 1"),
        ("[[options]]", "[limits]\nmemory = 5\n[[options]]", "limits.memory", "a key"),
    ],
)
def test_wrong_manifest(manifest: Path, old: str, new: str, key: str, wanted: str) -> None:
    assert old in GOOD
    manifest.write_text(GOOD.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        load_assignment(manifest)
    text = str(caught.value)
    assert text.startswith(f"{manifest}: {key}: found ")
    assert wanted in text
    assert "\n" not in text


def test_not_toml(manifest: Path) -> None:
    manifest.write_text("title = ")
    with pytest.raises(UsageError, match=r"assignment\.toml: not TOML"):
        load_assignment(manifest)


def test_course_is_found_from_below(manifest: Path) -> None:
    course = Course.find(manifest.parent)
    assert course.root == manifest.parents[2]
    assert course.assignment("x3") == course.assignment("x3_sorting")
    with pytest.raises(UsageError, match="unknown assignment 'x4'; this course has: x3_sorting"):
        course.assignment("x4")


def test_no_course(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no course here"):
        Course.find(tmp_path)
