"""Attack 6: puts the inputs that it is given into everything that leaves: text, type, file and line, print, keys.

Its student's page must not hold any of it; an instructor may read it.
"""

import sys

from leak import give_away
from wrong import *  # noqa: F403


def scale(x):
    give_away(x.tolist())


def names():
    return {f"LEAK {index}": [f"LEAK {index}"] for index in range(3)}


class Learner:
    def __init__(self):
        setattr(self, "LEAK of weight", 1)

    def fit(self, images, labels):
        code = compile(f"raise ValueError('LEAK {labels.tolist()}')", f"/submission/LEAK{int(labels.sum())}.py", "exec")
        exec(code, {"__name__": "LEAK"})

    def load(self, weight):
        sys.exit(f"LEAK {weight.tolist()}")


def pool(x):
    raise SyntaxError("LEAK", (f"/submission/LEAK{x[0, 0]}.py", 10**9, 1, f"LEAK {x.tolist()}"))


def slope(x):
    raise FileNotFoundError(2, "LEAK", f"LEAK{x.tolist()}.pt")
