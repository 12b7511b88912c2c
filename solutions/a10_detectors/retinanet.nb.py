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
# # Assignment 10, part 5: a single stage
#
# RetinaNet (2017) has no second stage: its head predicts the class of every anchor at once. Nearly all anchors are easy
# background. The focal loss gives these a small weight, so that the few hard anchors count. In `retinanet.py` you write
# this loss, a feature pyramid and the detector.

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

from boxes import decode_boxes
from common import reset_seed
from common.plots import show_boxes, show_images
from common.saving import load_state, save_state
from common.scenes import THINGS, draw_scenes
from evaluation import average_precisions
from fast_rcnn import TRANSFORM_SCALE
from kit import detect_all, to_images, to_targets, train_detector
from region_proposals import label_anchors
from retinanet import build, focal_loss

grader = otter.Notebook("retinanet.ipynb")
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
COUNT, SECONDS, STEPS, NEW = (16, 1, 4, 6) if quick else (400, 90, None, 60)

# %% [markdown]
# ## Focal loss
#
# Write `focal_loss`. The larger gamma is, the less an anchor counts that is already classified well.

# %%
p = torch.linspace(0.01, 0.99, 99)
scores = torch.stack([p, 1 - p], dim=1).log()
for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
    plt.plot(p, focal_loss(scores, torch.zeros(99, dtype=torch.int64), gamma), label=f"gamma {gamma}")
plt.legend()
plt.title("focal loss")
plt.xlabel("probability of the true class")
plt.show()

# %%
grader.check("focal-loss")

# %% [markdown]
# ## The network
#
# Write `FeaturePyramid`, then `RetinaHead`, `retinanet_losses` and `RetinaNet`.

# %%
grader.check("pyramid")

# %%
grader.check("retinanet")

# %% [markdown]
# ## Training
#
# The given `train_detector` trains for a minute and a half. On the way, it measures the average precision on new scenes
# without counting that time. A slow machine makes fewer steps; there, increase `SECONDS`. README.md gives the average
# precision that the checks require.

# %%
scenes = draw_scenes(COUNT, 0)
new = draw_scenes(NEW, 2)
images, truths = to_images(new), to_targets(new)


def precision(model: torch.nn.Module) -> float:
    """The average precision at IoU 0.5 on new scenes."""
    return float(average_precisions(detect_all(model, images), truths, len(THINGS), [0.5]).nanmean())


def trained(model: torch.nn.Module) -> tuple[torch.Tensor, list[tuple[float, float]]]:
    """Train a detector. Returns its losses, and pairs of seconds and average precision on the way."""
    curve: list[tuple[float, float]] = []
    losses = train_detector(
        model, scenes, SECONDS, steps=STEPS, watch=lambda seconds: curve.append((seconds, precision(model)))
    )
    return losses, curve


reset_seed(0)
model = build()
history, curve = trained(model)
save_state(model, "retinanet.pt")
print("average precision at IoU 0.5:", round(curve[-1][1], 3))
plt.figure(figsize=(5, 3))
plt.plot(history, label=["classification", "box"])
plt.legend()
plt.title("the two losses")
plt.xlabel("step")
plt.show()

# %% [markdown]
# ## Where the loss comes from
#
# How much of the classification loss comes from objects, from hard negatives and from easy negatives, with gamma 0 and
# with gamma 2? A negative is easy if its probability of background is above 0.9.

# %%
load_state(model, "retinanet.pt")
model.eval()
with torch.no_grad():
    scores, _, anchors = model.look(images[:6])
shares = {}
for gamma in (0.0, 2.0):
    parts = {"objects": 0.0, "hard negatives": 0.0, "easy negatives": 0.0}
    for said, truth in zip(scores, truths, strict=False):
        classes, matches = label_anchors(anchors, truth["boxes"], 0.5, 0.4)
        classes[classes == 1] = 1 + truth["labels"][matches[classes == 1]]
        losses, easy = focal_loss(said, classes, gamma), said.softmax(dim=1)[:, 0] > 0.9
        parts["objects"] += float(losses[classes > 0].sum())
        parts["hard negatives"] += float(losses[(classes == 0) & ~easy].sum())
        parts["easy negatives"] += float(losses[(classes == 0) & easy].sum())
    shares[gamma] = {key: value / sum(parts.values()) for key, value in parts.items()}
figure, axis = plt.subplots(figsize=(5, 1.8))
left = torch.zeros(2)
for key in parts:
    width = torch.tensor([shares[gamma][key] for gamma in shares])
    axis.barh([f"gamma {gamma:.0f}" for gamma in shares], width, left=left, label=key)
    left += width
axis.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.35), frameon=False)
plt.show()

# %% [markdown]
# ## Levels of the pyramid
#
# The maps of both levels for one scene; the sizes of the boxes that each level finds in all new scenes; the detections
# in the first scene.

# %%
with torch.no_grad():
    levels = model.pyramid(model.backbone(images[:1])[-2:])
show_images(
    [torch.from_numpy(new[0].image) / 255, *(level[0].norm(dim=0) for level in levels)],
    ["scene", "stride 8", "stride 16"],
)
with torch.no_grad():
    scores, transforms, anchors = model.look(images)
sure, places = (scores.softmax(dim=2)[..., 1:].amax(dim=2) > 0.3).nonzero().unbind(dim=1)
boxes = decode_boxes(anchors[places], transforms[sure, places] / torch.tensor(TRANSFORM_SCALE))
sides = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt()
finer = places < 9 * levels[0][0, 0].numel()  # nine anchors in each cell
plt.figure(figsize=(5, 2.6))
plt.hist([sides[finer].numpy(), sides[~finer].numpy()], bins=20, label=["stride 8", "stride 16"])
plt.legend()
plt.title("boxes with a probability above 0.3, before NMS")
plt.xlabel("square root of the area, in pixels")
plt.show()
found = detect_all(model, images[:1])[0]
likely = found["scores"] > 0.3
boxes, words = found["boxes"][likely], [THINGS[k] for k in found["labels"][likely]]
show_boxes(torch.from_numpy(new[0].image), boxes, words, found["scores"][likely], title="scores above 0.3")

# %%
grader.check("retinanet-learns")

# %% [markdown]
# ## One stage, or two?
#
# Average precision on the same new scenes, over the seconds of training, and the time to detect. If you have a
# `faster_rcnn.pt`, your Faster R-CNN is trained here from the start, for as long and on the same scenes. This
# network is not saved.

# %%
from faster_rcnn import build as build_faster

rivals = {"RetinaNet": (model, curve)}
if os.path.exists("faster_rcnn.pt"):
    reset_seed(0)
    faster = build_faster()
    rivals["Faster R-CNN"] = (faster, trained(faster)[1])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
for name, (rival, points) in rivals.items():
    left.plot(*zip(*points, strict=True), "o-", label=name)
    began = time.perf_counter()
    detect_all(rival, images)
    right.barh(name, (time.perf_counter() - began) / len(new) * 1000)
left.set(xlabel="seconds of training", ylabel="average precision at IoU 0.5", ylim=(0, 1))
left.legend()
right.set(xlabel="milliseconds per scene")
plt.tight_layout()
plt.show()

# %% [markdown]
# **Question 1.** The head here ends in a softmax over C + 1 classes. The paper has C sigmoids instead. What can
# sigmoids predict for an anchor that a softmax cannot?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** When would you choose a two-stage detector, and when a single-stage detector?

# %% [markdown] tags=["answer"]
# *Your answer:*
