"""How long things are."""

import torch
from units import SCALE


def span(x: torch.Tensor) -> torch.Tensor:
    """The largest value minus the smallest."""
    # BEGIN SOLUTION span
    return SCALE * (x.max() - x.min())
    # END SOLUTION
