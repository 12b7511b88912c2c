"""How large things are."""

import torch
from lengths import span


def rectangle(width: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """The area of a rectangle."""
    # BEGIN SOLUTION rectangle
    return width * height
    # END SOLUTION


class Strip:
    """A strip of one width."""

    def __init__(self, width: float) -> None:
        self.width = width

    def area(self, x: torch.Tensor) -> torch.Tensor:
        """The area between the smallest and the largest value."""
        # BEGIN SOLUTION strip
        return self.width * span(x)
        # END SOLUTION
