"""Compares text files up to differences that editors make by themselves."""

from __future__ import annotations

from autograder.submission.source.text import readable

__all__ = ["same_text"]


def same_text(one: bytes, other: bytes) -> bool:
    """True if two text files are equal, except for differences that editors and version control make.

    These are a byte-order mark, the encoding, line endings, trailing blanks, and empty lines at the end.
    """
    return _lines(one) == _lines(other)


def _lines(data: bytes) -> list[bytes]:
    text, _ = readable(data)
    lines = [line.rstrip() for line in text.removeprefix(b"\xef\xbb\xbf").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines
