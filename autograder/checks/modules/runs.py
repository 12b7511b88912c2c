"""Compares one call of a submission, its gradients and its batch statistics with the reference's.

Messages name a parameter by its number in the order of use, role, layer and shape. All these words are the reference's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from msgspec import Struct

from autograder.checks.compare.compare import assert_matches, describe
from autograder.checks.modules.facts import TensorFacts, validated
from autograder.errors import CheckFailed, GraderError, ProtocolError
from autograder.sandbox.channel.tree import leaves

__all__ = ["Run", "assert_same_run", "read_run"]

STATISTICS_HINT = (
    "running statistics follow the batches in training mode, by nn.BatchNorm2d's own momentum, and stay as they are "
    "in evaluation mode"
)


@dataclass(frozen=True)
class Run:
    """One call, with the gradients of sum(output * upstream). Untrusted if a submission was called.

    Attributes:
        output: the returned value, a tensor, or a tuple or list of tensors.
        attached: for each tensor in the output, True if gradients flow through it.
        inputs: a gradient per tensor in the arguments; None if no gradient arrived or none was requested.
        changed: per tensor in the arguments, True if the call wrote to it. Then there are no gradients at all.
        slots: the weights' slots, in their order, to which `parameters` and then `buffers` belong.
        parameters: a gradient per parameter; None if none arrived.
        buffers: batch statistics after the call.
        asked: for each tensor in the output, True if an upstream gradient was given; empty without any.
    """

    output: Any
    attached: tuple[bool, ...]
    inputs: tuple[Any, ...]
    changed: tuple[bool, ...]
    slots: tuple[TensorFacts, ...] = ()
    parameters: tuple[Any, ...] = ()
    buffers: tuple[Any, ...] = ()
    asked: tuple[bool, ...] = ()


class _Answer(Struct):
    """The reply to the operation "differentiate"; see `sandbox.session.modules`."""

    output: Any
    attached: tuple[bool, ...]
    inputs: tuple[Any, ...]
    changed: tuple[bool, ...]
    tensors: list[Any]


def read_run(
    answer: Any,
    upstream: Sequence[torch.Tensor | None],
    slots: Sequence[TensorFacts] = (),
    taken: Sequence[TensorFacts] = (),
) -> Run:
    """An answer to `differentiate`.

    Gradients of an output in a lower precision than its upstream gradient are no more precise than the output. They
    get its dtype, so that they are compared like the output.

    Args:
        upstream: for each tensor in the output, the gradient that arrived at it.
        slots: the names of the run's parameters and buffers in messages.
        taken: for each slot, the called module's own tensor.

    Raises:
        ProtocolError: the reply is not of this form.
    """
    found: _Answer = validated(answer, _Answer)
    values = found.tensors
    if len(found.changed) != len(found.inputs):
        raise ProtocolError("a run that is not one")
    if any(tensor.index >= len(values) for tensor in taken):
        raise ProtocolError("fewer gradients or statistics than were described")
    lower = _lower_dtype(found.output, upstream)
    if lower is not None:
        values = [_at_most(value, lower) for value in values]
    parts = {
        buffer: tuple(values[tensor.index] for tensor in taken if tensor.buffer is buffer) for buffer in (False, True)
    }
    inputs = found.inputs if lower is None else tuple(_at_most(value, lower) for value in found.inputs)
    asked = tuple(gradient is not None for gradient in upstream)
    return Run(found.output, found.attached, inputs, found.changed, tuple(slots), parts[False], parts[True], asked)


def _lower_dtype(output: Any, upstream: Sequence[torch.Tensor | None]) -> torch.dtype | None:
    """The lowest dtype of the outputs that is lower than that of the upstream gradient; None if there is none."""
    made = (value for value in leaves(output) if type(value) is torch.Tensor)
    found = [
        value.dtype
        for value, arrived in zip(made, upstream, strict=False)
        if arrived is not None and value.is_floating_point() and value.dtype.itemsize < arrived.dtype.itemsize
    ]
    return min(found, key=lambda dtype: dtype.itemsize, default=None)


def _at_most(value: Any, dtype: torch.dtype) -> Any:
    floating = type(value) is torch.Tensor and value.is_floating_point()
    return value.to(dtype) if floating and value.dtype.itemsize > dtype.itemsize else value


def assert_same_run(
    actual: Run,
    expected: Run,
    *,
    what: str = "the module",
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Fail unless two runs have equal output, gradients and batch statistics, and `actual` leaves its inputs unchanged.

    Args:
        actual: a submission's; untrusted.
        expected: the reference's, on the same inputs, weights and upstream gradient.
        rtol, atol: as for `assert_matches`.

    Raises:
        CheckFailed: the first difference, in words a student may read.
        GraderError: gradients were asked for, and the reference has none: the upstream gradient does not fit.
    """
    _assert_gradients_fit(expected, what)
    if len(actual.changed) != len(expected.changed) or len(actual.parameters) != len(expected.parameters):
        raise ProtocolError("a run on other inputs or parameters")

    def compare(found: Any, wanted: Any, name: str, hint: str = "") -> None:
        try:
            assert_matches(found, wanted, what=name, rtol=rtol, atol=atol)
        except CheckFailed as failure:
            failure.hint = failure.hint or hint
            raise

    _assert_inputs_kept(actual, expected, what)
    _compare_outputs(actual.output, expected.output, f"the output of {what}", compare)
    for number, (found, wanted) in enumerate(zip(actual.attached, expected.asked, strict=False)):
        if wanted and not found:
            hint = "detach(), .data, no_grad(), or a new tensor from its values separates it from autograd"
            name = f"the output{_numbered(number, expected.asked)} of {what}"
            raise CheckFailed(f"no gradient flows through {name}", hint, value=actual.output)
    for number, (found, wanted) in enumerate(zip(actual.inputs, expected.inputs, strict=True)):
        name = f"the gradient of {what} with respect to its input{_numbered(number, expected.inputs)}"
        _compare_gradient(found, wanted, name, compare)
    _compare_weights(actual, expected, what, compare)


