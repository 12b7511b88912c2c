"""The three blocks: in every combination of channels and sizes, in training and in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from advice import advice_on
from comparing import assert_count, assert_same_module, both
from distributions import assert_all, assert_spread

from autograder.checks import CheckFailed, Draw, Proxy, StudentError, fetch, modules

QUESTIONS = {"PlainBlock": "plain-block", "ResidualBlock": "residual-block", "ResidualBottleneck": "bottleneck-block"}
EXPANSION = {"PlainBlock": 1, "ResidualBlock": 1, "ResidualBottleneck": 4}

IDENTITY = "here nothing changes shape: the shortcut is x itself, before batch norm and ReLU"
CHANNELS = "here channels change, and sizes do not: the shortcut needs a 1x1 convolution with stride 1, on x itself"
SIZES = "here sizes change, and channels do not: the shortcut needs a 1x1 convolution with stride 2, on x itself"
BOTH = "here channels and sizes change: the shortcut needs a 1x1 convolution with stride 2, on x itself"


@dataclass(frozen=True)
class Case:
    """A block, and images (N, Cin, H, W) for it."""

    block: str
    name: str
    outputs: int
    downsample: bool
    images: tuple[int, int, int, int]
    dtype: torch.dtype = torch.float64
    weight: float = 1.0

    @property
    def arguments(self) -> tuple[int, int, bool]:
        return self.images[1], self.outputs, self.downsample

    def __str__(self) -> str:
        inputs, outputs, downsample = self.arguments
        return f"{self.block}({inputs}, {outputs}, downsample={downsample})"

    @property
    def note(self) -> str:
        if self.block == "PlainBlock":
            return "downsample gives the first convolution stride 2, and nothing else" if self.downsample else ""
        same = self.images[1] == self.outputs * EXPANSION[self.block]
        return (SIZES if same else BOTH) if self.downsample else (IDENTITY if same else CHANNELS)

    @property
    def count(self) -> int:
        """Parameters: two for each channel of a batch norm, no biases."""
        inputs, outputs, downsample = self.arguments
        if self.block == "ResidualBottleneck":
            total = 2 * (inputs + 2 * outputs) + (inputs + 9 * outputs + 4 * outputs) * outputs
        else:
            total = 2 * (inputs + outputs) + 9 * (inputs + outputs) * outputs
        widened = outputs * EXPANSION[self.block]
        needs_shortcut = self.block != "PlainBlock" and (downsample or inputs != widened)
        return total + needs_shortcut * inputs * widened


def cases_of(block: str) -> Iterable[Case]:
    """Every combination of channels that stay or change and sizes that stay or are halved."""
    wide = EXPANSION[block]
    # Half of the weight: channels that are doubled or stay, and square images, as in the handout's networks.
    yield Case(block, "course-first", 16, False, (2, 16, 16, 16), weight=4.0)
    yield Case(block, "course-next", 8, False, (2, 8 * wide, 16, 16), weight=4.0)
    yield Case(block, "course-smaller", 16, True, (2, 8 * wide, 16, 16), weight=3.0)
    yield Case(block, "nothing-changes", 3, False, (4, 3 * wide, 6, 6))
    yield Case(block, "more-channels", 5, False, (3, 3, 4, 7))
    yield Case(block, "fewer-channels", 2, False, (3, 2 * wide + 3, 5, 4))
    yield Case(block, "smaller", 4, True, (3, 4 * wide, 6, 8))
    yield Case(block, "smaller-odd", 3, True, (3, 3 * wide, 7, 5))
    yield Case(block, "smaller-and-more-channels", 6, True, (3, 3, 8, 6))
    yield Case(block, "smaller-and-fewer-channels-odd", 2, True, (4, 2 * wide + 3, 5, 9))
    yield Case(block, "one-image", 4, False, (1, 3, 5, 4))
    yield Case(block, "float32", 3, True, (4, 2, 6, 5), torch.float32)
    if wide > 1:
        # The widths within and without the block agree where the outputs' do not, and the other way round.
        yield Case(block, "as-many-inside", 3, False, (3, 3, 4, 5))
        yield Case(block, "as-many-inside-smaller", 3, True, (3, 3, 5, 6))


CASES = [case for block in QUESTIONS for case in cases_of(block)]
# As the handout counts them.
COUNTED = [
    Case(block, f"3-{outputs}{'-smaller' * downsample}", outputs, downsample, (2, 3, 8, 8))
    for block in QUESTIONS
    for outputs, downsample in ((3, False), (10, False), (10, True))
]


def every(cases: Iterable[Case], weight: float = 1.0) -> Callable[..., Any]:
    """Each case under its block's question, with its share of this weight."""

    def param(case: Case) -> Any:
        mark = pytest.mark.question(QUESTIONS[case.block], weight=weight * case.weight)
        return pytest.param(case, id=f"{case.block}-{case.name}", marks=mark)

    return pytest.mark.parametrize("case", [param(case) for case in cases])


def check_call(student: Proxy, reference: Proxy, rng: Draw, case: Case, *, training: bool) -> None:
    """One call beside the reference's; whoever fails is told what is special about the case."""
    theirs, ours = both(student, reference, case.block, *case.arguments)
    x = rng.normal(*case.images, dtype=case.dtype)
    try:
        assert_same_module(rng, theirs, ours, x, training=training, what=str(case))
    except CheckFailed as failure:
        failure.hint = advice_on(theirs, ours, x) or failure.hint or case.note
        raise
    except StudentError as error:
        if case.note:
            error.add_note(case.note)
        raise


@every(CASES)
def test_training(student: Proxy, reference: Proxy, rng: Draw, case: Case) -> None:
    """In training mode, the block's output, gradients and running statistics are right."""
    check_call(student, reference, rng, case, training=True)


@every(CASES)
def test_evaluation(student: Proxy, reference: Proxy, rng: Draw, case: Case) -> None:
    """In evaluation mode, the block's output and gradients are right, and running statistics do not change."""
    check_call(student, reference, rng, case, training=False)


@every(COUNTED)
def test_parameters(student: Proxy, reference: Proxy, rng: Draw, case: Case) -> None:
    """The block has the right number of parameters and of output channels."""
    theirs, ours = both(student, reference, case.block, *case.arguments)
    assert_count(rng, theirs, ours, rng.normal(*case.images), case.count, str(case))
    expansion = fetch(getattr(student, case.block).expansion)
    if type(expansion) is not int or expansion != EXPANSION[case.block]:
        raise CheckFailed(f"{case.block}.expansion is not {EXPANSION[case.block]}", "it is given: leave it as it is")


@every([Case(block, "wide", 20, True, (2, 24, 4, 4)) for block in QUESTIONS], weight=0.5)
def test_initial_values(student: Proxy, rng: Draw, case: Case) -> None:
    """The first parameters are drawn as torch's layers draw them.

    Batch norms only normalize, weights have variance 1 / (3 fan_in).
    """
    model = modules.assert_module(getattr(student, case.block)(*case.arguments), case.block)
    start = modules.read(model, rng.normal(*case.images))
    constants = {"scale": 1.0, "shift": 0.0, "running_mean": 0.0, "running_var": 1.0, "num_batches_tracked": 0}
    for slot, value in zip(start.slots, start.values, strict=True):
        if slot.role in constants:
            assert_all(value, constants[slot.role], f"{slot.role} of a batch norm")
        elif value.dim() == 4:
            what = "the weight of a convolution"
            assert_spread(value, (3.0 * value[0].numel()) ** -0.5, what)
