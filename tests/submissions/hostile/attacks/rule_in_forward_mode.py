"""Attack 24: derivatives in forward mode, which never enters the engine that the guard watches. The scan notices."""

import torch
from wrong import *  # noqa: F403


def slope(x):
    return torch.func.jvp(lambda y: y**3 + y.sin(), (x,), (torch.ones_like(x),))[1]
