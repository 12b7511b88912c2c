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
# # Assignment 8, part 3: Fully convolutional networks
#
# Which object is at this pixel? The simplest method looks at a window around the pixel, classifies the window, and
# moves on to the next pixel. This part begins with this method, shows why nobody uses it, and ends with a network that
# labels all pixels of a scene at once.
#
# You write in `fully_convolutional_network.py`, beside this notebook.

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
import tomllib

import matplotlib.pyplot as plt
import otter
import torch
from matplotlib.patches import Rectangle

from common import reset_seed
from common.plots import class_colours, show_segmentation
from common.scenes import CLASSES, IGNORE, draw_scene
from common.segmentation import load_scenes
from common.voc import VOC_CLASSES, voc_folder
from fully_convolutional_network import (
    SegmentationNet,
    class_iou,
    confusion_matrix,
    create_segmentation_training,
    fully_convolutional_scores,
    mean_iou,
    pixel_accuracy,
    pixel_cross_entropy,
    receptive_field,
    sliding_window_scores,
    train_segmentation,
)

grader = otter.Notebook("fully_convolutional_network.ipynb")
device = "cuda" if torch.cuda.is_available() else "cpu"
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
print("Device:", device)

# %% [markdown]
# ## The scenes
#
# The scenes show cats, dogs and ducks (*things*) on grass, with sky and trees (*stuff*). They are drawn from a seed,
# so everybody has the same ones, and nothing has to be downloaded. A network that does well on drawings knows little
# about photographs, but it has the same problems to solve. A rim of one pixel around every animal belongs neither to
# the animal nor to its background. The rim has the label 255 and does not count. Below it is white.

# %%
sizes = {"num_train": 80, "num_val": 20, "num_test": 20} if quick else {}
data = load_scenes("no folder: always the scenes", **sizes)
show_segmentation(data["X_train"][:6] + data["mean"], data["y_train"][:6], CLASSES)
share = torch.bincount(data["y_train"][data["y_train"] != IGNORE], minlength=6) / (data["y_train"] != IGNORE).sum()
print({label: f"{float(part):.1%}" for label, part in zip(CLASSES, share, strict=True)})

# %% [markdown]
# ## A window slid over the image
#
# A stack of convolutions sees a window of the image, its *receptive field*. With kernels $k_l$, strides $s_l$ and
# dilations $d_l$ the side of this window is
#
# $$ R = 1 + \sum_l d_l \, (k_l - 1) \prod_{m < l} s_m . $$
#
# Without strides it grows linearly: 1 + 2L for L layers of 3x3. That is the lecture's first problem. Strides multiply
# what every *later* layer adds.

# %%
grader.check("receptive-field")

# %%
scene = draw_scene(0, 13)
figure, axes = plt.subplots(1, 2, figsize=(12, 4.4))
strided = [(3, 2, 1), (3, 1, 1)] * 3
stacks = {"3x3, no strides": [(3, 1, 1)] * 10, "3x3, every other one with stride 2": strided}
for axis, (title, layers) in zip(axes, stacks.items(), strict=True):
    axis.imshow(scene.image.transpose(1, 2, 0), extent=(0, 128, 96, 0))
    for count in range(1, len(layers) + 1):
        side, _ = receptive_field(layers[:count])
        corner = (64.5 - side / 2, 48.5 - side / 2)
        axis.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=plt.cm.plasma(count / len(layers))))
    axis.set(title=f"{title}: 1 to {len(layers)} layers, up to {side}x{side}", xticks=[], yticks=[])
plt.tight_layout()
plt.show()

# %% [markdown]
# Take a small network without strides, and let it score every pixel from its window alone. Pad the image once, so
# that windows at the border are complete. Then do the same with whole images: run every layer once over the whole
# padded image, so that neighbouring windows share their features. **The numbers are the same, to the last bits.** A
# common mistake is to pad every layer's input instead. The output of a layer on padding is not 0 but the ReLU of its
# bias, so the numbers near the border differ.

# %%
grader.check("sliding-window")

# %%
grader.check("fully-convolutional")

# %% [markdown]
# The next network is made by hand. It measures how much greener a pixel is than its surroundings, and how much bluer.
# Left: the image. Middle: a window and its score at the centre. Right: the map of all windows.

