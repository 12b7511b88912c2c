"""A list of many strings where a check compares with a few: saying how they differ must not take minutes."""

from wrong import *  # noqa: F403


def names():
    return [f"row {index * 7919 % 60_000} of {index}" for index in range(60_000)]
