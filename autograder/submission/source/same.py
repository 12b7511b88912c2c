"""Whether two files say the same to their reader: the one place where that is decided."""

from __future__ import annotations

from autograder.submission.source.text import readable

__all__ = ["same_text"]


def same_text(one: bytes, other: bytes) -> bool:
    """Whether two text files differ only in what editors and version control change by themselves: a byte-order mark,
    the kind of line ends, blanks at the ends of lines, empty lines at the end."""
    return _lines(one) == _lines(other)


def _lines(data: bytes) -> list[bytes]:
    text, _ = readable(data)
    lines = [line.rstrip() for line in text.removeprefix(b"\xef\xbb\xbf").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines
