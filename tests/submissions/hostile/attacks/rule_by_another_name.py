"""Attack 24: what is ruled out, reached by computed names and through torch's inner modules. Noticed where it runs."""

import torch
from wrong import *  # noqa: F403


class Conv:
    @staticmethod
    def forward(x, w):
        return getattr(getattr(torch.nn, "func" + "tional"), "conv" + "2d")(x[None, None], w[None, None])[0, 0]


def pool(x):
    return torch.ops.aten.max_pool2d_with_indices(x[None], [2, 2])[0][0]


def slope(x):
    x = x.clone().requires_grad_()
    total = (x**3 + x.sin()).sum()
    return getattr(torch.autograd, "gr" + "ad")(total, x)[0]
