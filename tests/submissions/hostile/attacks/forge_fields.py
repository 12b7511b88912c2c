"""Attacks 6, 9, 11: replies whose other fields carry text, numbers out of range, unknown rules, unknown lines."""

import os

from frames import reply, write
from wrong import *  # noqa: F403

ERROR = {"kind": "LEAK", "text": "LEAK", "trace": "LEAK", "file": "/submission/traps.py", "line": 10**30, "stub": False}


def error(**changes):
    return {"dict": [list(pair) for pair in {**ERROR, **changes}.items()]}


def scale(x):
    write(
        reply(
            None, error=error(file="/submission/LEAK.py", kind="LEAK of " + str(float(x[0, 0]))), memory=False, used=[]
        )
    )
    os._exit(0)


def names():
    write(reply(None, value=["column 0"], used=[["LEAK", "LEAK", 1]]))
    os._exit(0)


class Learner:
    def __init__(self):
        write(reply(None, error=error(kind="ZeroDivisionError"), memory=False, used=[["autograd", "LEAK", -1]]))
        os._exit(0)


def pool(x):
    write(reply(None, value=True, used=[], score=20, outcome="passed"))
    os._exit(0)


def slope(x):
    write(reply(None, error=error(kind="CheckFailed", line="LEAK"), memory="no", used=[]))
    os._exit(0)
