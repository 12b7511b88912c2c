"""What `load_scenes` gives: the embedded scenes, or PASCAL VOC where it is on disk."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from common import detection, segmentation
from common.scenes import CLASSES, THINGS, draw_scene
from common.voc import VOC_CLASSES

SMALL = {"num_train": 4, "num_val": 2, "num_test": 3, "height": 24, "width": 32}


def test_scenes_with_labels(tmp_path, capsys):
    data = segmentation.load_scenes(tmp_path, **SMALL, seed=1)
    assert {name: tuple(value.shape) for name, value in data.items()} == {
        "X_train": (4, 3, 24, 32),
        "X_val": (2, 3, 24, 32),
        "X_test": (3, 3, 24, 32),
        "y_train": (4, 24, 32),
        "y_val": (2, 24, 32),
        "y_test": (3, 24, 32),
        "mean": (3, 1, 1),
    }
    assert data["X_train"].dtype == torch.float32
    assert data["y_val"].dtype == torch.int64
    torch.testing.assert_close(data["X_train"].mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-6)
    scene = draw_scene(5, 2, height=24, width=32)
    assert torch.equal(((data["X_test"][2] + data["mean"]) * 255).round().byte(), torch.from_numpy(scene.image))
    assert torch.equal(data["y_test"][2].byte(), torch.from_numpy(scene.labels))
    assert "embedded scenes, 4 training, 2 validation, 3 test images" in capsys.readouterr().out
    assert segmentation.class_names(tmp_path) == CLASSES


def test_scenes_with_boxes(tmp_path, capsys):
    data = detection.load_scenes(tmp_path, **SMALL, verbose=False)
    assert capsys.readouterr().out == ""
    scene = draw_scene(0, 3, height=24, width=32)
    target = data["y_train"][3]
    assert target["boxes"].dtype == torch.float32
    assert target["boxes"].tolist() == [list(thing.box) for thing in scene.things]
    assert [THINGS[k] for k in target["labels"]] == [thing.kind for thing in scene.things]
    assert torch.equal(data["X_val"], segmentation.load_scenes(tmp_path, **SMALL, verbose=False)["X_val"])
    one = detection.load_scenes(tmp_path, **SMALL, things=(1, 1), near=(0.55, 1.0), verbose=False)
    assert [len(target["boxes"]) for target in one["y_train"]] == [1, 1, 1, 1]
    assert detection.class_names(tmp_path) == THINGS


@pytest.mark.parametrize("load", [segmentation.load_scenes, detection.load_scenes])
def test_parts_may_be_empty_but_not_all(tmp_path, load):
    data = load(tmp_path, 1, 0, 0, 24, 32, verbose=False)
    assert data["X_val"].shape == (0, 3, 24, 32)
    assert len(data["y_test"]) == 0
    with pytest.raises(ValueError, match="no training images"):
        load(tmp_path, 0, 1, 1, 24, 32, verbose=False)


XML = """<annotation>
<object><name>dog</name><difficult>0</difficult>
  <bndbox><xmin>1</xmin><ymin>3</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object>
<object><name>person</name><difficult>1</difficult>
  <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>
</annotation>"""


@pytest.fixture
def voc(tmp_path):
    """A tiny PASCAL VOC: image k, 60 wide and 40 high, is of the colour k; its left half is a dog."""
    folder = tmp_path / "VOCdevkit" / "VOC2007"
    for part in ("JPEGImages", "Annotations", "SegmentationClass", "ImageSets/Segmentation", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    labels = np.zeros((40, 60), np.uint8)
    labels[:, :30], labels[:, 29] = VOC_CLASSES.index("dog"), 255
    for k in range(6):
        Image.new("RGB", (60, 40), (40 * k,) * 3).save(folder / "JPEGImages" / f"00{k}.jpg", quality=100)
        picture = Image.fromarray(labels, mode="P")
        picture.putpalette([value for k in range(256) for value in (k, 0, 255 - k)])
        picture.save(folder / "SegmentationClass" / f"00{k}.png")
        (folder / "Annotations" / f"00{k}.xml").write_text(XML)
    for task in ("Segmentation", "Main"):
        (folder / "ImageSets" / task / "train.txt").write_text("000\n002\n")
        (folder / "ImageSets" / task / "val.txt").write_text("001\n003\n005\n")
    return tmp_path


def test_voc_is_used_where_it_is_on_disk(voc, capsys):
    data = segmentation.load_scenes(voc, num_val=2, height=20, width=30)
    assert "PASCAL VOC 2007, 2 training, 2 validation, 1 test images" in capsys.readouterr().out
    assert segmentation.class_names(voc) == VOC_CLASSES
    assert data["y_train"].unique().tolist() == [0, VOC_CLASSES.index("dog"), 255]
    assert (data["y_test"][0, :, :14] == VOC_CLASSES.index("dog")).all()
    assert (data["y_test"][0, :, 15:] == 0).all()
    grey = (data["X_val"] + data["mean"])[:, 0, 5, 5] * 255
    torch.testing.assert_close(grey, torch.tensor([40.0, 120.0]), atol=2, rtol=0)


def test_voc_boxes_are_scaled_and_difficult_objects_left_out(voc):
    data = detection.load_scenes(voc, height=20, width=120, verbose=False)
    assert data["y_train"][0]["boxes"].tolist() == [[0, 1, 60, 10]]
    assert detection.class_names(voc)[data["y_train"][0]["labels"].item()] == "dog"


def test_voc_test_images_are_used_where_they_are_listed(voc):
    (voc / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main" / "test.txt").write_text("004\n")
    data = detection.load_scenes(voc, height=20, width=30, verbose=False)
    assert len(data["X_test"]) == 1
    assert ((data["X_test"] + data["mean"])[0, 0, 5, 5] * 255).item() == pytest.approx(160, abs=2)


@pytest.mark.parametrize(
    "path, content",
    [
        ("JPEGImages/002.jpg", b"no picture"),
        ("SegmentationClass/002.png", b""),
        ("Annotations/002.xml", b"<annotation>"),
        ("Annotations/002.xml", XML.replace("dog", "unicorn").encode()),
        ("Annotations/002.xml", XML.replace("<ymin>3</ymin>", "").encode()),
    ],
)
def test_a_damaged_file_is_refused_by_name(voc, path, content):
    (voc / "VOCdevkit" / "VOC2007" / path).write_bytes(content)
    load = segmentation.load_scenes if "png" in path else detection.load_scenes
    with pytest.raises(ValueError, match=path.rsplit("/")[-1]):
        load(voc, verbose=False)


def test_missing_lists_are_named(voc):
    (voc / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main" / "val.txt").unlink()
    with pytest.raises(ValueError, match=r"val\.txt"):
        detection.load_scenes(voc, verbose=False)


def test_a_picture_with_colours_for_labels_is_refused(voc):
    path = voc / "VOCdevkit" / "VOC2007" / "SegmentationClass" / "000.png"
    Image.new("RGB", (60, 40)).save(path)
    with pytest.raises(ValueError, match="one number per pixel"):
        segmentation.load_scenes(voc, verbose=False)
