"""Comparing a value with the one that is wanted, and saying in words how they differ."""

from autograder.checks.compare.compare import (
    assert_kind,
    assert_matches,
    plain_number,
    plain_tensor,
    unpack,
    unpack_all,
)

__all__ = ["assert_kind", "assert_matches", "plain_number", "plain_tensor", "unpack", "unpack_all"]
