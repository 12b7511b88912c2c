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
# # Assignment 11, part 2: panoptic segmentation
#
# Semantic segmentation gives every pixel a class, and does not separate things of one class. Instance segmentation
# separates things, and ignores stuff such as sky and grass. Panoptic segmentation does both. You write in
# `panoptic.py`.

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
import torch.nn.functional as F
from torch import nn

from common import reset_seed
from common.plots import class_colours, show_masks, show_segmentation, show_segments
from common.scenes import CLASSES, draw_scenes
from kit import TinyBackbone, to_images
from panoptic import (
    NUM_CLASSES,
    NUM_STUFF,
    SemanticBranch,
    merge_panoptic,
    panoptic_counts,
    panoptic_quality,
    semantic_loss,
)

grader = otter.Notebook("panoptic.ipynb")
SIZE = {"height": 64, "width": 96}
# True: a short training, only to see whether everything runs.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))

# %% [markdown]
# ## A class for every pixel
#
# A pyramid has maps of several sizes. The semantic branch enlarges all of them to the size of the finest map, adds them
# up, and classifies every cell. Write `SemanticBranch`.

# %%
grader.check("semantic-branch")

# %% [markdown]
# The next cell trains a small network: the given backbone, a 1x1 convolution on each of its maps, and your branch.


# %%
class Network(nn.Module):
    """Scores for every pixel."""

    def __init__(self):
        super().__init__()
        self.backbone = TinyBackbone()
        self.lateral = nn.ModuleList(nn.Conv2d(width, 32, 1) for width in self.backbone.channels)
        self.branch = SemanticBranch(32, 24, NUM_CLASSES, num_levels=3, stride=4)

    def forward(self, images):
        return self.branch([one(level) for one, level in zip(self.lateral, self.backbone(images), strict=True)])


train_scenes = draw_scenes(24 if quick else 300, seed=0, **SIZE)
test_scenes = draw_scenes(6 if quick else 40, seed=1, **SIZE)
X = to_images(train_scenes)
y = torch.stack([torch.from_numpy(scene.labels) for scene in train_scenes]).long()

