"""Attack 3: walks the callers' frames, code constants and the garbage collector for answers. They are not there."""

import gc
import sys

import torch
from leak import give_away, give_away_if_secret
from wrong import *  # noqa: F403


def scale(x):
    frame = sys._getframe()
    while frame is not None:
        for name, value in (*frame.f_locals.items(), *frame.f_globals.items()):
            if name in ("expected", "reference", "wanted", "item", "desk", "SECRET"):
                give_away(name)
            if isinstance(value, torch.Tensor) and value.shape == x.shape and value is not x:
                return value
        give_away_if_secret(frame.f_code.co_consts, "constants")
        frame = frame.f_back
    for found in gc.get_objects():
        if isinstance(found, torch.Tensor) and found.shape == x.shape and found.dtype == x.dtype and found is not x:
            if not torch.equal(found, x):
                return found
        if isinstance(found, dict) and "expected" in found and "student" in found:
            return found["expected"]
    return 3 * x.abs()
