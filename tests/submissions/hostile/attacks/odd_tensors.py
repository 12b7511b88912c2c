"""Attack 22: sparse, meta, quantized, complex, nested, giant expanded and otherwise unusual tensors."""

import torch
from wrong import *  # noqa: F403


def scale(x):
    return (3 * x).to(torch.complex128) if bool((x > 0).all()) else (3 * x).to_sparse()


def names():
    return {0: torch.device("meta"), 1: torch.float64}


class Learner:
    def fit(self, images, labels):
        pass

    def scores(self, images):
        return torch.zeros(()).expand(2**31, 2**31)

    def load(self, weight):
        pass


class Conv:
    @staticmethod
    def forward(x, w):
        return torch.nested.nested_tensor([torch.zeros(4), torch.zeros(3)])


def pool(x):
    return torch.empty(2, 3, device="meta", dtype=x.dtype)


def slope(x):
    return torch.quantize_per_tensor(x.float(), 0.1, 0, torch.qint8)
