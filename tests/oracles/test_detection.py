"""Assignment 9's slow oracles and its reference against what the field uses: pycocotools, scikit-learn, torch."""

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
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import average_precision_score

ROOT = Path(__file__).parents[2]
HIDDEN, SOLUTION = ROOT / "tests/hidden/a9_object_detection", ROOT / "solutions/a9_object_detection"
DATA_SETS = 60
CLASSES = 3


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The oracles, and the reference's files, by name; nothing of them stays importable."""
    names = ["slow_boxes", "slow_evaluation", "slow_regions", "boxes", "evaluation", "rcnn"]
    places = [str(HIDDEN), str(SOLUTION), str(ROOT / "solutions")]
    before = set(sys.modules)
    sys.path[:0] = places
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        for place in places:
            sys.path.remove(place)
        for name in set(sys.modules) - before:
            if name in names or name.split(".")[0] == "common":
                del sys.modules[name]


def draw_boxes(rng: np.random.RandomState, count: int, side: int = 40) -> torch.Tensor:
    """On a grid of half units, so that equal IoUs and IoUs of exactly 0.5 occur."""
    corner, size = rng.randint(0, side, (count, 2)), rng.randint(1, side, (count, 2))
    return torch.from_numpy(np.concatenate([corner, corner + size], axis=1) / 2.0)


def draw_data_set(seed: int) -> tuple[list[dict[str, torch.Tensor]], list[dict[str, torch.Tensor]]]:
    """1 to 6 images; truths, and detections that are truths moved a little, with ties in their scores."""
    rng = np.random.RandomState(seed)
    detections, truths = [], []
    for _ in range(rng.randint(1, 7)):
        boxes, labels = draw_boxes(rng, rng.randint(0, 7)), rng.randint(0, CLASSES, 7)
        truths.append({"boxes": boxes, "labels": torch.from_numpy(labels[: len(boxes)])})
        count = rng.randint(0, 15)
        found, classes = draw_boxes(rng, count), rng.randint(0, CLASSES, count)
        for index in range(count):
            if len(boxes) and rng.rand() < 0.7:
                which = rng.randint(len(boxes))
                moved = boxes[which] + torch.from_numpy(rng.randint(-4, 5, 4) / 2.0)
                found[index] = torch.cat([moved[:2], torch.maximum(moved[2:], moved[:2] + 0.5)])
                classes[index] = labels[which]
        scores = torch.from_numpy(np.round(rng.rand(count), 1))
        detections.append({"boxes": found, "scores": scores, "labels": torch.from_numpy(classes)})
    return detections, truths


def coco_table(detections: list[Any], truths: list[Any], thresholds: list[float]) -> np.ndarray[Any, Any]:
    """(K, T): what pycocotools says, NaN for a class without truths."""
    corners = lambda box: [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]  # noqa: E731
    annotations = [
        {"image_id": image, "category_id": int(label), "bbox": corners(box), "area": 1e3, "iscrowd": 0}
        for image, true in enumerate(truths)
        for box, label in zip(true["boxes"], true["labels"], strict=True)
    ]
    results = [
        {"image_id": image, "category_id": int(label), "bbox": corners(box), "score": float(score)}
        for image, found in enumerate(detections)
        for box, label, score in zip(found["boxes"], found["labels"], found["scores"], strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(len(truths))],
            "categories": [{"id": label} for label in range(CLASSES)],
            "annotations": [one | {"id": number} for number, one in enumerate(annotations, start=1)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results) if results else COCO(), "bbox")
        if not results:
            evaluation.cocoDt.dataset = coco.dataset | {"annotations": []}
            evaluation.cocoDt.createIndex()
        evaluation.params.iouThrs = np.array(thresholds)
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # thresholds, recalls, classes
    table = precision.mean(axis=1).T
    return np.where(table < 0, np.nan, table)


def without_tens(truths: list[dict[str, torch.Tensor]]) -> bool:
    """Whether no class has a multiple of 10 truths, at which pycocotools' own rounding decides."""
    counts = torch.cat([true["labels"] for true in truths]).bincount(minlength=CLASSES)
    return all(int(count) == 0 or int(count) % 10 for count in counts)


