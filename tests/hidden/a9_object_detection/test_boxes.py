"""Formats of boxes, clipping, IoU and counting: every kind of overlap, every contract."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_boxes
import torch
from drawn_boxes import around_a_point, on_grid

from autograder.checks import CheckFailed, Draw, Proxy, assert_kind, assert_matches, contracts

convert_question = partial(pytest.mark.question, "convert-boxes")
iou_question = partial(pytest.mark.question, "box-iou")
count_question = partial(pytest.mark.question, "count-boxes")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

SIZE = (13, 22)
SHAPES = ((5, 4), (2, 3, 4), (4,), (0, 4))

TO_CORNERS = {"xywh_to_xyxy": slow_boxes.corners_of_cornered, "cxcywh_to_xyxy": slow_boxes.corners_of_centred}
# What each conversion is the way back of.
FROM_CORNERS = {"xyxy_to_xywh": "xywh_to_xyxy", "xyxy_to_cxcywh": "cxcywh_to_xyxy"}
CONVERSIONS = (*TO_CORNERS, *FROM_CORNERS)
every_conversion = pytest.mark.parametrize("name", CONVERSIONS)


def conversion_case(name: str, sized: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(input, wanted) of a conversion, from boxes given by a place and a size."""
    if name in TO_CORNERS:
        return sized, TO_CORNERS[name](sized)
    return TO_CORNERS[FROM_CORNERS[name]](sized), sized


@convert_question()
@every_conversion
def test_conversion(student: Proxy, rng: Draw, name: str) -> None:
    """Boxes are turned into the other format, whatever the leading shape."""
    for shape in SHAPES:
        sized = rng.uniform(*shape, low=1.0, high=20.0)
        boxes, wanted = conversion_case(name, sized)
        assert_matches(getattr(student, name)(boxes), wanted)


@convert_question()
@pytest.mark.parametrize("part", ("x", "y"))
def test_clipping(student: Proxy, rng: Draw, part: str) -> None:
    """clip_boxes moves x and y into the image; each axis is checked on its own."""
    boxes = torch.cat([rng.uniform(12, 2, low=-9.0, high=12.0), rng.uniform(12, 2, low=12.0, high=30.0)], dim=1)
    boxes = torch.cat([boxes, boxes[:2] + 40.0, boxes[:2] - 40.0])  # and some that lie outside altogether
    axis = ("x", "y").index(part)
    wanted = slow_boxes.clipped(boxes, SIZE)
    found = student.clip_boxes(boxes, SIZE)
    assert_kind(found, like=wanted)  # before parts of it are taken
    assert_matches(found[:, axis::2], wanted[:, axis::2], what=f"{part}1 and {part}2")


@convert_question(weight=0.2)
@pytest.mark.parametrize("name", (*CONVERSIONS, "clip_boxes"))
@every_contract
def test_conversion_contract(student: Proxy, rng: Draw, name: str, contract: contracts.Contract) -> None:
    """The function obeys the rules for all functions: boxes unchanged, dtype kept, repeated calls, no boxes."""
    boxes = torch.cat([rng.uniform(4, 2, low=1.0, high=10.0), rng.uniform(4, 2, low=12.0, high=20.0)], dim=1)
    if name == "clip_boxes":
        operation = _rows(lambda x: student.clip_boxes(x, SIZE), lambda x: slow_boxes.clipped(x, SIZE))
    elif name in TO_CORNERS:
        operation = _rows(lambda x: getattr(student, name)(x), TO_CORNERS[name])
    else:
        operation = _rows(lambda x: getattr(student, name)(x), lambda x: _back(FROM_CORNERS[name], x))
    contract(student, operation, (boxes,))


def _rows(call: Callable[..., Any], oracle: Callable[[torch.Tensor], torch.Tensor]) -> contracts.Operation:
    return contracts.Operation(
        call=call,
        oracle=lambda boxes: (oracle(boxes),),
        inputs=("boxes",),
        outputs=("the boxes",),
        batched=("boxes",),
        others=lambda boxes: (0.9 * boxes,),
    )


def _back(name: str, corners: torch.Tensor) -> torch.Tensor:
    """Place and size of corners: the sized boxes that the way there turns into them."""
    size = corners[..., 2:] - corners[..., :2]
    place = corners[..., :2] if name == "xywh_to_xyxy" else corners[..., :2] + size / 2
    return torch.cat([place, size], dim=-1)


