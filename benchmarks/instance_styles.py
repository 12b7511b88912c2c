"""How many times the reference's time other right answers take, in the questions of speed of assignment 11.

    python -m benchmarks.instance_styles

One thread, float32, the sizes that are graded on a CPU; the best of calls that take half a second together, of the
process's own time. Up to where an answer earns full and half points, `assignment.toml` says.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "solutions/a11_instance_segmentation"), str(ROOT / "solutions")]

import mask_rcnn  # noqa: E402
import mesh_rcnn  # noqa: E402

HEIGHT, WIDTH = 96, 128
Mesh = tuple[Tensor, Tensor]


def mask_by_mask(grids: Tensor, boxes: Tensor) -> Tensor:
    every = [
        mask_rcnn.paste_masks(grid[None], box[None], HEIGHT, WIDTH)[0] for grid, box in zip(grids, boxes, strict=True)
    ]
    return torch.stack(every)


def places(start: Tensor, stop: Tensor, length: int, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two cells that each pixel asks, the share of the second, and whether the pixel lies inside: (R, length)."""
    centres = torch.arange(length) + 0.5
    inside = (centres >= start[:, None]) & (centres < stop[:, None])
    place = ((centres - start[:, None]) / (stop - start)[:, None] * side - 0.5).clamp(0, side - 1)
    low = place.floor().long()
    return low, (low + 1).clamp(max=side - 1), place - low, inside


def gathered(grids: Tensor, boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    left, right, u, inside_x = places(x1, x2, WIDTH, grids.shape[2])
    up, down, v, inside_y = places(y1, y2, HEIGHT, grids.shape[1])
    number, u, v = torch.arange(len(grids))[:, None, None], u[:, None], v[:, :, None]
    left, right, up, down = left[:, None], right[:, None], up[:, :, None], down[:, :, None]
    upper = grids[number, up, left] * (1 - u) + grids[number, up, right] * u
    lower = grids[number, down, left] * (1 - u) + grids[number, down, right] * u
    return (upper * (1 - v) + lower * v >= 0.5) & inside_x[:, None] & inside_y[:, :, None]


def one_matrix_for_each_axis(grids: Tensor, boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    ways = []
    for start, stop, length, side in ((y1, y2, HEIGHT, grids.shape[1]), (x1, x2, WIDTH, grids.shape[2])):
        low, high, share, inside = places(start, stop, length, side)
        cells = torch.arange(side)
        matrix = (low[..., None] == cells) * (1 - share)[..., None] + (high[..., None] == cells) * share[..., None]
        ways.append((matrix, inside))
    (rows, inside_y), (columns, inside_x) = ways
    return (rows @ grids @ columns.mT >= 0.5) & inside_x[:, None] & inside_y[:, :, None]


def only_inside_of_the_box(grids: Tensor, boxes: Tensor) -> Tensor:
    out = torch.zeros(len(grids), HEIGHT, WIDTH, dtype=torch.bool)
    for number, (grid, box) in enumerate(zip(grids, boxes, strict=True)):
        x1, y1, x2, y2 = box.tolist()
        x = torch.arange(max(0, round(x1)), min(WIDTH, round(x2)) + 1).clamp(max=WIDTH - 1).unique() + 0.5
        y = torch.arange(max(0, round(y1)), min(HEIGHT, round(y2)) + 1).clamp(max=HEIGHT - 1).unique() + 0.5
        x, y = x[(x >= x1) & (x < x2)], y[(y >= y1) & (y < y2)]
        if len(x) and len(y):
            u, v = 2 * (x - x1) / (x2 - x1) - 1, 2 * (y - y1) / (y2 - y1) - 1
            where = torch.stack(torch.meshgrid(v, u, indexing="ij")[::-1], dim=2)[None]
            values = F.grid_sample(grid[None, None], where, padding_mode="border", align_corners=False)[0, 0]
            top, left = int(y[0]), int(x[0])
            out[number, top : top + len(y), left : left + len(x)] = values >= 0.5
    return out


def row_by_row(grids: Tensor, boxes: Tensor) -> Tensor:
    out = torch.zeros(len(grids), HEIGHT, WIDTH, dtype=torch.bool)
    for number, (grid, box) in enumerate(zip(grids, boxes, strict=True)):
        _, y1, _, y2 = box.tolist()
        left, right, u, inside = (one[0] for one in places(box[:1], box[2:3], WIDTH, grid.shape[1]))
        for row in range(HEIGHT):
            if y1 <= row + 0.5 < y2:
                v = min(max((row + 0.5 - y1) / (y2 - y1) * len(grid) - 0.5, 0), len(grid) - 1)
                up = int(v)
                line = grid[up] * (1 - v + up) + grid[min(up + 1, len(grid) - 1)] * (v - up)
                out[number, row] = (line[left] * (1 - u) + line[right] * u >= 0.5) & inside
    return out


SIDES = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))  # z, y, x


