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
# # Assignment 9, part 4: R-CNN
#
# An image may hold no animal or five. R-CNN (2014) turns detection into classification. It *proposes* boxes that may
# hold an object and *warps* each to a square. A network predicts the class and how to move the box. Finally, R-CNN
# *suppresses* duplicates. You write in `rcnn.py`, with your own `boxes.py`.

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
import numpy as np
import otter
import torch

from boxes import box_iou, count_boxes
from common import reset_seed
from common.detection import target_of
from common.images import smooth
from common.plots import plot_curves, show_boxes
from common.scenes import THINGS, draw_scene, draw_scenes
from evaluation import COCO_THRESHOLDS, average_precisions, match_detections, mean_average_precision, precision_recall
from rcnn import (
    create_rcnn_training,
    detect,
    graph_segmentation,
    predict,
    propose,
    region_targets,
    selective_search,
    sliding_boxes,
    train_rcnn,
    warp_crops,
)

grader = otter.Notebook("rcnn.ipynb")
device = "cuda" if torch.cuda.is_available() else "cpu"
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
print("Device:", device)

scene = draw_scene(7, 7, things=(2, 4), near=(0.6, 1.0))
image, truth = torch.from_numpy(scene.image).float() / 255, target_of(scene)
names = [THINGS[label] for label in truth["labels"]]

# %% [markdown]
# ## Sliding a box
#
# The oldest idea: a box of one size at every position, a stride apart. Write `sliding_boxes`.

# %%
grader.check("sliding-boxes")

# %%
slid = sliding_boxes((96, 128), (40, 40), 8)
show_boxes(image, slid[::13], [""] * len(slid[::13]))
print(f"one size, stride 8: {len(slid)} boxes;  all sizes, all positions: {count_boxes(96, 128):,}")

# %% [markdown]
# ## Pixels that belong together
#
# Nearly all of these boxes hold nothing. It is better to let the image suggest regions. Neighbouring pixels of
# similar colour are joined, along edges from light to heavy. A component may grow across an edge of weight $w$ as
# long as $w \le \mathrm{Int}(C) + k / |C|$: small components join easily, large ones must agree. Write
# `graph_segmentation`.

# %%
grader.check("graph-segmentation")

