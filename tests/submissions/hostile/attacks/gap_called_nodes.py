"""Attack 24, a known gap: calls the nodes of the graph one by one, without the engine. A person is told."""

import torch
from wrong import *  # noqa: F403


def slope(x):
    leaf = torch.nn.Parameter(x.clone())
    return (leaf**3).grad_fn(torch.ones_like(x)) + leaf.sin().grad_fn(torch.ones_like(x))
