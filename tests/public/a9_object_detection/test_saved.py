"""The network that the notebook has saved, measured as in grading, with the same bars: asked once the file is there."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_reaches, load_artifact, modules, unpack
from common.scenes import THINGS, draw_scene

FILE, BARS = "localization_net.pt", {"where": 0.4, "what": 0.45}
SCENES, SEED, SIZE = 80, 91, (48, 64)


def drawn():
    """Scenes with one animal: images around 0, labels, boxes (x1, y1, x2, y2) as shares of width and height."""
    images, labels, boxes, index = [], [], [], 0
    while len(images) < SCENES:
        scene = draw_scene(SEED, index, height=SIZE[0], width=SIZE[1], things=(1, 1), near=(0.85, 1.0))
        index += 1
        if len(scene.things) == 1:
            images.append(torch.from_numpy(scene.image))
            labels.append(THINGS.index(scene.things[0].kind))
            boxes.append(scene.things[0].box)
    pixels = torch.stack(images).float() / 255 - 0.5
    return pixels, torch.tensor(labels), torch.tensor(boxes) / torch.tensor([SIZE[1], SIZE[0]] * 2)


def overlaps(one, other):
    """IoU of each box with the one beside it."""
    sides = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (one, other)]
    both = sides.prod(dim=1)
    return both / (areas[0] + areas[1] - both).clamp(min=1e-9)


@pytest.mark.question("localization-training")
@pytest.mark.saved(FILE)
@pytest.mark.parametrize("which", list(BARS))
def test_saved_network(student, which):
    """The saved network knows where the animal is, and which: mean IoU 0.40, 45 % of the classes right."""
    model, *_ = unpack(
        student.create_localization_training(len(THINGS), 10, "cpu"), "model", "optimizer", "schedule", "weight"
    )
    load_artifact(modules.assert_module(model), FILE)
    model.eval()
    images, labels, boxes = drawn()
    scores, found = unpack(model(images), "scores", "boxes")
    if not (torch.is_tensor(found) and found.shape == (SCENES, 4) and bool(found.isfinite().all())):
        raise CheckFailed("the network's boxes are not finite numbers, four for each image")
    hint = "save it after the notebook's training"
    if which == "what":
        right = float((scores.argmax(dim=1) == labels).float().mean())
        assert_reaches(right, BARS[which], f"the share of right classes of the network in {FILE}", hint=hint)
    else:
        centre, half = found[:, :2], found[:, 2:] / 2
        reached = float(overlaps(torch.cat([centre - half, centre + half], dim=1), boxes).mean())
        assert_reaches(reached, BARS[which], f"the mean IoU of the boxes of the network in {FILE}", hint=hint)
