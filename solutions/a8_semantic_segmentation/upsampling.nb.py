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
# # Assignment 8, part 1: Upsampling
#
# A network that labels every pixel makes its maps small, for a large receptive field and low cost. Then it has to make
# them large again. In this part you write four methods that need no learning: *bed of nails*, *nearest*, *bilinear* and
# *bicubic*; and *max unpooling*, which remembers the positions of the largest pixels. Each of them is a linear map, so
# each backward pass is its transpose.
#
# You write in `upsampling.py`, beside this notebook. When you save the file, the notebook reloads it automatically.

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
from upsampling import (
    bed_of_nails,
    bed_of_nails_backward,
    bicubic,
    bicubic_backward,
    bilinear,
    bilinear_backward,
    max_pool,
    max_pool_backward,
    max_unpool,
    nearest,
    nearest_backward,
)

grader = otter.Notebook("upsampling.ipynb")
describe_figures()  # gives every plot an alternative text
torch.set_printoptions(precision=2, sci_mode=False)


def show_maps(maps, titles, height=2.4, numbers=False, **settings):
    """Show (h, w) maps side by side on one scale; with `numbers`, each value in its pixel."""
    low, high = min(float(m.min()) for m in maps), max(float(m.max()) for m in maps)
    figure, axes = plt.subplots(1, len(maps), figsize=(height * len(maps), height), squeeze=False)
    for axis, values, title in zip(axes[0], maps, titles, strict=True):
        axis.imshow(values, vmin=low, vmax=high, **settings)
        axis.set(title=title, xticks=[], yticks=[])
        if numbers:
            for i in range(values.shape[0]):
                for j in range(values.shape[1]):
                    dark = float(values[i, j]) < (low + high) / 2
                    axis.text(j, i, f"{values[i, j]:.3g}", ha="center", va="center", color="w" if dark else "k")
    figure.tight_layout()
    plt.show()


# %% [markdown]
# ## The lecture's tables
#
# The smallest image that shows all differences has four pixels. A pixel is a square: pixel $i$ of an axis covers
# $[i, i + 1)$, its centre is $i + \tfrac12$. If $H$ pixels become $H'$, the centre of output pixel $r$ lies at
#
# $$ \left(r + \tfrac12\right) \frac{H}{H'} $$
#
# on the input's axis. *Bed of nails* does not use this position: it puts every pixel into the upper left corner of a
# block of zeros. *Nearest* takes the pixel in which the centre lies. Write both, with their backward passes.

# %%
slide = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
tables = [slide, bed_of_nails(slide, 2), nearest(slide, (4, 4))]
show_maps([table[0, 0] for table in tables], ["input", "bed of nails", "nearest"], numbers=True)

# %%
grader.check("bed-of-nails")

# %%
grader.check("nearest")

# %% [markdown]
# ## Weights instead of choices
#
# *Bilinear* interpolation is a weighted mean of the two nearest rows and the two nearest columns. Use coordinates in
# which pixel $i$ has its centre at $i$. Output row $r$ is at $s = (r + \tfrac12) H / H' - \tfrac12$, column $q$ at
# $t$, and
#
# $$ \text{out}_{rq} = \sum_{i, j} x_{ij} \; \max(0, 1 - |s - i|) \; \max(0, 1 - |t - j|). $$
#
# *Bicubic* replaces the tent $\max(0, 1 - |t|)$ by a smoother kernel, which reaches four pixels and is negative in
# between. In both, **an index outside of the image means the nearest one inside**.

# %%
t = torch.linspace(-2.5, 2.5, 501, dtype=torch.float64)
impulse = torch.zeros(1, 1, 1, 7, dtype=torch.float64)
impulse[..., 3] = 1
where = (torch.arange(1400) + 0.5) / 200 - 0.5 - 3
plt.figure(figsize=(6, 2.6))
for label, enlarge in {"nearest": nearest, "bilinear": bilinear, "bicubic": bicubic}.items():
    plt.plot(where, enlarge(impulse, (1, 1400))[0, 0, 0], label=label)
