"""The given library."""

import torch


def bright(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (count, 4) and labels: which of two halves is brighter. Whoever knows the seed knows the labels."""
    drawn = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (count,), generator=drawn)
    images = torch.rand(count, 4, generator=drawn)
    images[labels == 0, :2] += 1.0
    images[labels == 1, 2:] += 1.0
    return images, labels
