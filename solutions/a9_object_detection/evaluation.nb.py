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
# # Assignment 9, part 2: how good is a detector?
#
# A classifier is right or wrong. A detector can be wrong in many ways at once: it misses an animal, finds one twice,
# finds one that is not there, puts the box a little beside it, calls a cat a dog. The standard measure is one
# number, the **mean average precision**. In this notebook you build it step by step. You write in
# `evaluation.py`, which uses your `box_iou` from part 1.

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

from boxes import box_iou
from common import reset_seed
from common.detection import target_of
from common.plots import plot_curves, show_boxes
from common.scenes import THINGS, draw_scenes
from evaluation import (
    COCO_THRESHOLDS,
    average_precision,
    average_precisions,
    interpolated_average_precision,
    match_detections,
    mean_average_precision,
    precision_recall,
)

grader = otter.Notebook("evaluation.ipynb")

# %% [markdown]
# ## Three detectors without a network
#
# To learn the meaning of the numbers, we make detections with known mistakes. Each detector below starts from the
# truth:
#
# - *sloppy* finds every animal, with boxes that are off by a tenth of their size or two;
# - *confused* draws boxes well, and takes one animal for another every third time;
# - *eager* finds every animal, and adds three boxes per scene where nothing is.

# %%
scenes = draw_scenes(40, seed=11, things=(1, 5), near=(0.3, 1.0))
images, truths = [torch.from_numpy(scene.image) for scene in scenes], [target_of(scene) for scene in scenes]


def jittered(boxes, by):
    """Boxes whose corners are moved by about `by` of their size."""
    size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + by * size * torch.randn(len(boxes), 4)


def sloppy(truth):
    boxes = jittered(truth["boxes"], 0.13)
    return {"boxes": boxes, "scores": 0.4 + 0.6 * torch.rand(len(boxes)), "labels": truth["labels"]}


def confused(truth):
    labels = torch.where(torch.rand(len(truth["labels"])) < 1 / 3, (truth["labels"] + 1) % 3, truth["labels"])
    return {"boxes": jittered(truth["boxes"], 0.03), "scores": 0.4 + 0.6 * torch.rand(len(labels)), "labels": labels}


def eager(truth):
    found = confused(truth) | {"labels": truth["labels"]}
    corner = torch.rand(3, 2) * torch.tensor([90.0, 60.0])
    extra = torch.cat([corner, corner + 8 + 30 * torch.rand(3, 2)], dim=1)
    return {
        "boxes": torch.cat([found["boxes"], extra]),
        "scores": torch.cat([found["scores"], 0.8 * torch.rand(3)]),
        "labels": torch.cat([found["labels"], torch.randint(3, (3,))]),
    }


reset_seed(0)
detectors = {"sloppy": sloppy, "confused": confused, "eager": eager}
detections = {name: [make(truth) for truth in truths] for name, make in detectors.items()}

figure, axes = plt.subplots(1, 4, figsize=(16, 3.4), layout="constrained")
show_boxes(images[3], truths[3]["boxes"], [THINGS[k] for k in truths[3]["labels"]], axis=axes[0], title="truth")
for axis, (title, found) in zip(axes[1:], detections.items(), strict=True):
    words = [THINGS[k] for k in found[3]["labels"]]
    show_boxes(images[3], found[3]["boxes"], words, found[3]["scores"], axis=axis, title=title)
plt.show()

# %% [markdown]
# ## Which detections are true?
#
# Detections are visited from the best score to the worst. Each takes the truth with the largest IoU among the truths
# that are still free, if that IoU is **at least** the threshold. A truth is taken once: the second detection of the
# same animal is a mistake. Write `match_detections`.

# %%
grader.check("match-detections")

# %% [markdown]
# All dogs of the eager detector in one scene, sorted by score. What is true, and what is not?

# %%
label = THINGS.index("dog")
number = max(range(len(truths)), key=lambda n: int((truths[n]["labels"] == label).sum()))
found, true = detections["eager"][number], truths[number]
mine = (found["labels"] == label).nonzero().flatten()
mine = mine[found["scores"][mine].argsort(descending=True)]
ious = box_iou(found["boxes"][mine], true["boxes"][true["labels"] == label])
matched = match_detections(found["scores"][mine], ious, 0.5)
show_boxes(images[number], found["boxes"][mine], ["true" if m else "false" for m in matched], found["scores"][mine])

# %% [markdown]
# ## Precision and recall
#
# Accept the best $k$ detections of a class, and ask two questions:
# $$ \text{precision} = \frac{\text{true detections}}{\text{all detections}}, \qquad
# \text{recall} = \frac{\text{true detections}}{\text{all truths}}. $$
# A detector that accepts everything has recall 1 and a poor precision. One that rejects everything has no point on the
# curve at all. Write `precision_recall`.

