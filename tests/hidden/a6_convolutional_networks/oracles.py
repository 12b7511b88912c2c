"""Slow, obvious versions of what students write, in float64 and straight from the formulas: what answers are held to.

They take and return plain data only, so that `memo` can keep their answers for a run. Gradients of operations come
from autograd over these loops, gradients of networks from autograd over torch's own layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as torch_layers

from autograder.checks import oracle_gradients

__all__ = [
    "Wiring",
    "conv_backward",
    "conv_forward",
    "deep_net",
    "deep_scores",
    "max_pool_backward",
    "max_pool_forward",
    "three_layer_net",
]

# max_pools, batchnorm: all of a DeepConvNet that its parameters do not say.
Wiring = tuple[tuple[int, ...], bool]


def conv_forward(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, param: Mapping[str, int]) -> torch.Tensor:
    """out[n, f, i, j] = b[f] + sum of p[n, :, i*s : i*s+HH, j*s : j*s+WW] * w[f], p the padded x."""
    stride, pad = param["stride"], param["pad"]
    tall, wide = w.shape[2:]
    padded = torch_layers.pad(x, (pad, pad, pad, pad))
    rows, columns = (padded.shape[2] - tall) // stride + 1, (padded.shape[3] - wide) // stride + 1
    out = []
    for i in range(rows):
        for j in range(columns):
            window = padded[:, :, i * stride : i * stride + tall, j * stride : j * stride + wide]
            out.append((window[:, None] * w[None]).sum(dim=(2, 3, 4)) + b)  # (N, F)
    return torch.stack(out, dim=2).reshape(len(x), len(w), rows, columns)


def conv_backward(
    dout: torch.Tensor, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, param: Mapping[str, int]
) -> tuple[torch.Tensor, ...]:
    """dx, dw, db."""
    return oracle_gradients(lambda *tensors: conv_forward(*tensors, param), (x, w, b), dout)


def max_pool_forward(x: torch.Tensor, param: Mapping[str, int]) -> torch.Tensor:
    """out[n, c, i, j] = max of x[n, c, i*s : i*s+height, j*s : j*s+width]."""
    height, width, stride = param["pool_height"], param["pool_width"], param["stride"]
    rows, columns = (x.shape[2] - height) // stride + 1, (x.shape[3] - width) // stride + 1
    out = [
        x[:, :, i * stride : i * stride + height, j * stride : j * stride + width].amax(dim=(2, 3))
        for i in range(rows)
        for j in range(columns)
    ]
    return torch.stack(out, dim=2).reshape(*x.shape[:2], rows, columns)


def max_pool_backward(dout: torch.Tensor, x: torch.Tensor, param: Mapping[str, int]) -> torch.Tensor:
    """dx, for an x without ties."""
    return oracle_gradients(lambda images: max_pool_forward(images, param), (x,), dout)[0]


def three_layer_net(
    params: Mapping[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor, reg: float
) -> dict[str, torch.Tensor]:
    """`scores`, `loss`, and the gradient of every parameter under its name; odd filter sizes only."""

    def scores_of(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        maps = torch_layers.conv2d(images.double(), p["W1"], p["b1"], padding=p["W1"].shape[2] // 2)
        features = torch_layers.max_pool2d(maps.relu(), 2).flatten(1)
        return (features @ p["W2"] + p["b2"]).relu() @ p["W3"] + p["b3"]

    return _answers(params, scores_of, labels, reg)


def deep_net(
    params: Mapping[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor, reg: float, wiring: Wiring
) -> dict[str, torch.Tensor]:
    """As `three_layer_net`, in training mode; parameters are W0 b0 [gamma0 beta0] W1 ..., the linear layer last."""
    max_pools, batchnorm = wiring
    last = sum(name.startswith("W") for name in params) - 1

    def scores_of(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        maps = images.double()
        for layer in range(last):
            maps = torch_layers.conv2d(maps, p[f"W{layer}"], p[f"b{layer}"], padding=1)
            if batchnorm:
                mean = maps.mean(dim=(0, 2, 3), keepdim=True)
                deviation = (maps.var(dim=(0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
                scale, shift = (p[f"{name}{layer}"].reshape(-1, 1, 1) for name in ("gamma", "beta"))
                maps = scale * (maps - mean) / deviation + shift
            maps = maps.relu()
            if layer in max_pools:
                maps = torch_layers.max_pool2d(maps, 2)
        return maps.flatten(1) @ p[f"W{last}"] + p[f"b{last}"]

    return _answers(params, scores_of, labels, reg)


def deep_scores(
    params: Mapping[str, torch.Tensor],
    images: torch.Tensor,
    wiring: Wiring,
    statistics: Sequence[tuple[torch.Tensor, torch.Tensor]],
) -> torch.Tensor:
    """Scores in evaluation mode, in the parameters' dtype; `statistics` has mean and variance of each convolution."""
    max_pools, batchnorm = wiring
    last = sum(name.startswith("W") for name in params) - 1
    maps = images.to(params["W0"].dtype)
    with torch.no_grad():
        for layer in range(last):
            maps = torch_layers.conv2d(maps, params[f"W{layer}"], params[f"b{layer}"], padding=1)
            if batchnorm:
                scale, shift = params[f"gamma{layer}"], params[f"beta{layer}"]
                maps = torch_layers.batch_norm(maps, *statistics[layer], scale, shift, eps=1e-5)
            maps = maps.relu()
            if layer in max_pools:
                maps = torch_layers.max_pool2d(maps, 2)
        return maps.flatten(1) @ params[f"W{last}"] + params[f"b{last}"]


def _answers(params, scores_of, labels, reg):  # type: ignore[no-untyped-def]
    """Scores, loss and gradients of mean softmax loss + 0.5 * reg * (sum of squares of all weights)."""
    names = list(params)

    def loss_of(*tensors: torch.Tensor) -> torch.Tensor:
        p = dict(zip(names, tensors, strict=True))
        penalty = sum((p[name] ** 2).sum() for name in names if name.startswith("W"))
        return torch_layers.cross_entropy(scores_of(p), labels) + 0.5 * reg * penalty

    tensors = [params[name].to(torch.float64) for name in names]
    gradients = dict(zip(names, oracle_gradients(loss_of, tensors), strict=True))
    scores = scores_of(dict(zip(names, tensors, strict=True)))
    return {"scores": scores, "loss": loss_of(*tensors), **gradients}
