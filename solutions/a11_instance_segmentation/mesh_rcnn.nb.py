# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 11, part 4: shapes
#
# Mesh R-CNN predicts more than a mask: the shape of a thing, including the sides that the image does not show. It
# predicts voxels, makes a mesh of their surface, and moves the vertices of the mesh. You write in `mesh_rcnn.py`.

# %%
# Fill these in. option is 1 for your own work, 2 otherwise (see README.md). group is for work handed in together:
# one "id name" per member, for example ["20221234 Gildong Hong"].
name = ""
idnum = ""
option = 1
group = []

# %%
# %load_ext autoreload
# %autoreload 2
# %matplotlib inline

# %%
import os

import matplotlib.pyplot as plt
import otter
import torch
from torch import nn

from common import reset_seed
from common.plots import show_mesh
from common.scenes import draw_scenes
from kit import SingleMap, fast_roi_align, to_images, to_targets
from mesh_rcnn import (
    RefinementStage,
    VoxelHead,
    chamfer,
    cubify,
    edge_loss,
    normal_loss,
    sample_points,
    unique_edges,
    voxel_loss,
)

grader = otter.Notebook("mesh_rcnn.ipynb")
SIDE = 16
# True: short trainings, only to see whether everything runs.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))


def from_two_sides(shapes):
    """Show shapes by name, each from two sides: meshes; and voxels, by the largest value along each line of sight."""
    figure = plt.figure(figsize=(3 * len(shapes), 6), layout="constrained")
    for column, (title, shape) in enumerate(shapes.items(), start=1):
        for row, azimuth in enumerate((-70, 20)):
            place, words = (2, len(shapes), row * len(shapes) + column), title if row == 0 else "from the side"
            if isinstance(shape, tuple):
                axis = figure.add_subplot(*place, projection="3d")
                show_mesh(*shape, azimuth=azimuth, axis=axis, title=words)
            else:
                axis = figure.add_subplot(*place)
                axis.imshow(shape.amax(dim=2).T if row else shape.amax(dim=0), cmap="gray", vmin=0, vmax=1)
                axis.set(title=words, xticks=[], yticks=[])
    plt.show()


# %% [markdown]
# ## From voxels to a mesh
#
# Write `cubify` and `unique_edges`. The mesh has a square wherever a filled cell meets an empty one.

# %%
grader.check("cubify")

# %%
grader.check("mesh-speed")

# %%
scenes = draw_scenes(12 if quick else 120, seed=0, height=64, width=96, near=(0.6, 1.0))
truths = to_targets(scenes, ["voxels"], side=SIDE)
whole = [
    (n, k)
    for n, scene in enumerate(scenes)
    for k, thing in enumerate(scene.things)
    if thing.visible > 0.9 and min(thing.whole_box[2] - thing.whole_box[0], thing.whole_box[3] - thing.whole_box[1]) > 8
]
print(len(whole), "animals that are seen almost whole")
from_two_sides({scenes[n].things[k].kind: cubify(truths[n]["voxels"][k].float()) for n, k in whole[:4]})

# %% [markdown]
# ## Points on a surface, and the distance of surfaces
#
# Write `sample_points`, `chamfer`, `normal_loss` and `edge_loss`.

# %%
grader.check("sample-points")

# %%
grader.check("mesh-losses")

# %% [markdown]
# The next cell pulls a mesh onto points. The points are 600 points on the surface of an animal, with their normals. The
# mesh is what `cubify` makes of its voxels. Gradient descent moves the vertices: first with the chamfer distance alone,
# then with the losses of edges and normals too.

# %%
n, k = whole[0]
thing = scenes[n].things[k]
vertices, faces = cubify(truths[n]["voxels"][k].float())
edges = unique_edges(faces)
flip = torch.tensor([1.0, -1.0, -1.0])


def in_cells(points, thing):
    """From pixels (x right, y up, z to the viewer) to cells (y down, z away), as the thing's voxels lie."""
    low, high = (torch.from_numpy(part).float() for part in thing.solid.bounds())
    return (points - (low + high) / 2) * (SIDE / float((high - low).max())) * flip + SIDE / 2


def true_mesh(thing):
    """The true surface of the thing, in cells."""
    corners, triangles = (torch.from_numpy(part) for part in thing.mesh())
    return in_cells(corners.float(), thing), triangles


points, normals = (torch.from_numpy(part).float() for part in thing.surface(600, seed=0))
goal, goal_normals = in_cells(points, thing), normals * flip


def pull(steps, edge_weight, normal_weight):
    """Move the vertices onto the points. Returns them, and the chamfer distance and loss of normals of each step."""
    reset_seed(0)
    moved = vertices.clone().requires_grad_()
    optimizer = torch.optim.Adam([moved], lr=0.05)
    history = []
    for _ in range(steps):
        drawn, drawn_normals = sample_points(moved, faces, torch.rand(600, 3))
        near = chamfer(drawn, goal)
        across = normal_loss(drawn, drawn_normals, goal, goal_normals)
        loss = near + edge_weight * edge_loss(moved, edges) + normal_weight * across
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((near.item(), across.item()))
    return moved.detach(), history


