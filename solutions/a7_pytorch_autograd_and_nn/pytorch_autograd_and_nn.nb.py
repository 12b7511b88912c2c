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
# # Assignment 7: PyTorch autograd and nn, residual networks
#
# In assignment 6 you wrote every backward pass by hand. From now on autograd computes them, and you only define the
# forward pass. You build the same three-layer network three times, each time with more of PyTorch and less code: from
# bare tensors, as an `nn.Module`, as an `nn.Sequential`. Then you build deep networks, find out that deeper is not
# always better, and repair that with residual connections.
#
# You write your code in `pytorch_autograd_and_nn.py`, beside this notebook. Here you look at its results. When
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
import os

import matplotlib.pyplot as plt
import otter
import torch
import torch.optim as optim

from common import reset_seed
from common.data import data_source, preprocess_cifar10
from common.grad import compute_numeric_gradient, rel_error
from common.plots import plot_training, show_filters
from common.train import evaluate, train
from pytorch_autograd_and_nn import (
    PlainBlock,
    ResidualBlock,
    ResidualBottleneck,
    ResNet,
    initialize_three_layer_conv_part1,
    initialize_three_layer_conv_part2,
    initialize_three_layer_conv_part3,
    three_layer_convnet,
)

grader = otter.Notebook("pytorch_autograd_and_nn.ipynb")
device = "cuda" if torch.cuda.is_available() else "cpu"
# True: short trainings where nothing is handed in, only to see whether everything runs.
quick = bool(os.environ.get("QUICK_NOTEBOOK"))
print("Device:", device)

# %% [markdown]
# ## The images
#
# If the folder `data/cifar-10-batches-py` holds CIFAR-10, the notebook runs on CIFAR-10. If not, it draws its own
# images, as in assignment 6: ten classes of shapes.

# %%
reset_seed(0)
data = preprocess_cifar10(cuda=device == "cuda", show_examples=True)
print("This notebook runs on:", data_source())

# %% [markdown]
# ## Autograd
#
# PyTorch records the operations on a tensor with `requires_grad=True`. Every result remembers its operation and the
# operation's inputs. The tensors are nodes of a graph, and its edges lead back to the inputs. `backward` on a scalar
# walks through this graph from its end to its leaves and applies the chain rule at every node. It stores dL/dt in the
# `grad` of each leaf t.

# %%
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
b = torch.tensor(10.0, requires_grad=True)
L = (b * a**2).sum()
L.backward()
print("L remembers:", L.grad_fn)
print("dL/da =", a.grad)  # 2 b a
print("dL/db =", b.grad)  # 1 + 4 + 9

# %% [markdown]
# You should know three facts before you train with it:
#
# - **Gradients add up.** A second `backward` adds to `grad` what is already there. Set them to zero, or to None,
#   before each step.
# - **Updates are not part of the network.** A step `w -= lr * w.grad` must not be recorded. Otherwise the next backward
#   would walk through all earlier steps. `with torch.no_grad():` switches the recording off.
# - **Leaves.** Only a tensor that you created directly is a leaf and gets a `grad`. `torch.randn(3,
#   requires_grad=True) * 0.1` is not a leaf: it is the result of an operation.

# %%
L = (b * a**2).sum()
L.backward()
print("after a second backward, dL/da =", a.grad)

leaf = torch.randn(3).mul(0.1).requires_grad_()
computed = torch.randn(3, requires_grad=True) * 0.1
print("leaves:", leaf.is_leaf, computed.is_leaf)

# %% [markdown]
# ## Part 1: bare tensors
#
# conv - relu - conv - relu - fully connected. Write `three_layer_convnet`. Its parameters are a list of tensors,
# and it contains no backward pass.

# %%
grader.check("three-layer-functional")

# %% [markdown]
# Where do the gradients come from, if you did not write any? Compare autograd with finite differences, as you did with
# your own backward passes in assignment 6.

