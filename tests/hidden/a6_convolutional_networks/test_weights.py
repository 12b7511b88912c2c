"""Saved weights: they load, they fit, and the network that has them knows its images.

Each check also asks for the answer that the weights come from: weights alone, handed in with a stub, earn nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from images import CLASSES, first_of_cifar, first_of_shapes, shapes
from networks import instance, parameters
from test_training import OVERFIT_BAR, overfit_parameters, solver_for

from autograder.checks import CheckFailed, Draw, Proxy, accuracy, artifact, assign, plain_tensor, scores_of

overfit_question = partial(pytest.mark.question, "overfit")
solver_question = partial(pytest.mark.question, "half-minute")

OVERFIT, HALF_MINUTE = "overfit_deepconvnet.pt", "half_minute_deepconvnet.pt"
HELD_OUT = 300


def checkpoint_of(student: Proxy, name: str) -> dict[str, Any]:
    """What `DeepConvNet.save` wrote, with finite parameters in it."""
    checkpoint = artifact(student, name)
    if type(checkpoint) is not dict or type(checkpoint.get("params")) is not dict:
        raise CheckFailed(f"{name} is not what DeepConvNet.save writes", "save the network with its own method")
    for value in checkpoint["params"].values():
        if not bool(plain_tensor(value, f"a parameter in {name}").isfinite().all()):
            raise CheckFailed(f"{name} holds NaN or infinite parameters", "did the training diverge?")
    return checkpoint


def settings_of(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """What a DeepConvNet must be made with to take these parameters."""
    filters = [len(value) for value in checkpoint["params"].values() if value.dim() == 4]
    max_pools, batchnorm = checkpoint.get("max_pools"), checkpoint.get("batchnorm", False)
    if type(max_pools) not in (list, tuple) or not all(type(layer) is int for layer in max_pools):
        raise CheckFailed(f"{OVERFIT} does not say which convolutions a pool follows", "save with DeepConvNet.save")
    return {"num_filters": filters, "max_pools": list(max_pools), "batchnorm": batchnorm is True}


def give_weights(model: Proxy, checkpoint: dict[str, Any], name: str) -> None:
    """Put saved parameters, and the running statistics that go with them, into a network of the same layout."""
    own, saved = parameters(model), checkpoint["params"]
    if {key: value.shape for key, value in own.items()} != {key: value.shape for key, value in saved.items()}:
        raise CheckFailed(f"the parameters in {name} do not fit the network in your file", "did either change since?")
    dtypes = {key: value.dtype for key, value in own.items()}
    assign(model, "params", {key: value.to(dtypes[key]) for key, value in saved.items()})
    if checkpoint.get("bn_params"):
        assign(model, "bn_params", checkpoint["bn_params"])


def best_accuracy(model: Proxy, sets: list[tuple[torch.Tensor, torch.Tensor] | None]) -> float:
    """On the set that the network does best on."""
    there = [known for known in sets if known is not None]
    return max(accuracy(scores_of(model.loss, images, CLASSES), labels) for images, labels in there)


@overfit_question()
def test_overfit_weights(student: Proxy, memo: Callable[..., Any]) -> None:
    """The saved network knows the 50 images by heart."""
    overfit_parameters(student)
    checkpoint = checkpoint_of(student, OVERFIT)
    model = instance(student.DeepConvNet(**settings_of(checkpoint), dtype=torch.float32))
    give_weights(model, checkpoint, OVERFIT)
    reached = best_accuracy(model, [memo(first_of_shapes, 50), memo(first_of_cifar, "train", 50)])
    if reached < OVERFIT_BAR:
        message = f"the network in {OVERFIT} gets {int(reached * 100)} % of the first 50 training images right"
        raise CheckFailed(message, "save it after the training in the notebook, on the notebook's own data")


@solver_question()
@pytest.mark.parametrize("bar", (0.3, 0.65), ids=("has-learned", "is-good"))
def test_half_minute_weights(student: Proxy, rng: Draw, memo: Callable[..., Any], bar: float) -> None:
    """The saved network recognises images that were not there to train on."""
    solver = solver_for(student, *memo(shapes, 16, 0), torch.float32, "cpu")
    checkpoint = checkpoint_of(student, HALF_MINUTE)
    give_weights(solver.model, checkpoint, HALF_MINUTE)
    sets = [memo(shapes, HELD_OUT, rng.seed()), memo(first_of_cifar, "test", HELD_OUT)]
    reached = best_accuracy(solver.model, sets)
    if reached < bar:
        message = f"the network in {HALF_MINUTE} gets {int(reached * 100)} % of new images right, wanted {bar:.0%}"
        raise CheckFailed(message, "train it longer, or look at what limits it")
