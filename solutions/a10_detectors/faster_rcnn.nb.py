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
# # Assignment 10, part 4: Faster R-CNN
#
# Faster R-CNN has two stages. The first proposes regions, the second classifies them, and four losses train both. You
# have all parts in `fast_rcnn.py` and `region_proposals.py`. In `faster_rcnn.py` you combine them. Then you train the
# network.

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

from boxes import box_iou
from common import reset_seed
from common.plots import plot_curves, show_boxes, show_proposals
from common.saving import load_state, save_state
from common.scenes import THINGS, draw_scenes
from evaluation import average_precisions, match_detections, precision_recall
from faster_rcnn import build
from kit import detect_all, to_images, to_targets, train_detector
from region_proposals import flatten_maps, make_anchors, propose

grader = otter.Notebook("faster_rcnn.ipynb")
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
COUNT, SECONDS, STEPS, NEW = (16, 1, 4, 9) if quick else (600, 60, None, 100)
scenes = draw_scenes(COUNT, 0, height=64, width=96)
new = draw_scenes(NEW, 2, height=64, width=96)
truths = to_targets(new)

# %% [markdown]
# ## The network
#
# Write `FasterRCNN`, and run the check before you train.

# %%
grader.check("faster-rcnn")

# %% [markdown]
# ## Training
#
# The given `train_detector` trains for a minute. A slow machine makes fewer steps in this time; there, increase
# `SECONDS`. README.md gives the average precision that the checks require.

# %%
reset_seed(0)
model = build()
history = train_detector(model, scenes, SECONDS, steps=STEPS)
save_state(model, "faster_rcnn.pt")
figure, axes = plt.subplots(1, 4, figsize=(12, 2.6))
for axis, losses, title in zip(axes, history.T, ("RPN class", "RPN box", "class", "box"), strict=True):
    axis.plot(losses)
    axis.set(title=title, xlabel="step")
plt.tight_layout()
plt.show()

# %% [markdown]
# **Question 1.** Which loss falls last, and why?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## What it detects
#
# Nine new scenes, with true boxes in white. The word at each detection says whether it is right. The titles count the
# true boxes that no detection overlaps by 0.5 or more.


# %%
def outcome(found: dict[str, torch.Tensor], truth: dict[str, torch.Tensor]) -> list[str]:
    """For each detection: "right", "wrong class", or "nothing there"."""
    words = []
    for box, label in zip(found["boxes"], found["labels"], strict=True):
        overlaps = box_iou(box[None], truth["boxes"])[0]
        hit = len(overlaps) > 0 and overlaps.max() >= 0.5
        words.append(
            "nothing there" if not hit else "right" if truth["labels"][overlaps.argmax()] == label else "wrong class"
        )
    return words


load_state(model, "faster_rcnn.pt")
found = detect_all(model, to_images(new))
figure, axes = plt.subplots(3, 3, figsize=(12, 8))
for axis, scene, said, truth in zip(axes.flat, new, found, truths, strict=False):
    picture = torch.from_numpy(scene.image)
    show_proposals(picture, truth["boxes"], truths=truth["boxes"], axis=axis)
    sure = said["scores"] > 0.5
    said = {key: value[sure] for key, value in said.items()}
    missed = int((box_iou(truth["boxes"], said["boxes"]) < 0.5).all(dim=1).sum())
    words = outcome(said, truth)
    show_boxes(picture, said["boxes"], words, said["scores"], axis=axis, title=f"missed: {missed}")
plt.tight_layout()
plt.show()

# %% [markdown]
# ## Precision and recall

# %%
curves = {}
for label, word in enumerate(THINGS):
    hits, scores, count = [], [], 0
    for said, truth in zip(found, truths, strict=True):
        own, there = said["labels"] == label, truth["labels"] == label
        hits.append(match_detections(said["scores"][own], box_iou(said["boxes"][own], truth["boxes"][there]), 0.5))
        scores.append(said["scores"][own])
        count += int(there.sum())
    if count:
        curves[word] = precision_recall(torch.cat(hits), torch.cat(scores), count)
plot_curves({word: p for word, (p, _) in curves.items()}, {word: r for word, (_, r) in curves.items()})
ap = average_precisions(found, truths, len(THINGS), [0.5])
print("average precision at IoU 0.5:", round(float(ap.nanmean()), 3))

# %%
grader.check("faster-rcnn-learns")

# %% [markdown]
# ## Without the second stage
#
# The ten best proposals of the first stage for one scene.

# %%
model.eval()
with torch.no_grad():
    maps = model.backbone(to_images(new[:1]))
    scores, transforms = (flatten_maps(part, 9)[0] for part in model.rpn(maps))
anchors = make_anchors(*maps.shape[2:], model.stride, model.sizes, model.ratios)
boxes, sure = propose(scores, transforms, anchors, (64, 96), 300, 10)
show_boxes(torch.from_numpy(new[0].image), boxes, ["object"] * len(boxes), sure, title="the first stage alone")

# %% [markdown]
# **Question 2.** What does the second stage add to the results of the first?

# %% [markdown] tags=["answer"]
# *Your answer:*
