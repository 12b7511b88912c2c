"""Panoptic segmentation: the semantic branch, merging, and panoptic quality."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, modules, plain_tensor, unpack


@pytest.mark.question("semantic-branch")
def test_shape(student, rng):
    """Three levels, the finest of stride 4, become scores for every pixel."""
    model = modules.assert_module(student.SemanticBranch(6, 5, 4, 3, 4), "SemanticBranch()")
    maps = [rng.normal(2, 6, 8 // 2**level, 12 // 2**level, dtype=torch.float32) for level in range(3)]
    found = plain_tensor(model(maps), "the scores")
    if found.shape != (2, 4, 32, 48):
        raise CheckFailed(f"the scores have shape {tuple(found.shape)}, wanted (2, 4, 32, 48)")


@pytest.mark.question("panoptic-merge")
@pytest.mark.parametrize("part", ["segments", "segment_classes"])
def test_merging(student, part):
    """The better of two things keeps what both want; grass comes after them, and too little sky is void."""
    masks = torch.zeros(2, 3, 6, dtype=torch.bool)
    masks[0, 1:, :3], masks[1, 1:, 2:5] = True, True
    semantic = torch.tensor([[0, 0, 1, 1, 1, 1], [5, 5, 5, 5, 5, 1], [5, 5, 5, 5, 5, 1]])
    names = ("segments", "segment_classes")
    arguments = (masks, torch.tensor([3, 5]), torch.tensor([0.6, 0.9]), semantic, 3)
    found = unpack(student.merge_panoptic(*arguments, stuff_area=3), *names)
    segments = torch.tensor([[0, 0, 3, 3, 3, 3], [2, 2, 1, 1, 1, 3], [2, 2, 1, 1, 1, 3]])
    wanted = {"segments": segments, "segment_classes": torch.tensor([5, 3, 1])}
    assert_matches(found[names.index(part)], wanted[part], what=part)


@pytest.mark.question("panoptic-quality")
def test_quality(student):
    """One match of IoU 2/3, one false positive, one false negative: PQ 1/3, SQ 2/3, RQ 1/2. Then a class of nothing."""
    iou = torch.tensor([2 / 3, 0.0], dtype=torch.float64)
    counts = torch.tensor([1, 0])
    found = unpack(student.panoptic_quality(iou, counts, counts, counts), "pq", "sq", "rq")
    for part, name, value in zip(found, ("pq", "sq", "rq"), (1 / 3, 2 / 3, 1 / 2), strict=True):
        assert_matches(part, torch.tensor([value, math.nan], dtype=torch.float64), what=name)


@pytest.mark.question("panoptic-quality")
def test_counts(student):
    """A match of IoU 2/3; an IoU of exactly 1/2 is none."""
    segments, truth = torch.tensor([[1, 1, 2, 2]]), torch.tensor([[1, 1, 1, 2]])
    classes = torch.tensor([0, 1])
    names = ("iou", "tp", "fp", "fn")
    found = unpack(student.panoptic_counts(segments, classes, truth, classes, 2), *names)
    wanted = (torch.tensor([2 / 3, 0.0], dtype=torch.float64), *(torch.tensor(row) for row in ([1, 0], [0, 1], [0, 1])))
    for part, name, value in zip(found, names, wanted, strict=True):
        assert_matches(part, value, what=name)
