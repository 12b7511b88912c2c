"""Region proposals: anchors, their labels, samples of them, the head, its losses and the proposals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_stages
import torch
from comparing_parts import assert_gradient, assert_same_module, whole_numbers

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_kind,
    assert_matches,
    contracts,
    modules,
    oracle_gradients,
    place,
    plain_tensor,
    unpack,
)
from autograder.checks.modules.runs import Run

anchor_question = partial(pytest.mark.question, "anchors")
label_question = partial(pytest.mark.question, "anchor-labels")
sample_question = partial(pytest.mark.question, "anchor-sampling")
head_question = partial(pytest.mark.question, "rpn-head")
loss_question = partial(pytest.mark.question, "rpn-losses")
propose_question = partial(pytest.mark.question, "proposals")

DOUBLE = torch.float64
PARTS = ("the classification loss", "the box loss")


@anchor_question()
@pytest.mark.parametrize(
    "shape, stride, sizes, ratios",
    [
        ((1, 1), 16, (32.0,), (0.5,)),
        ((3, 5), 8, (12.0, 20.0), (0.6, 1.0, 1.6)),
        ((5, 2), 4, (7.5, 9.0, 11.0), (0.3, 3.0)),
        ((20, 15), 32, (24.0,), (1.0,)),
        ((2, 3), 16, (7.0,), (2.0, 0.25, 1.0)),
    ],
    ids=["one-cell", "3x5", "5x2", "20x15", "ratios"],
)
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE], ids=["float32", "float64"])
def test_anchors(
    student: Proxy,
    shape: tuple[int, int],
    stride: int,
    sizes: tuple[float, ...],
    ratios: tuple[float, ...],
    dtype: torch.dtype,
) -> None:
    """All anchors of a map, in their order: centres, areas and aspect ratios."""
    found = student.make_anchors(*shape, stride, sizes, ratios, dtype=dtype)
    assert_matches(found, slow_stages.anchors_of(*shape, stride, sizes, ratios).to(dtype), what="the anchors")


@anchor_question(weight=0.5)
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE], ids=["float32", "float64"])
def test_anchors_dtype(student: Proxy, dtype: torch.dtype) -> None:
    """Anchors have the dtype that the call asks for."""
    assert_kind(student.make_anchors(2, 3, 8, (12.0,), (0.5, 2.0), dtype=dtype), (12, 4), dtype, what="the anchors")


Labelled = tuple[torch.Tensor, torch.Tensor]


def anchored(rng: Draw, truths: int, positive: float = 0.7, negative: float = 0.3) -> Labelled:
    """Anchors of a small map and boxes of which no IoU is near a threshold or another.

    Some anchor is positive by the second rule alone.
    """
    anchors = slow_stages.anchors_of(3, 4, 8, (10.0, 18.0), (0.6, 1.6))

    def draw(rng: Draw) -> Labelled:
        moved = anchors + rng.normal(len(anchors), 4, scale=0.4)
        return moved, rng.boxes(truths, 24, 32)

    return rng.until(draw, lambda pair: slow_stages.sure(*pair, positive, negative))


def whole(*rows: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=DOUBLE).reshape(-1, 4)


LABELLED: dict[str, tuple[Callable[[Draw], Labelled], dict[str, float]]] = {
    "many": (lambda rng: anchored(rng, 4), {}),
    "one-box": (lambda rng: anchored(rng, 1), {}),
    "other-thresholds": (lambda rng: anchored(rng, 3, 0.5, 0.4), {"positive": 0.5, "negative": 0.4}),
    "no-boxes": (lambda rng: (rng.boxes(7, 24, 32), whole()), {}),
    "no-anchors": (lambda rng: (whole(), rng.boxes(2, 24, 32)), {}),
    "box-outside": (lambda rng: (rng.boxes(9, 24, 32), whole((90, 90, 99, 99))), {}),
    "box-without-area": (lambda rng: (whole((0, 0, 8, 8), (2, 2, 6, 6)), whole((4, 4, 4, 4), (0, 0, 8, 4))), {}),
    # Two anchors share the largest IoU of the second box, far below 0.7, and one of them far below 0.3.
    "shared": (
        lambda _: (
            whole((0, 0, 8, 8), (20, 0, 24, 4), (28, 0, 32, 4), (0, 20, 4, 24)),
            whole((0, 0, 8, 8), (22, 0, 30, 16)),
        ),
        {},
    ),
    # The anchor is forced by the second box, and overlaps the first one more.
    "forced-for-another": (
        lambda _: (whole((0, 0, 10, 10), (40, 40, 44, 44)), whole((0, 0, 10, 5), (8, 0, 28, 10))),
        {},
    ),
    # IoU 1/2 and 1/4 exactly, beside anchors that are better.
    "thresholds": (
        lambda _: (
            whole((0, 0, 4, 4), (0, 0, 4, 2), (0, 0, 4, 1), (0, 0, 2, 1)),
            whole((0, 0, 4, 4)),
        ),
        {"positive": 0.5, "negative": 0.25},
    ),
    "ties": (lambda _: (whole((0, 0, 8, 8)), whole((0, 0, 8, 4), (0, 4, 8, 8))), {"positive": 0.5, "negative": 0.25}),
}


@label_question()
@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("part", (0, 1), ids=("labels", "matches"))
def test_anchor_labels(student: Proxy, rng: Draw, name: str, part: int) -> None:
    """The label of each anchor, and the index of the box that it is matched with."""
    draw, settings = LABELLED[name]
    case = draw(rng)
    found = unpack(student.label_anchors(*case, **settings), "labels", "matches")[part]
    wanted = slow_stages.labelled_anchors(*case, **settings)[part]
    assert_matches(whole_numbers(found), wanted, what=("labels", "matches")[part])


@label_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_anchor_labels_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=student.label_anchors,
        oracle=lambda a, b: slow_stages.labelled_anchors(a, b),
        inputs=("anchors", "boxes"),
        outputs=("labels", "matches"),
        batched=("anchors",),
        others=lambda a, b: (a.flip(0).clone(), b),
    )
    contract(student, operation, anchored(rng, 2))


SAMPLES: dict[str, tuple[tuple[int, int, int], int, float]] = {  # positives, negatives, neutrals; count; fraction
    "enough": ((9, 20, 5), 12, 0.5),
    "few-positives": ((2, 20, 5), 12, 0.5),
    "few-negatives": ((9, 3, 5), 12, 0.5),
    "no-positives": ((0, 20, 3), 8, 0.5),
    "no-negatives": ((6, 0, 3), 8, 0.5),
    "odd-count": ((9, 20, 0), 7, 0.5),
    "quarter": ((9, 20, 2), 10, 0.25),
    "nothing-wanted": ((5, 5, 5), 0, 0.5),
    "nothing-there": ((0, 0, 6), 8, 0.5),
    "all-positives": ((6, 6, 1), 4, 1.0),
}


@sample_question()
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("part", (0, 1), ids=("positives", "negatives"))
def test_samples(student: Proxy, rng: Draw, name: str, part: int) -> None:
    """Which anchors are sampled, and how many, for given priorities."""
    kinds, count, fraction = SAMPLES[name]
    labels, priority = shuffled(rng, kinds)
    for _ in range(2):  # once more with other priorities: nothing is drawn inside, or remembered
        found = unpack(student.sample_labels(labels, count, fraction, priority), "positives", "negatives")[part]
        wanted = slow_stages.sampled(labels, count, fraction, priority)[part]
        what = ("the positives", "the negatives")[part]
        found = whole_numbers(plain_tensor(found, what))
        assert_kind(found, tuple(wanted.shape), torch.int64, what=what)
        assert_matches(found.sort().values, wanted, what=f"{what}, sorted,")
        priority = priority.flip(0).clone()


@sample_question(weight=0.5)
@pytest.mark.parametrize("part", (0, 1), ids=("positives", "negatives"))
def test_samples_rise(student: Proxy, rng: Draw, part: int) -> None:
    """Both samples are int64 and in rising order of index."""
    labels, priority = shuffled(rng, (9, 20, 5))
    found = unpack(student.sample_labels(labels, 12, 0.5, priority), "positives", "negatives")[part]
    rows = assert_kind(found, dtype=torch.int64, what=("the positives", "the negatives")[part]).tolist()
    if rows != sorted(rows):
        raise CheckFailed("the sample is not in rising order of index", "sort what was chosen")


SAMPLED = {
    "keeps-float32": "another check asks for int64",
    "takes-an-empty-batch": "the docstring says nothing of no anchors at all",
}


@sample_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.battery(SAMPLED), ids=str)
def test_samples_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, and calls are independent."""
    names = ("the positives", "the negatives")

    def sample(part: Any, name: str) -> torch.Tensor:
        return assert_kind(whole_numbers(plain_tensor(part, name)), dtype=torch.int64, what=name).sort().values

    def call(labels: Any, priority: Any) -> tuple[torch.Tensor, ...]:
        found = unpack(student.sample_labels(labels, 12, 0.5, priority), *names)
        return tuple(sample(part, name) for part, name in zip(found, names, strict=True))

    operation = contracts.Operation(
        call=call,
        oracle=lambda labels, priority: slow_stages.sampled(labels, 12, 0.5, priority),
        inputs=("labels", "priority"),
        outputs=names,
        batched=("labels", "priority"),
    )
    contract(student, operation, shuffled(rng, (9, 20, 5)))


