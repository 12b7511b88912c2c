"""What moves vertices: convolution on graphs, features at vertices, points on surfaces, losses, refinement."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import slow_meshes
import torch
from differentiated import assert_gradients, compare_parameters, compare_runs, load_parts

from autograder.checks import CheckFailed, Draw, Proxy, StudentError, assert_matches, contracts, modules, unpack

graph_question = partial(pytest.mark.question, "graph-convolution")
align_question = partial(pytest.mark.question, "vert-align")
points_question = partial(pytest.mark.question, "sample-points")
losses_question = partial(pytest.mark.question, "mesh-losses")
stage_question = partial(pytest.mark.question, "refinement-stage")
every_contract = pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)

# Vertices and edges; i is not always below j.
GRAPHS: dict[str, tuple[int, list[list[int]]]] = {
    "path": (4, [[0, 1], [1, 2], [2, 3]]),
    "cube": (8, [[i, i ^ 1 << k] for i in range(8) for k in range(3) if i < i ^ 1 << k]),
    "either-direction": (5, [[3, 1], [0, 2], [4, 0], [1, 4]]),
    "isolated-vertex": (4, [[0, 3], [3, 1]]),
    "no-edges": (3, []),
    "one-vertex": (1, []),
    "no-vertices": (0, []),
}
every_graph = pytest.mark.parametrize("count, pairs", GRAPHS.values(), ids=GRAPHS)


def edges_of(pairs: list[list[int]]) -> torch.Tensor:
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


@graph_question()
@every_graph
def test_graph_convolution(student: Proxy, reference: Proxy, rng: Draw, count: int, pairs: list[list[int]]) -> None:
    """The output for graphs of many kinds, and the gradient of the features, with given weights."""
    model, ours, inputs = graph_layers(student, reference, rng, count, pairs)
    compare_runs(model, ours, inputs, rng.normal(count, 3), "GraphConv")


def graph_layers(
    student: Proxy, reference: Proxy, rng: Draw, count: int, pairs: list[list[int]]
) -> tuple[Proxy, Proxy, list[torch.Tensor]]:
    """Two layers with the same weights, and features and edges for them."""
    features, edges = rng.normal(count, 4), edges_of(pairs)
    model, ours = modules.assert_module(student.GraphConv(4, 3), "GraphConv()"), reference.GraphConv(4, 3)
    load_parts(rng, [(getattr(model, name), getattr(ours, name), [features]) for name in ("own", "neighbours")])
    return model, ours, [features, edges]


@graph_question(weight=0.4)
def test_graph_parameters(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The gradients that arrive at the parameters of both linear layers."""
    count, pairs = GRAPHS["either-direction"]
    model, ours, inputs = graph_layers(student, reference, rng, count, pairs)
    compare_parameters(model, ours, inputs, rng.normal(count, 3), "GraphConv")


Lookup = tuple[torch.Tensor, torch.Tensor]


def between(rng: Draw, channels: int, height: int, width: int, count: int, beyond: float = 0.0) -> Lookup:
    """Points within the map and `beyond` it, none at a whole number."""
    size = torch.tensor([width, height]).double()
    positions = rng.uniform(count, 2) * (size - 1 + 2 * beyond) - beyond
    return rng.normal(channels, height, width), positions


LOOKUPS: dict[str, Callable[[Draw], Lookup]] = {
    "inside": lambda rng: between(rng, 3, 5, 8, 9),
    "around-the-rim": lambda rng: between(rng, 2, 4, 6, 40, beyond=2.0),
    "one-row": lambda rng: between(rng, 2, 1, 7, 5),
    "one-column": lambda rng: between(rng, 1, 6, 1, 5),
    "centres": lambda rng: (rng.normal(2, 3, 4), torch.tensor([[0, 0], [3, 2], [1, 2], [-1, 1], [4, 3]]).double()),
    "no-vertices": lambda rng: between(rng, 3, 4, 5, 0),
}


