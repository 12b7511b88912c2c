"""Assignment 6: convolution, max pooling, and the networks built from them, forward and backward by hand.

Write your answers where a NotImplementedError is raised. Tensors are PyTorch tensors, but autograd,
`torch.nn` and `torch.nn.functional` stay out of your answers: you write both directions yourself.

Layout of images: (N, C, H, W): sample, channel, row (down), column (right). Height always comes before width.
Every layer keeps its inputs unchanged, and answers in the dtype and on the device of `x`.
The layers at the bottom of the file (`Linear`, `ReLU`, `FastConv`, `BatchNorm`, ... and their combinations)
are given. Build the networks from those: they are much faster than the ones you write first.
"""

import torch

from common import Solver
from common.helpers import softmax_loss

__all__ = [
    "BatchNorm",
    "Conv",
    "Conv_BatchNorm_ReLU",
    "Conv_BatchNorm_ReLU_Pool",
    "Conv_ReLU",
    "Conv_ReLU_Pool",
    "DeepConvNet",
    "FastConv",
    "FastMaxPool",
    "Linear",
    "Linear_BatchNorm_ReLU",
    "Linear_ReLU",
    "MaxPool",
    "ReLU",
    "SpatialBatchNorm",
    "ThreeLayerConvNet",
    "create_convolutional_solver_instance",
    "find_overfit_parameters",
    "kaiming_initializer",
]


# BEGIN SOLUTION
def _pad(x, pad):
    """Set `pad` zeros on each of the four sides: (N, C, H, W) -> (N, C, H + 2 * pad, W + 2 * pad)."""
    N, C, H, W = x.shape
    padded = x.new_zeros(N, C, H + 2 * pad, W + 2 * pad)
    padded[:, :, pad : pad + H, pad : pad + W] = x
    return padded


def _places(height, width, rows, columns, stride):
    """Indices that cut an image by position inside the window: one index per position, row by row.

    With the index of position (u, v), x (N, C, H, W) gives (N, C, rows, columns): entry (u, v) of every window.
    """
    return [
        (..., slice(u, u + rows * stride, stride), slice(v, v + columns * stride, stride))
        for u in range(height)
        for v in range(width)
    ]


# END SOLUTION
class Conv:
    """Convolution as networks mean it: a bank of filters slid over the image, without flipping them."""

    @staticmethod
    def forward(x, w, b, conv_param):
        """Slide every filter over every image.

        With p the padded input and s the stride,

            out[n, f, i, j] = b[f] + sum over c, u, v of  p[n, c, i*s + u, j*s + v] * w[f, c, u, v]

        Args:
            x: (N, C, H, W) floating point. Must not be modified.
            w: (F, C, HH, WW), the filters; HH and WW may differ.
            b: (F,), one bias per filter.
            conv_param: {"stride": int >= 1, "pad": int >= 0}. Both hold for rows and columns alike;
                `pad` zeros are set on each of the four sides.

        Returns:
            (out, cache): out is (N, F, H', W') with H' = 1 + (H + 2 * pad - HH) // stride and W' likewise;
            cache is (x, w, b, conv_param).

        Edge cases: rows or columns at the far side that no window reaches are left out. N = 0 gives
            an empty output of the right shape.

        >>> x = torch.arange(12.0).reshape(1, 1, 3, 4)
        >>> w = torch.tensor([[[[1.0, 10.0]]]])  # one filter of one row and two columns
        >>> out, _ = Conv.forward(x, w, torch.tensor([0.5]), {"stride": 2, "pad": 0})
        >>> out
        tensor([[[[ 10.5000,  32.5000],
                  [ 98.5000, 120.5000]]]])

        Allowed: plain tensor operations, indexing, matrix products, einsum, at most one loop over each of
            N, F, H', W' (fewer is faster). Not torch's convolutions, and not its unfold or fold.
        Source: LeCun et al., Backpropagation applied to handwritten zip code recognition, 1989.
        """
        # BEGIN SOLUTION conv-forward
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        rows, columns = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
        padded = _pad(x, pad)  # (N, C, H + 2 * pad, W + 2 * pad)

        # One column per window, with all that the window sees: the sum becomes a matrix product.
        seen = [padded[place] for place in _places(HH, WW, rows, columns, stride)]  # HH * WW of (N, C, H', W')
        windows = torch.stack(seen, dim=2).reshape(N, C * HH * WW, rows * columns)  # (N, C * HH * WW, H' * W')
        out = (w.reshape(F, C * HH * WW) @ windows).reshape(N, F, rows, columns) + b.reshape(F, 1, 1)  # (N, F, H', W')
        # END SOLUTION
        cache = (x, w, b, conv_param)
        return out, cache

    @staticmethod
    def backward(dout, cache):
        """Carry a gradient back through `Conv.forward`.

        `dout` holds dL/dout for some scalar loss L; wanted are dL/dx, dL/dw and dL/db. An entry of x that
        several windows saw collects a contribution from each of them.

        Args:
            dout: (N, F, H', W'), upstream gradient.
            cache: (x, w, b, conv_param) as `Conv.forward` returned it. Must not be modified.

        Returns:
            (dx, dw, db) with the shapes of x, w and b.

        Edge cases: entries of x that no window saw get 0. The padding has no gradient: cut it off.

        >>> x = torch.arange(6.0).reshape(1, 1, 2, 3)
        >>> cache = (x, torch.tensor([[[[1.0, 10.0]]]]), torch.zeros(1), {"stride": 1, "pad": 0})
        >>> dx, dw, db = Conv.backward(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), cache)
        >>> dx
        tensor([[[[ 1., 12., 20.],
                  [ 3., 34., 40.]]]])
        >>> dw, db
        (tensor([[[[27., 37.]]]]), tensor([10.]))

        Allowed: as for `Conv.forward`. Not autograd: no `requires_grad`, no `.backward()`, no `torch.func`.
        Source: LeCun et al., Backpropagation applied to handwritten zip code recognition, 1989.
        """
        x, w, _, conv_param = cache
        # BEGIN SOLUTION conv-backward
        stride, pad = conv_param["stride"], conv_param["pad"]
        N, C, H, W = x.shape
        F, _, HH, WW = w.shape
        rows, columns = dout.shape[2:]
        padded = _pad(x, pad)  # (N, C, H + 2 * pad, W + 2 * pad)
        places = _places(HH, WW, rows, columns, stride)
        seen = [padded[place] for place in places]  # HH * WW of (N, C, H', W')
        windows = torch.stack(seen, dim=2).reshape(N, C * HH * WW, rows * columns)  # (N, C * HH * WW, H' * W')
        upstream = dout.reshape(N, F, rows * columns)  # (N, F, H' * W')

        dw = (upstream @ windows.transpose(1, 2)).sum(dim=0).reshape(w.shape)  # (F, C, HH, WW)
        dwindows = (w.reshape(F, C * HH * WW).T @ upstream).reshape(N, C, HH * WW, rows, columns)
        dpadded = torch.zeros_like(padded)
        for position, place in enumerate(places):  # every position inside the filter saw another part of the image
            dpadded[place] += dwindows[:, :, position]
        dx = dpadded[:, :, pad : pad + H, pad : pad + W].clone()  # (N, C, H, W)
        db = dout.sum(dim=(0, 2, 3))  # (F,)
        # END SOLUTION
        return dx, dw, db


