"""Voxels, and the mesh around them: its squares, vertices, orientation and edges."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import slow_meshes
import torch
from differentiated import assert_gradients, assert_same_part, whole_numbers

from autograder.checks import CheckFailed, Draw, Proxy, assert_kind, assert_matches, contracts, modules, unpack

head_question = partial(pytest.mark.question, "voxel-head")
cubify_question = partial(pytest.mark.question, "cubify")

HEADS = {"several": ((4, 5, 6), 2), "one": ((3, 4, 8), 1), "no-regions": ((4, 5, 4), 0)}


@head_question()
@pytest.mark.parametrize("arguments, regions", HEADS.values(), ids=HEADS)
def test_head(student: Proxy, reference: Proxy, rng: Draw, arguments: tuple[int, ...], regions: int) -> None:
    """The scores of a head with given weights, and its gradients."""
    side = arguments[2]
    features = rng.normal(regions, arguments[0], side // 2, side // 2)
    model = modules.assert_module(student.VoxelHead(*arguments), "VoxelHead()")
    upstream = rng.normal(regions, side, side, side)
    assert_same_part(rng, model, reference.VoxelHead(*arguments), [features], upstream, "VoxelHead")


Loss = tuple[torch.Tensor, torch.Tensor, float]


def cubes(rng: Draw, count: int, scale: float = 1.0, filled: float = 6.0) -> Loss:
    return rng.normal(count, 3, 3, 3, scale=scale), rng.uniform(count, 3, 3, 3) < 0.2, filled


LOSSES: dict[str, Callable[[Draw], Loss]] = {
    "several": lambda rng: cubes(rng, 3),
    "other-weight": lambda rng: cubes(rng, 2, filled=2.5),
    "large-scores": lambda rng: cubes(rng, 2, scale=3e3),
    "no-regions": lambda rng: cubes(rng, 0),
}
every_loss = pytest.mark.parametrize("draw", LOSSES.values(), ids=LOSSES)


@head_question(weight=0.7)
@every_loss
def test_loss(student: Proxy, rng: Draw, draw: Callable[[Draw], Loss]) -> None:
    """The value of the loss, also for large scores and without regions."""
    scores, voxels, filled = draw(rng)
    wanted = slow_meshes.voxel_loss_of(scores, voxels, filled)
    assert_matches(student.voxel_loss(scores, voxels, filled=filled), wanted, what="the loss")


@head_question(weight=0.2)
@pytest.mark.parametrize("dtype", (torch.float64, torch.int64), ids=("floats", "whole-numbers"))
def test_loss_of_numbers(student: Proxy, rng: Draw, dtype: torch.dtype) -> None:
    """The value of the loss where voxels are 0 and 1, not bool."""
    scores, voxels, filled = cubes(rng, 2)
    wanted = slow_meshes.voxel_loss_of(scores, voxels, filled)
    assert_matches(student.voxel_loss(scores, voxels.to(dtype), filled=filled), wanted, what="the loss")


@head_question(weight=0.1)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_loss_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda scores, voxels: student.voxel_loss(scores, voxels),
        oracle=lambda scores, voxels: (slow_meshes.voxel_loss_of(scores, voxels),),
        inputs=("scores", "voxels"),
        outputs=("the loss",),
        batched=("scores", "voxels"),
    )
    contract(student, operation, cubes(rng, 3)[:2])


@head_question(weight=0.3)
@pytest.mark.parametrize("draw", [LOSSES["several"], LOSSES["no-regions"]], ids=["several", "no-regions"])
def test_loss_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Loss]) -> None:
    """The gradient of the loss, also without regions."""
    upstream = torch.tensor(1.0, dtype=torch.float64)
    scores, voxels, _ = draw(rng)
    assert_gradients(student.voxel_loss, (scores, voxels), [0], slow_meshes.voxel_loss_of, upstream, ["scores"])


Grid = tuple[torch.Tensor, float]


def cells(shape: tuple[int, int, int], *filled: tuple[int, int, int]) -> Grid:
    voxels = torch.zeros(shape, dtype=torch.float64)
    for z, y, x in filled:
        voxels[z, y, x] = 1.0
    return voxels, 0.5


def checkerboard(rng: Draw) -> Grid:
    z, y, x = torch.meshgrid(torch.arange(3), torch.arange(2), torch.arange(4), indexing="ij")
    return ((x + y + z) % 2).double(), 0.5


GRIDS: dict[str, Callable[[Draw], Grid]] = {
    "random": lambda rng: (rng.uniform(3, 4, 5), 0.6),
    "random-flat": lambda rng: (rng.uniform(1, 5, 3), 0.4),
    "one-cell": lambda rng: cells((3, 4, 5), (1, 2, 3)),
    "one-cell-at-the-far-corner": lambda rng: cells((2, 3, 4), (1, 2, 3)),
    "two-along-an-edge": lambda rng: cells((2, 2, 1), (0, 0, 0), (1, 1, 0)),
    "opposite-ends": lambda rng: cells((4, 3, 5), (0, 1, 2), (3, 1, 2)),
    "all-filled": lambda rng: (torch.ones(2, 3, 4, dtype=torch.float64), 0.5),
    "checkerboard": checkerboard,
    "at-the-threshold": lambda rng: (torch.tensor([[[0.5, 0.75, 0.25]]]).double(), 0.5),
    "other-threshold": lambda rng: (torch.tensor([[[0.5, 0.75, 0.25]]]).double(), 0.25),
    "bool": lambda rng: (rng.uniform(2, 3, 4) < 0.4, 0.5),
    "nothing-filled": lambda rng: (torch.zeros(2, 3, 4, dtype=torch.float64), 0.5),
}
every_grid = pytest.mark.parametrize("draw", GRIDS.values(), ids=GRIDS)


def mesh_of(student: Proxy, voxels: torch.Tensor, threshold: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices and faces, of the right kind."""
    vertices, faces = unpack(student.cubify(voxels, threshold=threshold), "vertices", "faces")
    for part, what in ((vertices, "the tensor of vertices"), (faces, "the tensor of faces")):
        if type(part) is not torch.Tensor or part.dim() == 0:
            raise CheckFailed(f"{what} is missing", "cubify returns two tensors")
        assert_kind(part, (len(part), 3), what=what)
    vertices, faces = vertices.double(), faces.to(torch.int64)  # another check takes points for another dtype
    if len(faces) and not 0 <= int(faces.min()) <= int(faces.max()) < len(vertices):
        raise CheckFailed("a face names a vertex that is not there")
    return vertices, faces


