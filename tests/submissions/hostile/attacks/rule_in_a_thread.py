"""Attack 24: the same in another thread, without gradients, scripted, with dispatch modes off. Noticed all the same."""

import threading

import torch
from wrong import *  # noqa: F403


def apart(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


class Conv:
    @staticmethod
    def forward(x, w):
        with torch.inference_mode(), torch._C._DisableTorchDispatch():
            return apart(lambda: torch.conv2d(x[None, None], w[None, None])[0, 0])


def pool(x):
    traced = torch.jit.trace(lambda y: torch.nn.functional.max_pool2d(y, 2), x[None])
    return traced(x[None])[0]


def slope(x):
    return apart(lambda: torch.func.vjp(lambda y: (y**3 + y.sin()).sum(), x)[1](x.new_ones(()))[0])
