"""Attack 21: NaN and infinity everywhere, which are never close to anything."""

import torch
from wrong import *  # noqa: F403

NAN, INF = float("nan"), float("inf")


def scale(x):
    return torch.full_like(x, NAN)


class Learner:
    def fit(self, images, labels):
        pass

    def scores(self, images):
        return torch.full((len(images), 2), INF)

    def load(self, weight):
        pass


class Conv:
    @staticmethod
    def forward(x, w):
        return torch.full((4, 4), INF, dtype=x.dtype)


def pool(x):
    return torch.full((2, 3), -INF, dtype=x.dtype)


def slope(x):
    return 3 * x**2 + torch.full_like(x, NAN)