steps = 5 if quick else 100
alone, history_alone = pull(steps, 0.0, 0.0)
smooth, history_smooth = pull(steps, 0.3, 0.2)
from_two_sides(
    {
        "cubified": (vertices, faces),
        "chamfer alone": (alone, faces),
        "edges, normals": (smooth, faces),
        "truth": true_mesh(thing),
    }
)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
for part, title in enumerate(("chamfer distance", "loss of normals")):
    for label, history in (("chamfer alone", history_alone), ("with edges and normals", history_smooth)):
        axes[part].plot([pair[part] for pair in history], label=label)
    axes[part].set(title=title, xlabel="step")
axes[0].legend()
plt.show()

# %% [markdown]
# ## From pixels to voxels
#
# Write `VoxelHead` and `voxel_loss`. A small network learns to predict voxels from a region's features. It has few
# scenes and little time, so the far side will be poor.

# %%
grader.check("voxel-head")


# %%
class Voxels(nn.Module):
    """A backbone, RoI Align, and your head."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head = SingleMap(), VoxelHead(64, 48, SIDE)

    def forward(self, images, rois):
        return self.head(fast_roi_align(self.backbone(images), rois, SIDE // 2, 1 / 8, 2))


images = to_images(scenes)
boxes = torch.tensor([scenes[n].things[k].whole_box for n, k in whole])
goals = torch.stack([truths[n]["voxels"][k] for n, k in whole])
held = max(1, len(whole) // 6)  # the last ones are for testing


def rois_of(which):
    """(R, 5), the regions of animals by number; each animal has an image of its own."""
    return torch.cat([torch.arange(len(which))[:, None].float(), boxes[which]], dim=1)


reset_seed(0)
network, steps = Voxels(), 5 if quick else 250
optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
losses = []
for _ in range(steps):
    which = torch.randint(len(whole) - held, (8,))
    loss = voxel_loss(network(images[[whole[i][0] for i in which]], rois_of(which)), goals[which])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
network.eval()
last = torch.arange(len(whole) - held, len(whole))
with torch.no_grad():
    predicted = network(images[[whole[i][0] for i in last]], rois_of(last)).sigmoid()
both, either = (predicted > 0.5) & goals[last], (predicted > 0.5) | goals[last]
ious = both.flatten(1).sum(dim=1) / either.flatten(1).sum(dim=1)
print(f"mean IoU of the voxels of test animals: {float(ious.mean()):.3f}")

figure, axis = plt.subplots(figsize=(5, 2.6), layout="constrained")
axis.plot(losses)
axis.set(title="Loss of voxels", xlabel="step", yscale="log")
plt.show()

# %% [markdown]
# ## Moving vertices by image features
#
# Write `GraphConv`, `vert_align` and `RefinementStage`.

# %%
grader.check("graph-convolution")

# %%
grader.check("vert-align")

# %%
grader.check("refinement-stage")

# %% [markdown]
# One stage learns to refine one mesh: that of the animal with the best predicted voxels. It reads image features at the
# vertices, and moves the vertices onto the true surface. (A network for all animals would take too long here.) A stage
# moves a vertex by at most 1 along each axis, so its unit is four cells. The pictures show the predicted voxels, the
# cubified mesh, the refined mesh, and the truth.

# %%
best = int(ious.argmax())
i = int(last[best])
n, k = whole[i]
thing = scenes[n].things[k]
guess = predicted[best] if bool((predicted[best] > 0.5).any()) else goals[i].float()
UNIT = 4


def in_units(points):
    """From cells to units of four, around the middle of the cube."""
    return (points - SIDE / 2) / UNIT


start, start_faces = cubify(guess)
start_edges = unique_edges(start_faces)
with torch.no_grad():
    features = network.backbone(images[n : n + 1])[0]
    features = features / features.std()
x1, y1, x2, y2 = boxes[i].tolist()
# A vertex (x, y, z) lies in front of the pixel at the same share of the box's larger side.
side = max(x2 - x1, y2 - y1)
middle = torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2])
positions = (middle + (start[:, :2] / SIDE - 0.5) * side) / 8 - 0.5
goal = in_units(in_cells(torch.from_numpy(thing.surface(600, seed=0)[0]).float(), thing))

reset_seed(0)
stage, history = RefinementStage(64, 32), []
with torch.no_grad():
    stage.offset.weight *= 0.01  # begin with small offsets: for large ones tanh is flat
optimizer = torch.optim.Adam(stage.parameters(), lr=1e-3)
for _ in range(4 if quick else 150):
    moved = stage(in_units(start), start_edges, features, positions)
    drawn, _ = sample_points(moved, start_faces, torch.rand(600, 3))
    near = chamfer(drawn, goal)
    optimizer.zero_grad()
    (near + 0.5 * edge_loss(moved, start_edges)).backward()
    optimizer.step()
    history.append(near.item())
with torch.no_grad():
    refined = UNIT * stage(in_units(start), start_edges, features, positions) + SIDE / 2
from_two_sides(
    {
        "predicted voxels": guess,
        "cubified": (start, start_faces),
        "refined": (refined, start_faces),
        "truth": true_mesh(thing),
    }
)

# %%
figure, axis = plt.subplots(figsize=(5, 2.6), layout="constrained")
axis.plot(history)
axis.set(title="Chamfer distance of the refined mesh", xlabel="step")
plt.show()

# %% [markdown]
# **Question 1.** What can a mesh from `cubify` never get right, even if its vertices are moved for a long time? Think
# of a hole.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** What goes wrong with the chamfer distance alone? Which of the two other losses helps against it?

# %% [markdown] tags=["answer"]
# *Your answer:*