def overlapping(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    return around_a_point(rng, 4), around_a_point(rng, 3)


def on_a_grid(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    """Whatever occurs: apart, touching, nested, equal."""
    a = on_grid(rng, 9)
    return a, torch.cat([on_grid(rng, 6), a[:2]])


def nested(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    a = torch.tensor([0.0, 0.0, 20.0, 12.0], dtype=torch.float64).repeat(2, 1)
    inner = rng.uniform(5, 4, low=0.5, high=3.0)
    return a, torch.cat([a[:1] + inner * inner.new_tensor([1.0, 1.0, -1.0, -1.0]), a])


def apart(rng: Draw, right: float, down: float) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = around_a_point(rng, 3), around_a_point(rng, 4)
    return a, b + b.new_tensor([right, down, right, down])


def touching(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    a = on_grid(rng, 3)
    width, height = (a[:, 2:] - a[:, :2]).unbind(dim=1)
    beside = a + torch.stack([width, torch.zeros_like(width)] * 2, dim=1)
    return a, torch.cat([beside, a + torch.stack([torch.zeros_like(height), -height] * 2, dim=1)])


def without_area(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    """Points and lines, within boxes and upon each other."""
    a = on_grid(rng, 4)
    a[0, 2:], a[1, 2] = a[0, :2], a[1, 0]
    return a, torch.cat([a[:2], on_grid(rng, 2)])


def tiny(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    """Where a constant in the denominator, which is to save from dividing by 0, shows."""
    a, b = overlapping(rng)
    return a * 1e-4, b * 1e-4


def huge(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = overlapping(rng)
    return a * 500 + 100, b * 500 + 100


def one_by_one(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    return around_a_point(rng, 1), around_a_point(rng, 1)


OVERLAPS: dict[str, Callable[[Draw], tuple[torch.Tensor, torch.Tensor]]] = {
    "overlapping": overlapping,
    "one-by-one": one_by_one,
    "nested": nested,
    "apart-along-x": lambda rng: apart(rng, 40.0, 0.0),
    "apart-along-y": lambda rng: apart(rng, 0.0, 40.0),
    "apart-along-both": lambda rng: apart(rng, 19.5, 19.5),
    "touching": touching,
    "on-a-grid": on_a_grid,
    "without-area": without_area,
    "tiny": tiny,
    "huge": huge,
    "no-boxes-first": lambda rng: (on_grid(rng, 0), on_grid(rng, 3)),
    "no-boxes-second": lambda rng: (on_grid(rng, 3), on_grid(rng, 0)),
}


@iou_question()
@pytest.mark.parametrize("draw", OVERLAPS.values(), ids=OVERLAPS)
def test_iou(student: Proxy, rng: Draw, draw: Callable[[Draw], tuple[torch.Tensor, torch.Tensor]]) -> None:
    """box_iou gives the IoU of every box of one list with every box of the other."""
    a, b = draw(rng)
    assert_matches(student.box_iou(a, b), slow_boxes.iou_matrix(a, b))


@iou_question(weight=0.5)
@every_contract
def test_iou_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """box_iou obeys the rules for all functions: boxes unchanged, dtype kept, repeated calls, no boxes."""
    operation = contracts.Operation(
        call=lambda a, b: student.box_iou(a, b),
        oracle=lambda a, b: (slow_boxes.iou_matrix(a, b),),
        inputs=("a", "b"),
        outputs=("the IoUs",),
        batched=("a",),
    )
    contract(student, operation, (around_a_point(rng, 4), around_a_point(rng, 3)))


LARGE = 1 << 62  # a tensor holds smaller whole numbers only


def assert_counts(value: Any, wanted: int) -> None:
    """Exactly this whole number, as a Python int."""
    if type(value) is not int:
        raise CheckFailed("the answer is not a Python int", "counts are whole numbers: use * and //")
    if value != wanted:
        hint = "the docstring has the formula; try it on an image of 2 x 3 by hand"
        raise CheckFailed("the count is wrong", hint, value=torch.tensor(value % LARGE))


POSITIONS = {
    "inside": (3, 2, 7, 9),
    "as-large-as-the-image": (7, 9, 7, 9),
    "too-tall": (8, 2, 7, 9),
    "too-wide": (2, 10, 7, 9),
    "too-large-both-ways": (11, 12, 7, 9),
}


@count_question()
@pytest.mark.parametrize("sizes", POSITIONS.values(), ids=POSITIONS)
def test_positions(student: Proxy, sizes: tuple[int, int, int, int]) -> None:
    """count_positions gives the number of positions of a box."""
    assert_counts(student.count_positions(*sizes), slow_boxes.positions_in(*sizes))


@count_question(weight=5 / 3)
@pytest.mark.parametrize("H, W", [(5, 3), (1, 4), (4000, 300_000_001)], ids=("small", "one-row", "beyond-float64"))
def test_all_boxes(student: Proxy, H: int, W: int) -> None:
    """count_boxes gives the exact number of boxes in an image."""
    wanted = slow_boxes.boxes_in(H, W) if H < 10 else (H * (H + 1) // 2) * (W * (W + 1) // 2)
    assert_counts(student.count_boxes(H, W), wanted)
