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
# # Assignment 10, part 3: region proposals
#
# In Faster R-CNN (2015) a network proposes regions. Every cell of the map has boxes of several sizes and shapes, the
# *anchors*. For each anchor, the network predicts whether it holds an object, and how to move it. In
# `region_proposals.py` you write anchors, their labels, the sampling for the loss, the head, the losses and the
# proposals.

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
from common.plots import show_images, show_proposals
from common.scenes import draw_scenes
from kit import SingleMap, to_images, to_targets
from region_proposals import (
    RPNHead,
    flatten_maps,
    label_anchors,
    make_anchors,
    propose,
    rpn_losses,
    sample_labels,
)

grader = otter.Notebook("region_proposals.ipynb")
# True: a short training, only to see whether everything runs.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
COUNT, STEPS = (12, 6) if quick else (200, 200)
scenes = draw_scenes(COUNT, 0, height=64, width=96)
images, targets = to_images(scenes), to_targets(scenes)
scene, truth = next(pair for pair in zip(scenes, targets, strict=True) if len(pair[1]["boxes"]) >= 2)
picture = torch.from_numpy(scene.image)
SIZES, RATIOS, K = (12.0, 20.0, 34.0), (0.6, 1.0, 1.6), 9
anchors = make_anchors(8, 12, 8, SIZES, RATIOS)

# %% [markdown]
# ## Anchors
#
# Write `make_anchors`. The picture shows the nine anchors of one cell. A ratio is height / width. All anchors of one
# size have the same area.

# %%
middle = (4 * 12 + 6) * K
show_proposals(picture, anchors[middle : middle + K], title="the anchors of cell (4, 6)")

# %%
grader.check("anchors")

# %% [markdown]
# ## Which anchors are objects?
#
# Write `label_anchors`. The first picture shows, for each cell, the largest IoU of its anchors with a true box. The
# second shows up to 40 anchors of each label: positive (green), negative (red), neutral (grey).

# %%
overlaps = box_iou(anchors, truth["boxes"]).amax(dim=1).reshape(8, 12, K).amax(dim=2)
plt.figure(figsize=(5, 3))
plt.imshow(overlaps, extent=(0, 96, 64, 0))
plt.colorbar(label="IoU")
plt.title("the largest IoU of each cell")
plt.show()
labels, matches = label_anchors(anchors, truth["boxes"])
print({name: int((labels == kind).sum()) for name, kind in (("positive", 1), ("negative", 0), ("neutral", -1))})
few = torch.cat([(labels == kind).nonzero().flatten()[:40] for kind in (0, -1, 1)])
show_proposals(picture, anchors[few], labels[few], truth["boxes"], title="labels of anchors")

# %%
grader.check("anchor-labels")

# %% [markdown]
# **Question 1.** Why are there two thresholds, 0.7 and 0.3? Why do the anchors between them not count in the loss?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Sampling
#
# Write `sample_labels`. The random numbers are an argument, the priorities. How often is each anchor in one of 1,000
# samples?

# %%
chance = torch.Generator().manual_seed(0)
taken = torch.zeros(len(anchors))
for _ in range(1000):
    positives, negatives = sample_labels(labels, 64, 0.5, torch.rand(len(anchors), generator=chance))
    taken[torch.cat([positives, negatives])] += 1
plt.figure(figsize=(5, 2.6))
plt.hist(
    [taken[labels == kind].numpy() for kind in (1, 0, -1)],
    bins=30,
    stacked=True,
    label=["positive", "negative", "neutral"],
)
plt.legend()
plt.title("how often each anchor is sampled")
plt.xlabel("samples, of 1,000")
plt.ylabel("anchors")
plt.show()

# %%
grader.check("anchor-sampling")

# %% [markdown]
# ## The network
#
# Write `RPNHead` and `flatten_maps`, then `rpn_losses` and `propose`.

# %%
grader.check("rpn-head")

# %%
grader.check("rpn-losses")

# %%
grader.check("proposals")

# %% [markdown]
# ## Training the first stage alone
#
# The score maps and the proposals for one scene, before and after the training of a backbone and your head.

# %%
reset_seed(0)
backbone, head = SingleMap(64), RPNHead(64, 64, K)


def answers(x: torch.Tensor) -> list[torch.Tensor]:
    return [flatten_maps(maps, K) for maps in head(backbone(x))]


def proposals(x: torch.Tensor, count: int) -> torch.Tensor:
    backbone.eval()
    with torch.no_grad():
        scores, transforms = answers(x[None])
    backbone.train()
    return propose(scores[0], transforms[0], anchors, (64, 96), 600, count)[0]


new = draw_scenes(6 if quick else 40, 1, height=64, width=96)
COUNTS = (1, 3, 10, 30, 100, 300)


def recalls() -> list[float]:
    """The share of true boxes of new scenes that the first proposals find, for each number of proposals in COUNTS."""
    found = [proposals(x, max(COUNTS)) for x in to_images(new)]
    overlaps = [box_iou(truth["boxes"], boxes) for truth, boxes in zip(to_targets(new), found, strict=True)]
    hits = [torch.cat([(each[:, :count] >= 0.5).any(dim=1) for each in overlaps]) for count in COUNTS]
    return [float(each.float().mean()) for each in hits]


def look(title: str) -> None:
    x = to_images([scene])
    backbone.eval()
    with torch.no_grad():
        scores = answers(x)[0][0].softmax(dim=1)[:, 1].reshape(8, 12, K)
    show_images([scores[..., k] for k in (1, 4, 7)], [f"{title}: size {size:.0f}" for size in SIZES])
    for count in (20, 100, 300):
        show_proposals(picture, proposals(x[0], count), truths=truth["boxes"], title=f"{title}: {count} proposals")


look("before")
untrained = recalls()
optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=2e-3)
history = []
backbone.train()
for _ in range(STEPS):
    chosen = torch.randint(len(images), (8,), generator=chance).tolist()
    boxes = [targets[number]["boxes"] for number in chosen]
    priority = torch.rand(8, len(anchors), generator=chance)
    losses = torch.stack(rpn_losses(*answers(images[chosen]), anchors, boxes, priority))
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
look("after")

# %% [markdown]
# ## Recall
#
# Recall is the share of true boxes that have an IoU of at least 0.5 with some proposal. The scenes are new.

# %%
plt.figure(figsize=(5, 3))
plt.semilogx(COUNTS, untrained, "-o", label="before training")
plt.semilogx(COUNTS, recalls(), "-o", label="after training")
plt.legend()
plt.title("recall at IoU 0.5")
plt.xlabel("proposals per image")
plt.ylim(0, 1)
plt.show()

# %% [markdown]
# **Question 2.** What does an untrained network propose, and why is its recall not 0?

# %% [markdown] tags=["answer"]
# *Your answer:*
