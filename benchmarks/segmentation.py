"""What segmentation networks reach in the trainings of assignment 8: what its bars rest on (docs/training-bars.md).

    python -m benchmarks.segmentation short long --seeds 10
    python -m benchmarks.segmentation saved --seeds 10 --only reference joined

One line for each network and seed, then one row for each network: lowest, mean, highest mean IoU, and how many standard
deviations the mean lies above the bar: from 2.33 on, 99 of 100 seeds reach it. One thread. A seed draws scenes and
weights as the hidden check does; the notebook's training always has the scenes of seed 0, and what it saves is measured
on several draws of 40 new scenes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "solutions/a8_semantic_segmentation"
CHECKS = ROOT / "tests/hidden/a8_semantic_segmentation"
sys.path[:0] = [str(COURSE), str(ROOT / "solutions"), str(CHECKS)]

import fully_convolutional_network as reference  # noqa: E402
import segmentation_scenes as scenes  # noqa: E402
import test_training as checks  # noqa: E402

from autograder.course.layout import Course  # noqa: E402
from common.segmentation import load_scenes  # noqa: E402

Tensor = torch.Tensor
Made = tuple[nn.Module, torch.optim.Optimizer, Any]
DRAWS = 10  # of 40 scenes each, for a saved network


def block(before: int, after: int, normalize: Callable[[int], nn.Module] | None = nn.BatchNorm2d) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(before, after, 3, padding=1)]
    if normalize:
        layers.append(normalize(after))
    return nn.Sequential(*layers, nn.ReLU())


def grouped(channels: int) -> nn.Module:
    return nn.GroupNorm(8, channels)


class Joined(nn.Module):
    """A small U-net: max pooling, bilinear, early maps joined to late ones."""

    def __init__(self, classes: int, normalize: Callable[[int], nn.Module] | None = nn.BatchNorm2d) -> None:
        super().__init__()
        self.first, self.second, self.third = (
            nn.Sequential(block(before, after, normalize), block(after, after, normalize))
            for before, after in ((3, 16), (16, 32), (32, 64))
        )
        self.late, self.last = block(96, 32, normalize), block(48, 16, normalize)
        self.head = nn.Conv2d(16, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        second = self.second(F.max_pool2d(first, 2))
        third = self.third(F.max_pool2d(second, 2))
        for layer, early in ((self.late, second), (self.last, first)):
            larger = F.interpolate(third, size=early.shape[2:], mode="bilinear", align_corners=False)
            third = layer(torch.cat([larger, early], dim=1))
        return self.head(third)


class Plain(nn.Module):
    """An encoder and a decoder: max pooling, nearest, nothing joined."""

    def __init__(self, classes: int, normalize: Callable[[int], nn.Module] | None = nn.BatchNorm2d) -> None:
        super().__init__()
        self.down = nn.ModuleList([block(3, 32, normalize), block(32, 64, normalize), block(64, 64, normalize)])
        self.up = nn.ModuleList([block(64, 32, normalize), block(32, 32, normalize)])
        self.head = nn.Conv2d(32, classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for number, layer in enumerate(self.down):
            out = layer(F.max_pool2d(out, 2) if number else out)
        for layer in self.up:
            out = layer(F.interpolate(out, scale_factor=2))
        return F.interpolate(self.head(out), size=x.shape[2:])


class Colours(nn.Module):
    """Sees one pixel."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 64, 1), nn.ReLU(), nn.Conv2d(64, 64, 1), nn.ReLU())
        self.head = nn.Conv2d(64, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(x))


def he(model: nn.Module) -> nn.Module:
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return model


def adam(model: nn.Module, rate: float) -> Made:
    return model, torch.optim.Adam(model.parameters(), lr=rate), None


def momentum(model: nn.Module, steps: int) -> Made:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    return model, optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def one_cycle(model: nn.Module, rate: float, steps: int) -> Made:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    return model, optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)


