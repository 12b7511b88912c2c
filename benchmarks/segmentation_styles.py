"""How many times the reference's time other right answers take, in the three questions of speed of assignment 8.

    python -m benchmarks.segmentation_styles

One thread, float32, the sizes that are graded on a CPU; the best of calls that take half a second together. Up to where
an answer earns full and half points, `assignment.toml` says.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "solutions/a8_semantic_segmentation"), str(ROOT / "solutions")]

import fully_convolutional_network as network  # noqa: E402
import transposed_convolution as transposed  # noqa: E402
import upsampling  # noqa: E402

Tensor = torch.Tensor
STRIDE_2 = {"stride": 2, "padding": 1, "output_padding": 1}


def neighbours(length: int, new: int) -> tuple[Tensor, Tensor, Tensor]:
    """The two indices that each output pixel asks, and the share of the second."""
    source = (torch.arange(new, dtype=torch.float64) + 0.5) * length / new - 0.5
    low = source.floor().long()
    return low.clamp(0, length - 1), (low + 1).clamp(0, length - 1), (source - low).float()


def gathered(x: Tensor, size: tuple[int, int]) -> Tensor:
    for axis in (2, 3):
        first, second, share = neighbours(x.shape[axis], size[axis - 2])
        share = share[:, None] if axis == 2 else share
        x = x.index_select(axis, first) * (1 - share) + x.index_select(axis, second) * share
    return x


def four_corners(x: Tensor, size: tuple[int, int]) -> Tensor:
    up, down, v = neighbours(x.shape[2], size[0])
    left, right, u = neighbours(x.shape[3], size[1])
    v = v[:, None]
    top = x[:, :, up][..., left] * (1 - u) + x[:, :, up][..., right] * u
    bottom = x[:, :, down][..., left] * (1 - u) + x[:, :, down][..., right] * u
    return top * (1 - v) + bottom * v


def line_by_line(x: Tensor, size: tuple[int, int]) -> Tensor:
    for axis in (2, 3):
        first, second, share = neighbours(x.shape[axis], size[axis - 2])
        ends = zip(first.tolist(), second.tolist(), share.tolist(), strict=True)
        x = torch.stack([x.select(axis, a) * (1 - s) + x.select(axis, b) * s for a, b, s in ends], dim=axis)
    return x


def pixel_by_pixel(x: Tensor, size: tuple[int, int]) -> Tensor:
    rows = [each.tolist() for each in neighbours(x.shape[2], size[0])]
    columns = [each.tolist() for each in neighbours(x.shape[3], size[1])]
    out = x.new_zeros(*x.shape[:2], *size)
    for r, (a, b, v) in enumerate(zip(*rows, strict=True)):
        for q, (c, d, u) in enumerate(zip(*columns, strict=True)):
            top = x[:, :, a, c] * (1 - u) + x[:, :, a, d] * u
            out[:, :, r, q] = top * (1 - v) + (x[:, :, b, c] * (1 - u) + x[:, :, b, d] * u) * v
    return out


def added_by_index(upstream: Tensor, size: tuple[int, int]) -> Tensor:
    for axis in (2, 3):
        first, second, share = neighbours(size[axis - 2], upstream.shape[axis])
        share = share[:, None] if axis == 2 else share
        shape = list(upstream.shape)
        shape[axis] = size[axis - 2]
        out = upstream.new_zeros(shape)
        upstream = out.index_add(axis, first, upstream * (1 - share)).index_add(axis, second, upstream * share)
    return upstream


def added_line_by_line(upstream: Tensor, size: tuple[int, int]) -> Tensor:
    for axis in (2, 3):
        first, second, share = neighbours(size[axis - 2], upstream.shape[axis])
        shape = list(upstream.shape)
        shape[axis] = size[axis - 2]
        out = upstream.new_zeros(shape)
        for k, (a, b, s) in enumerate(zip(first.tolist(), second.tolist(), share.tolist(), strict=True)):
            line = upstream.select(axis, k)
            out.select(axis, a).add_(line * (1 - s))
            out.select(axis, b).add_(line * s)
        upstream = out
    return upstream


def added_pixel_by_pixel(upstream: Tensor, size: tuple[int, int]) -> Tensor:
    rows = [each.tolist() for each in neighbours(size[0], upstream.shape[2])]
    columns = [each.tolist() for each in neighbours(size[1], upstream.shape[3])]
    out = upstream.new_zeros(*upstream.shape[:2], *size)
    for r, (a, b, v) in enumerate(zip(*rows, strict=True)):
        for q, (c, d, u) in enumerate(zip(*columns, strict=True)):
            pixel = upstream[:, :, r, q]
            for row, column, share in (
                (a, c, (1 - v) * (1 - u)),
                (a, d, (1 - v) * u),
                (b, c, v * (1 - u)),
                (b, d, v * u),
            ):
                out[:, :, row, column] += pixel * share
    return out


def laid_down(x: Tensor, w: Tensor, b: Tensor, by_pixel: bool) -> Tensor:
    """A transposed convolution with STRIDE_2, input pixel by input pixel, or filter position by filter position."""
    height, width = x.shape[2:]
    out = x.new_zeros(len(x), w.shape[1], 2 * height + 2, 2 * width + 2)
    if by_pixel:
        for i in range(height):
            for j in range(width):
                out[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += torch.einsum("nc,cfuv->nfuv", x[:, :, i, j], w)
    else:
        for u in range(3):
            for v in range(3):
                laid = torch.einsum("nchw,cf->nfhw", x, w[:, :, u, v])
                out[:, :, u : u + 2 * height : 2, v : v + 2 * width : 2] += laid
    return out[:, :, 1 : 1 + 2 * height, 1 : 1 + 2 * width] + b[:, None, None]


def spread_and_gathered(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The input on a bed of nails, zeros around it, and a plain convolution of that, in one product."""
    height, width = x.shape[2:]
    spread = x.new_zeros(*x.shape[:2], 2 * height + 2, 2 * width + 2)
    spread[:, :, 1:-1:2, 1:-1:2] = x
    windows = spread.unfold(2, 3, 1).unfold(3, 3, 1)
    return torch.einsum("nchwuv,cfuv->nfhw", windows, w.flip(2, 3)) + b[:, None, None]


