"""How fast a training step and a residual network are, apart from whether they are right.

What right answers take, `make bench-verdicts` prints: whatever is made of torch's layers or functions about as long as
the reference, in float64 3 times as long, image by image 8 times.

Full points end at 2 and half of them at 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import torch

from autograder.checks import Draw, Proxy, Race, modules

training_question = partial(pytest.mark.question, "training-speed")

PADDING = {"padding": [2, 1]}
FILTERS = ((12, 3, 5, 5), (8, 12, 3, 3))
LAYERS = ("conv1", "conv2", "fc")
CLASSES = 10
RATE = 1e-2
STAGES = ((8, 1, False), (16, 1, True), (32, 1, True))


def batch(rng: Draw, count: int, height: int, width: int) -> tuple[torch.Tensor, ...]:
    """Images, gradients of their scores, and six parameters: weight and bias of each layer."""
    shapes = [*FILTERS, (CLASSES, FILTERS[-1][0] * height * width)]
    parameters = [rng.normal(*size, scale=0.05, dtype=torch.float32) for shape in shapes for size in (shape, shape[:1])]
    images = rng.normal(count, 3, height, width, dtype=torch.float32)
    return images, rng.normal(count, CLASSES, scale=1 / count, dtype=torch.float32), *parameters


def sized(rng: Draw, size: Any) -> tuple[torch.Tensor, ...]:
    return batch(rng, size.batch, size.height, size.width)


def parameters_of(model: Proxy) -> list[Proxy]:
    return [value for name in LAYERS for value in (getattr(model, name).weight, getattr(model, name).bias)]


def load(model: Proxy, parameters: Sequence[Proxy]) -> None:
    """Every call begins with weights of its own: both sides do not make equally many steps."""
    for own, given in zip(parameters_of(model), parameters, strict=True):
        own.data.copy_(given)


def placed(model: Proxy, device: str) -> Proxy:
    """A model on the device that inputs are put on; its parameters stay the objects that an optimizer may hold."""
    if device != "cpu":
        model.to(device)
    return model


@training_question()
def test_functional_step(race: Race) -> None:
    """A training step of `three_layer_convnet` is fast enough.

    It holds the scores, the gradients of all six parameters, and a step down.
    """

    def step(who: Proxy, x: Proxy, upstream: Proxy, *rest: Proxy) -> Any:
        leaves = [rest[-1][index] for index in range(6)]
        scores = who.three_layer_convnet(x, leaves, PADDING)
        scores.backward(upstream)
        return scores, [leaf.data.sub(leaf.grad, alpha=RATE) for leaf in leaves]

    def leaves(who: Proxy, x: Proxy, upstream: Proxy, *parameters: Proxy) -> Any:
        return [parameter.requires_grad_() for parameter in parameters]

    race("functional", step, sized, prepare=leaves)


@training_question()
def test_module_step(race: Race) -> None:
    """A training step of `ThreeLayerConvNet` is fast enough."""
    size = race.size("module")

    def make(who: Proxy) -> Proxy:
        model = who.ThreeLayerConvNet((3, size.height, size.width), [(12, 5, 2), (8, 3, 1)], CLASSES)
        return placed(model, size.device)

    def step(model: Proxy, x: Proxy, upstream: Proxy, *parameters: Proxy) -> Any:
        load(model, parameters)
        model.zero_grad()
        scores = model(x)
        scores.backward(upstream)
        return scores, [own.data.sub(own.grad, alpha=RATE) for own in parameters_of(model)]

    race("module", step, sized, setup=make)


@training_question()
def test_sequential_step(race: Race) -> None:
    """A training step of the nn.Sequential is fast enough.

    It takes the optimizer that comes with the model; what a step does is checked elsewhere.
    """
    device = race.size("sequential").device

    def make(who: Proxy) -> tuple[Proxy, Proxy]:
        model, optimizer = who.initialize_three_layer_conv_part3()
        return placed(model, device), optimizer

    def step(made: Any, x: Proxy, upstream: Proxy, *parameters: Proxy) -> Any:
        model, optimizer = made
        load(model, parameters)
        optimizer.zero_grad()
        scores = model(x)
        scores.backward(upstream)
        optimizer.step()
        return scores, [own.grad.clone() for own in parameters_of(model)]

    race(
        "sequential",
        step,
        lambda rng, size: batch(rng, size.batch, 32, 32),
        setup=make,
    )


@pytest.mark.question("resnet-speed")
def test_resnet_forward(race: Race, reference: Proxy, rng: Draw) -> None:
    """A forward pass of `ResNet` is fast enough.

    In evaluation mode a sample's scores depend on that sample alone.
    """
    size = race.size("forward")
    stages = list(STAGES[: size.stages])
    x = rng.normal(2, *size.images[1:], dtype=torch.float32)
    weights = modules.draw_weights(rng, reference.ResNet(stages), x, dtype=torch.float32)

    def make(who: Proxy) -> Proxy:
        model = who.ResNet(stages)
        modules.load(model, weights, x)
        model.eval()
        return placed(model, size.device)

    race(
        "forward",
        lambda model, x: model(x),
        lambda rng, size: (rng.normal(*size.images, dtype=torch.float32),),
        setup=make,
    )
