"""What the detectors of assignment 10 reach after the notebooks' trainings, under many seeds; and wrong ones.

    .venv/bin/python -m benchmarks.detector_trainings faster-rcnn retinanet --seeds 5
    .venv/bin/python -m benchmarks.detector_trainings retinanet --mutant retina-reshape retina-divided-by-anchors

Scenes, bars and measuring are those of the hidden checks, on one thread. A seed draws weights, batches, chance and the
scenes that count anew; each network is measured on several sets of new scenes, as its verdict hangs on them too. A row
ends with how many standard deviations its mean lies above the bar: from 2.33 on, 99 of 100 gradings reach it.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from autograder.course.layout import Course
from autograder.grading.mutants.file import load_mutants

ROOT = Path(__file__).parents[1]
COURSE = Course.find(ROOT)
ASSIGNMENT = COURSE.assignment("a10")
FILES = (*ASSIGNMENT.files, "boxes.py", "evaluation.py", "kit.py")
sys.path[:0] = [str(ROOT / "solutions"), str(ROOT / "tests/hidden/a10_detectors")]

import comparing_parts  # noqa: E402

from common.scenes import Scene, draw_scenes  # noqa: E402

SETS = 5  # of new scenes, for each network


@dataclass(frozen=True)
class Training:
    """A notebook's training: the module with `build`, its scenes, and the steps that it makes in its time."""

    module: str
    check: str
    scenes: int
    height: int
    width: int
    steps: int


TRAININGS = {
    "faster-rcnn": Training("faster_rcnn", "test_faster_rcnn", 600, 64, 96, 515),
    "retinanet": Training("retinanet", "test_retinanet", 400, 96, 128, 450),
}
# How a student may train: the share of the steps, and other settings of `train_detector`.
WAYS: dict[str, tuple[float, Mapping[str, Any]]] = {
    "reference": (1.0, {}),
    "on a slow machine: 60 % of the steps": (0.6, {}),
    "half the rate": (1.0, {"rate": 1e-3}),
}


@cache
def drawn(training: Training) -> list[Scene]:
    return list(draw_scenes(training.scenes, 0, height=training.height, width=training.width))


@contextmanager
def solution(mutant: str | None) -> Iterator[None]:
    """The reference's modules, or with one of them as a mutant has it, can be imported inside."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in FILES:
            path = COURSE.solution(ASSIGNMENT) / name
            shutil.copy(path, scratch)
        if mutant:
            (wrong,) = (each for each in load_mutants(COURSE, ASSIGNMENT) if each.id == mutant)
            (Path(scratch) / wrong.file).write_text(wrong.source, encoding="utf-8")
        sys.path.insert(0, scratch)
        try:
            yield
        finally:
            sys.path.remove(scratch)
            for name in FILES:
                sys.modules.pop(Path(name).stem, None)


def reached(training: Training, way: str, seed: int, mutant: str | None = None) -> list[float]:
    """The average precisions of one trained network on several sets of new scenes."""
    share, settings = WAYS[way]
    check = importlib.import_module(training.check)
    with solution(mutant):
        kit, module = importlib.import_module("kit"), importlib.import_module(training.module)
        torch.manual_seed(seed)
        model, began = module.build(), time.process_time()
        kit.train_detector(model, drawn(training), 0, seed=seed, steps=round(share * training.steps), **settings)
        seconds = time.process_time() - began
        found = [precision(check, model, training, 1000 * (seed + 1) + number) for number in range(SETS)]
    words = " ".join(f"{value:.3f}" for value in found)
    print(f"{training.module}, {mutant or way}, seed {seed}, {seconds:.0f} s: {words}", file=sys.stderr, flush=True)
    return found


def precision(check: ModuleType, model: Any, training: Training, seed: int) -> float:
    images, truths = comparing_parts.scenes(check.SCENES, seed, training.height, training.width)
    return comparing_parts.average_precision(model.detect, images, truths)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the detectors of assignment 10 reach, seed by seed.")
    parser.add_argument("trainings", nargs="+", choices=TRAININGS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--ways", type=int, default=len(WAYS), help="how many of the ways, the reference first")
    parser.add_argument("--mutant", nargs="+", metavar="ID", help="train these wrong ones, and nothing else")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in args.trainings:
        training = TRAININGS[name]
        bar = max(importlib.import_module(training.check).BARS)
        print(f"{name}, {training.steps} steps, bar {bar}\n")
        print("| network | seeds | lowest | mean | highest | above the bar |")
        print("|---|---|---|---|---|---|")
        cases = [("reference", id) for id in args.mutant or ()] or [(way, None) for way in list(WAYS)[: args.ways]]
        for way, mutant in cases:
            seeds = range(args.first, args.first + args.seeds)
            values = [value for seed in seeds for value in reached(training, way, seed, mutant)]
            mean, spread = statistics.mean(values), statistics.stdev(values)
            figures = f"{min(values):.3f} | {mean:.3f} | {max(values):.3f} | {(mean - bar) / spread:.1f}"
            print(f"| {mutant or way} | {args.seeds} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
