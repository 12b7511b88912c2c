"""What trainings of assignment 11 reach: the notebooks' own, and those of honest students, under many seeds.

    .venv/bin/python -m benchmarks.instance_trainings masks captions --seeds 5

Scenes, steps, bars and measuring are those of the notebooks and of the hidden checks, on one thread. Each seed draws
the weights and the batches anew, and DRAWS times the scenes that count; the students' ways have FEWER seeds. A row ends
with how many standard deviations its mean lies above the bar: from 2.33 on, 99 of 100 reach it. A row without a
network shows what is no honest work.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
PLACES = ("solutions/a11_instance_segmentation", "solutions", "tests/hidden/a11_instance_segmentation")
sys.path[:0] = [str(ROOT / place) for place in PLACES]

import animals  # noqa: E402
import dense_captioning  # noqa: E402
import kit  # noqa: E402
import mask_rcnn  # noqa: E402
import slow_captions  # noqa: E402
import test_captions as caption_checks  # noqa: E402
import test_mask_rcnn as mask_checks  # noqa: E402

from common import reset_seed  # noqa: E402
from common.scenes import draw_scenes  # noqa: E402

DRAWS, FEWER = 3, 2
Truths = Sequence[dict[str, Tensor]]


@cache
def scenes_to_train_on(count: int) -> Any:
    return draw_scenes(count, seed=0, height=64, width=96)


@cache
def scenes_that_count(count: int, seed: int) -> tuple[Tensor, Truths]:
    return animals.scenes_with(count, seed, 64, 96)


def trained_masks(seed: int, steps: int, rate: float) -> nn.Module:
    """As the notebook does with 700 steps at a rate of 2e-3."""
    reset_seed(seed)
    model = mask_rcnn.build()
    scenes = scenes_to_train_on(500)
    kit.train_detector(model, scenes, 0.0, rate=rate, seed=seed, steps=steps, extra=["masks"])
    return model


def mask_ious(masks: Sequence[Tensor], truths: Truths) -> float:
    pairs = zip(masks, truths, strict=True)
    return float(torch.cat([mask_rcnn.mask_iou(found, truth["masks"]).diag() for found, truth in pairs]).mean())


def filled_boxes(images: Tensor, truths: Truths) -> list[Tensor]:
    full = [torch.ones(len(truth["boxes"]), 2, 2) for truth in truths]
    return [
        mask_rcnn.paste_masks(grid, truth["boxes"], *images.shape[2:]) for grid, truth in zip(full, truths, strict=True)
    ]


def masks(seed: int, way: tuple[Any, ...] | None) -> Iterator[float]:
    """Mean IoU of masks on true boxes."""
    model = trained_masks(seed, *way) if way else None
    for draw in range(DRAWS):
        images, truths = scenes_that_count(mask_checks.SCENES, 1000 + DRAWS * seed + draw)
        found = model.masks(images, truths) if model else filled_boxes(images, truths)  # type: ignore[operator]
        yield mask_ious(found, truths)


def trained_captions(seed: int, steps: int, rate: float, cycle: bool) -> dense_captioning.CaptionNet:
    """As the notebook does with 2,000 steps of one cycle at a rate of 2e-3."""
    reset_seed(seed)
    model, scenes = dense_captioning.build(), scenes_to_train_on(800)
    images, truths = kit.to_images(scenes), kit.to_targets(scenes, ["captions"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps) if cycle else None
    full = torch.tensor([n for n, target in enumerate(truths) if len(target["boxes"])])
    model.train()
    for _ in range(steps):
        batch = full[torch.randint(len(full), (8,))].tolist()
        captions = torch.cat([truths[n]["captions"] for n in batch])
        loss = model(images[batch], [truths[n]["boxes"] for n in batch], captions)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        if schedule:
            schedule.step()
    model.eval()
    return model


def similarity(said: Tensor, truths: Truths) -> float:
    wanted = torch.cat([truth["captions"] for truth in truths])
    return statistics.mean(slow_captions.similarity(*pair) for pair in zip(said, wanted, strict=True))


def best_sentence(truths: Truths) -> float:
    rows = torch.cat([target["captions"] for target in kit.to_targets(scenes_to_train_on(800)[:100], ["captions"])])
    count = sum(len(truth["captions"]) for truth in truths)
    return max(similarity(row.expand(count, -1), truths) for row in rows.unique(dim=0))


def captions(seed: int, way: tuple[Any, ...] | None) -> Iterator[float]:
    """Mean similarity of captions on true boxes."""
    model = trained_captions(seed, *way) if way else None
    for draw in range(DRAWS):
        images, truths = scenes_that_count(caption_checks.SCENES, 1000 + DRAWS * seed + draw)
        boxes = [truth["boxes"] for truth in truths]
        yield similarity(model.describe(images, boxes), truths) if model else best_sentence(truths)


Training = tuple[Callable[[int, tuple[Any, ...] | None], Iterator[float]], float, dict[str, tuple[Any, ...] | None]]
TRAININGS: dict[str, Training] = {  # what is measured, the bar, and the ways to train
    "masks": (
        masks,
        mask_checks.BAR,
        {
            "the notebook's: 700 steps, rate 2e-3": (700, 2e-3),
            "no network: a mask that fills its box": None,
            "stopped early: 450 steps": (450, 2e-3),
            "700 steps, rate 1e-3": (700, 1e-3),
        },
    ),
    "captions": (
        captions,
        caption_checks.BAR,
        {
            "the notebook's: 2,000 steps, AdamW 2e-3, one cycle": (2000, 2e-3, True),
            "no network: the best sentence for everything": None,
            "stopped early: 1,400 steps": (1400, 2e-3, True),
            "no schedule: AdamW 1e-3": (2000, 1e-3, False),
        },
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What trainings of assignment 11 reach, seed by seed.")
    parser.add_argument("trainings", nargs="+", choices=TRAININGS)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for training in args.trainings:
        reach, bar, ways = TRAININGS[training]
        rows = []
        for number, (name, way) in enumerate(ways.items()):
            values: list[float] = []
            for seed in range(min(args.seeds, FEWER) if number else args.seeds):
                values += reach(seed, way)
                print(f"{training} seed {seed}: {values[-DRAWS:]} {name}", file=sys.stderr, flush=True)
            mean, spread = statistics.mean(values), statistics.stdev(values)
            figures = f"{min(values):.3f} | {mean:.3f} | {max(values):.3f} | {(mean - bar) / spread:.1f}"
            rows.append(f"| {name} | {len(values)} | {figures} |")
        print(f"{training}, bar {bar:.2f}\n")
        print("| training | measured | lowest | mean | highest | deviations above the bar |")
        print("|---|---|---|---|---|---|", *rows, sep="\n", end="\n\n", flush=True)


if __name__ == "__main__":
    main()
