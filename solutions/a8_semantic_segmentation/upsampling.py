"""Assignment 8, part 1: making maps larger. Unpooling, interpolation, and max pooling that remembers positions.

Write your answers where a NotImplementedError is raised. Both directions are written by hand: torch's own upsampling,
pooling, convolutions and autograd stay out of your answers. Indexing, matrix products, `einsum`, `scatter_add` and
`index_add` are allowed.

Layout: (N, C, H, W), height before width. A pixel is a square: pixel i of an axis covers [i, i + 1), and its centre is
i + 0.5. Inputs are never modified; results have the dtype and device of the first tensor, positions are int64. N = 0
gives an empty result of the right shape. Compute indices and weights in float64, and cast at the end.
"""

import torch

__all__ = [
    "bed_of_nails",
    "bed_of_nails_backward",
    "bicubic",
    "bicubic_backward",
    "bilinear",
    "bilinear_backward",
    "max_pool",
    "max_pool_backward",
    "max_unpool",
    "max_unpool_backward",
    "nearest",
    "nearest_backward",
]


def bed_of_nails(x, scale):
    """Put every pixel into the upper left corner of a block of zeros.

        out[n, c, i * scale, j * scale] = x[n, c, i, j],  0 elsewhere

    Args:
        x: (N, C, H, W) floating point. Must not be modified.
        scale: int >= 1, the side of a block.

    Returns:
        (N, C, scale * H, scale * W).

    Raises:
        ValueError: scale < 1.

    >>> bed_of_nails(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 2)[0, 0]
    tensor([[1., 0., 2., 0.],
            [0., 0., 0., 0.],
            [3., 0., 4., 0.],
            [0., 0., 0., 0.]])

    Allowed: indexing.
    Source: lecture 12, "In-Network Upsampling: Unpooling".
    """
    # BEGIN SOLUTION bed-of-nails
    if scale < 1:
        raise ValueError(f"scale is {scale}; it must be at least 1")
    samples, channels, height, width = x.shape
    out = x.new_zeros(samples, channels, scale * height, scale * width)
    out[:, :, ::scale, ::scale] = x
    return out
    # END SOLUTION


def bed_of_nails_backward(upstream, scale):
    """The gradient of `bed_of_nails` with respect to x.

    Args:
        upstream: (N, C, scale * H, scale * W), the gradient that arrives at its output. Must not be modified.
        scale: int >= 1, as in the forward pass.

    Returns:
        (N, C, H, W). The law: sum(bed_of_nails(x, s) * g) = sum(x * bed_of_nails_backward(g, s)).

    >>> bed_of_nails_backward(torch.arange(8.0).reshape(1, 1, 2, 4), 2)[0, 0]
    tensor([[0., 2.]])

    Allowed: indexing.
    Source: transpose of the linear map above.
    """
    # BEGIN SOLUTION bed-of-nails
    return upstream[:, :, ::scale, ::scale].clone()
    # END SOLUTION


# BEGIN SOLUTION
def _nearest_index(size, new_size, device):
    """(new_size,) int64: which of `size` input pixels each output pixel shows, in whole numbers."""
    return (2 * torch.arange(new_size, device=device) + 1) * size // (2 * new_size)


# END SOLUTION
def nearest(x, size):
    """Resize by showing, at every output pixel, the input pixel in which its centre lies.

    Row i of the output is row ((2i + 1) H) // (2 H') of the input, and columns likewise: the centre of output pixel i
    lies at (i + 1/2) H / H' on the input's axis. On an edge between two pixels the later one counts. Compute in whole
    numbers: a ratio in floating point may fall on the wrong side of an edge.

    Args:
        x: (N, C, H, W) floating point, H, W >= 1. Must not be modified.
        size: (H', W'), ints >= 1, each larger or smaller than the input's; the two ratios may differ.

    Returns:
        (N, C, H', W').

    >>> nearest(torch.tensor([[[[1.0, 2.0, 3.0]]]]), (2, 5))[0, 0]
    tensor([[1., 1., 2., 3., 3.],
            [1., 1., 2., 3., 3.]])

    Allowed: indexing.
    Source: lecture 12, "Nearest Neighbor".
    """
    # BEGIN SOLUTION nearest
    rows = _nearest_index(x.shape[2], size[0], x.device)
    columns = _nearest_index(x.shape[3], size[1], x.device)
    return x[:, :, rows][:, :, :, columns]
    # END SOLUTION


