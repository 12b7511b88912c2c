"""Shapes: voxels, meshes around them, convolution on graphs, points on surfaces, losses, and a stage of refinement."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, assert_pace, modules, place, plain_tensor, unpack


@pytest.mark.question("voxel-head")
def test_head(student, rng):
    """A cube for every region."""
    head = modules.assert_module(student.VoxelHead(5, 6, 8), "VoxelHead()")
    found = plain_tensor(head(rng.normal(2, 5, 4, 4, dtype=torch.float32)), "the scores")
    if found.shape != (2, 8, 8, 8):
        raise CheckFailed(f"the scores have shape {tuple(found.shape)}, wanted (2, 8, 8, 8)")


@pytest.mark.question("voxel-head")
def test_loss(student):
    """A filled and an empty cell at scores of 0: (6 log 2 + log 2) / 2."""
    voxels = torch.tensor([[[[True, False]]]])
    assert_matches(
        student.voxel_loss(torch.zeros(1, 1, 1, 2), voxels), torch.tensor(3.5 * math.log(2)), what="the loss"
    )


def mesh_of(student, voxels):
    vertices, faces = unpack(student.cubify(voxels), "vertices", "faces")
    return plain_tensor(vertices, "the vertices"), plain_tensor(faces, "the faces")


@pytest.mark.question("cubify")
@pytest.mark.parametrize(
    "shape, vertices, faces, edges", [((1, 1, 1), 8, 12, 18), ((1, 1, 2), 12, 20, 30)], ids=["one-cell", "two-cells"]
)
def test_counts(student, shape, vertices, faces, edges):
    """How many vertices, triangles and edges there are around one cell, and around two in a row."""
    points, triangles = mesh_of(student, torch.ones(shape))
    found = (len(points), len(triangles), len(plain_tensor(student.unique_edges(triangles), "the edges")))
    if found != (vertices, faces, edges):
        raise CheckFailed(f"{found} vertices, triangles and edges, wanted {(vertices, faces, edges)}")


@pytest.mark.question("cubify")
def test_volume(student):
    """The volume inside is the number of filled cells: triangles run so that normals point outwards."""
    voxels = torch.zeros(2, 3, 4)
    voxels[0, 1:, 1:3], voxels[1, 2, 2] = 1.0, 0.9
    points, triangles = mesh_of(student, voxels)
    a, b, c = points[triangles].unbind(dim=1)
    volume = (a * torch.linalg.cross(b, c)).sum() / 6
    assert_matches(volume.reshape(()), torch.tensor(5.0), what="the volume")


@pytest.mark.question("graph-convolution")
def test_path(student):
    """A path of three vertices, with weights that hand on what they get: each adds its neighbours to itself."""
    layer = modules.assert_module(student.GraphConv(1, 1), "GraphConv()")
    one = {"weight": torch.ones(1, 1), "bias": torch.zeros(1)}
    for part in (layer.own, layer.neighbours):
        part.load_state_dict(one)
    found = layer(torch.tensor([[1.0], [10.0], [100.0]]), torch.tensor([[0, 1], [1, 2]]))
    assert_matches(found, torch.tensor([[11.0], [111.0], [110.0]]), what="the features")


@pytest.mark.question("vert-align")
def test_lookup(student):
    """On a map of 10 row + column: between cells, over the rim, and outside."""
    features = 10 * torch.arange(3.0)[:, None] + torch.arange(4.0)
    positions = torch.tensor([[1.5, 0.25], [-0.5, 1.0], [6.0, 1.0]])
    assert_matches(
        student.vert_align(features[None], positions), torch.tensor([[4.0], [10.0], [0.0]]), what="the values"
    )


@pytest.mark.question("sample-points")
@pytest.mark.parametrize("part", ["points", "normals"])
def test_points(student, part):
    """A point of each of two triangles, of which one is three times as large as the other."""
    vertices = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
    uniforms = torch.tensor([[0.2, 0.25, 0.5], [0.3, 0.25, 0.5]])
    wanted = {
        "points": torch.tensor([[0.25, 0.25, 0.0], [0.25, 0.0, 0.75]]),
        "normals": torch.tensor([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    }
    found = unpack(student.sample_points(vertices, torch.tensor([[0, 1, 2], [0, 1, 3]]), uniforms), *wanted)
    assert_matches(found[part == "normals"], wanted[part], what=part)


@pytest.mark.question("mesh-losses")
def test_losses(student):
    """Chamfer: (1 + 2) / 2 + 1 = 2.5. Normals: opposite ones agree. Edges: the mean of squares."""
    a, b = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]])
    assert_matches(student.chamfer(a, b), torch.tensor(2.5), what="the chamfer distance")
    up = torch.tensor([[0.0, 1.0, 0.0]])
    assert_matches(student.normal_loss(b, up, b, -up), torch.tensor(0.0), what="the loss of normals")
    edges = torch.tensor([[0, 1], [1, 2]])
    assert_matches(student.edge_loss(torch.cat([a, b]), edges), torch.tensor(1.5), what="the loss of edges")


@pytest.mark.question("refinement-stage")
def test_stage(student, rng):
    """Every vertex moves by less than 1 along each axis."""
    stage = modules.assert_module(student.RefinementStage(4, 6, 2), "RefinementStage()")
    vertices, positions = rng.normal(3, 3, dtype=torch.float32), rng.uniform(3, 2).float()
    found = stage(vertices, torch.tensor([[0, 1], [1, 2]]), rng.normal(4, 5, 6, dtype=torch.float32), positions)
    moved = plain_tensor(found, "the vertices")
    if moved.shape != (3, 3) or not bool(((moved - vertices).abs() < 1).all()):
        raise CheckFailed("the result is not (V, 3), or a vertex moves by 1 or more", "vertices + tanh(...)")


@pytest.mark.question("mesh-speed")
def test_cubify_pace(student):
    """4096 cells do not take thousands of times as long as one."""
    one, many = place(student, torch.ones(1, 1, 1)), place(student, torch.ones(16, 16, 16))
    assert_pace(
        lambda: student.cubify(many),
        lambda: student.cubify(one),
        at_most=400.0,
        what="cubify of 16 x 16 x 16 cells",
        against="cubify of one cell",
        hint="shift the whole grid by one cell, and compare; or turn it into lists before you loop",
    )


@pytest.mark.question("mesh-speed")
def test_chamfer_pace(student, rng):
    """600 points do not take hundreds of times as long as 6."""
    few, many = place(student, rng.normal(6, 3).float()), place(student, rng.normal(600, 3).float())
    assert_pace(
        lambda: student.chamfer(many, many),
        lambda: student.chamfer(few, few),
        at_most=600.0,
        what="chamfer of 600 points",
        against="chamfer of 6 points",
        hint="all distances at once: (P, 1, 3) and (1, Q, 3) together make (P, Q, 3)",
    )