# %%
green = torch.zeros(2, 3, 5, 5)
green[0] = torch.tensor([-0.5, 1.0, -0.5])[:, None, None] / 25
green[1] = torch.tensor([-0.5, -0.5, 1.0])[:, None, None] / 25
mix = torch.tensor([[[[6.0]], [[0.0]]], [[[0.0]], [[6.0]]]])
layers = [(green, torch.zeros(2)), (mix, torch.zeros(2))]
image = torch.from_numpy(scene.image).float() / 255
maps = sliding_window_scores(image, layers)
figure, axes = plt.subplots(1, 3, figsize=(13, 3.4))
axes[0].imshow(image.permute(1, 2, 0), extent=(0, 128, 96, 0))
axes[0].add_patch(Rectangle((60, 70), 5, 5, fill=False, edgecolor="red"))
axes[0].set_title("a scene, and one window")
for axis, scores, title in zip(axes[1:], maps, ("green", "blue"), strict=True):
    axis.imshow(scores, cmap="viridis")
    axis.set_title(f"{title}, at the red window {float(scores[72, 62]):.2f}")
for axis in axes:
    axis.set(xticks=[], yticks=[])
plt.tight_layout()
plt.show()

# %% [markdown]
# The next cell measures the gain of sharing with your functions, for three layers of 5x5:

# %%
reset_seed(0)
layers = [(0.2 * torch.randn(8, c, 5, 5), torch.randn(8)) for c in (3, 8, 8)]
seconds = {}
for label, score in {
    "windows": lambda: sliding_window_scores(image[:, ::2, ::2], layers),
    "whole image": lambda: fully_convolutional_scores(image[None, :, ::2, ::2], layers)[0],
}.items():
    score()
    began = time.perf_counter()
    out = score()
    seconds[label] = time.perf_counter() - began
    print(f"{label:12} {1000 * seconds[label]:8.1f} ms, first score {float(out[0, 0, 0]):.4f}")
print(f"the whole image at once is {seconds['windows'] / seconds['whole image']:.0f} times as fast")

# %%
grader.check("shared-features")

# %% [markdown]
# ## The loss of pixels
#
# Every pixel is a classification. With scores $s$, label $t$ and class weights $w$,
#
# $$ L = \frac{\sum_p w_{t_p} \left(\log \sum_c e^{s_{pc}} - s_{p t_p}\right)}{\sum_p w_{t_p}}, \qquad
# \frac{\partial L}{\partial s_{pc}} = \frac{w_{t_p}}{\sum w} \left(\text{softmax}(s_p)_c - [c = t_p]\right), $$
#
# over the pixels that count. Ignored pixels have neither loss nor gradient. If no pixel counts at all, both are 0, so
# that a batch without labels does not fill the network with nan.

# %%
grader.check("pixel-loss")

# %%
reset_seed(1)
labels = data["y_train"][:1]
scores = torch.randn(1, 6, *labels.shape[1:])
loss, dscores = pixel_cross_entropy(scores, labels)
figure, axes = plt.subplots(1, 3, figsize=(13, 3.2))
axes[0].imshow((data["X_train"][0] + data["mean"]).permute(1, 2, 0))
axes[1].imshow(dscores[0].abs().sum(dim=0), cmap="magma")
axes[2].imshow(dscores[0, CLASSES.index("grass")], cmap="coolwarm")
titles = ["image", "size of the gradient: 0 in the rim", "gradient of the score of grass"]
for axis, title in zip(axes, titles, strict=True):
    axis.set(title=title, xticks=[], yticks=[])
plt.tight_layout()
plt.show()
print(f"loss of random scores {float(loss):.3f}")
print(f"over the classes, the gradient of a pixel sums to {float(dscores.sum(dim=1).abs().max()):.1e}")

# %% [markdown]
# ## How good is a label map?
#
# A *confusion matrix* counts how many pixels of class $i$ were predicted as class $j$. With its entries $n_{ij}$,
#
# $$ \text{accuracy} = \frac{\sum_i n_{ii}}{\sum_{ij} n_{ij}}, \qquad
# \text{IoU}_i = \frac{n_{ii}}{\sum_j n_{ij} + \sum_j n_{ji} - n_{ii}} . $$
#
# The mean IoU is the mean over the classes that have an IoU. A class that is neither present nor predicted has none
# (nan). A class that is predicted but not present has 0.

# %%
grader.check("segmentation-metrics")

