"""Reads CIFAR-10 as its authors publish it for Python: five training batches and one test batch on disk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

__all__ = ["CIFAR_CLASSES", "cifar_folder", "read_cifar"]

CIFAR_CLASSES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = ("test_batch",)


def cifar_folder(root: str | Path) -> Path | None:
    """`root/cifar-10-batches-py` if all its batches are there, else None."""
    folder = Path(root) / "cifar-10-batches-py"
    return folder if all((folder / name).is_file() for name in _TRAIN + _TEST) else None


def read_cifar(folder: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training images and labels, test images and labels: (N, 3, 32, 32) uint8 and (N,) int64.

    Raises:
        ValueError: a file is not a batch of CIFAR-10; says which.
    """
    return *_read_batches(folder, _TRAIN), *_read_batches(folder, _TEST)


def _read_batches(folder: Path, names: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    batches = [_read_batch(folder / name) for name in names]
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    return torch.from_numpy(images), torch.from_numpy(labels)


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
        images = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
        labels = np.asarray(batch[b"labels"], dtype=np.int64).reshape(len(images))
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a batch of CIFAR-10: {error!r}") from error
    return images, labels


class _ArraysOnly(pickle.Unpickler):
    """The batches are pickles, which can run code when read; these may only build numpy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.zeros(0).__reduce__()[0]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not part of an array")
