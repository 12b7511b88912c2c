"""Upsampling: the lecture's tables, one case with odd ratios, and the law of forward and backward."""

import pytest
import torch

from autograder.checks import CheckFailed, assert_matches, assert_pace, place, unpack

SLIDE = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
BILINEAR = [[1.00, 1.25, 1.75, 2.00], [1.50, 1.75, 2.25, 2.50], [2.50, 2.75, 3.25, 3.50], [3.00, 3.25, 3.75, 4.00]]
BICUBIC = [[0.68, 1.02, 1.56, 1.89], [1.35, 1.68, 2.23, 2.56], [2.44, 2.77, 3.32, 3.65], [3.11, 3.44, 3.98, 4.32]]
MAPS = torch.tensor([[[[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]], dtype=torch.float64)
POSITIONS = torch.tensor([[[[5, 2], [12, 15]]]])


def table(rows):
    return torch.tensor([[rows]], dtype=torch.float64)


def assert_transposed(forward, backward, x, upstream, name):
    """<f(x), g> = <x, f_backward(g)> for your own pair."""
    one, other = (forward * upstream).sum(), (x * backward).sum()
    if not abs(one - other) <= 1e-9 * (forward.abs() * upstream.abs()).sum():
        raise CheckFailed(
            f"{name}_backward is not the transpose of {name}", "every weight of the way there counts back"
        )


@pytest.mark.question("bed-of-nails")
def test_bed_of_nails_of_the_slide(student):
    expected = table([[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]])
    assert_matches(student.bed_of_nails(SLIDE, 2), expected)


@pytest.mark.question("bed-of-nails")
def test_bed_of_nails_backward(student, reference, rng):
    upstream = rng.normal(2, 3, 6, 9)
    assert_matches(student.bed_of_nails_backward(upstream, 3), reference.bed_of_nails_backward(upstream, 3))


@pytest.mark.question("nearest")
def test_nearest_of_the_slide(student):
    assert_matches(student.nearest(SLIDE, (4, 4)), table([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]))


@pytest.mark.question("nearest")
def test_nearest_with_odd_ratios(student, reference, rng):
    x, upstream = rng.normal(2, 2, 3, 5), rng.normal(2, 2, 7, 4)
    assert_matches(student.nearest(x, (7, 4)), reference.nearest(x, (7, 4)))
    assert_matches(student.nearest_backward(upstream, (3, 5)), reference.nearest_backward(upstream, (3, 5)))


@pytest.mark.question("bilinear-forward")
def test_bilinear_of_the_slide(student):
    assert_matches(student.bilinear(SLIDE, (4, 4)), table(BILINEAR))


@pytest.mark.question("bilinear-forward")
def test_bilinear_with_odd_ratios(student, reference, rng):
    x = rng.normal(2, 2, 3, 5)
    assert_matches(student.bilinear(x, (7, 4)), reference.bilinear(x, (7, 4)))


@pytest.mark.question("bilinear-backward")
def test_bilinear_backward(student, reference, rng):
    x, upstream = rng.normal(2, 2, 3, 5), rng.normal(2, 2, 7, 4)
    found = student.bilinear_backward(upstream, (3, 5))
    assert_matches(found, reference.bilinear_backward(upstream, (3, 5)))
    assert_transposed(reference.bilinear(x, (7, 4)), found, x, upstream, "bilinear")


@pytest.mark.question("bicubic-forward")
def test_bicubic_of_the_slide(student):
    assert_matches(student.bicubic(SLIDE, (4, 4)), table(BICUBIC), rtol=0.0, atol=0.0051)  # two digits on the slide


@pytest.mark.question("bicubic-forward")
def test_bicubic_with_odd_ratios(student, reference, rng):
    x = rng.normal(2, 2, 3, 5)
    assert_matches(student.bicubic(x, (7, 4)), reference.bicubic(x, (7, 4)))


@pytest.mark.question("bicubic-backward")
def test_bicubic_backward(student, reference, rng):
    x, upstream = rng.normal(2, 2, 3, 5), rng.normal(2, 2, 7, 4)
    found = student.bicubic_backward(upstream, (3, 5))
    assert_matches(found, reference.bicubic_backward(upstream, (3, 5)))
    assert_transposed(reference.bicubic(x, (7, 4)), found, x, upstream, "bicubic")


@pytest.mark.question("max-pool")
def test_max_pool_of_the_slide(student):
    out, positions = unpack(student.max_pool(MAPS, 2), "out", "positions")
    assert_matches(out, table([[5, 6], [7, 8]]), what="out")
    assert_matches(positions, POSITIONS, what="positions")


@pytest.mark.question("max-pool")
def test_max_pool_backward(student, rng):
    upstream = rng.normal(1, 1, 2, 2)
    expected = torch.zeros(16, dtype=torch.float64)
    expected[POSITIONS.flatten()] = upstream.flatten()
    found = student.max_pool_backward(upstream, POSITIONS, (4, 4))
    assert_matches(found, expected.reshape(1, 1, 4, 4))


@pytest.mark.question("max-unpool")
def test_max_unpool_of_the_slide(student):
    expected = table([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]])
    assert_matches(student.max_unpool(SLIDE, POSITIONS, (4, 4)), expected)


@pytest.mark.question("max-unpool")
def test_max_unpool_backward(student):
    upstream = torch.arange(16, dtype=torch.float64).reshape(1, 1, 4, 4)
    assert_matches(student.max_unpool_backward(upstream, POSITIONS), POSITIONS.double())


@pytest.mark.question("upsampling-speed")
def test_bilinear_is_fast(student, rng):
    """Beside one product of matrices of these sizes: loops over pixels take hundreds of times as long."""
    x = place(student, rng.normal(2, 16, 32, 40, dtype=torch.float32))
    down, across = rng.normal(64, 32, dtype=torch.float32), rng.normal(40, 80, dtype=torch.float32)
    given = rng.normal(2, 16, 32, 40, dtype=torch.float32)
    assert_pace(
        lambda: student.bilinear(x, (64, 80)),
        lambda: down @ given @ across,
        at_most=60.0,
        what="bilinear",
        against="two matrix products",
        hint="weight all rows at once, then all columns",
    )
