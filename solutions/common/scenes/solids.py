"""Solids: unions of ellipsoids in space. One description gives picture, mask, depth, voxels, mesh and surface points.

Frames are right-handed. In an animal's own frame x points where its nose does, y up and z to its left, and the ground
is y = 0. In the camera's frame x points right, y up and z towards the viewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Array", "Builder", "Solid", "turn"]

Array = np.ndarray
Point = Sequence[float] | Array


def turn(yaw: float = 0.0, tilt: float = 0.0, roll: float = 0.0) -> Array:
    """A rotation (3, 3), angles in degrees: roll about x first, then tilt about z (nose up), then yaw about y.

    A yaw of 90 turns a nose that points right towards the viewer.
    """
    about = []
    for angle, (i, j) in ((yaw, (0, 2)), (tilt, (0, 1)), (roll, (1, 2))):
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = cosine
        matrix[i, j], matrix[j, i] = -sine, sine
        about.append(matrix)
    return about[0] @ about[1] @ about[2]


@dataclass(frozen=True)
class Solid:
    """A union of n ellipsoids.

    Attributes:
        centres: (n, 3).
        axes: (n, 3, 3); the columns of axes[i] are the three half-axes of ellipsoid i.
        colours: (n, 3) in [0, 1].
        fur: (n,) how strongly the pattern of the coat shows, from 0 to 1.
        sharp: (n,) bool: eyes and noses, which do not melt into what they sit on.
    """

    centres: Array
    axes: Array
    colours: Array
    fur: Array
    sharp: Array

    def placed(self, rotation: Array, scale: float = 1.0, at: Point = (0.0, 0.0, 0.0)) -> Solid:
        """The same solid, turned, then scaled, then moved so that its origin lies at `at`."""
        matrix = scale * rotation
        centres = self.centres @ matrix.T + np.asarray(at, float)
        return Solid(centres, matrix @ self.axes, self.colours, self.fur, self.sharp)

    def bounds(self) -> tuple[Array, Array]:
        """The lowest and the highest corner (3,) of the smallest box around it."""
        reach = self.reach()
        return (self.centres - reach).min(axis=0), (self.centres + reach).max(axis=0)

    def reach(self) -> Array:
        """(n, 3), how far each ellipsoid reaches from its centre along x, y and z."""
        return np.sqrt((self.axes**2).sum(axis=2))

    def forms(self) -> Array:
        """(n, 3, 3), the matrix F of each ellipsoid: a point at d from its centre lies on its surface if d' F d = 1."""
        return np.linalg.inv(self.axes @ self.axes.transpose(0, 2, 1))

    def holds(self, points: Array) -> Array:
        """(..., 3) -> (...) bool: which points lie inside or on it."""
        inside = np.zeros(points.shape[:-1], bool)
        for centre, axes in zip(self.centres, self.axes, strict=True):
            local = (points - centre) @ np.linalg.inv(axes).T
            inside |= (local**2).sum(axis=-1) <= 1
        return inside

    def voxels(self, side: int = 24) -> Array:
        """(side, side, side) bool with index (x, y, z): the cells whose centre lies inside.

        The cells fill the smallest cube around the bounding box, with the box in its middle.
        """
        low, high = self.bounds()
        line = ((np.arange(side) + 0.5) / side - 0.5) * (high - low).max()
        x, y, z = ((low + high)[:, None] / 2 + line)[:, :, None, None]
        return self.holds(np.stack(np.broadcast_arrays(x, y.swapaxes(0, 1), z.swapaxes(0, 2)), axis=-1))

    def mesh(self, rings: int = 8) -> tuple[Array, Array]:
        """Every ellipsoid as a closed mesh of its own: vertices (V, 3), triangles (F, 3) int64, outward.

        `rings` circles of latitude, with 2 `rings` vertices each, lie between the two poles. The meshes reach into each
        other where the ellipsoids do.
        """
        sphere, triangles = _sphere(rings)
        vertices, faces = [], []
        for number, (centre, axes) in enumerate(zip(self.centres, self.axes, strict=True)):
            vertices.append(sphere @ axes.T + centre)
            outward = triangles if np.linalg.det(axes) > 0 else triangles[:, ::-1]
            faces.append(outward + number * len(sphere))
        return np.concatenate(vertices), np.concatenate(faces)

    def surface(self, count: int, seed: int) -> tuple[Array, Array]:
        """Points spread evenly over the surface, and outward normals of length 1: (count, 3) each."""
        dice = np.random.RandomState(seed)
        normals_of = np.linalg.inv(self.axes).transpose(0, 2, 1)
        # A piece of the unit sphere at direction u grows by |det(A)| |A^-T u|; its largest value bounds a rejection.
        most = np.abs(np.linalg.det(self.axes)) * np.linalg.norm(normals_of, ord=2, axis=(1, 2))
        points, normals, found = [], [], 0
        while found < count:
            which = dice.choice(len(most), size=4 * count, p=most / most.sum())
            u = dice.normal(size=(len(which), 3))
            u /= np.linalg.norm(u, axis=1, keepdims=True)
            normal = np.einsum("nij,nj->ni", normals_of[which], u)
            growth = np.abs(np.linalg.det(self.axes))[which] * np.linalg.norm(normal, axis=1)
            kept = dice.random_sample(len(which)) * most[which] < growth
            point = self.centres[which] + np.einsum("nij,nj->ni", self.axes[which], u)
            kept &= ~self._covered(point, which)
            points.append(point[kept])
            normals.append(normal[kept] / np.linalg.norm(normal[kept], axis=1, keepdims=True))
            found += int(kept.sum())
        return np.concatenate(points)[:count], np.concatenate(normals)[:count]

    def _covered(self, points: Array, own: Array) -> Array:
        """(P, 3) and each point's own ellipsoid -> (P,) bool: which points lie inside of another one."""
        covered = np.zeros(len(points), bool)
        for i, (centre, axes) in enumerate(zip(self.centres, self.axes, strict=True)):
            local = (points - centre) @ np.linalg.inv(axes).T
            covered |= ((local**2).sum(axis=1) < 1) & (own != i)
        return covered


