"""Receptive field, sliding window and fully convolutional scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pixel_loops as loops
import pytest
import torch

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_kind,
    assert_matches,
    contracts,
    plain_number,
    unpack,
)

field_question = partial(pytest.mark.question, "receptive-field")
window_question = partial(pytest.mark.question, "sliding-window")
network_question = partial(pytest.mark.question, "fully-convolutional")

STACKS = {
    "nothing": [],
    "one-layer": [(3, 1, 1)],
    "one-by-one": [(1, 1, 1), (1, 2, 1)],
    "three-layers": [(3, 1, 1)] * 3,
    "five-by-five": [(5, 1, 1), (3, 1, 1)],
    "strides": [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
    "stride-last": [(3, 1, 1), (3, 3, 1)],
    "even-kernels": [(4, 2, 1), (2, 1, 1)],
    "dilated": [(3, 1, 2), (3, 1, 4)],
    "all-at-once": [(7, 2, 1), (3, 2, 2), (2, 3, 1), (5, 1, 3)],
}
FIELD = ("size", "stride")
LARGE = 1 << 62  # a tensor holds smaller whole numbers only
# (C, H, W), then (filters, kernel) of each layer
NETWORKS = {
    "one-layer": ((2, 5, 6), ((3, 3),)),
    "two-layers": ((2, 6, 4), ((4, 3), (3, 3))),
    "large-filters": ((1, 5, 7), ((3, 5), (2, 3))),
    "one-by-one": ((3, 4, 5), ((4, 1), (2, 1))),
    "three-layers": ((2, 4, 7), ((3, 3), (4, 1), (3, 5))),
    "smaller-than-the-window": ((2, 3, 2), ((3, 5), (3, 5))),
}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)

Layers = list[tuple[torch.Tensor, torch.Tensor]]
Network = tuple[tuple[int, int, int], Sequence[tuple[int, int]]]


@field_question()
@pytest.mark.parametrize("asked", FIELD)
@pytest.mark.parametrize("layers", STACKS.values(), ids=STACKS)
def test_receptive_field(student: Proxy, layers: list[tuple[int, int, int]], asked: str) -> None:
    """receptive_field gives the size and the stride; each is checked on its own."""
    found = dict(zip(FIELD, unpack(student.receptive_field(layers), *FIELD), strict=True))[asked]
    wanted = dict(zip(FIELD, loops.receptive_field(layers), strict=True))[asked]
    number = found if type(found) is int else plain_number(found, f"the {asked}")
    if number != wanted:
        message = f"the {asked} is wrong for {len(layers)} layers"
        raise CheckFailed(message, hint_about(layers), value=torch.tensor(number % LARGE))


def hint_about(layers: list[tuple[int, int, int]]) -> str:
    """What to think of first: the one thing that these layers have beside their kernels."""
    strides, dilations = (any(layer[part] > 1 for layer in layers) for part in (1, 2))
    if strides == dilations:  # none, or both
        return ""
    return "only earlier strides count for a layer" if strides else "a dilated filter reaches farther than its size"


def layers_of(rng: Draw, network: Network) -> Layers:
    """Filters and biases; the biases are far from 0, or mistakes at the border hide."""
    (before, _, _), plan = network
    layers = []
    for filters, kernel in plan:
        layers.append((rng.normal(filters, before, kernel, kernel), rng.normal(filters) + 0.5))
        before = filters
    return layers


def mirrored(w: torch.Tensor) -> torch.Tensor:
    """Filters that read alike in both directions: whether they are flipped is the affair of other checks."""
    return (w + w.flip(2, 3)) / 2


# With positive numbers and without biases, a slip in ReLUs or biases changes nothing.
@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(sign, marks=window_question(weight=weight))
        for sign, weight in {"any": 0.5, "positive": 0.7}.items()
    ],
)
@networks
def test_sliding_window(student: Proxy, rng: Draw, memo: Memo, network: Network, sign: str) -> None:
    """sliding_window_scores gives the scores of every pixel."""
    image, layers = rng.normal(*network[0]), layers_of(rng, network)
    if sign == "positive":
        image, layers = image.abs(), [(mirrored(w.abs()), 0 * b) for w, b in layers]
    assert_matches(student.sliding_window_scores(image, layers), memo(loops.windows, image[None], layers)[0])


def operation(student: Proxy, memo: Memo, layers: Layers, whole: bool) -> contracts.Operation:
    call = student.fully_convolutional_scores if whole else student.sliding_window_scores
    return contracts.Operation(
        call=lambda x, *parts: call(x, list(zip(parts[::2], parts[1::2], strict=True))),
        oracle=lambda x, *parts: (scored(memo, x, parts, whole),),
        inputs=("the image", *("w" if k % 2 == 0 else "b" for k in range(2 * len(layers)))),
        outputs=("the scores",),
        batched=("the image",) if whole else (),
    )


def scored(memo: Memo, x: torch.Tensor, parts: Sequence[torch.Tensor], whole: bool) -> torch.Tensor:
    layers = list(zip(parts[::2], parts[1::2], strict=True))
    return memo(loops.windows, x, layers) if whole else memo(loops.windows, x[None], layers)[0]


@window_question(weight=0.4)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_sliding_window_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """sliding_window_scores obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls."""
    network = NETWORKS["two-layers"]
    layers = layers_of(rng, network)
    tensors = [rng.normal(*network[0]), *(tensor for layer in layers for tensor in layer)]
    contract(student, operation(student, memo, layers, whole=False), tensors)


# Every network on two images; then on one larger image, judged where windows lie inside of it: there padding does not
# matter. All its numbers are positive and its biases 0, so that a slip in ReLUs or biases changes nothing either.
WHOLE = [pytest.param(network, 2, 0, id=id, marks=network_question(weight=0.6)) for id, network in NETWORKS.items()]
WHOLE += [
    pytest.param(
        ((channels, 10, 11), plan),
        1,
        sum(kernel - 1 for _, kernel in plan) // 2,
        id=f"{id}-inside",
        marks=network_question(),
    )
    for id, ((channels, _, _), plan) in NETWORKS.items()
    if id != "smaller-than-the-window"
]


@pytest.mark.parametrize("network, count, border", WHOLE)
def test_fully_convolutional(student: Proxy, rng: Draw, memo: Memo, network: Network, count: int, border: int) -> None:
    """fully_convolutional_scores gives the same scores as a sliding window."""
    images, layers = rng.normal(count, *network[0]), layers_of(rng, network)
    if border or count == 1:
        images, layers = images.abs(), [(mirrored(w.abs()), 0 * b) for w, b in layers]
    found, expected = student.fully_convolutional_scores(images, layers), memo(loops.windows, images, layers)
    if border:
        found = assert_kind(found, expected.shape, images.dtype)[..., border:-border, border:-border]
        expected = expected[..., border:-border, border:-border]
    assert_matches(found, expected)


@network_question(weight=0.4)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_fully_convolutional_contract(student: Proxy, rng: Draw, memo: Memo, contract: contracts.Contract) -> None:
    """fully_convolutional_scores obeys the rules for all functions: dtype kept, repeated calls, N = 0."""
    network = NETWORKS["two-layers"]
    layers = layers_of(rng, network)
    tensors = [rng.normal(2, *network[0]), *(tensor for layer in layers for tensor in layer)]
    contract(student, operation(student, memo, layers, whole=True), tensors)
