"""What trainings of assignment 9 reach: the reference's and those of honest students, under many seeds.

    .venv/bin/python -m benchmarks.detection_trainings localization saved-localization rcnn saved-rcnn --seeds 10

Steps, scenes, bars and measuring are those of the hidden checks, on one thread; "saved" is what the notebook's training
saves. Each seed draws weights, batches and the scenes that count anew. A row ends with how many standard deviations its
mean lies above the bar: from 2.33 on, 99 of 100 seeds reach it. A network that sees nothing but the mean colour shows
what is no honest work.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
PLACES = ("solutions/a9_object_detection", "solutions", "tests/hidden/a9_object_detection")
sys.path[:0] = [str(ROOT / place) for place in PLACES]

import crops_and_boxes  # noqa: E402
import drawn_animals  # noqa: E402
import localization  # noqa: E402
import rcnn  # noqa: E402
import test_localization_training as localization_checks  # noqa: E402
import test_rcnn_training as rcnn_checks  # noqa: E402

CLASSES = drawn_animals.CLASSES
WORDS = {"what": "classes right", "where": "mean IoU"}
Figure = tuple[str, str, float, float]  # network, what is measured, what was reached, bar
Optimizer = torch.optim.Optimizer
Schedule = torch.optim.lr_scheduler.LRScheduler


class Pooling(nn.Module):
    """What a student may write first: three convolutions with max pooling, without batch normalization, two heads."""

    def __init__(self, scores: int, high: int, wide: int, sigmoid: bool) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for before, after in ((3, 16), (16, 32), (32, 64)):
            stages += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.backbone = nn.Sequential(*stages, nn.Flatten(), nn.Linear(64 * (high // 8) * (wide // 8), 64), nn.ReLU())
        self.classify, self.locate, self.sigmoid = nn.Linear(64, scores), nn.Linear(64, 4), sigmoid

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(x)
        numbers = self.locate(features)
        return self.classify(features), numbers.sigmoid() if self.sigmoid else numbers


class Colour(nn.Module):
    """What no bar may be reached with: a network that sees the mean colour of its image, and nothing else."""

    def __init__(self, scores: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.classify, self.locate = nn.Linear(64, scores), nn.Linear(64, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(x.mean(dim=(2, 3)))
        return self.classify(features), self.locate(features)


animals = cache(drawn_animals.single)
crowded = cache(drawn_animals.crowded)


def adam(model: nn.Module, steps: int, rate: float) -> tuple[Optimizer, Schedule | None]:
    return torch.optim.Adam(model.parameters(), lr=rate), None


def sgd(model: nn.Module, steps: int, rate: float) -> tuple[Optimizer, Schedule | None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


Moved = Callable[[nn.Module, int], tuple[Optimizer, Schedule | None]]


def localized(model: Callable[[], nn.Module], moved: Moved, weight: float) -> Callable[[int], Any]:
    """A `create_localization_training` of these."""

    def create(steps: int) -> Any:
        network = model()
        return (network, *moved(network, steps), weight)

    return create


def cropped(model: Callable[[], nn.Module], moved: Moved) -> Callable[[int], Any]:
    """A `create_rcnn_training` of these."""

    def create(steps: int) -> Any:
        network = model()
        return (network, *moved(network, steps))

    return create


LOCALIZATION: dict[str, Callable[[int], Any]] = {
    "reference: strided, batch normalization, AdamW, one cycle": lambda steps: (
        localization.create_localization_training(CLASSES, steps, "cpu")
    ),
    "three convolutions with pooling, Adam 1e-3, no schedule, weight 5": localized(
        lambda: Pooling(CLASSES, *drawn_animals.SIZE, sigmoid=True), lambda m, steps: adam(m, steps, 1e-3), 5.0
    ),
    "the reference's network, SGD 0.05 with momentum, cosine": localized(
        lambda: localization.LocalizationNet(CLASSES), lambda m, steps: sgd(m, steps, 0.05), 10.0
    ),
    "the reference's network, Adam 2e-3, no schedule, weight 1": localized(
        lambda: localization.LocalizationNet(CLASSES), lambda m, steps: adam(m, steps, 2e-3), 1.0
    ),
    "nothing but the mean colour, Adam 3e-3": localized(
        lambda: Colour(CLASSES), lambda m, steps: adam(m, steps, 3e-3), 5.0
    ),
}
RCNN: dict[str, Callable[[int], Any]] = {
    "reference: strided, batch normalization, AdamW, one cycle": lambda steps: rcnn.create_rcnn_training(
        CLASSES, steps, "cpu"
    ),
    "three convolutions with pooling, Adam 1e-3, no schedule": cropped(
        lambda: Pooling(CLASSES + 1, rcnn.CROP, rcnn.CROP, sigmoid=False), lambda m, steps: adam(m, steps, 1e-3)
    ),
    "the reference's network, SGD 0.05 with momentum, cosine": cropped(
        lambda: rcnn.create_rcnn_training(CLASSES, 1, "cpu")[0], lambda m, steps: sgd(m, steps, 0.05)
    ),
    "the reference's network, Adam 2e-3, no schedule": cropped(
        lambda: rcnn.create_rcnn_training(CLASSES, 1, "cpu")[0], lambda m, steps: adam(m, steps, 2e-3)
    ),
    "nothing but the mean colour, Adam 3e-3": cropped(
        lambda: Colour(CLASSES + 1), lambda m, steps: adam(m, steps, 3e-3)
    ),
}


def localizations(seed: int) -> Iterator[Figure]:
    """What new networks reach in the hidden check."""
    checks = localization_checks
    data = animals(checks.IMAGES, checks.SEED)
    held_out = drawn_animals.single(checks.HELD_OUT, 1000 + seed)
    for name, create in LOCALIZATION.items():
        reached = measured(localized_by(create, data, checks.STEPS, seed), held_out)
        for which, bar in checks.BARS.items():
            yield name, f"{WORDS[which]}, {checks.STEPS} steps", reached[which], bar


def saved_localizations(seed: int) -> Iterator[Figure]:
    """What the notebook's training saves."""
    checks = localization_checks
    data, held_out = animals(1000, 0), drawn_animals.single(checks.SAVED_IMAGES, 2000 + seed)
    for name, create in list(LOCALIZATION.items())[:2]:
        reached = measured(localized_by(create, data, 470, seed), held_out)
        for which, bar in checks.SAVED_BARS.items():
            yield name, f"{WORDS[which]}, saved", reached[which], bar


