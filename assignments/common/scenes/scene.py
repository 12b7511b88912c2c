"""Scenes drawn from a seed: pictures of animals, and everything that is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .animals import COATS, POSES, Dice
from .canvas import FINE, Canvas, channels
from .painters import Standing, paint_animal, paint_tree
from .solids import Array, Solid
from .world import GRASS, IGNORE, World, make_world, paint_background

__all__ = ["CLASSES", "STUFF", "THINGS", "WORDS", "Scene", "Thing", "draw_scene", "draw_scenes"]

STUFF, THINGS = ("sky", "grass", "tree"), ("cat", "dog", "duck")
CLASSES = STUFF + THINGS
EMPTY = 1 / 30  # the share of scenes without animals, where `things` starts at 0
FEWEST_PIXELS, LEAST_VISIBLE = 24, 0.2  # an animal of which less is seen is not listed
ATTEMPTS = 20
LENGTH = {"cat": 0.78, "dog": 1.0, "duck": 0.8}  # of a body; a duck is drawn large, or nobody would see it
NOTHING = "a meadow without animals"
PLACES = ("on the left", "in the middle", "on the right")
SIZES = ("small", "", "big")

WORDS = tuple(
    sorted(
        {"a", "an", "on", "grass", *THINGS}
        | {word for coats in COATS.values() for coat in coats for word in coat.word.split()}
        | {word for text in (*PLACES, *SIZES, *sum(POSES.values(), ())) for word in text.split()}
    )
)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Thing:
    """One animal as it is seen.

    Attributes:
        kind: "cat", "dog" or "duck"; `label` is its number in CLASSES.
        pose, coat, size: words; size is "small", "" or "big".
        yaw: where the nose points, in degrees: 0 right, 90 to the viewer, 180 left, 270 away.
        box: (x1, y1, x2, y2) around the visible pixels. Coordinates are edges of pixels: the width is x2 - x1.
        whole_box: the same around the whole animal, also behind others, as far as the image reaches.
        mask: (H, W) bool, its visible pixels; masks of a scene are disjoint.
        visible: the share of its pixels that is visible, in (0, 1].
        caption: such as "a big orange dog walking on the grass on the right"; its words are all in WORDS.
        solid: its ellipsoids in pixels: x right, y up (a row r of the image is y = -r), z towards the viewer.
    """

    kind: str
    pose: str
    coat: str
    size: str
    yaw: float
    box: Box
    whole_box: Box
    mask: Array
    visible: float
    caption: str
    solid: Solid

    @property
    def label(self) -> int:
        return CLASSES.index(self.kind)

    def voxels(self, side: int = 24) -> Array:
        """(side, side, side) bool with index (x, y, z): x right, y up, z to the viewer; the cube holds all of it."""
        return self.solid.voxels(side)

    def mesh(self, rings: int = 8) -> tuple[Array, Array]:
        """Its smooth surface, in pixels as `solid`: vertices (V, 3) and outward triangles (F, 3), see `Solid.mesh`."""
        return self.solid.mesh(rings)

    def surface(self, count: int, seed: int) -> tuple[Array, Array]:
        """Points spread evenly over its surface, in pixels as `solid`, and outward normals: (count, 3) each."""
        return self.solid.surface(count, seed)


@dataclass(frozen=True)
class Scene:
    """A picture and what it shows.

    Attributes:
        image: (3, H, W) uint8, RGB.
        labels: (H, W) uint8: 0 sky, 1 grass, 2 tree, 3 cat, 4 dog, 5 duck; 255 where it cannot be told, which is a
            rim one pixel wide around every animal, and animals of which too little is seen.
        things: the animals from far to near.
        light: the time of day, in a word.
    """

    image: Array
    labels: Array
    things: tuple[Thing, ...]
    light: str

    @cached_property
    def caption(self) -> str:
        """All captions joined by "; ", or "a meadow without animals"."""
        return "; ".join(thing.caption for thing in self.things) or NOTHING


def draw_scene(
    seed: int,
    index: int,
    *,
    height: int = 96,
    width: int = 128,
    things: tuple[int, int] = (0, 5),
    near: tuple[float, float] = (0.12, 0.97),
) -> Scene:
    """Draw scene `index` of a seed.

    Args:
        seed, index: 0 or more; the same pair gives the same bytes, whatever else is drawn.
        height, width: in pixels, at least 16. Everything scales with the height.
        things: the least and the largest number of animals, which are all equally likely, except that none at all
            is drawn once in 30 scenes where the least is 0. There are fewer where no more find room, but never
            fewer visible ones than the least.
        near: how near the animals stand, from 0 (at the horizon) to 1 (at the lower edge).

    Raises:
        ValueError: an argument is not as said above.

    >>> scene = draw_scene(0, 2)
    >>> scene.image.shape, scene.labels.shape, [thing.kind for thing in scene.things]
    ((3, 96, 128), (96, 128), ['dog', 'cat'])
    """
    if min(seed, index) < 0 or min(height, width) < 16:
        raise ValueError(f"seed {seed}, index {index}, size {height}x{width}: nothing negative, no side below 16")
    if not 0 <= things[0] <= things[1] or not 0 <= near[0] <= near[1] <= 1:
        raise ValueError(f"things {things}, near {near}: a lower and an upper end; near within 0 and 1")
    for attempt in range(ATTEMPTS):
        scene = _draw(Dice([seed, index, attempt]), height, width, things, near)
        if len(scene.things) >= things[0]:
            return scene
    raise ValueError(f"{things[0]} animals that stand at {near} do not find room in a picture of {height}x{width}")


def draw_scenes(count: int, seed: int, *, first: int = 0, **settings) -> list[Scene]:  # type: ignore[no-untyped-def]
    """Scenes first, first + 1, ... of a seed, with the settings of `draw_scene`; none depends on `count`."""
    return [draw_scene(seed, index, **settings) for index in range(first, first + count)]


def _draw(dice: Dice, height: int, width: int, things: tuple[int, int], near: tuple[float, float]) -> Scene:
    canvas = Canvas(height, width)
    world = make_world(canvas, dice)
    paint_background(world)
    steps: list[Standing | tuple[float, float, float]] = [*_animals(world, things, near), *_trees(world)]
    drawn: list[tuple[Standing, Solid, Array]] = []
    for step in sorted(steps, key=lambda step: step.foot if isinstance(step, Standing) else step[1]):
        if isinstance(step, Standing):
            drawn.append((step, *paint_animal(world, step, CLASSES.index(step.kind), len(drawn))))
        else:
            paint_tree(world, *step)
    image = _picture(canvas, dice)
    return Scene(image, *_listed(canvas, drawn), world.light.word)


def _animals(world: World, things: tuple[int, int], near: tuple[float, float]) -> list[Standing]:
    """Where animals stand: none of them hides most of another."""
    canvas, dice = world.canvas, world.dice
    wanted = 0 if things[0] == 0 and dice.uniform() < EMPTY else dice.randint(max(things[0], 1), max(things[1], 1) + 1)
    wanted = min(wanted, things[1])
    flock = THINGS[dice.randint(3)] if dice.uniform() < 0.25 else None
    placed: list[Standing] = []
    boxes: list[Array] = []
    for _ in range(60):
        if len(placed) == wanted:
            break
        kind = flock if flock and dice.uniform() < 0.8 else THINGS[dice.randint(3)]
        close = dice.uniform(*near)
        foot = world.row(close)
        scale = canvas.height * (0.17 + 0.46 * close) * LENGTH[kind] * dice.uniform(0.8, 1.2)
        x = dice.uniform(0.06, 0.94) * canvas.width
        box = np.array([x - 0.55 * scale, foot - 0.9 * scale, x + 0.55 * scale, foot])
        if any(_shared(box, other) >= 0.45 for other in boxes):
            continue
        pose, coat = (choice[dice.randint(len(choice))] for choice in (POSES[kind], COATS[kind]))
        placed.append(Standing(kind, pose, coat, x, foot, scale, _yaw(dice)))
        boxes.append(box)
    return placed


def _shared(box: Array, other: Array) -> float:
    """The overlap of two boxes as a share of the smaller one."""
    both = np.clip(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0, None).prod()
    return float(both / min((box[2:] - box[:2]).prod(), (other[2:] - other[:2]).prod()))


def _yaw(dice: Dice) -> float:
    """Seven of ten animals are seen from the side, two from the front, one from behind."""
    side, spread = (0 if dice.uniform() < 0.5 else 180), dice.uniform()
    middle, range_ = (side, 35) if spread < 0.7 else (90, 60) if spread < 0.9 else (270, 50)
    return (middle + dice.uniform(-range_, range_)) % 360


def _trees(world: World) -> list[tuple[float, float, float]]:
    """(x, foot, height) of up to five trees, most of them far."""
    dice, canvas, trees = world.dice, world.canvas, []
    for _ in range(dice.randint(0, 6)):
        near = dice.uniform(0.02, 0.45) ** 1.3 if dice.uniform() < 0.85 else dice.uniform(0.5, 0.9)
        height = canvas.height * (0.22 + 0.75 * near) * dice.uniform(0.7, 1.3)
        trees.append((dice.uniform(-0.05, 1.05) * canvas.width, world.row(near), height))
    return trees


def _parts(values: Array) -> list[Array]:
    """The four subsamples of every pixel."""
    return [values[..., i::FINE, j::FINE] for i in range(FINE) for j in range(FINE)]


def _picture(canvas: Canvas, dice: Dice) -> Array:
    """The image (3, H, W) uint8: halved, with a camera's white balance, contrast and noise."""
    colour = sum(_parts(canvas.colour)) / FINE**2
    cast = dice.uniform(0.93, 1.07, 3) * dice.uniform(0.88, 1.12)
    colour = np.clip(colour * channels(cast), 0, 1) ** dice.uniform(0.9, 1.1)
    grain = dice.normal(size=(*colour.shape[1:], 3)).transpose(2, 0, 1)
    colour = colour + grain * dice.uniform(0.003, 0.012)
    return np.round(np.clip(colour, 0, 1) * 255).astype(np.uint8)


