"""The given layers of assignment 6 against torch's autograd, in float64, on shapes where nothing is square."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

CONVOLUTIONS = [  # images, filters, stride, pad
    ((2, 3, 7, 10), (4, 3, 3, 2), 1, 0),
    ((2, 3, 8, 5), (2, 3, 2, 5), 2, 1),
    ((1, 1, 4, 9), (3, 1, 1, 1), 3, 2),
    ((3, 2, 6, 7), (2, 2, 4, 3), 1, 3),
    ((0, 2, 6, 7), (2, 2, 4, 3), 1, 1),
]
POOLS = [  # images, height, width, stride
    ((2, 3, 8, 6), 2, 2, 2),
    ((2, 3, 7, 9), 3, 2, 2),
    ((1, 2, 5, 8), 2, 4, 1),
    ((2, 1, 7, 7), 1, 2, 3),
    ((0, 2, 4, 6), 2, 2, 2),
]
CONV = {"stride": 1, "pad": 1}
POOL = {"pool_height": 2, "pool_width": 3, "stride": 2}
DTYPES = [torch.float32, torch.float64]


def draw(*shapes, dtype=torch.float64):
    return [torch.randn(*shape, dtype=dtype) for shape in shapes]


def assert_same_as_autograd(layer, oracle, tensors, extra=()):
    """Outputs and all gradients of a layer are those of an oracle that autograd differentiates; inputs stay."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    expected = oracle(*leaves)
    upstream = torch.randn_like(expected)
    expected_grads = torch.autograd.grad(expected, leaves, upstream)

    kept = [tensor.clone() for tensor in tensors]
    out, cache = layer.forward(*tensors, *extra)
    kept_upstream = upstream.clone()
    grads = layer.backward(upstream, cache)
    grads = grads if isinstance(grads, tuple) else (grads,)

    tolerance = {"rtol": 1e-9, "atol": 1e-9} if out.dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(out, expected, **tolerance)
    assert len(grads) == len(expected_grads)
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(grad, expected_grad, **tolerance)
    for tensor, old in zip([*tensors, upstream], [*kept, kept_upstream], strict=True):
        torch.testing.assert_close(tensor, old, rtol=0, atol=0)


def conv_oracle(conv_param):
    return lambda x, w, b: F.conv2d(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])


def pool_oracle(pool_param):
    window = (pool_param["pool_height"], pool_param["pool_width"])
    return lambda x: F.max_pool2d(x, window, stride=pool_param["stride"])


def norm_oracle(x, gamma, beta):
    return F.batch_norm(x, None, None, gamma, beta, training=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("images, filters, stride, pad", CONVOLUTIONS)
@pytest.mark.parametrize("name", ["Conv", "FastConv"])
def test_convolution(a6, name, images, filters, stride, pad, dtype):
    conv_param = {"stride": stride, "pad": pad}
    tensors = draw(images, filters, filters[:1], dtype=dtype)
    assert_same_as_autograd(getattr(a6, name), conv_oracle(conv_param), tensors, [conv_param])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("images, height, width, stride", POOLS)
@pytest.mark.parametrize("name", ["MaxPool", "FastMaxPool"])
def test_max_pool(a6, name, images, height, width, stride, dtype):
    pool_param = {"pool_height": height, "pool_width": width, "stride": stride}
    assert_same_as_autograd(getattr(a6, name), pool_oracle(pool_param), draw(images, dtype=dtype), [pool_param])


@pytest.mark.parametrize("name", ["MaxPool", "FastMaxPool"])
def test_max_pool_gives_each_gradient_to_one_of_equal_values(a6, name):
    x = torch.zeros(1, 1, 2, 4)
    layer = getattr(a6, name)
    _, cache = layer.forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    dx = layer.backward(torch.tensor([[[[3.0, 5.0]]]]), cache)
    assert dx.tolist() == [[[[3, 0, 5, 0], [0, 0, 0, 0]]]]


@pytest.mark.parametrize("name", ["Conv", "FastConv", "MaxPool", "FastMaxPool"])
def test_layers_take_transposed_images(a6, name):
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64).transpose(2, 3)
    if "Conv" in name:
        w, b = draw((4, 3, 3, 2), (4,))
        w = w.transpose(2, 3)
        assert_same_as_autograd(getattr(a6, name), conv_oracle(CONV), [x, w, b], [CONV])
    else:
        assert_same_as_autograd(getattr(a6, name), pool_oracle(POOL), [x], [POOL])


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 2), (3, 1, 2, 3), (0, 3, 2)])
def test_linear(a6, shape):
    tensors = draw(shape, (6, 5), (5,))
    assert_same_as_autograd(a6.Linear, lambda x, w, b: x.flatten(1) @ w + b, tensors)
    assert_same_as_autograd(a6.Linear_ReLU, lambda x, w, b: (x.flatten(1) @ w + b).relu(), tensors)


