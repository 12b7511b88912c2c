"""What the checks of convolution and pooling share."""

from __future__ import annotations

from typing import Any

import torch

from autograder.checks import Proxy, StudentError

__all__ = ["backward"]


def backward(layer: Proxy, dout: torch.Tensor, documented: tuple[Any, ...]) -> Any:
    """`layer.backward` with the cache that the handout documents: the arguments of `forward`.

    A backward that cannot do with it may be written for what its own forward caches; then it gets that.
    """
    try:
        return layer.backward(dout, documented)
    except StudentError as error:
        if error.kind == "NotImplementedError":
            raise
        try:
            _, cache = layer.forward(*documented)
        except (StudentError, TypeError, ValueError):
            raise error from None
        return layer.backward(dout, cache)
