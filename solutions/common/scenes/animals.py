"""Cats, dogs and ducks as solids: their coats, their poses, and how each body is put together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .solids import Array, Builder, Point, Solid, turn

__all__ = ["COATS", "POSES", "Coat", "Dice", "build"]

Dice = np.random.RandomState  # its streams are frozen: a seed gives the same numbers in every version of numpy
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Coat:
    """The colours of an animal.

    Attributes:
        word: what a caption calls it.
        main, second: colours in [0, 1].
        pattern: how the second colour lies over the first: plain, tabby, patches, bib (chest and paws), points (face,
            paws and tail) or drake.
    """

    word: str
    main: Colour
    second: Colour
    pattern: str = "plain"

    @property
    def chest(self) -> Colour:
        return self.second if self.pattern == "bib" else self.main

    @property
    def paw(self) -> Colour:
        return self.second if self.pattern in ("bib", "points") else self.main

    @property
    def tip(self) -> Colour:
        return self.second if self.pattern == "points" else self.main


WHITE, CREAM, TAN, ORANGE = (0.95, 0.94, 0.92), (0.90, 0.81, 0.66), (0.73, 0.55, 0.36), (0.88, 0.53, 0.21)
BROWN, DARK, GREY, BLACK = (0.47, 0.32, 0.21), (0.29, 0.20, 0.14), (0.57, 0.57, 0.60), (0.14, 0.14, 0.16)
YELLOW, GREEN, BEAK, PINK = (0.97, 0.82, 0.26), (0.09, 0.38, 0.28), (0.96, 0.58, 0.11), (0.88, 0.58, 0.56)
INK, NOSE = (0.04, 0.04, 0.05), (0.08, 0.06, 0.06)

_SHARED = (
    Coat("white", WHITE, CREAM),
    Coat("black", BLACK, (0.22, 0.21, 0.22)),
    Coat("grey", GREY, WHITE, "bib"),
    Coat("brown", BROWN, DARK),
    Coat("black and white", BLACK, WHITE, "bib"),
    Coat("cream", CREAM, WHITE),
)
COATS: dict[str, tuple[Coat, ...]] = {
    "cat": (
        *_SHARED,
        Coat("orange", ORANGE, (0.68, 0.34, 0.11), "tabby"),
        Coat("striped", (0.60, 0.52, 0.43), (0.30, 0.25, 0.21), "tabby"),
        Coat("spotted", WHITE, ORANGE, "patches"),
        Coat("cream", CREAM, DARK, "points"),
    ),
    "dog": (
        *_SHARED,
        Coat("golden", (0.83, 0.63, 0.35), CREAM, "bib"),
        Coat("spotted", WHITE, BLACK, "patches"),
        Coat("spotted", WHITE, BROWN, "patches"),
        Coat("orange", (0.80, 0.47, 0.21), WHITE, "bib"),
        Coat("tan", TAN, DARK, "points"),
    ),
    "duck": (
        Coat("white", WHITE, WHITE),
        Coat("yellow", YELLOW, (0.98, 0.89, 0.45)),
        Coat("brown", BROWN, TAN, "patches"),
        Coat("grey", (0.68, 0.66, 0.63), BROWN, "drake"),
        Coat("black", BLACK, WHITE, "patches"),
        Coat("spotted", WHITE, GREY, "patches"),
    ),
}
POSES: dict[str, tuple[str, ...]] = {
    "cat": ("standing", "walking", "sitting", "lying"),
    "dog": ("standing", "walking", "sitting", "lying"),
    "duck": ("standing", "walking", "sitting", "feeding"),
}


def build(kind: str, pose: str, coat: Coat, dice: Dice) -> Solid:
    """An animal in its own frame; a dog's body is about 1 long."""
    if kind == "duck":
        return _duck(dice, coat, pose)
    return _beast(dice, coat, pose, _CAT if kind == "cat" else _DOG)


def _darker(colour: Colour, share: float = 0.8) -> Colour:
    return tuple(share * value for value in colour)  # type: ignore[return-value]


def _eyes(head: Builder, x: float, y: float, apart: float, size: float, iris: Colour) -> None:
    for side in (-1, 1):
        head.ball((x, y, side * apart), (0.7 * size, size, 0.8 * size), iris, fur=0, sharp=True)
        pupil = (x + 0.45 * size, y, side * (apart + 0.25 * size))
        head.ball(pupil, 0.62 * size, INK, fur=0, sharp=True)


