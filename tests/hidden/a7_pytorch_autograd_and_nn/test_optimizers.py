"""Parts 2 and 3: networks that come with their optimizers."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import torch
from comparing import assert_same_module
from learning import assert_memorizes, labelled_images
from settings import ADAM, SGD, Tried, away_from_zero

from autograder.checks import CheckFailed, Draw, Memo, Proxy, assert_matches, modules, unpack

part2 = partial(pytest.mark.question, "initialize-part2")
part3 = partial(pytest.mark.question, "initialize-part3")

LAYERS = {
    "conv1": "Conv2d",
    "relu1": "ReLU",
    "conv2": "Conv2d",
    "relu2": "ReLU",
    "flatten": "Flatten",
    "fc": "Linear",
}
IMAGES, PARTS = (2, 3, 32, 32), {2: "initialize_three_layer_conv_part2", 3: "initialize_three_layer_conv_part3"}
STEPS, LEARNED = 16, 0.6


def made(side: Proxy, part: int) -> tuple[Proxy, Any]:
    """Model and optimizer, the first a module indeed."""
    model, optimizer = unpack(getattr(side, PARTS[part])(), "model", "optimizer")
    try:
        return modules.assert_module(model), optimizer
    except CheckFailed as failure:
        with suppress(CheckFailed):
            modules.assert_module(optimizer)
            failure.hint = "the module comes second: are the two in the other order?"
        raise


def check_network(student: Proxy, reference: Proxy, rng: Draw, part: int) -> None:
    """In float32, as it is made."""
    (theirs, _), (ours, _) = made(student, part), made(reference, part)
    x = rng.normal(*IMAGES)
    for tensor in modules.describe(theirs, x).parameters:
        if tensor.dtype is not torch.float32:
            raise CheckFailed(f"a parameter starts as {tensor.dtype}, wanted torch.float32")
    for training in (True, False):
        assert_same_module(rng, theirs, ours, x, training=training, what="the model")


def check_steps(student: Proxy, reference: Proxy, rng: Draw, part: int) -> None:
    """Three steps of all parameters, each on other gradients: what the first leaves behind shows in those after it.

    In float32, as the model is made. `settings` finds a setting that moves a weight by less than float32 shows. No
    gradient is near zero: Adam's first step is the sign of a gradient, which decay would turn where it is nearly zero.
    """
    (theirs, optimizer), (ours, trusted) = made(student, part), made(reference, part)
    x = rng.normal(*IMAGES, dtype=torch.float32)
    weights = modules.draw_weights(rng, ours, x, dtype=torch.float32)
    shapes = [value.shape for value in weights.parameters]
    gradients = [[away_from_zero(rng, shape).float() for shape in shapes] for _ in range(3)]
    if not isinstance(optimizer, Proxy):
        raise CheckFailed("what should be an optimizer is plain data")
    found = modules.step(theirs, optimizer, weights, gradients, x)
    wanted = modules.step(ours, trusted, weights, gradients, x)
    slots = [slot for slot in weights.slots if not slot.buffer]
    for number, (mine, right) in enumerate(zip(found, wanted, strict=True), start=1):
        for slot, value, expected in zip(slots, mine, right, strict=True):
            assert_matches(value, expected, what=f"after {number} steps, the {slot.role} of a {slot.owner}")
    modules.assert_holds(optimizer, theirs)


def check_learns(student: Proxy, reference: Proxy, rng: Draw, memo: Memo, part: int) -> None:
    """Weights as they start and optimizer together, on a network that is right."""
    images, labels = memo(labelled_images, 32, rng.seed())
    (model, optimizer), (ours, _) = made(student, part), made(reference, part)
    if not isinstance(optimizer, Proxy):
        raise CheckFailed("what should be an optimizer is plain data")

    def update(weights: modules.Weights, gradients: list[torch.Tensor]) -> tuple[Any, ...]:
        return modules.step(model, optimizer, weights, [gradients], images)[0]

    start = modules.read(model, images, like=ours)
    hint = "look at how the weights start, and at the optimizer's settings"
    assert_memorizes(ours, start, images, labels, update, steps=STEPS, at_least=LEARNED, hint=hint)


@part2()
def test_part2_network(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The network of part II computes the right scores and gradients."""
    check_network(student, reference, rng, 2)


