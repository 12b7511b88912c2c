"""How well a saved network detects: scenes that are drawn, and the average precision on them, as in grading."""

import torch

from autograder.checks import CheckFailed, assert_reaches, load_artifact, modules
from common.scenes import THINGS, draw_scenes

COUNT, SEED = 30, 91
LEVELS = torch.arange(101, dtype=torch.float64) / 100 - 1e-9  # of recall


def assert_detects(student, file, height, width, bar):
    """Fail unless the network that is saved in a file reaches the bar in scenes of this size."""
    model = modules.assert_module(student.build())
    load_artifact(model, file)
    reached = average_precision(model, height, width)
    hint = "save it after the notebook's training"
    assert_reaches(reached, bar, f"the average precision of the network in {file}", hint=hint)


def average_precision(model, height, width):
    """The mean over labels of the average precision at IoU 0.5 of what a network detects in 30 scenes."""
    scenes = draw_scenes(COUNT, SEED, height=height, width=width)
    images = torch.stack([torch.from_numpy(scene.image) for scene in scenes]).float() / 255 - 0.5
    found = [each for batch in images.split(10) for each in model.detect(batch)]
    if len(found) != COUNT or not all(set(each) == {"boxes", "scores", "labels"} for each in found):
        raise CheckFailed("detect does not return a dict of boxes, scores and labels for each image")
    return sum(precision_of(label, found, scenes) for label in range(len(THINGS))) / len(THINGS)


def precision_of(label, found, scenes):
    """The average precision of one label: the best precision from each of 101 recalls on."""
    hits, count = [], 0
    for each, scene in zip(found, scenes, strict=True):
        mine = each["labels"] == label
        boxes, scores = each["boxes"][mine].double(), each["scores"][mine]
        truths = [thing.box for thing in scene.things if thing.kind == THINGS[label]]
        free = overlaps(boxes, torch.tensor(truths, dtype=torch.float64).reshape(-1, 4))
        count += len(truths)
        for index in scores.argsort(descending=True).tolist():
            best = int(free[index].argmax()) if truths else 0
            hit = bool(truths) and float(free[index, best]) >= 0.5
            if hit:
                free[:, best] = -1.0  # a truth is found once
            hits.append((float(scores[index]), hit))
    if not count or not hits:
        return 0.0
    right = torch.tensor([hit for _, hit in sorted(hits, reverse=True)]).double().cumsum(dim=0)
    precision, recall = right / torch.arange(1, len(right) + 1), right / count
    reached = torch.where(recall >= LEVELS[:, None], precision, 0.0)
    return float(reached.amax(dim=1).mean())


def overlaps(one, other):
    """(N, M) IoUs of two lists of boxes."""
    sides = (torch.minimum(one[:, None, 2:], other[:, 2:]) - torch.maximum(one[:, None, :2], other[:, :2])).clamp(min=0)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (one, other)]
    both = sides.prod(dim=2)
    return both / (areas[0][:, None] + areas[1] - both).clamp(min=1e-9)
