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
# # Assignment 8, part 2: Transposed convolution
#
# Interpolation has fixed weights. A *transposed convolution* learns them. A convolution combines a window into one
# number; a transposed convolution spreads one number over a window. In this part you see it in three ways: as copies
# of a filter that overlap, as the transpose of a matrix, and, for stride 1, as a plain convolution.
#
# You write in `transposed_convolution.py`, beside this notebook.

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

from common import reset_seed
from common.figures import describe_figures
from common.grad import compute_numeric_gradient, rel_error
from common.scenes import draw_scene
from transposed_convolution import (
    as_plain_convolution,
    convolution_matrix,
    convolve_by_matrix,
    transposed_by_matrix,
    transposed_convolution,
    transposed_convolution_1d,
    transposed_convolution_backward,
)
from upsampling import bed_of_nails, bilinear

grader = otter.Notebook("transposed_convolution.ipynb")
describe_figures()  # gives every plot an alternative text

# %% [markdown]
# ## Copies that overlap
#
# The lecture's example has an input $(a, b)$, a filter $(x, y, z)$ and stride 2. Each input entry multiplies the filter
# and adds this copy to the output, two places after the copy before. Where copies overlap, they add up:
#
# $$ (ax,\; ay,\; az + bx,\; by,\; bz). $$

# %%
x, w = torch.tensor([7.0, 11.0]), torch.tensor([2.0, 3.0, 5.0])
figure, axes = plt.subplots(1, 3, figsize=(13, 3), sharey=True)
for axis, stride in zip(axes, (1, 2, 3), strict=True):
    out, base = transposed_convolution_1d(x, w, stride), 0
    for number, value in enumerate(x):
        copy = torch.zeros_like(out)
        copy[number * stride : number * stride + 3] = value * w
        axis.bar(range(len(out)), copy, bottom=base, label=f"{value:g} times the filter")
        base = base + copy
    axis.plot(range(len(out)), out, "k_", markersize=26, label="output")
    axis.set(title=f"stride {stride}: {[int(v) for v in out]}", xticks=range(len(out)))
axes[0].legend()
plt.tight_layout()
plt.show()

# %%
grader.check("transposed-1d")

# %% [markdown]
# ## As a matrix
#
# A convolution is linear, so it is a matrix: row $i$ holds the filter, `stride` places further to the right than the
# row before. The padding belongs to the vector, so $X$ for 4 entries and padding 1 has 6 columns. Left: stride 1.
# Right: stride 2 leaves out every second row. Below each is its transpose, which is the transposed convolution.

# %%
figure, axes = plt.subplots(2, 2, figsize=(9, 7))
for column, stride in enumerate((1, 2)):
    X = convolution_matrix(w, 4, stride, 1)
    for axis, matrix, title in zip(axes[:, column], (X, X.T), (f"X, stride {stride}", "its transpose"), strict=True):
        axis.imshow(matrix, cmap="Blues", vmin=0, vmax=9)
        axis.set(title=f"{title}: {matrix.shape[0]}x{matrix.shape[1]}", xticks=[], yticks=[])
        for i in range(matrix.shape[0]):
            for j in range(matrix.shape[1]):
                if matrix[i, j]:
                    axis.text(j, i, "xyz"[[2.0, 3.0, 5.0].index(float(matrix[i, j]))], ha="center", va="center")
plt.tight_layout()
plt.show()

# %%
a = torch.tensor([7.0, 11.0, 13.0, 17.0])
print("stride 1:", convolve_by_matrix(a, w, 1, 1).tolist())
print("stride 2:", convolve_by_matrix(a, w, 2, 1).tolist())
print("transposed, stride 1:", transposed_by_matrix(a, w, 6, 1, 0).tolist())
print("transposed, stride 2:", transposed_by_matrix(a[:2], w, 6, 2, 0).tolist())

# %%
grader.check("convolution-matrix")

# %%
grader.check("matrix-transpose")

# %% [markdown]
# **Question 1.** With stride 2, $X^T$ makes six numbers of two, and the sixth is 0: the copies of the filter end at
# the fifth. Why does the transpose have six entries at all? What is `output_padding` for?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# Some people call this operation *deconvolution*. Does it undo a convolution? Compare $X^T X$ with the identity.

# %%
X = convolution_matrix(w / w.norm(), 12, 1, 1)
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
for axis, matrix, title in zip(axes, (X, X.T @ X, torch.eye(14)), ("$X$", "$X^T X$", "the identity"), strict=True):
    axis.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    axis.set(title=title, xticks=[], yticks=[])
plt.tight_layout()
plt.show()

# %% [markdown]
# **Question 2.** Why is "deconvolution" a bad name? Say what $X^T X$ does to a vector instead of leaving it as it is.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Images
#
# Channels and two axes add nothing new: input pixel $(i, j)$ of channel $c$ adds a copy of the filter $w_{cf}$ at
# $(i \cdot s, j \cdot s)$ in output channel $f$. The result has
#
# $$ H' = (H - 1)\, s - 2 p + HH + \text{output padding} $$
#
# rows: `padding` *cuts* rows from the result and adds none to the input. The picture shows the copies of single pixels:

# %%
pixel = torch.zeros(1, 1, 4, 4)
pixel[0, 0, 1, 2] = 1
kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])[None, None]
none = torch.zeros(1)
settings = [(1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 1, 1)]
figure, axes = plt.subplots(1, 5, figsize=(15, 3.2))
axes[0].imshow(pixel[0, 0], cmap="magma")
axes[0].set(title="input, 4x4")
for axis, (stride, padding, extra) in zip(axes[1:], settings, strict=True):
    param = {"stride": stride, "padding": padding, "output_padding": extra}
    out = transposed_convolution(pixel, kernel, none, param)[0, 0]
    axis.imshow(out, cmap="magma")
    axis.set(title=f"stride {stride}, padding {padding},\noutput padding {extra}: {out.shape[0]}x{out.shape[1]}")