def shuffled(rng: Draw, kinds: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels of so many positives, negatives and neutral ones in any order, and a priority for each."""
    labels = torch.tensor([1] * kinds[0] + [0] * kinds[1] + [-1] * kinds[2], dtype=torch.int64)
    return labels[rng.uniform(len(labels)).argsort()], rng.distinct(len(labels))


@head_question()
@pytest.mark.parametrize("shape, hidden, anchors", [((2, 3, 4, 5), 6, 3), ((1, 5, 3, 2), 4, 1)], ids=["4x5", "3x2"])
@pytest.mark.parametrize("part", (0, 1), ids=("scores", "transforms"))
def test_rpn_head(
    student: Proxy, reference: Proxy, rng: Draw, part: int, shape: tuple[int, ...], hidden: int, anchors: int
) -> None:
    """Scores and transforms of the head, and their gradients."""
    arguments = (shape[1], hidden, anchors)
    theirs, ours = modules.assert_module(student.RPNHead(*arguments), "RPNHead(...)"), reference.RPNHead(*arguments)
    upstream = rng.normal(shape[0], (2, 4)[part] * anchors, *shape[2:])
    assert_same_module(rng, theirs, ours, rng.normal(*shape), upstream, "the head", ("scores", "transforms"), part)


@head_question()
def test_rpn_start(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The initial weights and biases of the three layers."""
    arguments, x = (8, 30, 12), rng.normal(1, 8, 3, 4, dtype=torch.float32)
    values = modules.read(modules.assert_module(student.RPNHead(*arguments)), x, like=reference.RPNHead(*arguments))
    for slot, value in zip(values.slots, values.values, strict=True):
        if len(slot.shape) == 1:
            assert_matches(value, torch.zeros(slot.shape), what="a bias")
        elif not 0.008 < float(value.std()) < 0.012:
            raise CheckFailed(f"weights of shape {slot.shape} start with another standard deviation than 0.01")


MAPS = [
    pytest.param(shape, anchors, False, id=f"{shape}-{anchors}", marks=head_question())
    for shape, anchors in (((2, 12, 3, 5), 3), ((1, 4, 2, 1), 4), ((3, 6, 1, 2), 1))
]
MAPS.append(pytest.param((2, 6, 2, 3), 3, True, id="strided", marks=head_question(weight=0.3)))


@pytest.mark.parametrize("shape, anchors, strided", MAPS)
def test_flatten_maps(student: Proxy, shape: tuple[int, ...], anchors: int, strided: bool) -> None:
    """The order of the rows that `flatten_maps` makes, also of maps that are not contiguous."""
    maps = torch.arange(torch.Size(shape).numel(), dtype=DOUBLE).reshape(shape)
    given = place(student, maps, strided=True) if strided else maps
    assert_matches(student.flatten_maps(given, anchors), flattened(maps, anchors), what="the rows")


def flattened(maps: torch.Tensor, anchors: int) -> torch.Tensor:
    """`flatten_maps`, anchor by anchor."""
    images, channels, height, width = maps.shape
    rows = [
        [maps[n, k * channels // anchors : (k + 1) * channels // anchors, i, j] for n in range(images)]
        for i in range(height)
        for j in range(width)
        for k in range(anchors)
    ]
    return torch.stack([torch.stack(row) for row in rows], dim=1)


Losses = tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[torch.Tensor], torch.Tensor]


def batch(rng: Draw, *truths: int) -> Losses:
    """Images with so many boxes, on the same anchors; no decision is close."""
    anchors = slow_stages.anchors_of(3, 4, 8, (10.0, 18.0), (0.6, 1.6))
    anchors = anchors + rng.normal(len(anchors), 4, scale=0.4)  # so that no two overlap a box alike

    def draw(count: int) -> torch.Tensor:
        return rng.until(
            lambda rng: rng.boxes(count, 24, 32),
            lambda boxes: slow_stages.sure(anchors, boxes),
        )

    boxes, count = [draw(number) for number in truths], len(truths)
    scores, transforms = rng.normal(count, len(anchors), 2), rng.normal(count, len(anchors), 4, scale=0.3)
    return scores, transforms, anchors, boxes, rng.distinct(count, len(anchors))


LOSSES: dict[str, tuple[tuple[int, ...], dict[str, float]]] = {
    "three-images": ((2, 0, 3), {"count": 10}),
    "one-image": ((3,), {}),
    "no-boxes": ((0, 0), {"count": 6}),
    "uneven": ((1, 4), {"count": 8, "positive_fraction": 0.25}),
    "fewer-than-wanted": ((1, 5, 0), {}),
    "nothing-sampled": ((2,), {"count": 0}),
}


def losses(
    scores: torch.Tensor,
    transforms: torch.Tensor,
    anchors: torch.Tensor,
    boxes: list[torch.Tensor],
    priority: torch.Tensor,
    count: int = 64,
    positive_fraction: float = 0.5,
) -> torch.Tensor:
    """Both losses, anchor by anchor."""
    chosen, answers, box = [], [], 0 * transforms.sum()
    for image, truths in enumerate(boxes):
        labels, matches = slow_stages.labelled_anchors(anchors, truths)
        for index in torch.cat(slow_stages.sampled(labels, count, positive_fraction, priority[image])).tolist():
            chosen.append(scores[image, index])
            answers.append(int(labels[index]))
            if labels[index] == 1:
                target = slow_stages.encoded(anchors[index].tolist(), truths[matches[index]].tolist())
                box = box + slow_stages.smooth_l1(transforms[image, index], torch.tensor(target, dtype=DOUBLE), 1 / 9)
    if not chosen:
        return torch.stack([0 * scores.sum(), box])
    return torch.stack([slow_stages.cross_entropy(torch.stack(chosen), torch.tensor(answers)), box / len(chosen)])


@loss_question()
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("part", (0, 1), ids=("classification", "box"))
def test_rpn_losses(student: Proxy, rng: Draw, name: str, part: int) -> None:
    """The value of each loss, of several images and of one, also where nothing counts."""
    truths, settings = LOSSES[name]
    case = batch(rng, *truths)
    found = unpack(student.rpn_losses(*case, **settings), *PARTS)[part]
    assert_matches(found, losses(*case, **settings)[part], what=PARTS[part])


@loss_question()
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("part", (0, 1), ids=("classification", "box"))
def test_rpn_losses_gradients(student: Proxy, rng: Draw, name: str, part: int) -> None:
    """The gradient of each loss, also where nothing counts."""
    truths, settings = LOSSES[name]
    scores, transforms, *rest = batch(rng, *truths)
    upstream: list[Any] = [None, None]
    upstream[part] = torch.tensor(-2.0, dtype=DOUBLE)
    run: Run = modules.differentiate(
        student.rpn_losses, [scores, transforms, *rest], settings, upstream=upstream, wrt=(0, 1)
    )
    wanted = oracle_gradients(lambda s, t: -2 * losses(s, t, *rest, **settings)[part], [scores, transforms])
    assert_gradient(run.inputs[part], wanted[part], PARTS[part])


LISTED = {"takes-an-empty-batch": "boxes come in a list, and a batch has an image at least"}


@loss_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.battery(LISTED), ids=str)
def test_rpn_losses_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, calls are independent."""
    scores, transforms, anchors, boxes, priority = batch(rng, 0, 0)
    operation = contracts.Operation(
        call=lambda s, t, a, p, *b: student.rpn_losses(s, t, a, [*b], p),
        oracle=lambda s, t, a, p, *b: tuple(losses(s, t, a, [*b], p)),
        inputs=("scores", "transforms", "anchors", "priority", "the first image's boxes", "the second image's boxes"),
        outputs=PARTS,
        batched=(),
        others=lambda s, t, a, p, *b: (s.flip(2).clone(), 0.5 * t, a, p.flip(1).clone(), *b),
    )
    contract(student, operation, (scores, transforms, anchors, priority, *boxes))


Said = tuple[torch.Tensor, torch.Tensor, torch.Tensor, tuple[int, int]]


def said(rng: Draw, spread: float = 1.0, scores: float = 1.5, margin: float = 0.0) -> Said:
    """What a head says of anchors so far inside of the image; no two overlaps or probabilities are close.

    With a margin no box reaches the border.
    """
    anchors = slow_stages.anchors_of(3, 5, 8, (10.0, 16.0), (0.6, 1.6)) + margin
    size = (int(24 + 2 * margin), int(40 + 2 * margin))

    def draw(rng: Draw) -> Said:
        moves = rng.normal(len(anchors), 4, scale=0.3 * spread)
        return scores * rng.normal(len(anchors), 2), moves, anchors, size

    def inside(case: Said) -> bool:
        return not margin or all(min(box) > 0 and box[2] < size[1] and box[3] < size[0] for box in decoded(case))

    return rng.until(draw, lambda case: safe(case) and inside(case))


def decoded(case: Said) -> list[list[float]]:
    _, transforms, anchors, size = case
    return [slow_stages.decoded(a, t, size) for a, t in zip(anchors.tolist(), transforms.tolist(), strict=True)]


def safe(case: Said) -> bool:
    scores, boxes = case[0], decoded(case)
    sides = [
        abs(end - start - limit) for x1, y1, x2, y2 in boxes for start, end in ((x1, x2), (y1, y2)) for limit in (1, 6)
    ]
    overlaps = [slow_stages.iou(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    near = any(abs(overlap - threshold) < 1e-4 for overlap in overlaps for threshold in (0.7, 0.2))
    order = (scores[:, 1] - scores[:, 0]).sort().values
    return not near and min(sides) > 1e-4 and bool((order[1:] - order[:-1] > 1e-6).all())


def crossing(rng: Draw, spread: float = 1.0) -> Said:
    """The same where boxes cross the border, and more stay for whoever clips them behind the suppression."""

    def shows(case: Said) -> bool:
        return len(slow_stages.proposed(*case[:3], None)[0]) > len(slow_stages.proposed(*case)[0])

    return rng.until(lambda rng: said(rng, spread), shows)


def inner(rng: Draw, spread: float = 1.0, scores: float = 1.5) -> Said:
    """The same where no box reaches the border."""
    return said(rng, spread, scores, 200.0)


def equal(rng: Draw) -> Said:
    """Probabilities that are all the same."""
    scores, transforms, anchors, size = inner(rng)
    return torch.ones_like(scores) * torch.tensor([0.5, 1.0], dtype=DOUBLE), transforms, anchors, size


def away(rng: Draw) -> Said:
    """Anchors that all lie outside of the image."""
    scores, transforms, anchors, size = said(rng)
    return scores, 0 * transforms, anchors + 100.0, size


def least(_: Draw) -> Said:
    """Boxes with a side of exactly 4, of less, and of more: whole numbers, which no transform moves."""
    anchors = whole((0, 0, 4, 12), (10, 0, 24, 4), (30, 0, 33, 20), (0, 20, 20, 23), (30, 24, 36, 30), (20, 30, 24, 34))
    scores = torch.tensor([[0.0, 2.0 - 0.25 * number] for number in range(6)], dtype=DOUBLE)
    return scores, torch.zeros(6, 4, dtype=DOUBLE), anchors, (40, 40)


def one_left(_: Draw) -> Said:
    """Boxes that overlap so much that the most likely one alone stays."""
    anchors = whole((4, 4, 20, 16), (5, 4, 21, 16), (4, 5, 20, 17))
    scores = torch.tensor([[0.0, 0.5], [0.0, 1.5], [0.0, 1.0]], dtype=DOUBLE)
    return scores, torch.zeros(3, 4, dtype=DOUBLE), anchors, (40, 40)


def small_among_the_best(rng: Draw) -> Said:
    """Small boxes among the 20 most likely ones: who drops them first proposes others."""

    def shows(case: Said) -> bool:
        small = torch.tensor([min(x2 - x1, y2 - y1) < 6 for x1, y1, x2, y2 in decoded(case)])
        best = (case[0][:, 1] - case[0][:, 0]).argsort(descending=True)
        return bool(small[best[:20]].any()) and not bool(small[best[20:23]].any())

    return rng.until(lambda rng: inner(rng, 4.0), shows)


PROPOSED: dict[str, tuple[Callable[[Draw], Said], dict[str, float]]] = {
    "all": (crossing, {}),
    "the-best-before": (inner, {"pre_nms": 20}),
    "the-best-behind": (inner, {"post_nms": 6}),
    "both": (inner, {"pre_nms": 25, "post_nms": 9, "nms_threshold": 0.2}),
    "small-ones-dropped": (lambda rng: inner(rng, 4.0), {"min_size": 6.0}),
    "small-ones-take-no-place": (lambda rng: inner(rng, 4.0), {"min_size": 6.0, "post_nms": 8}),
    "small-ones-among-the-best": (small_among_the_best, {"min_size": 6.0, "pre_nms": 20}),
    "exactly-the-least-side": (least, {"min_size": 4.0}),
    "one-left": (one_left, {}),
    "large-scores": (lambda rng: inner(rng, 1.0, 8.0), {"pre_nms": 30}),
    "stretched": (lambda rng: crossing(rng, 12.0), {}),
    "equal": (equal, {"pre_nms": 30}),
    "outside": (away, {}),
}


@propose_question()
@pytest.mark.parametrize("name", PROPOSED)
@pytest.mark.parametrize("part", (0, 1), ids=("boxes", "objectness"))
def test_proposals(student: Proxy, rng: Draw, name: str, part: int) -> None:
    """The proposed boxes and their probabilities, in their order."""
    draw, settings = PROPOSED[name]
    case = draw(rng)
    found = unpack(student.propose(*case, **settings), "boxes", "objectness")[part]
    names = {"nms_threshold": "threshold"}
    wanted = slow_stages.proposed(*case, **{names.get(key, key): value for key, value in settings.items()})[part]
    assert_matches(found, wanted, what=("the boxes", "their objectness")[part])


@propose_question(weight=0.5)
def test_proposals_are_constants(student: Proxy, rng: Draw) -> None:
    """Proposals are constants: no gradient passes through them."""
    scores, transforms, anchors, size = inner(rng)
    run = modules.differentiate(student.propose, [scores, transforms, anchors, size], wrt=(0, 1))
    if any(run.attached):
        raise CheckFailed("gradients flow through the proposals", "detach them: they are constants to the second stage")


@propose_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_proposals_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    scores, transforms, anchors, size = inner(rng)
    operation = contracts.Operation(
        call=lambda *tensors: student.propose(*tensors, size),
        oracle=lambda *tensors: slow_stages.proposed(*tensors, size),
        inputs=("scores", "transforms", "anchors"),
        outputs=("the boxes", "their objectness"),
        batched=("scores", "transforms", "anchors"),
        others=lambda s, t, a: (s.flip(1).clone(), t, a),
    )
    contract(student, operation, (scores, transforms, anchors))