@part2()
@pytest.mark.parametrize("setting", SGD)
def test_part2_settings(student: Proxy, rng: Draw, setting: str) -> None:
    """The optimizer of part II is SGD with the settings of the handout.

    Each setting is told from the others by what it does.
    """
    SGD[setting](Tried(rng, lambda: made(student, 2), rng.normal(*IMAGES)))


@part2()
def test_part2_steps(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The optimizer of part II takes the right steps."""
    check_steps(student, reference, rng, 2)


@part2()
def test_part2_learns(student: Proxy, reference: Proxy, rng: Draw, memo: Memo) -> None:
    """From the first weights of part II, its optimizer trains a network that recognizes a few images."""
    check_learns(student, reference, rng, memo, 2)


@part3()
def test_part3_layers(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The network of part III is an nn.Sequential of the right six layers, in order and under their names.

    What the layers are called is the worker's word, and counts only together with what they compute.
    """
    (model, _), (ours, _) = made(student, 3), made(reference, 3)
    x = rng.normal(*IMAGES)
    facts = modules.describe(model, x)
    if "Sequential" not in facts.bases:
        raise CheckFailed("the model is not an nn.Sequential")
    names = tuple(child.name for child in facts.children)
    if names != tuple(LAYERS):
        message = f"the nn.Sequential has {len(names)} layers that are not called {', '.join(LAYERS)}, in this order"
        raise CheckFailed(message, "an OrderedDict gives each layer its name")
    for child in facts.children:
        if LAYERS[child.name] not in child.bases:
            raise CheckFailed(f"{child.name} is not an nn.{LAYERS[child.name]}")
    weights = modules.draw_weights(rng, ours, x)
    found, right = (modules.run(side, x, weights=weights, training=False).output for side in (model, ours))
    assert_matches(found, right, what="the scores of the nn.Sequential")


@part3()
def test_part3_network(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The network of part III computes the right scores and gradients."""
    check_network(student, reference, rng, 3)


@part3()
@pytest.mark.parametrize("setting", ADAM)
def test_part3_settings(student: Proxy, rng: Draw, setting: str) -> None:
    """The optimizer of part III is Adam with the settings of the handout.

    Each setting is told from the others by what it does.
    """
    ADAM[setting](Tried(rng, lambda: made(student, 3), rng.normal(*IMAGES)))


@part3()
def test_part3_steps(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The optimizer of part III takes the right steps."""
    check_steps(student, reference, rng, 3)


@part3(weight=0.5)
def test_part3_start(student: Proxy, rng: Draw) -> None:
    """No two filters of part III start with the same weights.

    Any initialization will do besides.
    """
    model, _ = made(student, 3)
    for slot, value in _weights(model, rng):
        rows = value.flatten(1)
        if len(rows.unique(dim=0)) < len(rows):
            message = f"outputs of the {slot} start with equal weights"
            raise CheckFailed(message, "what starts alike gets equal gradients, and stays alike", value=value)


def _weights(model: Proxy, rng: Draw) -> list[tuple[str, torch.Tensor]]:
    """Owners' kinds and values of the weights that the model starts with."""
    start = modules.read(model, rng.normal(*IMAGES))
    pairs = zip(start.slots, start.values, strict=True)
    return [(slot.owner or "layer", value) for slot, value in pairs if value.dim() > 1]


@part3()
def test_part3_learns(student: Proxy, reference: Proxy, rng: Draw, memo: Memo) -> None:
    """From the first weights of part III, its optimizer trains a network that recognizes a few images."""
    check_learns(student, reference, rng, memo, 3)
