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
# # Assignment 9, part 3: what is it, and where?
#
# Each image has one animal. A network that predicts *what* it is needs only four more numbers to predict *where* it
# is: two questions, two heads, one backbone, and one loss that adds up both errors. You write in `localization.py`.

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
from common.plots import show_boxes
from common.scenes import THINGS, draw_scenes
from localization import (
    create_localization_training,
    denormalize_boxes,
    multitask_loss,
    normalize_boxes,
    train_localization,
)

grader = otter.Notebook("localization.ipynb")
device = "cuda" if torch.cuda.is_available() else "cpu"
SIZE = (48, 64)
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
print("Device:", device)

# %% [markdown]
# ## Scenes with exactly one animal
#
# The scenes are drawn, and small: 48 x 64 pixels. Boxes are *normalized* for the network: centre and size, divided by
# the image's. (A network that does well here has learned to tell drawings apart. Photographs are another matter.)


# %%
def one_animal(count, seed):
    """Images (N, 3, 48, 64) around 0, labels (N,), and boxes (N, 4) in pixels, of scenes with one animal, near."""
    scenes = draw_scenes(count, seed, height=SIZE[0], width=SIZE[1], things=(1, 1), near=(0.85, 1.0))
    scenes = [scene for scene in scenes if len(scene.things) == 1]
    images = torch.stack([torch.from_numpy(scene.image) for scene in scenes]).float() / 255 - 0.5
    labels = torch.tensor([THINGS.index(scene.things[0].kind) for scene in scenes])
    return images.to(device), labels.to(device), torch.tensor([scene.things[0].box for scene in scenes]).to(device)


X_train, y_train, corners_train = one_animal(100 if quick else 1000, seed=0)
X_test, y_test, corners_test = one_animal(40 if quick else 200, seed=1)
print(len(X_train), "scenes to train on,", len(X_test), "to test")

figure, axes = plt.subplots(2, 4, figsize=(14, 5.6), layout="constrained")
for axis, image, label, box in zip(axes.flat, X_train, y_train, corners_train, strict=False):
    show_boxes(image.cpu() + 0.5, box[None].cpu(), [THINGS[label]], axis=axis)
plt.show()

# %% [markdown]
# ## One loss for two questions
#
# $$ L = L_\text{cls} + \lambda L_\text{reg}, \qquad
# L_\text{reg} = \frac1N \sum_n \sum_{k=1}^{4} (\hat b_{nk} - b_{nk})^2 $$
#
# $L_\text{cls}$ is the cross-entropy that you know. Its gradient with respect to the scores is (softmax - one-hot) / N;
# that of the second term is $2 \lambda (\hat b - b) / N$. Write `normalize_boxes`, `denormalize_boxes`, and
# `multitask_loss`, which returns the loss and both gradients without autograd.

# %%
grader.check("localization-loss")

# %% [markdown]
# The next cell computes the same with autograd, on a batch of random numbers. The results should not differ.

# %%
reset_seed(0)
scores, found = torch.randn(8, 3).double().requires_grad_(), torch.rand(8, 4).double().requires_grad_()
labels, wanted = torch.randint(3, (8,)), torch.rand(8, 4).double()
loss = torch.nn.functional.cross_entropy(scores, labels) + 5.0 * (found - wanted).square().sum() / 8
loss.backward()
ours, dscores, dboxes = multitask_loss(scores.detach(), found.detach(), labels, wanted, 5.0)
print("loss:", float((ours - loss.detach()).abs()), " dscores:", float((dscores - scores.grad).abs().max()))
print("dboxes:", float((dboxes - found.grad).abs().max()))

# %% [markdown]
# ## The network
#
# A backbone turns the image into features. One linear layer makes scores of them, another a box. Write
# `LocalizationNet`, and `create_localization_training`: you choose layers, optimizer, learning rate, schedule, and
# $\lambda$.

# %%
grader.check("localization-net")

# %% [markdown]
# ## Training
#
# Train for 470 steps of 32 images. The first lines print a baseline: the most frequent class and the mean box for every
# image. Reach a share of right classes of 0.60, and a mean IoU of 0.50.