def _cat_head(dice: Dice, coat: Coat) -> Solid:
    """Round and short, with pointed ears."""
    head = Builder()
    head.ball((0.06, 0.04, 0), (0.19, 0.175, 0.205), coat.main)
    for side in (-1, 1):  # cheeks
        head.ball((0.16, -0.045, side * 0.075), (0.08, 0.065, 0.075), coat.chest, fur=0.3)
    head.ball((0.245, -0.055, 0), (0.035, 0.04, 0.05), coat.chest, fur=0)
    head.ball((0.268, -0.01, 0), (0.022, 0.022, 0.030), PINK, fur=0, sharp=True)
    spread = dice.uniform(0.105, 0.13)
    for side in (-1, 1):
        ear = [(0.03 - 0.02 * step, 0.11 + 0.085 * step, side * (spread + 0.014 * step**1.5)) for step in range(4)]
        head.chain(ear, (0.088, 0.062, 0.030), coat.tip)
        head.ball((0.072, 0.215, side * (spread + 0.015)), (0.030, 0.078, 0.036), PINK, fur=0, sharp=True)
    iris = ((0.47, 0.68, 0.24), (0.88, 0.72, 0.20), (0.36, 0.57, 0.74))[dice.randint(3)]
    _eyes(head, 0.192, 0.065, 0.095, 0.043, iris)
    return head.solid()


def _dog_head(dice: Dice, coat: Coat) -> Solid:
    """A long muzzle; ears hang, or stand in one dog of five."""
    head = Builder()
    length = dice.uniform(0.21, 0.34)
    head.ball((0.04, 0.045, 0), (0.19, 0.17, 0.17), coat.main)
    head.limb((0.11, -0.02, 0), (0.10 + length, -0.05, 0), 0.097, coat.chest, fur=0.3)
    head.ball((0.15 + length, -0.008, 0), (0.045, 0.043, 0.05), NOSE, fur=0, sharp=True)
    if dice.uniform() < 0.35:
        head.ball((0.06 + length, -0.15, 0), (0.06, 0.05, 0.045), (0.87, 0.40, 0.43), fur=0, sharp=True)
    upright = dice.uniform() < 0.2
    ear = _darker(coat.second if coat.pattern in ("points", "patches") else coat.main)
    for side in (-1, 1):
        if upright:
            stem = [(0, 0.12, side * 0.11), (-0.02, 0.22, side * 0.13), (-0.02, 0.32, side * 0.13)]
            head.chain(stem, (0.07, 0.045), ear, fur=0)
        else:
            head.limb((-0.02, 0.13, side * 0.155), (0.0, -0.16, side * 0.20), 0.085, ear, flat=0.5, fur=0)
    _eyes(head, 0.185, 0.085, 0.095, 0.033, (0.25, 0.15, 0.08))
    return head.solid()


def _duck_head(coat: Coat) -> Solid:
    head = Builder()
    colour, fur = (GREEN, 0.0) if coat.pattern == "drake" else (coat.main, 1.0)
    head.ball((0.03, 0.03, 0), (0.155, 0.14, 0.135), colour, fur=fur)
    head.ball((0.235, -0.008, 0), (0.13, 0.045, 0.085), BEAK, fur=0)
    head.ball((0.22, -0.055, 0), (0.10, 0.025, 0.07), _darker(BEAK), fur=0)
    _eyes(head, 0.11, 0.07, 0.10, 0.029, INK)
    return head.solid()


@dataclass(frozen=True)
class _Breed:
    """What tells a cat's body from a dog's. Pairs are ranges that an animal's own value is drawn from."""

    head: Callable[[Dice, Coat], Solid]
    head_size: tuple[float, float]
    leg: tuple[float, float]
    bulk: tuple[float, float]
    half: float  # half the length of the back
    width: float  # half the distance between the legs
    limb: float  # radius
    neck: float  # how far above the back the head sits
    tail: tuple[float, float]
    tail_radius: float
    lift: tuple[float, float]  # of the tail, degrees
    curl: tuple[float, float]


