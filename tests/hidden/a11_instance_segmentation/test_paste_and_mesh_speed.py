"""How fast pasting, cubify and chamfer are, apart from whether they are right.

Bands are in the manifest; docs/instance-segmentation.md says where they come from.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder.checks import Draw, Race


@pytest.mark.question("mask-speed")
def test_paste_speed(race: Race) -> None:
    """How fast many masks are pasted into an image."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor, int, int]:
        (count, side), (height, width) = size.masks, size.image
        return rng.uniform(count, side, side).float(), rng.boxes(count, height, width).float(), height, width

    race("paste", lambda who, grids, boxes, height, width: who.paste_masks(grids, boxes, height, width), draw)


@pytest.mark.question("mesh-speed")
def test_cubify_speed(race: Race) -> None:
    """How fast the mesh of a ball is made, of which some cells are missing."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor]:
        line = (torch.arange(size.side) + 0.5) / size.side - 0.5
        z, y, x = torch.meshgrid(line, line, line, indexing="ij")
        ball = (x**2 + y**2 + z**2 < 0.16).float()
        places = torch.tensor([1.0, 100.0, 10_000.0])  # makes one number of (x, y, z), and of twice that
        return ball * (rng.uniform(size.side, size.side, size.side) < 0.99), places

    def run(who: Any, voxels: Any, places: Any) -> tuple[Any, Any]:
        """The vertices, and the squares by their middles. Both are sorted, because their order is free."""
        mesh = who.cubify(voxels)
        vertices, faces = mesh[0], mesh[1]
        corners = vertices.index_select(0, faces.flatten()).unflatten(0, (-1, 3))
        middles = corners.amin(dim=1).add(corners.amax(dim=1))  # of a triangle's square, whichever its diagonal is
        return vertices.matmul(places).sort()[0], middles.matmul(places).sort()[0]

    race("cubify", run, draw)


@pytest.mark.question("mesh-speed")
def test_chamfer_speed(race: Race) -> None:
    """How fast the distance of two sets of points is computed."""

    def draw(rng: Draw, size: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return rng.normal(size.points, 3).float(), rng.normal(size.points, 3).float()

    race("chamfer", lambda who, a, b: who.chamfer(a, b), draw)
