"""A single-stage detector: focal loss, the pyramid, head, losses and detections; and the trained network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import slow_stages
import torch
from comparing_parts import (
    answers,
    assert_detections_of_images,
    assert_dtypes_of_images,
    assert_gradient,
    assert_same_module,
    average_precision,
    detected,
    one_output,
    scenes,
)

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    StudentError,
    assert_kind,
    assert_matches,
    assert_reaches,
    contracts,
    fetch,
    load_artifact,
    modules,
    oracle_gradients,
    patient,
)

focal_question = partial(pytest.mark.question, "focal-loss")
pyramid_question = partial(pytest.mark.question, "pyramid")
question = partial(pytest.mark.question, "retinanet")
learns_question = partial(pytest.mark.question, "retinanet-learns")

DOUBLE = torch.float64
SCALE = torch.tensor(slow_stages.SCALE, dtype=DOUBLE)
FILE, SCENES, BARS = "retinanet.pt", 30, (0.12, 0.22)

Scored = tuple[torch.Tensor, torch.Tensor]


def scored(rng: Draw, count: int, labels: int, scale: float = 2.0, least: int = -1) -> Scored:
    """Scores, and classes with background, the last label and the least class among them."""
    classes = rng.integers(least, labels + 1, (count,))
    classes[:4] = torch.tensor([0, least, labels, 0])[: len(classes[:4])]
    return rng.normal(count, labels + 1, scale=scale), classes


FOCAL: dict[str, Callable[[Draw], Scored]] = {
    "several": lambda rng: scored(rng, 14, 3),
    "one-label": lambda rng: scored(rng, 6, 1, least=0),
    "twenty": lambda rng: scored(rng, 8, 20, least=0),
    "huge": lambda rng: scored(rng, 10, 3, 4e3),
    "none-counts": lambda rng: (rng.normal(3, 4), torch.tensor([-1, -1, -1])),
    "none": lambda rng: (rng.normal(0, 4), rng.labels(0, 4)),
}
every_gamma = pytest.mark.parametrize("gamma", [0, 1.0, 2.0, 5.0])
every_focal = pytest.mark.parametrize("draw", FOCAL.values(), ids=FOCAL)


@focal_question()
@every_gamma
@every_focal
def test_focal_loss(student: Proxy, rng: Draw, draw: Callable[[Draw], Scored], gamma: float) -> None:
    """The loss of each anchor, also of those that do not count, and for large scores."""
    scores, classes = draw(rng)
    assert_matches(student.focal_loss(scores, classes, gamma), slow_stages.focal(scores, classes, gamma))


@focal_question()
@every_gamma
@every_focal
def test_focal_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Scored], gamma: float) -> None:
    """The gradient of the scores, also for large scores."""
    scores, classes = draw(rng)
    upstream = rng.normal(len(scores))
    run = modules.differentiate(student.focal_loss, [scores, classes, gamma], upstream=upstream, wrt=(0,))
    wanted = oracle_gradients(lambda x: slow_stages.focal(x, classes, gamma), [scores], upstream)[0]
    found = run.inputs[0] if run.inputs[0] is not None or (classes >= 0).any() else torch.zeros_like(scores)
    if found is None:
        raise CheckFailed("no gradient flows through the loss")
    assert_matches(found, wanted, what="the gradient of the scores")


@focal_question(weight=0.5)
def test_negative_gamma(student: Proxy, rng: Draw) -> None:
    """A negative gamma raises a ValueError."""
    try:
        student.focal_loss(rng.normal(2, 3), torch.tensor([0, 1]), -1.0)
    except StudentError as error:
        if error.kind == "ValueError":
            return
        raise
    raise CheckFailed("gamma = -1 raises nothing", "the docstring asks for a ValueError")


@focal_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_focal_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda scores, classes: student.focal_loss(scores, classes),
        oracle=lambda scores, classes: (slow_stages.focal(scores, classes, 2.0),),
        inputs=("scores", "classes"),
        outputs=("the losses",),
        batched=("scores", "classes"),
        others=lambda scores, classes: (0.5 * scores, classes.flip(0).clone()),
    )
    contract(student, operation, scored(rng, 6, 3))


Maps = list[torch.Tensor]


def levels(rng: Draw, channels: list[int], sizes: list[tuple[int, int]], images: int = 2) -> Maps:
    return [rng.normal(images, width, *size) for width, size in zip(channels, sizes, strict=True)]


PYRAMIDS = {
    "odd": ([4, 6, 5], [(5, 7), (3, 4), (2, 2)]),
    "one-level": ([3], [(4, 5)]),
    "two-levels": ([2, 5], [(6, 4), (3, 2)]),
}


@pyramid_question()
@pytest.mark.parametrize(
    "name, chosen",
    [(name, level) for name, (channels, _) in PYRAMIDS.items() for level in range(len(channels))],
    ids=lambda value: value if isinstance(value, str) else f"level-{value + 1}",
)
def test_pyramid(student: Proxy, reference: Proxy, rng: Draw, name: str, chosen: int) -> None:
    """The map of each level and its gradients, for maps of odd and even sizes."""
    channels, sizes = PYRAMIDS[name]
    maps, width = levels(rng, channels, sizes), 3
    upstream = [rng.normal(2, width, *size) if level == chosen else None for level, size in enumerate(sizes)]
    ours, theirs = reference.FeaturePyramid(channels, width), student.FeaturePyramid(channels, width)
    modules.assert_module(theirs, "FeaturePyramid(...)")
    for level in range(len(channels)):
        inner = rng.normal(2, width, *sizes[level])
        for part, x in (("lateral", maps[level]), ("output", inner)):
            pair = [getattr(side, part)[level] for side in (theirs, ours)]
            arriving = rng.normal(2, width, *sizes[level])
            assert_same_module(rng, *pair, x, arriving, f"{part}[{level}]")
            weights = modules.draw_weights(rng, pair[1], x)
            for side in pair:
                modules.load(side, weights, x)
    names = tuple(f"level {level + 1}" for level in range(len(channels)))
    found, wanted = (
        one_output(modules.run(side, maps, training=True, upstream=upstream), names, chosen) for side in (theirs, ours)
    )
    answers(found, wanted, f"the pyramid ({names[chosen]})")


def prepared(rng: Draw, theirs: Proxy, ours: Proxy, channels: int, larger: float = 0.0) -> None:
    """Put the same weights into both towers of two heads.

    Args:
        larger: if not 0, the last bias of transforms is this for sizes and 0 for centres, that of scores is 0, and the
            last weights of both are small.
    """
    x = rng.normal(1, channels, 3, 4)
    for part in ("classify", "regress"):
        weights = modules.draw_weights(rng, getattr(ours, part), x)
        if larger:
            *before, last, bias = weights.values
            shift = [0.0, 0.0, larger, larger] if part == "regress" else [0.0]
            moved = torch.tensor(shift, dtype=DOUBLE).repeat(len(bias) // len(shift))
            weights = replace(weights, values=(*before, SMALLER * last, moved))
        for side in (theirs, ours):
            modules.load(getattr(side, part), weights, x)


@question()
@pytest.mark.parametrize("depth, anchors, labels", [(2, 3, 2), (1, 1, 4), (0, 2, 1)], ids=str)
def test_retina_head(student: Proxy, reference: Proxy, rng: Draw, depth: int, anchors: int, labels: int) -> None:
    """Scores and transforms of all levels, and the gradients of both towers and of the maps."""
    arguments = (4, anchors, labels, depth)
    theirs, ours = modules.assert_module(student.RetinaHead(*arguments)), reference.RetinaHead(*arguments)
    for part, numbers in (("classify", labels + 1), ("regress", 4)):
        x, arriving = rng.normal(2, 4, 3, 5), rng.normal(2, numbers * anchors, 3, 5)
        assert_same_module(rng, getattr(theirs, part), getattr(ours, part), x, arriving, part)
    prepared(rng, theirs, ours, 4)
    maps = levels(rng, [4, 4], [(3, 5), (2, 2)])
    count = (15 + 4) * anchors
    upstream = [rng.normal(2, count, labels + 1), rng.normal(2, count, 4)]
    found, wanted = (modules.run(side, maps, training=True, upstream=upstream) for side in (theirs, ours))
    answers(found, wanted, "the head")


@question()
@pytest.mark.parametrize("part, outputs", [("classify", 15), ("regress", 12)], ids=["classify", "regress"])
def test_retina_start(student: Proxy, reference: Proxy, rng: Draw, part: str, outputs: int) -> None:
    """The initial weights of the last convolution, and the initial biases of all convolutions."""
    arguments, x = (16, 3, 4), rng.normal(1, 16, 6, 7, dtype=torch.float32)
    head, ours = modules.assert_module(student.RetinaHead(*arguments)), reference.RetinaHead(*arguments)
    values = modules.read(getattr(head, part), x, like=getattr(ours, part))
    prior = torch.zeros(outputs)
    if part == "classify":
        prior[::5] = math.log(99 * 4)
    for slot, value in zip(values.slots, values.values, strict=True):
        last = slot.shape[0] == outputs
        if len(slot.shape) == 1:
            what = f"the bias of the last convolution of {part}" if last else f"a bias of {part}"
            assert_matches(value, prior if last else torch.zeros(slot.shape), what=what)
        elif last and not 0.008 < float(value.std()) < 0.012:
            raise CheckFailed(f"the last weights of {part} start with another standard deviation than 0.01")


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[dict[str, torch.Tensor]]]


def batch(rng: Draw, labels: int, *truths: int, positive: float = 0.5, negative: float = 0.4) -> Batch:
    """Images with so many boxes, on the same anchors; no decision is close."""
    anchors = slow_stages.anchors_of(3, 4, 8, (10.0, 16.0), (0.6, 1.6))
    anchors = anchors + rng.normal(len(anchors), 4, scale=0.4)  # so that no two overlap a box alike

    def draw(count: int) -> torch.Tensor:
        return rng.until(
            lambda rng: rng.boxes(count, 24, 32),
            lambda boxes: slow_stages.sure(anchors, boxes, positive, negative),
        )

    targets = [{"boxes": draw(number), "labels": rng.labels(number, labels)} for number in truths]
    count = len(truths)
    return rng.normal(count, len(anchors), labels + 1), rng.normal(count, len(anchors), 4), anchors, targets


def losses(
    scores: torch.Tensor,
    transforms: torch.Tensor,
    anchors: torch.Tensor,
    targets: Any,
    gamma: float = 2.0,
    positive: float = 0.5,
    negative: float = 0.4,
) -> Any:
    """Both losses, anchor by anchor."""
    focal, box, positives = 0 * scores.sum(), 0 * transforms.sum(), 0
    for image, target in enumerate(targets):
        labels, matches = slow_stages.labelled_anchors(anchors, target["boxes"], positive, negative)
        for index in (labels == 1).nonzero().flatten().tolist():
            truth = int(matches[index])
            labels[index] = 1 + target["labels"][truth]
            wanted = slow_stages.encoded(anchors[index].tolist(), target["boxes"][truth].tolist())
            box = box + slow_stages.smooth_l1(transforms[image, index], torch.tensor(wanted, dtype=DOUBLE) * SCALE)
            positives += 1
        focal = focal + slow_stages.focal(scores[image], labels, gamma).sum()
    return torch.stack([focal, box]) / max(positives, 1)


LOSSES: dict[str, tuple[tuple[int, ...], dict[str, float]]] = {  # labels, and boxes of each image; settings
    "two-images": ((3, 2, 3), {}),
    "an-empty-one": ((2, 0, 2), {}),
    "no-boxes": ((3, 0, 0), {}),
    "one-label": ((1, 4), {}),
    "other-gamma": ((2, 2, 1), {"gamma": 1.0}),
    "other-thresholds": ((2, 3, 2), {"positive": 0.6, "negative": 0.2}),
}


@question()
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("part", (0, 1), ids=("classification", "box"))
def test_retinanet_losses(student: Proxy, rng: Draw, name: str, part: int) -> None:
    """Each loss of a batch and its gradient, also of images without boxes."""
    counts, settings = LOSSES[name]
    case = batch(rng, *counts, **{key: value for key, value in settings.items() if key != "gamma"})
    upstream = torch.tensor([1.0 - part, float(part)], dtype=DOUBLE)
    run = modules.differentiate(student.retinanet_losses, case, settings, upstream=upstream, wrt=(0, 1))
    wanted = losses(*case, **settings)
    assert_kind(run.output, like=wanted, what="the losses")
    loss = ("the classification loss", "the box loss")[part]
    assert_matches(run.output[part], wanted[part], what=loss)
    gradients = oracle_gradients(lambda s, t: losses(s, t, *case[2:], **settings)[part], case[:2])
    assert_gradient(run.inputs[part], gradients[part], loss)


LISTED = {"takes-an-empty-batch": "targets come in a list, and a batch has an image at least"}


@question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.battery(LISTED), ids=str)
def test_retinanet_losses_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, calls are independent."""
    scores, transforms, anchors, targets = batch(rng, 3, 2, 3)

    def listed(*parts: Any) -> list[dict[str, Any]]:
        return [{"boxes": boxes, "labels": labels} for boxes, labels in zip(parts[::2], parts[1::2], strict=True)]

    operation = contracts.Operation(
        call=lambda s, t, a, *parts: student.retinanet_losses(s, t, a, listed(*parts)),
        oracle=lambda s, t, a, *parts: (losses(s, t, a, listed(*parts)),),
        inputs=("scores", "transforms", "anchors", *(f"{key} of image {n}" for n in (1, 2) for key in targets[0])),
        outputs=("the losses",),
        batched=(),
        others=lambda s, t, *rest: (s.flip(2).clone(), 0.5 * t, *rest),
    )
    contract(student, operation, (scores, transforms, anchors, *(part for each in targets for part in each.values())))