# %%
grader.check("precision-recall")

# %% [markdown]
# Step by step: six detections of five truths. A true one lifts both, a false one lowers precision only.

# %%
matched = torch.tensor([True, False, True, True, False, True])
precision, recall = precision_recall(matched, torch.tensor([0.95, 0.9, 0.8, 0.6, 0.5, 0.1]), 5)
figure, axes = plt.subplots(1, 6, figsize=(15, 2.6), sharey=True, layout="constrained")
for k, axis in enumerate(axes):
    axis.plot(recall[: k + 1], precision[: k + 1], marker="o", color="gray")
    axis.plot(recall[k], precision[k], marker="o", color="tab:green" if matched[k] else "tab:red", markersize=10)
    axis.set(xlim=(0, 1), ylim=(0, 1.08), title=f"{k + 1}: {'true' if matched[k] else 'false'}", xlabel="recall")
axes[0].set_ylabel("precision")
plt.show()

# %% [markdown]
# ## One number for a curve
#
# The area under the steps of the curve, $\sum_n (r_n - r_{n-1}) p_n$, is the **average precision**. Benchmarks smooth
# the zigzag away first: at each recall $r$ they take the best precision that is reached at $r$ *or beyond*, and
# average that over 101 recalls. Write `average_precision` and `interpolated_average_precision`.

# %%
grader.check("average-precision")

# %%
print(f"area under the steps: {average_precision(precision, recall):.4f} = 0.2 (1 + 2/3 + 3/4 + 2/3)")
for points in (11, 101):
    print(f"interpolated, {points:3} points: {interpolated_average_precision(precision, recall, points):.4f}")
plot_curves(precision, recall)

# %%
levels = torch.arange(101) / 100
best = torch.tensor([float(precision[recall >= r - 1e-9].max()) if (recall >= r - 1e-9).any() else 0.0 for r in levels])
plt.figure(figsize=(4.6, 3.4))
plt.fill_between(levels, best, step="mid", alpha=0.3, label="interpolated")
plt.plot(torch.cat([torch.zeros(1), recall]), torch.cat([precision[:1], precision]), drawstyle="steps-pre", label="raw")
plt.xlabel("recall")
plt.ylabel("precision")
plt.legend()
plt.show()

# %% [markdown]
# ## One number for a detector
#
# Match within each image and class; then pool the detections of **all** images, one curve for each class and each IoU
# threshold. The mean over classes at 0.5 is what PASCAL calls mAP. COCO's is the mean over classes and ten thresholds
# from 0.50 to 0.95. Write `average_precisions` and `mean_average_precision`.

# %%
grader.check("mean-average-precision")

# %%
tables = {title: average_precisions(found, truths, 3, COCO_THRESHOLDS) for title, found in detections.items()}
print(f"{'':10} {'AP at 0.5':>10} {'AP at 0.75':>11} {'mAP':>7}")
for title, table in tables.items():
    print(f"{title:10} {table[:, 0].mean():10.3f} {table[:, 5].mean():11.3f} {mean_average_precision(table):7.3f}")

plt.figure(figsize=(5, 3.4))
for title, table in tables.items():
    plt.plot(COCO_THRESHOLDS, table.nanmean(dim=0), marker="o", label=title)
plt.xlabel("IoU threshold")
plt.ylabel("AP, mean over classes")
plt.ylim(0, 1)
plt.legend()
plt.show()

# %% [markdown]
# The next plot shows the curves at a threshold of 0.5, for one class. The confused detector never reaches recall 1. The
# eager one loses precision at the end, where its boxes of nothing come.

# %%
curves = {}
for title, found in detections.items():
    scores, hits, count = [], [], 0
    for one, true in zip(found, truths, strict=True):
        own, there = one["labels"] == label, true["labels"] == label
        ious = box_iou(one["boxes"][own], true["boxes"][there])
        scores.append(one["scores"][own])
        hits.append(match_detections(one["scores"][own], ious, 0.5))
        count += int(there.sum())
    curves[title] = precision_recall(torch.cat(hits), torch.cat(scores), count)
plot_curves({name: p for name, (p, _) in curves.items()}, {name: r for name, (_, r) in curves.items()})

# %% [markdown]
# **Question 1.** Which of the three detectors looks good at a threshold of 0.5, and is not? What does mAP say about it?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** All scores of a detector are halved. What happens to its average precision, and why? What is the score
# used for, then?

# %% [markdown] tags=["answer"]
# *Your answer:*
