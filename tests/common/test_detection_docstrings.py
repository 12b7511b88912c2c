"""Assignment 9: its docstrings explain every argument, and their examples are true."""

from __future__ import annotations

import doctest
import inspect

import pytest

from tests.common.test_docstrings import documented_arguments

FILES = ("boxes", "evaluation", "localization", "rcnn")
# Trainings and networks have no example: what they make is drawn at random.
WITHOUT_EXAMPLE = {"create_localization_training", "create_rcnn_training", "train_localization", "train_rcnn"}
WITHOUT_EXAMPLE |= {"pixel_graph", "predict", "propose"}


@pytest.mark.parametrize("name", FILES)
def test_every_function_explains_its_arguments(a9, name):
    module = a9(name)
    functions = [getattr(module, public) for public in module.__all__ if inspect.isfunction(getattr(module, public))]
    assert functions
    for function in functions:
        text = inspect.getdoc(function) + "\n"
        if function.__name__ != "predict":
            assert sorted(documented_arguments(text)) == sorted(inspect.signature(function).parameters), function
        assert "Returns:" in text
        assert doctest.DocTestParser().get_examples(text) or function.__name__ in WITHOUT_EXAMPLE


@pytest.mark.parametrize("name", FILES)
def test_examples_are_true(a9, name):
    assert doctest.testmod(a9(name)).failed == 0