for axis in axes:
    axis.set(xticks=[], yticks=[])
plt.tight_layout()
plt.show()

# %%
grader.check("transposed-forward")

# %% [markdown]
# How many copies reach each output pixel? With 3x3 filters and stride 2, some pixels get one copy, some two, some
# four. The result is a *checkerboard*, which networks have to learn to even out, and often do not. With 4x4 filters and
# stride 2 the overlap is even, away from the border. Prefer filters whose side is a multiple of the stride.

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6))
for axis, (side, stride) in zip(axes, ((3, 2), (4, 2), (5, 3)), strict=True):
    param = {"stride": stride, "padding": 0, "output_padding": 0}
    count = transposed_convolution(torch.ones(1, 1, 6, 6), torch.ones(1, 1, side, side), none, param)[0, 0]
    shown = axis.imshow(count, cmap="viridis")
    axis.set(title=f"{side}x{side}, stride {stride}", xticks=[], yticks=[])
    figure.colorbar(shown, ax=axis, ticks=count.unique().tolist())
plt.tight_layout()
plt.show()

# %% [markdown]
# ### Bilinear upsampling is one of them
#
# A network may start from interpolation and learn something better: bilinear upsampling to twice the size *is* a
# transposed convolution, with the weights $(\tfrac14, \tfrac34, \tfrac34, \tfrac14)$ along each axis, stride 2 and
# padding 1. Only the border differs, where your `bilinear` repeats pixels and the other one adds zeros.

# %%
tent = torch.tensor([0.25, 0.75, 0.75, 0.25], dtype=torch.float64)
weights = torch.outer(tent, tent)[None, None]
image = torch.from_numpy(draw_scene(0, 3).image)[None, :1].double() / 255
small = image[..., ::4, ::4]
learned = transposed_convolution(small, weights, none.double(), {"stride": 2, "padding": 1, "output_padding": 0})
fixed = bilinear(small, learned.shape[2:])
figure, axes = plt.subplots(1, 4, figsize=(14, 2.9))
panels = {"input": small, "bilinear": fixed, "transposed convolution": learned}
panels["their difference, 3 times"] = 3 * (learned - fixed).abs()
for axis, (title, panel) in zip(axes, panels.items(), strict=True):
    axis.imshow(panel[0, 0], cmap="gray", vmin=0, vmax=1)
    axis.set(title=title, xticks=[], yticks=[])
plt.tight_layout()
plt.show()
print("largest difference away from the border:", float((learned - fixed)[..., 1:-1, 1:-1].abs().max()))

# %% [markdown]
# ### Backward
#
# The forward pass spreads, so the backward pass gathers. $\partial L / \partial x$ is a plain convolution of the
# upstream gradient, with the same filters and the same stride. For $\partial L / \partial w$, consider for every
# filter position which pairs of input and output pixels it connects.

# %%
reset_seed(2)
x, w2 = torch.randn(2, 3, 3, 4, dtype=torch.float64), torch.randn(3, 2, 3, 2, dtype=torch.float64)
b, param = torch.randn(2, dtype=torch.float64), {"stride": 2, "padding": 1, "output_padding": 1}
upstream = torch.randn_like(transposed_convolution(x, w2, b, param))
dx, dw, db = transposed_convolution_backward(upstream, x, w2, b, param)
forward = transposed_convolution
print("dx", rel_error(dx, compute_numeric_gradient(lambda x: forward(x, w2, b, param), x, upstream)))
print("dw", rel_error(dw, compute_numeric_gradient(lambda w: forward(x, w, b, param), w2, upstream)))
print("db", rel_error(db, compute_numeric_gradient(lambda b: forward(x, w2, b, param), b, upstream)))

# %%
grader.check("transposed-backward")

# %%
grader.check("transposed-speed")

# %% [markdown]
# ## When it is a plain convolution
#
# With stride 1 a transposed convolution is a plain convolution. Its filters are turned upside down and left to right,
# the first two axes are swapped, and the padding differs. Which padding?

# %%
grader.check("plain-convolution")

# %%
flipped, (p, q) = as_plain_convolution(w2, 0)
print(f"filters {tuple(w2.shape)} become {tuple(flipped.shape)}; the padding is {p} rows and {q} columns")
ones = {"stride": 1, "padding": 0, "output_padding": 0}
by_torch = torch.nn.functional.conv2d(x, flipped, b, padding=(p, q))
print("largest difference:", float((by_torch - transposed_convolution(x, w2, b, ones)).abs().max()))

# %% [markdown]
# With stride 2 it is not. But put the input on a bed of nails first, and compare again:

# %%
spread = bed_of_nails(x, 2)
by_nails = torch.nn.functional.conv2d(spread, flipped, b, padding=(p, q))
by_stride = transposed_convolution(x, w2, b, {"stride": 2, "padding": 0, "output_padding": 1})
print("shapes:", tuple(by_nails.shape), tuple(by_stride.shape))
height, width = (min(a, c) for a, c in zip(by_nails.shape[2:], by_stride.shape[2:], strict=True))
gap = by_nails[..., :height, :width] - by_stride[..., :height, :width]
print("largest difference:", float(gap.abs().max()))

# %% [markdown]
# **Question 3.** Why is a transposed convolution of stride 2 no plain convolution of its input? Which convolution,
# of what, is it?

# %% [markdown] tags=["answer"]
# *Your answer:*
