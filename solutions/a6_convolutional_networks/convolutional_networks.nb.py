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
# # Assignment 6: Convolutional networks
#
# A linear layer gives every pixel a weight of its own. It has to learn the same edge again at every place where the
# edge may appear. A convolution learns it once. In this assignment you write convolution and max pooling, forward and
# backward, without autograd. From them you build a shallow and a deep network. Finally, you train the best network
# that you can in half a minute.
#
# You write your code in `convolutional_networks.py`, beside this notebook. Here you look at its results. When
# you save the file, the notebook reloads it automatically.

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

# %%
import time

import matplotlib.pyplot as plt
import otter
import torch

from common import Solver, reset_seed
from common.data import class_names, data_source, preprocess_cifar10
from common.grad import compute_numeric_gradient, rel_error
from common.plots import plot_histories, show_convolution, show_filters, show_images, show_max_pooling
from convolutional_networks import (
    Conv,
    DeepConvNet,
    FastConv,
    FastMaxPool,
    MaxPool,
    ThreeLayerConvNet,
    create_convolutional_solver_instance,
    find_overfit_parameters,
    kaiming_initializer,
)

grader = otter.Notebook("convolutional_networks.ipynb")
device = "cuda" if torch.cuda.is_available() else "cpu"
print("Device:", device)

# %% [markdown]
# ## The images
#
# If the folder `data/cifar-10-batches-py` holds CIFAR-10, the notebook runs on CIFAR-10. If not, it draws its own
# images: ten classes of shapes. They have any colour, they are moved, turned and scaled, partly hidden, on a coloured
# ground, with noise. The next cell prints which of the two you see. A linear classifier does poorly on both.

# %%
reset_seed(0)
data = preprocess_cifar10(cuda=device == "cuda", show_examples=True)
classes = class_names()
print("This notebook runs on:", data_source())
for key, value in data.items():
    print(f"{key:8} {tuple(value.shape)}")

# %% [markdown]
# ## Convolution
#
# A filter is a small image of weights. It is placed on a window of the input and multiplied with it, entry by entry
# and through all channels. The sum of the products is one entry of the output. Sliding the filter over all windows
# gives one channel of the output; $F$ filters give $F$ channels:
#
# $$ \text{out}_{nfij} = b_f + \sum_{c,\, u,\, v} w_{fcuv} \; p_{n,\; c,\; i s + u,\; j s + v} $$
#
# Here $p$ is $x$ with a border of zeros, $s$ is the stride, and all indices start at 0. A side of $H$ entries, under a
# filter with a side of $HH$, becomes one of
#
# $$ H' = 1 + \left\lfloor \frac{H + 2 \, \text{pad} - HH}{s} \right\rfloor . $$
#
# The next cell draws this for an input of 5 x 5 and a filter of 3 x 3.

# %%
show_convolution(size=5, kernel=3, settings=[(1, 0), (1, 1), (2, 1)])

# %% [markdown]
# Write `Conv.forward`. Start from the formula in its docstring, with as many loops as you like, on a tiny input whose
# sum you can compute in your head. Then think about which loops can become one matrix product. The checks below only
# require the right numbers. `conv-speed` also grades the time, and you will not want to wait long.

# %%
x = torch.arange(12.0).reshape(1, 1, 3, 4)
w = torch.tensor([[[[1.0, 10.0]]]])
out, _ = Conv.forward(x, w, torch.tensor([0.5]), {"stride": 2, "pad": 0})
print(x[0, 0], "\n", out[0, 0])

# %% [markdown]
# A filter need not be learned. These two are made by hand. The first mixes the colours to grey. The second subtracts
# the pixel on the left from the pixel on the right, and so responds to vertical edges.

# %%
images = data["X_train"][:3].cpu()
filters = torch.zeros(2, 3, 3, 3)
filters[0, :, 1, 1] = torch.tensor([0.3, 0.6, 0.1])
filters[1, :, :, 0], filters[1, :, :, 2] = -torch.tensor([1.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 1.0])
out, _ = Conv.forward(images, filters, torch.zeros(2), {"stride": 1, "pad": 1})
panels = [panel for image, (grey, edges) in zip(images, out, strict=True) for panel in (image, grey, edges)]
show_images(panels, ["image", "grey", "vertical edges"] * 3, height=1.5)

