"""Compares a value with the wanted one, and describes the difference in words."""

from autograder.checks.compare.compare import (
    assert_kind,
    assert_matches,
    plain_number,
    plain_tensor,
    unpack,
    unpack_all,
)

__all__ = ["assert_kind", "assert_matches", "plain_number", "plain_tensor", "unpack", "unpack_all"]
