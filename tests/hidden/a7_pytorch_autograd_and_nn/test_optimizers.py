"""Parts 2 and 3: networks that come with their optimizers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from comparing import assert_same_module
from learning import assert_memorizes, labelled_images

from autograder.checks import CheckFailed, Draw, Proxy, assert_matches, modules, unpack

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
SGD = {
    "lr": {"lr": 1e-2},
    "momentum": {"momentum": 0.5},
    "weight-decay": {"weight_decay": 1e-4},
    "the-rest-as-torch-has-it": {"nesterov": False, "dampening": 0, "maximize": False},
}
ADAM = {
    "lr": {"lr": 1e-3},
    "weight-decay": {"weight_decay": 1e-4},
    "the-rest-as-torch-has-it": {"betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False, "maximize": False},
}
STEPS, LEARNED = 16, 0.6


def made(side: Proxy, part: int) -> tuple[Proxy, Any]:
    """Model and optimizer, the first a module indeed."""
    model, optimizer = unpack(getattr(side, PARTS[part])(), "model", "optimizer")
    return modules.assert_module(model), optimizer


def check_network(student: Proxy, reference: Proxy, rng: Draw, part: int) -> None:
    """In float32, as it is made."""
    (theirs, _), (ours, _) = made(student, part), made(reference, part)
    for tensor in modules.describe(theirs).parameters:
        if tensor.dtype is not torch.float32:
            raise CheckFailed(f"a parameter starts as {tensor.dtype}, wanted torch.float32")
    x = rng.normal(*IMAGES)
    for training in (True, False):
        assert_same_module(rng, theirs, ours, x, training=training, what="the model")


def check_steps(student: Proxy, reference: Proxy, rng: Draw, part: int) -> None:
    """Three steps, each on other gradients: what the first leaves behind shows in those after it."""
    (theirs, optimizer), (ours, trusted) = made(student, part), made(reference, part)
    x = rng.normal(*IMAGES)
    weights = modules.draw_weights(rng, ours, x)
    gradients = [[rng.normal(*value.shape) for value in weights.parameters] for _ in range(3)]
    if not isinstance(optimizer, Proxy):
        raise CheckFailed("what should be an optimizer is plain data")
    found = modules.step(theirs, optimizer, weights, gradients, x)
    wanted = modules.step(ours, trusted, weights, gradients, x)
    slots = [slot for slot in weights.slots if not slot.buffer]
    for number, (mine, right) in enumerate(zip(found, wanted, strict=True), start=1):
        for slot, value, expected in zip(slots, mine, right, strict=True):
            assert_matches(value, expected, what=f"after {number} steps, the {slot.role} of a {slot.owner}")


def check_learns(student: Proxy, rng: Draw, memo: Callable[..., Any], part: int) -> None:
    """Weights as they start, optimizer and network together."""
    images, labels = memo(labelled_images, 32, rng.seed())
    model, optimizer = made(student, part)
    if not isinstance(optimizer, Proxy):
        raise CheckFailed("what should be an optimizer is plain data")

    def update(weights: modules.Weights, gradients: list[torch.Tensor]) -> tuple[Any, ...]:
        return modules.step(model, optimizer, weights, [gradients], images)[0]

    hint = "look at how the weights start, and at the optimizer's settings"
    assert_memorizes(model, images, labels, update, steps=STEPS, at_least=LEARNED, hint=hint)


@part2()
def test_part2_network(student: Proxy, reference: Proxy, rng: Draw) -> None:
    check_network(student, reference, rng, 2)


@part2()
@pytest.mark.parametrize("setting", SGD)
def test_part2_settings(student: Proxy, setting: str) -> None:
    """SGD of exactly the model's parameters, with the settings that the handout prescribes."""
    model, optimizer = made(student, 2)
    modules.assert_optimizer(optimizer, model, "SGD", **SGD[setting])


@part2()
def test_part2_steps(student: Proxy, reference: Proxy, rng: Draw) -> None:
    check_steps(student, reference, rng, 2)


@part2()
def test_part2_learns(student: Proxy, rng: Draw, memo: Callable[..., Any]) -> None:
    check_learns(student, rng, memo, 2)


@part3()
def test_part3_layers(student: Proxy) -> None:
    """An nn.Sequential of six layers of torch's own, by these names and in this order."""
    model, _ = made(student, 3)
    facts = modules.describe(model)
    if "Sequential" not in facts.bases:
        raise CheckFailed("the model is not an nn.Sequential")
    names = tuple(child.name for child in facts.children)
    if names != tuple(LAYERS):
        message = f"the nn.Sequential has {len(names)} layers that are not called {', '.join(LAYERS)}, in this order"
        raise CheckFailed(message, "an OrderedDict gives each layer its name")
    for child in facts.children:
        if LAYERS[child.name] not in child.bases:
            raise CheckFailed(f"{child.name} is not an nn.{LAYERS[child.name]}")


@part3()
def test_part3_network(student: Proxy, reference: Proxy, rng: Draw) -> None:
    check_network(student, reference, rng, 3)


@part3()
@pytest.mark.parametrize("setting", ADAM)
def test_part3_settings(student: Proxy, setting: str) -> None:
    """Adam of exactly the model's parameters, with the settings that the handout prescribes."""
    model, optimizer = made(student, 3)
    modules.assert_optimizer(optimizer, model, "Adam", **ADAM[setting])


@part3()
def test_part3_steps(student: Proxy, reference: Proxy, rng: Draw) -> None:
    check_steps(student, reference, rng, 3)


@part3(weight=0.5)
def test_part3_start(student: Proxy, rng: Draw) -> None:
    """Any initialization, as long as no two filters start alike."""
    model, _ = made(student, 3)
    for slot, value in _weights(model, rng):
        rows = value.flatten(1)
        if len(rows.unique(dim=0)) < len(rows):
            message = f"outputs of the {slot} of shape {tuple(value.shape)} start with equal weights"
            raise CheckFailed(message, "what starts alike gets equal gradients, and stays alike")


def _weights(model: Proxy, rng: Draw) -> list[tuple[str, torch.Tensor]]:
    """Owners' kinds and values of the weights that the model starts with."""
    start = modules.read(model, rng.normal(*IMAGES))
    pairs = zip(start.slots, start.values, strict=True)
    return [(slot.owner or "layer", value) for slot, value in pairs if value.dim() > 1]


@part3()
def test_part3_learns(student: Proxy, rng: Draw, memo: Callable[..., Any]) -> None:
    check_learns(student, rng, memo, 3)
