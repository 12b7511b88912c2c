"""Assignment 7: one network at three levels of abstraction, then residual networks.

Write your answers where a NotImplementedError is raised. You write what is computed forward; autograd finds the
gradients. Everything in `torch`, `torch.nn`, `torch.nn.functional` and `torch.optim` is allowed, and nothing else is
needed. torchvision's ready-made networks are not there.

Layout of images: (N, C, H, W): sample, channel, row (down), column (right). Height always comes before width, and
need not equal it. Inputs are never modified: an in-place operation on what you were given changes it for the caller.
No fixed device and no fixed dtype in a `forward`: a module works in whatever it was moved to (`.double()`, `.to(...)`).

The names of a module's attributes are yours, except where a docstring prescribes them. `ResNetStem` and
`ResNetStage` are given.
"""

from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

__all__ = [
    "PlainBlock",
    "ResNet",
    "ResNetStage",
    "ResNetStem",
    "ResidualBlock",
    "ResidualBottleneck",
    "ThreeLayerConvNet",
    "initialize_three_layer_conv_part1",
    "initialize_three_layer_conv_part2",
    "initialize_three_layer_conv_part3",
    "three_layer_convnet",
]


# ---------------------------------------------------------------------------------------------------------
# Part 1: bare tensors and autograd.
# ---------------------------------------------------------------------------------------------------------


def three_layer_convnet(x, params, hyperparams):
    """Compute the scores of a three-layer network whose parameters are bare tensors.

    conv - relu - conv - relu - fully connected: both convolutions with stride 1 and a bias,

        scores = fc_w flatten(relu(conv_w2 * relu(conv_w1 * x + conv_b1) + conv_b2)) + fc_b

    Args:
        x: (N, C, H, W) floating point. Must not be modified.
        params: [conv_w1, conv_b1, conv_w2, conv_b2, fc_w, fc_b], tensors of the dtype and on the device of x:
            conv_w1 (F1, C, KH1, KW1), conv_b1 (F1,), conv_w2 (F2, F1, KH2, KW2), conv_b2 (F2,),
            fc_w (num_classes, F2 * H2 * W2), fc_b (num_classes,), where (H2, W2) is the size of the second
            convolution's output. Rows of fc_w are read like a flattened (F2, H2, W2).
        hyperparams: {"padding": [p1, p2]}: zeros on each of the four sides, before the first and the second
            convolution.

    Returns:
        (N, num_classes) scores. No softmax: the loss takes scores. The scores stay connected to x and `params`,
        so that `backward` reaches all of them.

    Edge cases: a padding need not keep height and width. N = 0 gives shape (0, num_classes).

    >>> params = [torch.ones(1, 1, 1, 2), torch.tensor([-3.0]), torch.ones(1, 1, 1, 1), torch.tensor([1.0])]
    >>> params += [torch.tensor([[1.0, 10.0], [0.0, -1.0]]), torch.tensor([0.0, 0.5])]
    >>> three_layer_convnet(torch.tensor([[[[1.0, 1.0, 4.0]]]]), params, {"padding": [0, 0]})  # 1 and 3 enter fc
    tensor([[31.0000, -2.5000]])

    Allowed: everything in torch and torch.nn.functional.
    Source: LeCun et al., Gradient-based learning applied to document recognition, 1998.
    """
    # BEGIN SOLUTION three-layer-functional
    conv_w1, conv_b1, conv_w2, conv_b2, fc_w, fc_b = params
    padding1, padding2 = hyperparams["padding"]
    hidden = F.relu(F.conv2d(x, conv_w1, conv_b1, padding=padding1))  # (N, F1, H1, W1)
    hidden = F.relu(F.conv2d(hidden, conv_w2, conv_b2, padding=padding2))  # (N, F2, H2, W2)
    return F.linear(hidden.flatten(1), fc_w, fc_b)  # (N, num_classes)
    # END SOLUTION


