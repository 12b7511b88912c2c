"""Attack 9: answers before it is asked, and twice when it is, so that replies and requests get out of step."""

import threading
import time

from frames import asked, reply, write
from wrong import *  # noqa: F403


def scale(x):
    write(reply(True, asked() + 1))
    return 3 * x.abs()


def names():
    write(reply(True) + reply(True, asked() + 1) + reply(True, asked() + 2))
    return ["row"]


def ahead(number):
    while True:
        number += 1
        write(reply({"ref": [1, []]}, number))
        time.sleep(0.002)


def slope(x):
    threading.Thread(target=ahead, args=(asked(),), daemon=True).start()
    time.sleep(0.1)
    return 3 * x**2
