"""Attack 24: calls the nodes of the graph one by one, without the engine. There is no graph."""

import torch
from wrong import *  # noqa: F403


def slope(x):
    leaf = torch.nn.Parameter(x.clone())
    return (leaf**3).grad_fn(torch.ones_like(x)) + leaf.sin().grad_fn(torch.ones_like(x))
