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
# # Assignment 11, part 3: dense captioning
#
# A label is one word for a region. A recurrent network can describe it with a sentence: "a big orange dog walking on
# the grass on the right". You write in `dense_captioning.py`. The backbone and the code of a region are given.

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

from common import reset_seed
from common.captions import END, Vocabulary
from common.plots import show_boxes
from common.saving import save_state
from common.scenes import draw_scenes
from dense_captioning import (
    build,
    caption_average_precision,
    caption_pairs,
    caption_similarity,
)
from kit import to_images, to_targets

grader = otter.Notebook("dense_captioning.ipynb")
SIZE = {"height": 64, "width": 96}
# True: a short training, only to see whether everything runs. What is handed in comes from a long one.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
words = Vocabulary()
print(len(words), "words:", *words.words)

# %% [markdown]
# ## Scenes, with a sentence for every animal

# %%
train_scenes = draw_scenes(40 if quick else 800, seed=0, **SIZE)
test_scenes = draw_scenes(8 if quick else 60, seed=1, **SIZE)
X, y = to_images(train_scenes), to_targets(train_scenes, ["captions"])
X_test, y_test = to_images(test_scenes), to_targets(test_scenes, ["captions"])


def show_captions(scenes, boxes, captions):
    """Each animal's box, with its number, and its caption below the picture."""
    _, axes = plt.subplots(1, len(scenes), figsize=(4.4 * len(scenes), 3.4), layout="constrained", squeeze=False)
    for axis, scene, some, rows in zip(axes[0], scenes, boxes, captions, strict=True):
        show_boxes(torch.from_numpy(scene.image), some, [str(k + 1) for k in range(len(some))], axis=axis)
        axis.set_xlabel("\n".join(f"{k + 1}: {words.decode(row)}" for k, row in enumerate(rows)), fontsize=8)
    plt.show()


some = [n for n, target in enumerate(y) if 0 < len(target["boxes"]) < 4][:3]
show_captions([train_scenes[n] for n in some], [y[n]["boxes"] for n in some], [y[n]["captions"] for n in some])

# %% [markdown]
# ## Inputs and targets
#
# At each step the network reads a word and predicts the next one. Write `caption_pairs`.

# %%
grader.check("caption-pairs")

# %%
inputs, wanted = caption_pairs(y[some[0]]["captions"][:1])
print("inputs: ", inputs[0].tolist())
print("targets:", wanted[0].tolist())

# %% [markdown]
# ## The caption head
#
# Write `CaptionHead` and `caption_loss`, then `describe`, which makes a caption word by word.

# %%
grader.check("caption-head")

# %%
grader.check("greedy-decoding")

# %% [markdown]
# ## How good is a sentence?
#
# Write `caption_similarity` and `caption_average_precision`.

# %%
grader.check("caption-ap")

# %% [markdown]
# ## Training
#
# The network trains on true boxes. The code of a region is a 7 x 7 grid of features and the region's place in the
# image. Reach a mean similarity of 0.72 on new scenes. The first line prints a baseline: the best constant sentence.

# %%
true_rows = torch.cat([target["captions"] for target in y_test])
known = torch.cat([target["captions"] for target in y])[:100].unique(dim=0)
constant = max(sum(caption_similarity(row, other) for other in true_rows) / len(true_rows) for row in known)
print(f"the best constant sentence: {constant:.3f}")

reset_seed(0)
model, steps = build(), 8 if quick else 2000
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
full = torch.tensor([n for n, target in enumerate(y) if len(target["boxes"])])
history = []
model.train()
for _ in range(steps):
    batch = full[torch.randint(len(full), (8,))].tolist()
    captions = torch.cat([y[n]["captions"] for n in batch])
    loss = model(X[batch], [y[n]["boxes"] for n in batch], captions)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    schedule.step()
    history.append(loss.item())
model.eval()
save_state(model, "captions.pt")

figure, axis = plt.subplots(figsize=(5, 2.8), layout="constrained")
axis.plot(torch.tensor(history).unfold(0, min(20, steps), 1).mean(dim=1))
axis.set(title="Cross-entropy per word", xlabel="step", yscale="log")
plt.show()

