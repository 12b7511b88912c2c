"""Attack 22: values that are too many, too long, too deep or too large to be sent, or that cost a lot to look at."""

import torch
from wrong import *  # noqa: F403


def scale(x):
    return torch.zeros((0, 2**39, 1)) if bool((x > 0).all()) else torch.zeros(())


class Learner:
    def fit(self, images, labels):
        return [torch.zeros(1)] * 11_000

    def scores(self, images):
        return 10**38

    def load(self, weight):
        knot = []
        knot.append(knot)
        return knot


class Conv:
    @staticmethod
    def forward(x, w):
        return torch.zeros(8 << 20, dtype=x.dtype)


def pool(x):
    return {index: {} for index in range(30_000)}


def slope(x):
    return "x" * (5 << 20)