class MaxPool:
    """The largest value in each window, per channel."""

    @staticmethod
    def forward(x, pool_param):
        """Keep the largest value of every window.

            out[n, c, i, j] = max over u, v of  x[n, c, i*s + u, j*s + v]

        Args:
            x: (N, C, H, W) floating point. Must not be modified.
            pool_param: {"pool_height": int, "pool_width": int, "stride": int}, each >= 1.
                The window need not be square, and windows overlap where the stride is smaller than they are.

        Returns:
            (out, cache): out is (N, C, H', W') with H' = 1 + (H - pool_height) // stride and W' likewise;
            cache is (x, pool_param).

        Edge cases: rows or columns at the far side that no window reaches are left out. N = 0 gives an
            empty output of the right shape. Values may all be negative: there is no padding, and no 0 to win.

        >>> x = torch.tensor([[[[-1.0, -2.0, -3.0], [-6.0, -5.0, -4.0]]]])
        >>> MaxPool.forward(x, {"pool_height": 2, "pool_width": 1, "stride": 2})[0]
        tensor([[[[-1., -3.]]]])

        Allowed: plain tensor operations, indexing, max, amax, maximum. Not torch's pooling, and not its unfold.
        Source: Ranzato et al., Unsupervised learning of invariant feature hierarchies, CVPR 2007.
        """
        # BEGIN SOLUTION pool-forward
        height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        N, C, H, W = x.shape
        rows, columns = 1 + (H - height) // stride, 1 + (W - width) // stride
        out = x.new_full((N, C, rows, columns), -torch.inf)  # (N, C, H', W')
        for place in _places(height, width, rows, columns, stride):
            out = torch.maximum(out, x[place])
        # END SOLUTION
        cache = (x, pool_param)
        return out, cache

    @staticmethod
    def backward(dout, cache):
        """Carry a gradient back through `MaxPool.forward`.

        Each entry of `dout` belongs to the one entry of x that won its window. An entry that won several
        windows collects the sum.

        Args:
            dout: (N, C, H', W'), upstream gradient.
            cache: (x, pool_param) as `MaxPool.forward` returned it. Must not be modified.

        Returns:
            dx, (N, C, H, W), the shape of x.

        Edge cases: entries that won no window get 0. Of equal values in a window the first wins, reading row
            by row; checks do not ask for a particular winner.

        >>> x = torch.tensor([[[[1.0, 5.0, 2.0], [4.0, 3.0, 0.0]]]])
        >>> cache = (x, {"pool_height": 1, "pool_width": 2, "stride": 1})
        >>> MaxPool.backward(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), cache)
        tensor([[[[0., 3., 0.],
                  [3., 4., 0.]]]])

        Allowed: as for `MaxPool.forward`. Not autograd.
        Source: Ranzato et al., Unsupervised learning of invariant feature hierarchies, CVPR 2007.
        """
        x, pool_param = cache
        # BEGIN SOLUTION pool-backward
        height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
        rows, columns = dout.shape[2:]
        places = _places(height, width, rows, columns, stride)
        largest = torch.stack([x[place] for place in places]).amax(dim=0)  # (N, C, H', W')
        dx = torch.zeros_like(x)  # (N, C, H, W)
        unclaimed = torch.ones_like(largest, dtype=torch.bool)
        for place in places:
            wins = unclaimed & (x[place] == largest)
            dx[place] += dout * wins
            unclaimed &= ~wins
        # END SOLUTION
        return dx


