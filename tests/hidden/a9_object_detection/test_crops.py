"""What the network sees, what it should answer, and what is made of its answers: crops, targets, detections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_boxes
import slow_regions
import torch
from drawn_boxes import far_from, spread
from substitutes import along_x, halfway, kept_by_better, moved, narrower

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_matches,
    contracts,
    judge_by_parts,
    parts_that_work,
    unpack,
)

crop_question = partial(pytest.mark.question, "warp-crops")
target_question = partial(pytest.mark.question, "region-targets")
detect_question = partial(pytest.mark.question, "detect")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

Crops = tuple[torch.Tensor, torch.Tensor, int, float]  # image, boxes, size, context


def inside(rng: Draw, count: int) -> torch.Tensor:
    """Boxes well within 17 x 23 pixels: with a context of a tenth no look falls outside."""
    corner, size = rng.uniform(count, 2, low=4.0, high=7.0), rng.uniform(count, 2, low=3.0, high=6.0)
    return torch.cat([corner, corner + size], dim=1)


def cropping(boxes: Callable[[Draw], torch.Tensor], size: int, context: float = 0.0, channels: int = 3) -> Any:
    return lambda rng: (rng.normal(channels, 17, 23), boxes(rng), size, context)


def whole_image(rng: Draw) -> Crops:
    return rng.normal(2, 9, 9), torch.tensor([[0.0, 0.0, 9.0, 9.0]]).double(), 9, 0.0


CROPS: dict[str, Callable[[Draw], Crops]] = {
    "larger": cropping(lambda rng: inside(rng, 3), 12),
    "smaller": cropping(lambda rng: inside(rng, 3) * 1.5, 4),
    "one-look": cropping(lambda rng: inside(rng, 2), 1, channels=1),
    "context": cropping(lambda rng: inside(rng, 3), 6, context=0.1),
    "partly-outside": cropping(lambda rng: inside(rng, 4) * 2.0 - torch.tensor([12.0, 12.0, -4.0, -4.0]), 7),
    "context-outside": cropping(lambda rng: inside(rng, 2) * 2.0, 7, context=0.5),
    "one-pixel": cropping(lambda rng: torch.tensor([[5.0, 7.0, 6.0, 8.0], [0.0, 0.0, 1.0, 1.0]]).double(), 5),
    "whole-image": whole_image,
    "no-boxes": cropping(lambda rng: inside(rng, 0), 6),
}


@crop_question()
@pytest.mark.parametrize("draw", CROPS.values(), ids=CROPS)
def test_crops(student: Proxy, rng: Draw, draw: Callable[[Draw], Crops]) -> None:
    """warp_crops gives the right crops."""
    image, boxes, size, context = draw(rng)
    found = student.warp_crops(image, boxes, size, context=context)
    assert_matches(found, slow_regions.crops_of(image, boxes, size, context), what="the crops")


@crop_question(weight=0.5)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_crops_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """warp_crops obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, no boxes."""
    operation = contracts.Operation(
        call=lambda image, boxes: student.warp_crops(image, boxes, 5),
        oracle=lambda image, boxes: (slow_regions.crops_of(image, boxes, 5),),
        inputs=("image", "boxes"),
        outputs=("the crops",),
        batched=("boxes",),
    )
    contract(student, operation, (rng.normal(2, 17, 23), inside(rng, 3)))


TARGET_PARTS = {"box_iou": slow_boxes.iou_matrix, "encode_boxes": slow_boxes.encoded}
TARGET_SUBSTITUTES = {"box_iou": along_x, "encode_boxes": halfway}
Targets = tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]  # proposals, boxes, labels, positive


def jittered(rng: Draw, truths: int = 3) -> Targets:
    """Around each truth one proposal that is near, and one that is not; IoUs are far from the threshold."""
    while True:
        boxes = torch.cat([spread(rng, 1, largest=9.0) + 50.0 * place for place in range(truths)])
        size = torch.cat([boxes[:, 2:] - boxes[:, :2]] * 2, dim=1)
        near, far = boxes + rng.uniform(truths, 4, low=-0.12, high=0.12) * size, boxes + 0.8 * size
        proposals = torch.cat([near, far])
        if far_from(slow_boxes.iou_matrix(proposals, boxes), 0.5):
            return proposals, boxes, torch.tensor([2, 0, 1])[:truths] + 1, 0.5


def exactly(rng: Draw) -> Targets:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0]]).double()
    proposals = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.5, 2.0], [0.0, 0.0, 8.0, 2.0]]).double()
    return proposals, boxes, torch.tensor([2]), 0.5


def equal_ious(rng: Draw) -> Targets:
    boxes = torch.tensor([[9.0, 9.0, 11.0, 11.0], [0.0, 0.0, 2.0, 2.0], [2.0, 0.0, 4.0, 2.0]]).double()
    return torch.tensor([[0.0, 0.0, 4.0, 2.0]]).double(), boxes, torch.tensor([0, 2, 1]), 0.4


def competing(rng: Draw) -> Targets:
    """Two truths overlap a proposal by more than the threshold: the better one counts."""
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [1.0, 0.0, 10.0, 10.0], [0.0, 1.0, 9.0, 12.0]]).double()
    return boxes + 0.25 * rng.uniform(3, 4), boxes, torch.tensor([4, 0, 3]), 0.5


TARGETS: dict[str, Callable[[Draw], Targets]] = {
    "near-and-far": jittered,
    "exactly-the-threshold": exactly,
    "equal-ious": equal_ious,
    "competing": competing,
    # A ninth of the side off along both axes: an IoU of 64/98.
    "another-threshold": lambda rng: (competing(rng)[1] + 1.0, *competing(rng)[1:3], 0.85),
    "lower-threshold": lambda rng: (*exactly(rng)[:3], 0.3),
    "no-truths": lambda rng: (spread(rng, 4), spread(rng, 0), torch.zeros(0, dtype=torch.int64), 0.5),
    "no-proposals": lambda rng: (spread(rng, 0), spread(rng, 2), torch.tensor([1, 0]), 0.5),
}


@target_question()
@pytest.mark.parametrize("part", ("classes", "transforms"))
@pytest.mark.parametrize("draw", TARGETS.values(), ids=TARGETS)
def test_targets(student: Proxy, rng: Draw, draw: Callable[[Draw], Targets], part: str) -> None:
    """region_targets gives the right classes and transforms; each is checked on its own."""
    case = draw(rng)
    names = ("classes", "transforms")

    def check(**parts: Callable[..., Any]) -> None:
        found = unpack(student.region_targets(*case[:3], positive=case[3]), *names)
        wanted = slow_regions.targets_of(*case, **parts)
        assert_matches(found[names.index(part)], wanted[names.index(part)], what=part)

    judge_by_parts(student, check, TARGET_PARTS, TARGET_SUBSTITUTES)


@target_question(weight=0.5)
@every_contract
def test_targets_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """region_targets obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, P = 0."""
    proposals, boxes, labels, _ = jittered(rng)

    def operation(**parts: Callable[..., Any]) -> contracts.Operation:
        return contracts.Operation(
            call=lambda p, b: unpack(student.region_targets(p, b, labels), "classes", "transforms")[1],
            oracle=lambda p, b: slow_regions.targets_of(p, b, labels, **parts)[1:],
            inputs=("proposals", "boxes"),
            outputs=("transforms",),
            batched=("proposals",),
        )

    def works(**parts: Callable[..., Any]) -> None:
        operation(**parts).compare(operation(**parts).call(proposals, boxes), (proposals, boxes))

    parts = parts_that_work(student, works, TARGET_PARTS, TARGET_SUBSTITUTES)
    contract(student, operation(**parts), (proposals, boxes))


# Detections.

IMAGE = (40, 60)
NAMES = ("boxes", "scores", "labels")
Says = dict[str, Any]  # arguments of detect
DETECT_PARTS = {
    "decode_boxes": slow_boxes.decoded,
    "clip_boxes": slow_boxes.clipped,
    "nms_by_class": slow_boxes.kept_by_class,
}
DETECT_SUBSTITUTES = {"decode_boxes": moved, "clip_boxes": narrower, "nms_by_class": kept_by_better}


def says(rng: Draw, proposals: torch.Tensor, classes: int = 3, **settings: Any) -> Says:
    """A network's answers to these proposals, sure of itself."""
    return {
        "scores": rng.normal(len(proposals), classes + 1, scale=3.0),
        "transforms": rng.normal(len(proposals), 4, scale=0.2),
        "proposals": proposals,
        "size": IMAGE,
        **settings,
    }


