"""Assignment 8, part 2: transposed convolution, as a sum of shifted filters and as a matrix.

Write your answers where a NotImplementedError is raised. Both directions are written by hand: torch's convolutions,
fold, unfold and autograd stay out of your answers. Indexing, matrix products and `einsum` are allowed.

Layout: (N, C, H, W), height before width. Inputs are never modified; results have the dtype and device of the first
tensor. N = 0 gives an empty result of the right shape.
"""

import torch

__all__ = [
    "as_plain_convolution",
    "convolution_matrix",
    "convolve_by_matrix",
    "transposed_by_matrix",
    "transposed_convolution",
    "transposed_convolution_1d",
    "transposed_convolution_backward",
]


def transposed_convolution_1d(x, w, stride):
    """Add up copies of the filter, one for every entry of x, `stride` apart: transposed convolution of a vector.

        out[i * stride + k] += x[i] * w[k]   for all i, k

    Args:
        x: (L,) floating point. Must not be modified.
        w: (K,), K >= 1, the filter.
        stride: int >= 1.

    Returns:
        ((L - 1) * stride + K,); (0,) for L = 0. Entries that no copy reaches are 0.

    Raises:
        ValueError: stride < 1.

    >>> transposed_convolution_1d(torch.tensor([1.0, 10.0]), torch.tensor([2.0, 3.0, 5.0]), 2)
    tensor([ 2.,  3., 25., 30., 50.])

    Allowed: one loop, over x or over w.
    Source: lecture 12, "Transposed Convolution: 1D example".
    """
    # Your answer to transposed-1d takes the place of the next line.
    raise NotImplementedError("transposed-1d")


def convolution_matrix(w, length, stride, padding):
    """The matrix X with which X @ p is the convolution of a padded vector p with w, without flipping w.

    Row i holds w from column i * stride on, zeros elsewhere. The padding belongs to the *vector*, p = [0 .. x .. 0],
    not to the matrix: so X has length + 2 * padding columns.

    Args:
        w: (K,) floating point, the filter. Must not be modified.
        length: int >= 0, entries of x without its padding.
        stride: int >= 1.
        padding: int >= 0, zeros on each side of x.

    Returns:
        (L', length + 2 * padding) with L' = 1 + (length + 2 * padding - K) // stride.

    Raises:
        ValueError: K > length + 2 * padding.

    >>> convolution_matrix(torch.tensor([1.0, 2.0, 3.0]), length=4, stride=2, padding=1)
    tensor([[1., 2., 3., 0., 0., 0.],
            [0., 0., 1., 2., 3., 0.]])

    Allowed: loops.
    Source: lecture 12, "Convolution as Matrix Multiplication".
    """
    # Your answer to convolution-matrix takes the place of the next line.
    raise NotImplementedError("convolution-matrix")


def convolve_by_matrix(x, w, stride, padding):
    """Convolve a vector with a filter by one matrix product: X @ [0 .. x .. 0].

    Args:
        x: (L,) floating point. Must not be modified.
        w: (K,), K <= L + 2 * padding, the filter.
        stride: int >= 1.
        padding: int >= 0, zeros on each side of x.

    Returns:
        (L',), L' as for `convolution_matrix`.

    >>> convolve_by_matrix(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0, 100.0]), 1, 1)
    tensor([210.,  21.])

    Allowed: your `convolution_matrix`.
    Source: lecture 12, "Convolution as Matrix Multiplication".
    """
    # Your answer to convolution-matrix takes the place of the next line.
    raise NotImplementedError("convolution-matrix")


def transposed_by_matrix(y, w, length, stride, padding):
    """Multiply by the transpose of the convolution's matrix, and cut off the entries of the padding.

        (X^T y) without its first `padding` and its last `padding` entries

    Args:
        y: (L',) floating point, as long as the convolution's result. Must not be modified.
        w: (K,), the filter.
        length: int, entries of the convolution's input, which is the shape of the result.
        stride: int >= 1.
        padding: int >= 0.

    Returns:
        (length,). Entries that no window of the convolution reaches are 0.

    >>> transposed_by_matrix(torch.tensor([1.0, 10.0]), torch.tensor([2.0, 3.0, 5.0]), 4, 2, 1)
    tensor([ 3., 25., 30., 50.])

    Allowed: your `convolution_matrix`.
    Source: lecture 12, "Transposed convolution multiplies by the transpose of the same matrix".
    """
    # Your answer to matrix-transpose takes the place of the next line.
    raise NotImplementedError("matrix-transpose")


