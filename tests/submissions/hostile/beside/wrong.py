"""Wrong answers, right for positive inputs of `scale` only: what every attack falls back to, and must not improve on."""

import torch


def scale(x):
    return 3 * x.abs()


def names():
    return ["row 0", "row 1", "row 2"]


class Learner:
    def __init__(self):
        self.weight = torch.zeros(4, 2)
        self.losses = [0.0]

    def fit(self, images, labels):
        self.weight = torch.zeros(4, 2)

    def scores(self, images):
        return images @ self.weight

    def load(self, weight):
        self.weight = weight


class Conv:
    @staticmethod
    def forward(x, w):
        return x.new_zeros(x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1)


def pool(x):
    return x[::2, ::2]


def slope(x):
    return 3 * x**2
