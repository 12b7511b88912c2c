"""Exceptions that cannot be printed, that take for ever to print, that are huge, that lie about what they are."""

import time

from wrong import *  # noqa: F403


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("LEAK")

    __repr__ = __str__


class Endless(Exception):
    def __str__(self):
        time.sleep(1000)


class Kind(type):
    @property
    def __name__(cls):
        return ["LEAK"] * 1000


class Odd(Exception, metaclass=Kind):
    @property
    def __class__(self):
        return AssertionError


def scale(x):
    raise NoText if bool((x > 0).all()) else Odd


def names():
    raise Endless


class Learner:
    def __init__(self):
        raise ValueError("LEAK" * (8 << 20))


class Conv:
    @staticmethod
    def forward(x, w):
        raise type("NotImplementedError", (BaseException,), {})("\ud800 LEAK")


def pool(x):
    raise StopIteration("LEAK")


def slope(x):
    error = ExceptionGroup("LEAK", [ValueError("LEAK")])
    for _ in range(5000):
        error = ExceptionGroup("LEAK", [error])
    raise error
