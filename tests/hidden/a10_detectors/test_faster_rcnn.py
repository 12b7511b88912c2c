"""Faster R-CNN: its four losses, their gradients, what it detects, and what the trained network detects.

The network is built around the student's own heads, which are asked about before, on a backbone of one convolution in
float64: a step of proposals cannot hang on the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
import slow_stages
import torch
from comparing_parts import (
    answers,
    assert_detections_of_images,
    assert_dtypes_of_images,
    assert_same_gradients,
    average_precision,
    detected,
    scenes,
)

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_kind,
    assert_matches,
    assert_reaches,
    fetch,
    load_artifact,
    modules,
    patient,
    plain_tensor,
    unpack,
)

question = partial(pytest.mark.question, "faster-rcnn")
learns_question = partial(pytest.mark.question, "faster-rcnn-learns")

DOUBLE = torch.float64
FILE, SCENES, BARS = "faster_rcnn.pt", 30, (0.12, 0.22)
LOSSES = ("RPN classification", "RPN box", "classification of regions", "box of regions")
HEIGHT, WIDTH, STRIDE, CHANNELS, LABELS = 32, 48, 8, 5, 3
SIZES, RATIOS = (10.0, 18.0), (0.6, 1.6)
SIZE, UNEVEN = (HEIGHT, WIDTH), (36, 52)  # of images; sides of the second are no multiples of the stride
# Of training and of detecting, unless a check asks for others; and how many regions are sampled.
PROPOSALS, MORE, REGIONS = (120, 40), (300, 60), 24
CANDIDATES = (12, 60)
BEFORE = 24  # so few candidates that suppression may leave fewer of them than are asked for
TRIES = 10  # of boxes, before other images are drawn
Targets = list[dict[str, torch.Tensor]]
Trained = tuple[torch.Tensor, Targets, torch.Tensor, torch.Tensor]
Said = list[tuple[torch.Tensor, torch.Tensor]]
Rest = tuple[Targets, torch.Tensor, torch.Tensor]  # of a batch, besides its images
Proposed = list[tuple[torch.Tensor, torch.Tensor]]  # of each image: clipped before the suppression, and behind it


def networks(student: Proxy, reference: Proxy, rng: Draw, **settings: object) -> list[Proxy]:
    """The student's and ours, on the same weights."""
    made = []
    for side in (student, reference):
        backbone = side.nn.Conv2d(3, CHANNELS, 3, stride=STRIDE, padding=1)
        rpn, head = side.RPNHead(CHANNELS, 6, len(SIZES) * len(RATIOS)), side.BoxHead(CHANNELS, 3, 7, LABELS)
        settings = {
            "stride": STRIDE,
            "sizes": SIZES,
            "ratios": RATIOS,
            "num_classes": LABELS,
            "pool_size": 3,
            **settings,
        }
        model = side.FasterRCNN(backbone, rpn, head, **settings)
        made.append(modules.assert_module(model, "FasterRCNN(...)"))
    theirs, ours = made
    inputs = {
        "backbone": rng.normal(1, 3, HEIGHT, WIDTH),
        "rpn": rng.normal(1, CHANNELS, 3, 4),
        "head": rng.normal(2, CHANNELS, 3, 3),
    }
    for part, x in inputs.items():
        weights = modules.draw_weights(rng, getattr(ours, part), x)
        for side in (theirs, ours):
            modules.load(getattr(side, part), weights, x)
    return made