# %%
reset_seed(1)
shapes = [(4, 2, 3, 3), (4,), (3, 4, 1, 1), (3,), (5, 3 * 4 * 6), (5,)]
params = [torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes]
x = torch.randn(2, 2, 4, 6, dtype=torch.float64)
upstream = torch.randn(2, 5, dtype=torch.float64)
three_layer_convnet(x, params, {"padding": [1, 0]}).backward(upstream)
for label, param in zip(["conv_w1", "conv_b1", "conv_w2", "conv_b2", "fc_w", "fc_b"], params, strict=True):
    with torch.no_grad():
        # The numeric gradient moves the parameter in place, and the network reads it again at each call.
        numeric = compute_numeric_gradient(
            lambda _: three_layer_convnet(x, params, {"padding": [1, 0]}), param.detach(), upstream
        )
    print(f"{label:8} {rel_error(param.grad, numeric):.0e}")

# %% [markdown]
# Next, write the function that creates its parameters, `initialize_three_layer_conv_part1`.

# %%
grader.check("initialize-part1")

# %% [markdown]
# ### Training, by hand
#
# `common.train` holds the training loop for this whole assignment. Read it: draw a batch, compute scores and
# loss, clear the old gradients, call `backward`, take a step. It needs an object with the methods `zero_grad` and
# `step`. At this level there is none, so here is one: plain gradient descent, in six lines.


# %%
class GradientDescent:
    """w <- w - lr * dL/dw, for bare tensors."""

    def __init__(self, params, lr):
        self.params, self.lr = params, lr

    def zero_grad(self):
        for param in self.params:
            param.grad = None

    def step(self):
        with torch.no_grad():
            for param in self.params:
                param -= self.lr * param.grad


reset_seed(0)
params, hyperparams = initialize_three_layer_conv_part1(torch.float, device)
hist_part1 = train(
    lambda images: three_layer_convnet(images, params, hyperparams),
    GradientDescent(params, lr=1e-2),
    data,
    batch_size=16,
    val_every=100,
)

# %% [markdown]
# Train for one epoch of plain gradient descent. On CIFAR-10 expect about 47 % on the validation images. On the embedded
# images, which are fewer, expect more than 50 %.
#
# **Question 1.** Imagine `GradientDescent.step` without `with torch.no_grad():`, and then, instead, the loop without
# `zero_grad`. What goes wrong in each case, and does PyTorch report it?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Part 2: a module
#
# You can keep six parameters in a list, but not sixty. An `nn.Module` owns its parameters and other modules. Assign a
# layer to an attribute in `__init__`; then `parameters()` finds it, `to(device)` moves it, `train()` and `eval()`
# reach it. `forward` defines the computation. Write `ThreeLayerConvNet`.

# %%
grader.check("three-layer-module")

# %% [markdown]
# `torch.optim` holds the optimizers. SGD with momentum and weight decay does more than our six lines. Write
# `initialize_three_layer_conv_part2`, which creates the model and its optimizer.

# %%
grader.check("initialize-part2")

# %%
reset_seed(0)
model, optimizer = initialize_three_layer_conv_part2()
print(model)
print(sum(param.numel() for param in model.parameters()), "parameters")
model.to(device)  # in place: the optimizer still holds the same parameters
hist_part2 = train(model, optimizer, data, batch_size=16, val_every=100)

# %% [markdown]
# ## Part 3: a sequence
#
# If each layer only takes the output of the previous one, `nn.Sequential` replaces `forward`. An
# OrderedDict gives the layers names. Write `initialize_three_layer_conv_part3`.

# %%
grader.check("initialize-part3")

# %% [markdown]
# The time of a training step is graded too, at each of the three levels: up to 2 x the time of our solution earns all
# points, up to 5 x half of them. Make sure that every layer gets the whole batch at once. This check
# compares 64 images with one, on your machine, and allows for its noise.

# %%
grader.check("training-speed")

# %%
reset_seed(0)
sequence, optimizer = initialize_three_layer_conv_part3()
sequence.to(device)
hist_part3 = train(sequence, optimizer, data, batch_size=16, val_every=100)

# %% [markdown]
# The plot shows the same network, trained three times. Training curves are running means of 25 steps.

# %%
plot_training({"1: tensors, SGD": hist_part1, "2: module, momentum": hist_part2, "3: sequence, Adam": hist_part3})

# %% [markdown]
# The next plot shows the filters of their first layers. The first row of each pair has the 12 filters before
# training, the second row after training. Which of them have changed?

# %%
for label, build, trained in [
    ("module", initialize_three_layer_conv_part2, model),
    ("sequence", initialize_three_layer_conv_part3, sequence),
]:
    reset_seed(0)
    fresh, _ = build()
    print(f"{label}: drawn, and trained")
    show_filters(torch.cat([fresh.conv1.weight, trained.conv1.weight.cpu()]).detach(), columns=12)