reset_seed(0)
network, steps = Network(), 6 if quick else 350
optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
history = []
for _ in range(steps):
    batch = torch.randint(len(X), (8,))
    loss = semantic_loss(network(X[batch]), y[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    history.append(loss.item())
network.eval()
with torch.no_grad():
    semantic = torch.cat([network(some).argmax(dim=1) for some in to_images(test_scenes).split(10)])

figure, axis = plt.subplots(figsize=(5, 2.6), layout="constrained")
axis.plot(history)
axis.set(title="Cross-entropy per pixel", xlabel="step", yscale="log")
plt.show()

# %%
pictures = torch.stack([torch.from_numpy(scene.image) for scene in test_scenes])
labels = torch.stack([torch.from_numpy(scene.labels) for scene in test_scenes]).long()
show_segmentation(pictures[:6], {"truth": labels[:6], "prediction": semantic[:6]}, CLASSES)

# %% [markdown]
# ## Instances
#
# This part needs no detector: the instances are true masks with mistakes. Masks are shifted by up to two pixels along
# each axis, and many of them grown by one. Some animals are found twice. The less a mask is shifted, the higher is its
# score on average.


# %%
def instances(scene, seed):
    """Masks (R, H, W), classes (R,), scores (R,): the true ones, with mistakes."""
    chance = torch.Generator().manual_seed(seed)
    found = []
    for thing in scene.things:
        for copy in range(1 + int(torch.rand((), generator=chance) < 0.3)):
            mask = torch.from_numpy(thing.mask)[None, None].float()
            grown = F.max_pool2d(mask, 3, 1, 1) if torch.rand((), generator=chance) < 0.6 else mask
            shift = torch.randint(-1 - copy, 2 + copy, (2,), generator=chance).tolist()
            score = 0.95 - 0.1 * sum(map(abs, shift)) - 0.3 * torch.rand((), generator=chance).item()
            found.append((grown[0, 0].roll(shift, (0, 1)) > 0, thing.label, score))
    if not found:
        return torch.zeros(0, *SIZE.values(), dtype=torch.bool), torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    masks, classes, scores = zip(*found, strict=True)
    return torch.stack(masks), torch.tensor(classes), torch.tensor(scores)


every = [instances(scene, seed) for seed, scene in enumerate(test_scenes)]

# %% [markdown]
# ## Both in one picture
#
# Write `merge_panoptic`. The pictures show, for two scenes: the class of each pixel; the instances, which overlap; both
# merged, without overlap; the truth.

# %%
grader.check("panoptic-merge")


# %%
def truth_of(scene):
    """(segments, segment_classes) of a scene; pixels of no single class are void."""
    segments, classes = torch.zeros(SIZE["height"], SIZE["width"], dtype=torch.int64), []
    for label in range(NUM_STUFF):
        region = torch.from_numpy(scene.labels == label)
        if region.any():
            classes.append(label)
            segments[region] = len(classes)
    for thing in scene.things:
        classes.append(thing.label)
        segments[torch.from_numpy(thing.mask & (scene.labels == thing.label))] = len(classes)
    return segments, torch.tensor(classes)


def merged(n, **settings):
    return merge_panoptic(*every[n], semantic[n], NUM_STUFF, **settings)


for n in sorted(range(len(test_scenes)), key=lambda n: -len(test_scenes[n].things))[:2]:
    figure, axes = plt.subplots(1, 4, figsize=(16, 3), layout="constrained")
    image = torch.from_numpy(test_scenes[n].image)
    axes[0].imshow(class_colours(len(CLASSES))[semantic[n]])
    axes[0].set(title="semantic", xticks=[], yticks=[])
    names = [CLASSES[label] for label in every[n][1]]
    show_masks(image, every[n][0], names, every[n][2], axis=axes[1], title="instances")
    show_segments(*merged(n), CLASSES, axis=axes[2], title="merged")
    show_segments(*truth_of(test_scenes[n]), CLASSES, axis=axes[3], title="truth")
    plt.show()

# %% [markdown]
# ## How good is it?
#
# Write `panoptic_counts` and `panoptic_quality`. A true segment is found if a predicted segment of the same class has
# an IoU above one half with it. At most one segment can have this, so scores are not needed.

# %%
grader.check("panoptic-quality")


# %%
def measure(**settings):
    """(PQ, SQ, RQ) of each class, over all test scenes."""
    parts = [
        panoptic_counts(*merged(n, **settings), *truth_of(scene), NUM_CLASSES) for n, scene in enumerate(test_scenes)
    ]
    return panoptic_quality(*(sum(column) for column in zip(*parts, strict=True)))


pq, sq, rq = measure()
print(f"{'class':8}{'PQ':>8}{'SQ':>8}{'RQ':>8}")
for label, row in zip(CLASSES, zip(pq, sq, rq, strict=True), strict=True):
    print(f"{label:8}" + "".join(f"{float(value):8.3f}" for value in row))
print("mean PQ of the classes that occur:", round(float(pq.nanmean()), 3))

# %% [markdown]
# The same with other thresholds: the smallest score of an instance, and the largest part of it that may be taken
# already.

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
for axis, setting in zip(axes, ("score_threshold", "overlap_threshold"), strict=True):
    values = [0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]
    results = [[float(part.nanmean()) for part in measure(**{setting: value})] for value in values]
    for k, label in enumerate(("PQ", "SQ", "RQ")):
        axis.plot(values, [result[k] for result in results], marker="o", label=label)
    axis.set(xlabel=setting, ylim=(0, 1), title="mean over classes")
axes[0].legend()
plt.show()

# %% [markdown]
# **Question 1.** Why must the IoU of a match be *above* one half? Describe two predictions that would both match one
# true segment at a threshold of 0.4. What would have to be decided then?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** Some pixels are void in the merged picture, but not in the truth. Why is that often better than a
# guess? How does it change PQ?

# %% [markdown] tags=["answer"]
# *Your answer:*
