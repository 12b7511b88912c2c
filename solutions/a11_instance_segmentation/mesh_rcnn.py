"""Assignment 11, part 4: from pixels to shapes. Voxels, the mesh of their surface, and the refinement of the mesh.

Write your answers where a NotImplementedError is raised.

Voxels are indexed [z, y, x]: x right, y down, z away from the viewer. So the front of the grid lies over the mask. Cell
(z, y, x) is the cube between the points (x, y, z) and (x + 1, y + 1, z + 1). A mesh is two tensors: `vertices` (V, 3)
floating point, (x, y, z) in cells, and `faces` (F, 3) int64, the three corners of each triangle. (pytorch3d scales
every axis of a grid to [-1, 1]; nothing is scaled here.) Inputs are never modified.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "GraphConv",
    "RefinementStage",
    "VoxelHead",
    "chamfer",
    "cubify",
    "edge_loss",
    "normal_loss",
    "sample_points",
    "unique_edges",
    "vert_align",
    "voxel_loss",
]


class VoxelHead(nn.Module):
    """Predict for every cell of a cube whether it is filled.

    Two 3x3 convolutions with padding 1, each with a ReLU; a 2x2 transposed convolution with stride 2, and a ReLU; a 1x1
    convolution to `side` channels. The channels are depth: channel z of the result is the slice z. All layers but the
    last have `hidden` channels. You may choose the names of the attributes.
    """

    def __init__(self, in_channels: int, hidden: int, side: int) -> None:
        super().__init__()
        # BEGIN SOLUTION voxel-head
        self.layers = nn.Sequential(
            *(nn.Conv2d(in_channels, hidden, kernel_size=3, padding=1), nn.ReLU()),
            *(nn.Conv2d(hidden, hidden, kernel_size=3, padding=1), nn.ReLU()),
            *(nn.ConvTranspose2d(hidden, hidden, kernel_size=2, stride=2), nn.ReLU()),
            nn.Conv2d(hidden, side, kernel_size=1),
        )
        # END SOLUTION

    def forward(self, features: Tensor) -> Tensor:
        """(R, in_channels, side / 2, side / 2) -> (R, side, side, side) scores, [z, y, x], not probabilities."""
        # BEGIN SOLUTION voxel-head
        out: Tensor = self.layers(features)
        return out
        # END SOLUTION


def voxel_loss(scores: Tensor, voxels: Tensor, filled: float = 6.0) -> Tensor:
    """The mean binary cross-entropy over all cells, with the weight `filled` for filled cells.

    One cell in eighteen of the scenes' cubes is filled. Without a weight, a head learns to predict that every cell is
    empty.

    Args:
        scores: (R, S, S, S) floating point, before the sigmoid.
        voxels: (R, S, S, S) bool, or 0 and 1.
        filled: the weight of a filled cell; an empty cell has weight 1. The sum is divided by the number of cells.

    Returns:
        A scalar.

    Edge cases: R = 0 gives 0, connected to the scores. The loss is finite for scores from -1e4 to 1e4.

    >>> voxel_loss(torch.zeros(1, 1, 1, 2), torch.tensor([[[[True, False]]]]), filled=3.0)  # 2 log 2
    tensor(1.3863)
    """
    # BEGIN SOLUTION voxel-head
    weight = scores.new_tensor(filled)
    loss = F.binary_cross_entropy_with_logits(scores, voxels.to(scores.dtype), pos_weight=weight, reduction="sum")
    return loss / max(1, scores.numel())
    # END SOLUTION


def cubify(voxels: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """Make a mesh of the surface of all filled cells.

    A cell is filled if its value is *greater* than the threshold. Every unit square between a filled cell and an empty
    one, or the outside of the grid, becomes two triangles; either diagonal is right. Squares that meet share their
    vertices, also where two cells touch only along an edge or in a corner. No vertex comes twice, and every vertex
    belongs to a triangle. The corners (a, b, c) of a triangle are in such an order that (b - a) x (c - a) points out of
    the filled cell.

    Args:
        voxels: (D, H, W) bool or floating point, [z, y, x]; the sides may differ.
        threshold: no unit; see above.

    Returns:
        (vertices, faces): (V, 3), (x, y, z) in cells, of the dtype of the voxels, float32 for bool; (F, 3) int64.
        Vertices and faces may come in any order.

    Edge cases: nothing filled gives shapes (0, 3) and (0, 3), of the same dtypes. Laws: the volume inside is the number
    of filled cells, the area is the number of squares.

    >>> vertices, faces = cubify(torch.ones(1, 1, 1))
    >>> vertices.shape, faces.shape
    (torch.Size([8, 3]), torch.Size([12, 3]))

    Allowed: any operation on whole tensors. Loops that index a tensor for every cell lose the points of `mesh-speed`.
    Source: Gkioxari et al., Mesh R-CNN, ICCV 2019, section 3.2.
    """
    # BEGIN SOLUTION cubify
    full = F.pad((voxels > threshold).to(torch.int8), (1, 1, 1, 1, 1, 1)) > 0  # a border of empty cells
    dtype = voxels.dtype if voxels.is_floating_point() else torch.float32
    squares: list[Tensor] = []
    for axis in range(3):  # x, y, z
        for step in (+1, -1):
            bare = full & ~full.roll(-step, dims=2 - axis)  # the neighbour on this side is empty
            cells = bare.nonzero().flip(1) - 1  # (n, 3), (x, y, z)
            squares.append(cells[:, None] + _square(axis, step).to(cells.device))
    corners, numbers = torch.cat(squares).reshape(-1, 3).unique(dim=0, return_inverse=True)
    a, b, c, d = numbers.reshape(-1, 4).unbind(dim=1)
    faces = torch.cat([torch.stack([a, b, c], dim=1), torch.stack([a, c, d], dim=1)])
    return corners.to(dtype), faces
    # END SOLUTION


# BEGIN SOLUTION
def _square(axis: int, step: int) -> Tensor:
    """(4, 3): the side of the unit cube where `axis` is 1 (step 1) or 0 (step -1), counter-clockwise from outside."""
    corners = torch.zeros(4, 3, dtype=torch.int64)
    corners[:, axis] = (step + 1) // 2
    corners[:, (axis + 1) % 3] = torch.tensor([0, 1, 1, 0])
    corners[:, (axis + 2) % 3] = torch.tensor([0, 0, 1, 1])
    return corners if step > 0 else corners.flip(0)


# END SOLUTION
def unique_edges(faces: Tensor) -> Tensor:
    """List the edges of a mesh, each once, even if several triangles have it.

    Args:
        faces: (F, 3) int64.

    Returns:
        (E, 2) int64: pairs i < j of vertices, sorted by i, then by j.

    Edge cases: F = 0 gives shape (0, 2).

    >>> unique_edges(torch.tensor([[0, 2, 1], [1, 2, 3]]))
    tensor([[0, 1],
            [0, 2],
            [1, 2],
            [1, 3],
            [2, 3]])
    """
    # BEGIN SOLUTION cubify
    pairs = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return pairs.sort(dim=1).values.unique(dim=0)
    # END SOLUTION


class GraphConv(nn.Module):
    """Graph convolution: each vertex gets information from its neighbours.

        out[i] = own(f[i]) + sum over the neighbours j of i of neighbours(f[j])

    Both are linear layers with a bias, and the bias of `neighbours` counts once for every neighbour. There is no
    activation. Each edge (i, j) works both ways: i is a neighbour of j, and j of i.

    The attributes `own` and `neighbours`, each an `nn.Linear`, are prescribed.

    Source: Gkioxari et al., Mesh R-CNN, ICCV 2019, equation 1.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        # BEGIN SOLUTION graph-convolution
        self.own = nn.Linear(in_features, out_features)
        self.neighbours = nn.Linear(in_features, out_features)
        # END SOLUTION

    def forward(self, features: Tensor, edges: Tensor) -> Tensor:
        """
        Args:
            features: (V, in_features).
            edges: (E, 2) int64, each edge once, as (i, j) or (j, i).

        Returns:
            (V, out_features).

        Edge cases: a vertex without edges gets own(f) alone; so do all if E = 0. V = 0 gives shape (0, out_features).

        Allowed: `index_add`. No loop over vertices or edges.
        """
        # BEGIN SOLUTION graph-convolution
        said = self.neighbours(features)
        i, j = edges.unbind(dim=1)
        return self.own(features).index_add(0, torch.cat([i, j]), said[torch.cat([j, i])])
        # END SOLUTION