def nearest_backward(upstream, size):
    """The gradient of `nearest` with respect to x: every input pixel gets the sum of all output pixels that show it.

    Args:
        upstream: (N, C, H', W'), the gradient that arrives at its output. Must not be modified.
        size: (H, W) of the *input* of `nearest`.

    Returns:
        (N, C, H, W).

    >>> nearest_backward(torch.tensor([[[[1.0, 2.0, 4.0, 8.0, 16.0]]]]), (1, 3))[0, 0]
    tensor([[ 3.,  4., 24.]])

    Allowed: `index_add`, or products with matrices of zeros and ones.
    Source: transpose of the linear map above.
    """
    # BEGIN SOLUTION nearest
    samples, channels, height, width = upstream.shape
    rows = _nearest_index(size[0], height, upstream.device)
    columns = _nearest_index(size[1], width, upstream.device)
    by_row = upstream.new_zeros(samples, channels, size[0], width).index_add(2, rows, upstream)
    return upstream.new_zeros(samples, channels, *size).index_add(3, columns, by_row)
    # END SOLUTION


# BEGIN SOLUTION
def _weights(kernel, reach, size, new_size, like):
    """(new_size, size): row r holds how much each input pixel of an axis counts for output pixel r.

    `reach` neighbours on each side have the weights kernel(distance); one outside means the nearest pixel inside.
    """
    source = (torch.arange(new_size, dtype=torch.float64) + 0.5) * size / new_size - 0.5
    matrix = torch.zeros(new_size, size, dtype=torch.float64)
    for offset in range(1 - reach, 1 + reach):
        neighbour = source.floor() + offset
        inside = neighbour.clamp(0, size - 1).long()
        matrix.scatter_add_(1, inside[:, None], kernel((source - neighbour).abs())[:, None])
    return matrix.to(like)


def _tent(distance):
    return (1 - distance).clamp(min=0)


def _cubic(distance, a=-0.75):
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a
    return torch.where(distance <= 1, near, far)


# END SOLUTION
def bilinear(x, size):
    """Resize by weighting the two nearest rows and the two nearest columns.

        out[n, c, r, q] = sum over i, j of  x[n, c, i, j] * max(0, 1 - |s - i|) * max(0, 1 - |t - j|)

    where s = (r + 1/2) H / H' - 1/2 and t = (q + 1/2) W / W' - 1/2, and i, j run over *all* whole numbers: an index
    outside of the image means the nearest one inside. So the corner of a larger image equals the corner of the smaller
    one. For smaller sizes the rule is the same, without any smoothing beforehand.

    Args:
        x: (N, C, H, W) floating point, H, W >= 1. Must not be modified.
        size: (H', W'), ints >= 1, each larger or smaller than the input's; the two ratios may differ.

    Returns:
        (N, C, H', W').

    >>> bilinear(torch.tensor([[[[0.0, 4.0]]]]), (1, 4))[0, 0]
    tensor([[0., 1., 3., 4.]])

    Allowed: indexing, matrix products, einsum. Hint: rows and columns can be weighted one after the other; with one
        small matrix for each axis, out = A x B^T. Loops over pixels are right, but slow.
    Source: lecture 12, "Bilinear Interpolation"; `F.interpolate(mode="bilinear", align_corners=False)` agrees.
    """
    # BEGIN SOLUTION bilinear-forward
    down = _weights(_tent, 1, x.shape[2], size[0], x)
    across = _weights(_tent, 1, x.shape[3], size[1], x)
    return down @ x @ across.T
    # END SOLUTION