# %% [markdown]
# **Question 2.** The three parts train the same network with the same number of steps, and their curves differ. Name
# what is different between part 1 and part 2, and between part 2 and part 3, and say how you would find out which
# of these differences matters most.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Part 4: residual networks
#
# If three layers are good, are thirty better? In this part you find out.
#
# ### Plain blocks
#
# A block is two 3x3 convolutions. A batch normalization and a ReLU come before each: *pre-activation*, because the
# activation comes before the layer with weights, not after it. A bias before a batch normalization would have no
# effect, since the normalization subtracts it. The first convolution may have stride 2, which halves height and
# width. Write `PlainBlock`.

# %%
grader.check("plain-block")

# %% [markdown]
# ### Residual blocks
#
# A deep network can compute everything that a shallower one can: the additional blocks compute the identity. But plain
# blocks have to *learn* the identity, through two convolutions and two ReLUs, and gradient descent does not find it. A
# residual block has the identity built in:
#
# $$ \text{out} = \text{block}(x) + \text{shortcut}(x) $$
#
# The block learns only what to *add* to its input, the residual, and adding nothing is easy. In the backward pass,
# the sum sends the gradient both ways: through the block, and unchanged around it, for any number of blocks. With
# pre-activation nothing interrupts this path: the shortcuts lead from the last layer to the first. If a block changes
# the shape, the identity does not fit, and a 1x1 convolution without bias replaces it. Write `ResidualBlock`.

# %%
grader.check("residual-block")

# %%
x = torch.randn(2, 3, 8, 6)
for arguments in [(3, 3), (3, 10), (3, 3, True), (3, 10, True)]:
    block = ResidualBlock(*arguments)
    count = sum(param.numel() for param in block.parameters())
    print(f"ResidualBlock{arguments!s:14} {count:5} parameters, {tuple(x.shape)} -> {tuple(block(x).shape)}")

# %% [markdown]
# ### The network
#
# A stem maps colours to channels. Stages of blocks follow. Each stage may halve height and width with its first
# block, and then has more channels. At the end, the average over all positions gives one number per channel, for any
# image size, and a linear layer computes the scores from them. Write `ResNet`. With `block=PlainBlock` it is the same
# network without shortcuts.

# %%
grader.check("resnet")

# %%
grader.check("resnet-speed")

# %% [markdown]
# ### Bottlenecks
#
# 3x3 convolutions between many channels are expensive. A bottleneck block reduces the channels to a fourth with a 1x1
# convolution, applies its 3x3 convolution there, and restores the channels with another 1x1 convolution. Write
# `ResidualBottleneck`.

# %%
grader.check("bottleneck-block")

# %% [markdown]
# What do a network's parameters buy? These are the networks of the paper, made smaller for small images.

# %%
course_stages = [(16, 3, False), (32, 4, True), (64, 6, True), (128, 3, True)]
print("network    layers  parameters  channels at the end")
for label, block, depth in [
    ("plain-34", PlainBlock, 2),
    ("resnet-34", ResidualBlock, 2),
    ("resnet-50", ResidualBottleneck, 3),
]:
    network = ResNet(course_stages, block=block)
    layers = 2 + depth * sum(num_blocks for _, num_blocks, _ in course_stages)  # the stem, the blocks, fc
    count = sum(param.numel() for param in network.parameters())
    print(f"{label:10} {layers:6}  {count:10}  {network.fc.in_features}")

# %% [markdown]
# **Question 3.** Both blocks end with 64 channels: `ResidualBlock(64, 64)` and `ResidualBottleneck(64, 16)`. How many
# parameters has each, and where do they lie? Why, then, has resnet-50 *more* parameters than resnet-34?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ### Plain against residual
#
# Compare four networks: shallow and deep, plain and residual. All are trained alike, for three epochs (ten on a GPU);
# the learning rate first rises and then falls. On a GPU the deep ones are plain-34 and resnet-34 from above. On a
# processor these would take an hour. There the networks are narrower: 8 channels instead of 16, half the resolution
# from the first block on, and 8 or 32 layers.

# %%
if device == "cuda":
    stages = {"shallow": [(16, 1, False), (32, 1, True), (64, 1, True), (128, 1, True)], "deep": course_stages}
    epochs = 10