def vert_align(features: Tensor, positions: Tensor) -> Tensor:
    """Read a feature map at the vertices, by bilinear interpolation.

    The value at (u, v) is the sum over the cells (row i, column j) of features[:, i, j] max(0, 1 - |u - j|) max(0, 1 -
    |v - i|). A point with u < -1, u > W, v < -1 or v > H reads 0. Any other point is first clamped into [0, W - 1] x
    [0, H - 1]. This is the rule of `bilinear_sample` of assignment 10.

    Args:
        features: (C, H, W) floating point.
        positions: (V, 2), (u, v) in index coordinates: u is the column, v the row, and (0, 0) is the centre of the
            first cell.

    Returns:
        (V, C), differentiable with respect to features and positions.

    Edge cases: V = 0 gives shape (0, C). At whole numbers, the slopes of both sides differ; either gradient is right.

    >>> features = torch.tensor([[[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]])  # 10 row + column
    >>> vert_align(features, torch.tensor([[1.5, 0.25], [-0.75, 0.0], [5.0, 0.0]]))
    tensor([[4.],
            [0.],
            [0.]])

    Allowed: `grid_sample` too.
    """
    # BEGIN SOLUTION vert-align
    height, width = features.shape[1:]
    u, v = positions.unbind(dim=1)
    inside = (u >= -1) & (u <= width) & (v >= -1) & (v <= height)
    u, v = u.clamp(0, width - 1), v.clamp(0, height - 1)
    column, row = u.detach().floor().long(), v.detach().floor().long()
    right, down = (column + 1).clamp(max=width - 1), (row + 1).clamp(max=height - 1)
    along, below = u - column, v - row
    upper = features[:, row, column] * (1 - along) + features[:, row, right] * along
    lower = features[:, down, column] * (1 - along) + features[:, down, right] * along
    return ((upper * (1 - below) + lower * below) * inside).T
    # END SOLUTION


