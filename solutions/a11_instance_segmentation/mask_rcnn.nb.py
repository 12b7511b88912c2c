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
# # Assignment 11, part 1: Mask R-CNN
#
# A detector finds a box with a cat in it. *Which pixels* of the box belong to the cat? Mask R-CNN adds one small head
# to Faster R-CNN. For each region, the head predicts a grid of 28 x 28 scores for every label. You write in
# `mask_rcnn.py`. The detector is given (`detector.py`): the Faster R-CNN of assignment 10, on a small pyramid.

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
from common.plots import show_boxes, show_masks
from common.saving import save_state
from common.scenes import THINGS, draw_scenes
from kit import detect_all, fast_roi_align, to_images, to_targets, train_detector
from mask_rcnn import build, mask_average_precision, mask_iou, mask_targets, paste_masks

grader = otter.Notebook("mask_rcnn.ipynb")
SIZE = {"height": 64, "width": 96}
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))

# %% [markdown]
# ## Scenes, with a mask for every animal
#
# The masks of a scene do not overlap: a pixel belongs to the animal that is nearest.

# %%
train_scenes = draw_scenes(40 if quick else 500, seed=0, **SIZE)
test_scenes = draw_scenes(10 if quick else 60, seed=1, **SIZE)
targets = to_targets(train_scenes, ["masks"])

figure, axes = plt.subplots(1, 4, figsize=(15, 3), layout="constrained")
for axis, scene, target in zip(axes, train_scenes, targets, strict=False):
    show_masks(torch.from_numpy(scene.image), target["masks"], [THINGS[label] for label in target["labels"]], axis=axis)
plt.show()

# %% [markdown]
# ## What a mask should be
#
# A proposal rarely fits its object, and the head sees only what is inside of the proposal. So its target is the
# object's mask, cut at the *proposal* and sampled on a grid. Write `mask_targets`.

# %%
grader.check("mask-targets")

# %% [markdown]
# Four proposals for one animal: exact, shifted, too small, too large. Below each is its target, a grid of 28 x 28.

# %%
scene, target = next((s, t) for s, t in zip(train_scenes, targets, strict=True) if len(t["boxes"]))
x1, y1, x2, y2 = target["boxes"][-1].tolist()
w, h = x2 - x1, y2 - y1
proposals = torch.tensor(
    [
        [x1, y1, x2, y2],
        [x1 + w / 3, y1 - h / 4, x2 + w / 3, y2 - h / 4],
        [x1 + w / 4, y1 + h / 4, x2 - w / 4, y2 - h / 4],
        [x1 - w / 2, y1 - h / 2, x2 + w / 2, y2 + h / 2],
    ]
)
grids = mask_targets(target["masks"], proposals, torch.full((4,), len(target["boxes"]) - 1), 28)
figure, axes = plt.subplots(2, 4, figsize=(13, 5), layout="constrained")
for column in range(4):
    show_boxes(torch.from_numpy(scene.image), proposals[column : column + 1], ["proposal"], axis=axes[0, column])
    axes[1, column].imshow(grids[column], cmap="gray")
    axes[1, column].set_axis_off()
plt.show()

# %% [markdown]
# ## The head, and its loss
#
# The head predicts a grid for *every* label, and the loss uses only the grid of the true label. The box head classifies
# the region, so the grids do not compete. Write `MaskHead` and `mask_loss`.

# %%
grader.check("mask-head")

# %%
grader.check("mask-loss")

# %% [markdown]
# ## Back into the image
#
# Write `paste_masks`. If you paste the targets of a mask, you get the mask back, except for its rim. The plot shows,
# for animals in 40 scenes, how this depends on the size of the grid.

# %%
grader.check("paste-masks")

# %%
sides, kept = (2, 4, 7, 14, 28, 56), []
for side in sides:
    values = []
    for target in targets[:40]:
        every = torch.arange(len(target["boxes"]))
        back = paste_masks(mask_targets(target["masks"], target["boxes"], every, side), target["boxes"], 64, 96)
        values += mask_iou(back, target["masks"]).diag().tolist()
    kept.append(sum(values) / len(values))
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
axis.plot(sides, kept, marker="o")
axis.set(title="Mask, cut and pasted: IoU with itself", xlabel="side of the grid", ylabel="mean IoU", ylim=(0, 1))
axis.set_xscale("log", base=2)
plt.show()

# %%
grader.check("mask-speed")

# %% [markdown]
# ## How good are masks?
#
# The measure is average precision, as for boxes, but with the IoU of masks. Write `mask_iou` and
# `mask_average_precision`.

# %%
grader.check("mask-ap")

# %% [markdown]
# ## The whole network
#
# Write `MaskRCNN`: its losses and its masks. Then train the detector and the mask head together, with five losses.

# %%
grader.check("mask-rcnn")

# %%
reset_seed(0)
model = build()
losses = train_detector(model, train_scenes, seconds=150, steps=8 if quick else 700, extra=["masks"])
save_state(model, "mask_rcnn.pt")

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
names = ("RPN class", "RPN box", "class", "box", "mask")
window = min(20, len(losses))
for part, label in enumerate(names):
    axis.plot(losses[:, part].unfold(0, window, 1).mean(dim=1), label=label)