else:
    stages = {depth: [(width, count, True) for width in (8, 16, 32)] for depth, count in (("shallow", 1), ("deep", 5))}
    epochs = 3

few = {**data, "X_train": data["X_train"][:384], "y_train": data["y_train"][:384]} if quick else data
histories, networks = {}, {}
for depth, stage_args in stages.items():
    for kind, block in [("plain", PlainBlock), ("residual", ResidualBlock)]:
        reset_seed(0)
        label = f"{kind}, {depth}"
        network = ResNet(stage_args, block=block).to(device)
        optimizer = optim.SGD(network.parameters(), lr=0.04, momentum=0.9, weight_decay=1e-4, nesterov=True)
        images = data if label == "residual, deep" else few
        steps = epochs * (len(images["X_train"]) // 64)
        schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.04, total_steps=steps)
        histories[label] = train(
            network,
            optimizer,
            images,
            epochs=epochs,
            batch_size=64,
            val_every=max(1, steps // 6),
            schedule=schedule,
            verbose=False,
        )
        networks[label] = network
        print(f"{label:18} validation accuracy {histories[label]['val_acc'][-1]:.3f}")

# %%
plot_training(histories)

# %% [markdown]
# Look at the *training* loss: the deep plain network is not overfitting, it cannot even learn the images that it sees.
# Adding layers made it worse. With shortcuts, the same layers help, or at least do no harm.
#
# Gradient descent does not reach the functions that the deep plain network could compute. The next cell shows why.
# For each convolution of the untrained networks, it compares the gradient for 64 images with the gradient for the
# same images under a little noise, 3 % of their contrast. If the two disagree, a step that is good for one does not
# help the other. (Balduzzi et al., The shattered gradients problem, ICML 2017.)


# %%
def gradient_agreement(network, images, labels, noise=0.03):
    """Cosine between the gradients of these images and of noisy copies, for each 3x3 convolution, front to back."""
    weights = [param for param in network.parameters() if param.dim() == 4 and param.shape[-1] == 3]
    found = []
    for batch in (images, images + noise * images.std() * torch.randn_like(images)):
        loss = torch.nn.functional.cross_entropy(network(batch), labels)
        found.append(torch.autograd.grad(loss, weights))
    return [torch.cosine_similarity(a.flatten(), b.flatten(), dim=0).item() for a, b in zip(*found, strict=True)]


for kind, block in [("plain", PlainBlock), ("residual", ResidualBlock)]:
    reset_seed(1)
    network = ResNet(stages["deep"], block=block).to(device)
    agreement = gradient_agreement(network, data["X_train"][:64], data["y_train"][:64])
    plt.plot(agreement, "o-", label=f"{kind}, deep")
plt.xlabel("convolution, from the first to the last")
plt.ylabel("agreement of gradients")
plt.ylim(None, 1)
plt.legend()
plt.show()

# %% [markdown]
# **Question 4.** From the curves: what does a shortcut change about the *optimization* of a deep network, and what
# about what it can compute? Which of the two explains what you see? What would you expect of the comparison with a
# hundred times as many training images?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown]
# ## Your histories
#
# The test images are used only once, at the end, for the deep residual network. Its accuracy should be above 65 %.
# The histories go into the file that you hand in, together with the weights at the end of each training. Grading uses
# these weights to measure the accuracies of the histories again.

# %%
test_acc, test_loss = evaluate(networks["residual, deep"], data["X_test"], data["y_test"])
print(f"test accuracy {test_acc:.3f}, test loss {test_loss:.3f}")
hist_part4 = histories["residual, deep"] | {"test_acc": [test_acc], "test_loss": [test_loss]}
torch.save(
    {
        "data": data_source(),
        "hist_part1": hist_part1,
        "hist_part2": hist_part2,
        "hist_part3": hist_part3,
        "hist_part4": hist_part4,
        "weights_part1": [param.detach() for param in params],
        "weights_part2": model.state_dict(),
        "weights_part3": sequence.state_dict(),
        "weights_part4": networks["residual, deep"].state_dict(),
        "stages_part4": stages["deep"],
    },
    "pytorch_autograd_and_nn.pt",
)

# %%
grader.check("training-history")

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel, run the notebook once from top to bottom, and save it. Then follow "Handing in" in README.md.
