"""What is done to single images before they are looked at."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["smooth"]


def smooth(image: Tensor, sigma: float) -> Tensor:
    """Blur an image with a Gaussian, so that single noisy pixels do not stand out.

    Args:
        image: (C, H, W) floating point.
        sigma: > 0, standard deviation in pixels. The filter reaches three of them.

    Returns:
        (C, H, W). Beyond its border the image goes on as it is at the border.

    >>> smooth(torch.tensor([[[0.0, 0.0, 1.0, 0.0, 0.0]]]), sigma=0.8)
    tensor([[[0.0219, 0.2283, 0.4987, 0.2283, 0.0219]]])
    """
    reach = math.ceil(3 * sigma)
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64, device=image.device)
    filter = torch.exp(-steps.square() / (2 * sigma**2))
    filter = (filter / filter.sum()).to(image.dtype)
    padded = F.pad(image[:, None], (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, filter[None, None, None]), filter[None, None, :, None])[:, 0]
