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
# # Assignment 9, part 1: boxes
#
# The output of a detector is boxes. So you first need to know how boxes are written down, how two of them are compared,
# how many there are, which of many similar boxes to keep, and how a network moves a box. You write in
# `boxes.py`, beside this notebook. When you save the file, the notebook reloads it automatically.
#
# A box is $(x_1, y_1, x_2, y_2)$: $x$ to the right, $y$ down, and pixel $i$ of an axis covers $[i, i + 1)$. Its width
# is $x_2 - x_1$, and nothing is added to that. Many bugs in real projects came from a "+ 1" here.

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
import math

import matplotlib.pyplot as plt
import otter
import torch

from boxes import (
    box_iou,
    count_boxes,
    count_positions,
    decode_boxes,
    decode_boxes_backward,
    encode_boxes,
    nms,
    nms_by_class,
    xyxy_to_cxcywh,
)
from common import reset_seed
from common.detection import target_of
from common.plots import show_boxes
from common.scenes import THINGS, draw_scene

grader = otter.Notebook("boxes.ipynb")

# %% [markdown]
# ## A scene, and its boxes
#
# The scenes of this assignment are drawn: cats, dogs and ducks. Each box below is tight around what can be *seen* of an
# animal.

# %%
scene = draw_scene(7, 7, things=(2, 4), near=(0.6, 1.0))
image, truth = torch.from_numpy(scene.image), target_of(scene)
names = [THINGS[label] for label in truth["labels"]]
show_boxes(image, truth["boxes"], names)
print("corners:\n", truth["boxes"])

# %% [markdown]
# ## Formats
#
# Corners are handy to intersect, a centre and a size are handy to move. Write the four conversions, and `clip_boxes`.

# %%
grader.check("convert-boxes")

# %%
print("centre and size:\n", xyxy_to_cxcywh(truth["boxes"]))

# %% [markdown]
# ## How much do two boxes overlap?
#
# $$ \mathrm{IoU}(a, b) = \frac{\mathrm{area}(a \cap b)}{\mathrm{area}(a \cup b)},
# \qquad \mathrm{area}(a \cup b) = \mathrm{area}(a) + \mathrm{area}(b) - \mathrm{area}(a \cap b) $$
#
# It is 1 for equal boxes and 0 for boxes that do not meet, whatever their size. Write `box_iou`, for all pairs of two
# lists at once.

# %%
grader.check("box-iou")

# %% [markdown]
# The lecture calls an IoU above 0.5 decent, above 0.7 pretty good, above 0.9 almost perfect. See for yourself: the box
# of the largest animal, and a guess that is shifted along the diagonal until the IoU is what the title says.

# %%
areas = (truth["boxes"][:, 2] - truth["boxes"][:, 0]) * (truth["boxes"][:, 3] - truth["boxes"][:, 1])
whole = truth["boxes"][areas.argmax()]
size = (whole[2:] - whole[:2]).repeat(2)
shifts = torch.linspace(0, 0.5, 2001)[:, None] * size
overlaps = box_iou(whole[None], whole + shifts)[0]

figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
for axis, wanted in zip(axes, (0.5, 0.7, 0.9), strict=True):
    shifted = (whole + shifts)[(overlaps - wanted).abs().argmin()]
    show_boxes(image, torch.stack([whole, shifted]), ["truth", "guess"], axis=axis, title=f"IoU {wanted}")
plt.show()

# %% [markdown]
# How fast does the IoU fall when a box is off by a little? For a box of side $s$ that is shifted by $d s$ along both
# axes, the intersection is $(1 - d)^2 s^2$, so the IoU is $(1 - d)^2 / (2 - (1 - d)^2)$. Shifting by a tenth of the
# side costs a third of the IoU.

# %%
d = torch.linspace(0, 1, 101)
formula = (1 - d) ** 2 / (2 - (1 - d) ** 2)
square = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
plt.figure(figsize=(5, 3.2))
plt.plot(d, formula, label="formula", linewidth=4, alpha=0.4)
plt.plot(d, box_iou(square, square + d[:, None])[0], label="box_iou", color="black", linewidth=1)
for bar, word in ((0.5, "decent"), (0.7, "pretty good"), (0.9, "almost perfect")):
    plt.axhline(bar, linestyle=":", color="gray")
    plt.text(0.62, bar + 0.01, word, fontsize=8)
