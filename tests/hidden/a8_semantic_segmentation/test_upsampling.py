"""Unpooling and interpolation: values, gradients and promises of every function that resizes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import upsampling_loops as loops
from segmentation_asks import assert_adjoint, assert_refused, case

from autograder.checks import Draw, Memo, Proxy, assert_kind, assert_matches, contracts

# (H, W, H', W')
SIZES = {
    "doubled": (2, 2, 4, 4),
    "taller-and-narrower": (3, 5, 7, 4),
    "one-axis-unchanged": (5, 3, 5, 9),
    "a-single-row": (1, 4, 3, 8),
    "smaller": (7, 6, 2, 3),
    "odd-ratios": (4, 9, 13, 5),
    "a-single-pixel": (1, 1, 3, 2),
    "unchanged": (6, 4, 6, 4),
}
FORWARD = {"nearest": "nearest", "bilinear": "bilinear-forward", "bicubic": "bicubic-forward"}
BACKWARD = {"nearest": "nearest", "bilinear": "bilinear-backward", "bicubic": "bicubic-backward"}
BUSY = SIZES["taller-and-narrower"]
CONTRACT = {"nearest": 0.4, "bilinear": 0.2, "bicubic": 0.2}
# Shrunk by odd whole numbers, every output pixel has its centre on that of an input pixel: whatever the kernel and the
# rule for the border, it takes that pixel.
ON_CENTRES = {"a-third": (6, 9, 2, 3), "a-fifth": (5, 5, 1, 1), "a-third-of-a-row": (3, 15, 1, 5)}
# Enlarged alike on both axes, and judged without so many pixels at the border, whose neighbours lie outside.
AWAY = {"three-times": ((5, 6, 15, 18), 6), "half-as-large-again": ((6, 8, 9, 12), 3)}
SCALES = {"scale-1": (3, 4, 1), "scale-2": (3, 4, 2), "scale-3": (2, 5, 3), "a-single-pixel": (1, 1, 4)}


def sizes_of(name: str, question: str) -> list[Any]:
    """Every size; for bilinear and bicubic also what a slip in the kernel, or at the border, does not spoil."""
    if name == "nearest":
        return [case(question, f"{name}-{id}", name, size, 0) for id, size in SIZES.items()]
    weights = {0.4: SIZES, 1.2: ON_CENTRES}
    cases = [
        case(question, f"{name}-{id}", name, size, 0, weight=weight)
        for weight, sizes in weights.items()
        for id, size in sizes.items()
    ]
    return cases + [
        case(question, f"{name}-{id}-inside", name, size, border, weight=0.5) for id, (size, border) in AWAY.items()
    ]


def resizing(questions: dict[str, str]) -> Any:
    cases = [each for name, question in questions.items() for each in sizes_of(name, question)]
    return pytest.mark.parametrize("name, size, border", cases)


def inner(values: torch.Tensor, border: int) -> torch.Tensor:
    """All but so many pixels on every side."""
    return values[..., border:-border, border:-border] if border else values


@resizing(FORWARD)
def test_resize(
    student: Proxy, reference: Proxy, rng: Draw, memo: Memo, name: str, size: tuple[int, ...], border: int
) -> None:
    """The resized map has the right values."""
    x, wanted = rng.normal(2, 2, *size[:2]), size[2:]
    expected = memo(loops.ENLARGED[name], x, wanted)
    found = getattr(student, name)(x, wanted)
    if border:
        found = inner(assert_kind(found, expected.shape, x.dtype), border)
    assert_matches(found, inner(getattr(reference, name)(x, wanted), border))
    assert_matches(found, inner(expected, border))


# Where the ratio of the sizes is rounded to the wrong side: in float32 the first three; in float64 H / H', then H' / H.
ON_EDGES = ((2, 41), (3, 65), (5, 47), (2, 49), (14, 29))


@pytest.mark.question("nearest", weight=0.5)
@pytest.mark.parametrize("size", ON_EDGES, ids=lambda size: f"{size[0]}-to-{size[1]}")
def test_nearest_on_edges(student: Proxy, rng: Draw, memo: Memo, size: tuple[int, int]) -> None:
    """nearest shows the right pixel where a centre lies on the edge between two pixels."""
    x, wanted = rng.normal(1, 1, size[0], size[0]), (size[1], size[1])
    assert_matches(student.nearest(x, wanted), memo(loops.nearest, x, wanted))


@resizing(BACKWARD)
def test_resize_backward(student: Proxy, rng: Draw, memo: Memo, name: str, size: tuple[int, ...], border: int) -> None:
    """The gradient with respect to the map that was resized is right."""
    upstream = rng.normal(3, 1, *size[2:])
    if border:
        arrives = torch.zeros_like(upstream)
        arrives[..., border:-border, border:-border] = upstream[..., border:-border, border:-border]
        upstream = arrives
    found = getattr(student, f"{name}_backward")(upstream, size[:2])
    assert_matches(found, memo(loops.gradient, name, upstream, size[:2]), what="the gradient of x")


@pytest.mark.parametrize("name", [case(BACKWARD[name], name, name) for name in ("bilinear", "bicubic")])
def test_resize_adjoint(student: Proxy, rng: Draw, memo: Memo, name: str) -> None:
    """The backward function is the transpose of the forward function, to 12 digits in float64."""
    height, width, *wanted = SIZES["odd-ratios"]
    x, upstream = rng.normal(2, 2, height, width), rng.normal(2, 2, *wanted)
    forward = memo(loops.ENLARGED[name], x, tuple(wanted))
    found = getattr(student, f"{name}_backward")(upstream, (height, width))
    assert_adjoint(forward, upstream, x, found, f"{name}_backward", name)


def operation(student: Proxy, memo: Memo, name: str, backward: bool) -> contracts.Operation:
    """Resizing as the battery takes it."""
    before, after = BUSY[:2], BUSY[2:]
    if backward:
        call, oracle = getattr(student, f"{name}_backward"), loops.gradient
        return contracts.Operation(
            call=lambda upstream: call(upstream, before),
            oracle=lambda upstream: (memo(oracle, name, upstream, before),),
            inputs=("upstream",),
            outputs=("the gradient of x",),
            batched=("upstream",),
        )
    return contracts.Operation(
        call=lambda x: getattr(student, name)(x, after),
        oracle=lambda x: (memo(loops.ENLARGED[name], x, after),),
        inputs=("x",),
        outputs=("the output",),
        batched=("x",),
    )


@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
@pytest.mark.parametrize(
    "name, backward",
    [case(question, name, name, False, weight=CONTRACT[name]) for name, question in FORWARD.items()]
    + [case(question, f"{name}-backward", name, True, weight=CONTRACT[name]) for name, question in BACKWARD.items()],
)
def test_resize_contract(
    student: Proxy, rng: Draw, memo: Memo, name: str, backward: bool, contract: contracts.Contract
) -> None:
    """The function obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    size = BUSY[2:] if backward else BUSY[:2]
    contract(student, operation(student, memo, name, backward), [rng.normal(2, 2, *size)])