class ThreeLayerConvNet:
    """conv - relu - 2x2 max pool - linear - relu - linear - softmax.

    The convolution has stride 1 and a padding that keeps height and width (for an odd filter size).

    Attributes:
        params: dict of tensors, W1 (num_filters, C, filter_size, filter_size), b1 (num_filters,),
            W2 (num_filters * (H // 2) * (W // 2), hidden_dim), b2 (hidden_dim,),
            W3 (hidden_dim, num_classes), b3 (num_classes,).
        reg: strength of the L2 regularization of the three weights.
        dtype: dtype of all parameters; inputs are converted to it.
    """

    def __init__(
        self,
        input_dims=(3, 32, 32),
        num_filters=32,
        filter_size=7,
        hidden_dim=100,
        num_classes=10,
        weight_scale=1e-3,
        reg=0.0,
        dtype=torch.float,
        device="cpu",
    ):
        """Draw the weights from a normal distribution, and set the biases to zero.

        Args:
            input_dims: (C, H, W) of one image; H and W may differ.
            num_filters: filters of the convolution.
            filter_size: their height and width, odd.
            hidden_dim: width of the hidden linear layer.
            num_classes: number of scores.
            weight_scale: standard deviation of the weights; their mean is 0.
            reg, dtype: see the class.
            device: where the parameters live.

        >>> net = ThreeLayerConvNet(input_dims=(3, 8, 6), num_filters=4, filter_size=3, hidden_dim=5)
        >>> {name: tuple(value.shape) for name, value in net.params.items() if name.startswith("W")}
        {'W1': (4, 3, 3, 3), 'W2': (48, 5), 'W3': (5, 10)}
        """
        self.params = {}
        self.reg = reg
        self.dtype = dtype
        # BEGIN SOLUTION three-layer-net
        C, H, W = input_dims
        layers = [  # shape of the weights, number of biases
            ((num_filters, C, filter_size, filter_size), num_filters),
            ((num_filters * (H // 2) * (W // 2), hidden_dim), hidden_dim),
            ((hidden_dim, num_classes), num_classes),
        ]
        for number, (shape, outputs) in enumerate(layers, start=1):
            self.params[f"W{number}"] = weight_scale * torch.randn(shape, dtype=dtype, device=device)
            self.params[f"b{number}"] = torch.zeros(outputs, dtype=dtype, device=device)
        # END SOLUTION

    def save(self, path):
        """Write parameters and settings to `path`."""
        torch.save({"reg": self.reg, "dtype": self.dtype, "params": self.params}, path)
        print(f"Saved in {path}")

    def load(self, path):
        """Read what `save` wrote; parameters arrive on the CPU."""
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        self.params = checkpoint["params"]
        self.dtype = checkpoint["dtype"]
        self.reg = checkpoint["reg"]
        print(f"Loaded {path}")

    def loss(self, X, y=None):
        """Scores, or the loss and its gradients.

        The loss is the mean softmax loss of the scores plus 0.5 * reg * (|W1|^2 + |W2|^2 + |W3|^2).

        Args:
            X: (N, C, H, W) images.
            y: (N,) int64 labels in [0, num_classes), or None.

        Returns:
            Without y: (N, num_classes) scores. With y: (loss, grads); loss is a scalar tensor (or a float),
            grads maps each name of `params` to the gradient of the whole loss, in the parameter's shape.

        Edge cases: biases are not regularized. `params` are read anew at every call and not modified.

        >>> net = ThreeLayerConvNet(input_dims=(1, 4, 6), filter_size=3, num_classes=4, weight_scale=0.0)
        >>> net.loss(torch.ones(2, 1, 4, 6)).shape
        torch.Size([2, 4])
        >>> loss, grads = net.loss(torch.ones(2, 1, 4, 6), torch.tensor([3, 0]))
        >>> f"{float(loss):.4f}", grads["b3"]  # log(4); a fourth of every score, less the true one
        ('1.3863', tensor([-0.2500,  0.2500,  0.2500, -0.2500]))

        Allowed: the given layers (`Conv_ReLU_Pool`, `Linear_ReLU`, `Linear`) and `softmax_loss`.
        """
        X = X.to(self.dtype)
        filter_size = self.params["W1"].shape[2]
        conv_param = {"stride": 1, "pad": (filter_size - 1) // 2}
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        # BEGIN SOLUTION three-layer-net
        params = self.params
        # features: (N, num_filters, H // 2, W // 2)
        features, conv_cache = Conv_ReLU_Pool.forward(X, params["W1"], params["b1"], conv_param, pool_param)
        hidden, hidden_cache = Linear_ReLU.forward(features, params["W2"], params["b2"])  # (N, hidden_dim)
        scores, scores_cache = Linear.forward(hidden, params["W3"], params["b3"])  # (N, num_classes)
        # END SOLUTION
        if y is None:
            return scores

        # BEGIN SOLUTION three-layer-net
        grads = {}
        loss, dscores = softmax_loss(scores, y)
        dhidden, grads["W3"], grads["b3"] = Linear.backward(dscores, scores_cache)
        dfeatures, grads["W2"], grads["b2"] = Linear_ReLU.backward(dhidden, hidden_cache)
        _, grads["W1"], grads["b1"] = Conv_ReLU_Pool.backward(dfeatures, conv_cache)
        for name in ("W1", "W2", "W3"):
            loss = loss + 0.5 * self.reg * (params[name] ** 2).sum()
            grads[name] = grads[name] + self.reg * params[name]
        # END SOLUTION
        return loss, grads


class DeepConvNet:
    """{conv - [batch norm] - relu - [2x2 max pool]} x (L - 1) - linear - softmax.

    All convolutions are 3x3 with stride 1 and padding 1. The names of the parameters are yours to choose.

    Attributes:
        params: dict of tensors, all of them: weights, biases and, with batch normalization, scales and shifts.
        num_layers: L, the convolutions and the linear layer at the end.
        max_pools: set or list of the convolutions, counted from 0, that a 2x2 max pool follows.
        batchnorm: whether each convolution is normalized.
        bn_params: one dict per convolution for `Conv_BatchNorm_ReLU`; it keeps the running statistics.
        reg: strength of the L2 regularization of convolution and linear weights.
        dtype: dtype of all parameters; inputs are converted to it.
    """

    def __init__(
        self,
        input_dims=(3, 32, 32),
        num_filters=[8, 8, 8, 8, 8],  # noqa: B006  (read, never changed)
        max_pools=[0, 1, 2, 3, 4],  # noqa: B006
        batchnorm=False,
        num_classes=10,
        weight_scale=1e-3,
        reg=0.0,
        weight_initializer=None,
        dtype=torch.float,
        device="cpu",
    ):
        """Initialize all parameters.

        Args:
            input_dims: (C, H, W) of one image; H and W may differ.
            num_filters: filters of each convolution, first to last.
            max_pools: the convolutions, counted from 0, that a 2x2 max pool with stride 2 follows.
            batchnorm: normalize after each convolution: scales start at one, shifts at zero.
            num_classes: number of scores.
            weight_scale: standard deviation of the weights, whose mean is 0; or "kaiming", to draw them
                with `kaiming_initializer`. Biases start at zero.
            reg, dtype: see the class.
            weight_initializer: what draws the weights if weight_scale is "kaiming"; None for
                `kaiming_initializer`.
            device: where the parameters live.

        Edge cases: a pool of an odd height or width leaves the last row or column out.

        >>> net = DeepConvNet(input_dims=(3, 9, 4), num_filters=[5, 7], max_pools=[1])
        >>> sorted(tuple(value.shape) for value in net.params.values() if value.dim() > 1)
        [(5, 3, 3, 3), (7, 5, 3, 3), (56, 10)]
        """
        self.params = {}
        self.num_layers = len(num_filters) + 1
        self.max_pools = max_pools
        self.batchnorm = batchnorm
        self.reg = reg
        self.dtype = dtype
        self.bn_params = [{"mode": "train"} for _ in num_filters] if batchnorm else []

        # BEGIN SOLUTION deep-net
        initializer = weight_initializer or kaiming_initializer

        def draw(inputs, outputs, size=None):
            if weight_scale == "kaiming":
                # No ReLU follows the linear layer, the only one without a filter size.
                return initializer(inputs, outputs, K=size, relu=size is not None, dtype=dtype, device=device)
            shape = (inputs, outputs) if size is None else (outputs, inputs, size, size)
            return weight_scale * torch.randn(shape, dtype=dtype, device=device)

        channels, height, width = input_dims
        for layer, filters in enumerate(num_filters):
            self.params[f"W{layer}"] = draw(channels, filters, 3)
            self.params[f"b{layer}"] = torch.zeros(filters, dtype=dtype, device=device)
            if layer in max_pools:
                height, width = height // 2, width // 2
            channels = filters
        last = len(num_filters)
        self.params[f"W{last}"] = draw(channels * height * width, num_classes)
        self.params[f"b{last}"] = torch.zeros(num_classes, dtype=dtype, device=device)
        # END SOLUTION
        if batchnorm:
            # BEGIN SOLUTION deep-net-batchnorm
            for layer, filters in enumerate(num_filters):
                self.params[f"gamma{layer}"] = torch.ones(filters, dtype=dtype, device=device)
                self.params[f"beta{layer}"] = torch.zeros(filters, dtype=dtype, device=device)
            # END SOLUTION

    def save(self, path, data=""):
        """Write parameters, running statistics and settings to `path`; `data` names what they were trained on."""
        checkpoint = {
            "reg": self.reg,
            "dtype": self.dtype,
            "params": self.params,
            "num_layers": self.num_layers,
            "max_pools": self.max_pools,
            "batchnorm": self.batchnorm,
            "bn_params": self.bn_params,
            "data": data,
        }
        torch.save(checkpoint, path)
        print(f"Saved in {path}")

    def load(self, path, dtype=None, device="cpu"):
        """Read what `save` wrote.

        Args:
            path: the file.
            dtype: what to convert parameters to; None keeps the saved dtype.
            device: where to put them.
        """
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        self.dtype = dtype or checkpoint["dtype"]
        self.params = {name: value.to(device, self.dtype) for name, value in checkpoint["params"].items()}
        self.bn_params = [
            {key: value.to(device, self.dtype) if torch.is_tensor(value) else value for key, value in bn_param.items()}
            for bn_param in checkpoint["bn_params"]
        ]
        self.num_layers = checkpoint["num_layers"]
        self.max_pools = checkpoint["max_pools"]
        self.batchnorm = checkpoint["batchnorm"]
        self.reg = checkpoint["reg"]
        print(f"Loaded {path}")

    def loss(self, X, y=None):
        """Scores, or the loss and its gradients.

        The loss is the mean softmax loss of the scores plus 0.5 * reg * (sum of squares of all convolution
        and linear weights).

        Args:
            X: (N, C, H, W) images.
            y: (N,) int64 labels in [0, num_classes), or None.

        Returns:
            Without y: (N, num_classes) scores. With y: (loss, grads); loss is a scalar tensor (or a float),
            grads maps each name of `params` to the gradient of the whole loss, in the parameter's shape.

        Edge cases: biases, scales and shifts are not regularized. Batch normalization uses the batch's own
            statistics if y is given, and the running ones, which stay as they are, if it is not.

        >>> net = DeepConvNet(input_dims=(3, 8, 6), num_filters=[4, 5], max_pools=[0], num_classes=4)
        >>> X, y = torch.ones(2, 3, 8, 6), torch.tensor([3, 0])
        >>> net.loss(X).shape
        torch.Size([2, 4])
        >>> loss, grads = net.loss(X, y)
        >>> f"{float(loss):.2f}", grads.keys() == net.params.keys()
        ('1.39', True)

        Allowed: the given layers (`Conv_ReLU`, `Conv_BatchNorm_ReLU_Pool`, ..., `Linear`) and `softmax_loss`.
        """
        X = X.to(self.dtype)
        mode = "test" if y is None else "train"
        for bn_param in self.bn_params:
            bn_param["mode"] = mode
        filter_size = 3
        conv_param = {"stride": 1, "pad": (filter_size - 1) // 2}
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        # BEGIN SOLUTION deep-net
        params, last = self.params, self.num_layers - 1
        names = ("W", "b", "gamma", "beta") if self.batchnorm else ("W", "b")
        steps, out = [], X
        for layer in range(last):
            pools = layer in self.max_pools
            weights = [params[f"{name}{layer}"] for name in names]
            if self.batchnorm and pools:
                block, settings = Conv_BatchNorm_ReLU_Pool, [conv_param, self.bn_params[layer], pool_param]
            elif self.batchnorm:
                block, settings = Conv_BatchNorm_ReLU, [conv_param, self.bn_params[layer]]
            elif pools:
                block, settings = Conv_ReLU_Pool, [conv_param, pool_param]
            else:
                block, settings = Conv_ReLU, [conv_param]
            out, cache = block.forward(out, *weights, *settings)  # (N, filters, H, W), halved by a pool
            steps.append((block, cache))
        scores, scores_cache = Linear.forward(out, params[f"W{last}"], params[f"b{last}"])  # (N, num_classes)
        # END SOLUTION
        if y is None:
            return scores

        # BEGIN SOLUTION deep-net
        grads = {}
        loss, dscores = softmax_loss(scores, y)
        dout, grads[f"W{last}"], grads[f"b{last}"] = Linear.backward(dscores, scores_cache)
        for layer in reversed(range(last)):
            block, cache = steps[layer]
            dout, *found = block.backward(dout, cache)
            grads.update({f"{name}{layer}": grad for name, grad in zip(names, found, strict=True)})
        for layer in range(self.num_layers):
            weight = params[f"W{layer}"]
            loss = loss + 0.5 * self.reg * (weight**2).sum()
            grads[f"W{layer}"] = grads[f"W{layer}"] + self.reg * weight
        # END SOLUTION
        return loss, grads


def find_overfit_parameters():
    """Choose how to overfit 50 images.

    With what you return, `DeepConvNet(num_filters=[8, 16, 32, 64], max_pools=[0, 1, 2, 3], reg=1e-5)` must
    reach 100 % accuracy on 50 training images within 30 epochs of Adam with batches of 10.

    Returns:
        (weight_scale, learning_rate), two positive floats.

    >>> weight_scale, learning_rate = find_overfit_parameters()
    >>> weight_scale > 0 and learning_rate > 0
    True
    """
    # BEGIN SOLUTION overfit
    return 0.2, 3e-3
    # END SOLUTION


def kaiming_initializer(Din, Dout, K=None, relu=True, device="cpu", dtype=torch.float32):
    """Draw weights that keep the variance of the activations from layer to layer.

    Weights are normal with mean 0 and variance gain / fan_in. The gain is 2 if a ReLU follows, because it
    lets half of the variance through, and else 1. fan_in is the number of inputs of one output.

    Args:
        Din: input features of a linear layer, or input channels of a convolution.
        Dout: output features or filters.
        K: height and width of the filters; None for a linear layer.
        relu: whether a ReLU follows the layer.
        device, dtype: of the result.

    Returns:
        (Din, Dout) if K is None (fan_in is Din), else (Dout, Din, K, K) (fan_in is Din * K * K).

    >>> kaiming_initializer(6, 4).shape, kaiming_initializer(6, 4, K=3).shape
    (torch.Size([6, 4]), torch.Size([4, 6, 3, 3]))

    Allowed: torch.randn. Not torch.nn.init.
    Source: He et al., Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    # BEGIN SOLUTION kaiming
    gain = 2.0 if relu else 1.0
    shape = (Din, Dout) if K is None else (Dout, Din, K, K)
    fan_in = Din if K is None else Din * K * K
    return torch.randn(shape, dtype=dtype, device=device) * (gain / fan_in) ** 0.5
    # END SOLUTION


def create_convolutional_solver_instance(data_dict, dtype, device):
    """Set up the best network that you can train in half a minute.

    Any `DeepConvNet`, any settings of the `Solver`. On a GPU the notebook calls `solver.train(time_limit=30)` on
    what you return, elsewhere `solver.train(step_limit=300)`, so that a busy machine costs nothing. It keeps the
    parameters of the epoch that did best on the validation images.

    Args:
        data_dict: X_train, y_train, X_val, y_val as `common.data.preprocess_cifar10` returns them.
        dtype, device: of the network.

    Returns:
        A `Solver` that has not been trained.

    >>> images, labels = torch.zeros(4, 3, 32, 32), torch.zeros(4, dtype=torch.int64)
    >>> data_dict = {"X_train": images, "y_train": labels, "X_val": images, "y_val": labels}
    >>> type(create_convolutional_solver_instance(data_dict, torch.float32, "cpu")).__name__
    'Solver'
    """
    # BEGIN SOLUTION half-minute
    # In the same half minute, a GPU affords wider layers and more epochs.
    width, num_epochs = (64, 6) if torch.device(device).type == "cuda" else (8, 3)
    model = DeepConvNet(
        input_dims=data_dict["X_train"].shape[1:],
        num_filters=[width, 2 * width, 4 * width],
        max_pools=[0, 1, 2],
        batchnorm=True,
        weight_scale="kaiming",
        reg=1e-4,
        dtype=dtype,
        device=device,
    )
    return Solver(
        model,
        data_dict,
        update_rule=Solver.adam,
        optim_config={"learning_rate": 5e-3},
        lr_decay=0.5,
        batch_size=64,
        num_epochs=num_epochs,
        num_train_samples=500,
        print_every=50,
        device=device,
    )
    # END SOLUTION


# ---------------------------------------------------------------------------------------------------------
# Given layers. Each has `forward(...) -> (out, cache)` and `backward(dout, cache) -> gradients`, in the order
# of the forward's arguments. Inputs stay unchanged; errors are raised and never turned into zeros.
# ---------------------------------------------------------------------------------------------------------


class Linear:
    """out = x w + b, after flattening each sample of x."""

    @staticmethod
    def forward(x, w, b):
        """x (N, d1, ..., dk), w (d1 * ... * dk, M), b (M,) -> out (N, M) and the cache (x, w, b)."""
        out = x.flatten(1) @ w + b
        return out, (x, w, b)

    @staticmethod
    def backward(dout, cache):
        """dout (N, M) -> (dx, dw, db) in the shapes of x, w, b."""
        x, w, _ = cache
        return (dout @ w.T).reshape(x.shape), x.flatten(1).T @ dout, dout.sum(dim=0)


class ReLU:
    """out = max(x, 0), entry by entry."""

    @staticmethod
    def forward(x):
        """x of any shape -> out of the same shape and the cache x."""
        return x.clamp(min=0), x

    @staticmethod
    def backward(dout, cache):
        """dout in the shape of x -> dx; the gradient at exactly 0 is 0."""
        return dout * (cache > 0)


class Linear_ReLU:
    """Linear, then ReLU."""

    @staticmethod
    def forward(x, w, b):
        """As `Linear.forward`, with the negative outputs set to 0."""
        scores, linear_cache = Linear.forward(x, w, b)
        out, relu_cache = ReLU.forward(scores)
        return out, (linear_cache, relu_cache)

    @staticmethod
    def backward(dout, cache):
        """dout (N, M) -> (dx, dw, db)."""
        linear_cache, relu_cache = cache
        return Linear.backward(ReLU.backward(dout, relu_cache), linear_cache)


class FastConv:
    """The same function as `Conv`, on torch's own kernels."""

    @staticmethod
    def forward(x, w, b, conv_param):
        """Arguments and results as for `Conv.forward`."""
        out = torch.nn.functional.conv2d(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])
        return out, (x, w, b, conv_param)

    @staticmethod
    def backward(dout, cache):
        """Arguments and results as for `Conv.backward`."""
        x, w, _, conv_param = cache
        stride, pad = conv_param["stride"], conv_param["pad"]
        dx = torch.nn.grad.conv2d_input(x.shape, w, dout, stride=stride, padding=pad)
        dw = torch.nn.grad.conv2d_weight(x, w.shape, dout, stride=stride, padding=pad)
        return dx, dw, dout.sum(dim=(0, 2, 3))


class FastMaxPool:
    """The same function as `MaxPool`, on torch's own kernels."""

    @staticmethod
    def forward(x, pool_param):
        """Arguments and out as for `MaxPool.forward`; the cache also keeps where each maximum stood."""
        window = (pool_param["pool_height"], pool_param["pool_width"])
        out, places = torch.nn.functional.max_pool2d(x, window, stride=pool_param["stride"], return_indices=True)
        return out, (x, pool_param, places)

    @staticmethod
    def backward(dout, cache):
        """dout (N, C, H', W') -> dx (N, C, H, W)."""
        x, _, places = cache
        dx = torch.zeros_like(x, memory_format=torch.contiguous_format)
        # The reshape refuses a dout of another size, which scatter_add_ would take as far as it goes.
        dx.flatten(2).scatter_add_(2, places.flatten(2), dout.reshape(places.shape).flatten(2))
        return dx


class Conv_ReLU:
    """Convolution, then ReLU."""

    @staticmethod
    def forward(x, w, b, conv_param):
        """As `Conv.forward`, with the negative outputs set to 0."""
        scores, conv_cache = FastConv.forward(x, w, b, conv_param)
        out, relu_cache = ReLU.forward(scores)
        return out, (conv_cache, relu_cache)

    @staticmethod
    def backward(dout, cache):
        """dout in the shape of out -> (dx, dw, db)."""
        conv_cache, relu_cache = cache
        return FastConv.backward(ReLU.backward(dout, relu_cache), conv_cache)


class Conv_ReLU_Pool:
    """Convolution, ReLU, max pool."""

    @staticmethod
    def forward(x, w, b, conv_param, pool_param):
        """`conv_param` as for `Conv.forward`, `pool_param` as for `MaxPool.forward`."""
        active, block_cache = Conv_ReLU.forward(x, w, b, conv_param)
        out, pool_cache = FastMaxPool.forward(active, pool_param)
        return out, (block_cache, pool_cache)

    @staticmethod
    def backward(dout, cache):
        """dout in the shape of out -> (dx, dw, db)."""
        block_cache, pool_cache = cache
        return Conv_ReLU.backward(FastMaxPool.backward(dout, pool_cache), block_cache)


class BatchNorm:
    """Batch normalization of features: each column of x to mean 0 and variance 1, then scaled and shifted."""

    @staticmethod
    def forward(x, gamma, beta, bn_param):
        """Normalize, scale and shift.

        Args:
            x: (N, D).
            gamma, beta: (D,), scale and shift.
            bn_param: `mode`, "train" (statistics of this batch) or "test" (running statistics); optional `eps`
                (1e-5) added to the variance and `momentum` (0.9); `running_mean` and `running_var`, (D,) each,
                which training replaces in this dict: running = momentum * running + (1 - momentum) * batch.
                They start at zero. The variance divides by N.

        Returns:
            out (N, D), and a cache.

        Raises:
            ValueError: for another mode.
        """
        out, cache = SpatialBatchNorm.forward(x[:, :, None, None], gamma, beta, bn_param)
        return out[:, :, 0, 0], cache

    @staticmethod
    def backward(dout, cache):
        """dout (N, D) -> (dx, dgamma, dbeta)."""
        dx, dgamma, dbeta = SpatialBatchNorm.backward(dout[:, :, None, None], cache)
        return dx[:, :, 0, 0], dgamma, dbeta


class SpatialBatchNorm:
    """Batch normalization of images: one mean and variance per channel, over samples and positions."""

    @staticmethod
    def forward(x, gamma, beta, bn_param):
        """x (N, C, H, W), gamma and beta (C,), bn_param as for `BatchNorm.forward` -> out (N, C, H, W), cache."""
        mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
        running_mean = bn_param.get("running_mean", torch.zeros_like(gamma))
        running_var = bn_param.get("running_var", torch.zeros_like(gamma))
        if mode == "train":
            mean = x.mean(dim=(0, 2, 3))
            centred = x - mean[:, None, None]
            var = (centred**2).mean(dim=(0, 2, 3))
            bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
            bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        elif mode == "test":
            centred, var = x - running_mean[:, None, None], running_var
        else:
            raise ValueError(f'bn_param["mode"] is {mode!r}; it must be "train" or "test"')
        inverse_std = (var + eps).rsqrt()
        normalized = centred * inverse_std[:, None, None]
        out = normalized * gamma[:, None, None] + beta[:, None, None]
        return out, (normalized, gamma, inverse_std, mode)

    @staticmethod
    def backward(dout, cache):
        """dout (N, C, H, W) -> (dx, dgamma, dbeta)."""
        normalized, gamma, inverse_std, mode = cache
        dbeta, dgamma = dout.sum(dim=(0, 2, 3)), (dout * normalized).sum(dim=(0, 2, 3))
        dx = dout
        if mode == "train":  # the batch's mean and variance depend on x too
            count = dout.numel() // len(gamma)
            dx = dout - (dbeta / count)[:, None, None] - normalized * (dgamma / count)[:, None, None]
        return dx * (gamma * inverse_std)[:, None, None], dgamma, dbeta


class Linear_BatchNorm_ReLU:
    """Linear, batch normalization, ReLU."""

    @staticmethod
    def forward(x, w, b, gamma, beta, bn_param):
        """Arguments as for `Linear.forward` and `BatchNorm.forward` -> out (N, M), cache."""
        scores, linear_cache = Linear.forward(x, w, b)
        normalized, bn_cache = BatchNorm.forward(scores, gamma, beta, bn_param)
        out, relu_cache = ReLU.forward(normalized)
        return out, (linear_cache, bn_cache, relu_cache)

    @staticmethod
    def backward(dout, cache):
        """dout (N, M) -> (dx, dw, db, dgamma, dbeta)."""
        linear_cache, bn_cache, relu_cache = cache
        dscores, dgamma, dbeta = BatchNorm.backward(ReLU.backward(dout, relu_cache), bn_cache)
        return *Linear.backward(dscores, linear_cache), dgamma, dbeta


class Conv_BatchNorm_ReLU:
    """Convolution, batch normalization, ReLU."""

    @staticmethod
    def forward(x, w, b, gamma, beta, conv_param, bn_param):
        """Arguments as for `Conv.forward` and `SpatialBatchNorm.forward` -> out (N, F, H', W'), cache."""
        scores, conv_cache = FastConv.forward(x, w, b, conv_param)
        normalized, bn_cache = SpatialBatchNorm.forward(scores, gamma, beta, bn_param)
        out, relu_cache = ReLU.forward(normalized)
        return out, (conv_cache, bn_cache, relu_cache)

    @staticmethod
    def backward(dout, cache):
        """dout in the shape of out -> (dx, dw, db, dgamma, dbeta)."""
        conv_cache, bn_cache, relu_cache = cache
        dscores, dgamma, dbeta = SpatialBatchNorm.backward(ReLU.backward(dout, relu_cache), bn_cache)
        return *FastConv.backward(dscores, conv_cache), dgamma, dbeta


class Conv_BatchNorm_ReLU_Pool:
    """Convolution, batch normalization, ReLU, max pool."""

    @staticmethod
    def forward(x, w, b, gamma, beta, conv_param, bn_param, pool_param):
        """Arguments as for `Conv_BatchNorm_ReLU.forward` and `MaxPool.forward` -> out, cache."""
        active, block_cache = Conv_BatchNorm_ReLU.forward(x, w, b, gamma, beta, conv_param, bn_param)
        out, pool_cache = FastMaxPool.forward(active, pool_param)
        return out, (block_cache, pool_cache)

    @staticmethod
    def backward(dout, cache):
        """dout in the shape of out -> (dx, dw, db, dgamma, dbeta)."""
        block_cache, pool_cache = cache
        return Conv_BatchNorm_ReLU.backward(FastMaxPool.backward(dout, pool_cache), block_cache)
