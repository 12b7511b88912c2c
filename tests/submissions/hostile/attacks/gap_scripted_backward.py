"""Attack 24, a known gap: TorchScript enters the engine from C++. A person is told."""

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