def bilinear_backward(upstream, size):
    """The gradient of `bilinear` with respect to x.

    Args:
        upstream: (N, C, H', W'), the gradient that arrives at its output. Must not be modified.
        size: (H, W) of the *input* of `bilinear`.

    Returns:
        (N, C, H, W). The law: sum(bilinear(x, S) * g) = sum(x * bilinear_backward(g, s)) for x of size s, g of size S.

    >>> bilinear_backward(torch.tensor([[[[1.0, 1.0, 1.0, 5.0]]]]), (1, 2))[0, 0]
    tensor([[2., 6.]])

    Allowed: indexing, matrix products, einsum, `index_add`. Hint: where out = A x B^T, it is A^T g B.
    Source: transpose of the linear map above.
    """
    # BEGIN SOLUTION bilinear-backward
    down = _weights(_tent, 1, size[0], upstream.shape[2], upstream)
    across = _weights(_tent, 1, size[1], upstream.shape[3], upstream)
    return down.T @ upstream @ across
    # END SOLUTION


def bicubic(x, size):
    """Resize by weighting the four nearest rows and the four nearest columns.

    As `bilinear`, with the cubic kernel k instead of max(0, 1 - |t|), and a = -0.75:

        k(t) = (a + 2)|t|^3 - (a + 3)|t|^2 + 1          for |t| <= 1
               a|t|^3 - 5a|t|^2 + 8a|t| - 4a             for 1 < |t| < 2
               0                                         else

    The neighbours of s are the rows floor(s) - 1, floor(s), floor(s) + 1 and floor(s) + 2; one outside of the image
    means the nearest row inside. (The slide says three closest neighbours; the kernel reaches four.)

    Args:
        x: (N, C, H, W) floating point, H, W >= 1. Must not be modified.
        size: (H', W'), ints >= 1, each larger or smaller than the input's; the two ratios may differ.

    Returns:
        (N, C, H', W').

    >>> bicubic(torch.tensor([[[[0.0, 4.0]]]], dtype=torch.float64), (1, 4))[0, 0]
    tensor([[-0.4219,  0.9062,  3.0938,  4.4219]], dtype=torch.float64)

    Allowed: indexing, matrix products, einsum.
    Source: lecture 12, "Bicubic Interpolation"; Keys, Cubic convolution interpolation, 1981;
        `F.interpolate(mode="bicubic", align_corners=False)` agrees.
    """
    # BEGIN SOLUTION bicubic-forward
    down = _weights(_cubic, 2, x.shape[2], size[0], x)
    across = _weights(_cubic, 2, x.shape[3], size[1], x)
    return down @ x @ across.T
    # END SOLUTION


def bicubic_backward(upstream, size):
    """The gradient of `bicubic` with respect to x.

    Args:
        upstream: (N, C, H', W'), the gradient that arrives at its output. Must not be modified.
        size: (H, W) of the *input* of `bicubic`.

    Returns:
        (N, C, H, W).

    >>> bicubic_backward(torch.tensor([[[[0.0, 0.0, 0.0, 1.0]]]], dtype=torch.float64), (1, 2))[0, 0]
    tensor([[-0.1055,  1.1055]], dtype=torch.float64)

    Allowed: indexing, matrix products, einsum, `index_add`.
    Source: transpose of the linear map above.
    """
    # BEGIN SOLUTION bicubic-backward
    down = _weights(_cubic, 2, size[0], upstream.shape[2], upstream)
    across = _weights(_cubic, 2, size[1], upstream.shape[3], upstream)
    return down.T @ upstream @ across
    # END SOLUTION