plt.axhline(0, color="gray", linewidth=0.5)
plt.title("What a single pixel becomes: the kernels")
plt.xlabel("distance from the pixel's centre, in pixels")
plt.legend()
plt.show()

# %%
tables = [bilinear(slide, (4, 4)), bicubic(slide, (4, 4))]
show_maps([table[0, 0] for table in tables], ["bilinear", "bicubic"], height=3.0, numbers=True)

# %%
grader.check("bilinear-forward")

# %%
grader.check("bicubic-forward")

# %% [markdown]
# **Question 1.** The upper left corner of the bilinear table is 1.00, not less. Its centre lies outside of all four
# centres of the input. Which part of the rule makes it exactly 1? What would its value be if pixels outside counted
# as 0?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# The next cell enlarges the same 6x6 patch eight times with all four methods. Look at the edges, and at the values
# between them.

# %%
reset_seed(3)
patch = torch.rand(1, 1, 6, 6, dtype=torch.float64)
results = {"bed of nails": bed_of_nails(patch, 8), "nearest": nearest(patch, (48, 48))}
results |= {"bilinear": bilinear(patch, (48, 48)), "bicubic": bicubic(patch, (48, 48))}
show_maps([patch[0, 0], *(result[0, 0] for result in results.values())], ["6x6", *results], cmap="magma")

# %% [markdown]
# Single rows show more than pictures: here a ramp and a step, three times as long. Bilinear keeps a ramp straight,
# except at its ends; bicubic with $a = -0.75$ does not quite (up to 0.04 off). At a step, bicubic *overshoots*: its
# kernel has negative parts, so the result may be darker than the darkest pixel and brighter than the brightest.

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3))
rows = {"ramp": torch.arange(8.0), "step": (torch.arange(8) >= 4).float()}
for axis, (title, row) in zip(axes, rows.items(), strict=True):
    row = row.double().reshape(1, 1, 1, 8)
    centres = (torch.arange(24) + 0.5) / 3
    for label, enlarge in {"nearest": nearest, "bilinear": bilinear, "bicubic": bicubic}.items():
        axis.plot(centres, enlarge(row, (1, 24))[0, 0, 0], "-o", markersize=3, label=label)
    axis.plot(torch.arange(8) + 0.5, row[0, 0, 0], "ks", label="input")
    axis.set(title=title, xlabel="position")
axes[0].legend()
plt.show()

# %% [markdown]
# The last example is a picture: a cat from a scene, shrunk to a quarter of its size, and enlarged again.

# %%
scene = draw_scene(0, 10, height=288, width=384)
image = torch.from_numpy(scene.image)[None, :, 96:192, 180:308].double() / 255
small = bilinear(image, (24, 32))
panels = [image, *(enlarge(small, (96, 128)).clamp(0, 1) for enlarge in (nearest, bilinear, bicubic))]
figure, axes = plt.subplots(1, 4, figsize=(14, 3))
for axis, panel, title in zip(axes, panels, ["96x128", "24x32, nearest", "bilinear", "bicubic"], strict=True):
    axis.imshow(panel[0].permute(1, 2, 0))
    axis.set(title=title, xticks=[], yticks=[])
plt.tight_layout()
plt.show()

# %% [markdown]
# ## Backward
#
# A linear map is a matrix $M$, even if nobody writes it down, and its gradient is the transpose: from $y = Mx$
# follows $\partial L / \partial x = M^T \, \partial L / \partial y$. Here the matrix separates into two small ones.
# $A$ holds the weights of the rows, and $B$ those of the columns:
#
# $$ \text{out} = A \, x \, B^T, \qquad
# \frac{\partial L}{\partial x} = A^T \, \frac{\partial L}{\partial \text{out}} \, B. $$
#
# Two tests need no reference answer. The first moves each input a little and watches the output. The second is the law
# of the transpose, $\langle f(x), g \rangle = \langle x, f^T(g) \rangle$, for any $x$ and $g$, to the last digits.

