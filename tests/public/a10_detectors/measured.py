"""How well a saved network detects: scenes that are drawn, and the average precision on them, as in grading."""

from evaluation import average_precisions, mean_average_precision
from kit import detect_all, to_images, to_targets

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
    found = detect_all(model, to_images(scenes), 10)
    if len(found) != COUNT or not all(set(each) == {"boxes", "scores", "labels"} for each in found):
        raise CheckFailed("detect does not return a dict of boxes, scores and labels for each image")
    return mean_average_precision(average_precisions(found, to_targets(scenes), len(THINGS), [0.5]))