def apart(rng: Draw, count: int = 4) -> torch.Tensor:
    """Proposals that do not touch, whatever small transforms do to them, away from the borders."""
    place = torch.arange(count, dtype=torch.float64)[:, None] * torch.tensor([13.0, 0.0, 13.0, 0.0]).double()
    return torch.tensor([4.0, 10.0, 9.0, 30.0]).double() + place + rng.uniform(count, 4)


def anywhere(rng: Draw) -> Says:
    """Thirty proposals with room for suppression, whose threshold decides, and for boxes beyond the border."""

    def decides(found: Says) -> bool:
        """With each choice of parts, another threshold makes another number of detections."""
        parts = [{**DETECT_PARTS, "nms_by_class": nms} for nms in (slow_boxes.kept_by_class, kept_by_better)]
        parts += [{**each, "decode_boxes": moved} for each in parts]
        one, other = (
            [
                len(slow_regions.detections_of(**{**found, "nms_threshold": threshold}, **each)["scores"])
                for each in parts
            ]
            for threshold in (0.3, 0.4)
        )
        return all(a != b for a, b in zip(one, other, strict=True))

    return rng.until(lambda rng: says(rng, spread(rng, 30, side=45.0), nms_threshold=0.4, score_threshold=0.2), decides)


def two_classes(rng: Draw) -> Says:
    """One box is two classes at once, which both stay."""
    found = says(rng, apart(rng, 2), classes=2, score_threshold=0.3)
    found["scores"] = torch.tensor([[0.0, 4.0, 4.5], [3.0, 0.0, 0.0]]).double()
    return found


