"""What students read before they write: each exercise says what it takes, what it gives, and shows one example."""

from __future__ import annotations

import doctest
import inspect
import re

import pytest

EXERCISES = {
    "a6": [
        "Conv.forward",
        "Conv.backward",
        "MaxPool.forward",
        "MaxPool.backward",
        "ThreeLayerConvNet.__init__",
        "ThreeLayerConvNet.loss",
        "DeepConvNet.__init__",
        "DeepConvNet.loss",
        "find_overfit_parameters",
        "kaiming_initializer",
        "create_convolutional_solver_instance",
    ],
    "a7": [
        "three_layer_convnet",
        "initialize_three_layer_conv_part1",
        "ThreeLayerConvNet.__init__",
        "ThreeLayerConvNet.forward",
        "initialize_three_layer_conv_part2",
        "initialize_three_layer_conv_part3",
        "PlainBlock.__init__",
        "ResidualBlock.__init__",
        "ResNet.__init__",
        "ResidualBottleneck.__init__",
    ],
    "a8": [
        "bed_of_nails",
        "bed_of_nails_backward",
        "nearest",
        "nearest_backward",
        "bilinear",
        "bilinear_backward",
        "bicubic",
        "bicubic_backward",
        "max_pool",
        "max_pool_backward",
        "max_unpool",
        "max_unpool_backward",
        "transposed_convolution_1d",
        "convolution_matrix",
        "convolve_by_matrix",
        "transposed_by_matrix",
        "transposed_convolution",
        "transposed_convolution_backward",
        "as_plain_convolution",
        "receptive_field",
        "sliding_window_scores",
        "fully_convolutional_scores",
        "pixel_cross_entropy",
        "confusion_matrix",
        "pixel_accuracy",
        "class_iou",
        "mean_iou",
        "SegmentationNet.__init__",
        "SegmentationNet.forward",
        "create_segmentation_training",
    ],
}


def documented_arguments(text):
    """Names that the Args section explains: its lines `name:` or `name, name:` at the first indentation."""
    section = re.search(r"^Args:\n((?:(?: .*)?\n)*)", text, re.MULTILINE)
    if section is None:
        return []
    entries = re.findall(r"^    (\w+(?:, \w+)*):", section[1], re.MULTILINE)
    return [name for entry in entries for name in entry.split(", ")]


@pytest.mark.parametrize("assignment, name", [(a, name) for a, names in EXERCISES.items() for name in names])
def test_an_exercise_explains_itself(request, assignment, name):
    function = request.getfixturevalue(assignment)
    for part in name.split("."):
        function = getattr(function, part)
    text = inspect.getdoc(function) + "\n"
    arguments = [argument for argument in inspect.signature(function).parameters if argument != "self"]
    assert sorted(documented_arguments(text)) == sorted(arguments)
    assert doctest.DocTestParser().get_examples(text)
    assert re.match(r"[A-Z].*\.\n", text)
    assert "Returns:" in text or name.endswith("__init__")