def test_relu(a6):
    assert_same_as_autograd(a6.ReLU, torch.relu, draw((3, 4, 5)))


def test_batch_norm(a6):
    x, gamma, beta = draw((7, 4), (4,), (4,))
    assert_same_as_autograd(a6.BatchNorm, norm_oracle, [x * 3 + 2, gamma, beta], [{"mode": "train"}])


def test_spatial_batch_norm(a6):
    x, gamma, beta = draw((3, 4, 5, 2), (4,), (4,))
    assert_same_as_autograd(a6.SpatialBatchNorm, norm_oracle, [x * 3 + 2, gamma, beta], [{"mode": "train"}])


@pytest.mark.parametrize("name, shape", [("BatchNorm", (7, 4)), ("SpatialBatchNorm", (3, 4, 5, 2))])
def test_batch_norm_in_test_mode_uses_the_running_statistics_and_keeps_them(a6, name, shape):
    x, gamma, beta, mean = draw(shape, (4,), (4,), (4,))
    var = torch.rand(4, dtype=torch.float64) + 0.5
    bn_param = {"mode": "test", "running_mean": mean, "running_var": var, "eps": 1e-3}

    def oracle(x, gamma, beta):
        return F.batch_norm(x, mean, var, gamma, beta, training=False, eps=1e-3)

    assert_same_as_autograd(getattr(a6, name), oracle, [x, gamma, beta], [bn_param])
    assert bn_param["running_mean"] is mean
    assert bn_param["running_var"] is var


def test_batch_norm_keeps_running_statistics(a6):
    x, gamma, beta = draw((50, 3), (3,), (3,))
    bn_param = {"mode": "train", "momentum": 0.8}
    a6.BatchNorm.forward(x, gamma, beta, bn_param)
    torch.testing.assert_close(bn_param["running_mean"], 0.2 * x.mean(0))
    torch.testing.assert_close(bn_param["running_var"], 0.2 * x.var(0, unbiased=False))
    first = bn_param["running_mean"]
    a6.BatchNorm.forward(x + 1, gamma, beta, bn_param)
    torch.testing.assert_close(bn_param["running_mean"], 0.8 * first + 0.2 * (x + 1).mean(0))


def test_batch_norm_refuses_another_mode(a6):
    x, gamma, beta = draw((5, 3), (3,), (3,))
    with pytest.raises(ValueError, match="'eval'"):
        a6.BatchNorm.forward(x, gamma, beta, {"mode": "eval"})


@pytest.mark.parametrize("norm, pool", [(False, False), (False, True), (True, False), (True, True)])
def test_blocks_of_a_convolution(a6, norm, pool):
    name = "Conv" + "_BatchNorm" * norm + "_ReLU" + "_Pool" * pool
    tensors = draw((3, 2, 6, 9), (4, 2, 3, 3), (4,), *([(4,), (4,)] if norm else []))
    extra = [CONV] + [{"mode": "train"}] * norm + [POOL] * pool

    def oracle(x, w, b, *scale_and_shift):
        out = conv_oracle(CONV)(x, w, b)
        out = norm_oracle(out, *scale_and_shift) if norm else out
        out = out.relu()
        return pool_oracle(POOL)(out) if pool else out

    assert_same_as_autograd(getattr(a6, name), oracle, tensors, extra)


def test_linear_batch_norm_relu(a6):
    tensors = draw((6, 2, 4), (8, 5), (5,), (5,), (5,))

    def oracle(x, w, b, gamma, beta):
        return norm_oracle(x.flatten(1) @ w + b, gamma, beta).relu()

    assert_same_as_autograd(a6.Linear_BatchNorm_ReLU, oracle, tensors, [{"mode": "train"}])


def test_a_wrong_gradient_raises_instead_of_turning_into_zeros(a6):
    x, w, b = draw((2, 3, 6, 6), (4, 3, 3, 3), (4,))
    out, cache = a6.FastConv.forward(x, w, b, CONV)
    with pytest.raises(RuntimeError):
        a6.FastConv.backward(out[:, :, 1:], cache)
    out, cache = a6.FastMaxPool.forward(x, POOL)
    with pytest.raises(RuntimeError):
        a6.FastMaxPool.backward(torch.cat([out, out], dim=1), cache)
