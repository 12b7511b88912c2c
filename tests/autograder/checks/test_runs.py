"""Modules of several inputs and outputs: which inputs are differentiated, and an upstream gradient for each output."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import nn

from autograder.checks import modules
from autograder.checks.compare.asides import noting
from autograder.checks.draw import Draw
from autograder.checks.sides.reference import TranscriptChannel
from autograder.errors import CheckFailed, GraderError, StudentError
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.proxy import Proxy

X, BOXES = Draw(1).normal(5, 3), Draw(2).boxes(4, 8, 9)
UPSTREAM = (Draw(3).normal(5, 2), Draw(4).normal(5, 4), None)


class Head(nn.Module):
    """Scores, transforms, and to which box each row belongs."""

    def __init__(self) -> None:
        super().__init__()
        self.scores, self.transforms = nn.Linear(3, 2), nn.Linear(3, 4)

    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, ...]:
        centre = torch.from_numpy(boxes.detach().numpy()).mean(dim=0)
        return self.scores(x), self.transforms(x) + centre, torch.arange(len(x)) % len(boxes)


class TakesNumpy(Head):
    """Boxes that require no gradient may be taken out of torch."""

    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return super().forward(x, torch.from_numpy(boxes.numpy()))


class AsList(Head):
    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> list[torch.Tensor]:
        return [*super().forward(x, boxes)]


class Stacked(nn.Module):
    """Two losses as one tensor of two, or the reverse."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.scores, self.form = nn.Linear(3, 1), form

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        scores = self.scores(x)
        losses = scores.square().sum(), scores.abs().mean()
        return losses if self.form == "tuple" else torch.stack(losses)


class TransformsDetached(Head):
    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores, transforms, rows = super().forward(x, boxes)
        return scores, transforms.detach(), rows


class WrongTransforms(Head):
    """Right values, and the gradient of the second output is lost on its way to the input."""

    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores, _, rows = super().forward(x, boxes)
        return scores, super().forward(x.detach(), boxes)[1], rows


class ScoresOnly(Head):
    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        return super().forward(x, boxes)[0]


class WrongRows(Head):
    def forward(self, x: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores, transforms, rows = super().forward(x, boxes)
        return scores, transforms, rows.flip(0)


class Pyramid(nn.Module):
    """A list in a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse, self.fine = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        coarse = self.coarse(x)
        return coarse, [self.fine(coarse), self.fine(coarse + x)]


def add(x: torch.Tensor, pair: list[torch.Tensor]) -> torch.Tensor:
    return x + pair[0] * pair[1]


def side() -> Proxy:
    module = ModuleType("submission")
    module.__file__ = "submission.py"
    vars(module).update({name: value for name, value in globals().items() if not name.startswith("__")})
    return Proxy(LocalChannel(module))


def compare(name: str, upstream: modules.Upstream = UPSTREAM, wrt: tuple[int, ...] | None = (0,)) -> None:
    trusted = Proxy(TranscriptChannel("case", lambda: side()._channel, {})).Head()
    weights = modules.draw_weights(Draw(5), trusted, X, BOXES)
    theirs, wanted = (
        modules.run(model, X, BOXES, weights=weights, training=True, upstream=upstream, wrt=wrt)
        for model in (getattr(side(), name)(), trusted)
    )
    modules.assert_same_run(theirs, wanted, what="the head")


@pytest.mark.parametrize("name", ["Head", "TakesNumpy", "AsList"])
def test_a_right_module_passes(name: str) -> None:
    compare(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("TransformsDetached", "no gradient flows through the output 2 of 3 of the head"),
        ("WrongTransforms", "the gradient of the head with respect to its input 1 of 2 differs"),
        ("ScoresOnly", r"the output of the head is a tensor with 2 axes, wanted a tuple of 3"),
        ("WrongRows", "part 3 of the output of the head differs"),
    ],
)
def test_a_wrong_module_fails_and_is_told_where(name: str, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        compare(name)


def test_all_inputs_are_differentiated_unless_something_else_is_said() -> None:
    compare("Head", wrt=None)
    with pytest.raises(StudentError, match="requires grad"):
        compare("TakesNumpy", wrt=None)


def test_gradients_are_those_of_the_sum_over_all_outputs() -> None:
    model, x = Pyramid().double(), X.clone().requires_grad_()
    upstream = Draw(6).normal(5, 3), Draw(7).normal(5, 2), Draw(8).normal(5, 2)
    coarse, (first, second) = model(x)
    total = sum((out * arrived).sum() for out, arrived in zip((coarse, first, second), upstream, strict=True))
    (wanted,) = torch.autograd.grad(total, [x])
    held = side().Pyramid()
    weights = modules.read(held, X)
    by_shape = {tuple(value.shape): value.detach() for value in model.parameters()}
    values = tuple(by_shape[slot.shape] for slot in weights.slots)
    given = modules.Weights(weights.slots, values)
    found = modules.run(held, X, weights=given, training=True, upstream=upstream)
    torch.testing.assert_close(found.inputs[0], wanted)
    assert found.attached == (True, True, True)


@pytest.mark.parametrize("wanted", ["tuple", "tensor"])
def test_a_tensor_and_a_tuple_of_its_rows_stand_for_each_other(wanted: str) -> None:
    pair = torch.tensor([2.0, 3.0])
    upstream = tuple(pair) if wanted == "tuple" else pair
    models = [side().Stacked(form) for form in ("tuple", "tensor")]
    weights = modules.read(models[0], X.float())
    first, second = (
        modules.run(model, X.float(), weights=weights, training=True, upstream=upstream) for model in models
    )
    found, right = (second, first) if wanted == "tuple" else (first, second)
    with noting({}, "losses"):
        modules.assert_same_run(found, right)


def test_an_output_of_another_shape_than_its_gradient_is_named_so() -> None:
    """It is not said that no gradient arrives."""
    with pytest.raises(CheckFailed, match=r"the output has shape \(5, 3\), wanted \(4, 3\)"):
        modules.differentiate(side().add, [X, [X, X]], upstream=torch.ones(4, 3, dtype=torch.float64))


def test_an_input_of_a_function_may_stay_plain() -> None:
    upstream = torch.ones(5, 3, dtype=torch.float64)
    found = modules.differentiate(side().add, [X, [X, X]], upstream=upstream, wrt=[1])
    assert found.inputs[0] is None
    torch.testing.assert_close(found.inputs[1], X)
    torch.testing.assert_close(found.inputs[2], X)


@pytest.mark.parametrize(
    "upstream",
    [UPSTREAM[:2], (None, None, None), (*UPSTREAM[:2], Draw(0).normal(5)), (UPSTREAM[1], UPSTREAM[0], None)],
    ids=["one-too-few", "none-at-all", "for-whole-numbers", "of-other-shapes"],
)
def test_an_upstream_gradient_that_does_not_fit_is_our_own_fault(upstream: modules.Upstream) -> None:
    with pytest.raises(GraderError, match="the head: the reference has no gradients for this upstream gradient"):
        compare("Head", upstream)


def test_a_position_that_no_input_has_is_our_own_fault() -> None:
    with pytest.raises(GraderError, match=r"wrt is \[2\], and there are 2 inputs"):
        compare("Head", wrt=(2,))
