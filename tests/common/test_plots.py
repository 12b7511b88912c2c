"""The notebooks' pictures show what they are given."""

from __future__ import annotations

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from common import visualize_dataset
from common.plots import (
    class_colours,
    plot_curves,
    plot_histories,
    plot_training,
    show_boxes,
    show_filters,
    show_images,
    show_segmentation,
)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)


def test_data_set_has_a_row_for_each_class():
    X = torch.zeros(5, 3, 4, 6, dtype=torch.uint8)
    X[:, 0] = torch.tensor([10, 20, 30, 40, 50])[:, None, None]
    visualize_dataset(X, torch.tensor([1, 0, 1, 1, 0]), 2, ["a", "b"])
    (axis,) = plt.gcf().axes
    sheet = axis.images[0].get_array()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert sheet.shape == (2 * 6, 2 * 8, 3)
    assert [[int(sheet[row, column, 0]) for column in (0, 8)] for row in (0, 6)] == [[20, 50], [10, 30]]


def test_a_class_without_images_is_an_empty_row():
    visualize_dataset(torch.zeros(1, 3, 4, 4), torch.tensor([0]), 3, ["a", "b"])
    assert (plt.gcf().axes[0].images[0].get_array()[6:] == 255).all()


def test_images_stand_side_by_side_each_in_its_own_range():
    show_images([torch.tensor([[-5.0, 5.0]]), torch.full((3, 2, 2), 7.0)], ["grey", "flat"])
    first, second = plt.gcf().axes
    assert first.get_title() == "grey"
    assert first.images[0].get_array().tolist() == [[0, 1]]
    assert not second.images[0].get_array().any()


def test_filters_fill_a_grid():
    show_filters(torch.randn(5, 3, 3, 2), columns=3)
    assert [len(axis.images) for axis in plt.gcf().axes] == [1, 1, 1, 1, 1, 0]


def test_histories_are_curves_with_names():
    class Trained:
        loss_history, train_acc_history, val_acc_history = [3.0, 2.0], [0.1, 0.2, 0.3], [0.1, 0.15, 0.2]

    plot_histories({"one": Trained(), "two": Trained()})
    loss, train, validation = plt.gcf().axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["one", "two"]
    assert loss.lines[0].get_ydata().tolist() == [3.0, 2.0]
    assert (len(train.lines), validation.lines[1].get_ydata().tolist()) == (2, [0.1, 0.15, 0.2])


def test_training_curves_are_running_means_that_end_at_the_last_step():
    history = {
        "train_loss": [3.0, 1.0, 2.0, 4.0],
        "train_acc": [0.0, 1.0, 0.5, 0.5],
        "val_acc": [0.2, 0.4],
        "val_loss": [2.0, 1.5],
        "val_iter": [2, 4],
    }
    plot_training({"one": history, "two": history}, window=3)
    loss, train, validation = plt.gcf().axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["one", "two"]
    assert loss.lines[0].get_xdata().tolist() == [3, 4]
    assert loss.lines[0].get_ydata().tolist() == pytest.approx([2.0, 7 / 3])
    assert train.lines[1].get_ydata().tolist() == pytest.approx([0.5, 2 / 3])
    assert (validation.lines[0].get_xdata().tolist(), validation.lines[0].get_ydata().tolist()) == ([2, 4], [0.2, 0.4])


def test_a_short_history_is_one_mean():
    plot_training({"one": {"train_loss": [3.0, 1.0], "train_acc": [0.0, 1.0], "val_acc": [], "val_iter": []}})
    assert plt.gcf().axes[0].lines[0].get_ydata().tolist() == [2.0]


def test_segmentation_has_a_colour_for_each_class_and_white_for_ignored_pixels():
    labels = torch.tensor([[[0, 1], [255, 1]]])
    show_segmentation(torch.zeros(1, 3, 2, 2), {"truth": labels, "guess": labels * 0}, ["sky", "grass"])
    figure = plt.gcf()
    image, truth, guess = figure.axes
    shown = truth.images[0].get_array()
    assert image.images[0].get_array().shape == (2, 2, 3)
    assert shown[1, 0].tolist() == [1, 1, 1]
    assert shown[0, 0].tolist() != shown[0, 1].tolist()
    assert (guess.images[0].get_array() == shown[0, 0]).all()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sky", "grass", "ignored"]
    assert [axis.get_ylabel() for axis in (truth, guess)] == ["truth", "guess"]


def test_many_classes_have_colours_of_their_own():
    assert len({tuple(colour) for colour in class_colours(21)}) == 21


def test_boxes_lie_on_edges_of_pixels():
    boxes = torch.tensor([[1.0, 0.0, 3.0, 2.0], [0.0, 1.0, 1.0, 2.0]])
    show_boxes(torch.zeros(3, 4, 6), boxes, ["cat", "dog"], torch.tensor([0.5, 0.25]))
    (axis,) = plt.gcf().axes
    assert axis.images[0].get_extent() == [0, 6, 4, 0]
    assert [patch.get_bbox().bounds for patch in axis.patches] == [(1, 0, 2, 2), (0, 1, 1, 1)]
    assert [text.get_text() for text in axis.texts] == ["cat 0.50", "dog 0.25"]


def test_boxes_without_scores_on_an_axis_of_ones_own():
    _, axes = plt.subplots(1, 2)
    show_boxes(torch.zeros(3, 4, 6, dtype=torch.uint8), torch.zeros(0, 4), torch.zeros(0), axis=axes[1], title="none")
    assert (len(axes[1].patches), axes[1].get_title(), len(axes[0].images)) == (0, "none", 0)


def test_precision_over_recall():
    plot_curves(torch.tensor([1.0, 0.5]), torch.tensor([0.5, 0.5]))
    (axis,) = plt.gcf().axes
    assert axis.lines[0].get_xdata().tolist() == [0, 0.5, 0.5]
    assert axis.lines[0].get_ydata().tolist() == [1, 1, 0.5]
    assert len(axis.collections) == 1
    plot_curves({"a": [1.0], "b": []}, {"a": [1.0], "b": []})
    (axis,) = plt.gcf().axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]
