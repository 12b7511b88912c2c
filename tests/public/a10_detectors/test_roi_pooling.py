"""Features of regions: the lecture's point, tables by hand, and one more case of each at random."""

import pytest
import torch

from autograder.checks import assert_matches, assert_pace, judge_backward, place, unpack

GRID = torch.arange(12.0, dtype=torch.float64).reshape(1, 1, 3, 4)


def regions(*rows):
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 5)


def table(*rows):
    return torch.tensor(rows, dtype=torch.float64)[None, None]


@pytest.mark.question("bilinear")
def test_the_lectures_point(student):
    """On 10 * row + column, x = 6.5 and y = 5.8 give 64.5: x is the column."""
    features = 10 * torch.arange(9.0)[:, None] + torch.arange(8.0)
    found = student.bilinear_sample(features[None].double(), torch.tensor([6.5]).double(), torch.tensor([5.8]).double())
    assert_matches(found, torch.tensor([[64.5]], dtype=torch.float64), what="the value at the point")


@pytest.mark.question("bilinear")
def test_the_border(student):
    """Within a cell of the border the border is read; beyond there is 0."""
    x, y = torch.tensor([-0.9, 4.0, -1.1]).double(), torch.tensor([1.0, 1.0, 1.0]).double()
    found = student.bilinear_sample(GRID[0], x, y)
    assert_matches(found, torch.tensor([[4.0, 7.0, 0.0]], dtype=torch.float64), what="the values at the points")


@pytest.mark.question("roi-pool-forward")
def test_pool_by_hand(student):
    """3 rows in 2 bins: the middle row is in both."""
    out, _ = unpack(student.roi_pool_forward(GRID, regions([0, 0, 0, 3, 2]), (2, 2), 1.0), "out", "cache")
    assert_matches(out, table([5, 7], [9, 11]), what="out")


@pytest.mark.question("roi-pool-forward")
def test_pool_both_ends(student):
    """From 0 to 3 there are four cells, 0, 1, 2 and 3: an 8 x 8 map that counts from 1 to 64."""
    features = torch.arange(1.0, 65.0, dtype=torch.float64).reshape(1, 1, 8, 8)
    out, _ = unpack(student.roi_pool_forward(features, regions([0, 0, 0, 3, 3]), (2, 2), 1.0), "out", "cache")
    assert_matches(out, table([10, 12], [26, 28]), what="out")


@pytest.mark.question("roi-pool-backward")
def test_pool_gradient(student):
    """One bin: all of the gradient goes to its largest cell."""
    wanted = torch.zeros(1, 1, 3, 4, dtype=torch.float64)
    wanted[0, 0, 2, 3] = 5.0

    def judge(cache_of):
        cache = cache_of(GRID, regions([0, 0, 0, 3, 2]), (1, 1), 1.0)
        assert_matches(student.roi_pool_backward(table([5.0]), cache), wanted, what="dfeatures")

    judge_backward(judge, student.roi_pool_forward)


@pytest.mark.question("roi-pool-backward")
def test_pool_gradient_of_a_shared_cell(student):
    """3 rows in 2 bins: the middle row is in both, and its cells win both. Gradients add up."""
    features = table([0, 1, 2, 3], [8, 9, 10, 11], [4, 5, 6, 7])
    wanted = table([0, 0, 0, 0], [0, 4, 0, 6], [0, 0, 0, 0])

    def judge(cache_of):
        cache = cache_of(features, regions([0, 0, 0, 3, 2]), (2, 2), 1.0)
        assert_matches(student.roi_pool_backward(table([1, 2], [3, 4]), cache), wanted, what="dfeatures")

    judge_backward(judge, student.roi_pool_forward)


@pytest.mark.question("roi-align-forward")
@pytest.mark.parametrize(
    "region, size, ratio, rows",
    [((0, 0, 0, 4, 3), (2, 2), 2, [[1.75, 3.75], [7.25, 9.25]]), ((0, 1, 1, 2, 2), (1, 1), 1, [[5.0]])],
    ids=["the-whole-map", "one-cell"],
)
def test_align_by_hand(student, region, size, ratio, rows):
    """The whole map in four bins; and a region of one cell, which gives this very cell: mind the half pixel."""
    out, _ = unpack(student.roi_align_forward(GRID, regions(region), size, 1.0, ratio), "out", "cache")
    assert_matches(out, table(*rows), what="out")


@pytest.mark.question("roi-align-backward")
def test_align_gradient(student):
    """One point halfway between two cells: each gets half."""
    wanted = torch.zeros(1, 1, 3, 4, dtype=torch.float64)
    wanted[0, 0, 1, 1:3] = 4.0

    def judge(cache_of):
        cache = cache_of(GRID, regions([0, 1, 1, 3, 2]), (1, 1), 1.0, 1)
        assert_matches(student.roi_align_backward(table([8.0]), cache), wanted, what="dfeatures")

    judge_backward(judge, student.roi_align_forward)


@pytest.mark.question("roi-align-backward")
def test_align_gradient_of_shared_cells(student):
    """Two of three regions have the same point between the same two cells. Gradients add up."""
    wanted = table([3, 3, 0, 0], [0, 5, 5, 0], [0, 0, 0, 0])

    def judge(cache_of):
        cache = cache_of(GRID, regions([0, 1, 1, 3, 2], [0, 1, 1, 3, 2], [0, 0, 0, 2, 1]), (1, 1), 1.0, 1)
        dout = torch.cat([table([8]), table([2]), table([6])])
        assert_matches(student.roi_align_backward(dout, cache), wanted, what="dfeatures")

    judge_backward(judge, student.roi_align_forward)


@pytest.mark.question("roi-speed")
def test_align_pace(student, rng):
    """RoI Align of 24 regions in 7 x 7 bins does not take hundreds of times as long as one bin."""
    features, boxes = rng.normal(1, 16, 24, 32).float(), rng.boxes(24, 96, 128).float()
    many = place(student, torch.cat([torch.zeros(24, 1), boxes], dim=1))
    one, maps = place(student, torch.tensor([[0.0, 10.0, 10.0, 50.0, 40.0]])), place(student, features)
    assert_pace(
        lambda: student.roi_align_forward(maps, many, (7, 7), 0.25, 2),
        lambda: student.roi_align_forward(maps, one, (1, 1), 0.25, 2),
        at_most=300.0,
        what="roi_align_forward of 24 regions with 49 bins each",
        against="roi_align_forward of one bin",
        hint="work on all bins of a region at once, or on all regions",
    )