plt.xlabel("shift along both axes, as a part of the side")
plt.ylabel("IoU")
plt.legend()
plt.show()

# %% [markdown]
# ## How many boxes are there?
#
# A box of height $h$ and width $w$ has $(W - w + 1)(H - h + 1)$ positions in an image. Over all sizes that is
# $$ \sum_{h=1}^{H} \sum_{w=1}^{W} (W - w + 1)(H - h + 1) = \frac{H (H + 1)}{2} \cdot \frac{W (W + 1)}{2}. $$
# Write `count_positions` and `count_boxes`.

# %%
grader.check("count-boxes")

# %% [markdown]
# For the lecture's image of 800 x 600 pixels that is about 58 **billion**. (The slide says "~58M", and is wrong by a
# thousand.) A scene of 96 x 128 has 38 million. The map shows how many of them have each size.

# %%
print(f"800 x 600: {count_boxes(600, 800):,} boxes")
print(f" 96 x 128: {count_boxes(96, 128):,} boxes")
H, W = 96, 128
positions = torch.tensor([[count_positions(h, w, H, W) for w in range(1, W + 1)] for h in range(1, H + 1)])
assert int(positions.sum()) == count_boxes(H, W)
plt.figure(figsize=(5.4, 3.8))
plt.imshow(positions, origin="lower", extent=(1, W, 1, H), aspect="auto", cmap="viridis")
plt.colorbar(label="positions")
plt.xlabel("width of the box")
plt.ylabel("height of the box")
plt.title("how many boxes of each size a scene has")
plt.show()

# %% [markdown]
# No network can look at millions of boxes. Part 4 finds a hundred promising ones.
#
# ## Which of many similar boxes to keep
#
# A detector that looks at many boxes finds every animal many times. **Non-maximum suppression** visits boxes from the
# best score to the worst, and keeps a box unless it overlaps too much with a box that is already kept. A suppressed box
# suppresses no other box. For example, take boxes $a, b, c$ of falling scores: if $a$ suppresses $b$, then $c$ stays
# even if it overlaps with $b$. Write `nms` and `nms_by_class`.

# %%
grader.check("nms")

# %% [markdown]
# Below are twelve guesses around each animal; better guesses have higher scores. From left to right: all of them, and
# the boxes that remain at three thresholds. A threshold that is too low loses animals that are close together. A
# threshold that is too high keeps duplicates.

# %%
reset_seed(0)
jitter = 0.12 * torch.randn(12, len(names), 4) * (truth["boxes"][:, 2:] - truth["boxes"][:, :2]).repeat(1, 2)
guesses = (truth["boxes"] + jitter).flatten(0, 1)
labels = truth["labels"].repeat(12)
scores = box_iou(guesses, truth["boxes"]).amax(dim=1) + 0.02 * torch.randn(len(guesses))

figure, axes = plt.subplots(1, 4, figsize=(16, 3.4), layout="constrained")
for axis, threshold in zip(axes, (None, 0.6, 0.3, 0.05), strict=True):
    kept = torch.arange(len(guesses)) if threshold is None else nms(guesses, scores, threshold)
    title = f"all {len(kept)}" if threshold is None else f"threshold {threshold}: {len(kept)}"
    words = ["" if threshold is None else THINGS[label] for label in labels[kept]]
    show_boxes(image, guesses[kept], words, axis=axis, title=title)
plt.show()
print("by class, at 0.3:", [THINGS[label] for label in labels[nms_by_class(guesses, scores, labels, 0.3)]])

# %%
counts = [len(nms(guesses, scores, threshold)) for threshold in torch.linspace(0, 1, 41).tolist()]
plt.figure(figsize=(5, 3))
plt.plot(torch.linspace(0, 1, 41), counts, marker=".")
plt.axhline(len(names), linestyle=":", color="gray")
plt.text(0.02, len(names) + 0.6, "animals", fontsize=8)
plt.xlabel("threshold")
plt.ylabel("boxes kept")
plt.show()

