"""Attack 9: writes a well-formed reply to the channel and ends the process before the real one follows.

The forged value is compared like any other, so it is worth what it says and no more.
"""

import os

from frames import reply, write
from wrong import *  # noqa: F403


def names():
    write(reply([True, "passed", "column 0"]))
    os._exit(0)


def pool(x):
    write(reply(True))
    os._exit(0)


def slope(x):
    write(reply({"tuple": [None, 1.0]}))
    os._exit(0)