@pytest.mark.parametrize("whose", ["oracle", "reference"])
def test_average_precisions_are_those_of_pycocotools(modules: dict[str, ModuleType], whose: str) -> None:
    table = {"oracle": modules["slow_evaluation"].table, "reference": modules["evaluation"].average_precisions}[whose]
    thresholds = list(modules["evaluation"].COCO_THRESHOLDS)
    compared = 0
    for seed in range(2 * DATA_SETS):
        detections, truths = draw_data_set(seed)
        if compared == DATA_SETS or not without_tens(truths):
            continue
        compared += 1
        ours = table(detections, truths, CLASSES, thresholds).numpy()
        np.testing.assert_allclose(ours, coco_table(detections, truths, thresholds), rtol=0, atol=1e-12)
    assert compared == DATA_SETS


@pytest.mark.parametrize("whose", ["oracle", "reference"])
def test_iou_is_that_of_pycocotools(modules: dict[str, ModuleType], whose: str) -> None:
    iou = {"oracle": modules["slow_boxes"].iou_matrix, "reference": modules["boxes"].box_iou}[whose]
    rng = np.random.RandomState(0)
    for _ in range(20):
        a, b = draw_boxes(rng, rng.randint(1, 9)), draw_boxes(rng, rng.randint(1, 9))
        sized = [torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1).numpy() for boxes in (a, b)]
        np.testing.assert_allclose(iou(a, b).numpy(), coco_mask.iou(*sized, [0] * len(b)), rtol=0, atol=1e-15)


@pytest.mark.parametrize("whose", ["oracle", "reference"])
def test_area_is_that_of_scikit_learn(modules: dict[str, ModuleType], whose: str) -> None:
    """Where every truth is found in the end, and no scores are equal: scikit-learn joins those."""
    curve, area = {
        "oracle": (modules["slow_evaluation"].curve, modules["slow_evaluation"].area),
        "reference": (modules["evaluation"].precision_recall, modules["evaluation"].average_precision),
    }[whose]
    rng = np.random.RandomState(0)
    for _ in range(50):
        matched = np.append(rng.rand(rng.randint(1, 30)) < 0.5, True)
        scores = rng.permutation(len(matched)) / len(matched)
        ours = area(*curve(torch.from_numpy(matched), torch.from_numpy(scores), int(matched.sum())))
        assert ours == pytest.approx(average_precision_score(matched, scores), abs=1e-14)


def test_crops_are_those_of_grid_sample(modules: dict[str, ModuleType]) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 11, 17, dtype=torch.float64, generator=generator)
    boxes = torch.tensor([[2.0, 1.0, 9.5, 8.0], [-3.0, -2.0, 20.0, 5.0], [4.0, 4.0, 5.0, 5.0]], dtype=torch.float64)
    size = 6
    steps = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    for whose in (modules["slow_regions"].crops_of, modules["rcnn"].warp_crops):
        for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            y, x = torch.meshgrid(y1 + steps * (y2 - y1), x1 + steps * (x2 - x1), indexing="ij")
            grid = torch.stack([2 * x / 17 - 1, 2 * y / 11 - 1], dim=-1)[None]
            wanted = torch.nn.functional.grid_sample(image[None], grid, padding_mode="border", align_corners=False)
            torch.testing.assert_close(whose(image, boxes, size)[number], wanted[0], rtol=0, atol=1e-13)


def test_loss_is_that_of_torch(modules: dict[str, ModuleType]) -> None:
    sys.path.insert(0, str(HIDDEN))
    try:
        oracle = importlib.import_module("slow_localization").loss_of
    finally:
        sys.path.remove(str(HIDDEN))
    scores, boxes, targets = torch.randn(5, 3).double(), torch.rand(5, 4).double(), torch.rand(5, 4).double()
    labels = torch.tensor([2, 0, 1, 1, 0])
    wanted = torch.nn.functional.cross_entropy(scores, labels) + 7 * (boxes - targets).square().sum() / 5
    torch.testing.assert_close(oracle(scores, boxes, labels, targets, 7.0), wanted, rtol=1e-13, atol=0)
