"""The world that animals stand in: light, sky, hills, woods and grass, painted from far to near."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .animals import Dice
from .canvas import BLADES, LEAF, SMOOTH, SOFT, Canvas, channels, noise
from .solids import Array

__all__ = ["GRASS", "IGNORE", "LEAVES", "SKY", "TREE", "World", "make_world", "paint_background"]

SKY, GRASS, TREE = range(3)
IGNORE = 255

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """A time of day: colours of the sky (top and lower edge) and of the sun, and how the light is spread."""

    word: str
    top: Colour
    low: Colour
    sun: Colour
    ambient: float  # the share of light that comes from the whole sky
    height: float  # of the sun, 1 is high


LIGHTS = (
    Light("noon", (0.28, 0.55, 0.93), (0.76, 0.89, 1.00), (1.00, 0.97, 0.90), 0.55, 1.2),
    Light("morning", (0.54, 0.74, 0.93), (0.98, 0.93, 0.83), (1.00, 0.93, 0.80), 0.55, 0.6),
    Light("evening", (0.44, 0.46, 0.71), (1.00, 0.74, 0.46), (1.00, 0.77, 0.52), 0.45, 0.3),
    Light("overcast", (0.68, 0.72, 0.77), (0.89, 0.90, 0.91), (0.82, 0.84, 0.87), 0.75, 1.0),
    Light("dusk", (0.23, 0.25, 0.47), (0.83, 0.56, 0.57), (0.74, 0.64, 0.74), 0.50, 0.4),
    Light("dawn", (0.61, 0.66, 0.87), (1.00, 0.82, 0.78), (1.00, 0.87, 0.80), 0.55, 0.4),
    Light("storm", (0.36, 0.42, 0.47), (0.66, 0.72, 0.69), (0.80, 0.82, 0.78), 0.60, 1.0),
)
MEADOWS = (
    *((0.38, 0.63, 0.21), (0.31, 0.54, 0.18), (0.50, 0.57, 0.26)),
    *((0.74, 0.66, 0.36), (0.60, 0.50, 0.26), (0.66, 0.74, 0.64)),
)
LEAVES = (
    *((0.20, 0.44, 0.16), (0.30, 0.52, 0.18), (0.13, 0.34, 0.19), (0.42, 0.50, 0.20)),  # summer
    *((0.83, 0.46, 0.13), (0.70, 0.24, 0.13), (0.87, 0.68, 0.21), (0.45, 0.32, 0.24)),  # autumn
    *((0.93, 0.72, 0.79), (0.89, 0.89, 0.85)),  # blossom
)
PETALS = ((0.97, 0.96, 0.92), (0.96, 0.83, 0.25), (0.87, 0.30, 0.30), (0.62, 0.45, 0.82), (0.96, 0.62, 0.72))

EVERYWHERE = (slice(None), slice(None))
UP = (0.0, 1.0, 0.0)


@dataclass(frozen=True)
class World:
    """What all painters of a scene share. Lengths are in subsamples; `sun` is a direction of length 1."""

    canvas: Canvas
    dice: Dice
    light: Light
    sun: Array
    horizon: float
    meadow: Array
    leaves: tuple[Array, Array]

    def depth(self, row: float) -> float:
        """How near the ground on a row is: 0 at the horizon, 1 at the lower edge of the image."""
        return (row - self.horizon) / (self.canvas.height - self.horizon)

    def row(self, near: float) -> float:
        """The row of ground that is this near."""
        return self.horizon + near * (self.canvas.height - self.horizon)

    def shade(self, colour: Array, normal: Array) -> Array:
        """What light makes of a surface: sun from one side, sky from above."""
        towards = self.sun[0] * normal[0] + self.sun[1] * normal[1] + self.sun[2] * normal[2]
        facing = np.maximum(0.35 + 0.65 * towards, 0)
        above = 0.75 + 0.25 * normal[1]
        sky = 0.5 * (channels(self.light.top) + 1)
        direct = 1.35 * (1.15 - self.light.ambient) * facing * channels(self.light.sun)
        return colour * (direct + self.light.ambient * above * sky)

    def haze(self, colour: Array, depth: float) -> Array:
        """The farther a thing is, the more it takes on the colour of the sky's lower edge."""
        share = 0.5 * math.exp(-6 * max(depth, 0.0))
        return colour * (1 - share) + share * channels(self.light.low)

    def scaled(self, length: float) -> float:
        """A length that is given for a picture 96 pixels high, in subsamples of this one."""
        return length * self.canvas.height / 192


def make_world(canvas: Canvas, dice: Dice) -> World:
    """Choose the time of day, the season and where the horizon lies."""
    light = LIGHTS[dice.randint(len(LIGHTS))]
    sun = np.array([dice.uniform(-1, 1), light.height, dice.uniform(0.3, 1)])
    first, second = (np.array(LEAVES[k]) for k in dice.randint(len(LEAVES), size=2))
    meadow = np.array(MEADOWS[dice.randint(len(MEADOWS))]) * dice.uniform(0.85, 1.1, 3)
    horizon = canvas.height * dice.uniform(0.18, 0.5)
    return World(canvas, dice, light, sun / np.linalg.norm(sun), horizon, meadow, (first, second))


def paint_background(world: World) -> None:
    """Sky, what stands at the horizon, and the meadow."""
    _sky(world)
    _hills(world)
    _woods(world)
    _meadow(world)
    _flowers(world)


