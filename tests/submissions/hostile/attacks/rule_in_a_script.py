"""Attack 24: TorchScript enters the engine from C++. There is no graph for it."""

import torch
from wrong import *  # noqa: F403

SCRIPT = """
def run(x):
    y = (x**3 + x.sin()).sum()
    y.backward()
"""


def slope(x):
    x = x.clone().requires_grad_()
    torch.jit.CompilationUnit(SCRIPT).run(x)
    return x.grad
