"""Normalized boxes, the multitask loss and its gradients, and what a localization network has to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import pytest
import slow_localization
import torch
from drawn_boxes import spread

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    assert_kind,
    assert_matches,
    contracts,
    fetch,
    modules,
    oracle_gradients,
    plain_tensor,
    unpack,
)
from autograder.checks.modules.facts import TensorFacts

loss_question = partial(pytest.mark.question, "localization-loss")
net_question = partial(pytest.mark.question, "localization-net")

SIZE = (48, 64)
PARTS = ("the loss", "dscores", "dboxes")
MAX_PARAMETERS = 400_000

Case = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, float]  # of multitask_loss


def batch(rng: Draw, count: int, weight: float, scale: float = 1.0, classes: int = 3) -> Case:
    labels = rng.labels(count, classes)
    return rng.normal(count, classes, scale=scale), rng.uniform(count, 4), labels, rng.uniform(count, 4), weight


CASES: dict[str, Callable[[Draw], Case]] = {
    "several": lambda rng: batch(rng, 5, 3.0),
    "one": lambda rng: batch(rng, 1, 0.5, classes=4),
    "what-only": lambda rng: batch(rng, 4, 0.0),
    "right-boxes": lambda rng: (lambda s, b, y, t, w: (s, t.clone(), y, t, w))(*batch(rng, 3, 20.0)),
    "far-boxes": lambda rng: (lambda s, b, y, t, w: (s, 8.0 * b - 4.0, y, t, w))(*batch(rng, 4, 1.5)),
    "large-scores": lambda rng: batch(rng, 4, 2.0, scale=3e3),
    "none": lambda rng: batch(rng, 0, 2.0),
}


@loss_question()
@pytest.mark.parametrize("draw", CASES.values(), ids=CASES)
def test_loss(student: Proxy, rng: Draw, draw: Callable[[Draw], Case]) -> None:
    """multitask_loss gives the right loss."""
    case = draw(rng)
    loss = unpack(student.multitask_loss(*case), *PARTS)[0]
    assert_matches(loss, slow_localization.loss_of(*case), what="the loss")


@loss_question()
@pytest.mark.parametrize("part", PARTS[1:])
@pytest.mark.parametrize(
    "draw",
    [CASES[id] for id in ("several", "far-boxes", "large-scores", "none")],
    ids=["several", "far-boxes", "large", "none"],
)
def test_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Case], part: str) -> None:
    """multitask_loss gives the right gradients; each is checked on its own."""
    scores, boxes, labels, targets, weight = draw(rng)
    returned = unpack(student.multitask_loss(scores, boxes, labels, targets, weight), *PARTS)
    wanted = gradients(scores, boxes, labels, targets, weight)
    assert_matches(returned[PARTS.index(part)], wanted[PARTS.index(part) - 1], what=part)


def gradients(
    scores: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor, weight: float
) -> tuple[torch.Tensor, ...]:
    return oracle_gradients(lambda s, b: slow_localization.loss_of(s, b, labels, targets, weight), [scores, boxes])


@loss_question(weight=0.5)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_loss_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """multitask_loss obeys the rules for all functions: inputs unchanged, dtype kept, repeated calls, N = 0."""
    scores, boxes, labels, targets, weight = batch(rng, 4, 2.0)

    def call(scores: Any, boxes: Any, targets: Any) -> Any:
        count = len(scores) if type(scores) is torch.Tensor else len(labels)
        return unpack(student.multitask_loss(scores, boxes, labels[:count], targets, weight), *PARTS)[1]

    operation = contracts.Operation(
        call=call,
        oracle=lambda s, b, t: gradients(s, b, labels[: len(s)], t, weight)[:1],
        inputs=("scores", "boxes", "targets"),
        outputs=("dscores",),
        batched=("scores", "boxes", "targets"),
    )
    contract(student, operation, (scores, boxes, targets))


FORMATS = {"normalize_boxes": slow_localization.normalized, "denormalize_boxes": slow_localization.denormalized}


@loss_question()
@pytest.mark.parametrize("part", ("x", "y"))
@pytest.mark.parametrize("name", FORMATS)
def test_normalizing(student: Proxy, rng: Draw, name: str, part: str) -> None:
    """Boxes are normalized, and back; x and y are checked on their own."""
    boxes = spread(rng, 5) if name == "normalize_boxes" else rng.uniform(5, 4)
    axis = ("x", "y").index(part)
    size = (30, 50)
    wanted = FORMATS[name](boxes, size)
    for some in (boxes, boxes[:0]):
        found = getattr(student, name)(some, size)
        assert_kind(found, like=wanted[: len(some)])
        assert_matches(found[:, axis::2], wanted[: len(some), axis::2], what=f"the numbers along {part}")


@loss_question(weight=0.2)
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_normalizing_contract(student: Proxy, rng: Draw, contract: contracts.Contract, name: str) -> None:
    """The function obeys the rules for all functions: boxes unchanged, dtype kept, repeated calls, N = 0."""
    operation = contracts.Operation(
        call=lambda boxes: getattr(student, name)(boxes, SIZE),
        oracle=lambda boxes: (FORMATS[name](boxes, SIZE),),
        inputs=("boxes",),
        outputs=("the boxes",),
        batched=("boxes",),
    )
    contract(student, operation, (spread(rng, 4),))


# The network. Batch normalization ties samples together while training, and has nothing to say of an empty batch: no
# battery of contracts is run over it.


def outputs_of(model: Proxy, images: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(scores, boxes) of the right shapes, finite."""
    scores, boxes = unpack(model(images), "scores", "boxes")
    for part, width, what in ((scores, classes, "the scores"), (boxes, 4, "the boxes")):
        found = plain_tensor(part, what)
        if found.shape != (len(images), width):
            raise CheckFailed(f"{what} have shape {tuple(found.shape)}, wanted {(len(images), width)}")
        if not bool(found.isfinite().all()):
            raise CheckFailed(f"{what} hold NaN or infinity")
    return scores.detach(), boxes.detach()


