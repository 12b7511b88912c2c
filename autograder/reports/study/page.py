"""similarity.html: pairs of answers side by side, with the shared parts marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.course.model import Assignment
from autograder.reports.pages.html import render
from autograder.reports.study.similarity import AnswerPair, AnswerSource
from autograder.reports.text import block

__all__ = ["render_similarity"]

PACKAGE = "autograder.reports.study"
MAX_LINE = 300  # characters


def render_similarity(pairs: Sequence[AnswerPair], sources: Sequence[AnswerSource], assignment: Assignment) -> str:
    """A self-contained page. Students' text in it is inert."""
    files = {source.name: source.files for source in sources}
    shown = []
    for pair in pairs:
        both = ((pair.one, pair.lines[0]), (pair.other, pair.lines[1]))
        shown.append((pair, [_files(files[name], {*lines}) for name, lines in both]))
    return render("similarity.html", package=PACKAGE, pairs=shown, assignment=assignment)


def _files(files: Mapping[str, str], marked: set[tuple[str, int]]) -> list[tuple[str, list[tuple[str, bool]]]]:
    """For each file: its name, and (line, True if marked) in order."""
    return [
        (file, [(block(line, MAX_LINE), (file, at) in marked) for at, line in enumerate(text.splitlines(), 1)])
        for file, text in sorted(files.items())
    ]
