"""The loops that assignment 8 is graded by, against torch.nn.functional and scikit-learn."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from sklearn import metrics

HIDDEN = Path(__file__).parents[1] / "hidden" / "a8_semantic_segmentation"
DOUBLE = torch.float64


def loops(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"a8_{name}", HIDDEN / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


upsampling, transposed, pixels = (loops(f"{name}_loops") for name in ("upsampling", "transposed", "pixel"))

SIZES = [
    (2, 2, 4, 4),
    (3, 5, 7, 4),
    (5, 3, 5, 9),
    (1, 4, 3, 8),
    (7, 6, 2, 3),
    (4, 9, 13, 5),
    (1, 1, 3, 2),
    (6, 4, 6, 4),
]


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
@pytest.mark.parametrize("height, width, tall, wide", SIZES)
def test_interpolation(name, height, width, tall, wide):
    x, upstream = torch.randn(2, 3, height, width, dtype=DOUBLE), torch.randn(2, 3, tall, wide, dtype=DOUBLE)
    leaf = x.clone().requires_grad_()
    wanted = F.interpolate(leaf, size=(tall, wide), mode=name, align_corners=False)
    close(upsampling.ENLARGED[name](x, (tall, wide)), wanted.detach())
    close(upsampling.gradient(name, upstream, (height, width)), torch.autograd.grad(wanted, leaf, upstream)[0])


@pytest.mark.parametrize("height, width, scale", [(2, 2, 2), (3, 5, 3), (1, 4, 1)])
def test_nearest_at_whole_scales(height, width, scale):
    x = torch.randn(2, 3, height, width, dtype=DOUBLE)
    close(upsampling.nearest(x, (scale * height, scale * width)), F.interpolate(x, scale_factor=scale, mode="nearest"))


def test_nearest_where_no_ratio_is_whole():
    x = torch.arange(7.0, dtype=DOUBLE).reshape(1, 1, 1, 7)
    wanted = F.interpolate(x, size=(1, 3), mode="nearest-exact")
    close(upsampling.nearest(x, (1, 3)), wanted)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_bed_of_nails_is_a_transposed_convolution_with_a_single_nail(scale):
    x, nail = torch.randn(2, 1, 3, 4, dtype=DOUBLE), torch.zeros(1, 1, scale, scale, dtype=DOUBLE)
    nail[..., 0, 0] = 1
    close(upsampling.bed_of_nails(x, scale), F.conv_transpose2d(x, nail, stride=scale))


@pytest.mark.parametrize("height, width, window", [(4, 4, 2), (5, 7, 2), (6, 4, 3), (3, 3, 1), (2, 5, 3)])
@pytest.mark.parametrize("kind", ["normal", "ties", "infinite"])
def test_max_pooling_and_unpooling(height, width, window, kind):
    x = torch.randn(2, 3, height, width, dtype=DOUBLE)
    x = (
        torch.randint(3, x.shape).double()
        if kind == "ties"
        else torch.full_like(x, -math.inf)
        if kind != "normal"
        else x
    )
    out, positions = upsampling.max_pool(x, window)
    if min(height, width) < window:
        assert out.shape == (2, 3, height // window, width // window)
        return
    wanted, at = F.max_pool2d(x, window, return_indices=True)
    assert torch.equal(out, wanted)
    assert torch.equal(positions, at)
    values = torch.randn_like(out)
    unpooled = upsampling.max_unpool(values, positions, (height, width))
    close(unpooled, F.max_unpool2d(values, at, window, output_size=(height, width)))
    close(upsampling.unpooled_gradient(unpooled, positions), values)


GEOMETRIES = [
    *(
        (2, 3, 3, 3, 1, 0, 0, 4, 5),
        (3, 2, 3, 2, 2, 1, 1, 3, 4),
        (1, 4, 4, 4, 2, 1, 0, 5, 3),
        (2, 2, 1, 1, 3, 0, 2, 2, 3),
    ),
    *((2, 1, 2, 5, 1, 1, 0, 3, 3), (1, 1, 3, 3, 3, 2, 2, 4, 2), (2, 3, 5, 4, 2, 1, 1, 1, 1)),
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_transposed_convolution(geometry):
    channels, filters, tall, wide, stride, padding, extra, height, width = geometry
    x, w = (
        torch.randn(2, channels, height, width, dtype=DOUBLE),
        torch.randn(channels, filters, tall, wide, dtype=DOUBLE),
    )
    b = torch.randn(filters, dtype=DOUBLE)
    leaves = [tensor.clone().requires_grad_() for tensor in (x, w, b)]
    wanted = F.conv_transpose2d(*leaves, stride=stride, padding=padding, output_padding=extra)
    param = {"stride": stride, "padding": padding, "output_padding": extra}
    close(transposed.transposed_convolution(x, w, b, param), wanted.detach())
    upstream = torch.randn_like(wanted)
    for found, gradient in zip(
        transposed.gradients(upstream, x, w, b, param), torch.autograd.grad(wanted, leaves, upstream), strict=True
    ):
        close(found, gradient)
    close(
        transposed.plain_convolution(x, w.transpose(0, 1), b, (tall, wide)),
        F.conv2d(x, w.transpose(0, 1), b, padding=(tall, wide)),
    )


@pytest.mark.parametrize("length, kernel, stride, padding", [(4, 3, 1, 1), (4, 3, 2, 1), (9, 4, 3, 2), (1, 1, 2, 0)])
def test_convolution_as_a_matrix(length, kernel, stride, padding):
    x, w = torch.randn(length, dtype=DOUBLE), torch.randn(kernel, dtype=DOUBLE)
    wanted = F.conv1d(x[None, None], w[None, None], stride=stride, padding=padding)[0, 0]
    close(transposed.convolution_1d(x, w, stride, padding), wanted)
    close(transposed.convolution_matrix(w, length, stride, padding) @ F.pad(x, (padding, padding)), wanted)
    y = torch.randn_like(wanted)
    leaf = x.clone().requires_grad_()
    again = F.conv1d(leaf[None, None], w[None, None], stride=stride, padding=padding)[0, 0]
    close(transposed.transposed_by_matrix(y, w, length, stride, padding), torch.autograd.grad(again, leaf, y)[0])
    close(transposed.transposed_1d(y, w, stride), F.conv_transpose1d(y[None, None], w[None, None], stride=stride)[0, 0])


def test_receptive_field_is_where_gradients_arrive():
    for layers in ([], [(3, 1, 1)] * 4, [(3, 2, 1), (5, 1, 2), (2, 3, 1)], [(1, 2, 1), (3, 1, 4)]):
        x = torch.randn(1, 1, 120, dtype=DOUBLE, requires_grad=True)
        out = x
        for kernel, stride, dilation in layers:
            out = F.conv1d(out, torch.rand(1, 1, kernel, dtype=DOUBLE) + 0.1, stride=stride, dilation=dilation)
        (here,) = torch.autograd.grad(out[0, 0, 2], x, retain_graph=True)
        (next_,) = torch.autograd.grad(out[0, 0, 3], x)
        seen, seen_next = here[0, 0].nonzero()[:, 0], next_[0, 0].nonzero()[:, 0]
        span = int(seen[-1] - seen[0]) + 1, int(seen_next[0] - seen[0])
        assert pixels.receptive_field(layers) == span


def test_windows_are_a_convolution_of_the_padded_image():
    layers = [(torch.randn(4, 2, 3, 3, dtype=DOUBLE), torch.randn(4, dtype=DOUBLE))]
    layers.append((torch.randn(3, 4, 5, 5, dtype=DOUBLE), torch.randn(3, dtype=DOUBLE)))
    images = torch.randn(2, 2, 5, 4, dtype=DOUBLE)
    wanted = F.conv2d(F.conv2d(F.pad(images, (3, 3, 3, 3)), *layers[0]).relu(), *layers[1])
    close(pixels.windows(images, layers), wanted)


@pytest.mark.parametrize("ignore", [255, 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss(ignore, weighted):
    scores, target = 3 * torch.randn(2, 4, 3, 5, dtype=DOUBLE), torch.randint(4, (2, 3, 5))
    target[torch.rand(2, 3, 5) < 0.2] = ignore
    weight = torch.rand(4, dtype=DOUBLE) + 0.2 if weighted else None
    leaf = scores.clone().requires_grad_()
    wanted = F.cross_entropy(leaf, target, ignore_index=ignore, weight=weight)
    close(pixels.pixel_cross_entropy(scores, target, ignore, weight), wanted.detach())
    close(pixels.loss_gradient(scores, target, ignore, weight), torch.autograd.grad(wanted, leaf)[0])


def test_metrics():
    target, prediction = torch.randint(4, (200,)), torch.randint(4, (200,))
    confusion = pixels.confusion_matrix(prediction, target, 5)
    assert confusion.tolist() == metrics.confusion_matrix(target, prediction, labels=range(5)).tolist()
    assert pixels.pixel_accuracy(confusion) == pytest.approx(metrics.accuracy_score(target, prediction))
    wanted = metrics.jaccard_score(target, prediction, labels=range(4), average=None)
    assert pixels.class_iou(confusion).tolist()[:4] == pytest.approx(wanted.tolist())
    assert math.isnan(pixels.class_iou(confusion)[4])
    assert pixels.mean_iou(confusion) == pytest.approx(wanted.mean())
    ignored = torch.where(torch.arange(200) < 50, 255, target)
    assert pixels.confusion_matrix(prediction, ignored, 5).sum() == 150