def _listed(canvas: Canvas, drawn: Sequence[tuple[Standing, Solid, Array]]) -> tuple[Array, tuple[Thing, ...]]:
    """Labels of the pixels, and the animals of which enough is seen."""
    owners = _parts(canvas.owner)
    votes = np.stack([sum(part.astype(np.uint8) for part in _parts(canvas.label == k)) for k in range(len(CLASSES))])
    labels = votes.argmax(axis=0).astype(np.uint8)
    labels[np.any([part != owners[0] for part in owners[1:]], axis=0)] = IGNORE
    shown = [sum(part.astype(np.uint8) for part in _parts(canvas.owner == number)) for number in range(len(drawn))]
    things, taken = [], np.zeros(labels.shape, bool)
    for (animal, solid, whole), share in reversed(list(zip(drawn, shown, strict=True))):
        mask = (share >= 2) & ~taken  # of two that share a pixel evenly, the nearer one has it
        taken |= mask
        full = sum(part.astype(np.uint8) for part in _parts(whole)) >= 2
        if mask.sum() < max(FEWEST_PIXELS, LEAST_VISIBLE * full.sum()):
            labels[share > 0] = IGNORE  # nobody could name it
            continue
        things.append(_thing(animal, solid, mask, full))
    return labels, tuple(reversed(things))


def _thing(animal: Standing, solid: Solid, mask: Array, full: Array) -> Thing:
    box = _around(mask)
    height, width = mask.shape
    tall, middle = (box[3] - box[1]) / height, (box[0] + box[2]) / 2 / width
    size = SIZES[(tall >= 0.22) + (tall > 0.48)]
    place = PLACES[(middle >= 1 / 3) + (middle > 2 / 3)]
    words = [size, animal.coat.word, animal.kind, animal.pose, "on the", STUFF[GRASS], place]
    text = " ".join(word for word in words if word)
    caption = f"an {text}" if text[0] in "aeiou" else f"a {text}"
    visible = float(mask.sum() / full.sum())
    names = (animal.kind, animal.pose, animal.coat.word, size, animal.yaw)
    return Thing(*names, box, _around(full), mask, visible, caption, solid)


def _around(mask: Array) -> Box:
    """The smallest box around the pixels of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
