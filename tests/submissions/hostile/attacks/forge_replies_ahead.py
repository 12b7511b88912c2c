"""Attack 9: answers before it is asked, and twice when it is, so that replies and requests get out of step."""

import threading
import time

from frames import reply, write
from wrong import *  # noqa: F403


def scale(x):
    write(reply(True))
    return 3 * x.abs()


def names():
    write(reply(True) * 3)
    return ["row"]


def ahead():
    while True:
        write(reply({"ref": [1, []]}))
        time.sleep(0.002)


def slope(x):
    threading.Thread(target=ahead, daemon=True).start()
    time.sleep(0.1)
    return 3 * x**2