def _sphere(rings: int) -> tuple[Array, Array]:
    """The unit sphere: vertices (V, 3), and triangles (F, 3) int64, counterclockwise as seen from outside."""
    around = 2 * rings
    latitude = (np.pi * np.arange(1, rings + 1) / (rings + 1))[:, None]
    longitude = (np.pi * np.arange(around) / rings)[None]
    circles = np.stack(
        np.broadcast_arrays(
            np.sin(latitude) * np.cos(longitude), np.sin(latitude) * np.sin(longitude), np.cos(latitude)
        ),
        axis=-1,
    )
    poles = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    here = np.arange(rings * around).reshape(rings, around)
    north, south = np.full(around, rings * around), np.full(around, rings * around + 1)
    upper, lower = np.vstack([north, here]), np.vstack([here, south])  # one band between each circle and the next
    bands = []
    for above, below in zip(upper, lower, strict=True):
        right_above, right_below = np.roll(above, -1), np.roll(below, -1)
        bands.append(np.stack([above, below, right_below], axis=1))
        bands.append(np.stack([above, right_below, right_above], axis=1))
    triangles = np.concatenate(bands)
    corners = np.sort(triangles, axis=1)
    flat = (np.diff(corners, axis=1) == 0).any(axis=1)  # at a pole, one of two
    return np.concatenate([circles.reshape(-1, 3), poles]), triangles[~flat].astype(np.int64)


def _cross(a: Point, b: Point) -> Array:
    """The cross product of two vectors (3,); np.cross takes ten times as long for a single one."""
    (ax, ay, az), (bx, by, bz) = map(float, a), map(float, b)
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


class Builder:
    """Puts ellipsoids together and makes a solid of them."""

    def __init__(self) -> None:
        self._centres: list[Array] = []
        self._axes: list[Array] = []
        self._colours: list[Point] = []
        self._fur: list[float] = []
        self._sharp: list[bool] = []

    def ball(
        self,
        centre: Point,
        radii: float | Point,
        colour: Point,
        *,
        turned: Array | None = None,
        fur: float = 1.0,
        sharp: bool = False,
    ) -> None:
        """Add one ellipsoid; `radii` along x, y and z, before it is turned."""
        rotation = np.eye(3) if turned is None else turned
        self._centres.append(np.asarray(centre, float))
        self._axes.append(rotation * np.asarray(radii, float))
        self._colours.append(colour)
        self._fur.append(fur)
        self._sharp.append(sharp)

    def limb(
        self, start: Point, end: Point, radius: float, colour: Point, *, flat: float = 1.0, fur: float = 1.0
    ) -> None:
        """Add one long ellipsoid from start to end; `flat` below 1 makes it thinner in its third direction."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        across = _cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (0.0, 1.0, 0.0))
        across /= np.linalg.norm(across)
        frame = np.stack([along, across, _cross(along, across)], axis=1)
        radii = (length / 2 + 0.6 * radius, radius, radius * flat)
        self.ball((start + end) / 2, radii, colour, turned=frame, fur=fur)

    def chain(
        self, points: Sequence[Point], radii: Point, colour: Point, *, flat: float = 1.0, fur: float = 1.0
    ) -> None:
        """Add limbs from each point to the next, with these radii."""
        for start, end, radius in zip(points[:-1], points[1:], radii, strict=True):
            self.limb(start, end, radius, colour, flat=flat, fur=fur)

    def attach(self, solid: Solid, at: Point, rotation: Array, scale: float = 1.0) -> None:
        """Add a whole solid, turned and scaled, with its origin at `at`."""
        moved = solid.placed(rotation, scale, at)
        self._centres.extend(moved.centres)
        self._axes.extend(moved.axes)
        self._colours.extend(moved.colours)
        self._fur.extend(moved.fur)
        self._sharp.extend(moved.sharp)

    def solid(self) -> Solid:
        """What has been put together."""
        parts = (self._centres, self._axes, self._colours, self._fur)
        return Solid(*(np.array(part, float) for part in parts), np.array(self._sharp, bool))