# %%
train = {"images": X_train, "labels": y_train, "boxes": normalize_boxes(corners_train, SIZE)}


def measure(model):
    """(share of right classes, IoU of each test image's box with the true one, predicted boxes in pixels, classes)."""
    model.eval()
    with torch.no_grad():
        scores, boxes = model(X_test)
    boxes = denormalize_boxes(boxes, SIZE)
    overlaps = torch.cat([box_iou(box[None], true[None])[0] for box, true in zip(boxes, corners_test, strict=True)])
    return float((scores.argmax(dim=1) == y_test).float().mean()), overlaps, boxes, scores.argmax(dim=1)


commonest = float(y_test.bincount().max()) / len(y_test)
mean_box = corners_train.mean(dim=0, keepdim=True)
print(f"commonest class: {commonest:.3f}, mean box: IoU {float(box_iou(mean_box, corners_test).mean()):.3f}")

reset_seed(0)
STEPS = 40 if quick else 470
model, optimizer, schedule, weight = create_localization_training(len(THINGS), STEPS, device)
history = train_localization(model, optimizer, schedule, train, weight, STEPS)
right, overlaps, boxes, classes = measure(model)
print(f"right classes: {right:.3f}, mean IoU: {float(overlaps.mean()):.3f}")
torch.save(model.state_dict(), "localization_net.pt")

# %%
grader.check("localization-training")


# %%
def smooth_curve(values, width=25):
    """Running means."""
    return torch.tensor(values).unfold(0, width, 1).mean(dim=1)


figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
for axis, (what, values) in zip(axes, history.items(), strict=True):
    axis.plot(smooth_curve(values))
    axis.set(title=f"{what} loss", xlabel="step")
    axis.set_yscale("log")
plt.show()

# %% [markdown]
# Twelve test scenes: the six with the worst boxes, and the six with the best.

# %%
order = overlaps.argsort()
figure, axes = plt.subplots(2, 6, figsize=(18, 5), layout="constrained")
for axis, n in zip(axes.flat, torch.cat([order[:6], order[-6:]]).tolist(), strict=True):
    pair = torch.stack([corners_test[n], boxes[n]]).cpu()
    title = f"IoU {float(overlaps[n]):.2f}: {THINGS[classes[n]]}"
    show_boxes(X_test[n].cpu() + 0.5, pair, ["truth", "found"], axis=axis, title=title)
plt.show()

# %% [markdown]
# ## How much should a box count?
#
# The two losses are of different kinds: a cross-entropy of 1 is poor, a squared difference of 1 is absurd. $\lambda$
# sets the exchange rate. The same training, shorter, with five weights:

# %%
weights, results, curves = (0.0, 1.0, 10.0, 100.0, 1000.0), [], {}
short = 30 if quick else 200
for value in weights:
    reset_seed(0)
    network, optimizer, schedule, _ = create_localization_training(len(THINGS), short, device)
    curves[value] = train_localization(network, optimizer, schedule, train, value, short)
    right, overlaps, _, _ = measure(network)
    results.append((right, float(overlaps.mean())))

figure, axes = plt.subplots(1, 3, figsize=(15, 3.4), layout="constrained")
for value in weights[:4]:
    for axis, what in zip(axes, ("classification", "regression"), strict=False):
        axis.plot(smooth_curve(curves[value][what]), label=f"weight {value:g}")
        axis.set(title=f"{what} loss", xlabel="step")
axes[1].set_yscale("log")
axes[1].legend(fontsize=8)
for k, what in enumerate(("right classes", "mean IoU")):
    axes[2].plot(range(len(weights)), [result[k] for result in results], marker="o", label=what)
axes[2].set_xticks(range(len(weights)), [f"{value:g}" for value in weights])
axes[2].set(xlabel="weight", ylim=(0, 1))
axes[2].legend()
plt.show()

# %% [markdown]
# **Question 1.** Why can a network of this kind not be used on an image with two animals? What would its loss be on
# such an image?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** What goes wrong with a weight of 1000, and why does it go wrong although the box loss is small?

# %% [markdown] tags=["answer"]
# *Your answer:*
