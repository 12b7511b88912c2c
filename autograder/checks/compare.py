"""Compares an answer with what was wanted, and says how it is wrong without saying what was wanted.

What a message may hold: types, shapes, dtypes, counts, positions and sizes of relative errors. Values come from an
untrusted process: only exact types are looked at, so that no method of a submission's own ever runs here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from autograder.checks.hints import Difference, hint_for
from autograder.checks.tolerance import Tolerance, tolerance_for
from autograder.errors import CheckFailed

__all__ = ["assert_matches", "describe", "plain_tensor", "unpack"]


def assert_matches(
    actual: Any,
    expected: Any,
    *,
    what: str = "the output",
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Fail unless `actual` has the type, shape, dtype, device and values of `expected`.

    NaN and infinity match only themselves. A Python number and a 0-d tensor stand for each other.

    Args:
        actual: anything that came from a submission.
        expected: a tensor, a numpy array, or a Python number.
        what: the answer's name in the message, "dw".
        rtol, atol: in place of the table's row for the dtype of `expected`; both or neither.

    Raises:
        CheckFailed: what differs and by how much, in words a student may read.
        TypeError: `expected` is none of these.
    """
    wanted = _wanted(expected)
    tolerance = tolerance_for(wanted.dtype, rtol, atol)
    if wanted.dim() == 0 and type(actual) in (int, float) and wanted.dtype is not torch.bool:
        _compare_values(torch.tensor(_as_float(actual), dtype=torch.float64), wanted, tolerance, what)
        return
    if type(actual) is np.ndarray and type(expected) is np.ndarray:
        actual = torch.from_numpy(actual.copy())
    found = plain_tensor(actual, what)
    _compare_kind(found, wanted, what)
    _compare_values(found, wanted, tolerance, what)


def plain_tensor(value: Any, what: str) -> torch.Tensor:
    """The value itself, if it is a dense tensor with values in it. Raises CheckFailed where it is anything else."""
    if type(value) is not torch.Tensor or value.layout is not torch.strided or value.is_meta or value.is_quantized:
        hint = "does the function return its result?" if value is None else ""
        raise CheckFailed(f"{what} is {describe(value)}, not a tensor", hint)
    return value


def unpack(value: Any, *names: str) -> tuple[Any, ...]:
    """The parts of a returned tuple, one for each name. Raises CheckFailed where there are more or fewer.

    >>> unpack((1, 2), "out", "cache")
    (1, 2)
    """
    wanted = f"{len(names)} values: ({', '.join(names)})"
    if type(value) not in (tuple, list):
        raise CheckFailed(f"returned {describe(value)}, where the handout asks for {wanted}")
    if len(value) != len(names):
        raise CheckFailed(f"returned {len(value)} values, where the handout asks for {wanted}")
    return tuple(value)


def describe(value: Any) -> str:
    """A value's kind in words; never its content.

    >>> describe(torch.zeros(2, 3)), describe(None), describe((1, 2))
    ('a tensor of shape (2, 3)', 'None', 'a tuple of 2')
    """
    kind = type(value)
    if value is None:
        return "None"
    if kind is torch.Tensor:
        unusual = value.layout is not torch.strided or value.is_meta or value.is_quantized
        return f"{'an unusual' if unusual else 'a'} tensor of shape {tuple(value.shape)}"
    if kind is np.ndarray:
        return f"a numpy array of shape {value.shape}"
    if kind in (tuple, list, dict):
        return f"a {kind.__name__} of {len(value)}"
    if kind in (bool, int, float, str):
        return f"a Python {kind.__name__}"
    return "some other object"


def _wanted(expected: Any) -> torch.Tensor:
    if isinstance(expected, torch.Tensor):
        return expected.detach()
    if isinstance(expected, np.ndarray):
        return torch.from_numpy(expected.copy())
    if type(expected) in (bool, int, float):
        return torch.tensor(expected, dtype=torch.float64 if type(expected) is float else None)
    raise TypeError(f"cannot compare with a {type(expected).__name__}")


def _compare_kind(found: torch.Tensor, wanted: torch.Tensor, what: str) -> None:
    if found.shape != wanted.shape:
        message = f"{what} has shape {tuple(found.shape)}, wanted {tuple(wanted.shape)}"
        raise CheckFailed(message, _shape_hint(tuple(found.shape), tuple(wanted.shape)))
    if found.dtype is not wanted.dtype:
        hint = "a new tensor takes its dtype from an input: torch.zeros(…, dtype=x.dtype)"
        raise CheckFailed(f"{what} is {found.dtype}, wanted {wanted.dtype}", hint)
    if found.device != wanted.device:
        hint = "a new tensor takes its device from an input: torch.zeros(…, device=x.device)"
        raise CheckFailed(f"{what} is on {found.device}, wanted {wanted.device}", hint)


def _shape_hint(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(found) != len(wanted):
        return f"it has {len(found)} axes, wanted {len(wanted)}"
    if sorted(found) == sorted(wanted):
        return "the sizes are right, in another order: are two axes swapped?"
    wrong = [axis for axis, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b]
    if len(wrong) < len(wanted):
        axes = " and ".join(map(str, wrong))
        return f"only axis {axes} is wrong" if len(wrong) == 1 else f"only axes {axes} are wrong"
    return ""


def _compare_values(found: torch.Tensor, wanted: torch.Tensor, tolerance: Tolerance, what: str) -> None:
    if found.dtype is wanted.dtype and torch.equal(found, wanted):  # not where there is a NaN
        return
    difference = Difference(_as_real(found), _as_real(wanted), tolerance, wanted.dtype)
    if difference.surely_none:
        return
    wrong = difference.wrong
    count, total = int(wrong.sum()), wrong.numel()
    if count == 0:
        return
    stray = int((wrong & ~difference.actual.isfinite()).sum())
    if stray:
        first = (wrong & ~difference.actual.isfinite()).nonzero()[0].tolist()
        message = f"{what} has {stray} NaN or infinite elements of {total}{_at(first)}"
    else:
        worst, where = _worst(difference)
        message = f"{what} differs in {count} of {total} elements; the worst relative error is {worst:.2g}{_at(where)}"
        if total == 1:
            message = f"{what} is wrong: relative error {worst:.2g}"
    raise CheckFailed(message, hint_for(difference))


def _as_float(number: int | float) -> float:
    """Python's whole numbers know no bounds."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _as_real(tensor: torch.Tensor) -> torch.Tensor:
    """float64 on the CPU; a complex tensor never gets here unless a complex one was wanted."""
    if tensor.dtype is torch.float64 and tensor.device.type == "cpu":
        return tensor.detach()
    tensor = tensor.detach().cpu()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.to(torch.float64)


def _worst(difference: Difference) -> tuple[float, list[int]]:
    """The largest |a - e| / max(|a|, |e|) among wrong elements, at most 2, and its position."""
    actual, expected = difference.actual, difference.expected
    scale = torch.maximum(actual.abs(), expected.abs())
    # Halves first: the difference of two huge numbers must not overflow.
    error = 2.0 * (actual / 2 - expected / 2).abs() / scale.clamp_min(torch.finfo(torch.float64).tiny)
    error = error.nan_to_num(nan=2.0, posinf=2.0).where(difference.wrong, torch.tensor(-1.0, dtype=torch.float64))
    place = int(error.reshape(-1).argmax())
    # Not torch.unravel_index, whose first call imports sympy: a second or more, in every submission's own process.
    position = [int(index) for index in np.unravel_index(place, error.shape)]
    return float(error.reshape(-1)[place]), position


def _at(position: list[int]) -> str:
    return f", at {position}" if position else ""