# %% [markdown]
# The checks of a question run your code on inputs of many shapes, and show where the results differ. They are
# a part of the grading, not all of it.

# %%
grader.check("conv-forward")

# %% [markdown]
# ### Backward
#
# Given $\partial L / \partial \text{out}$, the backward pass computes $\partial L / \partial x$, $\partial L /
# \partial w$ and $\partial L / \partial b$. For every entry, consider two questions: which outputs does it contribute
# to, and with what factor? An entry of `x` lies in several windows, and its gradient is the sum over all of them.
#
# You can check any gradient without knowing the answer. Move one entry a little in both directions, watch the
# output, and divide. This takes two forward passes per entry, which is too slow for training but right for
# a test. In float64 the relative errors should be below 1e-7. Note that it compares your backward with *your
# own* forward: if the forward is wrong, both agree on the wrong result.

# %%
reset_seed(1)
x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
w = torch.randn(2, 3, 3, 2, dtype=torch.float64)
b = torch.randn(2, dtype=torch.float64)
conv_param = {"stride": 2, "pad": 1}
out, cache = Conv.forward(x, w, b, conv_param)
dout = torch.randn_like(out)
dx, dw, db = Conv.backward(dout, cache)
print("dx", rel_error(dx, compute_numeric_gradient(lambda x: Conv.forward(x, w, b, conv_param)[0], x, dout)))
print("dw", rel_error(dw, compute_numeric_gradient(lambda w: Conv.forward(x, w, b, conv_param)[0], w, dout)))
print("db", rel_error(db, compute_numeric_gradient(lambda b: Conv.forward(x, w, b, conv_param)[0], b, dout)))

# %%
grader.check("conv-backward")

# %% [markdown]
# **Question 1.** With stride 1, the gradient of `x` is itself a convolution of the gradient of `out` with the same
# filters, after a change to the filters. Which change, and which padding? Why is that not so for stride 2?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Max pooling
#
# Max pooling keeps the largest value of every window. Backward, the whole gradient goes to the entry that won. The
# next cell draws both for windows that do not overlap; yours may.

# %%
x = torch.tensor([[1.0, 3.0, 2.0, 0.0], [4.0, 0.0, 1.0, 5.0], [7.0, 2.0, 6.0, 1.0], [0.0, 1.0, 3.0, 2.0]])
show_max_pooling(x, window=2, dout=torch.tensor([[10.0, 20.0], [30.0, 40.0]]))

# %%
x = torch.tensor([[[[-1.0, -2.0, -3.0, 0.0], [-6.0, -5.0, -4.0, 1.0]]]])
print(MaxPool.forward(x, {"pool_height": 2, "pool_width": 1, "stride": 2})[0])

# %%
grader.check("pool-forward")

# %%
reset_seed(2)
x = torch.randn(2, 3, 7, 6, dtype=torch.float64)
pool_param = {"pool_height": 3, "pool_width": 2, "stride": 2}
out, cache = MaxPool.forward(x, pool_param)
dout = torch.randn_like(out)
dx = MaxPool.backward(dout, cache)
print("dx", rel_error(dx, compute_numeric_gradient(lambda x: MaxPool.forward(x, pool_param)[0], x, dout)))

# %%
grader.check("pool-backward")

# %% [markdown]
# ## Fast layers
#
# `FastConv` and `FastMaxPool`, at the bottom of the file, compute the same functions with torch's own kernels,
# which are optimized for this processor. From here on the networks use them. The next cell compares your layers
# with them, in results and in time.

# %%
reset_seed(3)
x, w, b = torch.randn(20, 3, 32, 32), torch.randn(16, 3, 5, 5), torch.randn(16)
settings = [(Conv, FastConv, (x, w, b, {"stride": 1, "pad": 2}))]
settings.append((MaxPool, FastMaxPool, (x, {"pool_height": 2, "pool_width": 2, "stride": 2})))
for yours, given, arguments in settings:
    seconds, found = [], []
    for layer in (yours, given):
        start = time.perf_counter()
        out, cache = layer.forward(*arguments)
        grads = layer.backward(out, cache)
        seconds.append(time.perf_counter() - start)
        found.append((out, *grads) if isinstance(grads, tuple) else (out, grads))
    errors = [rel_error(mine, fast) for mine, fast in zip(*found, strict=True)]
    print(f"{given.__name__}: {seconds[0] / seconds[1]:.1f} times as fast; errors", *(f"{e:.0e}" for e in errors))

