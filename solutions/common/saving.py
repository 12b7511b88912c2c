"""Networks as files: in half precision, which makes a file half as large."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

__all__ = ["load_state", "save_state"]


def save_state(model: nn.Module, path: str | Path) -> None:
    """Write a network's parameters and buffers to a file, floating point as float16.

    Raises:
        ValueError: a number is not finite, or too large for float16 (65 504). Nothing is written then.
    """
    state = {
        name: value.detach().cpu().half() if value.is_floating_point() else value.cpu()
        for name, value in model.state_dict().items()
    }
    for name, value in state.items():
        if not bool(value.isfinite().all()):
            raise ValueError(f"{name} is not finite in half precision: did the training diverge?")
    torch.save(state, path)


def load_state(model: nn.Module, path: str | Path) -> None:
    """Read what `save_state` wrote, into a network of the same class and arguments, in its own dtype.

    Raises:
        RuntimeError: the file's names or shapes are not the network's.
    """
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
