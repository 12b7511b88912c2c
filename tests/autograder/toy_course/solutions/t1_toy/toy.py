"""The toy course's reference."""

import torch

from common import SCALE


def double(x: torch.Tensor) -> torch.Tensor:
    return SCALE * x


class Counter:
    """Adds up what it is given, twice."""

    def __init__(self) -> None:
        self.total = torch.zeros(())

    def add(self, x: torch.Tensor) -> torch.Tensor:
        self.total = self.total + double(x).sum()
        return self.total
