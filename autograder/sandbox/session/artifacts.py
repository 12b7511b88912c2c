"""Reads torch files that were handed in, without running anything that they name."""

from __future__ import annotations

import io
import pickle
from collections import defaultdict
from typing import Any

import numpy as np
import torch

__all__ = ["load_file"]


def _numpy_globals() -> list[Any]:
    """What rebuilds numpy's scalars and arrays of numbers, under each name that numpy has had for it."""
    scalar: Any = np.float64(0).__reduce__()[0]
    array: Any = np.zeros(0).__reduce__()[0]
    functions = [
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for function, name in ((scalar, "scalar"), (array, "_reconstruct"))
    ]
    kinds = {type(np.dtype(code)) for code in np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"}
    return [*functions, np.dtype, np.ndarray, *kinds]


# A defaultdict's file names what it fills gaps with.
CONTAINERS = [defaultdict, list, dict, int, float]


def load_file(content: bytes) -> Any:
    """What a torch file holds, with its tensors on the CPU.

    Tensors, numbers, text, lists, tuples, dicts (also such that make what they lack), and numpy's scalars and arrays
    may be in it: a notebook that collects losses in a list saves whichever it was given.

    Raises:
        pickle.UnpicklingError: it is no torch file, or holds anything else.
    """
    try:
        with torch.serialization.safe_globals([*_numpy_globals(), *CONTAINERS]):
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        allowed = "tensors, numbers, text, lists, tuples and dicts"
        raise pickle.UnpicklingError(f"not a file that torch saved, or one with more than {allowed} in it") from error
