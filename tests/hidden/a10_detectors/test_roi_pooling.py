"""Bilinear reading, RoI Pool and RoI Align: loops in float64 and torchvision's own values, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_roi
import torch
from drawn_rois import CASES, POOLED, Case

from autograder.checks import (
    CacheOf,
    CheckFailed,
    Draw,
    Proxy,
    StudentError,
    assert_matches,
    contracts,
    judge_backward,
    oracle_gradients,
    unpack,
)

every_case = pytest.mark.parametrize("draw", CASES.values(), ids=CASES)
every_pooled = pytest.mark.parametrize("draw", POOLED.values(), ids=POOLED)
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
bilinear_question = partial(pytest.mark.question, "bilinear")
pool_question = partial(pytest.mark.question, "roi-pool-forward")
unpool_question = partial(pytest.mark.question, "roi-pool-backward")
align_question = partial(pytest.mark.question, "roi-align-forward")
unalign_question = partial(pytest.mark.question, "roi-align-backward")


def read(features: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """`bilinear_sample`, point by point."""
    points = [slow_roi.sampled(features, a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return torch.stack(points, dim=1) if points else features.new_zeros(len(features), 0)


def points(rng: Draw, count: int, length: int, *exact: float) -> torch.Tensor:
    drawn = rng.uniform(count - len(exact), low=-1.5, high=length + 0.5)
    return torch.cat([drawn, torch.tensor(exact, dtype=torch.float64)])


@bilinear_question()
@pytest.mark.parametrize("shape", [(3, 5, 8), (1, 4, 2), (2, 1, 6), (2, 7, 1), (4, 1, 1)], ids=str)
@pytest.mark.parametrize("where", ["inside", "borders"])
def test_points(student: Proxy, rng: Draw, shape: tuple[int, ...], where: str) -> None:
    """The values at points on the map, near its border, on it, and outside of it."""
    features, (_, height, width) = rng.normal(*shape), shape
    if where == "inside":
        x, y = (rng.uniform(20, low=0.0, high=1.0) * (side - 1) for side in (width, height))
        x[:2], y[:2] = torch.tensor([0.0, width - 1.0]), torch.tensor([height - 1.0, 0.0])
    else:
        x = points(rng, 30, width, -1.0, float(width), 0.0, width - 1.0, -1.001, width + 0.001, 0.4, 0.4)
        y = points(rng, 30, height, 0.3, 0.3, height - 1.0, 0.0, 0.2, 0.2, -1.0, float(height))
    assert_matches(student.bilinear_sample(features, x, y), read(features, x, y), what="the features at the points")


@bilinear_question(weight=0.2)
@every_contract
def test_points_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=student.bilinear_sample,
        oracle=lambda *tensors: (read(*tensors),),
        inputs=("features", "x", "y"),
        outputs=("the features at the points",),
        batched=("x", "y"),
        others=lambda features, x, y: (2 * features.flip(2), 0.7 * x, 0.8 * y),
    )
    contract(student, operation, (rng.normal(2, 4, 6), rng.uniform(5, low=0.1, high=4.9), rng.uniform(5, high=2.9)))


def pool(case: Case) -> torch.Tensor:
    return case.known[0] if case.known else slow_roi.pooled(case.features, case.rois, case.size, case.scale)


def align(case: Case) -> torch.Tensor:
    if case.known:
        return case.known[2]
    return slow_roi.aligned(case.features, case.rois, case.size, case.scale, case.ratio)


def pool_gradient(case: Case) -> torch.Tensor:
    if case.known:
        return case.known[1]
    forward = lambda features: slow_roi.pooled(features, case.rois, case.size, case.scale)  # noqa: E731
    return oracle_gradients(forward, [case.features], case.dout)[0]


def align_gradient(case: Case) -> torch.Tensor:
    if case.known:
        return case.known[3]
    forward = lambda features: slow_roi.aligned(features, case.rois, case.size, case.scale, case.ratio)  # noqa: E731
    return oracle_gradients(forward, [case.features], case.dout)[0]


@pool_question()
@every_pooled
def test_roi_pool(student: Proxy, rng: Draw, draw: Callable[[Draw], Case]) -> None:
    """The output for regions inside of the map, over its borders, outside of it, and without area."""
    case = draw(rng)
    out, _ = unpack(student.roi_pool_forward(case.features, case.rois, case.size, case.scale), "out", "cache")
    assert_matches(out, pool(case), what="out")


@align_question()
@every_case
def test_roi_align(student: Proxy, rng: Draw, draw: Callable[[Draw], Case]) -> None:
    """The output for regions inside of the map, over its borders, outside of it, and without area."""
    case = draw(rng)
    returned = student.roi_align_forward(case.features, case.rois, case.size, case.scale, case.ratio)
    assert_matches(unpack(returned, "out", "cache")[0], align(case), what="out")


@align_question(weight=0.5)
@pytest.mark.parametrize("ratio", [0, -1])
def test_no_points(student: Proxy, rng: Draw, ratio: int) -> None:
    """A sampling ratio below 1 raises a ValueError."""
    try:
        student.roi_align_forward(rng.normal(1, 1, 3, 4), torch.tensor([[0.0, 0.0, 0.0, 3.0, 2.0]]), (1, 1), 1.0, ratio)
    except StudentError as error:
        if error.kind == "ValueError":
            return
        raise
    raise CheckFailed(f"a sampling ratio of {ratio} raises nothing", "the docstring asks for a ValueError")


@unpool_question()
@every_pooled
def test_roi_pool_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Case]) -> None:
    """The gradient of the features, for regions of every kind, also where they overlap."""
    case = draw(rng)
    wanted = pool_gradient(case)

    def judge(cache_of: CacheOf) -> None:
        found = student.roi_pool_backward(case.dout, cache_of(case.features, case.rois, case.size, case.scale))
        assert_matches(found, wanted, what="dfeatures")

    judge_backward(judge, student.roi_pool_forward)


@unalign_question()
@every_case
def test_roi_align_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Case]) -> None:
    """The gradient of the features, for regions of every kind, also where they overlap."""
    case = draw(rng)
    wanted = align_gradient(case)

    def judge(cache_of: CacheOf) -> None:
        cache = cache_of(case.features, case.rois, case.size, case.scale, case.ratio)
        assert_matches(student.roi_align_backward(case.dout, cache), wanted, what="dfeatures")

    judge_backward(judge, student.roi_align_forward)


# The operations as the battery calls them: tensors in, one tensor out.


def small(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    """Features, and regions on both images."""
    corners = rng.uniform(4, 4, low=0.0, high=2.0) + torch.tensor([0.0, 0.0, 2.5, 2.5], dtype=torch.float64)
    numbers = torch.tensor([[1.0], [0.0], [1.0], [0.0]], dtype=torch.float64)
    return rng.distinct(2, 2, 5, 6), torch.cat([numbers, corners], dim=1)


def others(features: torch.Tensor, rois: torch.Tensor, *upstream: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return features.flip(3).clone(), rois.flip(0).clone(), *(-0.5 * dout for dout in upstream)


def operation(call: Callable[..., Any], oracle: Callable[..., torch.Tensor], *more: str) -> contracts.Operation:
    names = ("features", "rois", *more)
    wanted = ("dfeatures",) if more else ("out",)
    return contracts.Operation(call, lambda *x: (oracle(*x),), names, wanted, names[1:], others)


def forward(who: Proxy, which: str) -> Callable[..., Any]:
    more = (2,) if which == "roi_align" else ()
    function = getattr(who, f"{which}_forward")
    return lambda features, rois: unpack(function(features, rois, (2, 2), 1.0, *more), "out", "cache")[0]


def backward(who: Proxy, which: str) -> Callable[..., Any]:
    more = (2,) if which == "roi_align" else ()

    def call(features: Any, rois: Any, dout: Any) -> Any:
        found: list[Any] = []

        def judge(cache_of: CacheOf) -> None:
            found.append(getattr(who, f"{which}_backward")(dout, cache_of(features, rois, (2, 2), 1.0, *more)))

        judge_backward(judge, getattr(who, f"{which}_forward"))
        return found[-1]

    return call


def slow_pool(features: torch.Tensor, rois: torch.Tensor) -> torch.Tensor:
    return slow_roi.pooled(features, rois, (2, 2), 1.0)


def slow_align(features: torch.Tensor, rois: torch.Tensor) -> torch.Tensor:
    return slow_roi.aligned(features, rois, (2, 2), 1.0, 2)


def gradient_of(oracle: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda features, rois, dout: oracle_gradients(lambda x: oracle(x, rois), [features], dout)[0]


@pool_question(weight=0.3)
@every_contract
def test_roi_pool_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    contract(student, operation(forward(student, "roi_pool"), slow_pool), small(rng))


@align_question(weight=0.3)
@every_contract
def test_roi_align_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    contract(student, operation(forward(student, "roi_align"), slow_align), small(rng))


@unpool_question(weight=0.3)
@every_contract
def test_roi_pool_gradient_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    wanted = gradient_of(slow_pool)
    features, rois = small(rng)
    call = backward(student, "roi_pool")
    contract(student, operation(call, wanted, "dout"), (features, rois, rng.normal(4, 2, 2, 2)))


@unalign_question(weight=0.3)
@every_contract
def test_roi_align_gradient_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    wanted = gradient_of(slow_align)
    features, rois = small(rng)
    call = backward(student, "roi_align")
    contract(student, operation(call, wanted, "dout"), (features, rois, rng.normal(4, 2, 2, 2)))