# %%
reset_seed(1)
x, upstream = torch.randn(2, 2, 3, 5, dtype=torch.float64), torch.randn(2, 2, 7, 4, dtype=torch.float64)
pairs = {"nearest": (nearest, nearest_backward), "bilinear": (bilinear, bilinear_backward)}
pairs |= {"bicubic": (bicubic, bicubic_backward)}
for label, (forward, backward) in pairs.items():
    dx = backward(upstream, (3, 5))
    numeric = compute_numeric_gradient(lambda x, forward=forward: forward(x, (7, 4)), x, upstream)
    gap = (forward(x, (7, 4)) * upstream).sum() - (x * dx).sum()
    print(f"{label:9} against differences {rel_error(dx, numeric):.1e}, <f(x), g> - <x, f'(g)> = {gap:.1e}")
nails = bed_of_nails_backward(torch.ones(1, 1, 4, 4), 2)
print("bed of nails, upstream of ones:", nails.flatten().tolist())

# %%
grader.check("bilinear-backward")

# %%
grader.check("bicubic-backward")

# %% [markdown]
# **Question 2.** For nearest neighbour at scale 2, the backward pass is a sum over blocks of 2x2. Why a sum, and
# why not a mean?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# The time is graded too. Weights are the same for all images and channels, and the weights of rows do not depend on
# the column. So two products with small matrices do the work of a loop over all pixels.

# %%
grader.check("upsampling-speed")

# %% [markdown]
# ## Max pooling that remembers where
#
# Max pooling keeps the largest pixel of every window and forgets where it was. If we keep the position, we can put
# pixels back later: *max unpooling*. Networks that go down and up pair each pooling with an unpooling of the same
# size.

# %%
maps = torch.tensor([[[[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]], dtype=torch.float64)
pooled, positions = max_pool(maps, 2)
print("positions:", positions.flatten().tolist())
steps = [maps[0, 0], pooled[0, 0], max_unpool(slide, positions, (4, 4))[0, 0]]
show_maps(steps, ["input", "pooled", "1 2 3 4, put back"], numbers=True)

# %%
grader.check("max-pool")

# %%
grader.check("max-unpool")

# %% [markdown]
# The dots show the maxima of a picture: they lie on edges and highlights. Unpooled pixels keep their place exactly. The
# bilinear upsampling of the pooled map is smooth, and half a window off.

# %%
grey = image.mean(dim=1, keepdim=True)
pooled, positions = max_pool(grey, 4)
rows, columns = positions[0, 0] // 128, positions[0, 0] % 128
figure, axes = plt.subplots(1, 3, figsize=(14, 3.4))
axes[0].imshow(grey[0, 0], cmap="gray")
axes[0].scatter(columns, rows, s=2, color="red")
axes[1].imshow(max_unpool(pooled, positions, (96, 128))[0, 0], cmap="gray")
axes[2].imshow(bilinear(pooled, (96, 128))[0, 0], cmap="gray")
for axis, title in zip(axes, ["where the maxima are", "unpooled", "pooled, then bilinear"], strict=True):
    axis.set(title=title, xticks=[], yticks=[])
plt.tight_layout()
plt.show()

# %% [markdown]
# The backward pass of max pooling sends each gradient to the position of the maximum. Another function does the same:

# %%
upstream = torch.randn_like(pooled)
print(torch.equal(max_pool_backward(upstream, positions, (96, 128)), max_unpool(upstream, positions, (96, 128))))

# %% [markdown]
# **Question 3.** When does max unpooling keep edges that bilinear upsampling blurs? Which additional input does it need
# for that?

# %% [markdown] tags=["answer"]
# *Your answer:*