# %% [markdown]
# The speed of your layers is graded too, as a multiple of the time of our solution on whole tensors. Up to 8 x earns
# all points, up to 12 x half of them, up to 60 x a quarter. A few large operations earn all points, in every style. A
# loop over rows and columns on whole batches earns a quarter, and loops over single pixels earn none. These checks
# compare your layers with the given layers on your machine, and allow for its noise.

# %%
grader.check("conv-speed")

# %%
grader.check("pool-speed")

# %% [markdown]
# ## A three-layer network
#
# conv - relu - 2x2 max pool - linear - relu - linear - softmax. Write `ThreeLayerConvNet` from the given layers.
#
# Two tests before training cost nothing. With small random weights all ten classes are about equally
# likely, so the loss is about $\log 10 \approx 2.30$. With regularization it is a little more.

# %%
reset_seed(4)
X, y = data["X_train"][:50], data["y_train"][:50]
model = ThreeLayerConvNet(weight_scale=1e-3, device=device)
print(f"without regularization: {float(model.loss(X, y)[0]):.3f}")
model.reg = 0.5
print(f"with regularization:    {float(model.loss(X, y)[0]):.3f}")

# %% [markdown]
# The second test is the gradients, on a network that is small enough for finite differences.


# %%
def check_gradients(model, X, y):
    """Print the relative error of each parameter's gradient."""
    _, grads = model.loss(X, y)
    for name in sorted(grads):
        # The numeric gradient changes the parameter in place, and the model reads it again at each call.
        numeric = compute_numeric_gradient(lambda _: model.loss(X, y)[0], model.params[name])
        print(f"{name:8} {rel_error(grads[name], numeric):.1e}")


reset_seed(5)
X, y = torch.randn(2, 3, 6, 8, dtype=torch.float64), torch.tensor([7, 2])
settings = {"num_filters": 3, "filter_size": 3, "hidden_dim": 7, "weight_scale": 0.1, "reg": 0.5}
check_gradients(ThreeLayerConvNet(input_dims=(3, 6, 8), dtype=torch.float64, **settings), X, y)

# %%
grader.check("three-layer-net")

# %% [markdown]
# Now train it for one epoch. Expect more than 50 % on the training images and 47 % on the validation images.

# %%
reset_seed(6)
model = ThreeLayerConvNet(num_filters=16, weight_scale=1e-3, hidden_dim=100, reg=1e-3, device=device)
three_layer_solver = Solver(
    model,
    data,
    num_epochs=1,
    batch_size=50,
    update_rule=Solver.adam,
    optim_config={"learning_rate": 2e-3},
    num_val_samples=500,
    print_every=50,
    device=device,
)
three_layer_solver.train()

# %% [markdown]
# The 16 filters of its convolution are images of 7x7 pixels. What is each of them looking for: a spot, an edge, a
# colour? Some may look for the same thing.

# %%
show_filters(model.params["W1"])

# %% [markdown]
# **Question 2.** How many parameters does this network have, and in which layer are most of them? What would
# happen to that number if the images were 64x64, and how does the deep network below avoid it?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## A deep network
#
# {conv 3x3 - relu - [2x2 max pool]} as often as you wish, then one linear layer. Write `DeepConvNet`, at first without
# batch normalization.

# %%
reset_seed(7)
X, y = data["X_train"][:50], data["y_train"][:50]
model = DeepConvNet(num_filters=[8, 64], max_pools=[0, 1], weight_scale=1e-3, device=device)
print(f"loss of an untrained network: {float(model.loss(X, y)[0]):.3f}")

X, y = torch.randn(2, 3, 4, 6, dtype=torch.float64), torch.tensor([7, 2])
settings = {"num_filters": [4, 3], "max_pools": [1], "weight_scale": 0.3, "reg": 0.3}
check_gradients(DeepConvNet(input_dims=(3, 4, 6), dtype=torch.float64, **settings), X, y)