bed_question = pytest.mark.question("bed-of-nails")


@bed_question
@pytest.mark.parametrize("geometry", SCALES.values(), ids=SCALES)
def test_bed_of_nails(student: Proxy, rng: Draw, memo: Memo, geometry: tuple[int, int, int]) -> None:
    """bed_of_nails puts every pixel at its place, and zeros elsewhere."""
    height, width, scale = geometry
    x = rng.normal(2, 2, height, width)
    assert_matches(student.bed_of_nails(x, scale), memo(loops.bed_of_nails, x, scale))


@bed_question
@pytest.mark.parametrize("geometry", SCALES.values(), ids=SCALES)
def test_bed_of_nails_backward(student: Proxy, rng: Draw, geometry: tuple[int, int, int]) -> None:
    """bed_of_nails_backward gives the gradient of x."""
    height, width, scale = geometry
    upstream = rng.normal(2, 2, scale * height, scale * width)
    wanted = torch.stack([upstream[:, :, scale * i, scale * j] for i in range(height) for j in range(width)], dim=2)
    found = student.bed_of_nails_backward(upstream, scale)
    assert_matches(found, wanted.reshape(2, 2, height, width), what="the gradient of x")


@pytest.mark.question("bed-of-nails", weight=0.2)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_bed_of_nails_contract(
    student: Proxy, rng: Draw, memo: Memo, backward: bool, contract: contracts.Contract
) -> None:
    """The function obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    if backward:
        op = contracts.Operation(
            call=lambda upstream: student.bed_of_nails_backward(upstream, 2),
            oracle=lambda upstream: (upstream[:, :, ::2, ::2],),
            inputs=("upstream",),
            outputs=("the gradient of x",),
            batched=("upstream",),
        )
        contract(student, op, [rng.normal(2, 2, 6, 8)])
        return
    op = contracts.Operation(
        call=lambda x: student.bed_of_nails(x, 2),
        oracle=lambda x: (memo(loops.bed_of_nails, x, 2),),
        inputs=("x",),
        outputs=("the output",),
        batched=("x",),
    )
    contract(student, op, [rng.normal(2, 2, 3, 4)])


@pytest.mark.question("bed-of-nails", weight=0.5)
@pytest.mark.parametrize("scale", [0, -1])
def test_bed_of_nails_refuses(student: Proxy, rng: Draw, scale: int) -> None:
    """bed_of_nails refuses a scale below 1 with a ValueError."""
    x = rng.normal(1, 1, 2, 2)
    assert_refused(lambda: student.bed_of_nails(x, scale), "bed_of_nails with a scale below 1")
