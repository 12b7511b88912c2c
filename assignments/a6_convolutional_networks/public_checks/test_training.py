"""Training, small: your settings overfit 50 images, and your solver's first steps lower the loss."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_accuracy, fetch, patient, scores_of
from common.shapes import draw_shapes

CLASSES = 10
STEPS = 30


def images(count, seed):
    """Embedded images, centred, and their labels."""
    pixels, labels = draw_shapes(count, seed)
    return pixels.float() / 255 - 0.5, labels


@pytest.mark.question("overfit")
def test_overfits_50_images(student):
    X, y = images(50, seed=1)
    weight_scale, learning_rate = student.find_overfit_parameters()
    model = student.DeepConvNet(
        num_filters=[8, 16, 32, 64], max_pools=[0, 1, 2, 3], reg=1e-5, weight_scale=weight_scale, dtype=torch.float32
    )
    solver = student.Solver(
        model,
        {"X_train": X, "y_train": y, "X_val": X, "y_val": y},
        update_rule=student.Solver.adam,
        optim_config={"learning_rate": learning_rate},
        num_epochs=30,
        batch_size=10,
        num_train_samples=50,
        verbose=False,
    )
    patient(solver, 60).train()
    assert_accuracy(scores_of(model.loss, X, CLASSES), y, at_least=1.0, what="the network after 30 epochs")


@pytest.mark.question("half-minute")
def test_solver_learns(student):
    X, y = images(300, seed=2)
    data = {"X_train": X, "y_train": y, "X_val": X[:100], "y_val": y[:100]}
    solver = patient(student.create_convolutional_solver_instance(data, torch.float32, "cpu"), 60)
    model = fetch(solver.model)
    before, _ = model.loss(X, y)
    for _ in range(STEPS):
        solver.step()
    after, _ = model.loss(X, y)
    if not float(after) < 0.9 * float(before):
        message = f"{STEPS} steps bring the loss of the training images from {float(before):.3f} to {float(after):.3f}"
        raise CheckFailed(message, "an untrained network has a loss of 2.3 and more; it should fall at once")