@align_question()
@pytest.mark.parametrize("draw", LOOKUPS.values(), ids=LOOKUPS)
def test_lookup(student: Proxy, rng: Draw, draw: Callable[[Draw], Lookup]) -> None:
    """The features at each vertex, on the map, around its border and outside of it."""
    features, positions = draw(rng)
    assert_matches(student.vert_align(features, positions), slow_meshes.aligned(features, positions), what="the values")


@align_question(weight=0.7)
@pytest.mark.parametrize("draw", [LOOKUPS["inside"], LOOKUPS["around-the-rim"]], ids=["inside", "around-the-rim"])
def test_lookup_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Lookup]) -> None:
    """The gradients of the features and of the positions."""
    features, positions = draw(rng)
    upstream = rng.normal(len(positions), len(features))
    names = ["features", "positions"]
    assert_gradients(student.vert_align, (features, positions), [0, 1], slow_meshes.aligned, upstream, names)


@align_question(weight=0.3)
@every_contract
def test_lookup_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda features, positions: student.vert_align(features, positions),
        oracle=lambda features, positions: (slow_meshes.aligned(features, positions),),
        inputs=("features", "positions"),
        outputs=("the values",),
        batched=("positions",),
    )
    contract(student, operation, between(rng, 3, 4, 6, 20, beyond=2.0))


Surface = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # vertices, faces, uniforms


def surface(rng: Draw, faces: list[list[int]], count: int) -> Surface:
    triangles = torch.tensor(faces)
    vertices = rng.normal(int(triangles.max()) + 1, 3) * torch.linspace(0.3, 3, int(triangles.max()) + 1)[:, None]
    return vertices.double(), triangles, rng.uniform(count, 3)


def with_flat_faces(rng: Draw) -> Surface:
    """The first and the last face, and one between, have no area."""
    vertices, _, uniforms = surface(rng, [[0, 1, 5]], 12)
    faces = torch.tensor([[0, 0, 1], [0, 1, 2], [3, 4, 4], [2, 3, 4], [5, 5, 5]])
    ends = torch.tensor([[0.0, 0.3, 0.7], [0.999999, 0.9, 0.2]]).double()
    return vertices, faces, torch.cat([uniforms, ends])


SURFACES: dict[str, Callable[[Draw], Surface]] = {
    "different-areas": lambda rng: surface(rng, [[0, 1, 2], [1, 2, 3], [4, 5, 0], [2, 5, 6]], 30),
    "one-face": lambda rng: surface(rng, [[0, 1, 2]], 8),
    "faces-without-area": with_flat_faces,
    "ends-of-the-range": lambda rng: (
        *surface(rng, [[0, 1, 2], [3, 4, 5]], 0)[:2],
        torch.tensor([[0.0, 0.0, 0.0], [0.999999, 0.99, 0.999999]]).double(),
    ),
    "no-points": lambda rng: surface(rng, [[0, 1, 2]], 0),
}
POINTS = ("points", "normals")


@points_question()
@pytest.mark.parametrize("part", POINTS)
@pytest.mark.parametrize("draw", SURFACES.values(), ids=SURFACES)
def test_points(student: Proxy, rng: Draw, draw: Callable[[Draw], Surface], part: str) -> None:
    """Points and normals on a surface, for given uniform numbers."""
    case = draw(rng)
    found = unpack(student.sample_points(*case), *POINTS)
    index = POINTS.index(part)
    assert_matches(found[index], slow_meshes.points_on(*case)[index], what=part)


@points_question(weight=0.7)
@pytest.mark.parametrize("part", POINTS)
def test_points_gradient(student: Proxy, rng: Draw, part: str) -> None:
    """The gradients that reach the vertices through points and normals."""
    case = SURFACES["different-areas"](rng)
    index = POINTS.index(part)
    upstream: list[Any] = [None, None]
    upstream[index] = rng.normal(len(case[2]), 3)
    run = modules.differentiate(student.sample_points, case, upstream=upstream, wrt=[0])
    vertices = case[0].clone().requires_grad_()
    (slow_meshes.points_on(vertices, *case[1:])[index] * upstream[index]).sum().backward()
    if run.inputs[0] is None:
        raise CheckFailed(f"no gradient arrives at the vertices from the {part}", "is something detached on the way?")
    assert_matches(run.inputs[0], vertices.grad, what=f"the gradient of the {part} with respect to the vertices")


