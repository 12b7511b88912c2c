"""The network of blocks, and what was kept of its training."""

import math

import pytest
import torch
from sides import assert_count, assert_same_module

from autograder.checks import CheckFailed, StudentError, artifact, fetch, modules

STAGES = [(4, 2, False), (6, 1, True)]
COURSE_STAGES = [(16, 3, False), (32, 4, True), (64, 6, True), (128, 3, True)]

FILE = "pytorch_autograd_and_nn.pt"
CURVES = ("train_acc", "train_loss", "val_acc", "val_loss", "val_iter")
TEST = ("test_acc", "test_loss")
# What the README asks of the last validation accuracy of each part, and of the test accuracy of part 4.
LEAST = {"hist_part1": 0.35, "hist_part2": 0.4, "hist_part3": 0.4, "hist_part4": 0.65}


@pytest.mark.question("resnet")
def test_count(student):
    assert_count(student.ResNet(COURSE_STAGES), 1334170, "ResNet with the stages of resnet-34")


@pytest.mark.question("resnet")
@pytest.mark.parametrize("in_channels, size", [(3, (8, 8)), (2, (9, 6))], ids=["square", "not-square"])
def test_network(student, reference, rng, in_channels, size):
    theirs, ours = (side.ResNet(STAGES, in_channels=in_channels, num_classes=5) for side in (student, reference))
    assert_same_module(rng, theirs, ours, rng.normal(4, in_channels, *size), "ResNet")


@pytest.mark.question("resnet")
def test_classifier(student):
    model = modules.assert_module(student.ResNet(STAGES, num_classes=5), "ResNet")
    if tuple(fetch(model.fc.weight).shape) != (5, 6):
        raise CheckFailed("fc does not take the channels of the last stage to num_classes scores")


# Of the question that is answered last: ResNet has its own checks.
@pytest.mark.question("bottleneck-block")
def test_network_of_bottlenecks(student, reference, rng):
    theirs, ours = (side.ResNet(STAGES, block=side.ResidualBottleneck) for side in (student, reference))
    assert_same_module(rng, theirs, ours, rng.normal(2, 3, 8, 8), "ResNet with ResidualBottleneck")


@pytest.mark.question("training-history")
@pytest.mark.parametrize("part", LEAST)
def test_saved_history(student, part):
    history = history_of(student, part)
    curves = {name: numbers_of(history, part, name) for name in CURVES}
    if len(curves["train_acc"]) != len(curves["train_loss"]):
        raise CheckFailed(f"{part}: train_acc and train_loss have different lengths")
    if not len(curves["val_acc"]) == len(curves["val_loss"]) == len(curves["val_iter"]):
        raise CheckFailed(f"{part}: val_acc, val_loss and val_iter have different lengths")
    if curves["val_iter"] != sorted(set(curves["val_iter"])):
        raise CheckFailed(f"{part}: the steps in val_iter do not increase")
    if part != "hist_part4":
        assert_reached(curves["val_acc"][-1], part, "val_acc")


@pytest.mark.question("training-history")
def test_saved_test_accuracy(student):
    history = history_of(student, "hist_part4")
    curves = {name: numbers_of(history, "hist_part4", name) for name in TEST}
    assert_reached(curves["test_acc"][-1], "hist_part4", "test_acc")


def history_of(student, part):
    """One of the dicts in the file."""
    student.ResNet(STAGES)  # Histories of a network that is not there are nobody's.
    try:
        histories = artifact(student, FILE)
    except StudentError as error:
        if error.kind == "FileNotFoundError":
            raise CheckFailed(f"{FILE} is not there", "run the notebook: its last cells save it") from None
        raise
    if type(histories) is not dict or type(histories.get(part)) is not dict:
        raise CheckFailed(f"{FILE} does not hold a dict {part}", "save it as the notebook's last cells do")
    return histories[part]


def numbers_of(history, part, name):
    """One curve: finite numbers, accuracies between 0 and 1, the rest not negative."""
    values = history.get(name)
    values = [values] if type(values) in (int, float) else values
    values = values.tolist() if type(values) is torch.Tensor else values
    if type(values) not in (list, tuple) or not values or not all(type(value) in (int, float) for value in values):
        raise CheckFailed(f"{part}: {name} is not a list of numbers")
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise CheckFailed(f"{part}: {name} holds NaN, infinity or negative numbers", "did the training diverge?")
    if name.endswith("_acc") and max(values) > 1:
        raise CheckFailed(f"{part}: {name} holds accuracies above 1", "as a share, not in percent")
    return list(values)


def assert_reached(accuracy, part, name):
    if accuracy < LEAST[part]:
        message = f"{part}: the last {name} is {int(accuracy * 100)} %, wanted {LEAST[part] * 100:.0f} %"
        raise CheckFailed(message, "is it the training of the notebook, run with your present code?")
