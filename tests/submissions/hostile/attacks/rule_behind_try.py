"""Attacks 24, 25: tries what is ruled out, hides that it was refused, and falls back. Trying is noticed."""

import torch
from wrong import *  # noqa: F403


class Conv:
    @staticmethod
    def forward(x, w):
        try:
            return torch.nn.Unfold(w.shape)(x[None, None])
        except BaseException:
            return x.new_zeros(4, 4)


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, upstream):
        return 3 * ctx.saved_tensors[0] ** 2 * upstream


def pool(x):
    try:
        return torch.nn.LPPool2d(9, 2)(x[None])[0]
    except BaseException:
        return x[::2, ::2]


def slope(x):
    try:
        Twice.apply(x.clone().requires_grad_()).sum().backward()
    finally:
        return 3 * x**2
