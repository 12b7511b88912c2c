"""Assignment 11's slow oracles and its reference against what the field uses: pycocotools and trimesh."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

ROOT = Path(__file__).parents[2]
HIDDEN, SOLUTION = ROOT / "tests/hidden/a11_instance_segmentation", ROOT / "solutions/a11_instance_segmentation"
OWN = ["slow_masks", "slow_meshes", "mask_rcnn", "mesh_rcnn", "detector", "kit", "boxes", "evaluation"]
DATA_SETS, CLASSES, HEIGHT, WIDTH = 40, 3, 12, 17
THRESHOLD = 0.45  # which no IoU of so few pixels is equal to by chance

Image = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The oracles, and the reference's files, by name; nothing of them stays importable."""
    places = [str(HIDDEN), str(SOLUTION), str(ROOT / "solutions")]
    before = set(sys.modules)
    sys.path[:0] = places
    try:
        yield {name: importlib.import_module(name) for name in OWN}
    finally:
        for place in places:
            sys.path.remove(place)
        for name in set(sys.modules) - before:
            if name in OWN or name.split(".")[0] == "common":
                del sys.modules[name]


def draw_masks(rng: np.random.RandomState, count: int) -> torch.Tensor:
    """(count, HEIGHT, WIDTH) bool, no mask empty: rectangles with holes in them."""
    masks = torch.zeros(count, HEIGHT, WIDTH, dtype=torch.bool)
    for mask in masks:
        (y1, y2), (x1, x2) = (np.sort(rng.choice(size + 1, 2, replace=False)) for size in (HEIGHT, WIDTH))
        mask[y1:y2, x1:x2] = torch.from_numpy(rng.rand(y2 - y1, x2 - x1) < 0.9)
        mask[y1, x1] = True
    return masks


def encoded(masks: torch.Tensor) -> list[Any]:
    """Masks as pycocotools stores them."""
    found: list[Any] = coco_mask.encode(np.asfortranarray(masks.permute(1, 2, 0).numpy().astype(np.uint8)))
    return found


@pytest.mark.parametrize("whose", ["oracle", "reference"])
def test_iou_of_masks_is_that_of_pycocotools(modules: dict[str, ModuleType], whose: str) -> None:
    iou = {"oracle": modules["slow_masks"].iou_matrix, "reference": modules["mask_rcnn"].mask_iou}[whose]
    rng = np.random.RandomState(0)
    for _ in range(20):
        a, b = draw_masks(rng, rng.randint(1, 6)), draw_masks(rng, rng.randint(1, 6))
        wanted = coco_mask.iou(encoded(a), encoded(b), [0] * len(b))
        np.testing.assert_allclose(iou(a, b).numpy(), wanted, rtol=0, atol=1e-15)


def draw_data_set(seed: int) -> tuple[list[Image], list[Image]]:
    """Predictions that are truths of which some pixels are missing, or something else; scores with ties."""
    rng = np.random.RandomState(seed)
    predictions, truths = [], []
    for _ in range(rng.randint(1, 5)):
        masks, labels = draw_masks(rng, rng.randint(1, 6)), torch.from_numpy(rng.randint(0, CLASSES, 6))
        count = rng.randint(1, 9)
        found, guessed = draw_masks(rng, count), torch.from_numpy(rng.randint(0, CLASSES, count))
        for number in range(count):
            if rng.rand() < 0.6:
                which = rng.randint(len(masks))
                found[number] = masks[which] & torch.from_numpy(rng.rand(HEIGHT, WIDTH) < rng.choice([0.4, 0.7, 1.0]))
                guessed[number] = labels[which]
        scores = torch.from_numpy(np.round(rng.rand(count), 1))
        truths.append({"masks": masks, "labels": labels[: len(masks)]})
        predictions.append({"masks": found, "scores": scores, "labels": guessed})
    return predictions, truths


