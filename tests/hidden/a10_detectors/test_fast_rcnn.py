"""Fast R-CNN: labels of proposals, the head, the network around it, losses and detections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import slow_stages
import torch
from comparing_parts import (
    KEYS,
    answers,
    assert_detections,
    assert_gradient,
    assert_same_module,
    one_output,
    sorted_parts,
    whole_numbers,
)

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_matches,
    contracts,
    fetch,
    modules,
    oracle_gradients,
    place,
    unpack,
)

label_question = partial(pytest.mark.question, "proposal-labels")
head_question = partial(pytest.mark.question, "fast-rcnn-head")
loss_question = partial(pytest.mark.question, "fast-rcnn-losses")
detect_question = partial(pytest.mark.question, "fast-rcnn-detections")

Labelled = tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]
DOUBLE = torch.float64
OUTPUTS = ("scores", "transforms")


def proposals(rng: Draw, count: int, truths: int, threshold: float = 0.5) -> Labelled:
    """Boxes around the true ones and elsewhere, none of them near a decision."""

    def draw(rng: Draw) -> tuple[torch.Tensor, torch.Tensor]:
        boxes = rng.boxes(truths, 40, 60)
        near = boxes.repeat(count, 1)[: count // 2] + rng.normal(min(count // 2, truths * count), 4, scale=1.5)
        return torch.cat([near, rng.boxes(count - len(near), 40, 60)]), boxes

    first, boxes = rng.until(draw, lambda pair: not slow_stages.close_calls(*pair, threshold))
    return first, boxes, rng.labels(truths, 5), threshold


def whole(*rows: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=DOUBLE).reshape(-1, 4)


LABELLED: dict[str, Callable[[Draw], Labelled]] = {
    "many": lambda rng: proposals(rng, 20, 3),
    "few": lambda rng: proposals(rng, 5, 1, 0.25),
    "high": lambda rng: proposals(rng, 12, 4, 0.7),
    "no-boxes": lambda rng: (rng.boxes(6, 40, 60), whole(), rng.labels(0, 5), 0.5),
    "no-proposals": lambda rng: (whole(), rng.boxes(2, 40, 60), rng.labels(2, 5), 0.5),
    # IoU 1/2 and 1/4 exactly; two boxes at the same IoU.
    "thresholds": lambda _: (
        whole((0, 0, 4, 2), (0, 0, 8, 2), (0, 0, 2, 1), (20, 20, 22, 24)),
        whole((0, 0, 2, 2), (20, 20, 26, 24), (8, 8, 9, 9)),
        torch.tensor([3, 1, 0]),
        0.5,
    ),
    "ties": lambda _: (
        whole((1, 0, 3, 2), (10, 0, 12, 2)),
        whole((0, 0, 2, 2), (2, 0, 4, 2), (10, 0, 12, 2), (10, 0, 12, 2)),
        torch.tensor([4, 2, 1, 3]),
        0.25,
    ),
}


@label_question()
@pytest.mark.parametrize("draw", LABELLED.values(), ids=LABELLED)
@pytest.mark.parametrize("part", (0, 1), ids=("classes", "matches"))
def test_labels(student: Proxy, rng: Draw, draw: Callable[[Draw], Labelled], part: int) -> None:
    """The class of each proposal, and the index of its true box."""
    case = draw(rng)
    found = unpack(student.label_proposals(*case), "classes", "matches")[part]
    assert_matches(
        whole_numbers(found), slow_stages.labelled_proposals(*case)[part], what=("the classes", "the matches")[part]
    )


@label_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_labels_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    first, boxes, labels, _ = proposals(rng, 6, 2)
    operation = contracts.Operation(
        call=lambda *tensors: student.label_proposals(*tensors),
        oracle=lambda a, b, c: slow_stages.labelled_proposals(a, b, c, 0.5),
        inputs=("proposals", "boxes", "labels"),
        outputs=("the classes", "the matches"),
        batched=("proposals",),
        others=lambda a, b, c: (a.flip(0).clone(), b, (c + 1) % 5),
    )
    contract(student, operation, (first, boxes, labels))


@head_question(weight=2.0)
@pytest.mark.parametrize("channels, size, hidden, classes", [(3, 3, 10, 4), (2, 5, 7, 1), (1, 1, 5, 20)], ids=str)
@pytest.mark.parametrize("count", (4, 1, 0))
@pytest.mark.parametrize("part", (0, 1), ids=("scores", "transforms"))
def test_head(
    student: Proxy,
    reference: Proxy,
    rng: Draw,
    part: int,
    count: int,
    channels: int,
    size: int,
    hidden: int,
    classes: int,
) -> None:
    """Scores and transforms of several regions, of one and of none, and their gradients."""
    arguments = (channels, size, hidden, classes)
    theirs, ours = modules.assert_module(student.BoxHead(*arguments), "BoxHead(...)"), reference.BoxHead(*arguments)
    x = rng.normal(count, channels, size, size)
    upstream = rng.normal(count, classes + 1) if part == 0 else rng.normal(count, classes, 4)
    assert_same_module(rng, theirs, ours, x, upstream, "the head", OUTPUTS, part)


@head_question()
def test_head_start(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The initial weights and biases of the two last layers."""
    arguments = (4, 3, 60, 40)
    x = rng.normal(2, 4, 3, 3, dtype=torch.float32)
    values = modules.read(modules.assert_module(student.BoxHead(*arguments)), x, like=reference.BoxHead(*arguments))
    for slot, value in zip(values.slots, values.values, strict=True):
        if slot.shape[0] not in (41, 160):
            continue
        if len(slot.shape) == 1:
            assert_matches(value, torch.zeros(slot.shape), what="a bias of the two last layers")
            continue
        wanted, spread = (0.01 if slot.shape[0] == 41 else 0.001), float(value.std())
        if not 0.8 * wanted < spread < 1.2 * wanted:
            raise CheckFailed(f"weights of shape {slot.shape} start with another standard deviation than {wanted}")