# %%
target = data["y_val"][:1]
everything_grass = torch.full_like(target, CLASSES.index("grass"))
wrong_place = target.roll(6, dims=2)
wrong_place[wrong_place == IGNORE] = CLASSES.index("grass")  # a prediction has to say something
for label, guess in {"all grass": everything_grass, "moved by 6 pixels": wrong_place, "perfect": target}.items():
    confusion = confusion_matrix(guess, target, 6)
    print(f"{label:18} accuracy {pixel_accuracy(confusion):.3f}, mean IoU {mean_iou(confusion):.3f}")

# %% [markdown]
# ## A network that goes down and up
#
# For a large receptive field at low cost, make the maps small: strides or pooling. To label every pixel, make them
# large again. Downsampling loses the exact place of edges, but early maps still contain it: add them to late maps of
# the same size. Write `SegmentationNet` and `create_segmentation_training`. The validation mean IoU should reach
# **0.60**.

# %%
grader.check("segmentation-net")

# %%
grader.check("segmentation-training")

# %%
steps = 40 if quick else 900


def intersection_over_union(scores, target):
    """What the history keeps: the mean IoU of one batch, or of all validation images."""
    return mean_iou(confusion_matrix(scores.argmax(dim=1), target, 6))


on_device = {key: value.to(device) for key, value in data.items()}
reset_seed(0)
model, optimizer, schedule = create_segmentation_training(6, steps, device)
print(f"{sum(parameter.numel() for parameter in model.parameters())} parameters")
history = train_segmentation(
    model, optimizer, schedule, on_device, steps, intersection_over_union, val_every=75, verbose=True
)

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3))
axes[0].plot(history["train_loss"], alpha=0.4)
axes[0].set(title="Training loss", xlabel="step", ylim=(0, None))
axes[1].plot(history["val_iter"], history["val_acc"], "-o")
axes[1].axhline(0.60, color="gray", linestyle=":")
axes[1].set(title="Mean IoU of the validation scenes", xlabel="step", ylim=(0, 1))
plt.tight_layout()
plt.show()

# %%
model.eval()
with torch.no_grad():
    guesses = torch.cat([model(images.to(device)).argmax(dim=1).cpu() for images in data["X_test"].split(20)])
chosen = [int(k) for k in torch.linspace(0, len(guesses) - 1, 6)]
show_segmentation(
    data["X_test"][chosen] + data["mean"], {"truth": data["y_test"][chosen], "prediction": guesses[chosen]}, CLASSES
)

# %% [markdown]
# How much of this is colour alone? A network that sees *one* pixel knows that blue is sky and green is grass, and
# little else. The plot shows its IoU beside yours.

# %%
reset_seed(0)
counted = data["y_train"] != IGNORE
colours, labels = data["X_train"].permute(0, 2, 3, 1)[counted], data["y_train"][counted]
pixel_net = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.ReLU(), torch.nn.Linear(64, 6))
pixel_optimizer = torch.optim.Adam(pixel_net.parameters(), lr=1e-2)
balance = 1 / share.clamp(min=1e-3).sqrt()
for _ in range(100 if quick else 800):
    batch = torch.randint(len(labels), (4000,))
    pixel_optimizer.zero_grad()
    torch.nn.functional.cross_entropy(pixel_net(colours[batch]), labels[batch], weight=balance).backward()
    pixel_optimizer.step()
with torch.no_grad():
    by_colour = pixel_net(data["X_test"].permute(0, 2, 3, 1)).argmax(dim=3)
confusions = {"colour only": confusion_matrix(by_colour, data["y_test"], 6)}
confusions["your network"] = confusion_matrix(guesses, data["y_test"], 6)
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4))
matrix = confusions["your network"].double()
matrix = matrix / matrix.sum(dim=1, keepdim=True)
left.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
for i in range(6):
    for j in range(6):
        left.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", color="w" if matrix[i, j] > 0.5 else "k")
left.set(title="your network: which class was taken for which", xlabel="prediction", ylabel="truth")
left.set_xticks(range(6), CLASSES)
left.set_yticks(range(6), CLASSES)
for number, (label, confusion) in enumerate(confusions.items()):
    heights = class_iou(confusion).nan_to_num()
    bars = right.bar(torch.arange(6) + 0.4 * number, heights, width=0.38, color=class_colours(6), edgecolor="k")
    for bar in bars:
        bar.set_alpha(0.45 if number == 0 else 1.0)
    print(f"{label:13} accuracy {pixel_accuracy(confusion):.3f}, mean IoU {mean_iou(confusion):.3f}")