def sample_points(vertices: Tensor, faces: Tensor, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Sample points on the surface of a mesh, uniformly over its area.

    Randomness comes in as an argument, three numbers (u0, u1, u2) for each point. u0 selects the face: divide the
    interval from 0 to the total area into one part for each face, in their order and as long as its area. The face is
    the one whose part holds u0 times the total area. Then, with s = sqrt(u1), the point on the face (a, b, c) is

        (1 - s) a + s (1 - u2) b + s u2 c

    Without the square root, there would be more points near the corner a.

    Args:
        vertices: (V, 3) floating point.
        faces: (F, 3) int64.
        uniforms: (P, 3) in [0, 1).

    Returns:
        (points, normals): (P, 3) each; the normal of a face is (b - a) x (c - a), divided by its length. Gradients
        reach the vertices through points and normals, not through the choice of the face.

    Edge cases: a face without area is never selected. P = 0 gives shapes (0, 3).
    Raises: ValueError if there are no faces.

    >>> vertices = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> sample_points(vertices, torch.tensor([[0, 1, 2]]), torch.tensor([[0.5, 0.25, 0.5]]))
    (tensor([[0.2500, 0.2500, 0.0000]]), tensor([[0., 0., 1.]]))

    Source: Osada et al., Shape distributions, ACM TOG 2002, section 4.2.
    """
    # BEGIN SOLUTION sample-points
    if len(faces) == 0:
        raise ValueError("a mesh without faces has no surface")
    a, b, c = vertices[faces].unbind(dim=1)
    across = torch.linalg.cross(b - a, c - a)
    ends = across.detach().norm(dim=1).cumsum(dim=0)  # twice the areas
    which = torch.searchsorted(ends, uniforms[:, 0] * ends[-1], right=True)
    which = which.clamp(max=int((ends < ends[-1]).sum()))  # rounding must not lead past the last face with area
    s, t = uniforms[:, 1:2].sqrt(), uniforms[:, 2:3]
    points = (1 - s) * a[which] + s * (1 - t) * b[which] + s * t * c[which]
    return points, across[which] / across[which].norm(dim=1, keepdim=True)
    # END SOLUTION


def chamfer(a: Tensor, b: Tensor) -> Tensor:
    """The chamfer distance of two sets of points.

        mean over p in a of min over q in b of |p - q|^2  +  mean over q in b of min over p in a of |p - q|^2

    Args:
        a: (P, 3) floating point.
        b: (Q, 3), likewise; P and Q may differ.

    Returns:
        A scalar, differentiable with respect to both.

    Raises: ValueError if a set is empty. Law: chamfer(a, b) = chamfer(b, a).

    >>> chamfer(torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]]))  # (1 + 2) / 2 + 1
    tensor(2.5000)

    Allowed: `torch.cdist` too. A loop over points loses points of `mesh-speed`.
    Source: Fan et al., A point set generation network, CVPR 2017.
    """
    # BEGIN SOLUTION mesh-losses
    distances = _squared_distances(a, b)
    return distances.amin(dim=1).mean() + distances.amin(dim=0).mean()
    # END SOLUTION


def normal_loss(a: Tensor, normals_a: Tensor, b: Tensor, normals_b: Tensor) -> Tensor:
    """How much the normals of two sets of points differ.

        mean over p in a of 1 - |n_p . n_q|,  q the nearest point to p in b,  plus the same from b to a

    The sign of a normal makes no difference.

    Args:
        a, normals_a: (P, 3) each, points and their unit normals.
        b, normals_b: (Q, 3) each.

    Returns:
        A scalar, differentiable with respect to the normals.

    Raises: ValueError if a set is empty.

    >>> point, up, right = torch.zeros(1, 3), torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    >>> normal_loss(point, up, point, -up), normal_loss(point, up, point, right)
    (tensor(0.), tensor(2.))

    Source: Gkioxari et al., Mesh R-CNN, ICCV 2019, equation 3, as a loss that is 0 at best.
    """
    # BEGIN SOLUTION mesh-losses
    distances = _squared_distances(a, b)
    there = (normals_a * normals_b[distances.argmin(dim=1)]).sum(dim=1)
    back = (normals_b * normals_a[distances.argmin(dim=0)]).sum(dim=1)
    return (1 - there.abs()).mean() + (1 - back.abs()).mean()
    # END SOLUTION


# BEGIN SOLUTION
def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(P, 3), (Q, 3) -> (P, Q)."""
    if len(a) == 0 or len(b) == 0:
        raise ValueError("no points, so nothing is near")
    return (a[:, None] - b[None]).square().sum(dim=2)