@points_question(weight=0.4)
def test_no_faces(student: Proxy, rng: Draw) -> None:
    """A mesh without faces raises a ValueError."""
    assert_raises(lambda: student.sample_points(rng.normal(3, 3), torch.zeros(0, 3).long(), rng.uniform(2, 3)))


@points_question(weight=0.4)
@every_contract
def test_points_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    vertices, faces, uniforms = SURFACES["different-areas"](rng)
    operation = contracts.Operation(
        call=lambda vertices, uniforms: student.sample_points(vertices, faces, uniforms),
        oracle=lambda vertices, uniforms: slow_meshes.points_on(vertices, faces, uniforms),
        inputs=("vertices", "uniforms"),
        outputs=POINTS,
        batched=("uniforms",),
        others=lambda vertices, uniforms: (vertices.flip(1), uniforms.flip(0)),
    )
    contract(student, operation, (vertices, uniforms[:6]))


def assert_raises(call: Callable[[], Any]) -> None:
    """Fail unless the call raises a ValueError."""
    try:
        call()
    except StudentError as error:
        if error.kind != "ValueError":
            raise
    else:
        raise CheckFailed("no ValueError", "the docstring asks for one")


def unit(points: torch.Tensor) -> torch.Tensor:
    return points / points.norm(dim=1, keepdim=True)


Arguments = tuple[torch.Tensor, ...]


def two_sets(rng: Draw, p: int, q: int) -> Arguments:
    return rng.normal(p, 3), rng.normal(q, 3)


def with_normals(rng: Draw, p: int, q: int) -> Arguments:
    a, b = two_sets(rng, p, q)
    return a, unit(rng.normal(p, 3)), b, unit(rng.normal(q, 3))


def edges_to_measure(rng: Draw, count: int) -> Arguments:
    return rng.normal(6, 3), torch.tensor([[0, 1], [1, 5], [2, 4], [3, 5], [0, 2]])[:count]


LOSSES: dict[str, tuple[Callable[[Draw], Arguments], Callable[..., torch.Tensor], list[int]]] = {
    # what is drawn, the oracle, and the arguments that get a gradient
    "chamfer": (lambda rng: two_sets(rng, 5, 9), slow_meshes.chamfer_of, [0, 1]),
    "normal_loss": (lambda rng: with_normals(rng, 7, 4), slow_meshes.normal_loss_of, [1, 3]),
    "edge_loss": (lambda rng: edges_to_measure(rng, 5), slow_meshes.edge_loss_of, [0]),
}
SMALL: dict[str, Callable[[Draw], Arguments]] = {
    "chamfer": lambda rng: two_sets(rng, 1, 3),
    "normal_loss": lambda rng: with_normals(rng, 3, 1),
    "edge_loss": lambda rng: edges_to_measure(rng, 0),
}
every_function = pytest.mark.parametrize("name", LOSSES)


@losses_question()
@every_function
@pytest.mark.parametrize("size", ("several", "few"))
def test_loss(student: Proxy, rng: Draw, name: str, size: str) -> None:
    """The value of each of the three losses, for several points or edges and for few or none."""
    draw, oracle, _ = LOSSES[name]
    arguments = (draw if size == "several" else SMALL[name])(rng)
    assert_matches(getattr(student, name)(*arguments), oracle(*arguments), what=name)


@losses_question(weight=0.7)
@pytest.mark.parametrize(
    "name, size", [*((name, "several") for name in LOSSES), ("edge_loss", "few")], ids=lambda value: value
)
def test_loss_gradient(student: Proxy, rng: Draw, name: str, size: str) -> None:
    """The gradient of each of the three losses, also without edges."""
    draw, oracle, wrt = LOSSES[name]
    draw = draw if size == "several" else SMALL[name]
    names = [f"argument {place + 1} of {name}" for place in wrt]
    upstream = torch.tensor(1.0, dtype=torch.float64)
    unit = name == "normal_loss"  # a normal turns, and does not grow
    assert_gradients(getattr(student, name), draw(rng), wrt, oracle, upstream, names, unit=unit)