# %% [markdown]
# The speed of both is graded too. One IoU matrix for all boxes is fast; a loop over pairs of boxes is hundreds of times
# slower. This check compares many boxes with few, on your machine, and allows for its noise.

# %%
grader.check("boxes-speed")

# %% [markdown]
# ## Moving boxes
#
# A network does not predict corners. It predicts how to **move and stretch a proposal** $p$ so that it becomes the box
# $b$; both by their centres, widths and heights:
#
# $$ b_x = p_x + p_w t_x, \qquad b_y = p_y + p_h t_y, \qquad b_w = p_w e^{t_w}, \qquad b_h = p_h e^{t_h} $$
#
# So $t = (0, 0, 0, 0)$ means "stay", and the same $t$ means the same relative change for a small and a large
# proposal. An untrained network may predict $t_w = 50$; so $t_w$ and $t_h$ are cut at $\log(1000/16)$. Write
# `encode_boxes`, `decode_boxes`, and the gradient of the second.

# %%
grader.check("box-transforms")

# %% [markdown]
# Each arrow leads from the centre of a proposal to the centre of its decoded box. The transforms come from
# `encode_boxes`, so all arrows end at the centres of the true boxes.

# %%
reset_seed(1)
proposals = (truth["boxes"][:, None] + 0.25 * torch.randn(len(names), 3, 4) * 20).flatten(0, 1)
corner, other = (
    torch.minimum(proposals[:, :2], proposals[:, 2:] - 4),
    torch.maximum(proposals[:, 2:], proposals[:, :2] + 4),
)
proposals = torch.cat([corner, other], dim=1)
targets = truth["boxes"].repeat_interleave(3, dim=0)
moved = decode_boxes(proposals, encode_boxes(proposals, targets))
figure, axis = plt.subplots(figsize=(6.4, 4.8))
show_boxes(image, torch.cat([proposals, moved]), [""] * len(proposals) + ["truth"] * len(moved), axis=axis)
for start, stop in zip(xyxy_to_cxcywh(proposals)[:, :2], xyxy_to_cxcywh(moved)[:, :2], strict=True):
    axis.annotate("", xy=stop.tolist(), xytext=start.tolist(), arrowprops={"arrowstyle": "->", "color": "white"})
plt.show()

# %% [markdown]
# The effect of a transform, one number at a time: the proposal stays in the middle of each picture.

# %%
proposal = torch.tensor([[40.0, 30.0, 80.0, 60.0]])
figure, axes = plt.subplots(1, 4, figsize=(14, 2.9), layout="constrained")
for number, (axis, title) in enumerate(zip(axes, ("$t_x$", "$t_y$", "$t_w$", "$t_h$"), strict=True)):
    t = torch.zeros(3, 4)
    t[:, number] = torch.tensor([-0.5, 0.0, 0.5])
    show_boxes(image, decode_boxes(proposal.repeat(3, 1), t), ["-0.5", "0", "+0.5"], axis=axis, title=title)
plt.show()

# %% [markdown]
# The next cell compares the gradient with finite differences, and shows it beyond the limit.

# %%
reset_seed(2)
p, t, upstream = proposal.double().repeat(5, 1), 0.5 * torch.randn(5, 4).double(), torch.randn(5, 4).double()
numeric = torch.zeros_like(t)
for k in range(4):
    step = torch.zeros_like(t)
    step[:, k] = 1e-6
    numeric[:, k] = ((decode_boxes(p, t + step) - decode_boxes(p, t - step)) * upstream).sum(dim=1) / 2e-6
print("largest difference:", float((decode_boxes_backward(upstream, p, t) - numeric).abs().max()))
beyond = torch.tensor([[0.0, 0.0, math.log(1000 / 16) + 1, 0.0]]).double()
print("beyond the limit:", decode_boxes_backward(upstream[:1], p[:1], beyond))

# %% [markdown]
# **Question 1.** Why are $t_x$ and $t_y$ divided by the *proposal's* size, and not by the target's or by the image's?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** Why does the width come out of an $\exp$? Say what could go wrong with $b_w = p_w (1 + t_w)$.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 3.** Two ducks swim so close that their boxes overlap by 0.6. What does non-maximum suppression with a
# threshold of 0.5 do to them, and what would you change?

# %% [markdown] tags=["answer"]
# *Your answer:*