def max_pool(x, window):
    """Keep the largest pixel of every window, and its position.

    Windows are squares that lie side by side from the upper left corner. Rows and columns that fill no window are left
    out.

    Args:
        x: (N, C, H, W) floating point, which may be negative or -inf. Must not be modified.
        window: int >= 1, the side of a window and the step to the next one.

    Returns:
        (out, positions), both (N, C, H // window, W // window); positions are int64: row * W + column of the largest
        pixel in the *input's* plane. Of equal pixels, the first in reading order counts.

    >>> out, positions = max_pool(torch.tensor([[[[1.0, 2.0, 6.0, 3.0], [3.0, 5.0, 2.0, 1.0]]]]), 2)
    >>> out[0, 0], positions[0, 0]
    (tensor([[5., 6.]]), tensor([[5, 2]]))

    Allowed: indexing, reshape, `max`, `argmax`.
    Source: lecture 12, "Max Unpooling: remember which element was max".
    """
    # BEGIN SOLUTION max-pool
    samples, channels, height, width = x.shape
    tall, wide = height // window, width // window
    whole = x[:, :, : tall * window, : wide * window]
    windows = whole.reshape(samples, channels, tall, window, wide, window).transpose(3, 4)
    out, inside = windows.reshape(samples, channels, tall, wide, window * window).max(dim=-1)
    rows = torch.arange(tall, device=x.device)[:, None] * window + inside // window
    columns = torch.arange(wide, device=x.device) * window + inside % window
    return out, rows * width + columns
    # END SOLUTION


def max_pool_backward(upstream, positions, size):
    """The gradient of `max_pool`'s first result with respect to x.

    Args:
        upstream: (N, C, h, w), the gradient that arrives at `out`. Must not be modified.
        positions: (N, C, h, w) int64, as `max_pool` gave them.
        size: (H, W) of the input of `max_pool`.

    Returns:
        (N, C, H, W).

    >>> max_pool_backward(torch.tensor([[[[2.0, 3.0]]]]), torch.tensor([[[[5, 2]]]]), (2, 4))[0, 0]
    tensor([[0., 0., 3., 0.],
            [0., 2., 0., 0.]])

    Allowed: `scatter`, indexing. Another function in this file does exactly the same.
    Source: only the largest pixel of a window has an effect on it.
    """
    # BEGIN SOLUTION max-pool
    samples, channels = upstream.shape[:2]
    flat = upstream.new_zeros(samples, channels, size[0] * size[1])
    flat.scatter_(2, positions.flatten(2), upstream.flatten(2))
    return flat.reshape(samples, channels, *size)
    # END SOLUTION


def max_unpool(x, positions, size):
    """Put every pixel at its position in a larger map, and zeros elsewhere.

    Args:
        x: (N, C, h, w) floating point. Must not be modified.
        positions: (N, C, h, w) int64, each row * W + column in a plane of `size`; those of one plane are distinct.
        size: (H, W), any size that holds the positions; it need not be a multiple of (h, w).

    Returns:
        (N, C, H, W).

    >>> max_unpool(torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[5, 2]]]]), (2, 4))[0, 0]
    tensor([[0., 0., 2., 0.],
            [0., 1., 0., 0.]])

    Allowed: `scatter`, indexing.
    Source: lecture 12, "Max Unpooling".
    """
    # BEGIN SOLUTION max-unpool
    samples, channels = x.shape[:2]
    flat = x.new_zeros(samples, channels, size[0] * size[1])
    flat.scatter_(2, positions.flatten(2), x.flatten(2))
    return flat.reshape(samples, channels, *size)
    # END SOLUTION


def max_unpool_backward(upstream, positions):
    """The gradient of `max_unpool` with respect to x.

    Args:
        upstream: (N, C, H, W), the gradient that arrives at its output. Must not be modified.
        positions: (N, C, h, w) int64, as in the forward pass.

    Returns:
        (N, C, h, w).

    >>> max_unpool_backward(torch.arange(8.0).reshape(1, 1, 2, 4), torch.tensor([[[[5, 2]]]]))[0, 0]
    tensor([[5., 2.]])

    Allowed: `gather`, indexing.
    Source: transpose of the linear map above.
    """
    # BEGIN SOLUTION max-unpool
    return upstream.flatten(2).gather(2, positions.flatten(2)).reshape(positions.shape)
    # END SOLUTION
