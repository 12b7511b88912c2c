"""Attack 28: loops for ever with every signal ignored and every alarm off; sleeps; stops itself."""

import os
import signal
import time

from wrong import *  # noqa: F403


def names():
    signal.alarm(0)
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    while True:
        pass


def pool(x):
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(1000)


def slope(x):
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            continue
