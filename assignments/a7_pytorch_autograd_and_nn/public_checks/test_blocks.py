"""The three blocks: parameters counted, outputs, gradients and running statistics, in both modes."""

import pytest
from sides import assert_count, assert_same_module

# Cin, Cout, downsample
SHAPES = {
    "same-channels": (3, 3, False),
    "more-channels": (3, 5, False),
    "smaller": (4, 4, True),
    "smaller-and-more-channels": (3, 6, True),
}
BLOCKS = {"PlainBlock": "plain-block", "ResidualBlock": "residual-block", "ResidualBottleneck": "bottleneck-block"}
# As the handout has them: block, Cin, Cout, parameters.
COUNTS = [
    ("PlainBlock", 3, 10, 1196),
    ("ResidualBlock", 3, 3, 174),
    ("ResidualBlock", 3, 10, 1226),
    ("ResidualBottleneck", 3, 3, 180),
    ("ResidualBottleneck", 3, 10, 1496),
]


def of_question(*cases):
    """Parameters for a check, each case under the question of its block, its first."""
    return [
        pytest.param(*case, id="-".join(map(str, case)), marks=pytest.mark.question(BLOCKS[case[0]])) for case in cases
    ]


@pytest.mark.parametrize("block, inputs, outputs, count", of_question(*COUNTS))
def test_count(student, block, inputs, outputs, count):
    assert_count(getattr(student, block)(inputs, outputs), count, f"{block}({inputs}, {outputs})")


@pytest.mark.parametrize("block, shape", of_question(*((block, shape) for block in BLOCKS for shape in SHAPES)))
def test_block(student, reference, rng, block, shape):
    theirs, ours = (getattr(side, block)(*SHAPES[shape]) for side in (student, reference))
    x = rng.normal(4, SHAPES[shape][0], 6, 5)
    arguments = ", ".join(map(str, SHAPES[shape]))
    assert_same_module(rng, theirs, ours, x, f"{block}({arguments})")


@pytest.mark.question("bottleneck-block")
def test_bottleneck_identity(student, reference, rng):
    theirs, ours = (side.ResidualBottleneck(8, 2) for side in (student, reference))
    assert_same_module(rng, theirs, ours, rng.normal(4, 8, 5, 6), "ResidualBottleneck(8, 2)")