NETWORKS: dict[str, Callable[[int], Made]] = {
    "reference": lambda steps: reference.create_segmentation_training(scenes.COUNT, steps, "cpu"),
    "joined": lambda steps: adam(Joined(scenes.COUNT), 3e-3),
    "plain": lambda steps: adam(Plain(scenes.COUNT), 2e-3),
    "momentum": lambda steps: momentum(Joined(scenes.COUNT), steps),
    "groups": lambda steps: adam(Joined(scenes.COUNT, grouped), 2e-3),
    "unnormalized": lambda steps: one_cycle(he(Joined(scenes.COUNT, None)), 3e-3, steps),
    "unnormalized-adam": lambda steps: adam(Joined(scenes.COUNT, None), 1e-3),
    "colours": lambda steps: adam(Colours(scenes.COUNT), 1e-2),
}


@lru_cache(maxsize=8)
def drawn(count: int, seed: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    return scenes.drawn(count, seed, height, width)


@lru_cache(maxsize=1)
def notebook_scenes() -> dict[str, Tensor]:
    return load_scenes("nowhere", verbose=False)


def mean_iou(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    model.eval()
    with torch.no_grad():
        guesses = torch.cat([model(chunk).argmax(dim=1) for chunk in images.split(20)])
    return reference.mean_iou(reference.confusion_matrix(guesses, labels, scenes.COUNT))


def size_of(budget: str, device: str) -> dict[str, Any]:
    budgets = Course.find(ROOT).assignment("a8").by_id["segmentation-training"].budgets
    return dict(next(each for each in budgets if each.id == budget).sizes[device])


def graded(budget: str, name: str, seed: int, device: str) -> list[float]:
    """As the hidden check trains, with the size that it has on a device: other scenes and weights for every seed."""
    size = size_of(budget, device)
    place = size["height"], size["width"]
    X, y = drawn(size["images"], 1000 + seed, *place)
    torch.manual_seed(seed)
    made = NETWORKS[name](size["steps"])
    data = {"X_train": X, "y_train": y, "X_val": X[:4], "y_val": y[:4]}
    reference.train_segmentation(*made, data, size["steps"], val_every=size["steps"])
    return [mean_iou(made[0], *drawn(size["held_out"], 5000 + seed, *place))]


def saved(name: str, seed: int) -> list[float]:
    """As the notebook trains and saves; then on draws of 40 scenes, each of which a grading might hold."""
    data = notebook_scenes()
    torch.manual_seed(seed)
    made = NETWORKS[name](900)
    reference.train_segmentation(*made, data, 900, val_every=900)
    reached = mean_iou(made[0], data["X_val"], data["y_val"])
    print(f"  {name}: validation of the notebook {reached:.3f}", flush=True)
    return [mean_iou(made[0], *drawn(40, 7000 + draw, 96, 128)) for draw in range(DRAWS)]


def measured(setting: str, name: str, seed: int, device: str) -> list[float]:
    values = saved(name, seed) if setting == "saved" else graded(setting, name, seed, device)
    print(f"  {setting} {name} seed {seed}: {' '.join(f'{value:.3f}' for value in values)}", flush=True)
    return values


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what segmentation networks reach.")
    parser.add_argument("settings", nargs="+", choices=["short", "long", "saved"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--size", choices=["cpu", "cuda"], default="cpu", help="whose steps and scenes; all runs here")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    kinds = [(setting, name) for setting in args.settings for name in args.only]
    found: dict[tuple[str, str], list[float]] = {kind: [] for kind in kinds}
    for seed in range(args.first, args.first + args.seeds):  # the outer loop: a seed's scenes are drawn once
        for setting, name in kinds:
            found[setting, name] += measured(setting, name, seed, args.size)
    print("| training | network | parameters | values | lowest | mean | highest | deviations above the bar |")
    print("|---|---|---|---|---|---|---|---|")
    for (setting, name), values in found.items():
        size = sum(parameter.numel() for parameter in NETWORKS[name](10)[0].parameters())
        bar = checks.SAVED_BAR if setting == "saved" else size_of(setting, args.size)["mean_iou"]
        mean, spread = statistics.mean(values), statistics.stdev(values) if len(values) > 1 else float("nan")
        figures = f"{min(values):.3f} | {mean:.3f} | {max(values):.3f} | {(mean - bar) / spread:.1f}"
        print(f"| {setting} | {name} | {size} | {len(values)} | {figures} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
