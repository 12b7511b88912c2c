"""Whether a given file was edited is decided in one place."""

from __future__ import annotations

import pytest

from autograder.submission.source.same import same_text

TEXT = b"def f():\n    return 1\n"


@pytest.mark.parametrize(
    "other",
    [TEXT.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + TEXT, TEXT.replace(b":\n", b":  \n"), TEXT + b"\n\n", TEXT[:-1]],
)
def test_what_editors_and_version_control_change_is_no_edit(other: bytes) -> None:
    assert same_text(TEXT, other)
    assert same_text(other, TEXT)


@pytest.mark.parametrize(
    "other", [b"", TEXT + b"x", TEXT.replace(b"1", b"2"), TEXT.replace(b"    ", b"  "), b"\n" + TEXT]
)
def test_anything_else_is(other: bytes) -> None:
    assert not same_text(TEXT, other)
