"""Compares an answer with the wanted value, and describes the mistake without showing the wanted value.

A message may hold types, shapes, dtypes, counts, positions and sizes of relative errors. Values come from an untrusted
process. Only exact types are accepted, so no method of a submission ever runs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeGuard

import numpy as np
import torch

from autograder.checks.compare.asides import dtype_counts, kind_set_aside
from autograder.checks.compare.hints import NOT_FINITE_HINT, Difference, hint_for
from autograder.checks.compare.tolerance import Tolerance, looser, tolerance_for
from autograder.checks.compare.verbs import be, verb
from autograder.errors import CheckFailed
from autograder.sandbox.proxy import Proxy, parts

__all__ = [
    "assert_kind",
    "assert_matches",
    "assert_shape",
    "counted",
    "describe",
    "plain_number",
    "plain_tensor",
    "shown",
    "unpack",
    "unpack_all",
]

NO_RESULT = "does the function return its result?"
NEAR = 2  # a size that differs by at most this much is shown
MAX_COUNTED = 16
NUMBERS = "fiubc"  # the kinds of dtypes of numpy
LEAST_ERROR = 1e-6  # a smaller difference is described without figures


def assert_matches(
    actual: Any,
    expected: Any,
    *,
    what: str = "the output",
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Fail unless `actual` has the type, shape, dtype, device and values of `expected`.

    NaN and infinity match only themselves. A Python number and a 0-d tensor stand for each other. In grading, float32
    in place of float64, the reverse, and whole numbers in any dtype are set aside (`asides`), and values are compared.

    Args:
        actual: anything that came from a submission.
        expected: a tensor, a numpy array, or a Python number.
        what: the answer's name in the message, "dw".
        rtol, atol: in place of the table's row for the dtype of `expected`; both or neither.

    Raises:
        CheckFailed: the message names the difference and its size, in words that a student may read.
        TypeError: `expected` is none of these.
    """
    wanted = _wanted(expected)
    tolerance = tolerance_for(wanted.dtype, rtol, atol)
    if wanted.dim() == 0 and type(actual) in (int, float) and wanted.dtype is not torch.bool:
        found = torch.tensor(_as_float(actual), dtype=torch.float64)
        with _about(found, wanted):
            _compare_values(found, wanted, tolerance, what)
        return
    found = plain_tensor(actual, what)
    with _about(found, wanted):
        if _compare_kind(found, wanted, what):
            tolerance = looser(tolerance, tolerance_for(found.dtype)) if wanted.is_floating_point() else tolerance
        _compare_values(found, wanted, tolerance, what)


def assert_kind(
    value: Any,
    shape: Sequence[int] | None = None,
    dtype: torch.dtype | None = None,
    *,
    like: torch.Tensor | None = None,
    what: str = "the output",
) -> torch.Tensor:
    """Fail unless `value` is a tensor of this shape and dtype, whose numbers are all finite.

    For answers whose values are free or are checked in another way, random weights for example.

    Args:
        value: anything that came from a submission.
        shape, dtype: None accepts any. With a dtype, a list in place of a tensor fails.
        like: a tensor with the wanted shape, dtype and device. In grading, float32 where it is float64, and the other
            way round, is set aside, as by `assert_matches`.
        what: the answer's name in the message, "dw".

    Returns:
        The value itself.

    Raises:
        CheckFailed: the message names the difference, in words that a student may read.

    >>> assert_kind(torch.zeros(2, 3), shape=(2, 3), dtype=torch.float32).sum()
    tensor(0.)
    """
    with nullcontext() if dtype is None else dtype_counts():
        found = plain_tensor(value, what)
    with _about(found, like):
        if like is not None:
            _compare_kind(found, like, what)
        if shape is not None:
            _compare_shape(tuple(found.shape), tuple(shape), what)
        if dtype is not None:
            _compare_dtype(found.dtype, dtype, what)
        stray = (~found.detach().isfinite()).nonzero()
        if len(stray):
            raise CheckFailed(_not_finite(len(stray), found.numel(), stray[0].tolist(), what), NOT_FINITE_HINT)
    return found


def assert_shape(value: torch.Tensor, shape: Sequence[int], what: str = "the output") -> None:
    """Fail unless a tensor has this shape. Raises CheckFailed, whose message names the difference."""
    with _about(value):
        _compare_shape(tuple(value.shape), tuple(shape), what)


