"""Attack 24: looks for the object that holds the refusing kernels, to destroy it. No object that can be listed does."""

import gc

import torch
from wrong import *  # noqa: F403


gc.unfreeze()  # it was made before this process was, and put out of sight


class Conv:
    @staticmethod
    def forward(x, w):
        gc.unfreeze()  # else what was there before this process is not listed
        for found in gc.get_objects():
            if isinstance(found, torch.library.Library):
                found._destroy()
        return torch.nn.functional.conv2d(x[None, None], w[None, None])[0, 0]


def pool(x):
    gc.unfreeze()
    for found in gc.get_objects():
        if isinstance(found, torch.library.Library):
            found._destroy()
    return torch.nn.functional.max_pool2d(x[None], 2)[0]
