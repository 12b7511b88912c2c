"""What stands on the meadow: animals and trees, with their shadows and the grass before their feet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .animals import Coat, Dice, build
from .canvas import FINE, LEAF, ROUGH, SMOOTH, channels, look, noise
from .solids import Array, Builder, Solid, turn
from .world import GRASS, LEAVES, TREE, World

__all__ = ["Standing", "paint_animal", "paint_tree"]

PITCH = turn(roll=12)  # the camera looks down a little
BARK = ((0.34, 0.24, 0.17), (0.44, 0.36, 0.30), (0.24, 0.19, 0.16), (0.80, 0.79, 0.75))


@dataclass(frozen=True)
class Standing:
    """An animal and its place: feet at (x, foot) on the canvas, `scale` subsamples long, nose towards `yaw`."""

    kind: str
    pose: str
    coat: Coat
    x: float
    foot: float
    scale: float
    yaw: float


def paint_animal(world: World, animal: Standing, label: int, owner: int) -> tuple[Solid, Array]:
    """Paint an animal; returns its solid in pixels of the image, y upwards, and which subsamples all of it covers."""
    canvas, dice = world.canvas, world.dice
    rotation = PITCH @ turn(animal.yaw)
    solid = build(animal.kind, animal.pose, animal.coat, dice).placed(rotation, animal.scale)
    low, high = solid.bounds()
    at = (animal.x, animal.foot + 0.97 * low[1])
    _shadow(world, animal.x + (low[0] + high[0]) / 2, animal.foot - 1, (high[0] - low[0]) / 2)
    placed = solid.placed(np.eye(3), 1 / FINE, (at[0] / FINE, -at[1] / FINE, 0.0))
    whole = np.zeros((canvas.height, canvas.width), bool)
    view = look(canvas, solid, at, softness=0.04 * animal.scale)
    if view is None:
        return placed, whole
    depth = np.where(view.mask, view.depth, 0)
    x, y = canvas.places(view.window)
    points = np.stack(np.broadcast_arrays(x - at[0], at[1] - y, depth))
    points = np.tensordot(rotation.T / animal.scale, points, 1)  # in the animal's own frame
    share = _pattern(animal.coat, points, dice) * view.fur
    colour = view.colour * (1 - share) + channels(animal.coat.second) * share
    hair = noise(ROUGH, x * 2.2 + 31 * owner, y * 1.3 + 17 * owner)
    dim = np.clip(0.70 + 0.9 * points[1], 0.70, 1)  # less sky reaches what is near the ground
    rim = 0.17 * np.clip(1 - view.normal[2], 0, 1) ** 3 * channels(world.light.low)
    lit = world.shade(colour * (0.88 + 0.24 * hair), view.normal) * dim + rim
    canvas.paint(view.window, view.mask, world.haze(lit, world.depth(animal.foot)), label, owner)
    whole[view.window] = view.mask
    if dice.uniform() < 0.6:
        _tuft(world, animal.x + low[0], animal.x + high[0], animal.foot, animal.scale)
    return placed, whole


def _pattern(coat: Coat, points: Array, dice: Dice) -> Array:
    """(3, h, w) points of the animal's own frame -> (h, w) the share of the coat's second colour there."""
    waves, phases = dice.normal(size=(4, 3)) * 5.5, dice.uniform(0, 6.3, 4)
    if coat.pattern not in ("tabby", "patches", "bib"):
        return np.zeros(points.shape[1:])
    bumps = np.sin(np.tensordot(waves, points, 1) + phases[:, None, None]).mean(axis=0)
    if coat.pattern == "tabby":
        return 0.85 * np.clip(1.6 * np.sin(24 * points[0] + 2.2 * bumps + 4 * points[1]), 0, 1)
    return np.clip((bumps - (0.12 if coat.pattern == "patches" else 0.55)) * 14, 0, 1)


def _shadow(world: World, x: float, y: float, half: float) -> None:
    """A soft dark spot on the ground, `half` to each side, stretched away from the sun."""
    canvas = world.canvas
    lean, deep = -0.5 * world.sun[0] * half / max(world.light.height, 0.4), 0.22
    window = canvas.window(x - 3 * half, y - half, x + 3 * half, y + half)
    across, down = canvas.places(window)
    far = np.hypot((across - x - lean) / (1.15 * half), (down - y) / (deep * half))
    dark = (0.74 - 0.4 * world.light.ambient) * np.clip(1.25 - far, 0, 1) ** 0.8
    canvas.colour[:, *window] *= 1 - dark * (canvas.label[window] == GRASS)


def _tuft(world: World, left: float, right: float, foot: float, scale: float) -> None:
    """Blades of grass before the feet, in the colour of the ground below them."""
    canvas, dice = world.canvas, world.dice
    window = canvas.window(left, foot - 0.35 * scale, right, foot + 3)
    x, y = canvas.places(window)
    u, v, row = dice.uniform(0, 256), dice.uniform(0, 256), dice.randint(256)
    tallest = dice.uniform(0.2, 0.7) * scale
    if not (x.size and y.size):
        return
    step = 1 / world.scaled(1)
    blades = noise(ROUGH, x * 9 * step + u, np.full((1, 1), float(row)))
    patch = noise(SMOOTH, x * 0.8 * step + v, np.zeros((1, 1)))
    height = np.clip(patch - 0.35, 0, 1) * blades * tallest
    mask = (y > foot + 1 - height) & (y < foot + 2) & (height > 2)
    row_below = min(int(foot) + 3, canvas.height - 1)
    ground = canvas.colour[:, row_below : row_below + 1, window[1]]
    up = np.clip((foot - y) / np.maximum(height, 1), 0, 1)  # tips are lighter
    canvas.paint(window, mask, ground * (0.78 + 0.35 * blades + 0.25 * up), GRASS)


def paint_tree(world: World, x: float, foot: float, height: float) -> None:
    """Paint a tree: round, tall, a pine or a bush; all of it is labelled as tree."""
    canvas, dice = world.canvas, world.dice
    kind = ("round", "tall", "pine", "bush")[dice.choice(4, p=[0.4, 0.2, 0.25, 0.15])]
    leaf = world.leaves[dice.randint(2)] if kind != "pine" else np.array(LEAVES[dice.randint(4)])
    leaf = leaf * dice.uniform(0.85, 1.15)
    bark, half = np.array(BARK[dice.randint(len(BARK))]), height * 0.035 * dice.uniform(0.8, 1.6)
    _shadow(world, x, foot, 0.3 * height)
    crown = _pine(leaf, height) if kind == "pine" else _crown(kind, leaf, height, dice)
    if kind != "bush":
        _trunk(world, x, foot, height, half, bark)
    u, v = dice.uniform(0, 256, 2)
    view = look(canvas, crown, (x, foot), softness=0.02 * height, ragged=1.1)
    if view is None:
        return
    across, y = canvas.places(view.window)
    fine = noise(LEAF, across * 0.9 + v, y * 0.9 + u)
    low = np.clip(0.78 + 0.30 * (foot - y) / height, 0, 1)  # crowns are darker below
    lit = world.shade(view.colour * (0.48 + 1.05 * fine), view.normal) * low
    canvas.paint(view.window, view.mask & (y < foot + 1), world.haze(lit, world.depth(foot)), TREE)


def _pine(leaf: Array, height: float) -> Solid:
    crown = Builder()
    for level in range(6):
        share = level / 6
        wide = 0.26 * (1.05 - share) * height
        crown.ball((0, height * (0.24 + 0.72 * share), 0), (wide, 0.11 * height, wide), leaf * (0.9 + 0.2 * share))
    return crown.solid()


def _crown(kind: str, leaf: Array, height: float, dice: Dice) -> Solid:
    """A large ball of leaves with eleven smaller ones around it."""
    wide, tall, middle = {"round": (0.30, 0.24, 0.68), "tall": (0.15, 0.36, 0.60), "bush": (0.34, 0.16, 0.16)}[kind]
    crown, size = Builder(), np.array([wide, tall, wide]) * height
    for _ in range(11):
        direction = dice.normal(size=3)
        direction /= np.linalg.norm(direction) * dice.uniform(1.0, 1.6)
        centre = np.array([0, height * middle, 0]) + 0.75 * direction * size
        radii = height * dice.uniform(0.11, 0.17) * np.array([1, 0.85, 1])
        crown.ball(centre, radii, leaf * dice.uniform(0.85, 1.15))
    crown.ball((0, height * middle, 0), 0.8 * size, leaf)
    return crown.solid()


def _trunk(world: World, x: float, foot: float, height: float, half: float, bark: Array) -> None:
    """A trunk that bends a little and grows wider at its root."""
    canvas = world.canvas
    bend = world.dice.uniform(-0.06, 0.06) * height
    window = canvas.window(x - 4 * half - abs(bend), foot - 0.75 * height, x + 4 * half + abs(bend), foot + 2)
    column, row = canvas.places(window)
    up = np.clip((foot - row) / (0.75 * height), 0, 1)
    across = (column - x - bend * up * up) / (half * (1.25 - 0.75 * up + 0.8 * np.exp(-18 * up)))
    mask = (np.abs(across) < 1) & (row < foot + 1)
    normal = np.stack([across, 0 * across, np.sqrt(np.clip(1 - across**2, 0, 1))])
    grain = noise(ROUGH, column * 3, row * 0.8)
    lit = world.shade(channels(bark) * (0.7 + 0.6 * grain), normal)
    canvas.paint(window, mask, world.haze(lit, world.depth(foot)), TREE)
