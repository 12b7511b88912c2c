"""The same with long text: three million characters that differ from what is wanted."""

import random

from wrong import *  # noqa: F403


def names():
    return ["".join(random.choices("column 012", k=1_000_000)) for _ in range(3)]