right.set(title="IoU: colour only (pale), and your network", ylim=(0, 1))
right.set_xticks([k + 0.2 for k in range(6)], CLASSES)
plt.tight_layout()
plt.show()

# %% [markdown]
# **Question 1.** Which classes gain most from context, and why those? Which gain least?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %%
per_image = [mean_iou(confusion_matrix(g, t, 6)) for g, t in zip(guesses, data["y_test"], strict=True)]
print(f"mean of the images' mean IoU: {sum(per_image) / len(per_image):.3f}")
print(f"mean IoU of the summed confusion matrix: {mean_iou(confusions['your network']):.3f}")

# %% [markdown]
# **Question 2.** The two numbers differ. Which images make the difference, and which of the two would you report?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# Where are the mistakes? The share of wrong pixels over the distance from the nearest change of the label:

# %%
truth = data["y_test"]
shares, distance = [], torch.full(truth.shape, 99)
edge = torch.zeros_like(truth, dtype=torch.bool)
edge[:, 1:] |= truth[:, 1:] != truth[:, :-1]
edge[:, :, 1:] |= truth[:, :, 1:] != truth[:, :, :-1]
for step in range(12):
    distance[edge & (distance == 99)] = step
    edge = torch.nn.functional.max_pool2d(edge.float()[:, None], 3, 1, 1)[:, 0] > 0
wrong = (guesses != truth) & (truth != IGNORE)
for step in range(12):
    ring = (distance == step) & (truth != IGNORE)
    shares.append(float(wrong[ring].float().mean()) if ring.any() else 0.0)
plt.figure(figsize=(6, 2.8))
plt.plot(range(12), shares, "-o")
plt.gca().set(title="Share of wrong pixels", xlabel="pixels from the nearest edge of the labels", ylim=(0, None))
plt.show()

# %% [markdown]
# **Question 3.** What does it cost at edges to make the maps four times smaller inside, and what in your network
# works against it?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# If PASCAL VOC 2007 lies in `data/VOCdevkit/VOC2007`, here is the same on photographs: 21 classes, for which this
# network is small. What counts is the network for the scenes.

# %%
if voc_folder("data") is not None and not quick:
    photographs = {key: value.to(device) for key, value in load_scenes("data", 200, 50, 50).items()}
    photograph_net, *rest = create_segmentation_training(21, 500, device)
    train_segmentation(photograph_net, *rest, photographs, 500, val_every=125, verbose=True)
    photograph_net.eval()
    with torch.no_grad():
        seen = photograph_net(photographs["X_val"][:6]).argmax(dim=1)
    maps = {"truth": photographs["y_val"][:6], "prediction": seen}
    show_segmentation((photographs["X_val"][:6] + photographs["mean"]).cpu(), maps, VOC_CLASSES)
else:
    print("PASCAL VOC 2007 is not here; nothing to do.")

# %% [markdown]
# ## As it is graded
#
# Grading uses your network, optimizer and schedule, and trains from the start on small scenes: a few steps, then three
# times as many, on one core. A network that passes here by 0.03 or more passes there too, on any scenes.

# %%
with open("assignment.toml", "rb") as file:
    questions = tomllib.load(file)["questions"]
budgets = next(question["budgets"] for question in questions if question["id"] == "segmentation-training")
reset_seed(1)
for size in (budget["sizes"]["cpu"] for budget in budgets):
    count, steps = (16, 8) if quick else (size["images"], size["steps"])
    small = load_scenes("no folder", count, size["held_out"], 0, size["height"], size["width"], seed=1, verbose=False)
    made = create_segmentation_training(6, steps, "cpu")
    found = train_segmentation(*made, small, steps, intersection_over_union, val_every=steps)
    print(f"{steps} steps on {count} scenes: mean IoU {found['val_acc'][-1]:.3f}, wanted {size['mean_iou']:.2f}")

# %% [markdown]
# Save the network. Half precision makes the file half as large. Hand it in with the rest.

# %%
state = model.cpu().state_dict()
halved = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
torch.save(halved, "segmentation_net.pt")
again = SegmentationNet(6)
again.load_state_dict(torch.load("segmentation_net.pt", weights_only=True))
again.eval()
with torch.no_grad():
    once_more = again(data["X_test"][:20]).argmax(dim=1)
print(os.path.getsize("segmentation_net.pt") // 1000, "kB")
print(f"pixels that the saved network labels alike: {float((once_more == guesses[:20]).float().mean()):.4f}")
