"""How well a saved network detects: scenes that are drawn, and the average precision on them, as in grading."""

import torch
from evaluation import average_precisions, mean_average_precision

from autograder.checks import CheckFailed, assert_reaches, load_artifact, modules
from common.scenes import THINGS, draw_scenes

COUNT, SEED = 30, 91


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
    return mean_average_precision(average_precisions(found, [truth(scene) for scene in scenes], len(THINGS), [0.5]))


def truth(scene):
    """The boxes and labels of a scene's things."""
    boxes = torch.tensor([thing.box for thing in scene.things], dtype=torch.float32).reshape(-1, 4)
    return {"boxes": boxes, "labels": torch.tensor([THINGS.index(thing.kind) for thing in scene.things]).long()}