def exactly_the_threshold(rng: Draw) -> Says:
    found = says(rng, apart(rng, 2), classes=3, score_threshold=0.25)
    found["scores"] = torch.tensor([[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.0, 2.0]]).double()
    return found


def vanishing(rng: Draw) -> Says:
    """Proposals that are moved out of the image, and keep no area there."""
    found = says(rng, apart(rng, 4), score_threshold=0.1)
    found["transforms"][0, 0], found["transforms"][2, 1] = -30.0, 9.0
    return found


def large_scores(rng: Draw) -> Says:
    found = says(rng, apart(rng, 4))
    found["scores"] = found["scores"] * 200 + 2000
    return found


def crowded_limit(rng: Draw) -> Says:
    """The two best detections are of one box: suppression leaves room for the third."""
    found = says(rng, apart(rng, 3), classes=1, limit=2)
    found["scores"] = torch.tensor([[0.0, 5.0], [0.0, 4.0], [0.0, 3.0]]).double()
    found["transforms"] = slow_boxes.encoded(found["proposals"], found["proposals"][[0, 0, 2]])
    return found


DETECTIONS: dict[str, Callable[[Draw], Says]] = {
    "apart": lambda rng: says(rng, apart(rng)),
    "anywhere": anywhere,
    "two-classes": two_classes,
    "exactly-the-threshold": exactly_the_threshold,
    "vanishing": vanishing,
    "beyond-the-border": lambda rng: says(
        rng, apart(rng) * torch.tensor([1.4, 1.6, 1.6, 1.6]).double(), score_threshold=0.5
    ),
    "moved-onto-each-other": lambda rng: _onto(says(rng, apart(rng, 2), classes=1)),
    "limit": lambda rng: says(rng, apart(rng), limit=3, score_threshold=0.02),
    "limit-after-suppression": crowded_limit,
    "large-scores": large_scores,
    "no-proposals": lambda rng: says(rng, apart(rng, 0)),
}


def _onto(found: Says) -> Says:
    """Proposals apart, whose transforms bring them together: suppression has to look at boxes, not at proposals."""
    p = found["proposals"]
    found["scores"] = torch.tensor([[0.0, 3.0], [0.0, 2.0]]).double()
    found["transforms"] = slow_boxes.encoded(p, p[:1].repeat(2, 1))
    return found


@detect_question()
@pytest.mark.parametrize("part", NAMES)
@pytest.mark.parametrize("draw", DETECTIONS.values(), ids=DETECTIONS)
def test_detections(student: Proxy, rng: Draw, draw: Callable[[Draw], Says], part: str) -> None:
    """detect gives the right boxes, scores and labels, the best first; each is checked on its own."""
    arguments = draw(rng)

    def check(**parts: Callable[..., Any]) -> None:
        found = student.detect(**arguments)
        if type(found) is not dict or part not in found:
            raise CheckFailed(f'detect does not return a dict with "{part}" in it')
        assert_matches(found[part], slow_regions.detections_of(**arguments, **parts)[part], what=part)

    judge_by_parts(student, check, DETECT_PARTS, DETECT_SUBSTITUTES)


@detect_question(weight=0.3)
@every_contract
def test_detections_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """detect obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, P = 0."""
    arguments = says(rng, apart(rng))
    operation = contracts.Operation(
        call=lambda s, t, p: _scores(student.detect(s, t, p, IMAGE)),
        oracle=lambda s, t, p: (slow_regions.detections_of(s, t, p, IMAGE)["scores"],),
        inputs=("scores", "transforms", "proposals"),
        outputs=("the scores",),
        batched=("scores", "transforms", "proposals"),
        others=lambda s, t, p: (s.flip(0), t / 2, p + 1.0),
    )
    contract(student, operation, [arguments[name] for name in ("scores", "transforms", "proposals")])


def _scores(found: Any) -> Any:
    if type(found) is not dict or "scores" not in found:
        raise CheckFailed('detect does not return a dict with "scores" in it')
    return found["scores"]
