"""A wrong manifest is refused with file, key, what was found and what was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.manifest import load_assignment
from autograder.course.model import Component
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
    assert second.rules == ("autograd",)
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
        load_assignment(manifest, ["convolution", "autograd"])
    text = str(caught.value)
    assert text.startswith(f"{manifest}: {key}: found ")
    assert wanted in text
    assert "\n" not in text


SEVERAL = (
    GOOD.replace(
        'module = "sorting"\n',
        """
given = ["keys.py"]

[[components]]
module = "sorting"
notebook = "sorting.ipynb"
artifacts = ["sorted.pt"]

[[components]]
module = "merging"
""",
    )
    .replace('component = "merge"', 'module = "merging"\ncomponent = "merge"')
    .replace('component = "Sorter.sort"', 'module = "sorting"\ncomponent = "Sorter.sort"')
)


def test_several_components(manifest: Path) -> None:
    manifest.write_text(SEVERAL)
    assignment = load_assignment(manifest)
    assert assignment.modules == ("sorting", "merging")
    assert assignment.files == ("sorting.py", "merging.py")
    assert (assignment.notebooks, assignment.artifacts) == (("sorting.ipynb",), ("sorted.pt",))
    assert assignment.given == ("keys.py",)
    merge = assignment.by_id["merge"]
    assert (merge.module, assignment.component_of(merge)) == ("merging", Component("merging"))
    assert [question.id for question in assignment.questions_in("sorting")] == ["merge-sort"]


def test_given_files_of_another_assignment(manifest: Path) -> None:
    manifest.write_text(SEVERAL.replace('["keys.py"]', '["a1_keys/keys.py", "locks.py"]'))
    assignment = load_assignment(manifest)
    assert assignment.given == ("keys.py", "locks.py")
    assert assignment.lent == {"keys.py": "a1_keys"}


def test_a_given_file_of_its_own_folder_is_named_alone(manifest: Path) -> None:
    manifest.write_text(SEVERAL.replace('["keys.py"]', f'["{manifest.parent.name}/keys.py"]'))
    with pytest.raises(ManifestError, match="in this assignment's own folder"):
        load_assignment(manifest)


def test_one_component_at_the_top(manifest: Path) -> None:
    assignment = load_assignment(manifest)
    assert assignment.components == (Component("sorting"),)
    assert {question.module for question in assignment.questions} == {"sorting"}


def test_each_of_several_notebooks_has_a_page(manifest: Path) -> None:
    manifest.write_text(SEVERAL)
    assert load_assignment(manifest).pages == {"sorting.ipynb": "notebook.html"}
    manifest.write_text(SEVERAL.replace('module = "merging"\n\n[[o', 'module = "merging"\nnotebook = "m.ipynb"\n\n[[o'))
    pages = {"sorting.ipynb": "notebook-sorting.html", "m.ipynb": "notebook-merging.html"}
    assert load_assignment(manifest).pages == pages


@pytest.mark.parametrize(
    "old, new, key, wanted",
    [
        ('given = ["keys.py"]', 'module = "sorting"', "module", "inside of a [[components]] table"),
        ('given = ["keys.py"]', 'notebook = "sorting.ipynb"', "notebook", "inside of a [[components]] table"),
        ('given = ["keys.py"]', 'given = ["merging.py"]', "given", "a file that students do not write"),
        ('given = ["keys.py"]', 'given = ["keys.py", "keys.py"]', "given", "each file once"),
        ('given = ["keys.py"]', 'given = ["../keys.py"]', "given[0]", "the name of a Python file"),
        ('given = ["keys.py"]', 'given = ["keys.py", "a1_keys/keys.py"]', "given", "each file once"),
        ('given = ["keys.py"]', 'given = ["a1_keys/merging.py"]', "given", "a file that students do not write"),
        ('given = ["keys.py"]', 'given = ["a1_keys/common.py"]', "given[0]", "the name of a Python file"),
        ('module = "merging"\n\n', 'module = "Sorting"\n\n', "components[1].module", "no earlier component"),
        ('module = "merging"\n\n', 'module = "common"\n\n', "components[1].module", "a Python module's name"),
        (
            'module = "merging"\n\n',
            'module = "merging"\nnotebook = "sorting.ipynb"\n\n',
            "components[1].notebook",
            "no earlier component",
        ),
        ('notebook = "sorting.ipynb"', 'notebook = "sorting.txt"', "components[0].notebook", "a notebook"),
        ('artifacts = ["sorted.pt"]', "colour = 1", "components[0].colour", "a key"),
        ('module = "merging"\ncomponent', "component", "questions[0].module", "one of sorting, merging"),
        ('module = "merging"\ncomponent', 'module = "x"\ncomponent', "questions[0].module", "one of sorting, merging"),
    ],
)
def test_wrong_components(manifest: Path, old: str, new: str, key: str, wanted: str) -> None:
    assert SEVERAL.count(old) == 1
    manifest.write_text(SEVERAL.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        load_assignment(manifest)
    assert str(caught.value).startswith(f"{manifest}: {key}: found ")
    assert wanted in str(caught.value)


def test_not_toml(manifest: Path) -> None:
    manifest.write_text("title = ")
    with pytest.raises(UsageError, match=r"assignment\.toml: not TOML"):
        load_assignment(manifest)


def test_course_is_found_from_below(manifest: Path) -> None:
    course = Course.find(manifest.parent)
    (course.root / "solutions/rules.toml").write_text('[autograd]\nsays = "autograd"\nengine = "autograd"\n')
    assert course.root == manifest.parents[2]
    assert course.assignment("x3") == course.assignment("x3_sorting")
    with pytest.raises(UsageError, match="unknown assignment 'x4'; this course has: x3_sorting"):
        course.assignment("x4")


def test_no_course(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no course here"):
        Course.find(tmp_path)
