"""Alternative texts of figures: what they say, and that a notebook's figures get one."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from common import figures
from common.figures import alternative_text
from common.plots import show_convolution, show_max_pooling


@pytest.fixture(autouse=True)
def _closed(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def test_titles_axes_and_curves_are_named():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2], label="dog")
    left.plot([1, 2])
    left.set(title="Loss", xlabel="step")
    right.bar([0], [1])
    right.set(ylabel="count")
    assert alternative_text(figure) == "Loss: plot over step. Curves: dog. Plot of count."


def test_formulas_are_named_without_their_dollars():
    figure, axis = plt.subplots()
    axis.imshow([[1]])
    axis.set(title="$X^T X$")
    assert alternative_text(figure) == "X^T X: image."


def test_images_are_counted_and_their_titles_listed():
    figure, axes = plt.subplots(1, 3)
    for axis, title in zip(axes, ["cat", "dog", "cat"], strict=True):
        axis.imshow([[1]])
        axis.set_title(title)
    figure.suptitle("Pets")
    assert alternative_text(figure) == "Pets. 3 images: cat (2 times), dog."


def test_rows_and_columns_of_a_matrix_are_named():
    figure, axis = plt.subplots()
    axis.imshow([[1, 2]])
    axis.set_yticks([0], ["truth"])
    axis.text(0, 0, "57")
    assert alternative_text(figure) == "Image. Written on it: 57. Rows: truth."


def test_a_figure_may_say_it_itself():
    figure = plt.figure()
    figure.set_label("A cat.")
    assert alternative_text(figure) == "A cat."
    assert alternative_text(Figure()) == "An empty figure."


def test_the_pictures_of_layers_say_what_they_show():
    show_convolution(5, 3, [(1, 0), (2, 1)])
    text = alternative_text(plt.gcf())
    assert "with stride 1 and padding 0 the output has 3 x 3 entries" in text
    assert "with stride 2 and padding 1 the output has 3 x 3 entries" in text
    drawn = [found.get_text() for axis in plt.gcf().axes for found in axis.texts]
    assert drawn.count("0") == 7 * 7 - 5 * 5
    show_max_pooling(torch.tensor([[1.0, 2.0], [4.0, 3.0]]), 2, torch.tensor([[10.0]]))
    assert "2 x 2 windows" in alternative_text(plt.gcf())
    forward, backward = ([found.get_text() for found in axis.texts] for axis in plt.gcf().axes)
    assert forward[:5] == ["1", "2", "4", "3", "4"]
    assert backward[:5] == ["0", "0", "10", "0", "10"]


class _Shell(InteractiveShell):
    pass


@pytest.mark.parametrize("told", ["image", ("image", {"width": 3})])
def test_a_notebooks_figures_get_one(monkeypatch, told):
    """Also where matplotlib's backend says anew how a figure becomes a PNG, after the import of `common.plots`."""
    shell = _Shell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    formatter = shell.display_formatter.formatters["image/png"]
    formatter.for_type(Figure, lambda figure: told)
    for _ in range(2):
        figures.describe_figures()
    formatter.for_type(Figure, lambda figure: told)
    shell.events.trigger("pre_run_cell", None)
    image, about = formatter(Figure())
    assert image == "image"
    assert about["alt"] == "An empty figure."
    assert isinstance(told, str) or about["width"] == 3


def test_without_a_notebook_nothing_happens(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    figures.describe_figures()