def _sky(world: World) -> None:
    canvas, dice, light = world.canvas, world.dice, world.light
    above = (slice(0, math.ceil(world.horizon) + 1), slice(None))
    x, y = canvas.places(above)
    down = np.clip(y / max(world.horizon, 1), 0, 1) ** 1.2
    colour = channels(light.top) * (1 - down) + channels(light.low) * down
    u, v = dice.uniform(0, 256, 2)
    cover, stretch = dice.uniform(0.42, 0.8), dice.uniform(0.5, 0.9) / world.scaled(1)
    # Clouds get flatter towards the horizon.
    cloud = noise(SMOOTH, x * stretch * 0.45 + u, y * stretch * (1 + 0.8 * down) + v)
    thick = np.clip((cloud - cover) * 5, 0, 1) * dice.uniform(0.55, 1)
    lit = 0.75 * channels(light.sun) + 0.25 - 0.25 * np.clip((cloud - cover) * 2, 0, 1)
    colour = colour * (1 - thick) + lit * thick
    if light.height < 1 and dice.uniform() < 0.5:
        centre = dice.uniform(0, canvas.width), world.horizon * dice.uniform(0.2, 0.8)
        far = np.hypot(x - centre[0], y - centre[1]) / world.scaled(1)
        disc = np.clip(8 - far, 0, 1)  # its rim is one subsample soft
        colour = colour + 0.5 * np.exp(-far / 14) * channels(light.sun) + 0.4 * disc
    canvas.colour[:, *above] = np.clip(colour, 0, 1)
    canvas.label[:] = SKY


def _ridge(world: World, rough: float, high: float) -> Array:
    """A height over each column, in subsamples: hills, or the tops of far trees."""
    start, row = world.dice.uniform(0, 256), world.dice.randint(256)
    at = np.arange(world.canvas.width) * rough / world.scaled(1) + start
    low, share = at.astype(int), at % 1
    values = SMOOTH[row]
    return world.scaled(high) * (values[low & 255] * (1 - share) + values[(low + 1) & 255] * share)


def _hills(world: World) -> None:
    canvas, dice = world.canvas, world.dice
    if dice.uniform() < 0.6:
        top = world.horizon - _ridge(world, 0.12, dice.uniform(8, 34))
        colour = world.haze(channels(world.meadow) * dice.uniform(0.7, 1.0) * channels(world.light.sun), 0.03)
        # A soft light along the tops.
        depth = np.clip((canvas.y - top) / world.scaled(24), 0, 1)
        canvas.paint(EVERYWHERE, canvas.y > top, colour * (1.06 - 0.1 * depth), GRASS)


def _woods(world: World) -> None:
    canvas, dice = world.canvas, world.dice
    if dice.uniform() < 0.7:
        start, stop = np.sort(dice.uniform(-0.3, 1.3, 2)) * canvas.width
        taper = np.clip(np.minimum(canvas.x - start, stop - canvas.x) / world.scaled(60), 0, 1) ** 0.5
        grain = noise(LEAF, canvas.x * 0.7, canvas.y * 0.7) - 0.5
        ridge = _ridge(world, dice.uniform(0.5, 1.2), dice.uniform(10, 34))
        top = world.horizon + 1 - ridge * taper + world.scaled(5) * grain
        mask = (canvas.y > top) & (canvas.y < world.horizon + 2) & (taper > 0)
        shade = 0.7 + 1.2 * (grain + 0.25)
        colour = world.haze(0.75 * channels(world.leaves[0]) * shade * channels(world.light.sun), 0.1)
        canvas.paint(EVERYWHERE, mask, colour, TREE)


def _meadow(world: World) -> None:
    """Grass as it is seen along the ground: what is far is small and lies in flat bands."""
    canvas, dice = world.canvas, world.dice
    below = (slice(math.floor(world.horizon), None), slice(None))
    x, y = (place / world.scaled(1) for place in canvas.places(below))
    near = np.clip((canvas.y[below[0]] - world.horizon) / (canvas.height - world.horizon), 0.004, 1)
    u, v = dice.uniform(0, 256, 2)
    middle = canvas.width / world.scaled(2)
    patches = noise(SOFT, (x - middle) * 0.5 / near + u, 40 / near + v)
    # Blades lean a little with the patch that they grow in, and are longer where they are near.
    blades = noise(LEAF, x * 1.3 + v + 22 * patches, y * 0.4 + u)
    fine = noise(BLADES, x * 2.1 + u + 9 * patches, y * 0.55 + v)
    meadow = channels(world.meadow)
    tint = 0.6 * channels(MEADOWS[dice.randint(len(MEADOWS))]) + 0.4 * meadow
    share = np.clip(patches * 1.6 - 0.4, 0, 1)
    colour = meadow * (1 - share) + tint * share
    texture = 0.65 * (blades - 0.5) + 0.35 * (fine - 0.5)
    colour *= 0.84 + 0.2 * near + 0.85 * texture * (0.25 + near)
    colour *= world.shade(np.ones((3, 1, 1)), channels(UP))
    share = 0.55 * np.exp(-9 * near)
    canvas.colour[:, *below] = np.clip(colour * (1 - share) + share * channels(world.light.low), 0, 1)
    canvas.label[below] = GRASS


def _flowers(world: World) -> None:
    """In every second meadow, in groups of one colour or two."""
    canvas, dice = world.canvas, world.dice
    colours = [world.shade(channels(PETALS[k]), channels(UP)) for k in dice.randint(len(PETALS), size=2)]
    for _ in range(dice.randint(0, 40) * dice.randint(0, 2)):
        near = dice.uniform(0.08, 1) ** 0.7
        x, y, radius = dice.uniform(0, canvas.width), world.row(near), world.scaled(0.5 + 1.8 * near)
        window = canvas.window(x - radius, y - radius, x + radius, y + radius)
        across, down = canvas.places(window)
        mask = np.hypot(across - x, down - y) < radius
        canvas.paint(window, mask, world.haze(colours[dice.randint(2)], near), GRASS)