def transposed_convolution(x, w, b, param):
    """Add up copies of the filters, one for every input pixel, `stride` apart: transposed convolution.

        full[n, f, i * stride + u, j * stride + v] += x[n, c, i, j] * w[c, f, u, v]   for all c, i, j, u, v

    Then cut `padding` rows and columns of the full result from all four sides. Append `output_padding` rows at the
    lower side and as many columns at the right side: those of the full result where it reaches that far, and 0 beyond.
    Last, add b everywhere, also in the appended rows and columns.

    Args:
        x: (N, C, H, W) floating point, H, W >= 1. Must not be modified.
        w: (C, F, HH, WW), the filters, *input* channels first.
        b: (F,), one bias per output channel.
        param: {"stride": int >= 1, "padding": int >= 0, "output_padding": int >= 0}, the same for both axes.

    Returns:
        (N, F, H', W') with H' = (H - 1) * stride - 2 * padding + HH + output_padding, W' likewise.

    Raises:
        ValueError: output_padding >= stride, or an output size below 1.

    >>> x, w, b = torch.tensor([[[[1.0, 10.0]]]]), torch.tensor([[[[2.0, 3.0, 5.0]]]]), torch.tensor([0.5])
    >>> transposed_convolution(x, w, b, {"stride": 2, "padding": 0, "output_padding": 1})[0, 0]
    tensor([[ 2.5000,  3.5000, 25.5000, 30.5000, 50.5000,  0.5000],
            [ 0.5000,  0.5000,  0.5000,  0.5000,  0.5000,  0.5000]])

    Allowed: matrix products, einsum, loops over filter positions. Loops over pixels are right, but slow.
    Source: lecture 12, "Learnable Upsampling: Transposed Convolution"; Dumoulin and Visin, A guide to convolution
        arithmetic, 2016; `F.conv_transpose2d` agrees.
    """
    # Your answer to transposed-forward takes the place of the next line.
    raise NotImplementedError("transposed-forward")


def transposed_convolution_backward(upstream, x, w, b, param):
    """The gradients of `transposed_convolution`.

    Args:
        upstream: (N, F, H', W'), the gradient that arrives at its output. Must not be modified.
        x, w, b, param: the arguments of the forward pass. Must not be modified.

    Returns:
        (dx, dw, db), in the shapes of x, w and b; db and dw are sums over samples.

    >>> x, w, b = torch.tensor([[[[1.0, 10.0]]]]), torch.tensor([[[[2.0, 3.0, 5.0]]]]), torch.tensor([0.5])
    >>> param = {"stride": 2, "padding": 0, "output_padding": 0}
    >>> dx, dw, db = transposed_convolution_backward(torch.tensor([[[[1.0, 0.0, 0.0, 0.0, 2.0]]]]), x, w, b, param)
    >>> dx[0, 0], dw[0, 0], db
    (tensor([[ 2., 10.]]), tensor([[ 1.,  0., 20.]]), tensor([3.]))

    Allowed: matrix products, einsum, loops over filter positions. Hint: dx is a plain convolution of upstream.
    Source: the chain rule.
    """
    # Your answer to transposed-backward takes the place of the next line.
    raise NotImplementedError("transposed-backward")


def as_plain_convolution(w, padding):
    """The filters and the zero padding of the plain convolution that equals a transposed convolution of stride 1.

    A plain convolution of stride 1 slides filters (F, C, HH, WW) over an image with p rows of zeros above and below it
    and q columns of zeros at either side, without flipping them.

    Args:
        w: (C, F, HH, WW), filters of the transposed convolution. Must not be modified.
        padding: int >= 0, its padding; its stride is 1 and its output_padding 0.

    Returns:
        (filters, (p, q)): filters (F, C, HH, WW), and two ints >= 0.

    Raises:
        ValueError: p or q would be negative.

    >>> filters, padding = as_plain_convolution(torch.tensor([[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]]), 0)
    >>> filters[:, 0, 0], padding
    (tensor([[3., 2., 1.],
            [6., 5., 4.]]), (0, 2))

    Allowed: `flip`, `transpose`.
    Source: Dumoulin and Visin, A guide to convolution arithmetic, 2016, section 4.
    """
    # Your answer to plain-convolution takes the place of the next line.
    raise NotImplementedError("plain-convolution")
