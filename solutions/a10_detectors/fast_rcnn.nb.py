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
# # Assignment 10, part 2: Fast R-CNN
#
# R-CNN ran the whole network on every crop. Fast R-CNN (2015) runs the backbone once per image, and only a small head
# per region. In `fast_rcnn.py` you write this head, its losses, and the function that turns its outputs into
# detections.

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
import time

import matplotlib.pyplot as plt
import otter
import torch

from boxes import box_iou, encode_boxes
from common import reset_seed
from common.plots import show_boxes, show_proposals
from common.scenes import THINGS, draw_scenes
from fast_rcnn import TRANSFORM_SCALE, BoxHead, FastRCNN, detections, fast_rcnn_losses, label_proposals
from kit import SingleMap, to_images, to_targets

grader = otter.Notebook("fast_rcnn.ipynb")
# True: a short training, only to see whether everything runs.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
COUNT, STEPS = (12, 6) if quick else (200, 250)
scenes = draw_scenes(COUNT, 0, height=64, width=96, things=(1, 4))
images, targets = to_images(scenes), to_targets(scenes)

# %% [markdown]
# ## Proposals
#
# Selective search is slow. So one half of the proposals here are true boxes that are moved at random, and the other
# half are random boxes. Write `label_proposals`. Green proposals are objects: their IoU with a true box is at least
# 0.5. Red ones are background.


# %%
def jittered(boxes: torch.Tensor, count: int, chance: torch.Generator) -> torch.Tensor:
    """Proposals: one half near true boxes, the other half at random places."""
    near = boxes[torch.randint(len(boxes), (count // 2,), generator=chance)]
    sides = (near[:, 2:] - near[:, :2]).repeat(1, 2)
    near = near + 0.2 * sides * torch.randn(near.shape, generator=chance)
    corners = torch.rand(count - len(near), 2, generator=chance) * torch.tensor([70.0, 44.0])
    anywhere = torch.cat([corners, corners + 8 + 24 * torch.rand(len(corners), 2, generator=chance)], dim=1)
    found = torch.cat([near, anywhere])
    upper = torch.minimum(found[:, :2], found[:, 2:] - 2).clamp(min=0)
    return torch.cat([upper, torch.maximum(found[:, 2:], upper + 2)], dim=1)


chance = torch.Generator().manual_seed(0)
first = jittered(targets[0]["boxes"], 60, chance)
classes, matches = label_proposals(first, targets[0]["boxes"], targets[0]["labels"])
show_proposals(torch.from_numpy(scenes[0].image), first, (classes > 0).long(), targets[0]["boxes"], title="proposals")

# %%
grader.check("proposal-labels")

# %%
overlaps = box_iou(first, targets[0]["boxes"]).amax(dim=1)
plt.figure(figsize=(4.5, 2.6))
plt.hist([overlaps[classes == 0], overlaps[classes > 0]], bins=20, stacked=True, label=["background", "objects"])
plt.legend()
plt.title("the largest IoU of each proposal")
plt.show()

# %% [markdown]
# ## Once, or once per region?
#
# Write `BoxHead` and `FastRCNN`. The plot compares two times for 60 regions. R-CNN runs the backbone 60 times (here
# every input has the size of the image). Fast R-CNN runs it once, and then the head for all regions.

# %%
grader.check("fast-rcnn-head")

# %%
reset_seed(0)
model = FastRCNN(SingleMap(64), BoxHead(64, 5, 96, len(THINGS)), 1 / 8)
rois = torch.cat([torch.zeros(60, 1), first], dim=1)
model.eval()
seconds = {}
with torch.no_grad():
    model(images[:1], rois)
    began = time.perf_counter()
    for _ in range(60):
        model.backbone(images[:1])
    seconds["the backbone 60 times"], began = time.perf_counter() - began, time.perf_counter()
    model(images[:1], rois)
    seconds["the backbone once, 60 regions"] = time.perf_counter() - began
plt.figure(figsize=(5, 1.6))
plt.barh(list(seconds), list(seconds.values()))
plt.xlabel("seconds")
plt.show()

# %% [markdown]
# ## Training
#
# Write `fast_rcnn_losses`. Each training step uses four images with 24 proposals each.

# %%
grader.check("fast-rcnn-losses")


# %%
def batch(numbers: list[int]) -> tuple[torch.Tensor, ...]:
    parts = []
    for place, number in enumerate(numbers):
        truth = targets[number]
        found = jittered(truth["boxes"], 24, chance)
        kinds, matches = label_proposals(found, truth["boxes"], truth["labels"])
        moves = encode_boxes(found, truth["boxes"][matches.clamp(min=0)]) * torch.tensor(TRANSFORM_SCALE)
        parts.append((torch.cat([torch.full((24, 1), float(place)), found], dim=1), kinds, moves))
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))


optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model.train()
history = []
for _ in range(STEPS):
    numbers = torch.randint(len(images), (4,), generator=chance).tolist()
    rois, kinds, moves = batch(numbers)
    losses = torch.stack(fast_rcnn_losses(*model(images[numbers], rois), kinds, moves))
    optimizer.zero_grad()
    losses.sum().backward()
    optimizer.step()
    history.append(losses.detach())
plt.figure(figsize=(5, 3))
plt.plot(torch.stack(history), label=["classification", "box"])
plt.legend()
plt.title("the two losses")
plt.xlabel("step")
plt.show()

# %% [markdown]
# ## Before and after the second stage
#
# Write `detections`. Left: proposals for new scenes. Right: the detections with a score above 0.3.

# %%
grader.check("fast-rcnn-detections")

# %%
model.eval()
new = draw_scenes(3, 1, height=64, width=96, things=(1, 4))
figure, axes = plt.subplots(3, 2, figsize=(9, 9))
for (before, after), scene, x, truth in zip(axes, new, to_images(new), to_targets(new), strict=True):
    picture, look = torch.from_numpy(scene.image), jittered(truth["boxes"], 60, chance)
    with torch.no_grad():
        said = model(x[None], torch.cat([torch.zeros(60, 1), look], dim=1))
    kept = detections(*said, look, (64, 96), score_threshold=0.3)
    kinds = (label_proposals(look, truth["boxes"], truth["labels"])[0] > 0).long()
    show_proposals(picture, look, kinds, truth["boxes"], axis=before, title="proposals")
    show_boxes(
        picture, kept["boxes"], [THINGS[k] for k in kept["labels"]], kept["scores"], axis=after, title="detections"
    )
plt.tight_layout()
plt.show()

# %% [markdown]
# **Question 1.** What does the second stage learn from background? If it had never seen background in training, what
# would it predict for a proposal that shows only grass?

# %% [markdown] tags=["answer"]
# *Your answer:*
