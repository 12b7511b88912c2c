"""Transposed convolution: the lecture's examples with numbers, and one case in which no two sizes are equal."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, assert_pace, place, unpack

W = torch.tensor([2.0, 3.0, 5.0], dtype=torch.float64)
PARAM = {"stride": 2, "padding": 1, "output_padding": 1}


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.question("transposed-1d")
def test_1d_example_of_the_lecture(student):
    assert_matches(student.transposed_convolution_1d(vector(7, 11), W, 2), vector(14, 21, 57, 33, 55))


@pytest.mark.question("transposed-1d")
def test_1d_with_stride_3(student, reference, rng):
    x, w = rng.normal(4), rng.normal(5)
    assert_matches(student.transposed_convolution_1d(x, w, 3), reference.transposed_convolution_1d(x, w, 3))


@pytest.mark.question("convolution-matrix")
def test_matrix_of_the_lecture(student):
    expected = torch.zeros(4, 6, dtype=torch.float64)
    for row in range(4):
        expected[row, row : row + 3] = W
    assert_matches(student.convolution_matrix(W, 4, 1, 1), expected, what="the matrix for stride 1")
    assert_matches(student.convolution_matrix(W, 4, 2, 1), expected[::2], what="the matrix for stride 2")


@pytest.mark.question("convolution-matrix")
def test_convolution_of_the_lecture(student):
    x = vector(7, 11, 13, 17)
    assert_matches(student.convolve_by_matrix(x, W, 1, 1), vector(76, 112, 146, 77), what="stride 1")
    assert_matches(student.convolve_by_matrix(x, W, 2, 1), vector(76, 146), what="stride 2")


@pytest.mark.question("matrix-transpose")
def test_transpose_of_the_lecture(student):
    y = vector(7, 11, 13, 17)
    assert_matches(student.transposed_by_matrix(y, W, 6, 1, 0), vector(14, 43, 94, 128, 116, 85), what="stride 1")
    # The sixth entry is 0: no window of the convolution of stride 2 reaches it.
    assert_matches(
        student.transposed_by_matrix(vector(7, 11), W, 6, 2, 0), vector(14, 21, 57, 33, 55, 0), what="stride 2"
    )


@pytest.mark.question("matrix-transpose")
def test_transpose_without_the_padding(student):
    assert_matches(student.transposed_by_matrix(vector(7, 11), W, 4, 2, 1), vector(21, 57, 33, 55))


@pytest.mark.question("transposed-forward")
def test_five_by_five_and_its_trimmed_version(student, rng):
    """A 2x2 input with stride 2 gives 5x5; with padding 1 and output padding 1, exactly its rows and columns 1 to 4."""
    x, w, b = rng.normal(1, 2, 2, 2), rng.normal(2, 3, 3, 3), rng.normal(3)
    whole = student.transposed_convolution(x, w, b, {"stride": 2, "padding": 0, "output_padding": 0})
    if not isinstance(whole, torch.Tensor) or whole.shape != (1, 3, 5, 5):
        raise CheckFailed("2x2 pixels, filters 3x3 and stride 2 should give an output of 5x5")
    assert_matches(student.transposed_convolution(x, w, b, PARAM), whole[:, :, 1:, 1:], what="the trimmed output")


@pytest.mark.question("transposed-forward")
def test_forward_where_no_two_sizes_are_equal(student, reference, rng):
    x, w, b = rng.normal(2, 3, 4, 5), rng.normal(3, 2, 3, 2), rng.normal(2)
    assert_matches(student.transposed_convolution(x, w, b, PARAM), reference.transposed_convolution(x, w, b, PARAM))


@pytest.mark.question("transposed-forward")
def test_sizes_go_back_and_forth(student, rng):
    """A convolution of stride 2 and padding 1 makes 2x2 of 4x4; the transposed one makes 4x4 of 2x2."""
    x, w, b = rng.normal(1, 1, 2, 2), rng.normal(1, 1, 4, 4), rng.normal(1)
    out = student.transposed_convolution(x, w, b, {"stride": 2, "padding": 1, "output_padding": 0})
    if not isinstance(out, torch.Tensor) or out.shape != (1, 1, 4, 4):
        raise CheckFailed("2x2 pixels, filters 4x4, stride 2 and padding 1 should give an output of 4x4")


@pytest.mark.question("transposed-backward")
def test_backward(student, reference, rng):
    x, w, b = rng.normal(2, 3, 4, 5), rng.normal(3, 2, 3, 2), rng.normal(2)
    upstream = rng.normal(*reference.transposed_convolution(x, w, b, PARAM).shape)
    found = unpack(student.transposed_convolution_backward(upstream, x, w, b, PARAM), "dx", "dw", "db")
    expected = reference.transposed_convolution_backward(upstream, x, w, b, PARAM)
    for name, gradient, value in zip(("dx", "dw", "db"), found, expected, strict=True):
        assert_matches(gradient, value, what=name)


@pytest.mark.question("plain-convolution")
def test_plain_convolution(student):
    w = torch.arange(12, dtype=torch.float64).reshape(1, 2, 2, 3)
    filters, padding = unpack(student.as_plain_convolution(w, 0), "the filters", "the padding")
    expected = torch.tensor([[[[5, 4, 3], [2, 1, 0]]], [[[11, 10, 9], [8, 7, 6]]]], dtype=torch.float64)
    assert_matches(filters, expected, what="the filters")
    if tuple(padding) != (1, 2):
        raise CheckFailed(
            f"the padding is {tuple(padding)}, wanted (1, 2)", "rows first; filters minus 1 minus padding"
        )


@pytest.mark.question("transposed-speed")
def test_transposed_convolution_is_fast(student, rng):
    """Beside the one product that all copies come from: loops over pixels take hundreds of times as long."""
    x, w, b = rng.normal(1, 32, 24, 20), rng.normal(32, 32, 3, 3), rng.normal(32)
    x, w, b = (tensor.float() for tensor in (x, w, b))
    columns, rows = w.flatten(1).T.contiguous(), x.flatten(2)[0]
    placed = [place(student, tensor) for tensor in (x, w, b)]
    assert_pace(
        lambda: student.transposed_convolution(*placed, PARAM),
        lambda: columns @ rows,
        at_most=40.0,
        what="transposed_convolution",
        against="one matrix product",
        hint="loop over filter positions, not over pixels",
    )
