"""Meshes once more, cell by cell and point by point: what the reference itself is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

__all__ = [
    "aligned",
    "chamfer_of",
    "edge_loss_of",
    "edges_of",
    "graph_conv",
    "normal_loss_of",
    "points_on",
    "squares_of",
    "voxel_loss_of",
]

Square = tuple[float, ...]  # its centre and the outward direction, six numbers


def squares_of(voxels: torch.Tensor, threshold: float = 0.5) -> set[Square]:
    """Every unit square between a filled cell and an empty one: (x, y, z) of its centre, and which way is out."""
    filled = {(x, y, z) for z, y, x in (voxels > threshold).nonzero().tolist()}
    found = set()
    for x, y, z in filled:
        for dx, dy, dz in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)):
            if (x + dx, y + dy, z + dz) not in filled:
                found.add((x + 0.5 + dx / 2, y + 0.5 + dy / 2, z + 0.5 + dz / 2, dx, dy, dz))
    return found


def edges_of(faces: torch.Tensor) -> torch.Tensor:
    """(E, 2), sorted."""
    pairs = {tuple(sorted(pair)) for a, b, c in faces.tolist() for pair in ((a, b), (b, c), (c, a))}
    return torch.tensor(sorted(pairs), dtype=torch.int64).reshape(-1, 2)


def voxel_loss_of(scores: torch.Tensor, voxels: torch.Tensor, filled: float = 6.0) -> torch.Tensor:
    """The formula; autograd can follow it."""
    target = voxels.to(scores.dtype)
    each = scores.clamp(min=0) - scores * target + torch.log1p(torch.exp(-scores.abs()))
    return (each * torch.where(target > 0, filled, 1.0)).sum() / max(1, scores.numel())


def graph_conv(own: torch.Tensor, said: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """own + adjacency @ said, with a dense matrix."""
    adjacency = torch.zeros(len(own), len(own), dtype=own.dtype)
    for i, j in edges.tolist():
        adjacency[i, j] = adjacency[j, i] = 1
    return own + adjacency @ said


def aligned(features: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """(V, C): a sum over all cells, by the formula; autograd can follow it."""
    height, width = features.shape[1:]
    rows = []
    for u, v in positions:
        if not (-1 <= u <= width and -1 <= v <= height):
            rows.append(features[:, 0, 0] * 0)
            continue
        u, v = u.clamp(0, width - 1), v.clamp(0, height - 1)
        across = (1 - (u - torch.arange(width)).abs()).clamp(min=0)
        down = (1 - (v - torch.arange(height)).abs()).clamp(min=0)
        rows.append(features @ across @ down)
    return torch.stack(rows) if rows else features.flatten(1).T[:0]


def points_on(vertices: torch.Tensor, faces: torch.Tensor, uniforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(points, normals); autograd can follow it."""
    corners = [[vertices[index] for index in face] for face in faces.tolist()]
    crosses = [torch.linalg.cross(b - a, c - a) for a, b, c in corners]
    areas = [float(cross.detach().norm()) / 2 for cross in crosses]
    points, normals = [vertices[:0]], [vertices[:0]]
    for u0, u1, u2 in uniforms.tolist():
        left, chosen = u0 * math.fsum(areas), max(index for index, area in enumerate(areas) if area > 0)
        for index, area in enumerate(areas):
            if left < area:
                chosen = index
                break
            left -= area
        a, b, c = corners[chosen]
        s = math.sqrt(u1)
        points.append(((1 - s) * a + s * (1 - u2) * b + s * u2 * c)[None])
        normals.append((crosses[chosen] / crosses[chosen].norm())[None])
    return torch.cat(points), torch.cat(normals)


def _nearest(point: torch.Tensor, others: torch.Tensor) -> int:
    distances: Sequence[float] = [float((point - other).detach().square().sum()) for other in others]
    return min(range(len(distances)), key=distances.__getitem__)


def chamfer_of(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Point by point; autograd can follow it."""
    there = [(p - b[_nearest(p, b)]).square().sum() for p in a]
    back = [(q - a[_nearest(q, a)]).square().sum() for q in b]
    return torch.stack(there).mean() + torch.stack(back).mean()


def normal_loss_of(a: torch.Tensor, na: torch.Tensor, b: torch.Tensor, nb: torch.Tensor) -> torch.Tensor:
    there = [1 - (n @ nb[_nearest(p, b)]).abs() for p, n in zip(a, na, strict=True)]
    back = [1 - (n @ na[_nearest(q, a)]).abs() for q, n in zip(b, nb, strict=True)]
    return torch.stack(there).mean() + torch.stack(back).mean()


def edge_loss_of(vertices: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    lengths = [(vertices[i] - vertices[j]).square().sum() for i, j in edges.tolist()]
    return torch.stack(lengths).mean() if lengths else vertices.sum() * 0
