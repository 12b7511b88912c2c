"""Contracts that every operation must keep, whatever it computes.

    @pytest.mark.parametrize("contract", contracts.battery(), ids=str)
    def test_contract(student, rng, contract):
        operation = contracts.Operation(
            call=student.iou, oracle=slow_iou, inputs=("boxes", "others"), outputs=("iou",), batched=("boxes",)
        )
        contract(student, operation, (rng.boxes(4, 20, 30), rng.boxes(3, 20, 30)))

Each contract also compares values, so an operation with wrong results fails all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch

from autograder.checks.compare.asides import dtype_counts
from autograder.checks.compare.compare import assert_matches, unpack
from autograder.errors import CheckFailed, StudentError
from autograder.sandbox.proxy import Proxy, fetch, place

__all__ = ["BATTERY", "Contract", "Operation", "battery"]


@dataclass(frozen=True)
class Operation:
    """An operation under test.

    Attributes:
        call: takes tensors (or proxies of placed ones) and returns the submission's result for them: a tensor if
            `outputs` has one name, else a tuple.
        oracle: takes the same tensors, floating ones in float64, and returns a tuple of tensors, one per output. A
            float64 output is compared in the dtype of the first floating input; whole numbers and booleans keep their
            own dtype and must be equal.
        inputs: names of the tensors that `call` takes.
        outputs: names of the returned values.
        batched: the inputs with samples along axis 0; all have the same number of samples.
        others: makes other valid inputs from these, for "remembers-nothing". By default every input is flipped along
            its last axis, and a floating one is multiplied by -0.5. Give a function if this makes no valid input,
            for boxes for example.
    """

    call: Callable[..., Any]
    oracle: Callable[..., tuple[torch.Tensor, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    batched: tuple[str, ...]
    others: Callable[..., Sequence[torch.Tensor]] | None = None

    def compare(self, returned: Any, tensors: Sequence[torch.Tensor]) -> None:
        """Fail unless `returned` is right for these inputs."""
        for name, part, value in self._pairs(returned, tensors):
            assert_matches(part, value, what=name)

    def compare_dtypes(self, returned: Any, tensors: Sequence[torch.Tensor]) -> None:
        """Fail if a tensor in `returned` has the wrong dtype for these inputs."""
        for name, part, value in self._pairs(returned, tensors):
            if type(part) is torch.Tensor:  # a Python number has no dtype
                assert_matches(part.new_zeros(()), value.new_zeros(()), what=name)

    def _pairs(self, returned: Any, tensors: Sequence[torch.Tensor]) -> Iterator[tuple[str, Any, torch.Tensor]]:
        """The name of each output, the returned value, and the right value."""
        parts = (returned,) if len(self.outputs) == 1 else unpack(returned, *self.outputs)
        wanted = self.oracle(*(_as_float(tensor, torch.float64) for tensor in tensors))
        dtype = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float64)
        for name, part, value in zip(self.outputs, parts, wanted, strict=True):
            yield name, part, _as_float(value, dtype)


@dataclass(frozen=True)
class Contract:
    """One contract: `contract(side, operation, tensors)` raises CheckFailed if the operation breaks it.

    `side` is the side that is checked, usually `student`; `tensors` are the operation's inputs in float64.
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
            hint = "an operation must not change its inputs: clone() first, or create a new tensor"
            raise CheckFailed(f"the input {name} was changed by the call", hint) from None


def _keeps_float32(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    """Fails for a wrong dtype, whatever the values. No other contract fails for float32 in place of float64."""
    single = [_as_float(tensor, torch.float32) for tensor in tensors]
    with dtype_counts():
        operation.compare(operation.call(*single), single)
    with suppress(StudentError), dtype_counts():  # other contracts check the effects of a second call
        operation.compare_dtypes(operation.call(*tensors), tensors)


def _takes_strided(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    placed = [place(side, tensor, strided=True) for tensor in tensors]
    operation.compare(operation.call(*placed), tensors)


def _remembers_nothing(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    """Other values on a second call: nothing from the first call may leak into it."""
    operation.compare(operation.call(*tensors), tensors)
    others = [*(operation.others or _turned)(*tensors)]
    operation.compare(operation.call(*others), others)
    operation.compare(operation.call(*tensors), tensors)


def _takes_empty(side: Proxy, operation: Operation, tensors: Sequence[torch.Tensor]) -> None:
    operation.compare(operation.call(*tensors), tensors)
    empty = [
        tensor[:0] if name in operation.batched else tensor
        for name, tensor in zip(operation.inputs, tensors, strict=True)
    ]
    operation.compare(operation.call(*empty), empty)


def _turned(*tensors: torch.Tensor) -> list[torch.Tensor]:
    """Other values of the same shapes: flipped along the last axis, and floating ones times -0.5."""
    flipped = [tensor.flip(-1) if tensor.dim() else tensor for tensor in tensors]
    return [-0.5 * tensor if tensor.is_floating_point() else tensor for tensor in flipped]


def _as_float(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A floating tensor in this dtype; whole numbers and booleans as they are."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


BATTERY: tuple[Contract, ...] = (
    Contract("keeps-its-inputs", _keeps_inputs),
    Contract("keeps-float32", _keeps_float32),
    Contract("takes-non-contiguous", _takes_strided),
    Contract("remembers-nothing", _remembers_nothing),
    Contract("takes-an-empty-batch", _takes_empty),
)


def battery(exceptions: Mapping[str, str] = MappingProxyType({})) -> tuple[Contract, ...]:
    """All contracts except those that an operation need not keep; each exception has a reason.

    Args:
        exceptions: by the name of a contract, why the task does not ask for it.

    Raises:
        ValueError: no contract has that name, or a reason is missing.

    >>> [str(contract) for contract in battery({"takes-an-empty-batch": "the mean of no rows is not defined"})]
    ['keeps-its-inputs', 'keeps-float32', 'takes-non-contiguous', 'remembers-nothing']
    """
    names = {contract.name for contract in BATTERY}
    if unknown := exceptions.keys() - names:
        raise ValueError(f"no contract is called {sorted(unknown)[0]!r}; there are {', '.join(sorted(names))}")
    if unexplained := [name for name, reason in exceptions.items() if not reason.strip()]:
        raise ValueError(f"why is {unexplained[0]!r} not asked for? Give a reason")
    return tuple(contract for contract in BATTERY if contract.name not in exceptions)
