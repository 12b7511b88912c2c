"""How fast the references are beside torch's and torchvision's operators for the same work, one table.

    .venv/bin/python -m benchmarks.references [--torchvision UNPACKED] [--seconds 1]

The sizes are those of the budgets on a CPU. One thread, float32; in turns, CPU time, the best of each. What both answer
is compared first. torchvision's operators are measured where its wheel was unpacked, see `torchvision_operators.py`.

Exit status: 0, whatever was measured: a reference that is slow is no fault of a course.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F

from autograder.checks import Draw
from autograder.checks.sides.local import reference_loader
from autograder.course.layout import Course
from benchmarks.torchvision_operators import load

ROOT = Path(__file__).parents[1]
FEW = 5  # calls of each, at least
SINGLE = torch.float32


@dataclass(frozen=True)
class Rival:
    """The same work, done by the reference and by a library."""

    what: str
    library: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the references beside torch's and torchvision's operators.")
    parser.add_argument("--torchvision", type=Path, metavar="UNPACKED", help="the folder of its unpacked wheel")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="how long each pair is measured (1)")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    course = Course(ROOT)
    rivals = _of_torch(course)
    if args.torchvision is not None:
        rivals += _of_torchvision(course, load(args.torchvision))
    table = Table(title="References beside libraries, milliseconds of a call", title_justify="left")
    for heading in ("", "beside"):
        table.add_column(heading)
    for heading in ("reference", "library", "ratio"):
        table.add_column(heading, justify="right")
    for rival in rivals:
        torch.testing.assert_close(rival.ours(), rival.theirs(), rtol=1e-3, atol=1e-3)
        ours, theirs = milliseconds(rival, args.seconds)
        table.add_row(rival.what, rival.library, f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}")
    Console(width=max(120, Console().width)).print(table)
    return 0


def milliseconds(rival: Rival, seconds: float) -> tuple[float, float]:
    """The best call of each, in turns."""
    best, end, calls = [float("inf")] * 2, time.perf_counter() + seconds, 0
    while calls < FEW or time.perf_counter() < end:
        for side, call in enumerate((rival.ours, rival.theirs)):
            began = time.process_time()
            call()
            best[side] = min(best[side], time.process_time() - began)
        calls += 1
    return 1000 * best[0], 1000 * best[1]


def _of_torch(course: Course) -> list[Rival]:
    rng = Draw(1)
    normal = partial(rng.normal, dtype=SINGLE)
    conv = _module(course, "a6", "convolutional_networks")
    size = _sizes(course, "a6", "conv-speed", "forward")
    x, w = normal(*size.images), normal(size.filters[0], size.images[1], *size.filters[1:])
    b, keeps = normal(len(w)), {"stride": 1, "pad": 1}
    dout = normal(len(x), len(w), *x.shape[2:])
    images = normal(*_sizes(course, "a6", "pool-speed", "forward").images)
    halves = {"pool_height": 2, "pool_width": 2, "stride": 2}
    dpool = normal(*images.shape[:2], images.shape[2] // 2, images.shape[3] // 2)

    transposed = _module(course, "a8", "transposed_convolution")
    size = _sizes(course, "a8", "transposed-speed", "forward")
    y = normal(*size.images)
    v, c = normal(size.images[1], size.filters, size.side, size.side), normal(size.filters)
    step = {"stride": 2, "padding": 1, "output_padding": 1}
    upsampling = _module(course, "a8", "upsampling")
    small = normal(*_sizes(course, "a8", "upsampling-speed", "forward").images)
    doubled = [2 * side for side in small.shape[2:]]
    return [
        Rival(
            "a6 convolution, forward",
            "torch",
            lambda: conv.Conv.forward(x, w, b, keeps)[0],
            lambda: F.conv2d(x, w, b, padding=1),
        ),
        Rival(
            "a6 convolution, backward",
            "torch",
            lambda: conv.Conv.backward(dout, (x, w, b, keeps)),
            lambda: torch.ops.aten.convolution_backward(
                dout, x, w, [len(b)], [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, True]
            ),
        ),
        Rival(
            "a6 max pooling, forward",
            "torch",
            lambda: conv.MaxPool.forward(images, halves)[0],
            lambda: F.max_pool2d(images, 2),
        ),
        Rival(
            "a6 max pooling, backward",
            "torch, with its forward's positions",
            lambda: conv.MaxPool.backward(dpool, (images, halves)),
            partial(_unpooled, dpool, images, F.max_pool2d(images, 2, return_indices=True)[1]),
        ),
        Rival(
            "a8 transposed convolution",
            "torch",
            lambda: transposed.transposed_convolution(y, v, c, step),
            lambda: F.conv_transpose2d(y, v, c, **step),
        ),
        Rival(
            "a8 bilinear upsampling",
            "torch",
            lambda: upsampling.bilinear(small, doubled),
            lambda: F.interpolate(small, doubled, mode="bilinear", align_corners=False),
        ),
    ]


def _unpooled(dout: torch.Tensor, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.max_pool2d_with_indices_backward(dout, x, [2, 2], [2, 2], [0, 0], [1, 1], False, positions)


def _of_torchvision(course: Course, torchvision: ModuleType) -> list[Rival]:
    rng, ops = Draw(2), torchvision.ops
    boxes = _module(course, "a9", "boxes")
    first, second = _sizes(course, "a9", "boxes-speed", "iou").boxes
    a, b = (rng.boxes(count, 100, 100).float() for count in (first, second))
    count = _sizes(course, "a9", "boxes-speed", "nms").boxes
    many, scores = rng.boxes(count, 100, 100).float(), rng.distinct(count).float()

    pooling = _module(course, "a10", "roi_pooling")
    size = _sizes(course, "a10", "roi-speed", "align-forward")
    features, rois = _regions(rng, size)
    stride, bins = 4, (7, 7)
    dout = rng.normal(len(rois), features.shape[1], *bins, dtype=SINGLE)
    scale, images, channels, height, width = 1 / stride, *features.shape
    deep, few = _regions(rng, _sizes(course, "a10", "roi-speed", "pool-forward"))
    return [
        Rival("a9 IoU", "torchvision", lambda: boxes.box_iou(a, b), lambda: ops.box_iou(a, b)),
        Rival(
            "a9 suppression", "torchvision", lambda: boxes.nms(many, scores, 0.3), lambda: ops.nms(many, scores, 0.3)
        ),
        Rival(
            "a10 RoI Align, forward",
            "torchvision",
            lambda: pooling.roi_align_forward(features, rois, bins, scale, 2)[0],
            lambda: ops.roi_align(features, rois, bins, scale, 2, aligned=True),
        ),
        Rival(
            "a10 RoI Align, backward",
            "torchvision",
            lambda: pooling.roi_align_backward(dout, (features, rois, bins, scale, 2)),
            lambda: torch.ops.torchvision._roi_align_backward(
                dout, rois, scale, *bins, images, channels, height, width, 2, True
            ),
        ),
        Rival(
            "a10 RoI Pool, forward",
            "torchvision",
            lambda: pooling.roi_pool_forward(deep, few, bins, scale)[0],
            lambda: ops.roi_pool(deep, few, bins, scale),
        ),
    ]


def _regions(rng: Draw, size: SimpleNamespace) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of one image, and regions on it, as the hidden check draws them."""
    features = rng.normal(*size.features, dtype=SINGLE)
    found = rng.boxes(size.regions, *(4 * side for side in size.features[2:])).float()
    return features, torch.cat([torch.zeros(len(found), 1), found], dim=1)


def _module(course: Course, assignment: str, name: str) -> ModuleType:
    return reference_loader(course, course.assignment(assignment))(name)


def _sizes(course: Course, assignment: str, question: str, budget: str) -> SimpleNamespace:
    """A budget's sizes on a CPU."""
    budgets = course.assignment(assignment).by_id[question].budgets
    found: Mapping[str, Any] = next(each for each in budgets if each.id == budget).sizes["cpu"]
    return SimpleNamespace(**found)


if __name__ == "__main__":
    sys.exit(main())
