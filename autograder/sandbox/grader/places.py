"""Converts the lines that a worker reports to lines of the student's own file, which may differ from the run one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autograder.errors import Location
from autograder.sandbox.isolation.paths import WORK

__all__ = ["Places"]

SKIPPED = re.compile(r"line (\d{1,9}) of ([^\n]+?)(?= raised )")  # in the text of a `failures.Skipped`
FRAME = re.compile(rf'File "{re.escape(WORK)}/([^"\n]+)", line (\d{{1,9}})')


class Places:
    """Reads the names of files and the numbers of lines that a worker wrote. Both are untrusted.

    Args:
        own: the submission's own files by relative path. Only a line of these is accepted as a location: students see
            it, and a worker could write hidden inputs into it.
        lines: for each carried file by path, the numbers of its lines in the student's file; a negative number counts
            in the clean copy. Other files are the student's, unchanged.
    """

    def __init__(self, own: Mapping[str, bytes], lines: Mapping[str, tuple[int, ...]]) -> None:
        self._lines = {name: lines.get(name) or range(1, own[name].count(b"\n") + 2) for name in own}
        self._put_together = frozenset(lines)

    def location(self, file: str, line: int, trace: str = "") -> Location | None:
        """The student's line for a line of the file that was run; None if there is none.

        Args:
            trace: a traceback. If the line is a given one, the student's deepest line in it is used.
        """
        found = self._student(file.removeprefix(f"{WORK}/"), line)
        if found or not self._put_together:
            return found
        frames = [self._student(name, int(number)) for name, number in FRAME.findall(trace)]
        return next((place for place in reversed(frames) if place), None)

    def printed(self, output: str) -> Location | None:
        """The student's deepest line in the last traceback that `faulthandler` printed; None if there is none."""
        _, dump, stack = output.rpartition("(most recent call first):\n")
        frames = [self._student(name, int(number)) for name, number in FRAME.findall(stack if dump else "")]
        return next((place for place in frames if place), None)

    def with_student_lines(self, text: str) -> str:
        """A traceback, or an exception's text, with the student's own line numbers."""
        return SKIPPED.sub(self._skipped, FRAME.sub(self._frame, text)) if self._put_together else text

    def _student(self, name: str, line: int) -> Location | None:
        lines = self._lines.get(name, ())
        if not 1 <= line <= len(lines) or lines[line - 1] < 1:
            return None
        return Location(name.rpartition("/")[2], lines[line - 1])

    def _skipped(self, line: re.Match[str]) -> str:
        place = self._student(line[2], int(line[1]))
        return f"line {place.line} of {place.file}" if place else line[0]

    def _frame(self, frame: re.Match[str]) -> str:
        name, line = frame[1], int(frame[2])
        lines = self._lines.get(name, ())
        if name not in self._put_together or not 1 <= line <= len(lines):
            return frame[0]
        of = "" if lines[line - 1] > 0 else " of the clean copy"
        return f'File "{WORK}/{name}", line {abs(lines[line - 1])}{of}'