@head_question()
@pytest.mark.parametrize("settings", [{}, {"pool_size": 3, "sampling_ratio": 1}], ids=("defaults", "others"))
@pytest.mark.parametrize("part", (0, 1), ids=("scores", "transforms"))
def test_fast_rcnn(student: Proxy, reference: Proxy, rng: Draw, part: int, settings: dict[str, int]) -> None:
    """The whole network on regions in any order, its gradients, and how often the backbone runs."""
    size = settings.get("pool_size", 5)
    images, rois = rng.normal(2, 3, 12, 20), rng.boxes(5, 12, 20)
    rois = torch.cat([torch.tensor([[1.0], [0.0], [1.0], [1.0], [0.0]], dtype=DOUBLE), rois], dim=1)
    upstream: list[torch.Tensor | None] = [None, None]
    upstream[part] = rng.normal(5, 4) if part == 0 else rng.normal(5, 3, 4)
    weights, runs = None, []
    for side in (reference, student):
        backbone = side.nn.Conv2d(3, 4, 3, stride=4, padding=1)
        head = side.BoxHead(4, size, 6, 3)
        model = side.FastRCNN(backbone, head, 0.25, **settings)
        modules.assert_module(model, "FastRCNN(...)")
        if weights is None:
            weights = [
                modules.draw_weights(rng, backbone, images),
                modules.draw_weights(rng, head, rng.normal(2, 4, size, size)),
            ]
        modules.load(model.backbone, weights[0], images)
        modules.load(model.head, weights[1], torch.zeros(2, 4, size, size, dtype=DOUBLE))
        runs.append(modules.run(model, images, rois, training=True, upstream=upstream, wrt=(0,)))
        passes = [step for step in modules.executed(model, images, rois) if step.layer.kind == "Conv2d"]
        if len(passes) != 1:
            raise CheckFailed(f"the backbone ran {len(passes)} times for one batch", "once for all images and regions")
    theirs, ours = (one_output(run, OUTPUTS, part) for run in (runs[1], runs[0]))
    answers(theirs, ours, f"the network ({OUTPUTS[part]})")


Losses = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def regions(rng: Draw, count: int, labels: int, things: int) -> Losses:
    """Regions of which so many are no background; targets of background are NaN."""
    classes = torch.cat([1 + rng.labels(things, labels), torch.zeros(count - things, dtype=torch.int64)])
    classes = classes[rng.uniform(count).argsort()]
    targets = rng.normal(count, 4, scale=1.5)
    targets[classes == 0] = float("nan")
    return rng.normal(count, labels + 1), rng.normal(count, labels, 4), classes, targets


LOSSES: dict[str, Callable[[Draw], Losses]] = {
    "several": lambda rng: regions(rng, 12, 3, 5),
    "one-label": lambda rng: regions(rng, 5, 1, 2),
    "all-things": lambda rng: regions(rng, 4, 6, 4),
    "all-background": lambda rng: regions(rng, 6, 3, 0),
    "one-region": lambda rng: regions(rng, 1, 3, 1),
    "none": lambda rng: regions(rng, 0, 3, 0),
    "large": lambda rng: (lambda s, t, c, y: (1e3 * s, 10 * t, c, y))(*regions(rng, 6, 3, 4)),
}
PARTS = ("the classification loss", "the box loss")