def localized_by(create: Callable[[int], Any], data: dict[str, Tensor], steps: int, seed: int) -> nn.Module:
    """A trained network, in evaluation mode."""
    torch.manual_seed(seed)
    model, optimizer, schedule, weight = create(steps)
    localization.train_localization(model, optimizer, schedule, data, weight, steps)
    model.eval()
    return cast(nn.Module, model)


def measured(model: nn.Module, held_out: dict[str, Tensor]) -> dict[str, float]:
    answers = drawn_animals.answers_of(model, held_out["images"], CLASSES)
    return dict(zip(("what", "where"), drawn_animals.where_and_what(answers, held_out), strict=True))


def rcnns(seed: int) -> Iterator[Figure]:
    """The same of networks that look at crops."""
    checks = rcnn_checks
    yield from cropped_by(RCNN, seed, checks.STEPS, (checks.SCENES, checks.SEED), checks.BAR, f"{checks.STEPS} steps")


def saved_rcnns(seed: int) -> Iterator[Figure]:
    yield from cropped_by(dict(list(RCNN.items())[:2]), seed, 600, (200, 0), rcnn_checks.SAVED_BAR, "saved")


def cropped_by(
    ways: dict[str, Callable[[int], Any]], seed: int, steps: int, scenes: tuple[int, int], bar: float, what: str
) -> Iterator[Figure]:
    data = crops_and_boxes.training_set(rcnn, crowded(*scenes))
    held_out = drawn_animals.crowded(rcnn_checks.HELD_OUT, 1000 + seed)
    for name, create in ways.items():
        torch.manual_seed(seed)
        model, optimizer, schedule = create(steps)
        rcnn.train_rcnn(model, optimizer, schedule, data, steps)
        model.eval()
        yield name, f"AP at 0.5, {what}", crops_and_boxes.average_precision(rcnn, model, held_out), bar


TRAININGS = {
    "localization": localizations,
    "saved-localization": saved_localizations,
    "rcnn": rcnns,
    "saved-rcnn": saved_rcnns,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What trainings of assignment 9 reach, seed by seed.")
    parser.add_argument("trainings", nargs="+", choices=TRAININGS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for training in args.trainings:
        reached: dict[tuple[str, str, float], list[float]] = {}
        for seed in range(args.first, args.first + args.seeds):
            for name, what, value, bar in TRAININGS[training](seed):
                reached.setdefault((name, what, bar), []).append(value)
                print(f"{training} seed {seed}: {value:.3f} {what}, {name}", file=sys.stderr, flush=True)
        print("| network and optimizer | what | bar | seeds | lowest | mean | highest | deviations above |")
        print("|---|---|---|---|---|---|---|---|")
        for (name, what, bar), values in reached.items():
            mean, spread = statistics.mean(values), statistics.stdev(values) if len(values) > 1 else float("nan")
            figures = f"{min(values):.3f} | {mean:.3f} | {max(values):.3f} | {(mean - bar) / spread:.1f}"
            print(f"| {name} | {what} | {bar:.2f} | {len(values)} | {figures} |")


if __name__ == "__main__":
    main()
