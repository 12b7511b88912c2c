"""Each contract lets a right operation through, and rejects the one that breaks it, and one that does nothing."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch

from autograder.checks.compare.asides import noting
from autograder.checks.contracts import BATTERY, Contract, Operation, battery
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


def narrows(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.float() @ w.float()


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


def test_a_wrong_dtype_breaks_one_contract_where_it_is_set_aside() -> None:
    for function in (narrows, widens):
        broken, notes = [], {}
        for contract in BATTERY:
            try:
                with noting(notes, "product"):
                    run(contract, function)
            except CheckFailed:
                broken.append(contract.name)
        assert broken == ["keeps-float32"]
    assert notes == {}  # of values in float64, which `widens` gives
    with noting(notes, "product"):
        run(BATTERY[0], narrows)
    assert notes["product"].startswith(
        "product: out is torch.float32, wanted torch.float64; one check takes points for it"
    )


def test_a_change_of_the_input_is_told_without_its_values() -> None:
    with pytest.raises(CheckFailed, match="the input w was changed by the call"):
        run(BATTERY[0], writes)


def positions(scores: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The place of each row's best score, whether it is that of the label, and by how much it wins."""
    best = scores.max(dim=1)
    return best.indices, best.indices == labels, best.values - scores.mean(dim=1)


WRONG = {
    "another-place": lambda best, right, by: ((best + 1) % 4, right, by),
    "places-as-float": lambda best, right, by: (best.to(by.dtype), right, by),
    "booleans-as-whole-numbers": lambda best, right, by: (best, right.long(), by),
    "always-float64": lambda best, right, by: (best, right, by.double()),
}


def judge_positions(contract: Contract, change: Callable[..., object]) -> None:
    module = ModuleType("submission")
    module.__file__ = "submission.py"
    module.op = lambda scores, labels: change(*positions(scores, labels))  # type: ignore[attr-defined]
    side = Proxy(LocalChannel(module))
    outputs = ("best", "right", "by")
    operation = Operation(side.op, positions, ("scores", "labels"), outputs, batched=("scores", "labels"))
    contract(side, operation, (Draw(3).distinct(5, 4), Draw(4).labels(5, 4)))


@every_contract
def test_whole_numbers_and_booleans_keep_their_own_dtype(contract: Contract) -> None:
    judge_positions(contract, lambda *parts: parts)


@pytest.mark.parametrize("wrong", WRONG)
def test_whole_numbers_and_booleans_are_compared_exactly(wrong: str) -> None:
    float32 = next(contract for contract in BATTERY if contract.name == "keeps-float32")
    with pytest.raises(CheckFailed):
        judge_positions(float32, WRONG[wrong])


def test_the_second_call_takes_the_inputs_that_the_operation_names() -> None:
    seen: list[torch.Tensor] = []
    module = ModuleType("submission")
    module.__file__ = "submission.py"
    module.op = lambda boxes: (seen.append(boxes), boxes[:, 2:] - boxes[:, :2])[1]  # type: ignore[attr-defined]
    side = Proxy(LocalChannel(module))
    operation = Operation(
        call=side.op,
        oracle=lambda boxes: (boxes[:, 2:] - boxes[:, :2],),
        inputs=("boxes",),
        outputs=("sides",),
        batched=("boxes",),
        others=lambda boxes: (boxes + 1,),
    )
    boxes = Draw(0).boxes(3, 8, 9)
    next(contract for contract in BATTERY if contract.name == "remembers-nothing")(side, operation, (boxes,))
    assert all(map(torch.equal, seen, (boxes, boxes + 1, boxes)))


def test_a_battery_leaves_out_what_is_excused_with_a_reason() -> None:
    assert battery() == BATTERY
    left = battery({"takes-an-empty-batch": "the mean of no rows is not defined"})
    assert {contract.name for contract in BATTERY} - {contract.name for contract in left} == {"takes-an-empty-batch"}
    with pytest.raises(ValueError, match="no contract is called 'keeps-float16'"):
        battery({"keeps-float16": "too coarse"})
    with pytest.raises(ValueError, match="why is 'keeps-float32' not asked for"):
        battery({"keeps-float32": " "})
