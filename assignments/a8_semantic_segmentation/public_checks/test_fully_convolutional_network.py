"""Receptive fields, windows, loss, metrics by hand; the network's shapes; a short training."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, assert_kind, assert_matches, assert_pace, patient, place, unpack
from common.scenes import CLASSES, draw_scenes

TARGET = torch.tensor([[0, 0, 1], [2, 255, 1]])
PREDICTION = torch.tensor([[0, 1, 1], [2, 0, 0]])
CONFUSION = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]  # class 3 is absent


def assert_number(found, wanted, what):
    if isinstance(found, torch.Tensor) and found.numel() == 1:
        found = found.item()
    if not isinstance(found, (int, float)) or not abs(found - wanted) < 1e-6:
        raise CheckFailed(f"{what} is {found}, wanted {wanted:.4f}")


@pytest.mark.question("receptive-field")
@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_receptive_field_grows_linearly(student, count):
    """L layers of 3x3 see 1 + 2 L pixels."""
    found = tuple(student.receptive_field([(3, 1, 1)] * count))
    if found != (1 + 2 * count, 1):
        raise CheckFailed(f"{count} layers of 3x3 give {found}, wanted {(1 + 2 * count, 1)}")


@pytest.mark.question("receptive-field")
def test_receptive_field_with_strides(student):
    found = tuple(student.receptive_field([(3, 2, 1), (3, 2, 1), (3, 1, 2)]))
    if found != (23, 4):
        raise CheckFailed(f"the field is {found}, wanted (23, 4)", "a layer's own stride counts for later ones only")


def two_layers(rng):
    return [(rng.normal(4, 3, 3, 3), rng.normal(4) + 1), (rng.normal(2, 4, 3, 3), rng.normal(2))]


@pytest.mark.question("sliding-window")
def test_sliding_window(student, reference, rng):
    image, layers = rng.normal(3, 6, 7), two_layers(rng)
    assert_matches(student.sliding_window_scores(image, layers), reference.sliding_window_scores(image, layers))


@pytest.mark.question("fully-convolutional")
def test_whole_images_get_the_same_scores(student, reference, rng):
    images, layers = rng.normal(2, 3, 6, 7), two_layers(rng)
    expected = torch.stack([reference.sliding_window_scores(image, layers) for image in images])
    assert_matches(student.fully_convolutional_scores(images, layers), expected)


@pytest.mark.question("shared-features")
def test_features_are_shared(student, rng):
    """Beside the layers alone, on an image of the same size: windows one by one take hundreds of times as long."""
    images, w, b = rng.normal(1, 3, 48, 64), rng.normal(8, 3, 5, 5), rng.normal(8)
    images, w, b = (tensor.float() for tensor in (images, w, b))
    layers = [(place(student, w), place(student, b))]
    placed = place(student, images)
    assert_pace(
        lambda: student.fully_convolutional_scores(placed, layers),
        lambda: torch.nn.functional.conv2d(images, w, b),
        at_most=25.0,
        what="fully_convolutional_scores",
        against="one convolution",
        hint="run every layer once on all of the padded image",
    )


@pytest.mark.question("pixel-loss")
def test_loss_of_equal_scores(student):
    """Equal scores for all of C classes give log C."""
    loss, dscores = unpack(student.pixel_cross_entropy(torch.zeros(1, 5, 2, 3), TARGET[None]), "loss", "dscores")
    assert_matches(loss, torch.tensor(math.log(5)), what="the loss")
    if isinstance(dscores, torch.Tensor) and dscores.shape == (1, 5, 2, 3) and dscores[0, :, 1, 1].abs().max() > 0:
        raise CheckFailed("a pixel that does not count has a gradient")


@pytest.mark.question("pixel-loss")
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_loss(student, reference, rng, weighted):
    scores, target = rng.normal(2, 4, 3, 5), rng.integers(0, 4, (2, 3, 5))
    target[0, 1] = 255
    weight = rng.uniform(4, low=0.5, high=2.0) if weighted else None
    found = unpack(student.pixel_cross_entropy(scores, target, 255, weight), "loss", "dscores")
    expected = reference.pixel_cross_entropy(scores, target, 255, weight)
    for name, value, wanted in zip(("the loss", "dscores"), found, expected, strict=True):
        assert_matches(value, wanted, what=name)


@pytest.mark.question("segmentation-metrics")
def test_confusion_by_hand(student):
    expected = torch.tensor(CONFUSION)
    assert_matches(student.confusion_matrix(PREDICTION, TARGET, 4), expected, what="the confusion matrix")


@pytest.mark.question("segmentation-metrics")
def test_metrics_by_hand(student):
    """Two of three rows are a third and a half right; class 3 is neither there nor predicted."""
    confusion = torch.tensor(CONFUSION)
    assert_number(student.pixel_accuracy(confusion), 3 / 5, "the pixel accuracy")
    expected = torch.tensor([1 / 3, 1 / 3, 1, math.nan], dtype=torch.float64)
    assert_matches(student.class_iou(confusion), expected, what="the IoU of the classes")
    assert_number(student.mean_iou(confusion), 5 / 9, "the mean IoU")


@pytest.mark.question("segmentation-net")
@pytest.mark.parametrize("height, width", [(48, 64), (33, 47)], ids=["48x64", "33x47"])
def test_network_keeps_the_size(student, rng, height, width):
    model = student.SegmentationNet(6)
    model.eval()
    images = rng.normal(2, 3, height, width, dtype=torch.float32)
    assert_kind(model(images), (2, 6, height, width), torch.float32, what="the scores")


@pytest.mark.question("segmentation-training")
def test_training_lowers_the_loss(student):
    """80 steps on 64 small scenes."""
    scenes = draw_scenes(64, 90, height=32, width=48)
    X = torch.stack([torch.from_numpy(scene.image) for scene in scenes]).float() / 255 - 0.5
    y = torch.stack([torch.from_numpy(scene.labels) for scene in scenes]).long()
    data = {"X_train": X, "y_train": y, "X_val": X[:8], "y_val": y[:8]}
    made = unpack(student.create_segmentation_training(len(CLASSES), 80, "cpu"), "model", "optimizer", "schedule")
    history = patient(student, 60).train_segmentation(*made, data, 80)
    before, after = history["train_loss"][0], sum(history["train_loss"][-8:]) / 8
    if not after < 0.7 * before:
        message = f"80 steps bring the loss from {before:.2f} to {after:.2f}"
        raise CheckFailed(message, "it should fall to less than 0.7 of what it was")