# %%
grader.check("deep-net")

# %% [markdown]
# ### Overfit 50 images
#
# A network that cannot memorize 50 images will not learn 5000. Before every long training, make sure that your
# network can. If it cannot, something is broken, or the settings are far off. Find a weight scale and a learning rate
# with which this network reaches 100 % on 50 training images within 30 epochs, and write them into
# `find_overfit_parameters`. If the loss stays at 2.30, no gradient arrives at the first layers: think about the
# effect of the weight scale on the activations, five layers later. The validation accuracy will be bad; this is
# intended.

# %%
reset_seed(8)
weight_scale, learning_rate = find_overfit_parameters()
small_data = data | {"X_train": data["X_train"][:50], "y_train": data["y_train"][:50]}
model = DeepConvNet(
    num_filters=[8, 16, 32, 64],
    max_pools=[0, 1, 2, 3],
    reg=1e-5,
    weight_scale=weight_scale,
    dtype=torch.float32,
    device=device,
)
overfit_solver = Solver(
    model,
    small_data,
    num_epochs=30,
    batch_size=10,
    update_rule=Solver.adam,
    optim_config={"learning_rate": learning_rate},
    num_val_samples=100,
    print_every=10,
    print_acc_every=5,
    device=device,
)
overfit_solver.train(return_best_params=False)
print(f"accuracy on the 50 images: {overfit_solver.check_accuracy(small_data['X_train'], small_data['y_train']):.2f}")
plot_histories({"50 images": overfit_solver})

# %%
model.save("overfit_deepconvnet.pt", data=data_source())
grader.check("overfit")

# %% [markdown]
# ### Kaiming initialization
#
# You searched for the weight scale by hand. The next cell shows its effect. It sends images through ten convolutions
# and plots the standard deviation of the activations after each. With weights that are too small the activations
# vanish, with weights that are too large they explode, and so do gradients on their way back. For one scale they keep
# their size. This scale can be computed: a weighted sum of $n$ independent inputs has $n$ times the variance of one
# of its terms, and a ReLU lets half of it through. This $n$ is called `fan_in`. Write `kaiming_initializer`.


# %%
def activation_sizes(draw_weights):
    """Standard deviation of the activations after each of ten 3x3 convolutions with ReLU."""
    a, sizes = data["X_train"][:50].cpu() / data["X_train"].std().cpu(), []
    for _ in range(10):
        w = draw_weights(a.shape[1], 16)
        a = FastConv.forward(a, w, torch.zeros(16), {"stride": 1, "pad": 1})[0].clamp(min=0)
        sizes.append(a.std().item())
    return sizes


reset_seed(9)
for scale in (0.01, 0.1, 0.3):
    plt.semilogy(
        activation_sizes(lambda Din, Dout, scale=scale: scale * torch.randn(Dout, Din, 3, 3)), "o-", label=scale
    )
plt.semilogy(activation_sizes(lambda Din, Dout: kaiming_initializer(Din, Dout, K=3)), "ko-", label="Kaiming")
plt.xlabel("layer")
plt.ylabel("standard deviation of activations")
plt.legend(title="weight scale")
plt.show()

# %%
grader.check("kaiming")

# %% [markdown]
# ### Batch normalization
#
# `SpatialBatchNorm` brings every channel to mean 0 and variance 1, over the images of a batch and all positions, and
# then gives it a scale $\gamma$ and a shift $\beta$:
#
# $$ y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta $$
#
# In training it uses the batch's own statistics, and keeps a running mean of them. In testing it uses this running
# mean. The class is given. Use it in `DeepConvNet`: $\gamma$ (starting at one) and $\beta$ (starting at zero) of each
# channel become parameters, and `Conv_BatchNorm_ReLU` takes the place of `Conv_ReLU`.

# %%
reset_seed(10)
X, y = torch.randn(4, 3, 4, 6, dtype=torch.float64), torch.tensor([7, 2, 0, 5])
settings = {"num_filters": [4, 3], "max_pools": [0], "weight_scale": "kaiming", "reg": 0.3, "batchnorm": True}
check_gradients(DeepConvNet(input_dims=(3, 4, 6), dtype=torch.float64, **settings), X, y)