def _assert_gradients_fit(expected: Run, what: str) -> None:
    """Raise GraderError if an upstream gradient was given for an output of the reference without a gradient."""
    if not expected.asked:
        return
    missing = all(gradient is None for gradient in (*expected.inputs, *expected.parameters))
    if missing or len(expected.asked) != len(expected.attached):
        raise GraderError(f"{what}: the reference has no gradients for this upstream gradient")


def _compare_outputs(found: Any, wanted: Any, name: str, compare: Any) -> None:
    """Compare a tensor, or a tuple or list part by part, numbered from 1. A tensor of as many rows stands for one."""
    if type(wanted) not in (tuple, list):
        compare(found, wanted, name)
        return
    if type(found) is torch.Tensor and found.dim() and len(found) == len(wanted):
        found = tuple(found)
    if type(found) not in (tuple, list) or len(found) != len(wanted):
        raise CheckFailed(f"{name} is {describe(found)}, wanted a {type(wanted).__name__} of {len(wanted)}")
    for number, (part, value) in enumerate(zip(found, wanted, strict=True), 1):
        _compare_outputs(part, value, f"part {number} of {name}", compare)


def _compare_weights(actual: Run, expected: Run, what: str, compare: Any) -> None:
    slots = [slot for slot in expected.slots if not slot.buffer]
    for number, (slot, found, wanted) in enumerate(zip(slots, actual.parameters, expected.parameters, strict=True), 1):
        name = f"the gradient of {what} with respect to parameter {number} of {len(slots)} in the order of use"
        _compare_gradient(found, wanted, f"{name} ({_words(slot)})", compare)
    statistics = [slot for slot in expected.slots if slot.buffer]
    for slot, found, wanted in zip(statistics, actual.buffers, expected.buffers, strict=True):
        same = [other for other in statistics if other.role == slot.role]
        place = f"{slot.role} of batch normalization {same.index(slot) + 1} of {len(same)}"
        compare(found, wanted, f"after one call of {what}, {place} in the order of use", STATISTICS_HINT)


def _compare_gradient(found: Any, wanted: Any, name: str, compare: Any) -> None:
    """Compare one gradient. If none is wanted, a missing gradient and zeros are both right."""
    if wanted is None:
        if type(found) is torch.Tensor and bool((found != 0).any()):
            raise CheckFailed(f"{name} should be none", "the output does not depend on it", value=found)
        return
    if found is None:
        raise CheckFailed(f"{name} is missing: none arrived", "does the forward pass use it, within autograd?")
    compare(found, wanted, name)


def _assert_inputs_kept(actual: Run, expected: Run, what: str) -> None:
    for number, (found, wanted) in enumerate(zip(actual.changed, expected.changed, strict=True)):
        if found and not wanted:
            name = f"input{_numbered(number, expected.changed)}"
            hint = "an in-place operation (relu_, inplace=True, +=) must not change the input itself"
            raise CheckFailed(f"the {name} of {what} was changed by the call", hint, value=actual.output)


def _numbered(number: int, parts: Sequence[object]) -> str:
    return f" {number + 1} of {len(parts)}" if len(parts) > 1 else ""


def _words(slot: TensorFacts) -> str:
    """`weight of a Conv2d, shape (10, 3, 3, 3)`"""
    return ", ".join(
        filter(None, (f"{slot.role} of a {slot.owner}" if slot.owner else slot.role, f"shape {slot.shape}"))
    )