# %%
smoothed = smooth(image, sigma=0.8)
palette = np.random.RandomState(1).rand(500, 3)
figure, axes = plt.subplots(1, 4, figsize=(16, 3.3), layout="constrained")
show_boxes(image, truth["boxes"], names, axis=axes[0], title="truth")
for axis, scale in zip(axes[1:], (0.3, 0.6, 1.2), strict=True):
    labels = graph_segmentation(smoothed, scale, 15)
    axis.imshow(palette[labels.numpy() % 500])
    axis.set(title=f"scale {scale}: {int(labels.max()) + 1} components", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# ## Regions that grow together
#
# A dog with a white chest is two components; together they are a dog. **Selective search** joins the two most similar
# neighbours again and again, until one region is left. It proposes the box of every region on the way. Write
# `selective_search`.

# %%
grader.check("selective-search")

# %%
labels = graph_segmentation(smoothed, 0.6, 15)
boxes = selective_search(image, labels)
best = box_iou(truth["boxes"], boxes)
figure, axes = plt.subplots(1, 3, figsize=(14, 3.6), layout="constrained")
show_boxes(image, boxes[:20], [""] * 20, axis=axes[0], title="the first 20 proposals")
show_boxes(image, boxes[-12:], [""] * 12, axis=axes[1], title="the last 12: joined regions")
words = [f"IoU {value:.2f}" for value in best.amax(dim=1)]
show_boxes(image, boxes[best.argmax(dim=1)], words, axis=axes[2], title="the best for each animal")
plt.show()

# %% [markdown]
# How many proposals are needed to find the animals? The plot shows recall over the number of proposals, for selective
# search with one scale and with three, and for boxes slid over the image in six sizes.

# %%
looks = [
    torch.from_numpy(one.image).float() / 255
    for one in draw_scenes(3 if quick else 12, 21, things=(1, 4), near=(0.5, 1.0))
]
known = [target_of(one)["boxes"] for one in draw_scenes(3 if quick else 12, 21, things=(1, 4), near=(0.5, 1.0))]
grid = torch.cat(
    [sliding_boxes((96, 128), box, 12) for box in ((28, 24), (28, 44), (44, 36), (44, 64), (64, 48), (64, 84))]
)
ways = {
    "one scale": [propose(look, (0.6,)) for look in looks],
    "three scales": [propose(look) for look in looks],
    "sliding": [grid] * len(looks),
}
reset_seed(0)
plt.figure(figsize=(5, 3.4))
for title, proposals in ways.items():
    recalls, counts = [], (5, 10, 20, 40, 80, 160, 320)
    for count in counts:
        hits = [
            box_iou(true, p[torch.randperm(len(p))[:count]]).amax(dim=1) >= 0.5
            for true, p in zip(known, proposals, strict=True)
        ]
        recalls.append(float(torch.cat(hits).float().mean()))
    plt.plot(counts, recalls, marker="o", label=f"{title}: {sum(map(len, proposals)) / len(proposals):.0f} boxes")
plt.xscale("log")
plt.xlabel("proposals, drawn at random")
plt.ylabel("recall at IoU 0.5")
plt.legend()
plt.show()

# %% [markdown]
# ## What the network sees
#
# Each proposal grows by a little context, and is stretched to 32 x 32 pixels. Whatever its shape, the network sees a
# square. Write `warp_crops`.

# %%
grader.check("warp-crops")

# %%
crops = warp_crops(image, boxes[-24:], 32, context=0.15)
figure, axes = plt.subplots(2, 12, figsize=(15, 2.7), layout="constrained")
for axis, crop in zip(axes.flat, crops, strict=True):
    axis.imshow(crop.permute(1, 2, 0).clamp(0, 1))
    axis.axis("off")
plt.show()

# %% [markdown]
# ## What it should answer
#
# If a proposal has an IoU of at least 0.5 with a truth, its target is the truth's class and the transform to the
# truth. All others are background, class 0. Write `region_targets`.

# %%
grader.check("region-targets")

# %% [markdown]
# Training data: crops of small scenes (48 x 64), so that the training takes a minute. Proposals are boxes of seven
# sizes, slid over the scene, and the true boxes moved a little, so that there are enough examples of things.

# %%
SIZE, CONTEXT = (48, 64), 0.15
SHAPES = ((16, 14), (16, 24), (24, 20), (24, 34), (34, 28), (34, 46), (44, 40))
proposals = torch.cat([sliding_boxes(SIZE, shape, max(4, min(shape) // 4)) for shape in SHAPES])


def small_scenes(count, seed):
    scenes = draw_scenes(count, seed, height=SIZE[0], width=SIZE[1], things=(1, 3), near=(0.7, 1.0))
    return [target_of(scene) | {"image": torch.from_numpy(scene.image).float() / 255} for scene in scenes]


def crops_of(scene, boxes):
    return warp_crops(scene["image"], boxes, 32, context=CONTEXT) - 0.5


def training_crops(scenes, background=20):
    parts = []
    for scene in scenes:
        near = scene["boxes"].repeat(12, 1)
        near = near + 0.12 * (near[:, 2:] - near[:, :2]).repeat(1, 2) * torch.randn(len(near), 4)
        boxes = torch.cat([proposals, near.clamp(min=0).minimum(torch.tensor([64.0, 48.0, 64.0, 48.0]))])
        boxes = boxes[(boxes[:, 2] > boxes[:, 0] + 2) & (boxes[:, 3] > boxes[:, 1] + 2)]
        classes, transforms = region_targets(boxes, scene["boxes"], scene["labels"])
        nothing = (classes == 0).nonzero().flatten()
        taken = torch.cat([(classes > 0).nonzero().flatten(), nothing[torch.randperm(len(nothing))[:background]]])
        parts.append((crops_of(scene, boxes[taken]), classes[taken], transforms[taken]))
    return {
        key: torch.cat(part).to(device)
        for key, part in zip(("crops", "classes", "transforms"), zip(*parts, strict=True), strict=True)
    }


reset_seed(0)
scenes_train, scenes_test = small_scenes(20 if quick else 200, seed=0), small_scenes(10 if quick else 60, seed=1)
data = training_crops(scenes_train)
print({word: int((data["classes"] == k).sum()) for k, word in enumerate(("background", *THINGS))})

# %% [markdown]
# ## From answers to detections
#
# Softmax, threshold, transform, clip, suppress. Write `detect`. A proposal that is sure of two classes becomes two
# detections: suppression works by class.

# %%
grader.check("detect")

# %%
unsure = torch.tensor([[0.0, 2.0, 1.5, -2.0]])  # of background and the three animals
both = detect(unsure, torch.zeros(1, 4), truth["boxes"][:1], (96, 128), score_threshold=0.1)
figure, axes = plt.subplots(1, len(both["boxes"]), figsize=(9, 3.4), layout="constrained")
for axis, box, score, label in zip(axes, both["boxes"], both["scores"], both["labels"], strict=True):
    show_boxes(image, box[None], [THINGS[label]], score[None], axis=axis, title=f"one proposal as a {THINGS[label]}")
plt.show()

# %% [markdown]
# ## Training
#
# Write `create_rcnn_training`. It returns the network, its optimizer and the schedule. The network is trained for 600
# steps of 64 crops. Reach an average precision of 0.45 at IoU 0.5.

# %%
reset_seed(0)
STEPS = 40 if quick else 600
model, optimizer, schedule = create_rcnn_training(len(THINGS), STEPS, device)
began = time.perf_counter()
losses = train_rcnn(model, optimizer, schedule, data, STEPS)
print(f"{STEPS} steps in {time.perf_counter() - began:.0f} s")
torch.save(model.state_dict(), "rcnn.pt")
plt.figure(figsize=(5, 3))
plt.plot(torch.tensor(losses).unfold(0, 25, 1).mean(dim=1))
plt.xlabel("step")
plt.ylabel("loss")
plt.yscale("log")
plt.show()

# %%
grader.check("rcnn-training")

# %% [markdown]
# ## What regression is worth
#
# The same network is tested with its transforms and without. A proposal is rarely tight. Moving it turns a "decent" box
# into a "pretty good" one.

# %%
answers = []
for scene in scenes_test:
    scores, transforms = predict(model, crops_of(scene, proposals).to(device))
    answers.append((scores.cpu(), transforms.cpu()))
found = {
    "moved": [detect(scores, transforms, proposals, SIZE) for scores, transforms in answers],
    "as proposed": [detect(scores, torch.zeros_like(transforms), proposals, SIZE) for scores, transforms in answers],
}
print(f"{'':12} {'AP at 0.5':>10} {'AP at 0.75':>11} {'mAP':>7}")
for title, detections in found.items():
    table = average_precisions(detections, scenes_test, len(THINGS), COCO_THRESHOLDS)
    by_threshold = table.nanmean(dim=0)
    print(f"{title:12} {by_threshold[0]:10.3f} {by_threshold[5]:11.3f} {mean_average_precision(table):7.3f}")

# %%
figure, axes = plt.subplots(3, 4, figsize=(16, 8.4), layout="constrained")
for column, scene in enumerate(scenes_test[:4]):
    rows = {"truth": (scene["boxes"], scene["labels"], None)}
    for title, detections in found.items():
        one, sure = detections[column], detections[column]["scores"] > 0.4
        rows[title] = one["boxes"][sure], one["labels"][sure], one["scores"][sure]
    for axis, (title, (boxes, labels, scores)) in zip(axes[:, column], rows.items(), strict=True):
        show_boxes(scene["image"], boxes, [THINGS[k] for k in labels], scores, axis=axis, title=title)
plt.show()

# %% [markdown]
# Precision over recall, class by class, at IoU 0.5.

# %%
curves = {}
for k, word in enumerate(THINGS):
    scores, hits, count = [], [], 0
    for one, scene in zip(found["moved"], scenes_test, strict=True):
        own, there = one["labels"] == k, scene["labels"] == k
        hits.append(match_detections(one["scores"][own], box_iou(one["boxes"][own], scene["boxes"][there]), 0.5))
        scores.append(one["scores"][own])
        count += int(there.sum())
    curves[word] = precision_recall(torch.cat(hits), torch.cat(scores), count)
plot_curves({word: p for word, (p, _) in curves.items()}, {word: r for word, (_, r) in curves.items()})

# %% [markdown]
# ## Where the time goes
#
# Seconds for one scene of 96 x 128 pixels, step by step.

# %%
steps, clock = {}, time.perf_counter
began = clock()
look = propose(image)
steps["proposals"], began = clock() - began, clock()
crops = warp_crops(image, look, 32, context=CONTEXT) - 0.5
steps["crops"], began = clock() - began, clock()
scores, transforms = predict(model, crops.to(device))
steps["network"], began = clock() - began, clock()
detect(scores.cpu(), transforms.cpu(), look, (96, 128))
steps["detections"] = clock() - began
plt.figure(figsize=(5.5, 2.2))
plt.barh(list(steps), list(steps.values()))
plt.gca().invert_yaxis()
plt.xlabel(f"seconds, for {len(look)} proposals")
plt.show()

# %% [markdown]
# **Question 1.** Where do the seconds of an image go, and how do they grow with the number of proposals?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** Which of these steps would Fast R-CNN do once for all proposals, and what would it have to replace
# `warp_crops` with?

# %% [markdown] tags=["answer"]
# *Your answer:*
