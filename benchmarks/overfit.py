"""Whether the verdict on a choice of weight scale and learning rate hangs on the seed: assignment 6's `overfit`.

    python benchmarks/overfit.py --draws 24

Trains the reference's network on fresh images and weights, `draws` times for each choice, as the hidden check does, and
prints how many draws reach the check's bar. The check takes seven draws, of which four must reach it, or the first two;
from the share of draws follows in how many of 100 gradings a choice gets the verdict that it mostly gets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from math import comb
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
CHOICES = [(scale, rate) for scale in (0.05, 0.1, 0.2, 0.3, 0.5) for rate in (5e-4, 1e-3, 3e-3, 5e-3, 1e-2)]
# As in tests/hidden/a6_convolutional_networks/test_training.py.
EPOCHS, ROUND, BAR, DRAWS, AT_ONCE = 30, 5, 0.7, 7, 2


def reached(module: Any, draw_shapes: Any, choice: tuple[float, float], seed: int) -> bool:
    """Whether one network reaches the bar."""
    pixels, labels = draw_shapes(50, seed)
    images = pixels.to(torch.float32) / 255
    images -= images.mean(dim=(0, 2, 3), keepdim=True)
    torch.manual_seed(seed)
    settings = {"num_filters": [8, 16, 32, 64], "max_pools": [0, 1, 2, 3], "reg": 1e-5}
    model = module.DeepConvNet(**settings, weight_scale=choice[0])
    solver = module.Solver(
        model,
        {"X_train": images, "y_train": labels, "X_val": images[:1], "y_val": labels[:1]},
        update_rule=module.Solver.adam,
        optim_config={"learning_rate": choice[1]},
        batch_size=10,
        num_epochs=ROUND,
        num_train_samples=1,
        verbose=False,
    )
    for _ in range(0, EPOCHS, ROUND):
        solver.train(return_best_params=False)
        if float((model.loss(images).argmax(dim=1) == labels).to(torch.float64).mean()) >= BAR:
            return True
    return False


def passes(share: float) -> float:
    """The probability that a choice passes, if so large a share of its draws reaches the bar."""
    late = at_least(DRAWS // 2 + 1, DRAWS, share) - share**AT_ONCE * at_least(
        DRAWS // 2 + 1 - AT_ONCE, DRAWS - AT_ONCE, share
    )
    return share**AT_ONCE + late


def at_least(wanted: int, draws: int, share: float) -> float:
    """The probability that so many of some draws reach the bar."""
    counts = range(wanted, draws + 1)
    return sum(comb(draws, count) * share**count * (1 - share) ** (draws - count) for count in counts)


def rows(draws: int) -> Iterator[str]:
    """A line for each choice."""
    sys.path[:0] = [str(ROOT / "solutions"), str(ROOT / "solutions/a6_convolutional_networks")]
    import convolutional_networks

    from common.shapes import draw_shapes

    yield f"{'weight scale':>12}  {'rate':>7}  {'draws at the bar':>16}  {'passes, of 100':>14}"
    for scale, rate in CHOICES:
        count = sum(reached(convolutional_networks, draw_shapes, (scale, rate), 1000 + seed) for seed in range(draws))
        chance = passes(count / draws)
        yield f"{scale:12g}  {rate:7g}  {count:7} of {draws:<5}  {100 * chance:14.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Choices of assignment 6's overfit, by many seeds.")
    parser.add_argument("--draws", type=int, default=24, help="networks trained for each choice (24)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for row in rows(args.draws):
        print(row, flush=True)


if __name__ == "__main__":
    main()
