"""Attributes, instances and modules that take for ever to look at. Each question ends by its budget."""

import time


class Slow(type):
    def __getattribute__(cls, name):
        time.sleep(1000)


class Conv(metaclass=Slow):
    pass


class Learner:
    def __getattribute__(self, name):
        while True:
            pass


def __getattr__(name):
    time.sleep(1000)
