"""Saved weights: they fit, and knows its images who has them, in a network that is right.

Each check also asks for the answer that the weights come from: weights alone, handed in with a stub, earn nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from images import CIFAR, SHAPES, Labelled, first_of_cifar, first_of_shapes, shapes
from networks import parameters
from test_training import overfit_parameters, solver_for
from trusted import of_file

from autograder.checks import CheckFailed, DataNeeded, Draw, Memo, Proxy, accuracy, artifact, plain_tensor

overfit_question = partial(pytest.mark.question, "overfit")
solver_question = partial(pytest.mark.question, "half-minute")

OVERFIT, HALF_MINUTE = "overfit_deepconvnet.pt", "half_minute_deepconvnet.pt"
HELD_OUT = 300
KNOWS = 0.96  # of 50 images: all but two


def checkpoint_of(student: Proxy, name: str) -> dict[str, Any]:
    """What `DeepConvNet.save` wrote, with finite parameters in it."""
    checkpoint = artifact(student, name)
    if type(checkpoint) is not dict or type(checkpoint.get("params")) is not dict:
        raise CheckFailed(f"{name} is not what DeepConvNet.save writes", "save the network with its own method")
    for value in checkpoint["params"].values():
        if not bool(plain_tensor(value, f"a parameter in {name}").isfinite().all()):
            raise CheckFailed(f"{name} holds NaN or infinite parameters", "did the training diverge?")
    return checkpoint


def assert_fits(model: Proxy, checkpoint: dict[str, Any], name: str) -> None:
    """Fail unless saved parameters are those of a network of this layout."""
    own, saved = parameters(model), checkpoint["params"]
    if {key: value.shape for key, value in own.items()} != {key: value.shape for key, value in saved.items()}:
        raise CheckFailed(f"the parameters in {name} do not fit the network in your file", "did either change since?")


def judge(
    checkpoint: dict[str, Any], name: str, sets: dict[str, Callable[[], Labelled | None]], bar: float, what: str
) -> None:
    """Fail unless the saved network, in code that is right, gets so many images right of the data it was trained on.

    The file says which data that is; one of earlier years does not, and is judged by the data that it does better on.

    Args:
        sets: by name of the data, what to judge by, None where it is not here.

    Raises:
        DataNeeded: it was, or may have been, trained on data that are not here.
    """
    network = of_file(checkpoint, name)
    trained_on = checkpoint.get("data")
    asked = [trained_on] if type(trained_on) is str and trained_on in sets else list(sets)
    reached, absent = [], []
    for data in asked:
        known = sets[data]()
        if known is None:
            absent.append(data)
        else:
            images, labels = known
            count = network.affordable(len(images))
            reached.append(accuracy(network.scores(images[:count]), labels[:count]))
    if max(reached, default=0.0) >= bar:
        return
    if absent:
        said = "says that it was trained on" if asked != list(sets) else "may have been trained on"
        raise DataNeeded(f"{name} {said} {absent[0]}, which is not at the grader: {WHERE}")
    raise CheckFailed(f"the network in {name} gets {int(max(reached) * 100)} % of {what} right, wanted {bar:.0%}", HINT)


HINT = "save it after the training in the notebook, with the notebook's own data"
WHERE = "the instructor puts cifar-10-batches-py into data/ and grades again with --regrade"


@overfit_question()
def test_overfit_weights(student: Proxy, memo: Memo) -> None:
    """The network that you saved recognizes the 50 images of its training."""
    overfit_parameters(student)
    sets = {SHAPES: partial(memo, first_of_shapes, 50), CIFAR: partial(memo, first_of_cifar, "train", 50)}
    judge(checkpoint_of(student, OVERFIT), OVERFIT, sets, KNOWS, "the first 50 training images")


@solver_question()
@pytest.mark.parametrize("bar", (0.3, 0.65), ids=("has-learned", "is-good"))
def test_half_minute_weights(student: Proxy, rng: Draw, memo: Memo, bar: float) -> None:
    """The network that you saved recognizes images that it was not trained on."""
    solver = solver_for(student, *memo(shapes, 16, 0), torch.float32, "cpu")
    checkpoint = checkpoint_of(student, HALF_MINUTE)
    assert_fits(solver.model, checkpoint, HALF_MINUTE)
    sets = {SHAPES: partial(memo, shapes, HELD_OUT, rng.seed()), CIFAR: partial(memo, first_of_cifar, "test", HELD_OUT)}
    judge(checkpoint, HALF_MINUTE, sets, bar, "new images")