def network(student: Proxy, *arguments: Any, **settings: Any) -> Proxy:
    return modules.assert_module(student.LocalizationNet(*arguments, **settings), "LocalizationNet()")


@net_question()
@pytest.mark.parametrize("classes, channels", [(3, 3), (5, 1)], ids=("animals", "grey-images"))
def test_shapes(student: Proxy, rng: Draw, classes: int, channels: int) -> None:
    """The network has two outputs of the right shapes, for any number of classes and channels."""
    model = network(student, num_classes=classes, in_channels=channels)
    for count in (2, 7):
        outputs_of(model, rng.normal(count, channels, *SIZE, dtype=torch.float32), classes)


@net_question()
def test_parameters(student: Proxy) -> None:
    """The network has at most 400 000 parameters."""
    count = modules.describe(network(student)).count
    if count > MAX_PARAMETERS:
        raise CheckFailed(f"the network has {count} parameters, at most {MAX_PARAMETERS} are allowed")


@net_question()
def test_raw_scores(student: Proxy, rng: Draw) -> None:
    """The scores are raw, not probabilities or their logarithms."""
    # Of so many raw scores, some class has one that is negative.
    classes = 20
    model = network(student, num_classes=classes)
    model.eval()
    scores, _ = outputs_of(model, rng.normal(4, 3, *SIZE, dtype=torch.float32), classes)
    if bool(((scores > 0) & (scores < 1)).all()):
        raise CheckFailed("all scores lie between 0 and 1, as after a softmax or a sigmoid", "return them raw")
    ones = torch.ones(4)
    if torch.allclose(scores.sum(dim=1), ones, atol=1e-5) or torch.allclose(scores.exp().sum(dim=1), ones, atol=1e-5):
        raise CheckFailed("the scores went through a softmax", "the loss does that: return them raw")


@net_question(weight=2.0)
@pytest.mark.parametrize("what", ("twice", "apart"))
def test_evaluation_mode(student: Proxy, rng: Draw, what: str) -> None:
    """In evaluation mode, the outputs of an image are the same in every call and in every batch."""
    model = network(student)
    model.train()
    model(rng.normal(8, 3, *SIZE, dtype=torch.float32))
    model.eval()
    images = rng.normal(6, 3, *SIZE, dtype=torch.float32)
    first = outputs_of(model, images, 3)
    again = outputs_of(model, images if what == "twice" else images[2:4], 3)
    for one, other, name in zip(first, again, ("the scores", "the boxes"), strict=True):
        wanted = one if what == "twice" else one[2:4]
        assert_matches(other, wanted, what=f"{name} of the same images in another call", rtol=1e-3, atol=1e-4)


@net_question(weight=2.0)
@pytest.mark.parametrize("output", (0, 1), ids=("what", "where"))
def test_shared_backbone(student: Proxy, rng: Draw, output: int) -> None:
    """The backbone gets a gradient from each output, and each head from its own output only."""
    model = network(student)
    parameters = modules.describe(model).parameters
    images = rng.normal(4, 3, *SIZE, dtype=torch.float32)
    widths = (3, 4)
    reached = [_reached(model, parameters, images, number, rng.normal(4, widths[number]).float()) for number in (0, 1)]
    own, other = reached[output], reached[1 - output]
    if not own:
        raise CheckFailed("no parameter gets a gradient from this output", "is something detached on the way?")
    if own <= other:
        raise CheckFailed("this output has no head of its own", "does the other output depend on this one?")
    # Linear layers of a head may be large: a flattened map has thousands of numbers.
    filters = {fact.index: prod(fact.shape) for fact in parameters if len(fact.shape) == 4}
    sizes = filters or {fact.index: prod(fact.shape) for fact in parameters}
    backbone, head = (sum(sizes.get(index, 0) for index in which) for which in (own & other, own - other))
    if head >= backbone:
        of = "convolutions' parameters" if filters else "parameters"
        raise CheckFailed(
            f"{backbone} {of} get a gradient from both outputs, {head} from this one alone",
            "one backbone is to serve both heads, and both are to teach it",
        )


def _reached(
    model: Proxy, parameters: Sequence[TensorFacts], images: torch.Tensor, output: int, upstream: torch.Tensor
) -> set[int]:
    """Which parameters get a gradient from one output, by number."""
    model.zero_grad()
    modules.keep(model, images)[output].backward(upstream)
    found = set()
    for fact in parameters:
        parameter = model
        for part in fact.name.split("."):
            parameter = getattr(parameter, part)
        gradient = fetch(parameter.grad)
        if type(gradient) is torch.Tensor and bool((gradient != 0).any()):
            found.add(fact.index)
    return found
