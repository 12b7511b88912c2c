"""Training: parameters that overfit 50 images, and a solver that learns from a bounded number of images.

Sized for one CPU core. What counts is the accuracy that is measured here, on scores that are fetched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from images import CLASSES, shapes
from networks import instance, parameters

from autograder.checks import (
    CheckFailed,
    Draw,
    Proxy,
    accuracy,
    assert_accuracy,
    assign,
    fetch,
    patient,
    plain_tensor,
    scores_of,
    unpack,
)

overfit_question = partial(pytest.mark.question, "overfit")
solver_question = partial(pytest.mark.question, "half-minute")

EPOCHS, ROUND = 30, 5
# Of 50 images; the handout asks for all. A right choice may miss one or two on an unlucky draw.
OVERFIT_BAR = 0.96
HELD_OUT = 200
# Of a training against the clock: the step that is under way when time is up, and the last look at the images.
FINISHING = 2.0  # seconds


def overfit_parameters(student: Proxy) -> tuple[float, float]:
    """The student's choice: two positive, finite numbers."""
    found = unpack(student.find_overfit_parameters(), "weight_scale", "learning_rate")
    for name, value in zip(("weight_scale", "learning_rate"), found, strict=True):
        if type(value) not in (int, float) or not 0 < value < 1e3:
            raise CheckFailed(f"{name} is not a positive number that could be one", "return two Python floats")
    return float(found[0]), float(found[1])


def overfit_accuracy(side: Proxy, chosen: tuple[float, float], images: torch.Tensor, labels: torch.Tensor) -> float:
    """The best accuracy within 30 epochs of Adam with batches of 10, looked at every five epochs."""
    weight_scale, learning_rate = chosen
    settings = {"num_filters": [8, 16, 32, 64], "max_pools": [0, 1, 2, 3], "reg": 1e-5}
    model = instance(side.DeepConvNet(**settings, weight_scale=weight_scale, dtype=torch.float32))
    solver = side.Solver(
        model,
        {"X_train": images, "y_train": labels, "X_val": images[:1], "y_val": labels[:1]},
        update_rule=side.Solver.adam,
        optim_config={"learning_rate": learning_rate},
        batch_size=10,
        num_epochs=ROUND,
        num_train_samples=1,
        verbose=False,
    )
    best = 0.0
    for _ in range(0, EPOCHS, ROUND):
        solver.train(return_best_params=False)
        best = max(best, accuracy(scores_of(model.loss, images, CLASSES), labels))
        if best >= OVERFIT_BAR:
            break
    return best


@pytest.mark.parametrize(
    "whose",
    [
        # The choice itself, on a network that is right: a broken one of the student's own costs nothing here.
        pytest.param("a correct network", marks=overfit_question(weight=2.0), id="correct-network"),
        # The choice and the student's network together, trained where the student's code runs.
        pytest.param("your network", marks=overfit_question(), id="own-network"),
    ],
)
def test_overfit(student: Proxy, reference: Proxy, rng: Draw, memo: Callable[..., Any], whose: str) -> None:
    chosen = overfit_parameters(student)
    images, labels = memo(shapes, 50, rng.seed())
    reached = overfit_accuracy(student if whose == "your network" else reference, chosen, images, labels)
    if reached < OVERFIT_BAR:
        message = f"with your parameters, {whose} gets {int(reached * 100)} % of 50 images right within {EPOCHS} epochs"
        raise CheckFailed(message, "try weight scales between 1e-3 and 1, and learning rates between 1e-4 and 1e-2")


def solver_for(side: Proxy, images: torch.Tensor, labels: torch.Tensor, dtype: torch.dtype, device: str) -> Proxy:
    """The student's solver for this data; an eighth of it is for validation."""
    held = len(images) // 8
    data = {"X_train": images[held:], "y_train": labels[held:], "X_val": images[:held], "y_val": labels[:held]}
    return instance(side.create_convolutional_solver_instance(data, dtype, device))


@solver_question()
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=("float32", "float64"))
def test_solver_network(student: Proxy, rng: Draw, memo: Callable[..., Any], dtype: torch.dtype) -> None:
    """An untrained network in the dtype that was asked for, with a score for each class."""
    images, labels = memo(shapes, 16, rng.seed())
    solver = solver_for(student, images.to(dtype), labels, dtype, "cpu")
    if any(value.dtype is not dtype for value in parameters(solver.model).values()):
        raise CheckFailed(f"the network's parameters are not all {dtype}", "hand the arguments dtype and device on")
    scores = plain_tensor(solver.model.loss(images[:3].to(dtype)), "the scores")
    if scores.shape != (3, CLASSES):
        raise CheckFailed(f"the scores have shape {tuple(scores.shape)}, wanted {(3, CLASSES)}")
    epochs = fetch(solver.num_epochs)
    if type(epochs) is not int or epochs < 1:
        raise CheckFailed("the solver would train for no epoch at all", "look at num_epochs")
    history = fetch(solver.loss_history)
    if type(history) is not list or history:
        raise CheckFailed("the solver has been trained already", "return it as it is: the notebook calls train")


@solver_question(weight=2.0)
def test_solver_learns(race: Any, rng: Draw, memo: Callable[..., Any]) -> None:
    """Accuracy on images that the student's code sees only after training, and whose labels it never sees.

    On a GPU within half a minute; elsewhere within so many steps, where guessing gets 10 % and the reference 60 %.
    """
    size = race.size("training")
    images, labels = memo(shapes, size.images * 8 // 7, rng.seed())
    held_out, answers = memo(shapes, HELD_OUT, rng.seed())

    def train(who: Proxy, size: Any) -> Proxy:
        solver = solver_for(who, images, labels, torch.float32, size.device)
        settings = {"num_train_samples": 1, "verbose": False}
        if size.seconds is None:
            settings["num_epochs"] = epochs_of(solver, size)
        for name, value in settings.items():
            assign(solver, name, value)
        # Without a GPU, a network too large for one core stops after so many seconds, and counts as far as it has come.
        limit = 18.0 if size.seconds is None else size.seconds - FINISHING
        patient(solver.train, limit + 6.0)(time_limit=limit)
        return solver

    model = race.train("training", train).model
    if size.device != "cpu":  # judged where everybody's is
        for name in ("params", "bn_params"):
            assign(model, name, on_cpu(fetch(getattr(model, name))))
    scores = scores_of(model.loss, held_out, CLASSES)
    done = f"after {size.steps} steps" if size.device == "cpu" else "after half a minute"
    hint = "look at the learning rate, the update rule and the scale of the first weights"
    assert_accuracy(scores, answers, at_least=size.accuracy, what=f"{done}, the network", hint=hint)


def on_cpu(value: Any) -> Any:
    """The same with all tensors on the CPU."""
    if isinstance(value, dict):
        return {key: on_cpu(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [on_cpu(item) for item in value]
    return value.cpu() if isinstance(value, torch.Tensor) else value


def epochs_of(solver: Proxy, size: Any) -> int:
    """How many epochs make up the steps that everyone gets, whatever the batch size."""
    batch_size = fetch(solver.batch_size)
    if type(batch_size) is not int or batch_size < 1:
        raise CheckFailed("the solver's batch_size is not a positive whole number")
    return math.ceil(size.steps / max(1, size.images // batch_size))
