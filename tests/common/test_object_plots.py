"""Pictures of masks, segments, meshes and proposals show what they are given, in coordinates of boxes."""

from __future__ import annotations

import matplotlib
import pytest
import torch

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from common.plots import class_colours, show_masks, show_mesh, show_proposals, show_segments

IMAGE = torch.zeros(3, 4, 6, dtype=torch.uint8)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def test_every_mask_has_a_layer_and_its_label():
    masks = torch.zeros(3, 4, 6, dtype=torch.bool)
    masks[0, 1, 2:4] = True
    masks[1, 3, 5] = True
    show_masks(IMAGE, masks, ["cat", "dog", "nothing"], torch.tensor([0.5, 0.25, 0.1]), title="three")
    (axis,) = plt.gcf().axes
    below, first, second, _ = axis.images
    assert below.get_extent() == [0, 6, 4, 0]
    assert (first.get_array()[..., 3] > 0).tolist() == masks[0].tolist()
    assert (second.get_array()[..., 3] > 0).tolist() == masks[1].tolist()
    assert [text.get_text() for text in axis.texts] == ["cat 0.50", "dog 0.25"]
    assert (axis.get_xlim(), axis.get_ylim(), axis.get_title()) == ((0, 6), (4, 0), "three")


def test_segments_of_a_class_differ_and_void_is_white():
    segments = torch.tensor([[0, 1], [2, 3]])
    show_segments(segments, torch.tensor([1, 0, 1]), ["sky", "cat"])
    (axis,) = plt.gcf().axes
    pixels = axis.images[0].get_array()
    wanted = (class_colours(2) * 255).astype("uint8")
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 1].tolist() == wanted[1].tolist()
    assert pixels[1, 0].tolist() == wanted[0].tolist()
    assert (pixels[1, 1] < pixels[0, 1]).all()
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["sky", "cat"]


@pytest.mark.parametrize("faces", [[[0, 1, 2], [0, 2, 3]], []])
def test_a_mesh_has_its_faces(faces):
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1]])
    show_mesh(vertices, torch.tensor(faces, dtype=torch.int64).reshape(-1, 3), title="mesh")
    (axis,) = plt.gcf().axes
    plt.gcf().canvas.draw()
    assert sum(len(collection.get_paths()) for collection in axis.collections) == len(faces)
    assert axis.get_title() == "mesh"


def test_proposals_have_the_colour_of_their_kind():
    boxes = torch.tensor([[0.0, 0, 2, 1], [1, 1, 5, 4], [2, 2, 3, 3]])
    show_proposals(IMAGE, boxes, torch.tensor([1, 0, -1]), boxes[:1])
    frames, truths = plt.gcf().axes[0].collections
    names = [matplotlib.colors.to_rgba(name) for name in ("tab:green", "tab:red", "gray")]
    assert [tuple(colour) for colour in frames.get_edgecolor()] == names
    assert len(truths.get_paths()) == 1
    assert frames.get_paths()[1].get_extents().extents.tolist() == [1, 1, 5, 4]


def test_no_proposals_draw_in_an_axis_that_is_given():
    _, axis = plt.subplots()
    show_proposals(IMAGE, torch.zeros(0, 4), axis=axis)
    assert not axis.collections[0].get_paths()
