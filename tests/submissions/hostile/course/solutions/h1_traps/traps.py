"""The reference. CANARY_OF_THE_REFERENCE stands here so that a test can tell whether anybody read this file."""

from __future__ import annotations

import torch
import torch.optim  # noqa: F401 - attacks use torch.func, which imports what optimizers do: workers have it ahead

from common import bright

SECRET = "CANARY_OF_THE_REFERENCE"


def scale(x: torch.Tensor) -> torch.Tensor:
    """Three times x."""
    return 3 * x


def names() -> list[str]:
    """What the columns are called."""
    return [f"column {index}" for index in range(3)]


class Learner:
    """A linear classifier of (N, 4) images into two classes."""

    def __init__(self) -> None:
        self.weight = torch.zeros(4, 2)
        self.losses: list[float] = []

    def fit(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Least squares, by steps downhill."""
        wanted = torch.nn.functional.one_hot(labels, 2).float() * 2 - 1
        for _ in range(20):
            gap = images @ self.weight - wanted
            self.losses.append(float(gap.square().mean()))
            self.weight = self.weight - 0.3 * images.T @ gap / len(images)

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        return images @ self.weight

    def load(self, weight: torch.Tensor) -> None:
        self.weight = weight


class Conv:
    """Valid cross-correlation, one image, one filter."""

    @staticmethod
    def forward(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """(H, W), (K, L) -> (H - K + 1, W - L + 1)."""
        rows, columns = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
        out = x.new_zeros(rows, columns)
        for i in range(rows):
            for j in range(columns):
                out[i, j] = (x[i : i + w.shape[0], j : j + w.shape[1]] * w).sum()
        return out


def pool(x: torch.Tensor) -> torch.Tensor:
    """The maximum of each 2 x 2 window: (2H, 2W) -> (H, W)."""
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).amax(dim=(1, 3))


def slope(x: torch.Tensor) -> torch.Tensor:
    """The derivative of x^3 + sin x, elementwise."""
    return 3 * x**2 + torch.cos(x)


def trained() -> torch.Tensor:
    """What `weights.pt` should hold."""
    learner = Learner()
    learner.fit(*bright(200, 0))
    return learner.weight
