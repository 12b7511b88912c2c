"""Lets a timer raise in whatever runs, the harness included, and hooks tracing, so that frames break in the middle."""

import signal
import sys

from wrong import *  # noqa: F403


def ring(*_):
    raise KeyboardInterrupt


def names():
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    return ["row"] * 90_000


def slope(x):
    def trace(frame, event, argument):
        if frame.f_code.co_name in ("_write", "encode"):
            raise GeneratorExit
        return trace

    sys.settrace(trace)
    return 3 * x**2
