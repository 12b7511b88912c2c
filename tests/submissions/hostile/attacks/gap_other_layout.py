"""Attack 24, a known gap: a tensor layout of its own, whose kernels are others. A person is told."""

import torch
from wrong import *  # noqa: F403


class Conv:
    @staticmethod
    def forward(x, w):
        return torch.nn.functional.conv2d(x[None, None].to_mkldnn(), w[None, None].to_mkldnn()).to_dense()[0, 0]
