"""Assignment 10, part 1: features of regions. RoI Pool and RoI Align, forward and backward.

Write your answers where a NotImplementedError is raised.

In a feature map of stride s, cell (i, j) covers rows [i s, (i + 1) s) and columns [j s, (j + 1) s) of the image. A
region is five numbers (n, x1, y1, x2, y2): the number of its image in the batch, and a box in pixels of the image, x to
the right, y down, by *edges* of pixels: its width is x2 - x1. An index coordinate counts cells: 0 is the centre of the
first one. So x in the image is x * spatial_scale - 1/2 as an index coordinate ("half-pixel"; torchvision:
aligned=True).

Inputs are never modified. Results have the dtype and the device of the features. In this file you must not use
autograd, functions of torch that pool or interpolate (`grid_sample`, `interpolate`, `max_pool2d`, ...), or the
`fast_roi_align` of kit.py. torchvision is not available where your work is graded.
"""

import math

import torch
from torch import Tensor

__all__ = [
    "bilinear_sample",
    "roi_align_backward",
    "roi_align_forward",
    "roi_pool_backward",
    "roi_pool_forward",
]


def bilinear_sample(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Read a feature map between its cells, by bilinear interpolation.

        f(x, y) = sum over rows i and columns j of  features[:, i, j] max(0, 1 - |x - j|) max(0, 1 - |y - i|)

    At most four terms are not 0: those of the four nearest cells. A point with x < -1, x > W, y < -1 or y > H gives 0.
    Any other point is first clamped: x into [0, W - 1], y into [0, H - 1]. So a point that is less than a cell outside
    reads the value at the border. With the formula alone, it would fade to 0.

    Args:
        features: (C, H, W) floating point.
        x: (S,) floating point, *columns*, in index coordinates.
        y: (S,), *rows*, likewise.

    Returns:
        (C, S): the features at the points (x[s], y[s]).

    Edge cases: S = 0 gives shape (C, 0). H = 1 or W = 1: there is no next cell.

    >>> rows, columns = torch.arange(9.0), torch.arange(8.0)
    >>> features = 10 * rows[:, None] + columns
    >>> bilinear_sample(features[None], torch.tensor([6.5]), torch.tensor([5.8]))  # the lecture's point
    tensor([[64.5000]])

    Allowed: indexing, and any arithmetic on whole tensors.
    Source: Jaderberg et al., Spatial Transformer Networks, NeurIPS 2015, equation 5; He et al., Mask R-CNN, ICCV 2017.
    """
    # Your answer to bilinear takes the place of the next line.
    raise NotImplementedError("bilinear")


def roi_pool_forward(
    features: Tensor, rois: Tensor, output_size: tuple[int, int], spatial_scale: float
) -> tuple[Tensor, tuple[Tensor, Tensor, tuple[int, int], float]]:
    """RoI Pool: cut each region into bins of whole cells, and take the maximum of each.

    As published in 2015. Each coordinate c of a box is rounded to a cell: floor(c * spatial_scale + 1/2), halves up
    (`torch.round` takes halves to even numbers). Both ends belong to the region, so it is w = max(x2 - x1 + 1, 1) cells
    wide and h = max(y2 - y1 + 1, 1) cells high, with the rounded coordinates. (Our boxes are given by edges, so this is
    one column and one row too many. The notebook asks about it.) Bin (i, j) covers the rows

        floor(i h / PH) + y1  up to, not including,  ceil((i + 1) h / PH) + y1,

    cut to [0, H], and columns likewise. If h / PH is not a whole number, bins overlap. (Multiply first, or work with
    whole numbers: in floating point, 7 * (29 / 7) is more than 29, so its ceiling is 30.)

    Args:
        features: (N, C, H, W) floating point.
        rois: (R, 5) floating point, (n, x1, y1, x2, y2): number of the image, box in pixels of the image.
        output_size: (PH, PW), how many bins; need not be square.
        spatial_scale: cells per pixel, 1 / 8 for a map of stride 8.

    Returns:
        (out, cache): out (R, C, PH, PW), the maximum of each bin in each channel; the cache is (features, rois,
        output_size, spatial_scale), given below.

    Edge cases: a bin without cells gives 0, for example where the region is outside of the map. All values of a bin may
    be negative; then its maximum is negative. A region with x2 < x1 is one cell wide, and one with y2 < y1 is one cell
    high, as the formulas say. Regions need not be sorted by image; an image may have none. R = 0 gives shape
    (0, C, PH, PW).

    >>> features = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> out, cache = roi_pool_forward(features, torch.tensor([[0.0, 0.0, 0.0, 3.0, 2.0]]), (2, 2), 1.0)
    >>> out  # 3 rows in 2 bins: the middle row is in both
    tensor([[[[ 5.,  7.],
              [ 9., 11.]]]])

    Allowed: indexing, `amax`, and loops over regions and bins, but not over channels: see `roi-speed` in README.md.
    Source: Girshick, Fast R-CNN, ICCV 2015, section 2.1, and its code.
    """
    # Your answer to roi-pool-forward takes the place of the next line.
    raise NotImplementedError("roi-pool-forward")
    cache = (features, rois, output_size, spatial_scale)
    return out, cache


def roi_pool_backward(dout: Tensor, cache: tuple[Tensor, Tensor, tuple[int, int], float]) -> Tensor:
    """The gradient of RoI Pool with respect to the features.

    Each entry of `dout` goes to the cell with the maximum of its bin. A cell that is the maximum of several bins, of
    one region or of several, gets the sum. A bin without cells adds nothing. If several cells of a bin share the
    maximum, the first one by rows gets the entry; the checks do not test this.

    Args:
        dout: (R, C, PH, PW), the upstream gradient.
        cache: (features, rois, output_size, spatial_scale), from `roi_pool_forward`. You may compute the maxima again.

    Returns:
        (N, C, H, W), the gradient with respect to the features. Regions get none.

    Edge cases: R = 0 gives zeros.

    >>> features = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> out, cache = roi_pool_forward(features, torch.tensor([[0.0, 0.0, 0.0, 3.0, 2.0]]), (1, 1), 1.0)
    >>> roi_pool_backward(torch.full((1, 1, 1, 1), 5.0), cache)
    tensor([[[[0., 0., 0., 0.],
              [0., 0., 0., 0.],
              [0., 0., 0., 5.]]]])

    Allowed: as for `roi_pool_forward`.
    """
    features, rois, output_size, spatial_scale = cache
    # Your answer to roi-pool-backward takes the place of the next line.
    raise NotImplementedError("roi-pool-backward")


def roi_align_forward(
    features: Tensor, rois: Tensor, output_size: tuple[int, int], spatial_scale: float, sampling_ratio: int
) -> tuple[Tensor, tuple[Tensor, Tensor, tuple[int, int], float, int]]:
    """RoI Align: average features at points that are spread evenly over each bin. Nothing is rounded.

    A region (n, x1, y1, x2, y2) is cut into PH x PW bins. Bin (i, j) holds q x q points, where q is the sampling ratio.
    In index coordinates, point (a, b) of the bin lies at

        y = y1 s + (i + (a + 1/2) / q) (y2 - y1) s / PH - 1/2,   x = x1 s + (j + (b + 1/2) / q) (x2 - x1) s / PW - 1/2

    where s is the spatial scale. The output is the mean of `bilinear_sample` at the q x q points. Points outside count
    as 0; the sum is still divided by q * q.

    Args:
        features: (N, C, H, W) floating point.
        rois: (R, 5) floating point, (n, x1, y1, x2, y2): number of the image, box in pixels of the image.
        output_size: (PH, PW), how many bins; need not be square.
        spatial_scale: s, cells per pixel, 1 / 8 for a map of stride 8.
        sampling_ratio: q >= 1, points per bin along each axis.

    Returns:
        (out, cache): out (R, C, PH, PW); the cache is (features, rois, output_size, spatial_scale, sampling_ratio),
        given below.

    Edge cases: a region without area is no special case: its points coincide. A region smaller than a cell is not
    enlarged. Regions need not be sorted by image. R = 0 gives shape (0, C, PH, PW).
    Raises: ValueError for a sampling ratio below 1. (In torchvision, 0 would mean "as many as fit".)

    >>> features = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> rois = torch.tensor([[0.0, 0.0, 0.0, 4.0, 3.0], [0.0, 1.0, 1.0, 2.0, 2.0]])
    >>> roi_align_forward(features, rois[:1], (2, 2), 1.0, 2)[0]
    tensor([[[[1.7500, 3.7500],
              [7.2500, 9.2500]]]])
    >>> roi_align_forward(features, rois[1:], (1, 1), 1.0, 1)[0]  # the region is exactly one cell
    tensor([[[[5.]]]])

    Allowed: indexing, and any arithmetic on whole tensors.
    Source: He et al., Mask R-CNN, ICCV 2017, section 3.
    """
    # Your answer to roi-align-forward takes the place of the next line.
    raise NotImplementedError("roi-align-forward")
    cache = (features, rois, output_size, spatial_scale, sampling_ratio)
    return out, cache


def roi_align_backward(dout: Tensor, cache: tuple[Tensor, Tensor, tuple[int, int], float, int]) -> Tensor:
    """The gradient of RoI Align with respect to the features.

    RoI Align is linear in the features: each output is a sum of cells times weights. So each entry of `dout` goes back
    to the same cells with the same weights. A cell gets the sum over all points, bins and regions. (If an index comes
    twice, `d[index] += g` adds only one of its values.)

    Args:
        dout: (R, C, PH, PW), the upstream gradient.
        cache: (features, rois, output_size, spatial_scale, sampling_ratio), from `roi_align_forward`.

    Returns:
        (N, C, H, W), the gradient with respect to the features. Regions get none.

    Edge cases: R = 0 gives zeros.

    >>> features = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> out, cache = roi_align_forward(features, torch.tensor([[0.0, 1.0, 1.0, 3.0, 2.0]]), (1, 1), 1.0, 1)
    >>> roi_align_backward(torch.full((1, 1, 1, 1), 8.0), cache)  # one point, halfway between two cells
    tensor([[[[0., 0., 0., 0.],
              [0., 4., 4., 0.],
              [0., 0., 0., 0.]]]])

    Allowed: as for `roi_align_forward`; `index_add_` adds all values of an index that comes twice.
    """
    features, rois, output_size, spatial_scale, sampling_ratio = cache
    # Your answer to roi-align-backward takes the place of the next line.
    raise NotImplementedError("roi-align-backward")