def square_of(z: int, y: int, x: int, side: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """The corners (x, y, z) of a cell's side, counterclockwise from outside."""
    axis = next(n for n, step in enumerate(side) if step)
    step = side[axis]
    turned = [(0, 0), (1, 0), (1, 1), (0, 1)] if step > 0 else [(0, 0), (0, 1), (1, 1), (1, 0)]
    corners = []
    for p, q in turned:
        corner = [x, y, z]
        at = 2 - axis
        corner[at] += step > 0
        corner[(at + 1) % 3] += p
        corner[(at + 2) % 3] += q
        corners.append((corner[0], corner[1], corner[2]))
    return corners


def from_squares(squares: list[list[tuple[int, int, int]]]) -> Mesh:
    numbers: dict[tuple[int, int, int], int] = {}
    faces = []
    for square in squares:
        a, b, c, d = (numbers.setdefault(corner, len(numbers)) for corner in square)
        faces += [(a, b, c), (a, c, d)]
    return torch.tensor(list(numbers)).float(), torch.tensor(faces)


def plain_lists(voxels: Tensor) -> Mesh:
    filled = {tuple(cell) for cell in (voxels > 0.5).nonzero().tolist()}
    squares = [
        square_of(z, y, x, side)
        for z, y, x in sorted(filled)
        for side in SIDES
        if (z + side[0], y + side[1], x + side[2]) not in filled
    ]
    return from_squares(squares)


def nested_lists(voxels: Tensor) -> Mesh:
    """Every cell of the grid, filled or not."""
    full = F.pad(voxels, (1, 1, 1, 1, 1, 1)).tolist()
    squares = []
    depth, height, width = voxels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if full[z + 1][y + 1][x + 1] > 0.5:
                    for side in SIDES:
                        if full[z + 1 + side[0]][y + 1 + side[1]][x + 1 + side[2]] <= 0.5:
                            squares.append(square_of(z, y, x, side))
    return from_squares(squares)


def vertices_by_number(voxels: Tensor) -> Mesh:
    """Shifted grids; a corner's number is its place in the grid of all corners."""
    full = F.pad(voxels > 0.5, (1, 1, 1, 1, 1, 1))
    wide = torch.tensor([1, voxels.shape[2] + 1, (voxels.shape[2] + 1) * (voxels.shape[1] + 1)])
    squares = []
    for side in SIDES:
        axis = next(n for n, step in enumerate(side) if step)
        cells = (full & ~full.roll(-side[axis], axis)).nonzero().flip(1) - 1
        corners = torch.tensor(square_of(0, 0, 0, side))
        squares.append(((cells[:, None] + corners) * wide).sum(dim=2))
    every = torch.cat(squares)
    used, numbers = every.unique(return_inverse=True)
    rest, x = used // wide[1], used % wide[1]
    vertices = torch.stack([x, rest % (voxels.shape[1] + 1), rest // (voxels.shape[1] + 1)], dim=1)
    a, b, c, d = numbers.unbind(dim=1)
    return vertices.float(), torch.cat([torch.stack([a, b, c], dim=1), torch.stack([a, c, d], dim=1)])


def filled_cells_of_a_tensor(voxels: Tensor) -> Mesh:
    """The tensor is asked for each neighbour of each filled cell."""
    full = F.pad(voxels, (1, 1, 1, 1, 1, 1)) > 0.5
    squares = [
        square_of(z - 1, y - 1, x - 1, side)
        for z, y, x in full.nonzero().tolist()
        for side in SIDES
        if not full[z + side[0], y + side[1], x + side[2]]
    ]
    return from_squares(squares)


def every_cell_of_a_tensor(voxels: Tensor) -> Mesh:
    """The tensor is asked for each cell, and for each neighbour of a filled one."""
    squares = []
    depth, height, width = voxels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if voxels[z, y, x] > 0.5:
                    for side in SIDES:
                        k, i, j = z + side[0], y + side[1], x + side[2]
                        inside = 0 <= k < depth and 0 <= i < height and 0 <= j < width
                        if not inside or voxels[k, i, j] <= 0.5:
                            squares.append(square_of(z, y, x, side))
    return from_squares(squares)


def by_cdist(a: Tensor, b: Tensor) -> Tensor:
    near = torch.cdist(a, b).square()
    return near.amin(dim=1).mean() + near.amin(dim=0).mean()


def by_product(a: Tensor, b: Tensor) -> Tensor:
    near = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * a @ b.T
    return near.amin(dim=1).mean() + near.amin(dim=0).mean()


def both_ways_apart(a: Tensor, b: Tensor) -> Tensor:
    there = ((a[:, None] - b[None]) ** 2).sum(dim=-1).min(dim=1).values.mean()
    return there + ((b[:, None] - a[None]) ** 2).sum(dim=-1).min(dim=1).values.mean()


def by_norm(a: Tensor, b: Tensor) -> Tensor:
    near = torch.linalg.norm(a[:, None] - b[None], dim=2) ** 2
    return near.min(dim=1).values.mean() + near.min(dim=0).values.mean()


def point_by_point(a: Tensor, b: Tensor) -> Tensor:
    there = torch.stack([(p - b).square().sum(dim=1).min() for p in a]).mean()
    return there + torch.stack([(q - a).square().sum(dim=1).min() for q in b]).mean()


def best(call: Callable[[], Any]) -> float:
    """Seconds of the fastest call."""
    call()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < 500):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times)


def volume(mesh: Mesh) -> Tensor:
    a, b, c = mesh[0][mesh[1]].unbind(dim=1)
    return (a * torch.linalg.cross(b, c)).sum() / 6


def compare(what: str, ways: dict[str, Callable[[], Any]], seen: Callable[[Any], Tensor] = lambda out: out) -> None:
    """Print a row for each way; the first is the reference's. `seen` is what must be the same of their results."""
    reference, baseline = None, 0.0
    for name, call in ways.items():
        out, seconds = seen(call()), best(call)
        if reference is None:
            reference, baseline = out, seconds
        torch.testing.assert_close(out, reference, rtol=1e-3, atol=1e-3)
        print(f"| {what} | {name} | {1000 * seconds:.2f} | {seconds / baseline:.1f} |", flush=True)


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print("| question | way | ms | times the reference |\n|---|---|---|---|")
    grids, corners = torch.rand(24, 28, 28), torch.rand(24, 2) * torch.tensor([WIDTH / 2, HEIGHT / 2])
    boxes = torch.cat([corners, corners + 8 + torch.rand(24, 2) * 48], dim=1)
    pasting = {
        "all masks in one grid_sample": lambda g, b: mask_rcnn.paste_masks(g, b, HEIGHT, WIDTH),
        "mask by mask": mask_by_mask,
        "mask by mask, pixels of the box only": only_inside_of_the_box,
        "four corners, gathered by index": gathered,
        "a matrix for each axis": one_matrix_for_each_axis,
        "row by row": row_by_row,
    }
    compare(
        "paste_masks", {name: (lambda way=way: way(grids, boxes)) for name, way in pasting.items()}, torch.Tensor.float
    )
    line = (torch.arange(16) + 0.5) / 16 - 0.5
    z, y, x = torch.meshgrid(line, line, line, indexing="ij")
    voxels = ((x**2 + y**2 + z**2 < 0.16) & (torch.rand(16, 16, 16) < 0.99)).float()
    cubes = {
        "shifted grids, unique rows": mesh_rcnn.cubify,
        "shifted grids, unique numbers": vertices_by_number,
        "a set of cells": plain_lists,
        "nested lists": nested_lists,
        "a tensor, asked for neighbours of filled cells": filled_cells_of_a_tensor,
        "a tensor, asked for every cell": every_cell_of_a_tensor,
    }
    compare("cubify", {name: (lambda way=way: way(voxels)) for name, way in cubes.items()}, volume)
    a, b = torch.randn(200, 3), torch.randn(200, 3)
    distances = {
        "all differences": mesh_rcnn.chamfer,
        "cdist": by_cdist,
        "one product": by_product,
        "norm of all differences": by_norm,
        "all differences, once for each way": both_ways_apart,
        "point by point": point_by_point,
    }
    compare("chamfer", {name: (lambda way=way: way(a, b)) for name, way in distances.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
