"""Localization: normalized boxes, the loss and its gradients, the network, and what its training is set up with."""

import pytest
import torch

from autograder.checks import CheckFailed, artifact, assert_kind, assert_matches, modules, unpack

PARTS = ("loss", "dscores", "dboxes")
SIZE = (48, 64)


@pytest.mark.question("localization-loss")
def test_normalizing(student):
    """One box by hand, there and back, in an image of 48 x 64."""
    corners = torch.tensor([[8.0, 0.0, 24.0, 36.0]], dtype=torch.float64)
    normalized = torch.tensor([[0.25, 0.375, 0.25, 0.75]], dtype=torch.float64)
    assert_matches(student.normalize_boxes(corners, SIZE), normalized, what="the normalized box")
    assert_matches(student.denormalize_boxes(normalized, SIZE), corners, what="the box in pixels")


def drawn(rng, count=4, classes=3):
    labels = rng.labels(count, classes)
    return rng.normal(count, classes), rng.uniform(count, 4), labels, rng.uniform(count, 4)


@pytest.mark.question("localization-loss")
def test_undecided(student):
    """Scores of 0 cost log C; a box that is off by 1/4 along one side costs weight / 16."""
    boxes = torch.tensor([[0.5, 0.5, 0.25, 0.25]], dtype=torch.float64)
    targets = torch.tensor([[0.5, 0.5, 0.25, 0.5]], dtype=torch.float64)
    scores = torch.zeros(1, 5, dtype=torch.float64)
    loss, *_ = unpack(student.multitask_loss(scores, boxes, torch.tensor([3]), targets, 8.0), *PARTS)
    assert_matches(loss, torch.tensor(5.0, dtype=torch.float64).log() + 0.5, what="the loss")


@pytest.mark.question("localization-loss")
@pytest.mark.parametrize("number", [0, 1, 2], ids=PARTS)
def test_loss(student, reference, rng, number):
    """Loss and gradients of a batch, against the reference's."""
    case = (*drawn(rng), 3.0)
    found, wanted = (unpack(side.multitask_loss(*case), *PARTS) for side in (student, reference))
    assert_matches(found[number], wanted[number], what=PARTS[number])


@pytest.mark.question("localization-net")
@pytest.mark.parametrize("classes, channels", [(3, 3), (5, 1)], ids=["animals", "grey-images"])
def test_shapes(student, rng, classes, channels):
    """Two outputs of the right shapes."""
    model = modules.assert_module(student.LocalizationNet(num_classes=classes, in_channels=channels))
    scores, boxes = unpack(model(rng.normal(2, channels, *SIZE, dtype=torch.float32)), "scores", "boxes")
    assert_kind(scores, (2, classes), torch.float32, what="the scores")
    assert_kind(boxes, (2, 4), torch.float32, what="the boxes")


@pytest.mark.question("localization-net")
def test_parameters(student):
    """At most 400 000 parameters."""
    count = modules.describe(modules.assert_module(student.LocalizationNet())).count
    if count > 400_000:
        raise CheckFailed(f"the network has {count} parameters, at most 400000 are allowed")


@pytest.mark.question("localization-training")
def test_setup(student):
    """A model, an optimizer that holds its parameters, a schedule or None, and a weight."""
    made = student.create_localization_training(3, 10, "cpu")
    model, optimizer, _, weight = unpack(made, "model", "optimizer", "schedule", "weight")
    facts = modules.optimizer(optimizer, modules.assert_module(model))
    held = {index for group in facts.groups for index in group.parameters}
    if any(tensor.index not in held for tensor in modules.describe(model).parameters):
        raise CheckFailed("the optimizer does not hold all parameters of the model", "give it model.parameters()")
    if type(weight) not in (int, float) or weight < 0:
        raise CheckFailed("the weight is not a number >= 0")


@pytest.mark.question("localization-training")
def test_saved(student):
    """The notebook has saved a trained network."""
    student.create_localization_training(3, 10, "cpu")
    if type(artifact(student, "localization_net.pt")) not in (dict,):
        raise CheckFailed("localization_net.pt does not hold a state_dict", "run the notebook's last cells")