SETTINGS: dict[str, Any] = {
    "strides": (4, 8),
    "sizes": ((8.0, 12.0), (18.0, 26.0)),
    "ratios": (0.6, 1.6),
    "num_classes": 2,
}
# With these, all 480 pairs are above 0.05, and boxes overlap so much that of the best 200 about 30 are left.
LARGER, SMALLER = 5.0, 0.02
# Of the pyramid: channels of each level, and a size of its map.
LEVELS = ((5, (6, 8)), (6, (3, 4)))


def networks(
    student: Proxy, reference: Proxy, rng: Draw, size: tuple[int, int] = (24, 32), larger: float = 0.0
) -> tuple[Proxy, Proxy, torch.Tensor]:
    """Both sides' networks on the same weights, around parts of each side, and two images."""
    images, made = rng.normal(2, 3, *size), []
    for side in (student, reference):
        pyramid, head = side.FeaturePyramid([5, 6], 6), side.RetinaHead(6, 4, 2, 1)
        model = side.RetinaNet(side.TinyBackbone((4, 4, 5, 6)), pyramid, head, **SETTINGS)
        made.append(modules.assert_module(model, "RetinaNet(...)"))
    theirs, ours = made
    weights = modules.draw_weights(rng, ours.backbone, images)
    for side in made:
        modules.load(side.backbone, weights, images)
    for level, (channels, size) in enumerate(LEVELS):
        for part, x in (("lateral", rng.normal(1, channels, *size)), ("output", rng.normal(1, 6, *size))):
            weights = modules.draw_weights(rng, getattr(ours.pyramid, part)[level], x)
            for side in made:
                modules.load(getattr(side.pyramid, part)[level], weights, x)
    prepared(rng, theirs.head, ours.head, 6, larger)
    return theirs, ours, images


