"""Attack 28: takes most of its time to be imported, and dies at each call so that it is imported again and again.

What it takes to be imported counts like its calls: the budget of each question bounds both.
"""

import os
import time

time.sleep(2)


def scale(x):
    os._exit(0)


pool = slope = scale


def names():
    os._exit(0)


class Learner:
    def __init__(self):
        os._exit(0)


class Conv:
    @staticmethod
    def forward(x, w):
        os._exit(0)
