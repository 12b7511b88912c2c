"""Attack 24: tensor layouts with kernels of their own, fused kernels, and the autograd engine beneath its entry."""

import torch
from wrong import *  # noqa: F403


class Conv:
    @staticmethod
    def forward(x, w):
        try:
            return torch.nn.functional.conv2d(x[None, None].to_mkldnn(), w[None, None].to_mkldnn()).to_dense()[0, 0]
        except RuntimeError:
            settings = ([0, 0], [1, 1], [1, 1], 1, "none", [], None)
            return torch.ops.mkldnn._convolution_pointwise(x[None, None], w[None, None], None, *settings)[0, 0]


def pool(x):
    return torch.nn.functional.max_pool2d(x[None].float().to_mkldnn(), 2).to_dense()[0].double()


def slope(x):
    x = x.clone().requires_grad_()
    total = (x**3 + x.sin()).sum()
    more = {"allow_unreachable": True, "accumulate_grad": False}
    try:
        engine = torch.autograd.Variable._execution_engine
        return engine.run_backward((total,), (torch.ones_like(total),), False, False, (x,), **more)[0]
    except RuntimeError:
        engine = torch._C._ImperativeEngine()
        return engine.run_backward((total,), (torch.ones_like(total),), False, False, (x,), **more)[0]
