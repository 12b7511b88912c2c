"""The class that is graded: copies of the reference, and a few that are unfinished or wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from courses import ROOT, Suite

from autograder.authoring.regions import find_regions, strip_regions
from autograder.course.layout import Course

__all__ = ["make_answers", "make_class", "make_copies", "unpacked_reference"]

# Mistakes as students make them, put behind a right solution, so that they hold whatever the reference looks like.
MISTAKES = (
    """
_right_forward = Conv.forward


def _without_bias(x, w, b, conv_param):
    return _right_forward(x, w, torch.zeros_like(b), conv_param)


Conv.forward = staticmethod(_without_bias)
""",
    """
_right_backward = MaxPool.backward


def _doubled(dout, cache):
    return 2 * _right_backward(dout, cache)


MaxPool.backward = staticmethod(_doubled)
""",
)
PARTIAL_EVERY = 4  # one in four is not a copy of the reference


def make_answers(folder: Path, answers: Mapping[str, str]) -> Path:
    """A class of assignment 6 in a new folder: for each name, the reference with other answers at its end."""
    course = Course(ROOT)
    assignment = course.assignment("a6")
    solution = course.solution(assignment)
    reference = (solution / assignment.files[0]).read_text(encoding="utf-8")
    folder.mkdir()
    for number, (name, source) in enumerate(answers.items(), start=1):
        with zipfile.ZipFile(folder / f"{name}-{number}-A6-O1.zip", "w") as archive:
            archive.writestr(assignment.files[0], f"{reference}\n\n{source}")
            for artifact in assignment.artifacts:
                archive.write(solution / artifact, artifact)
    return folder


def make_class(suite: Suite, folder: Path, count: int) -> list[Path]:
    """`count` zips, no two with the same bytes: three of four complete, the others with a mistake or unfinished."""
    source = suite.reference.read_text(encoding="utf-8")
    partial = [*(source + mistake for mistake in MISTAKES), *_unfinished(suite, source)]
    texts = []
    for number in range(count):
        turn, rest = divmod(number, PARTIAL_EVERY)
        texts.append(source if rest < PARTIAL_EVERY - 1 else partial[turn % len(partial)])
    return _write(suite, folder, texts)


def make_copies(suite: Suite, folder: Path, count: int) -> list[Path]:
    """`count` zips of the reference."""
    return _write(suite, folder, [suite.reference.read_text(encoding="utf-8")] * count)


def unpacked_reference(suite: Suite, folder: Path) -> Path:
    """`folder`, with the reference and its artifacts in it, as if unzipped."""
    folder.mkdir(parents=True)
    for path in (suite.reference, *suite.artifacts):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _unfinished(suite: Suite, source: str) -> list[str]:
    """The reference with every answer taken out, and with one taken out."""
    known = Course(ROOT).assignment(suite.assignment.name).by_id  # a suite may have fewer questions than the source
    regions = find_regions(source, suite.reference, known)
    last = suite.assignment.questions[-1].id
    some = [region for region in regions if region.question == last]
    return [strip_regions(source, regions), strip_regions(source, some)]


def _write(suite: Suite, folder: Path, texts: list[str]) -> list[Path]:
    folder.mkdir(parents=True)
    artifacts = {path.name: path.read_bytes() for path in suite.artifacts}
    paths = []
    for number, text in enumerate(texts, start=1):
        path = folder / f"student_{number:03}-{2022000000 + number}-A{suite.assignment.number}-O1.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(suite.assignment.files[0], f"# handed in by student {number}\n{text}")
            for name, content in artifacts.items():
                archive.writestr(name, content)
        paths.append(path)
    return paths