# %% [markdown]
# The gradients of the convolutions' biases are zero up to rounding, so their relative errors mean nothing. Batch
# normalization subtracts the batch's mean, and with it any bias.

# %%
grader.check("deep-net-batchnorm")

# %% [markdown]
# Does it help? The same network on 1500 images, with small random weights, with Kaiming's, and with batch
# normalization.

# %%
some_data = data | {"X_train": data["X_train"][:1500], "y_train": data["y_train"][:1500]}
solvers = {}
for label, weight_scale, batchnorm in [
    ("scale 0.02", 0.02, False),
    ("Kaiming", "kaiming", False),
    ("Kaiming and batch norm", "kaiming", True),
]:
    reset_seed(11)
    model = DeepConvNet(
        num_filters=[8, 16, 32, 32],
        max_pools=[0, 1, 2, 3],
        weight_scale=weight_scale,
        batchnorm=batchnorm,
        reg=1e-5,
        device=device,
    )
    solvers[label] = Solver(
        model,
        some_data,
        num_epochs=3,
        batch_size=50,
        update_rule=Solver.adam,
        optim_config={"learning_rate": 3e-3},
        num_train_samples=300,
        num_val_samples=300,
        device=device,
        verbose=False,
    )
    solvers[label].train()
    print(f"{label:24} best validation accuracy {solvers[label].best_val_acc:.3f}")
plot_histories(solvers)

# %% [markdown]
# **Question 3.** Why does the network use running statistics in testing, and not those of the batch at hand? Think
# of a batch that holds one image, or images of one class only.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## The best network in half a minute
#
# Now you choose: layers, filters, pools, initialization, normalization, learning rate and its decay, batch size.
# Return a `Solver` from `create_convolutional_solver_instance`. On a GPU it gets 30 seconds. Without a GPU it gets
# 300 steps, which take about as long on one idle processor core; so a busy machine costs you nothing. On CIFAR-10 and
# a GPU, aim for 70 % on the validation images and 69 % on the test images. On the embedded images, without a GPU, aim
# for 85 %.
#
# Choose by the *validation* accuracy. Use the test images only once, at the end.

# %%
reset_seed(0)
solver = create_convolutional_solver_instance(data, torch.float32, device)
start = time.perf_counter()
solver.train(time_limit=30) if device == "cuda" else solver.train(step_limit=300)
print(f"trained for {time.perf_counter() - start:.1f} s")
plot_histories({"three layers": three_layer_solver, "half a minute": solver})

# %%
print(f"validation accuracy {solver.check_accuracy(data['X_val'], data['y_val']):.3f}")
print(f"test accuracy       {solver.check_accuracy(data['X_test'], data['y_test']):.3f}")
solver.model.save("half_minute_deepconvnet.pt", data=data_source())

# %%
grader.check("half-minute")

# %% [markdown]
# Where does it still make mistakes? Rows are the true classes, columns the predicted ones.

# %%
X, y = data["X_test"][:1000], data["y_test"][:1000]
guesses = torch.cat([solver.model.loss(part).argmax(dim=1) for part in X.split(100)]).cpu()
confusion = torch.zeros(10, 10).index_put_((y.cpu(), guesses), torch.ones(len(y)), accumulate=True)
plt.figure(figsize=(5, 5))
plt.imshow((confusion / confusion.sum(dim=1, keepdim=True)).numpy(), cmap="Blues", vmin=0, vmax=1)
plt.xticks(range(10), classes, rotation=60)
plt.yticks(range(10), classes)
for row in range(10):
    for column in range(10):
        if confusion[row, column]:
            colour = "white" if row == column else "black"
            plt.text(column, row, int(confusion[row, column]), ha="center", va="center", color=colour)
plt.show()

# %% [markdown]
# **Question 4.** Which two classes are mixed up most often, and what in the images makes them alike? Name one
# change to the network, and one to the training data, that you would try against it.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel, run the notebook once from top to bottom, and save it. Then follow "Handing in" in README.md.