_CAT = _Breed(
    *(_cat_head, (1.0, 1.08), (0.30, 0.36), (0.155, 0.19), 0.36, 0.10, 0.055, 0.26),
    *((0.55, 0.8), 0.05, (0, 70), (-60, 120)),
)
_DOG = _Breed(
    *(_dog_head, (0.85, 1.0), (0.24, 0.50), (0.165, 0.23), 0.40, 0.12, 0.065, 0.32),
    *((0.22, 0.45), 0.06, (15, 85), (0, 140)),
)


def _beast(dice: Dice, coat: Coat, pose: str, breed: _Breed) -> Solid:
    """A cat or a dog."""
    body = Builder()
    leg, bulk = dice.uniform(*breed.leg), dice.uniform(*breed.bulk)
    head = breed.head(dice, coat)
    nod = turn(dice.uniform(-45, 45), dice.uniform(-20, 15))
    if pose == "sitting":
        neck, root, lift = _sitting(body, coat, breed, bulk)
    elif pose == "lying":
        neck, root, lift = _lying(body, coat, breed, bulk)
    else:
        stride = dice.uniform(0.10, 0.20) if pose == "walking" else 0.02
        neck, root, lift = _upright(body, coat, breed, leg, bulk, stride)
    droop = 1.0 if lift is None else 0.0
    angle = droop * dice.uniform(*breed.lift) + (lift or 0.0) + dice.uniform(0, 15)
    _tail(body, root, dice.uniform(*breed.tail), breed.tail_radius, angle, dice.uniform(*breed.curl), coat.tip)
    body.attach(head, neck + np.array([0.03, 0.04, 0]), nod, dice.uniform(*breed.head_size))
    return body.solid()


Stance = tuple[
    Array, Point, float | None
]  # where the head sits, where the tail starts, its angle where the pose sets it


def _upright(body: Builder, coat: Coat, breed: _Breed, leg: float, bulk: float, stride: float) -> Stance:
    half, back = breed.half, leg + bulk
    body.ball((0, back, 0), (half + 0.12, bulk, 0.9 * bulk), coat.main)
    body.ball((half - 0.04, back + 0.02, 0), (0.20, 1.18 * bulk, bulk), coat.main)
    body.ball((half + 0.08, back - 0.03, 0), (0.11, 0.9 * bulk, 0.7 * bulk), coat.chest, fur=0.3)
    body.ball((-half + 0.02, back + 0.01, 0), (0.20, 1.1 * bulk, 0.95 * bulk), coat.main)
    for side in (-1, 1):
        for hip, step in ((half, side * stride), (-half, -side * stride)):
            across = side * breed.width
            bend = 0.03 if hip > 0 else -0.05  # front knees point forwards, hocks backwards
            knee, foot = (hip + step / 2 + bend, 0.5 * leg, across), (hip + step, 0.06, across)
            body.limb((hip, leg + 0.05, 0.9 * across), knee, 1.3 * breed.limb, coat.main)
            body.limb(knee, foot, breed.limb, coat.paw, fur=0.5)
            toes = (hip + step + 0.04, 0.045, across)
            body.ball(toes, (1.5 * breed.limb, 0.045, 1.1 * breed.limb), coat.paw, fur=0.3)
    neck = np.array([half + 0.20, back + breed.neck, 0])
    body.limb((half + 0.02, back + 0.05, 0), neck, 0.12, coat.main)
    return neck, (-half - 0.13, back + 0.08, 0), None


def _sitting(body: Builder, coat: Coat, breed: _Breed, bulk: float) -> Stance:
    width, limb = breed.width, breed.limb
    body.limb((-0.12, 0.26, 0), (0.16, 0.62, 0), 1.15 * bulk, coat.main)
    body.ball((-0.13, 0.22, 0), (0.23, 0.21, 1.25 * bulk), coat.main)
    body.ball((0.20, 0.56, 0), (0.12, 0.17, 0.85 * bulk), coat.chest, fur=0.3)
    for side in (-1, 1):
        body.limb((0.20, 0.50, side * width), (0.27, 0.06, side * width), 1.15 * limb, coat.main)
        body.ball((0.31, 0.045, side * width), (1.5 * limb, 0.045, 1.1 * limb), coat.paw, fur=0.3)
        body.ball((-0.05, 0.18, side * (bulk + 0.03)), (0.20, 0.17, 0.085), coat.main)
        body.ball((0.12, 0.045, side * (bulk + 0.04)), (0.11, 0.045, 0.06), coat.paw, fur=0.3)
    neck = np.array([0.27, 0.60 + breed.neck, 0])
    body.limb((0.17, 0.62, 0), neck, 0.125, coat.main)
    return neck, (-0.30, 0.10, 0), 8.0


