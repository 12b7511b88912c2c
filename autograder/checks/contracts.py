"""What every operation owes its user, whatever it computes: a battery to run over any of them.

Each contract also compares values, so that an operation which computes nothing, or something else, keeps none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from autograder.checks.compare import assert_matches, unpack
from autograder.errors import CheckFailed
from autograder.sandbox.proxy import Proxy, fetch, place

__all__ = ["BATTERY", "Contract", "Operation"]


@dataclass(frozen=True)
class Operation:
    """An operation under test.

    Attributes:
        call: takes tensors (or proxies of placed ones) and returns what the submission returned for them: a tensor
            where there is one name in `outputs`, else a tuple.
        oracle: takes the same tensors in float64 and returns a tuple of float64 tensors, one per output.
        inputs: names of the tensors that `call` takes.
        outputs: names of what it returns.
        batched: which inputs have samples along axis 0; all of them as many.
    """

    call: Callable[..., Any]
    oracle: Callable[..., tuple[torch.Tensor, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    batched: tuple[str, ...]

    def compare(self, returned: Any, tensors: Sequence[torch.Tensor]) -> None:
        """Fail unless `returned` is right for these inputs, in the dtype of the first of them."""
        parts = (returned,) if len(self.outputs) == 1 else unpack(returned, *self.outputs)
        wanted = self.oracle(*(tensor.to(torch.float64) for tensor in tensors))
        for name, part, value in zip(self.outputs, parts, wanted, strict=True):
            assert_matches(part, value.to(tensors[0].dtype), what=name)


@dataclass(frozen=True)
class Contract:
    """One promise: `contract(side, operation, tensors)` raises CheckFailed where it is broken.

    `side` is whose promise it is, usually `student`; `tensors` are the operation's inputs in float64.
    """

    name: str
    check: Callable[[Proxy, Operation, Sequence[torch.Tensor]], None]

    def __call__(self, side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
        self.check(side, operation, tensors)

    def __str__(self) -> str:
        return self.name


def _keeps_inputs(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    placed = [place(side, tensor) for tensor in tensors]
    operation.compare(operation.call(*placed), tensors)
    for name, proxy, before in zip(operation.inputs, placed, tensors, strict=True):
        try:
            assert_matches(fetch(proxy), before, what=name, rtol=0.0, atol=0.0)
        except CheckFailed:
            hint = "an operation must not write to what it was given: clone() first, or create a new tensor"
            raise CheckFailed(f"the input {name} was changed by the call", hint) from None


def _keeps_float32(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    single = [tensor.to(torch.float32) for tensor in tensors]
    operation.compare(operation.call(*single), single)


def _takes_strided(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    placed = [place(side, tensor, strided=True) for tensor in tensors]
    operation.compare(operation.call(*placed), tensors)


def _remembers_nothing(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    """Other values on a second call: what was remembered from the first must not leak into it."""
    operation.compare(operation.call(*tensors), tensors)
    others = [-0.5 * tensor.flip(-1) for tensor in tensors]
    operation.compare(operation.call(*others), others)
    operation.compare(operation.call(*tensors), tensors)


def _takes_empty(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    operation.compare(operation.call(*tensors), tensors)
    empty = [
        tensor[:0] if name in operation.batched else tensor
        for name, tensor in zip(operation.inputs, tensors, strict=True)
    ]
    operation.compare(operation.call(*empty), empty)


BATTERY: tuple[Contract, ...] = (
    Contract("keeps-its-inputs", _keeps_inputs),
    Contract("keeps-float32", _keeps_float32),
    Contract("takes-non-contiguous", _takes_strided),
    Contract("remembers-nothing", _remembers_nothing),
    Contract("takes-an-empty-batch", _takes_empty),
)