# %%
grader.check("captions-learn")


# %%
def similarity_to_truth(rows):
    return sum(caption_similarity(row, true) for row, true in zip(rows, true_rows, strict=True)) / len(true_rows)


boxes_test = [target["boxes"] for target in y_test]
said = model.describe(X_test, boxes_test)
exact = float((said == true_rows).all(dim=1).float().mean())
print(f"mean similarity: {similarity_to_truth(said):.3f}, share of exact captions: {exact:.3f}")

counts = [len(boxes) for boxes in boxes_test]
by_image = said.split(counts)
some = [n for n, count in enumerate(counts) if 0 < count < 4][:3]
show_captions([test_scenes[n] for n in some], [boxes_test[n] for n in some], [by_image[n] for n in some])

# %%
predictions = [
    {"boxes": boxes, "scores": torch.full((len(boxes),), 0.5), "captions": rows}
    for boxes, rows in zip(boxes_test, by_image, strict=True)
]
print("average precision on true boxes:", round(caption_average_precision(predictions, y_test), 3))

# %% [markdown]
# ## Word by word
#
# The five most probable next words at every step, for one region.

# %%
n = some[0]
codes = model.codes(X_test[n : n + 1], boxes_test[n : n + 1])[:1].detach()
read, _ = caption_pairs(by_image[n][:1])
with torch.no_grad():
    probabilities = model.head(codes, read)[0].softmax(dim=1)
length = int((by_image[n][0] > 0).sum()) + 1
vocabulary = ["-", "START", "END", *words.words]
figure, axis = plt.subplots(figsize=(11, 3.4), layout="constrained")
for step in range(length):
    values, best = probabilities[step].topk(5)
    for place, (value, word) in enumerate(zip(values.tolist(), best.tolist(), strict=True)):
        axis.text(step, -place, vocabulary[word], alpha=max(0.15, value), ha="center", fontsize=9)
        axis.text(step, -place - 0.35, f"{value:.2f}", alpha=max(0.15, value), ha="center", fontsize=6)
axis.set(xlim=(-0.6, length - 0.4), ylim=(-5, 0.6), title="The next word, the most probable first", yticks=[])
axis.set_xlabel("step")
plt.show()
print("END is number", END, "and comes last")

# %% [markdown]
# ## Where is left?
#
# A guess of the side is right in about half of these captions. The last four numbers of a code give the place of its
# region. The features may contain the place, too: a backbone that pads its maps with zeros sees where a border is. The
# next cell removes first the four numbers, then the features, and shows which of them the network needs.


# %%
def sides(rows):
    """The share of captions with the right side, of all captions whose truth names left or right."""
    left, right = words.encode("left right", 2).tolist()
    hits = []
    for row, true in zip(rows, true_rows, strict=True):
        hits += [int((row == side).any()) for side in (left, right) if side in true]

    return sum(hits) / max(1, len(hits))


codes = model.codes(X_test, boxes_test).detach()
without_place, without_features = codes.clone(), codes.clone()
without_place[:, -4:] = 0
without_features[:, :-4] = codes[:, :-4].mean(dim=0)
said_without = [model.head.describe(some, 13) for some in (without_place, without_features)]
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
results = {
    "all numbers": (sides(said), similarity_to_truth(said)),
    "no place": (sides(said_without[0]), similarity_to_truth(said_without[0])),
    "no features": (sides(said_without[1]), similarity_to_truth(said_without[1])),
}
for k, (label, pair) in enumerate(results.items()):
    axis.bar([x + 0.27 * k for x in (0, 1)], pair, width=0.25, label=label)
axis.set_xticks([0.27, 1.27], ["right side", "mean similarity"])
axis.set_ylim(0, 1)
axis.legend()
plt.show()
print({label: [round(value, 3) for value in pair] for label, pair in results.items()})

# %% [markdown]
# **Question 1.** Compare the bars on the left with those on the right. What does a high similarity hide? Which numbers
# does your network use to name the side, if it can?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# **Question 2.** In training, every step reads the *true* word before. In `describe`, it reads the network's own word.
# What can go wrong because of that? Why does it matter little with these captions?

# %% [markdown] tags=["answer"]
# *Your answer:*