@losses_question(weight=0.4)
@pytest.mark.parametrize("name", ("chamfer", "normal_loss"))
@pytest.mark.parametrize("empty", (0, 1), ids=("first", "second"))
def test_no_points(student: Proxy, rng: Draw, name: str, empty: int) -> None:
    """An empty set of points raises a ValueError."""
    counts = (0, 3) if empty == 0 else (3, 0)
    arguments = two_sets(rng, *counts) if name == "chamfer" else with_normals(rng, *counts)
    assert_raises(lambda: getattr(student, name)(*arguments))


@losses_question(weight=0.2)
@every_function
@pytest.mark.parametrize(
    "contract", contracts.battery({"takes-an-empty-batch": "no points: a ValueError, asked for apart"}), ids=str
)
def test_loss_contract(student: Proxy, rng: Draw, contract: contracts.Contract, name: str) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    draw, oracle, _ = LOSSES[name]
    arguments = draw(rng)
    operation = contracts.Operation(
        call=lambda *given: getattr(student, name)(*given),
        oracle=lambda *given: (oracle(*given),),
        inputs=tuple(f"argument {place + 1}" for place in range(len(arguments))),
        outputs=(name,),
        batched=(),
        others=lambda *given: [one.flip(0) for one in given],
    )
    contract(student, operation, arguments)


STAGES: dict[str, tuple[int, ...]] = {"three-convolutions": (4, 6, 3), "one-convolution": (3, 5, 1)}


@stage_question()
@pytest.mark.parametrize("arguments", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("graph", ("cube", "no-edges"))
@pytest.mark.parametrize("part", ("vertices", "gradients"))
def test_stage(student: Proxy, reference: Proxy, rng: Draw, part: str, arguments: tuple[int, ...], graph: str) -> None:
    """The moved vertices; and the gradients of vertices, features and positions."""
    theirs, ours, inputs, upstream = stages(student, reference, rng, arguments, graph)
    compare_runs(theirs, ours, inputs, upstream, "RefinementStage", (part,))


@stage_question()
def test_stage_parameters(student: Proxy, reference: Proxy, rng: Draw) -> None:
    """The gradients that arrive at the parameters of a stage, all of which it holds."""
    theirs, ours, inputs, upstream = stages(student, reference, rng, STAGES["three-convolutions"], "cube")
    compare_parameters(theirs, ours, inputs, upstream, "RefinementStage")


def stages(
    student: Proxy, reference: Proxy, rng: Draw, arguments: tuple[int, ...], graph: str
) -> tuple[Proxy, Proxy, list[torch.Tensor], torch.Tensor]:
    """Two stages with the same weights, their inputs, and the gradient that arrives at the moved vertices."""
    channels, hidden, convs = arguments
    count, pairs = GRAPHS[graph]
    features, positions = between(rng, channels, 5, 7, count)
    vertices, edges = rng.normal(count, 3), edges_of(pairs)
    theirs = modules.assert_module(student.RefinementStage(channels, hidden, num_convs=convs), "RefinementStage()")
    ours = reference.RefinementStage(channels, hidden, num_convs=convs)
    inner = rng.normal(count, hidden)
    parts = [
        (getattr(theirs.convs[number], name), getattr(ours.convs[number], name), [inner])
        for number in range(convs)
        for name in ("own", "neighbours")
    ]
    parts.append((theirs.project, ours.project, [rng.normal(count, channels + 3)]))
    parts.append((theirs.offset, ours.offset, [rng.normal(count, hidden + 3)]))
    inputs, upstream = [vertices, edges, features, positions], rng.normal(count, 3)

    def loaded(rng: Draw) -> modules.Run:
        load_parts(rng, parts)
        return modules.run(ours, *inputs, training=True, upstream=upstream)

    # Where all units of a layer are zero, or tanh is at its ends, no feature counts, and no mistake before that shows.
    rng.until(loaded, lambda run: float(run.inputs[2].abs().max()) > 0.01)
    return theirs, ours, inputs, upstream
