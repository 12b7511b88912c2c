"""The networks that the notebooks have saved, measured with the bars of grading: asked once a file is there."""

import pytest
import torch
from kit import to_images

from autograder.checks import CheckFailed, assert_reaches, load_artifact, modules
from common.captions import Vocabulary
from common.scenes import THINGS, draw_scenes

MASKS, CAPTIONS = "mask_rcnn.pt", "captions.pt"
SEED, BATCH, MAX_WORDS = 91, 10, 13
HINT = "save it after the notebook's training"


def drawn(count):
    """Batches of scenes that hold an animal each: images around 0, and the things in each."""
    scenes = draw_scenes(count, SEED, height=64, width=96, things=(1, 4))
    images = to_images(scenes)
    for first in range(0, count, BATCH):
        yield images[first : first + BATCH], [scene.things for scene in scenes[first : first + BATCH]]


def boxes_of(things):
    return torch.tensor([thing.box for thing in things], dtype=torch.float32)


def saved(student, file):
    model = modules.assert_module(student.build())
    load_artifact(model, file)
    model.eval()
    return model


@pytest.mark.question("mask-rcnn-learns")
@pytest.mark.saved(MASKS)
def test_saved_masks(student):
    """On the true boxes, the masks of the saved network have a mean IoU of 0.55."""
    model, overlaps = saved(student, MASKS), []
    for images, things in drawn(30):
        labels = [torch.tensor([THINGS.index(thing.kind) for thing in some]) for some in things]
        found = model.masks(
            images, [{"boxes": boxes_of(some), "labels": its} for some, its in zip(things, labels, strict=True)]
        )
        for masks, some in zip(found, things, strict=True):
            wanted = torch.stack([torch.from_numpy(thing.mask) for thing in some])
            if masks.shape != wanted.shape or masks.dtype is not torch.bool:
                raise CheckFailed("masks() does not return (D, H, W) bool for each image")
            both, either = ((masks & wanted).flatten(1).sum(dim=1), (masks | wanted).flatten(1).sum(dim=1))
            overlaps += (both / either.clamp(min=1)).tolist()
    reached = sum(overlaps) / len(overlaps)
    assert_reaches(reached, 0.55, f"the mean IoU of the masks of the network in {MASKS}", hint=HINT)


@pytest.mark.question("captions-learn")
@pytest.mark.saved(CAPTIONS)
def test_saved_captions(student):
    """On the true boxes, the captions of the saved network have a mean similarity of 0.72, by your own measure."""
    model, words, alike = saved(student, CAPTIONS), Vocabulary(), []
    for images, things in drawn(60):
        wanted = [words.encode(thing.caption, MAX_WORDS) for some in things for thing in some]
        found = model.describe(images, [boxes_of(some) for some in things])
        if found.dim() != 2 or len(found) != len(wanted) or found.dtype is not torch.int64:
            raise CheckFailed("describe does not return an int64 row for each box")
        alike += [student.caption_similarity(*pair) for pair in zip(found, wanted, strict=True)]
    reached = sum(alike) / len(alike)
    assert_reaches(reached, 0.72, f"the mean similarity of what the network in {CAPTIONS} says", hint=HINT)
