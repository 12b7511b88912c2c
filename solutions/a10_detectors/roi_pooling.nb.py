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
# # Assignment 10, part 1: features of regions
#
# A region-based detector computes one feature map for the whole image. Then it cuts the features of each region out of
# this map. RoI Pool (2015) rounds a region to whole cells. RoI Align (2017) interpolates between cells. You write both
# in `roi_pooling.py`, forward and backward, without autograd.

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
import matplotlib.pyplot as plt
import otter
import torch
from matplotlib.patches import Rectangle

from common import reset_seed
from common.plots import show_boxes, show_images
from common.scenes import draw_scene
from kit import SingleMap, to_images, to_targets
from roi_pooling import (
    bilinear_sample,
    roi_align_backward,
    roi_align_forward,
    roi_pool_backward,
    roi_pool_forward,
)

grader = otter.Notebook("roi_pooling.ipynb")
STRIDE = 8
drawn = (draw_scene(7, index, things=(1, 3), near=(0.7, 1.0)) for index in range(99))
scene = next(each for each in drawn if each.things[-1].kind == "duck" and each.things[-1].box[2] < 110)
image, box = torch.from_numpy(scene.image), to_targets([scene])[0]["boxes"][-1]
reset_seed(0)
with torch.no_grad():
    features = SingleMap(16).eval()(to_images([scene]))
region = torch.cat([torch.zeros(1), box])[None]
print("box:", box.tolist(), "map:", tuple(features.shape))

# %% [markdown]
# ## A box on a map
#
# The image has 96 x 128 pixels. The map has stride 8, so it has 12 x 16 cells. Not all edges of the duck's box (white)
# are edges of cells. RoI Pool uses the whole cells inside of the red box instead.

# %%
x1, y1, x2, y2 = (box / STRIDE).tolist()
cells = (box / STRIDE + 0.5).floor()
show_boxes(image, box[None], ["duck"], title="the box on the image")
figure, axis = plt.subplots(figsize=(6, 4.4))
axis.imshow(features[0].norm(dim=0), extent=(0, 16, 12, 0), cmap="gray")
axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="white", linewidth=2, label="exact"))
width, height = (cells[2:] - cells[:2] + 1).tolist()
axis.add_patch(Rectangle(cells[:2].tolist(), width, height, fill=False, edgecolor="red", linewidth=2, label="rounded"))
axis.legend()
axis.set_title("the same box on the map")
plt.show()

# %% [markdown]
# **Question 1.** RoI Pool includes both ends of the rounded box, so the region gets one more column on the right. For
# which kind of coordinates is this correct? For which kind is it one column too many?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Reading between cells
#
# Write `bilinear_sample`. The values of this map are 10 * row + column. Between cells, interpolation gives values of
# the same plane. At the ends, the plot shows the rule for points outside of the map.

# %%
plane = (10 * torch.arange(9.0)[:, None] + torch.arange(8.0))[None]
line = torch.linspace(-1.5, 8.5, 201)
plt.plot(line, bilinear_sample(plane, line, torch.full_like(line, 4.0))[0])
plt.axvline(0, color="gray", linewidth=0.5)
plt.axvline(7, color="gray", linewidth=0.5)
plt.title("row 4 of 10 * row + column, interpolated")
plt.xlabel("x, index coordinate")
plt.show()

# %%
grader.check("bilinear")

# %% [markdown]
# ## Bins and points
#
# RoI Align divides a region into bins, here 5 x 5. It reads the map at evenly spaced points in each bin, here 2 x 2,
# and averages their values. Write `roi_pool_forward` and `roi_align_forward`.

# %%
figure, axis = plt.subplots(figsize=(6, 4.4))
axis.imshow(features[0].norm(dim=0), extent=(0, 16, 12, 0), cmap="gray")
for k in range(6):
    axis.plot([x1, x2], [y1 + (y2 - y1) * k / 5] * 2, color="white", linewidth=1)
    axis.plot([x1 + (x2 - x1) * k / 5] * 2, [y1, y2], color="white", linewidth=1)
steps = (torch.arange(10) + 0.5) / 10
rows, columns = torch.meshgrid(y1 + steps * (y2 - y1), x1 + steps * (x2 - x1), indexing="ij")
axis.plot(columns.flatten(), rows.flatten(), ".", color="gold", markersize=4)
axis.set_title("5 x 5 bins with 2 x 2 points each")
plt.show()

# %%
grader.check("roi-pool-forward")

# %%
grader.check("roi-align-forward")

# %% [markdown]
# ## A box that moves
#
# The box moves from 12 pixels to the left of its place to 12 pixels to the right. Do the features of its middle bin
# change smoothly, or in jumps?

# %%
moved = region.repeat(25, 1)
moved[:, 1::2] += torch.arange(25.0)[:, None] - 12
pooled, _ = roi_pool_forward(features, moved, (5, 5), 1 / STRIDE)
aligned, _ = roi_align_forward(features, moved, (5, 5), 1 / STRIDE, 2)
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for axis, values, title in zip(axes, (pooled, aligned), ("RoI Pool", "RoI Align"), strict=True):
    axis.plot(torch.arange(25) - 12, values[:, :6, 2, 2])
    axis.set(title=f"{title}: middle bin, six channels", xlabel="pixels to the right")
plt.show()

# %% [markdown]
# **Question 2.** What do these jumps mean for a network that must predict, to the pixel, where a mask ends?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Backward
#
# Write `roi_pool_backward` and `roi_align_backward`. The pictures show the gradient of the features, summed over the
# channels, for one region and an upstream gradient of ones.

# %%
grader.check("roi-pool-backward")

# %%
grader.check("roi-align-backward")

# %%
pool_cache = roi_pool_forward(features, region, (5, 5), 1 / STRIDE)[1]
align_cache = roi_align_forward(features, region, (5, 5), 1 / STRIDE, 2)[1]
ones = torch.ones(1, 16, 5, 5)
maps = [roi_pool_backward(ones, pool_cache), roi_align_backward(ones, align_cache)]
show_images([each[0].sum(dim=0) for each in maps], ["RoI Pool", "RoI Align"])

# %%
grader.check("roi-speed")

# %% [markdown]
# **Question 3.** Describe the gradient of RoI Pool. Why is it 0 in many cells where that of RoI Align is not?

# %% [markdown] tags=["answer"]
# *Your answer:*
