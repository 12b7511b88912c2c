"""The toy course, here too."""

from tests.autograder.conftest import toy

__all__ = ["toy"]
