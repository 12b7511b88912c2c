"""Attacks 27, 28: forks and starts threads without end, and leaves what it started running."""

import os
import threading

from wrong import *  # noqa: F403


def burn():
    while True:
        sum(range(1000))


def names():
    for _ in range(50):
        try:
            if os.fork() == 0:
                os.setsid()
                burn()
        except OSError:
            break
    threading.Thread(target=burn, daemon=True).start()
    for _ in range(100):
        try:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        except (RuntimeError, MemoryError):
            break
    return ["row"]


def pool(x):
    os.system("sleep 1000 &")
    return x[::2, ::2]


def slope(x):
    os.execv("/bin/sh", ["sh", "-c", "exit 0"])