def anchors_of(size: tuple[int, int], ratios: Sequence[float] = RATIOS) -> torch.Tensor:
    """The anchors of images of a size; the backbone rounds the sides of its map up."""
    return slow_stages.anchors_of(*(-(-side // STRIDE) for side in size), STRIDE, SIZES, ratios)


def chances(rng: Draw, images: int, size: tuple[int, int] = SIZE) -> tuple[torch.Tensor, torch.Tensor]:
    """Priorities of anchors, and of more regions than there can be."""
    return rng.distinct(images, len(anchors_of(size))), rng.distinct(images, 160)


def first_stage(ours: Proxy, images: torch.Tensor) -> Said:
    """What the reference's RPN says of the anchors of each image: scores and transforms in rows."""
    maps = unpack(ours.rpn(ours.backbone(images)), "scores", "transforms")
    rows = [part.detach().unflatten(1, (len(SIZES) * len(RATIOS), -1)).permute(0, 3, 4, 1, 2) for part in maps]
    return list(zip(*(part.flatten(1, 3) for part in rows), strict=True))


def proposed(
    said: tuple[torch.Tensor, torch.Tensor], most: tuple[int, int], early: bool = True, size: tuple[int, int] = SIZE
) -> torch.Tensor:
    """Proposals by loops; not `early` where boxes are clipped behind the suppression."""
    found, _ = slow_stages.proposed(*said, anchors_of(size), size if early else None, *most)
    boxes = [slow_stages.clipped(box, size) for box in found.tolist()]
    return torch.tensor(boxes, dtype=DOUBLE).reshape(-1, 4)


def training(
    rng: Draw,
    memo: Memo,
    ours: Proxy,
    truths: tuple[int, ...],
    regions: int = REGIONS,
    size: tuple[int, int] = SIZE,
) -> Trained:
    """A batch of images with so many boxes, and priorities, on which it shows what an earlier stage does otherwise.

    True boxes lie near proposals, so that proposals are among the sampled positives of every image. True ones are among
    those of at least one image. Anchors are positive by the second rule alone. Clipping behind the suppression samples
    other regions and other positives. Anchors of width over height sample other anchors.
    """

    def draw(rng: Draw) -> tuple[torch.Tensor, Rest | None]:
        images = rng.normal(len(truths), 3, *size)
        said = [tuple(plain_tensor(part, "the RPN's answer") for part in each) for each in first_stage(ours, images)]
        return images, memo(telling, rng.seed(), said, truths, regions, size)

    images, rest = rng.until(draw, lambda pair: pair[1] is not None)
    assert rest is not None
    return images, *rest


def telling(seed: int, said: Said, truths: tuple[int, ...], regions: int, size: tuple[int, int]) -> Rest | None:
    """What `training` draws for images of which the RPN says this, or None if some draws are not as it asks."""
    rng = Draw(seed)
    proposals = [
        (proposed(each, PROPOSALS, size=size), proposed(each, PROPOSALS, early=False, size=size)) for each in said
    ]
    for _ in range(TRIES):
        targets: Targets = []
        for (found, _), count in zip(proposals, truths, strict=True):
            near = found[rng.integers(0, len(found), (count,))]
            moved = near + 0.04 * rng.normal(count, 4) * (near[:, 2:] - near[:, :2]).repeat(1, 2)
            boxes = [slow_stages.clipped(box, size) for box in moved.tolist()]
            targets.append(
                {"boxes": torch.tensor(boxes, dtype=DOUBLE).reshape(-1, 4), "labels": rng.labels(count, LABELS)}
            )
        case = (targets, *chances(rng, len(truths), size))
        if tells(proposals, case, regions, size):
            return case
    return None


def tells(proposals: Proposed, case: Rest, regions: int, size: tuple[int, int]) -> bool:
    """Whether a batch is as `training` says."""
    targets, anchor_priority, region_priority = case
    others: set[str] = set()
    for number, target in enumerate(targets):
        truths, labels = target["boxes"], target["labels"]
        if not slow_stages.sure(anchors_of(size), truths):
            return False
        sampled = []
        for early, found in zip((True, False), proposals[number], strict=True):
            every, *parts = slow_stages.chosen_regions(found, truths, labels, region_priority[number], regions)
            sampled.append([every[part].tolist() for part in parts])
            if len(truths) and not bool((parts[0] < len(found)).any()):
                return False
            if early and bool((parts[0] >= len(found)).any()):
                others.add("true boxes")
        others |= {kind for kind, *pair in zip(("positives", "negatives"), *sampled, strict=True) if pair[0] != pair[1]}
        anchored = []
        for ratios in (RATIOS, [1 / ratio for ratio in RATIOS]):
            kinds, _ = slow_stages.labelled_anchors(anchors_of(size, ratios), truths)
            anchored.append([part.tolist() for part in slow_stages.sampled(kinds, 64, 0.5, anchor_priority[number])])
        if anchored[0] != anchored[1]:
            others.add("anchors")
    some = any(len(target["boxes"]) for target in targets)
    return ({"positives", "anchors", "true boxes"} if some else {"negatives"}) <= others


def detecting(
    rng: Draw, reference: Proxy, ours: Proxy, most: tuple[int, int], size: tuple[int, int] = SIZE
) -> torch.Tensor:
    """Two images of which other boxes are detected where clipping comes behind a suppression, in either stage.

    Of few candidates, also where all anchors are candidates.
    """
    others = [(most, *early) for early in ((True, True), (False, True), (True, False), (False, False))]
    if most == CANDIDATES:
        others.append(((MORE[0], most[1]), True, True))

    def shows(images: torch.Tensor) -> bool:
        features, said = ours.backbone(images).detach(), first_stage(ours, images)
        seen = []
        for numbers, *early in others:
            boxes = []
            for number, each in enumerate(said):
                found = proposed(each, numbers, early[0], size)
                rois = torch.cat([torch.full((len(found), 1), float(number), dtype=DOUBLE), found], dim=1)
                answers = unpack(
                    ours.head(reference.fast_roi_align(features, rois, 3, 1 / STRIDE, 2)), "scores", "moves"
                )
                cut = size if early[1] else None
                rows = slow_stages.detected(*(part.detach() for part in answers), found, cut)["boxes"].tolist()
                boxes.append([slow_stages.clipped(box, size) for box in rows])
            seen.append(boxes)
        return all(other != seen[0] for other in seen[1:])

    return rng.until(lambda rng: rng.normal(2, 3, *size), shows)


def cutting(rng: Draw, ours: Proxy) -> tuple[tuple[int, int], Trained]:
    """Numbers of proposals, and two images: the cut before suppression acts in one, that behind it in the other.

    Clipping behind the suppression makes more proposals.
    """

    def left(images: torch.Tensor) -> list[list[int]]:
        return [[len(proposed(each, (most, 120))) for most in (BEFORE, 120)] for each in first_stage(ours, images)]

    def between(images: torch.Tensor) -> tuple[int, bool]:
        """A number behind suppression, and whether it is as asked."""
        few, many = sorted(left(images))
        return (few[0] + many[0]) // 2, few[0] < (few[0] + many[0]) // 2 < many[0] and few[0] < few[1]

    def late(images: torch.Tensor) -> bool:
        few = (BEFORE, between(images)[0])
        return any(
            len(proposed(each, few, early=False)) > len(proposed(each, few)) for each in first_stage(ours, images)
        )

    images = rng.until(lambda rng: rng.normal(2, 3, *SIZE), lambda images: between(images)[1] and late(images))
    few, targets = (BEFORE, between(images)[0]), []
    for each in first_stage(ours, images):
        found = proposed(each, few)
        boxes = rng.until(
            lambda rng: rng.boxes(2, *SIZE),
            lambda boxes, found=found: not slow_stages.close_calls(found, boxes, 0.5),
        )
        targets.append({"boxes": boxes, "labels": rng.labels(2, LABELS)})
    return few, (images, targets, *chances(rng, 2))


CASES = {"two-images": (3, 2), "an-empty-one": (0, 3), "no-boxes": (0, 0), "one-image": (4,)}


WORDS = ("rpn-class", "rpn-box", "class", "box")
EVERY_LOSS = [
    pytest.param(name, number, id=f"{WORDS[number]}-{name}", marks=question(weight=2.0))
    for name in CASES
    for number in range(4)
]
EVERY_LOSS += [
    pytest.param(name, number, id=f"{WORDS[number]}-{name}", marks=question(weight=0.5))
    for name, numbers in {"uneven-images": (0, 1, 2), "few-proposals": (2, 3)}.items()
    for number in numbers
]


@pytest.mark.parametrize("name, number", EVERY_LOSS)
def test_losses(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, name: str, number: int) -> None:
    """Each of the four losses: of images with and without boxes, of any size, and for other numbers of proposals."""
    if name in CASES:
        theirs, ours = networks(student, reference, rng, regions=10)
        batch = training(rng, memo, ours, CASES[name], regions=10)
    elif name == "uneven-images":
        theirs, ours = networks(student, reference, rng)
        batch = training(rng, memo, ours, (3, 2), size=UNEVEN)
    else:
        seed = rng.seed()
        few, batch = cutting(rng, networks(reference, reference, Draw(seed))[1])
        theirs, ours = networks(student, reference, Draw(seed), proposals=few)
    assert_loss(plain_tensor(theirs(*batch), "the losses").detach(), ours(*batch).detach(), number)


def assert_loss(found: torch.Tensor, wanted: torch.Tensor, number: int) -> None:
    """Fail unless there are four losses, and this one is right."""
    assert_kind(found, like=wanted, what="the losses")
    assert_matches(found[number], wanted[number], what=f"the loss {number + 1}, {LOSSES[number]}")


GRADIENTS = [pytest.param(name, id=name, marks=question()) for name in ("two-images", "one-image", "an-empty-one")]
GRADIENTS.append(pytest.param("parameters", id="parameters", marks=question(weight=0.5)))


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, name: str) -> None:
    """The gradient of the losses with respect to the images, and to every parameter of the network."""
    theirs, ours = networks(student, reference, rng)
    batch = training(rng, memo, ours, CASES.get(name, (3, 2)))
    upstream = torch.tensor([1.0, -0.6, 0.8, 1.3], dtype=DOUBLE)
    found, wanted = (modules.run(side, *batch, training=True, upstream=upstream, wrt=(0,)) for side in (theirs, ours))
    if name == "parameters":
        assert_same_gradients(found, wanted, "the network")
    else:
        answers(found, wanted, "the losses")


DETECTED = [
    pytest.param(SIZE, {}, id="defaults", marks=question()),
    pytest.param(SIZE, {"proposals": (40, 6)}, id="few-proposals", marks=question()),
    pytest.param(UNEVEN, {"proposals": MORE}, id="uneven-images", marks=question(weight=0.5)),
    pytest.param(SIZE, {"proposals": CANDIDATES}, id="cut-before-suppression", marks=question(weight=0.5)),
]


@pytest.mark.parametrize("size, settings", DETECTED)
def test_detect(
    student: Proxy, reference: Proxy, rng: Draw, size: tuple[int, int], settings: dict[str, tuple[int, int]]
) -> None:
    """The detections in two images, of any size, and from few candidates."""
    theirs, ours = networks(student, reference, rng)
    images = detecting(rng, reference, ours, settings.get("proposals", MORE), size)
    assert_detections_of_images(theirs.detect(images, **settings), ours.detect(images, **settings))


@question(weight=0.3)
def test_detect_dtypes(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """Boxes and scores of the detections have the dtype of the images, and labels are int64."""
    theirs, _ = networks(student, reference, rng)
    assert_dtypes_of_images(theirs.detect(rng.normal(2, 3, *SIZE)), DOUBLE)


@question(weight=0.5)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_mode(student: Proxy, reference: Proxy, rng: Draw, training: bool) -> None:
    """`detect` works in evaluation mode and without gradients, and leaves the mode as it was."""
    images = rng.normal(2, 3, HEIGHT, WIDTH, dtype=torch.float32)
    model = modules.assert_module(student.build(), "build()")
    model.train(training)
    found = detected(model, images)
    if fetch(model.training) is not training:
        raise CheckFailed("detect leaves the network in another mode than before", "put it back, at the end")
    model.eval()
    for first, again in zip(found, model.detect(images), strict=True):
        for key in ("boxes", "scores", "labels"):
            assert_matches(first[key], again[key], what=f'"{key}" of the detections after a call in training mode')


@learns_question()
@pytest.mark.parametrize("bar", BARS, ids=("half", "all"))
def test_trained_network(student: Proxy, rng: Draw, memo: Memo, bar: float) -> None:
    """The average precision of the saved network on new scenes."""
    model = modules.assert_module(student.build(), "build()")
    load_artifact(model, FILE)
    images, truths = memo(scenes, SCENES, rng.seed(), 64, 96)
    reached = average_precision(patient(model.detect, 60.0), images, truths)
    assert_reaches(reached, bar, f"the average precision of the network in {FILE}", hint="save it after the training")