def plain_tensor(value: Any, what: str) -> torch.Tensor:
    """The value itself, if it is a dense tensor with values in it; an array of numbers as a tensor.

    In grading, a list or tuple of numbers, or of tensors of one shape, stands for a tensor: it is set aside (`asides`).

    Raises CheckFailed if it is anything else.
    """
    made = _stacked(value) if type(value) in (list, tuple) else None
    if made is not None and kind_set_aside(what, describe(value), "a tensor"):
        return made
    if type(value) is np.ndarray and value.dtype.kind in NUMBERS:
        return torch.from_numpy(value.copy())
    if not _is_dense(value):
        hint = NO_RESULT if value is None else ""
        raise CheckFailed(f"{what} {be(what)} {describe(value)}, not a tensor", hint)
    return value


def _stacked(value: Sequence[Any]) -> torch.Tensor | None:
    """Nested lists and tuples of numbers or tensors as one tensor; None if they are empty, or do not fit together.

    >>> _stacked([[1, 2], [3, 4]]).shape, _stacked([torch.ones(3), torch.ones(2)])
    (torch.Size([2, 2]), None)
    """
    if value and all(type(item) in (bool, int, float) for item in value):
        real = any(type(item) is float for item in value)
        with suppress(ValueError, RuntimeError, OverflowError):  # a whole number that is too large
            return torch.tensor(value, dtype=torch.float64 if real else None)
        return None
    rows = [_stacked(item) if type(item) in (list, tuple) else item for item in value]
    tensors = [row for row in rows if _is_dense(row)]
    if not rows or len(tensors) < len(rows) or len({(row.shape, row.device) for row in tensors}) > 1:
        return None
    return torch.stack(tensors)


def _is_dense(value: Any) -> TypeGuard[torch.Tensor]:
    """True for a dense tensor with values in it."""
    plain = type(value) is torch.Tensor and value.layout is torch.strided
    return plain and not value.is_meta and not value.is_quantized


def plain_number(value: Any, what: str) -> float:
    """A number: Python's, or a tensor or an array with one element. Raises CheckFailed if it is anything else."""
    single = (type(value) is torch.Tensor and value.numel() == 1 and not value.is_complex() and not value.is_meta) or (
        type(value) is np.ndarray and value.size == 1 and value.dtype.kind in "fiu"
    )
    if type(value) not in (int, float) and not single:
        raise CheckFailed(
            f"{what} {be(what)} {describe(value)}, not a number",
            NO_RESULT if value is None else "",
        )
    return float(value)


def unpack(value: Any, *names: str) -> tuple[Any, ...]:
    """The parts of a returned tuple, or of a similar value. Raises CheckFailed if there are more or fewer.

    >>> unpack((1, 2), "out", "cache")
    (1, 2)
    """
    wanted = f"{len(names)} values: ({', '.join(names)})"
    found = _parts(value, len(names) + 1)
    if found is None:
        raise CheckFailed(f"returned {describe(value)}, where the handout asks for {wanted}")
    if len(found) != len(names):
        count = counted(len(found)) if type(value) in (tuple, list) else f"{len(found)} or more"
        raise CheckFailed(f"returned {count} values, where the handout asks for {wanted}")
    return tuple(found)


def unpack_all(value: Any, most: int = 1000) -> list[Any] | None:
    """The parts of a value with an unknown number of parts, also of a set; None if it cannot be unpacked."""
    found = _parts(value, most)
    return None if found is None else list(found)


def _parts(value: Any, most: int) -> Sequence[Any] | None:
    """The parts of a tuple, list, 1-D tensor or array, or iterator on the other side; None for anything else."""
    if type(value) in (tuple, list):
        return list(value)
    if type(value) in (torch.Tensor, np.ndarray) and value.ndim == 1 and len(value) <= most:
        return list(value)
    return parts(value, most) if isinstance(value, Proxy) else None


def describe(value: Any) -> str:
    """A value's kind in words; never its content.

    >>> describe(torch.zeros(2, 3)), describe(None), describe((1, 2))
    ('a tensor with 2 axes', 'None', 'a tuple of 2')
    """
    kind = type(value)
    if value is None:
        return "None"
    if kind is torch.Tensor:
        unusual = value.layout is not torch.strided or value.is_meta or value.is_quantized
        return f"{'an unusual' if unusual else 'a'} tensor with {_axes(value.dim())}"
    if kind is np.ndarray:
        return f"a numpy array with {_axes(value.ndim)}"
    if kind in (tuple, list, dict):
        return f"a {kind.__name__} of {counted(len(value))}"
    if kind in (bool, int, float, str):
        return f"a Python {kind.__name__}"
    return "some other object"