@question()
def test_retinanet(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The two losses of the network, and their gradients with respect to the images."""
    theirs, ours, images = networks(student, reference, rng)
    anchors = torch.cat(
        [
            slow_stages.anchors_of(*size, stride, sizes, SETTINGS["ratios"])
            for (_, size), stride, sizes in zip(LEVELS, SETTINGS["strides"], SETTINGS["sizes"], strict=True)
        ]
    )
    boxes = rng.until(lambda rng: rng.boxes(2, 24, 32), lambda boxes: slow_stages.sure(anchors, boxes, 0.5, 0.4))
    targets = [
        {"boxes": boxes, "labels": rng.labels(2, 2)},
        {"boxes": rng.boxes(0, 24, 32), "labels": rng.labels(0, 2)},
    ]
    upstream = torch.tensor([1.0, -0.5], dtype=DOUBLE)
    found, wanted = (
        modules.run(side, images, targets, training=True, upstream=upstream, wrt=(0,)) for side in (theirs, ours)
    )
    answers(found, wanted, "the losses of the network")


@question()
@pytest.mark.parametrize(
    "size, larger",
    [((24, 32), 0.0), ((48, 64), 0.0), ((48, 64), LARGER)],
    ids=["small-images", "large-images", "boxes-that-overlap"],
)
def test_retinanet_detects(student: Proxy, reference: Proxy, rng: Draw, size: tuple[int, int], larger: float) -> None:
    """The detections in two images; the mode stays as it was."""
    theirs, ours, images = networks(student, reference, rng, size, larger)
    theirs.train()
    found = detected(theirs, images)
    if not fetch(theirs.training):
        raise CheckFailed("detect leaves the network in another mode than before", "put it back, at the end")
    assert_detections_of_images(found, ours.detect(images))


@question(weight=0.3)
def test_retinanet_detects_dtypes(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """Boxes and scores of the detections have the dtype of the images, and labels are int64."""
    theirs, _, images = networks(student, reference, rng)
    assert_dtypes_of_images(theirs.detect(images), DOUBLE)


@learns_question()
@pytest.mark.parametrize("bar", BARS, ids=("half", "all"))
def test_trained_network(student: Proxy, rng: Draw, memo: Memo, bar: float) -> None:
    """The average precision of the saved network on new scenes."""
    model = modules.assert_module(student.build(), "build()")
    load_artifact(model, FILE)
    images, truths = memo(scenes, SCENES, rng.seed(), 96, 128)
    reached = average_precision(patient(model.detect, 60.0), images, truths)
    assert_reaches(reached, bar, f"the average precision of the network in {FILE}", hint="save it after the training")