def corners_of(student: Proxy, draw: Callable[[Draw], Grid], rng: Draw) -> tuple[torch.Tensor, Grid]:
    """(F, 3, 3): the corners of every triangle, whatever the vertices' numbers."""
    grid = draw(rng)
    vertices, faces = mesh_of(student, *grid)
    return vertices[faces], grid


@cubify_question(weight=1.2)
@every_grid
def test_squares(student: Proxy, rng: Draw, draw: Callable[[Draw], Grid]) -> None:
    """The squares of the surface, each made of two triangles."""
    corners, grid = corners_of(student, draw, rng)
    found: dict[tuple[float, ...], set[tuple[tuple[float, ...], ...]]] = {}
    for triangle in corners.tolist():
        low, high = ([pick(axis) for axis in zip(*triangle, strict=True)] for pick in (min, max))
        middle = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
        found.setdefault(middle, set()).add(tuple(sorted(tuple(corner) for corner in triangle)))
    wanted = [square[:3] for square in slow_meshes.squares_of(*grid)]
    if set(found) != set(wanted):
        raise CheckFailed("the squares of the surface are not the right ones", "vertices are (x, y, z), in cells")
    # Where two cells touch along an edge no square is shared, so each has exactly two triangles, which differ.
    if len(corners) != 2 * len(wanted) or any(len(triangles) != 2 for triangles in found.values()):
        raise CheckFailed("a square of the surface is not made of two triangles")
    for first, second in found.values():
        ends = [corner for corner in first if corner in second]
        if len(ends) != 2 or sum(a != b for a, b in zip(*ends, strict=True)) != 2:
            raise CheckFailed("the two triangles of a square overlap", "they meet along a diagonal")
    areas = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1) / 2
    assert_matches(areas, torch.full_like(areas, 0.5), what="the area of the triangles")


@cubify_question()
@every_grid
def test_shared_vertices(student: Proxy, rng: Draw, draw: Callable[[Draw], Grid]) -> None:
    """The vertices: none comes twice, and each belongs to a triangle."""
    vertices, faces = mesh_of(student, *draw(rng))
    if len(vertices.unique(dim=0)) != len(vertices):
        raise CheckFailed("a vertex is there twice", "squares that meet share their corners")
    if len(faces.unique()) != len(vertices):
        raise CheckFailed("there is a vertex that no triangle has")