def unfolded(images: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Every layer as one product with all of its windows."""
    out, _ = network._padded(images, layers)
    for number, (w, b) in enumerate(layers):
        out = out.clamp(min=0) if number else out
        columns = torch.nn.functional.unfold(out, w.shape[2])
        size = [side - w.shape[2] + 1 for side in out.shape[2:]]
        out = (w.flatten(1) @ columns + b[:, None]).reshape(len(out), len(w), *size)
    return out


def window_by_window(images: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    padded, size = network._padded(images, layers)
    height, width = images.shape[2:]
    rows = [
        torch.cat([network._apply(padded[:, :, i : i + size, j : j + size], layers) for j in range(width)], dim=3)
        for i in range(height)
    ]
    return torch.cat(rows, dim=2)


def best(call: Callable[[], Tensor]) -> float:
    """Seconds of the fastest call."""
    call()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < 500):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def compare(what: str, ways: dict[str, Callable[[], Tensor]]) -> None:
    """Print a row for each way; the first is the reference's."""
    reference, baseline = None, 0.0
    for name, call in ways.items():
        out, seconds = call(), best(call)
        if reference is None:
            reference, baseline = out, seconds
        torch.testing.assert_close(out, reference, rtol=1e-3, atol=1e-3)
        print(f"| {what} | {name} | {1000 * seconds:.2f} | {seconds / baseline:.1f} |", flush=True)


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print("| question | way | ms | times the reference |\n|---|---|---|---|")
    x, size = torch.randn(4, 32, 32, 40), (64, 80)
    ways = {"gathered by index": gathered, "four corners": four_corners, "line by line": line_by_line}
    ways = {"a matrix for each axis": upsampling.bilinear, **ways, "pixel by pixel": pixel_by_pixel}
    compare("bilinear", {name: (lambda way=way: way(x, size)) for name, way in ways.items()})
    upstream = torch.randn(4, 32, 64, 80)
    backward = {"added by index": added_by_index, "line by line": added_line_by_line}
    backward = {
        "a matrix for each axis": upsampling.bilinear_backward,
        **backward,
        "pixel by pixel": added_pixel_by_pixel,
    }
    compare("bilinear_backward", {name: (lambda way=way: way(upstream, (32, 40))) for name, way in backward.items()})
    x, w, b = torch.randn(2, 8, 48, 40), torch.randn(8, 8, 3, 3), torch.randn(8)
    compare(
        "transposed_convolution",
        {
            "reference": lambda: transposed.transposed_convolution(x, w, b, STRIDE_2),
            "filter position by position": lambda: laid_down(x, w, b, by_pixel=False),
            "spread on nails, all windows in one product": lambda: spread_and_gathered(x, w, b),
            "pixel by pixel": lambda: laid_down(x, w, b, by_pixel=True),
        },
    )
    images = torch.randn(1, 3, 48, 64)
    layers = [(0.1 * torch.randn(f, c, 5, 5), torch.randn(f)) for c, f in ((3, 8), (8, 8), (8, 8), (8, 6))]
    compare(
        "fully_convolutional_scores",
        {
            "every layer once": lambda: network.fully_convolutional_scores(images, layers),
            "every layer unfolded": lambda: unfolded(images, layers),
            "all windows in batches": lambda: network.sliding_window_scores(images[0], layers)[None],
            "window by window": lambda: window_by_window(images, layers),
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
