"""The library that comes with the assignments: data, training, gradients by finite differences, plots."""

from collections.abc import Sequence

from torch import Tensor

from .helpers import reset_seed, softmax_loss, tensor_to_image
from .solver import Solver

__all__ = ["Solver", "reset_seed", "softmax_loss", "tensor_to_image", "visualize_dataset"]


def visualize_dataset(X: Tensor, y: Tensor, samples_per_class: int, class_names: Sequence[str]) -> None:
    """As `common.plots.visualize_dataset`; matplotlib is imported only now."""
    from .plots import visualize_dataset as show

    show(X, y, samples_per_class, class_names)
