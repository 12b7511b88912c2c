"""Reads handed-in torch files without running any code that they name."""

from __future__ import annotations

import io
import pickle
from collections import defaultdict
from typing import Any

import numpy as np
import torch

__all__ = ["load_file"]


def _numpy_globals() -> list[Any]:
    """The functions that rebuild numpy's scalars and arrays, under each name that numpy has had for them."""
    scalar: Any = np.float64(0).__reduce__()[0]
    array: Any = np.zeros(0).__reduce__()[0]
    functions = [
        (function, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for function, name in ((scalar, "scalar"), (array, "_reconstruct"))
    ]
    kinds = {type(np.dtype(code)) for code in np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"}
    return [*functions, np.dtype, np.ndarray, *kinds]


# A file with a defaultdict names the type of its default values.
CONTAINERS = [defaultdict, list, dict, int, float]


def load_file(content: bytes) -> Any:
    """The content of a torch file, with its tensors on the CPU.

    It may hold tensors, numbers, text, lists, tuples, dicts (defaultdicts, too), and numpy's scalars and arrays. For
    example, a notebook's list of losses may hold any of these.

    Raises:
        pickle.UnpicklingError: it is no torch file, or holds other objects.
    """
    try:
        with torch.serialization.safe_globals([*_numpy_globals(), *CONTAINERS]):
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        allowed = "tensors, numbers, text, lists, tuples and dicts"
        raise pickle.UnpicklingError(f"not a file that torch saved, or one with more than {allowed} in it") from error