def losses(
    scores: torch.Tensor, transforms: torch.Tensor, classes: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Both losses, region by region."""
    box = 0 * transforms.sum()
    for row, answer, target in zip(transforms, classes.tolist(), targets, strict=True):
        if answer:
            box = box + slow_stages.smooth_l1(row[answer - 1], target) / len(classes)
    return torch.stack([slow_stages.cross_entropy(scores, classes), box])


@loss_question()
@pytest.mark.parametrize("draw", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("part", (0, 1), ids=("classification", "box"))
def test_losses(student: Proxy, rng: Draw, draw: Callable[[Draw], Losses], part: int) -> None:
    """The value of each loss, also where no region counts."""
    case = draw(rng)
    assert_matches(unpack(student.fast_rcnn_losses(*case), *PARTS)[part], losses(*case)[part], what=PARTS[part])


@loss_question()
@pytest.mark.parametrize("draw", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("part", (0, 1), ids=("classification", "box"))
def test_losses_gradients(student: Proxy, rng: Draw, draw: Callable[[Draw], Losses], part: int) -> None:
    """The gradient of each loss, also where no region counts."""
    scores, transforms, classes, targets = draw(rng)
    upstream = [None, None]
    upstream[part] = torch.tensor(1.5, dtype=DOUBLE)
    run = modules.differentiate(
        student.fast_rcnn_losses, [scores, transforms, classes, targets], upstream=upstream, wrt=(0, 1)
    )
    wanted = oracle_gradients(lambda s, t: 1.5 * losses(s, t, classes, targets)[part], [scores, transforms])
    assert_gradient(run.inputs[part], wanted[part], PARTS[part])


@loss_question(weight=0.2)
@pytest.mark.parametrize(
    "contract", contracts.battery({"takes-an-empty-batch": "no regions: asked for apart"}), ids=str
)
def test_losses_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda *tensors: student.fast_rcnn_losses(*tensors),
        oracle=lambda *tensors: tuple(losses(*tensors)),
        inputs=("scores", "transforms", "classes", "targets"),
        outputs=PARTS,
        batched=("scores", "transforms", "classes", "targets"),
        others=lambda s, t, c, y: (s.flip(1).clone(), 0.5 * t, c.flip(0).clone(), -y.flip(0)),
    )
    contract(student, operation, regions(rng, 6, 3, 3))


Detected = tuple[torch.Tensor, torch.Tensor, torch.Tensor, tuple[int, int]]


# Between boxes and the border of the image, where no box is to reach it.
MARGIN = 200.0


def answered(rng: Draw, count: int, labels: int, spread: float = 1.5) -> Detected:
    """Answers of a head of which no two scores or overlaps are close, and boxes that all lie within the image."""
    size = (30 + 2 * int(MARGIN), 50 + 2 * int(MARGIN))

    def draw(rng: Draw) -> Detected:
        boxes = rng.boxes(count, 30, 50) + MARGIN
        return rng.normal(count, labels + 1, scale=spread), rng.normal(count, labels, 4, scale=3.0), boxes, size

    def inside(case: Detected) -> bool:
        return all(min(box) > 0 and box[2] < size[1] and box[3] < size[0] for row in moved(case) for box in row)

    return rng.until(draw, lambda case: safe(case) and inside(case))


def moved(case: Detected) -> list[list[list[float]]]:
    """The boxes of every label: its transforms, decoded and clipped."""
    _, transforms, boxes, size = case
    return [
        [
            slow_stages.decoded(box, [n / s for n, s in zip(move, slow_stages.SCALE, strict=True)], size)
            for box, move in zip(boxes.tolist(), transforms[:, label].tolist(), strict=True)
        ]
        for label in range(transforms.shape[1])
    ]


def safe(case: Detected) -> bool:
    """Whether no score and no overlap is near a decision."""
    chances = case[0].softmax(dim=1)[:, 1:].flatten().sort().values
    if bool(((chances[1:] - chances[:-1]) < 1e-6).any()) or bool(((chances - 0.05).abs() < 1e-4).any()):
        return False
    overlaps = [slow_stages.iou(a, b) for boxes in moved(case) for i, a in enumerate(boxes) for b in boxes[:i]]
    return not any(abs(overlap - 0.5) < 1e-4 for overlap in overlaps)


def beyond(rng: Draw) -> Detected:
    """Boxes over every border: two overlap only once they are clipped, and the last one is likely and has no area then.

    Whoever clips behind the suppression, or not at all, detects more.
    """
    proposals = whole((-30, 6, 12, 18), (1, 6, 12, 18), (40, -9, 58, 9), (20, 22, 34, 44), (200, 4, 220, 16))

    def draw(rng: Draw) -> Detected:
        moves = rng.normal(5, 2, 4, scale=0.3)
        return rng.normal(5, 3, scale=1.5), moves, proposals + rng.normal(5, 4, scale=0.5), (30, 50)

    def shows(case: Detected) -> bool:
        late = slow_stages.detected(*case[:3], None)
        more = len(late["scores"]) > len(slow_stages.detected(*case)["scores"])
        return more and float(case[0].softmax(dim=1)[-1, 1:].max()) > 0.1

    return rng.until(draw, lambda case: safe(case) and shows(case))


def even(rng: Draw) -> Detected:
    """One label: some proposals have equal scores for it and for background, so a probability of exactly 1/2."""
    scores, transforms, boxes, size = answered(rng, 8, 1)
    scores[::2] = 0.0
    scores[1::2] += torch.tensor([0.0, 4.0], dtype=DOUBLE)
    return scores, transforms, boxes, size


def thin(_: Draw) -> Detected:
    """Likely boxes that have no width, or no height, once they are clipped; and boxes that keep less than a pixel."""
    rows = [(52, 4, 72, 20), (4, 34, 20, 54), (8, 8, 16, 24), (49.6, 2, 69.6, 18), (2, 29.7, 18, 49.7)]
    proposals = torch.tensor(rows, dtype=DOUBLE)
    scores = torch.tensor([[0.0, 3.0], [0.0, 2.5], [0.0, 2.0], [0.0, 1.5], [0.0, 1.0]], dtype=DOUBLE)
    return scores, torch.zeros(5, 1, 4, dtype=DOUBLE), proposals, (30, 50)


def one_left(_: Draw) -> Detected:
    """Boxes that overlap so much that the most likely one alone stays."""
    proposals = whole((4, 4, 20, 16), (5, 4, 21, 16), (4, 5, 20, 17))
    scores = torch.tensor([[0.0, 0.5], [0.0, 1.5], [0.0, 1.0]], dtype=DOUBLE)
    return scores, torch.zeros(3, 1, 4, dtype=DOUBLE), proposals, (30, 50)


DETECTED: dict[str, tuple[Callable[[Draw], Detected], dict[str, float]]] = {
    "many": (lambda rng: answered(rng, 30, 3), {}),
    "one-label": (lambda rng: answered(rng, 12, 1), {}),
    "two-labels-at-once": (lambda rng: answered(rng, 2, 2, 0.1), {}),
    "limit": (lambda rng: answered(rng, 20, 3), {"limit": 5}),
    "all-below": (lambda rng: answered(rng, 6, 3, 0.1), {"score_threshold": 0.9}),
    "strict": (lambda rng: answered(rng, 12, 2), {"nms_threshold": 0.02, "score_threshold": 0.01}),
    "at-the-threshold": (even, {"score_threshold": 0.5}),
    "beyond": (beyond, {}),
    "thin": (thin, {}),
    "one-left": (one_left, {}),
    "none": (lambda rng: answered(rng, 0, 3), {}),
}


@detect_question()
@pytest.mark.parametrize("name", DETECTED)
@pytest.mark.parametrize("part", KEYS)
def test_detections(student: Proxy, rng: Draw, name: str, part: str) -> None:
    """Boxes, scores and labels of the detections, in their order."""
    draw, settings = DETECTED[name]
    case = draw(rng)
    assert_detections(student.detections(*case, **settings), slow_stages.detected(*case, **settings), keys=(part,))


@detect_question(weight=0.5)
def test_detections_keep_their_inputs(student: Proxy, rng: Draw) -> None:
    """Inputs stay as they are."""
    scores, transforms, boxes, size = answered(rng, 8, 2)
    placed = [place(student, tensor) for tensor in (scores, transforms, boxes)]
    assert_detections(student.detections(*placed, size), slow_stages.detected(scores, transforms, boxes, size))
    for proxy, before, what in zip(
        placed, (scores, transforms, boxes), ("scores", "transforms", "proposals"), strict=True
    ):
        assert_matches(fetch(proxy), before, what=what, rtol=0.0, atol=0.0)


OWN = "another check asks for it"


@detect_question(weight=0.2)
@pytest.mark.parametrize("contract", contracts.battery({"keeps-its-inputs": OWN}), ids=str)
def test_detections_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: dtypes are kept, empty input works, calls are independent."""
    scores, transforms, boxes, size = answered(rng, 8, 2)
    operation = contracts.Operation(
        call=lambda *tensors: sorted_parts(student.detections(*tensors, size)),
        oracle=lambda *tensors: sorted_parts(slow_stages.detected(*tensors, size)),
        inputs=("scores", "transforms", "proposals"),
        outputs=("the boxes", "their scores", "their labels"),
        batched=("scores", "transforms", "proposals"),
        others=lambda s, t, p: (s.flip(0).clone(), t, p),
    )
    contract(student, operation, (scores, transforms, boxes))
