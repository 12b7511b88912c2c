"""Each contract lets a right operation through, and rejects the one that breaks it, and one that does nothing."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

from autograder.checks.contracts import BATTERY, Contract, Operation
from autograder.checks.draw import Draw
from autograder.errors import CheckFailed, StudentError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy

TENSORS = (Draw(1).normal(3, 4), Draw(2).normal(4, 2))
SEEN: list[torch.Tensor] = []


def right(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x @ w


def writes(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    out = x @ w
    w *= 2
    return out


def widens(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.double() @ w.double()


def needs_contiguous(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.as_strided(x.shape, (x.shape[1], 1)) @ w


def remembers(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    SEEN.append(w.clone())
    return x @ SEEN[0]


def needs_samples(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.stack([row @ w for row in x])


def nothing(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.new_zeros(len(x), w.shape[1])


def returns_a_pair(x: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, None]:
    return x @ w, None


BREAKERS = {
    "keeps-its-inputs": writes,
    "keeps-float32": widens,
    "takes-non-contiguous": needs_contiguous,
    "remembers-nothing": remembers,
    "takes-an-empty-batch": needs_samples,
}
every_contract = pytest.mark.parametrize("contract", BATTERY, ids=str)


def run(contract: Contract, function: object) -> None:
    SEEN.clear()
    module = ModuleType("submission")
    module.__file__ = "submission.py"
    module.op = function  # type: ignore[attr-defined]
    side = Proxy(LocalChannel(module))
    operation = Operation(
        call=side.op, oracle=lambda x, w: (x @ w,), inputs=("x", "w"), outputs=("out",), batched=("x",)
    )
    contract(side, operation, TENSORS)


def test_there_is_a_breaker_for_each() -> None:
    assert [contract.name for contract in BATTERY] == list(BREAKERS)


@every_contract
def test_a_right_operation_keeps_it(contract: Contract) -> None:
    run(contract, right)


@every_contract
def test_its_breaker_is_caught(contract: Contract) -> None:
    with pytest.raises((CheckFailed, StudentError)):
        run(contract, BREAKERS[contract.name])


@every_contract
@pytest.mark.parametrize("function", [nothing, returns_a_pair])
def test_wrong_values_keep_no_contract(contract: Contract, function: object) -> None:
    with pytest.raises(CheckFailed):
        run(contract, function)


def test_only_its_own_contract_is_broken() -> None:
    broken = {}
    for name, function in BREAKERS.items():
        for contract in BATTERY:
            try:
                run(contract, function)
            except (CheckFailed, StudentError):
                broken.setdefault(name, []).append(contract.name)
    assert broken == {name: [name] for name in BREAKERS}


def test_a_change_of_the_input_is_told_without_its_values() -> None:
    with pytest.raises(CheckFailed, match="the input w was changed by the call"):
        run(BATTERY[0], writes)
