"""How long IoU and non-maximum suppression of assignment 9's reference take, beside other ways to write them.

    .venv/bin/python -m benchmarks.detection [--torchvision UNPACKED]

One thread; the best of many calls, float32. torchvision's operators are measured where its wheel was unpacked, see
`torchvision_operators.py`; its answers are compared with the reference's on the way.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "solutions/a9_object_detection"), str(ROOT / "solutions")]

import boxes as reference  # noqa: E402

from benchmarks.torchvision_operators import load  # noqa: E402

Array = npt.NDArray[np.float32]


def draw(count: int, seed: int) -> torch.Tensor:
    """As the hidden check draws them: within 100 x 100, sides up to 30."""
    generator = torch.Generator().manual_seed(seed)
    corner, size = 100 * torch.rand(count, 2, generator=generator), 1 + 29 * torch.rand(count, 2, generator=generator)
    return torch.cat([corner, corner + size], dim=1)


A, B, MANY = draw(600, 1), draw(100, 2), draw(600, 3)
SCORES = torch.rand(600, generator=torch.Generator().manual_seed(6))
SMALL, FEW = draw(60, 4), draw(10, 5)  # a tenth along either axis: pair by pair takes too long


def numpy_iou(a: Array, b: Array) -> Array:
    """(N, 4), (M, 4) -> (N, M)."""
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    both = sides.clip(min=0).prod(axis=2)
    areas = [(x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (a, b)]
    return np.asarray(both / (areas[0][:, None] + areas[1][None] - both))


def numpy_nms(boxes: Array, scores: Array, threshold: float) -> list[int]:
    """Row by row, over a list that shrinks."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        kept.append(int(order[0]))
        order = order[1:][numpy_iou(boxes[order[:1]], boxes[order[1:]])[0] <= threshold]
    return kept


def row_by_row(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> list[int]:
    """The same with torch."""
    order, kept = scores.argsort(descending=True, stable=True), []
    while len(order):
        kept.append(int(order[0]))
        order = order[1:][reference.box_iou(boxes[order[:1]], boxes[order[1:]])[0] <= threshold]
    return kept


def on_floats(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> list[int]:
    """Pair by pair, on Python numbers."""
    rows, kept = boxes.tolist(), list[int]()
    for i in scores.argsort(descending=True, stable=True).tolist():
        x1, y1, x2, y2 = rows[i]
        for j in kept:
            u1, v1, u2, v2 = rows[j]
            both = max(0.0, min(x2, u2) - max(x1, u1)) * max(0.0, min(y2, v2) - max(y1, v1))
            if both > threshold * ((x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - both):
                break
        else:
            kept.append(i)
    return kept


def pairs(a: torch.Tensor, b: torch.Tensor) -> list[torch.Tensor]:
    """A loop over pairs of boxes."""
    return [reference.box_iou(a[n : n + 1], b[m : m + 1]) for n in range(len(a)) for m in range(len(b))]


def rows(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """A loop over the first list."""
    return torch.cat([reference.box_iou(box[None], b) for box in a])


def milliseconds(call: Callable[[], object], seconds: float = 1.0) -> float:
    """The best of as many calls as fit, three at least."""
    best, end, calls = float("inf"), time.perf_counter() + seconds, 0
    while calls < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        best, calls = min(best, time.perf_counter() - began), calls + 1
    return 1000 * best


def torchvision_rows(unpacked: Path) -> list[tuple[str, Callable[[], object], float]]:
    """torchvision's own, after a look at what they answer."""
    ops = load(unpacked).ops
    torch.testing.assert_close(ops.box_iou(A, B), reference.box_iou(A, B))
    assert ops.nms(MANY, SCORES, 0.3).tolist() == reference.nms(MANY, SCORES, 0.3).tolist()
    return [
        ("box_iou 600 x 100: torchvision", lambda: ops.box_iou(A, B), 1),
        ("nms of 600: torchvision, one loop in C++", lambda: ops.nms(MANY, SCORES, 0.3), 1),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="How long IoU and suppression take.")
    parser.add_argument("--torchvision", type=Path, metavar="UNPACKED", help="the folder of its unpacked wheel")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ways: list[tuple[str, Callable[[], object], float]] = [
        ("box_iou 600 x 100: reference", lambda: reference.box_iou(A, B), 1),
        ("box_iou 600 x 100: numpy", lambda: numpy_iou(A.numpy(), B.numpy()), 1),
        ("box_iou 600 x 100: a loop over the 100", lambda: rows(B, A), 1),
        ("box_iou 600 x 100: a loop over the 600", lambda: rows(A, B), 1),
        ("box_iou 600 x 100: a loop over pairs", lambda: pairs(SMALL, FEW), 100),
        ("nms of 600: reference, one IoU matrix", lambda: reference.nms(MANY, SCORES, 0.3), 1),
        ("nms of 600: torch, row by row", lambda: row_by_row(MANY, SCORES, 0.3), 1),
        ("nms of 600: numpy, row by row", lambda: numpy_nms(MANY.numpy(), SCORES.numpy(), 0.3), 1),
        ("nms of 600: Python numbers, pair by pair", lambda: on_floats(MANY, SCORES, 0.3), 1),
    ]
    if args.torchvision is not None:
        ways += torchvision_rows(args.torchvision)
    measured = {name: times * milliseconds(call) for name, call, times in ways}
    for name, value in sorted(measured.items(), key=lambda row: row[0][:3]):
        base = measured[next(other for other in measured if other[:7] == name[:7])]
        print(f"{name:45} {value:9.2f} ms {value / base:8.1f} x")


if __name__ == "__main__":
    main()
