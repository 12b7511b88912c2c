"""The network that the notebook has saved, measured as in grading, with the same bar: asked once the file is there."""

import pytest
import torch

from autograder.checks import assert_kind, assert_reaches, load_artifact, modules
from common.scenes import CLASSES, draw_scenes

FILE, BAR = "segmentation_net.pt", 0.5
SCENES, SEED = 40, 91


@pytest.mark.question("segmentation-training")
@pytest.mark.saved(FILE)
def test_saved_network(student):
    """The saved network has a mean IoU of 50 % on new scenes."""
    model = modules.assert_module(student.SegmentationNet(len(CLASSES)))
    load_artifact(model, FILE)
    model.eval()
    scenes = draw_scenes(SCENES, SEED, height=96, width=128)
    X = torch.stack([torch.from_numpy(scene.image) for scene in scenes]).float() / 255
    y = torch.stack([torch.from_numpy(scene.labels) for scene in scenes]).long()
    counts = torch.zeros(len(CLASSES), len(CLASSES))
    for images, labels in zip((X - X.mean(dim=(0, 2, 3), keepdim=True)).split(10), y.split(10), strict=True):
        scores = model(images)
        assert_kind(scores, (len(images), len(CLASSES), 96, 128), torch.float32, what="the scores")
        seen = labels != 255
        pairs = labels[seen] * len(CLASSES) + scores.argmax(dim=1)[seen]
        counts += torch.bincount(pairs, minlength=counts.numel()).reshape(counts.shape)
    right = counts.diag()
    reached = float((right / (counts.sum(0) + counts.sum(1) - right)).nanmean())
    hint = "run the notebook's training to its end, and hand in the file that it writes"
    assert_reaches(reached, BAR, f"the mean IoU of the network in {FILE}", hint=hint)
