"""Mask R-CNN: targets of masks, the head, its loss, pasting, average precision, and how they come together."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, artifact, assert_matches, assert_pace, modules, place, plain_tensor


def half_set():
    """One mask of 4 x 4 pixels, whose left half is set."""
    masks = torch.zeros(1, 4, 4, dtype=torch.bool)
    masks[:, :, :2] = True
    return masks


@pytest.mark.question("mask-targets")
@pytest.mark.parametrize(
    "box, row", [((0, 0, 4, 4), [1, 0]), ((1, 0, 4, 4), [1, 0, 0])], ids=["whole-mask", "a-part-of-it"]
)
def test_targets(student, box, row):
    """The left half of a mask, seen through a box."""
    found = student.mask_targets(half_set(), torch.tensor([box]).float(), torch.tensor([0]), len(row))
    assert_matches(found, torch.tensor([[row] * len(row)]).float(), what="the targets")


@pytest.mark.question("mask-head")
@pytest.mark.parametrize("regions", [3, 0], ids=["regions", "no-regions"])
def test_head(student, rng, regions):
    """(R, C, P, P) to (R, classes, 2P, 2P)."""
    head = modules.assert_module(student.MaskHead(6, 8, 2, 3), "MaskHead()")
    found = plain_tensor(head(rng.normal(regions, 6, 7, 7, dtype=torch.float32)), "the scores")
    if found.shape != (regions, 3, 14, 14):
        raise CheckFailed(f"the scores have shape {tuple(found.shape)}, wanted {(regions, 3, 14, 14)}")


@pytest.mark.question("mask-loss")
def test_loss(student):
    """Scores of 0 cost log 2, whatever other labels' channels say."""
    scores = torch.full((2, 3, 2, 2), 50.0)
    scores[0, 2], scores[1, 0] = 0.0, 0.0
    found = student.mask_loss(scores, torch.ones(2, 2, 2), torch.tensor([2, 0]))
    assert_matches(found, torch.tensor(math.log(2)), what="the loss")


@pytest.mark.question("mask-loss")
def test_no_regions(student):
    """No regions: 0."""
    found = student.mask_loss(torch.zeros(0, 3, 4, 4), torch.zeros(0, 4, 4), torch.zeros(0, dtype=torch.int64))
    assert_matches(found, torch.tensor(0.0), what="the loss")


@pytest.mark.question("paste-masks")
def test_pasting(student):
    """A grid of two columns in a box of four pixels: the left two are set."""
    grid = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    wanted = torch.zeros(1, 3, 6, dtype=torch.bool)
    wanted[0, 1:, 1:3] = True
    assert_matches(student.paste_masks(grid, torch.tensor([[1.0, 1.0, 5.0, 3.0]]), 3, 6), wanted, what="the mask")


@pytest.mark.question("paste-masks")
def test_pasting_targets(student, reference):
    """The targets of a disc, pasted, are the disc again, up to its rim."""
    y, x = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(60) + 0.5, indexing="ij")
    disc = ((x - 31) ** 2 + (y - 18) ** 2 <= 12**2)[None]
    box = torch.tensor([[19.0, 6.0, 43.0, 30.0]])
    targets = reference.mask_targets(disc, box, torch.tensor([0]), 28)
    found = plain_tensor(student.paste_masks(targets, box, 40, 60), "the mask")
    if found.shape != disc.shape or found.dtype is not torch.bool:
        raise CheckFailed(f"the mask is a {found.dtype} of shape {tuple(found.shape)}, wanted a bool of (1, 40, 60)")
    iou = float((found & disc).sum() / (found | disc).sum())
    if iou < 0.97:
        raise CheckFailed(f"the IoU with the disc is {iou:.2f}, wanted 0.97", "is a pixel's centre at j + 0.5?")


@pytest.mark.question("mask-ap")
def test_iou(student):
    """Two pixels of three in common, and all of them."""
    a = torch.tensor([[[True, True, False]]])
    b = torch.tensor([[[False, True, True]], [[True, True, False]], [[False, False, False]]])
    assert_matches(student.mask_iou(a, b), torch.tensor([[1 / 3, 1.0, 0.0]], dtype=torch.float64), what="the IoUs")


@pytest.mark.question("mask-ap")
def test_average_precision(student):
    """One truth found, its double is false; a label without truth has NaN."""
    masks = torch.zeros(2, 4, 5, dtype=torch.bool)
    masks[0, :, :2], masks[1, :, 3:] = True, True
    truth = {"masks": masks, "labels": torch.tensor([0, 0])}
    found = {"masks": masks[[0, 0]], "scores": torch.tensor([0.8, 0.9]), "labels": torch.tensor([0, 0])}
    wanted = torch.tensor([51 / 101, math.nan], dtype=torch.float64)
    assert_matches(student.mask_average_precision([found], [truth], 2), wanted, what="the average precisions")


@pytest.mark.question("mask-rcnn")
@pytest.mark.parametrize("boxes", [1, 0], ids=["one-object", "no-objects"])
def test_losses(student, rng, boxes):
    """Five losses, finite, also of an image without objects."""
    model = modules.assert_module(student.build(), "build()")
    target = {
        "boxes": torch.tensor([[8.0, 8.0, 40.0, 28.0]])[:boxes],
        "labels": torch.tensor([1])[:boxes],
        "masks": torch.ones(1, 32, 48, dtype=torch.bool)[:boxes],
    }
    images = rng.normal(1, 3, 32, 48, dtype=torch.float32)
    found = model(images, [target], rng.uniform(1, 216).float(), rng.uniform(1, 64).float())
    losses = plain_tensor(found, "the losses")
    if losses.shape != (5,) or not bool(losses.isfinite().all()):
        raise CheckFailed("forward does not return five finite losses in one tensor")


@pytest.mark.question("mask-rcnn-learns")
def test_saved(student):
    """The notebook has saved a trained network."""
    student.build()
    if type(artifact(student, "mask_rcnn.pt")) not in (dict,):
        raise CheckFailed("mask_rcnn.pt does not hold a state_dict", "run the notebook's last cells")


@pytest.mark.question("mask-speed")
def test_pace(student, rng):
    """24 masks take not hundreds of times as long as one small one."""
    grids, boxes = place(student, rng.uniform(24, 28, 28).float()), place(student, rng.boxes(24, 96, 128).float())
    one, box = place(student, rng.uniform(1, 4, 4).float()), place(student, rng.boxes(1, 4, 4).float())
    assert_pace(
        lambda: student.paste_masks(grids, boxes, 96, 128),
        lambda: student.paste_masks(one, box, 4, 4),
        at_most=300.0,
        what="paste_masks of 24 masks",
        against="paste_masks of one mask into an image of 4 x 4 pixels",
        hint="compute u of all columns and v of all rows at once; grid_sample reads all pixels",
    )
