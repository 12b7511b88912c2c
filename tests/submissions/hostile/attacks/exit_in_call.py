"""Attack 9: ends the process with status 0 in the middle of a call. That is a crash, not a pass."""

import os

from wrong import *  # noqa: F403


def names():
    os._exit(0)


def slope(x):
    raise SystemExit(0)
