"""The same with long text: two million characters that differ from what is wanted."""

from wrong import *  # noqa: F403


def names():
    return [" ".join(str(index * factor % 100_003) for index in range(100_000)) for factor in (7919, 7907, 7901)]