def coco_precisions(predictions: list[Image], truths: list[Image]) -> np.ndarray[Any, Any]:
    """(CLASSES,): what pycocotools says, NaN for a class without truths."""
    annotations = [
        {"image_id": image, "category_id": int(label), "segmentation": mask, "area": 100.0, "iscrowd": 0}
        for image, true in enumerate(truths)
        for mask, label in zip(encoded(true["masks"]), true["labels"], strict=True)
    ]
    results = [
        {"image_id": image, "category_id": int(label), "segmentation": mask, "score": float(score)}
        for image, found in enumerate(predictions)
        for mask, label, score in zip(encoded(found["masks"]), found["labels"], found["scores"], strict=True)
    ]
    sizes = {"height": HEIGHT, "width": WIDTH}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": image, **sizes} for image in range(len(truths))],
            "categories": [{"id": label} for label in range(CLASSES)],
            "annotations": [one | {"id": number} for number, one in enumerate(annotations, start=1)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "segm")
        evaluation.params.iouThrs = np.array([THRESHOLD])
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    table = evaluation.eval["precision"][0, :, :, 0, -1].mean(axis=0)
    return np.where(table < 0, np.nan, table)


@pytest.mark.parametrize("whose", ["oracle", "reference"])
def test_average_precisions_are_those_of_pycocotools(modules: dict[str, ModuleType], whose: str) -> None:
    oracle, reference = modules["slow_masks"].average_precisions, modules["mask_rcnn"].mask_average_precision
    precisions = {"oracle": oracle, "reference": reference}[whose]
    compared = 0
    for seed in range(2 * DATA_SETS):
        predictions, truths = draw_data_set(seed)
        counts = torch.cat([true["labels"] for true in truths]).bincount(minlength=CLASSES)
        if compared == DATA_SETS or any(int(count) and int(count) % 10 == 0 for count in counts):
            continue  # at a multiple of 10 truths pycocotools' own rounding decides
        compared += 1
        ours = precisions(predictions, truths, CLASSES, THRESHOLD).numpy()
        np.testing.assert_allclose(ours, coco_precisions(predictions, truths), rtol=0, atol=1e-12)
    assert compared == DATA_SETS


def grids() -> Iterator[torch.Tensor]:
    rng = np.random.RandomState(0)
    for share in (0.1, 0.5, 0.9):
        for _ in range(8):
            yield torch.from_numpy((rng.rand(*rng.randint(1, 6, 3)) < share).astype(np.float64))


def test_meshes_around_voxels_are_what_trimesh_says(modules: dict[str, ModuleType]) -> None:
    """Volume, area, edges and vertices, also where a mesh is not watertight."""
    cubify, unique_edges = modules["mesh_rcnn"].cubify, modules["mesh_rcnn"].unique_edges
    compared = 0
    for voxels in grids():
        vertices, faces = cubify(voxels)
        if len(faces) == 0:
            continue
        compared += 1
        mesh = trimesh.Trimesh(vertices.numpy(), faces.numpy(), process=False)
        assert mesh.volume == pytest.approx(float(voxels.sum()))
        assert mesh.area == pytest.approx(len(modules["slow_meshes"].squares_of(voxels)))
        ours = np.array(sorted(map(tuple, unique_edges(faces).tolist())))
        assert np.array_equal(ours, np.unique(np.sort(mesh.edges, axis=1), axis=0))
        assert len(trimesh.Trimesh(vertices.numpy(), faces.numpy(), process=True).vertices) == len(vertices)
    assert compared > 15


@pytest.mark.parametrize("whose", ["oracle", "reference"])
def test_points_lie_on_the_face_that_trimesh_finds_nearest(modules: dict[str, ModuleType], whose: str) -> None:
    """Each point lies on the surface, and its normal is that of a face which holds it."""
    draw = {"oracle": modules["slow_meshes"].points_on, "reference": modules["mesh_rcnn"].sample_points}[whose]
    sphere = trimesh.creation.icosphere(subdivisions=1)
    vertices, faces = torch.tensor(np.array(sphere.vertices)), torch.tensor(np.array(sphere.faces))
    points, normals = draw(vertices, faces, torch.rand(40, 3, generator=torch.Generator().manual_seed(0)).double())
    centres, across = torch.tensor(np.array(sphere.triangles_center)), torch.tensor(np.array(sphere.face_normals))
    for point, normal in zip(points, normals, strict=True):
        heights = ((point - centres) * across).sum(dim=1).abs()
        on = heights < 1e-9
        assert bool(((across[on] - normal).abs().amax(dim=1) < 1e-6).any())
