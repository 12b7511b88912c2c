"""Attack 15: raises what a test runner takes for a skip, an expected failure, a clean end or an interruption."""

import ctypes
import os
import signal

import pytest
from wrong import *  # noqa: F403


def scale(x):
    pytest.skip("not today") if bool((x > 0).all()) else pytest.xfail("known")


def names():
    pytest.exit("all is well", returncode=0)


class Learner:
    def __init__(self):
        raise KeyboardInterrupt

    load = fit = None


class Conv:
    @staticmethod
    def forward(x, w):
        ctypes.string_at(0)


def pool(x):
    raise GeneratorExit


def slope(x):
    return slope(x)
