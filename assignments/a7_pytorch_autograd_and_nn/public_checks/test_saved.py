"""The weights that the notebook has saved beside the histories, measured as in grading: asked once it is there."""

import pytest
import torch

from autograder.checks import CheckFailed, DataNeeded, accuracy, artifact, modules, scores_of, unpack
from common.shapes import draw_shapes

FILE = "pytorch_autograd_and_nn.pt"
CLASSES, IMAGES = 10, 400
ROOM = 0.1  # of 400 images, by chance
HYPERPARAMETERS = {"padding": [2, 1]}


def network(student, saved, part):
    """Your own network with the weights in the file."""
    weights = saved.get(f"weights_{part}")
    if weights is None:
        raise CheckFailed(f"{FILE} holds no weights of {part}", "save it as the notebook's last cells do")
    if part == "part1":
        return lambda images: student.three_layer_convnet(images, list(weights), HYPERPARAMETERS)
    if part == "part4":
        model = student.ResNet([tuple(stage) for stage in saved.get("stages_part4", ())])
    else:
        model, _ = unpack(getattr(student, f"initialize_three_layer_conv_{part}")(), "model", "optimizer")
    placed = modules.saved(weights, modules.assert_module(model), torch.zeros(2, 3, 32, 32), like=model)
    return lambda images: modules.run(model, images, weights=placed, training=False).output


@pytest.mark.question("training-history")
@pytest.mark.saved(FILE)
@pytest.mark.parametrize("part", ["part1", "part2", "part3", "part4"])
def test_saved_weights(student, part):
    """The weights do about as well on new images as the history says."""
    saved = artifact(student, FILE)
    name = "test_acc" if part == "part4" else "val_acc"
    if type(saved) is not dict or name not in saved.get(f"hist_{part}", ()):
        raise CheckFailed(f"{FILE} holds no {name} of {part}", "save it as the notebook's last cells do")
    claimed = torch.as_tensor(saved[f"hist_{part}"][name]).flatten()
    share = float(claimed[-1]) / (100 if claimed.max() > 1 else 1)
    call = network(student, saved, part)
    if saved.get("data") != "embedded shapes":
        raise DataNeeded(f"{FILE} says that it was trained on {saved.get('data')}: grading measures it on that")
    pixels, labels = draw_shapes(IMAGES, seed=3)
    images = pixels.float() / 255
    reached = accuracy(scores_of(call, images - images.mean(dim=(0, 2, 3), keepdim=True), CLASSES), labels)
    if reached < share - ROOM:
        message = f"{part}: the weights get {int(reached * 100)} % of new images right, and {name} says {share:.0%}"
        raise CheckFailed(message, "save history and weights after one and the same training")
