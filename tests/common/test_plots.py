"""The notebooks' pictures show what they are given."""

from __future__ import annotations

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from common import visualize_dataset
from common.plots import plot_histories, show_filters, show_images


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
