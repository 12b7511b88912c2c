"""R-CNN: where to look, what the network sees and should answer, what is made of its answers, and its training."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, artifact, assert_matches, modules, unpack

# Three flat colours in 6 x 8 pixels.
FLAT = torch.tensor([[0.0] * 5 + [1.0] * 3] * 4 + [[0.5] * 8] * 2, dtype=torch.float64).expand(3, 6, 8)
COMPONENTS = torch.tensor([[0] * 5 + [1] * 3] * 4 + [[2] * 8] * 2)


@pytest.mark.question("sliding-boxes")
def test_positions(student):
    """A box of height 2 and width 3 in 4 x 5 pixels has nine positions: (5 - 3 + 1)(4 - 2 + 1)."""
    wanted = [[x, y, x + 3, y + 2] for y in range(3) for x in range(3)]
    assert_matches(
        student.sliding_boxes((4, 5), (2, 3), 1), torch.tensor(wanted, dtype=torch.float32), what="the boxes"
    )


@pytest.mark.question("sliding-boxes")
def test_stride(student, reference):
    """Every third position; a box that is too large."""
    for case in (((9, 14), (4, 2), 3), ((9, 14), (10, 2), 3)):
        assert_matches(student.sliding_boxes(*case), reference.sliding_boxes(*case), what="the boxes")


@pytest.mark.question("graph-segmentation")
def test_flat_colours(student):
    """Three flat colours are three components, numbered in reading order."""
    assert_matches(student.graph_segmentation(FLAT, scale=0.01, min_size=1), COMPONENTS, what="the labels")


@pytest.mark.question("graph-segmentation")
@pytest.mark.parametrize("scale, min_size", [(0.5, 1), (0.1, 8)], ids=["first-pass", "second-pass"])
def test_noise(student, reference, rng, scale, min_size):
    """A noisy image, with and without the second pass."""
    image = (FLAT + rng.normal(3, 6, 8, scale=0.05)).clamp(0.0, 1.0)
    wanted = reference.graph_segmentation(image, scale, min_size)
    assert_matches(student.graph_segmentation(image, scale, min_size), wanted, what="the labels")


@pytest.mark.question("selective-search")
def test_two_squares(student):
    """A dark square and a less dark one in a bright image: first each region, then the two squares, then everything."""
    image, labels = torch.full((3, 8, 12), 0.9, dtype=torch.float64), torch.zeros(8, 12, dtype=torch.int64)
    image[:, 2:5, 2:5], labels[2:5, 2:5] = 0.1, 1
    image[:, 2:5, 5:8], labels[2:5, 5:8] = 0.11, 2
    wanted = [[0, 0, 12, 8], [2, 2, 5, 5], [5, 2, 8, 5], [2, 2, 8, 5]]
    found = student.selective_search(image, labels, min_side=3)
    assert_matches(found, torch.tensor(wanted, dtype=torch.float32), what="the proposals")


@pytest.mark.question("selective-search")
def test_quilt(student, reference, rng):
    """Twelve squares of noise."""
    labels = torch.arange(12).reshape(3, 4).repeat_interleave(4, dim=0).repeat_interleave(4, dim=1)
    image = rng.uniform(3, 12, 16)
    wanted = reference.selective_search(image, labels)
    assert_matches(student.selective_search(image, labels), wanted, what="the proposals")


@pytest.mark.question("warp-crops")
def test_identity(student, rng):
    """The box of the whole image, at its own size, is the image; no boxes give no crops."""
    image = rng.normal(2, 6, 6)
    whole = torch.tensor([[0.0, 0.0, 6.0, 6.0]], dtype=torch.float64)
    assert_matches(student.warp_crops(image, whole, 6), image[None], what="the crop")
    assert_matches(student.warp_crops(image, whole[:0], 5), image.new_zeros(0, 2, 5, 5), what="the crops of nothing")


@pytest.mark.question("warp-crops")
@pytest.mark.parametrize("context", [0.0, 0.2])
def test_crops(student, reference, rng, context):
    """Boxes at random, a part of them outside of the image."""
    image, boxes = rng.normal(3, 9, 14), rng.boxes(4, 9, 14) + 2.0
    wanted = reference.warp_crops(image, boxes, 5, context=context)
    assert_matches(student.warp_crops(image, boxes, 5, context=context), wanted, what="the crops")


@pytest.mark.question("region-targets")
@pytest.mark.parametrize("part", ["classes", "transforms"])
def test_three_proposals(student, part):
    """One proposal beside its truth, one at IoU exactly 0.5, one that is background."""
    proposals = torch.tensor([[0.0, 0, 4, 2], [10, 10, 12, 14], [30, 0, 34, 2]], dtype=torch.float64)
    truths = torch.tensor([[1.0, 0, 5, 2], [10, 10, 12, 12]], dtype=torch.float64)
    found = unpack(student.region_targets(proposals, truths, torch.tensor([2, 0])), "classes", "transforms")
    transforms = [[0.25, 0.0, 0.0, 0.0], [0.0, -0.25, 0.0, math.log(0.5)], [0.0] * 4]
    if part == "classes":
        assert_matches(found[0], torch.tensor([3, 1, 0]), what=part)
    else:
        assert_matches(found[1], torch.tensor(transforms, dtype=torch.float64), what=part)


@pytest.mark.question("detect")
@pytest.mark.parametrize("part", ["boxes", "scores", "labels"])
def test_one_detection(student, part):
    """The lecture's transform once more: one proposal moves and is clipped; another is background."""
    scores = torch.tensor([[0.0, 0.0, math.log(6)], [9.0, 0.0, 0.0]], dtype=torch.float64)
    transforms = torch.tensor([[0.5, -0.25, math.log(2), math.log(0.5)], [0.0] * 4], dtype=torch.float64)
    proposals = torch.tensor([[10.0, 20.0, 30.0, 60.0], [0.0, 0.0, 5.0, 5.0]], dtype=torch.float64)
    found = student.detect(scores, transforms, proposals, (80, 45), score_threshold=0.2)
    wanted = {"boxes": [[10.0, 20.0, 45.0, 40.0]], "scores": [0.75]}
    if type(found) is not dict or part not in found:
        raise CheckFailed('detect does not return a dict of "boxes", "scores" and "labels"')
    expected = torch.tensor([1]) if part == "labels" else torch.tensor(wanted[part], dtype=torch.float64)
    assert_matches(found[part], expected, what=part)


@pytest.mark.question("rcnn-training")
def test_setup(student):
    """A model and an optimizer that holds its parameters, a schedule or None."""
    model, optimizer, _ = unpack(student.create_rcnn_training(3, 10, "cpu"), "model", "optimizer", "schedule")
    facts = modules.optimizer(optimizer, modules.assert_module(model))
    held = {index for group in facts.groups for index in group.parameters}
    if any(tensor.index not in held for tensor in modules.describe(model).parameters):
        raise CheckFailed("the optimizer does not hold all parameters of the model", "give it model.parameters()")


@pytest.mark.question("rcnn-training")
def test_saved(student):
    """The notebook has saved a trained network."""
    student.create_rcnn_training(3, 10, "cpu")
    if type(artifact(student, "rcnn.pt")) not in (dict,):
        raise CheckFailed("rcnn.pt does not hold a state_dict", "run the notebook's last cells")