@contextmanager
def _about(found: torch.Tensor, wanted: torch.Tensor | None = None) -> Iterator[None]:
    """Attach this value to a CheckFailed in this block."""
    try:
        yield
    except CheckFailed as failure:
        failure.value, failure.wanted = found, wanted
        raise


def _wanted(expected: Any) -> torch.Tensor:
    if isinstance(expected, torch.Tensor):
        return expected.detach()
    if isinstance(expected, np.ndarray):
        return torch.from_numpy(expected.copy())
    if type(expected) in (bool, int, float):
        return torch.tensor(expected, dtype=torch.float64 if type(expected) is float else None)
    raise TypeError(f"cannot compare with a {type(expected).__name__}")


def _compare_kind(found: torch.Tensor, wanted: torch.Tensor, what: str) -> bool:
    """Fail unless shape, dtype and device are right. Returns True if a wrong dtype was set aside."""
    _compare_shape(tuple(found.shape), tuple(wanted.shape), what)
    aside = _alike(found, wanted.dtype) and kind_set_aside(what, found.dtype, wanted.dtype)
    if not aside:
        _compare_dtype(found.dtype, wanted.dtype, what)
    if found.device != wanted.device:
        hint = "a new tensor takes its device from an input: torch.zeros(…, device=x.device)"
        raise CheckFailed(f"{what} {be(what)} on {found.device}, wanted {wanted.device}", hint)
    return aside


def _alike(found: torch.Tensor, wanted: torch.dtype) -> bool:
    """True if a wrong dtype may hold the right values: a float in place of another, whole numbers in any dtype."""
    if found.dtype is wanted or found.is_complex():
        return False
    if wanted.is_floating_point:
        return {found.dtype, wanted} == {torch.float32, torch.float64}
    return not wanted.is_complex and bool((found.isfinite() & (found == found.to(torch.float64).round())).all())


def _compare_shape(found: tuple[int, ...], wanted: tuple[int, ...], what: str) -> None:
    if found != wanted:
        raise CheckFailed(f"{what} {verb(what, 'has', 'have')} {shown(found, wanted)}", _shape_hint(found, wanted))


def shown(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """The difference of two shapes, in words. Only few sizes are shown: a submission may encode a hidden input in them.

    >>> shown((2, 8, 5), (2, 3, 5)), shown((2, 2), (2, 2, 5))
    ('shape (2, larger, 5), wanted (2, 3, 5)', '2 axes, wanted shape (2, 2, 5)')
    """
    if len(found) != len(wanted):
        return f"{_axes(len(found))}, wanted shape {wanted}"
    sizes = [
        str(size) if abs(size - right) <= NEAR or size in wanted else "smaller" if size < right else "larger"
        for size, right in zip(found, wanted, strict=True)
    ]
    return f"shape ({', '.join(sizes)}{',' if len(sizes) == 1 else ''}), wanted {wanted}"


def _axes(number: int) -> str:
    return "1 axis" if number == 1 else f"{number} axes"


def counted(number: int) -> str:
    """A number that a submission chose; a large one is not shown.

    >>> counted(3), counted(70_001)
    ('3', 'more than 16')
    """
    return str(number) if number <= MAX_COUNTED else f"more than {MAX_COUNTED}"


def _compare_dtype(found: torch.dtype, wanted: torch.dtype, what: str) -> None:
    if found is not wanted:
        hint = "a new tensor takes its dtype from an input: torch.zeros(…, dtype=x.dtype)"
        raise CheckFailed(f"{what} {be(what)} {found}, wanted {wanted}", hint)


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
        message = _not_finite(stray, total, first, what)
    else:
        worst, where = _worst(difference)
        differ = verb(what, "differs", "differ")
        message = (
            f"{what} {differ} in {count} of {total} elements; the worst relative error is {_size(worst)}{_at(where)}"
        )
        if total == 1:
            message = f"{what} {be(what)} wrong: relative error {_size(worst)}"
    raise CheckFailed(message, hint_for(difference))


def _as_float(number: int | float) -> float:
    """The number as a float; infinity for a whole number that is too large for a float."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _as_real(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as float64 on the CPU. It is complex only if a complex one was wanted."""
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


def _size(error: float) -> str:
    return f"{error:.2g}" if error >= LEAST_ERROR else f"below {LEAST_ERROR:g}"


def _not_finite(stray: int, total: int, first: list[int], what: str) -> str:
    return f"{what} {verb(what, 'has', 'have')} {stray} NaN or infinite elements of {total}{_at(first)}"


def _at(position: list[int]) -> str:
    return f", at {position}" if position else ""