axis.set(title="Five losses", xlabel="step", yscale="log")
axis.legend(fontsize=8)
plt.show()

# %%
grader.check("mask-rcnn-learns")

# %% [markdown]
# The mean IoU of the masks on the true boxes of new scenes. The first number is a baseline: masks that fill their
# boxes. Reach 0.55.

# %%
images, truths = to_images(test_scenes), to_targets(test_scenes, ["masks"])
answers = model.masks(images, truths)
full = [paste_masks(torch.ones(len(t["boxes"]), 2, 2), t["boxes"], 64, 96) for t in truths]


def overlaps(found):
    """IoU of each mask with its truth, one tensor for each image."""
    return [mask_iou(masks, truth["masks"]).diag() for masks, truth in zip(found, truths, strict=True)]


by_mask = torch.cat(overlaps(answers))
print(f"box as mask: {float(torch.cat(overlaps(full)).mean()):.3f}, masks: {float(by_mask.mean()):.3f}")

# %% [markdown]
# The head's predictions for nine animals: the grid of the true label, as probabilities, and the pasted mask.

# %%
nine = [(n, k) for n, truth in enumerate(truths) for k in range(len(truth["boxes"]))][:9]
regions = torch.stack([torch.cat([torch.tensor([float(n)]), truths[n]["boxes"][k]]) for n, k in nine])
labels = torch.stack([truths[n]["labels"][k] for n, k in nine])
with torch.no_grad():
    cells = fast_roi_align(model.detector.features(images), regions, (14, 14), 1 / model.detector.mask_stride, 2)
    grids = model.mask_head(cells)[torch.arange(len(nine)), labels].sigmoid()
figure, axes = plt.subplots(2, len(nine), figsize=(15, 3.6), layout="constrained", squeeze=False)
for column, (n, k) in enumerate(nine):
    axes[0, column].imshow(grids[column], cmap="gray", vmin=0, vmax=1)
    axes[0, column].set(title=THINGS[labels[column]], xticks=[], yticks=[])
    show_masks(torch.from_numpy(test_scenes[n].image), answers[n][k : k + 1], [""], axis=axes[1, column])
    x1, y1, x2, y2 = truths[n]["boxes"][k].tolist()
    axes[1, column].set(xlim=(x1 - 4, x2 + 4), ylim=(y2 + 4, y1 - 4))
plt.show()

# %% [markdown]
# Detections in four scenes, and the truth below.

# %%
found = detect_all(model, images)
found = [{key: value[one["scores"] > 0.5] for key, value in one.items()} for one in found]
chosen = [n for n, one in enumerate(found) if len(one["boxes"])][:4] or [0]
figure, axes = plt.subplots(2, len(chosen), figsize=(4 * len(chosen), 5), layout="constrained", squeeze=False)
for column, n in enumerate(chosen):
    image = torch.from_numpy(test_scenes[n].image)
    for row, one in enumerate((found[n], truths[n])):
        words = [THINGS[label] for label in one["labels"]]
        show_masks(image, one["masks"], words, axis=axes[row, column], title=("found", "truth")[row])
plt.show()
ap = mask_average_precision(found, truths, len(THINGS))
print("average precision of masks:", dict(zip(THINGS, [round(value, 3) for value in ap.tolist()], strict=True)))

# %% [markdown]
# ## Where masks fail
#
# Mean IoU by kind of animal, and by pose. The third plot shows, for every detection, the IoU of its box and the IoU of
# its mask, both with the true box that it overlaps most.

# %%
things = [thing for scene in test_scenes for thing in scene.things]
figure, axes = plt.subplots(1, 3, figsize=(14, 3.4), layout="constrained")
for axis, what in zip(axes, ("kind", "pose"), strict=False):
    values = sorted({getattr(thing, what) for thing in things})
    means = [
        float(by_mask[torch.tensor([getattr(thing, what) == value for thing in things])].mean()) for value in values
    ]
    axis.bar(values, means)
    axis.set(title=f"mean IoU by {what}", ylim=(0, 1))
pairs = []
for one, truth in zip(found, truths, strict=True):
    if len(one["boxes"]) and len(truth["boxes"]):
        best, which = box_iou(one["boxes"], truth["boxes"]).max(dim=1)
        own = mask_iou(one["masks"], truth["masks"])
        pairs += [(float(b), float(own[k, n])) for k, (b, n) in enumerate(zip(best, which.tolist(), strict=True))]
axes[2].scatter(*(zip(*pairs, strict=True) if pairs else ((), ())), s=8)
axes[2].plot([0, 1], [0, 1], color="gray", linewidth=0.5)
axes[2].set(xlabel="IoU of the box", ylabel="IoU of the mask", xlim=(0, 1), ylim=(0, 1))
plt.show()

# %% [markdown]
# **Question 1.** Why is there no softmax over the labels, so that their grids compete for a pixel? What would go wrong
# with two animals in one box?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** Why are masks predicted for the final boxes in detection, but cut at proposals in training?

# %% [markdown] tags=["answer"]
# *Your answer:*