# END SOLUTION
def edge_loss(vertices: Tensor, edges: Tensor) -> Tensor:
    """The mean squared length of a mesh's edges, which keeps its vertices together.

    Args:
        vertices: (V, 3) floating point.
        edges: (E, 2) int64, as from `unique_edges`.

    Returns:
        A scalar. No edges: 0, connected to the vertices.

    >>> edge_loss(torch.tensor([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]), torch.tensor([[0, 1], [0, 2]]))
    tensor(13.)
    """
    # BEGIN SOLUTION mesh-losses
    i, j = edges.unbind(dim=1)
    return (vertices[i] - vertices[j]).square().sum() / max(1, len(edges))
    # END SOLUTION


class RefinementStage(nn.Module):
    """Move the vertices of a mesh by the image features at their positions.

    Read the features at the vertices' positions (`vert_align`) and append the vertices themselves (C + 3 numbers).
    Then: a linear layer to `hidden`, ReLU; `num_convs` times `GraphConv` from hidden to hidden, each with a ReLU.
    Append the vertices again (hidden + 3 numbers). A linear layer to 3 and tanh give the offset, which is added to the
    vertices.

    Attributes (prescribed):
        project: the first linear layer.
        convs: nn.ModuleList of GraphConv.
        offset: the last linear layer.

    Source: Gkioxari et al., Mesh R-CNN, ICCV 2019, section 3.3.
    """

    def __init__(self, channels: int, hidden: int, num_convs: int = 3) -> None:
        super().__init__()
        # BEGIN SOLUTION refinement-stage
        self.project = nn.Linear(channels + 3, hidden)
        self.convs = nn.ModuleList(GraphConv(hidden, hidden) for _ in range(num_convs))
        self.offset = nn.Linear(hidden + 3, 3)
        # END SOLUTION

    def forward(self, vertices: Tensor, edges: Tensor, features: Tensor, positions: Tensor) -> Tensor:
        """
        Args:
            vertices: (V, 3).
            edges: (E, 2) int64, each once.
            features: (C, H, W).
            positions: (V, 2), where each vertex lies on the map, as for `vert_align`.

        Returns:
            (V, 3), the vertices moved.
        """
        # BEGIN SOLUTION refinement-stage
        hidden = F.relu(self.project(torch.cat([vert_align(features, positions), vertices], dim=1)))
        for conv in self.convs:
            hidden = F.relu(conv(hidden, edges))
        return vertices + torch.tanh(self.offset(torch.cat([hidden, vertices], dim=1)))
        # END SOLUTION
