"""Attack 24, a known gap: calls the autograd engine beneath the function that refuses. A person is told."""

import torch
from wrong import *  # noqa: F403


def slope(x):
    x = x.clone().requires_grad_()
    total = (x**3 + x.sin()).sum()
    engine = torch._C._ImperativeEngine()
    return engine.run_backward(
        (total,), (torch.ones_like(total),), False, False, (x,), allow_unreachable=True, accumulate_grad=False
    )[0]