@cubify_question()
@every_grid
def test_orientation(student: Proxy, rng: Draw, draw: Callable[[Draw], Grid]) -> None:
    """The orientation of the triangles: the volume inside, and which way each square faces."""
    corners, (voxels, threshold) = corners_of(student, draw, rng)
    a, b, c = corners.unbind(dim=1)
    volume = (a * torch.linalg.cross(b, c)).sum() / 6
    wanted = (voxels > threshold).sum().double()
    assert_matches(volume, wanted, what="the volume inside", rtol=0.0, atol=1e-6)
    # Squares in a plane through the origin add nothing to the volume. Where squares lie is another check's matter.
    middles, normals = (corners.amin(dim=1) + corners.amax(dim=1)) / 2, torch.linalg.cross(b - a, c - a)
    found = {tuple(row) for row in torch.cat([middles, normals.round()], dim=1).tolist()}
    squares = slow_meshes.squares_of(voxels, threshold)
    if {square[:3] for square in found} == {square[:3] for square in squares} and found != squares:
        raise CheckFailed("some triangles show their front inwards", "(b - a) x (c - a) points out of the filled cell")


@cubify_question(weight=0.4)
@pytest.mark.parametrize(
    "contract",
    contracts.battery({"takes-an-empty-batch": "a grid is no batch", "takes-non-contiguous": "squares say it"}),
    ids=str,
)
def test_cubify_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""

    def call(voxels: object) -> object:
        vertices, _ = unpack(student.cubify(voxels), "vertices", "faces")
        return _sorted(vertices) if type(vertices) is torch.Tensor and vertices.dim() == 2 else vertices

    def oracle(voxels: torch.Tensor) -> tuple[torch.Tensor]:
        points = []
        for *middle, dx, dy, dz in slow_meshes.squares_of(voxels):
            wide = [axis for axis, step in enumerate((dx, dy, dz)) if not step]
            for first in (-0.5, 0.5):
                for second in (-0.5, 0.5):
                    corner = list(middle)
                    corner[wide[0]] += first
                    corner[wide[1]] += second
                    points.append(corner)
        return (_sorted(torch.tensor(points, dtype=torch.float64)),)

    operation = contracts.Operation(
        call=call,
        oracle=oracle,
        inputs=("voxels",),
        outputs=("the vertices",),
        batched=(),
        others=lambda voxels: (1 - voxels,),
    )
    contract(student, operation, (rng.uniform(1, 3, 4),))  # flat: every corner lies on the surface


def _sorted(vertices: torch.Tensor) -> torch.Tensor:
    """In order of x, then y, then z; each once."""
    return vertices.unique(dim=0)


FACES: dict[str, Callable[[Draw], torch.Tensor]] = {
    "random": lambda rng: torch.stack([rng.distinct(9).argsort()[:3] for _ in range(12)]),
    "two-triangles": lambda rng: torch.tensor([[0, 2, 1], [1, 2, 3]]),
    "closed": lambda rng: torch.tensor([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]]),
    "none": lambda rng: torch.zeros(0, 3, dtype=torch.int64),
}


@cubify_question(weight=0.8)
@pytest.mark.parametrize("draw", FACES.values(), ids=FACES)
def test_edges(student: Proxy, rng: Draw, draw: Callable[[Draw], torch.Tensor]) -> None:
    """The edges of a mesh, in their order."""
    faces = draw(rng)
    assert_matches(whole_numbers(student.unique_edges(faces)), slow_meshes.edges_of(faces), what="the edges")


@cubify_question(weight=0.1)
@pytest.mark.parametrize(
    "contract",
    contracts.battery(
        {
            "keeps-float32": "faces are whole numbers, and the dtype of edges is asked for apart",
            "takes-an-empty-batch": "no faces: asked for apart",
        }
    ),
    ids=str,
)
def test_edges_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda faces: whole_numbers(student.unique_edges(faces)),
        oracle=lambda faces: (slow_meshes.edges_of(faces),),
        inputs=("faces",),
        outputs=("the edges",),
        batched=(),
        others=lambda faces: (8 - faces,),
    )
    contract(student, operation, (FACES["random"](rng),))


@cubify_question(weight=0.4)
@pytest.mark.parametrize("part", ("vertices", "faces", "faces-of-nothing", "edges"))
def test_dtypes(student: Proxy, rng: Draw, part: str) -> None:
    """Faces and edges are int64, also where there are none, and vertices of a bool grid are float32."""
    if part == "edges":
        found = student.unique_edges(FACES["closed"](rng))
    else:
        voxels = torch.full((1, 2, 1), part != "faces-of-nothing")
        found = unpack(student.cubify(voxels), "vertices", "faces")[part != "vertices"]
    dtype = torch.float32 if part == "vertices" else torch.int64
    assert_kind(found, dtype=dtype, what=f"the tensor of {part.split('-')[0]}")