def _lying(body: Builder, coat: Coat, breed: _Breed, bulk: float) -> Stance:
    half, width = breed.half, breed.width
    body.ball((0, 1.05 * bulk, 0), (half + 0.14, 1.1 * bulk, 1.15 * bulk), coat.main)
    body.ball((-half + 0.06, bulk, 0), (0.22, 1.05 * bulk, 1.3 * bulk), coat.main)
    body.ball((half - 0.02, 1.2 * bulk, 0), (0.17, 1.15 * bulk, bulk), coat.chest, fur=0.5)
    for side in (-1, 1):
        front = side * width
        body.limb((half - 0.02, 0.09, front), (half + 0.28, 0.05, front), breed.limb, coat.main)
        body.ball((half + 0.30, 0.045, front), (1.2 * breed.limb, 0.045, breed.limb), coat.paw, fur=0.3)
        body.ball((-half + 0.12, 0.10, 1.2 * side * bulk), (0.17, 0.10, 0.07), coat.main)
    neck = np.array([half + 0.14, 2 * bulk + 0.16, 0])
    body.limb((half - 0.02, 1.4 * bulk, 0), neck, 0.12, coat.main)
    return neck, (-half - 0.13, 0.7 * bulk, 0), 4.0


def _tail(
    body: Builder, root: Point, length: float, radius: float, lift: float, curl: float, colour: Colour, steps: int = 5
) -> None:
    """Limbs along an arc that starts backwards, `lift` degrees upwards, and bends by `curl` degrees in all."""
    points, angle = [np.asarray(root, float)], math.radians(180 - lift)
    for _ in range(steps):
        points.append(points[-1] + length / steps * np.array([math.cos(angle), math.sin(angle), 0]))
        angle -= math.radians(curl / steps)
    body.chain(points, np.linspace(radius, 0.7 * radius, steps), colour)


def _duck(dice: Dice, coat: Coat, pose: str) -> Solid:
    body, leg = Builder(), 0.0 if pose == "sitting" else 0.14
    base = leg + 0.20
    drake = coat.pattern == "drake"
    body.ball((0, base, 0), (0.42, 0.21, 0.24), coat.main)
    body.ball((0.22, base + 0.03, 0), (0.23, 0.20, 0.20), BROWN if drake else coat.main, fur=0.0 if drake else 1.0)
    tail = [(-0.28, base + 0.06, 0), (-0.45, base + 0.15, 0), (-0.58, base + 0.25, 0)]
    body.chain(tail, (0.12, 0.06), coat.main, flat=1.3)
    wing = coat.second if coat.pattern == "patches" else _darker(coat.main, 0.86)
    stride = dice.uniform(0.06, 0.12) if pose == "walking" else 0.0
    for side in (-1, 1):
        body.ball((-0.08, base + 0.06, 0.20 * side), (0.30, 0.13, 0.075), wing, turned=turn(0, -10), fur=0.2)
        if leg:
            foot = 0.02 + side * stride
            body.limb((0.0, leg + 0.05, 0.10 * side), (foot, 0.03, 0.10 * side), 0.030, BEAK, fur=0)
            body.ball((foot + 0.05, 0.02, 0.10 * side), (0.09, 0.022, 0.065), BEAK, fur=0)
    if pose == "feeding":
        top, nod = np.array([0.56, base + 0.02, 0]), turn(dice.uniform(-20, 20), -50)
        neck, radii = [(0.26, base + 0.08, 0), (0.42, base + 0.13, 0), top], (0.12, 0.09)
    else:
        height = dice.uniform(0.28, 0.44)
        top, nod = np.array([0.36, base + height + 0.08, 0]), turn(dice.uniform(-50, 50), dice.uniform(-12, 10))
        neck, radii = [(0.24, base + 0.06, 0), (0.34, base + 0.6 * height, 0), top], (0.135, 0.095)
    body.chain(neck, radii, GREEN if drake else coat.main, fur=0.0 if drake else 1.0)
    body.attach(_duck_head(coat), top + np.array([0.02, 0.05, 0]), nod)
    return body.solid()