def initialize_three_layer_conv_part1(dtype=torch.float, device="cpu"):
    """Draw the parameters of `three_layer_convnet` for images of 3 x 32 x 32 pixels and 10 classes.

    12 filters of 5 x 5 with padding 2, then 8 filters of 3 x 3 with padding 1, which keep height and width.
    The weights are Kaiming normal: mean 0, variance 2 / fan_in, all three of them; fan_in is the number of inputs
    of one output. The biases are zero.

    Args:
        dtype, device: of all parameters.

    Returns:
        (params, hyperparams) as `three_layer_convnet` takes them: params is a list of six tensors of shapes
        (12, 3, 5, 5), (12,), (8, 12, 3, 3), (8,), (10, 8 * 32 * 32), (10,); hyperparams is {"padding": [2, 1]}.
        Every parameter is a leaf that requires a gradient.

    Edge cases: what is made by computing with a tensor that already requires a gradient is no leaf, and gets none.

    >>> params, hyperparams = initialize_three_layer_conv_part1(torch.float64, "cpu")
    >>> [tuple(param.shape) for param in params], hyperparams
    ([(12, 3, 5, 5), (12,), (8, 12, 3, 3), (8,), (10, 8192), (10,)], {'padding': [2, 1]})
    >>> all(param.requires_grad and param.is_leaf and param.dtype == torch.float64 for param in params)
    True

    Allowed: everything in torch, nn.init.kaiming_normal_ too, whose defaults are those above.
    Source: He et al., Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    # BEGIN SOLUTION initialize-part1
    channels, filters1, filters2, size, num_classes = 3, 12, 8, 32, 10
    shapes = [(filters1, channels, 5, 5), (filters2, filters1, 3, 3), (num_classes, filters2 * size * size)]
    params = []
    for shape in shapes:
        weight = nn.init.kaiming_normal_(torch.empty(shape, dtype=dtype, device=device))
        bias = torch.zeros(shape[0], dtype=dtype, device=device)
        params += [weight.requires_grad_(), bias.requires_grad_()]
    return params, {"padding": [2, 1]}
    # END SOLUTION


# ---------------------------------------------------------------------------------------------------------
# Part 2: the same network as an nn.Module.
# ---------------------------------------------------------------------------------------------------------


class ThreeLayerConvNet(nn.Module):
    """conv - relu - conv - relu - fully connected, as a module that owns its parameters.

    Attributes:
        conv1, conv2: nn.Conv2d with stride 1 and a bias.
        fc: nn.Linear with a bias.
    """

    def __init__(self, in_shape, conv_params, num_classes):
        """Make the layers and initialize them.

        All three weights are Kaiming normal (mean 0, variance 2 / fan_in), all three biases zero. There are no
        other parameters and no buffers.

        Args:
            in_shape: (C, H, W) of one image; H and W may differ.
            conv_params: [(filters, kernel, pad), (filters, kernel, pad)] of the two convolutions: number of filters,
                their height and width, zeros on each side.
            num_classes: number of scores.

        Edge cases: a convolution with stride 1 turns H into H + 2 * pad - kernel + 1, and W likewise: `fc` must fit
            also where that changes height and width.

        >>> model = ThreeLayerConvNet((3, 8, 6), [(4, 5, 2), (2, 3, 0)], num_classes=7)
        >>> [(name, tuple(parameter.shape)) for name, parameter in model.named_parameters() if "weight" in name]
        [('conv1.weight', (4, 3, 5, 5)), ('conv2.weight', (2, 4, 3, 3)), ('fc.weight', (7, 48))]
        >>> sum(p.numel() for p in ThreeLayerConvNet((3, 32, 32), [(12, 5, 2), (8, 3, 1)], 10).parameters())
        83714

        Allowed: everything in torch.nn.
        Source: He et al., Delving deep into rectifiers, ICCV 2015, for the initialization.
        """
        super().__init__()
        # BEGIN SOLUTION three-layer-module
        channels, height, width = in_shape
        (filters1, kernel1, pad1), (filters2, kernel2, pad2) = conv_params
        rows = height + 2 * (pad1 + pad2) - (kernel1 - 1) - (kernel2 - 1)
        columns = width + 2 * (pad1 + pad2) - (kernel1 - 1) - (kernel2 - 1)
        self.conv1 = nn.Conv2d(channels, filters1, kernel1, padding=pad1)
        self.conv2 = nn.Conv2d(filters1, filters2, kernel2, padding=pad2)
        self.fc = nn.Linear(filters2 * rows * columns, num_classes)
        for layer in (self.conv1, self.conv2, self.fc):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
        # END SOLUTION

    def forward(self, x):
        """Compute the scores.

        Args:
            x: (N, C, H, W) images. Must not be modified.

        Returns:
            (N, num_classes) scores.

        >>> ThreeLayerConvNet((3, 8, 6), [(4, 5, 2), (2, 3, 0)], num_classes=7)(torch.zeros(5, 3, 8, 6)).shape
        torch.Size([5, 7])
        """
        # BEGIN SOLUTION three-layer-module
        hidden = F.relu(self.conv1(x))  # (N, filters1, H1, W1)
        hidden = F.relu(self.conv2(hidden))  # (N, filters2, H2, W2)
        return self.fc(hidden.flatten(1))  # (N, num_classes)
        # END SOLUTION


def initialize_three_layer_conv_part2():
    """Make the network of part 1 as a `ThreeLayerConvNet`, and the optimizer that will train it.

    Images of 3 x 32 x 32 pixels, 10 classes; 12 filters of 5 x 5 with padding 2, then 8 filters of 3 x 3 with padding
    1: 83714 parameters. The optimizer is stochastic gradient descent with learning rate 1e-2, momentum 0.5
    and weight decay 1e-4, on all parameters; its other settings stay at torch's defaults (no Nesterov momentum).

    Returns:
        (model, optimizer): a ThreeLayerConvNet on the CPU in float32, and an optim.SGD of its parameters.

    >>> model, optimizer = initialize_three_layer_conv_part2()
    >>> [optimizer.param_groups[0][name] for name in ("lr", "momentum", "weight_decay")]
    [0.01, 0.5, 0.0001]

    Allowed: everything in torch.nn and torch.optim.
    Source: Polyak, Some methods of speeding up the convergence of iteration methods, 1964, for momentum.
    """
    # BEGIN SOLUTION initialize-part2
    model = ThreeLayerConvNet((3, 32, 32), [(12, 5, 2), (8, 3, 1)], num_classes=10)
    optimizer = optim.SGD(model.parameters(), lr=1e-2, momentum=0.5, weight_decay=1e-4)
    return model, optimizer
    # END SOLUTION


# ---------------------------------------------------------------------------------------------------------
# Part 3: the same network as an nn.Sequential.
# ---------------------------------------------------------------------------------------------------------


def initialize_three_layer_conv_part3():
    """Make the network of part 1 as an nn.Sequential, and the optimizer that will train it.

    The layers have names, in this order: conv1, relu1, conv2, relu2, flatten, fc. Images, filters, paddings and
    classes are those of part 1: 83714 parameters. The optimizer is Adam with learning rate 1e-3 and weight decay
    1e-4, on all parameters; its other settings stay at torch's defaults. (AdamW decays otherwise, and is
    another optimizer.)

    Returns:
        (model, optimizer): an nn.Sequential on the CPU in float32, and an optim.Adam of its parameters.

    Edge cases: the initialization is yours: what nn.Conv2d and nn.Linear draw by themselves is good, and so is that of
        part 2. Weights that are all equal are not.

    >>> model, optimizer = initialize_three_layer_conv_part3()
    >>> [name for name, _ in model.named_children()]
    ['conv1', 'relu1', 'conv2', 'relu2', 'flatten', 'fc']
    >>> model(torch.zeros(4, 3, 32, 32)).shape
    torch.Size([4, 10])

    Allowed: everything in torch.nn and torch.optim, OrderedDict.
    Source: Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """
    # BEGIN SOLUTION initialize-part3
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 12, 5, padding=2),  # (N, 12, 32, 32)
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(12, 8, 3, padding=1),  # (N, 8, 32, 32)
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),  # (N, 8 * 32 * 32)
            fc=nn.Linear(8 * 32 * 32, 10),  # (N, 10)
        )
    )
    optimizer = optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    return model, optimizer
    # END SOLUTION


# ---------------------------------------------------------------------------------------------------------
# Part 4: residual networks.
# ---------------------------------------------------------------------------------------------------------


class PlainBlock(nn.Module):
    """Two 3x3 convolutions, each with batch normalization and ReLU before it ("pre-activation").

    Attributes:
        expansion: output channels per `Cout`, 1. Class attribute, given.
    """

    expansion = 1

    def __init__(self, Cin, Cout, downsample=False):
        """Make the layers.

        In this order: batch norm, ReLU, 3x3 convolution from Cin to Cout channels, batch norm, ReLU, 3x3 convolution
        from Cout to Cout channels. The convolutions have padding 1 and no bias. The first has stride 2 if
        `downsample`, else 1; the second always 1. The batch norms are nn.BatchNorm2d with its defaults: eps 1e-5,
        momentum 0.1, scale and shift learned, running statistics kept. Initialization: as torch's layers do it.

        Args:
            Cin: channels of the input.
            Cout: channels of the output.
            downsample: whether to halve height and width.

        >>> sum(parameter.numel() for parameter in PlainBlock(3, 10).parameters())  # 6 + 270 + 20 + 900
        1196
        >>> PlainBlock(3, 10, downsample=True)(torch.zeros(2, 3, 8, 5)).shape
        torch.Size([2, 10, 4, 3])

        Allowed: everything in torch.nn.
        Source: Ioffe and Szegedy, Batch normalization, ICML 2015; He et al., Identity mappings in deep residual
            networks, ECCV 2016, for the order of the layers.
        """
        super().__init__()
        # BEGIN SOLUTION plain-block
        stride = 2 if downsample else 1
        self.block = nn.Sequential(
            nn.BatchNorm2d(Cin),
            nn.ReLU(),
            nn.Conv2d(Cin, Cout, 3, stride=stride, padding=1, bias=False),  # (N, Cout, H', W')
            nn.BatchNorm2d(Cout),
            nn.ReLU(),
            nn.Conv2d(Cout, Cout, 3, padding=1, bias=False),
        )
        # END SOLUTION

    def forward(self, x):
        """Send images through the block.

        Args:
            x: (N, Cin, H, W). Must not be modified.

        Returns:
            (N, Cout, H, W); with `downsample`, (N, Cout, ceil(H / 2), ceil(W / 2)).
        """
        # BEGIN SOLUTION plain-block
        return self.block(x)
        # END SOLUTION


class ResidualBlock(nn.Module):
    """The layers of a plain block, plus a shortcut around all of them: out = block(x) + shortcut(x).

    Attributes:
        expansion: output channels per `Cout`, 1. Class attribute, given.
    """

    expansion = 1

    def __init__(self, Cin, Cout, downsample=False):
        """Make the block and its shortcut.

        The block has the layers of `PlainBlock(Cin, Cout, downsample)`. The shortcut takes x as it comes, before any
        batch norm, and nothing follows the sum. Where Cin = Cout and nothing is downsampled it is the identity,
        without parameters. Else it is one 1x1 convolution from Cin to Cout channels, without bias and padding, with
        stride 2 whenever `downsample` and else 1. Initialization: as torch's layers do it.

        Args:
            Cin, Cout, downsample: as for `PlainBlock`.

        Edge cases: also where Cin = Cout, downsampling needs the convolution: the sizes change.

        >>> [sum(p.numel() for p in ResidualBlock(3, Cout).parameters()) for Cout in (3, 10)]
        [174, 1226]
        >>> sum(p.numel() for p in ResidualBlock(3, 3, downsample=True).parameters())  # 9 more
        183

        Allowed: everything in torch.nn, your PlainBlock.
        Source: He et al., Deep residual learning for image recognition, CVPR 2016; for the order of the layers,
            Identity mappings in deep residual networks, ECCV 2016.
        """
        super().__init__()
        # BEGIN SOLUTION residual-block
        self.block = PlainBlock(Cin, Cout, downsample)
        if Cin == Cout and not downsample:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Conv2d(Cin, Cout, 1, stride=2 if downsample else 1, bias=False)
        # END SOLUTION

    def forward(self, x):
        """Send images through the block and around it, and add.

        Args:
            x: (N, Cin, H, W). Must not be modified.

        Returns:
            (N, Cout, H, W); with `downsample`, (N, Cout, ceil(H / 2), ceil(W / 2)).
        """
        # BEGIN SOLUTION residual-block
        return self.block(x) + self.shortcut(x)
        # END SOLUTION


class ResNetStem(nn.Module):
    """The first layer of a network: one 3x3 convolution without bias, which keeps height and width. Given."""

    def __init__(self, Cin=3, Cout=16):
        """From Cin to Cout channels."""
        super().__init__()
        self.net = nn.Conv2d(Cin, Cout, 3, padding=1, bias=False)

    def forward(self, x):
        """x (N, Cin, H, W) -> (N, Cout, H, W)."""
        return self.net(x)


class ResNetStage(nn.Module):
    """Blocks of the same width, one after the other; only the first may downsample. Given."""

    def __init__(self, Cin, Cout, num_blocks, downsample=True, block=ResidualBlock):
        """`num_blocks` >= 1 blocks, from Cin to Cout * block.expansion channels."""
        super().__init__()
        width = Cout * block.expansion
        blocks = [block(Cin, Cout, downsample)]
        blocks += [block(width, Cout) for _ in range(num_blocks - 1)]
        self.net = nn.Sequential(*blocks)

    def forward(self, x):
        """x (N, Cin, H, W) -> (N, Cout * block.expansion, H, W), halved if the stage downsamples."""
        return self.net(x)


class ResNet(nn.Module):
    """A stem, stages of blocks, and a linear classifier on the channels' averages.

    Attributes:
        fc: nn.Linear with a bias, the last layer.
    """

    def __init__(self, stage_args, in_channels=3, block=ResidualBlock, num_classes=10):
        """Make the network.

        In this order: `ResNetStem` from in_channels to the channels of the first stage; one `ResNetStage` for each
        entry of `stage_args`; batch norm (nn.BatchNorm2d with its defaults) and ReLU; the average over all rows and
        columns of each channel; `fc`. Initialization: as torch's layers do it.

        Args:
            stage_args: [(channels, num_blocks, downsample), ...], one entry per stage, at least one. A stage ends
                with channels * block.expansion channels, and the next begins with those.
            in_channels: channels of the images.
            block: class of the blocks, such as `PlainBlock`, `ResidualBlock`, `ResidualBottleneck`; called as
                block(Cin, Cout, downsample), with a class attribute `expansion`.
            num_classes: number of scores.

        >>> model = ResNet([(4, 2, False), (8, 1, True)], in_channels=1, num_classes=5)
        >>> model(torch.zeros(3, 1, 12, 9)).shape, tuple(model.fc.weight.shape)
        (torch.Size([3, 5]), (5, 8))
        >>> stages = [(16, 3, False), (32, 4, True), (64, 6, True), (128, 3, True)]
        >>> [sum(p.numel() for p in ResNet(stages, block=block).parameters()) for block in (PlainBlock, ResidualBlock)]
        [1323418, 1334170]

        Allowed: everything in torch.nn, the given `ResNetStem` and `ResNetStage`.
        Source: He et al., Deep residual learning for image recognition, CVPR 2016, section 4.2.
        """
        super().__init__()
        # BEGIN SOLUTION resnet
        channels = stage_args[0][0]
        layers = [ResNetStem(in_channels, channels)]
        for width, num_blocks, downsample in stage_args:
            layers.append(ResNetStage(channels, width, num_blocks, downsample, block))
            channels = width * block.expansion
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        self.cnn = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, num_classes)
        # END SOLUTION

    def forward(self, x):
        """Compute the scores.

        Args:
            x: (N, in_channels, H, W) images of any size. Must not be modified.

        Returns:
            (N, num_classes) scores.
        """
        # BEGIN SOLUTION resnet
        features = self.cnn(x).mean(dim=(2, 3))  # (N, C, H', W') -> (N, C)
        return self.fc(features)  # (N, num_classes)
        # END SOLUTION


class ResidualBottleneck(nn.Module):
    """A deeper block at the same price: narrow, convolve, widen; plus a shortcut.

    Attributes:
        expansion: output channels per `Cout`, 4. Class attribute, given.
    """

    expansion = 4

    def __init__(self, Cin, Cout, downsample=False):
        """Make the block and its shortcut.

        The block, in this order: batch norm, ReLU, 1x1 convolution from Cin to Cout channels; batch norm, ReLU, 3x3
        convolution with padding 1 from Cout to Cout; batch norm, ReLU, 1x1 convolution from Cout to 4 * Cout. No
        convolution has a bias. If `downsample`, the first convolution has stride 2; the others always have 1. The batch
        norms are nn.BatchNorm2d with its defaults. The shortcut is that of `ResidualBlock`, for 4 * Cout channels of
        output: the identity where Cin = 4 * Cout and nothing is downsampled, else one 1x1 convolution without bias,
        with stride 2 whenever `downsample`. Initialization: as torch's layers do it.

        Args:
            Cin: channels of the input.
            Cout: channels of the 3x3 convolution; the output has 4 * Cout.
            downsample: whether to halve height and width.

        >>> [sum(p.numel() for p in ResidualBottleneck(3, Cout).parameters()) for Cout in (3, 10)]
        [180, 1496]
        >>> ResidualBottleneck(12, 3, downsample=True)(torch.zeros(2, 12, 8, 5)).shape
        torch.Size([2, 12, 4, 3])

        Allowed: everything in torch.nn.
        Source: He et al., Deep residual learning for image recognition, CVPR 2016, figure 5; for the order of the
            layers, Identity mappings in deep residual networks, ECCV 2016.
        """
        super().__init__()
        # BEGIN SOLUTION bottleneck-block
        stride = 2 if downsample else 1
        width = self.expansion * Cout
        self.block = nn.Sequential(
            nn.BatchNorm2d(Cin),
            nn.ReLU(),
            nn.Conv2d(Cin, Cout, 1, stride=stride, bias=False),  # (N, Cout, H', W')
            nn.BatchNorm2d(Cout),
            nn.ReLU(),
            nn.Conv2d(Cout, Cout, 3, padding=1, bias=False),
            nn.BatchNorm2d(Cout),
            nn.ReLU(),
            nn.Conv2d(Cout, width, 1, bias=False),  # (N, 4 * Cout, H', W')
        )
        if Cin == width and not downsample:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Conv2d(Cin, width, 1, stride=stride, bias=False)
        # END SOLUTION

    def forward(self, x):
        """Send images through the block and around it, and add.

        Args:
            x: (N, Cin, H, W). Must not be modified.

        Returns:
            (N, 4 * Cout, H, W); with `downsample`, (N, 4 * Cout, ceil(H / 2), ceil(W / 2)).
        """
        # BEGIN SOLUTION bottleneck-block
        return self.block(x) + self.shortcut(x)
        # END SOLUTION
