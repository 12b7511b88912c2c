"""Gradients of functions against those of an obvious forward; runs of modules whose parts were loaded apart; dtypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from autograder.checks import CheckFailed, Draw, Proxy, StudentError, assert_matches, modules, oracle_gradients

__all__ = [
    "assert_gradients",
    "assert_same_part",
    "compare_parameters",
    "compare_runs",
    "load_parts",
    "whole_numbers",
    "without_parameters",
]

DETACHED = "is something detached on the way?"
OF_NOTHING = "a result over nothing is 0, but still hangs on its inputs: a sum of none of them, for example"


def assert_gradients(
    function: Proxy,
    args: Sequence[torch.Tensor],
    wrt: Sequence[int],
    oracle: Callable[..., torch.Tensor],
    upstream: torch.Tensor,
    names: Sequence[str],
    unit: bool = False,
) -> None:
    """Fail unless the gradients for `args[i]`, i in `wrt`, are those of the oracle, and arrive even where they are 0.

    Args:
        oracle: of all arguments; returns what the function returns, or the part of it that is asked about.
        upstream: the gradient that arrives at the output.
        names: of the arguments in `wrt`.
        unit: these arguments are unit vectors, one a row. What a gradient has along its vector does not count: there,
            formulas that agree for unit vectors differ.
    """
    run = modules.differentiate(function, args, upstream=upstream, wrt=wrt)

    def forward(*chosen: torch.Tensor) -> torch.Tensor:
        given = list(args)
        for place, value in zip(wrt, chosen, strict=True):
            given[place] = value
        return oracle(*given)

    wanted = oracle_gradients(forward, [args[place] for place in wrt], upstream)
    for place, name, gradient in zip(wrt, names, wanted, strict=True):
        found = run.inputs[place]
        if found is None:
            raise CheckFailed(f"no gradient arrives at {name}", DETACHED if gradient.any() else OF_NOTHING)
        if unit and type(found) is torch.Tensor and found.shape == gradient.shape:
            found, gradient = (_across(each, args[place]) for each in (found, gradient))
        assert_matches(found, gradient, what=f"the gradient with respect to {name}")


def _across(gradient: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """What each row of a gradient has at right angles to its unit vector."""
    vectors = vectors.to(gradient)
    return gradient - (gradient * vectors).sum(dim=1, keepdim=True) * vectors


def load_parts(rng: Draw, pairs: Sequence[tuple[Proxy, Proxy, Sequence[torch.Tensor]]]) -> None:
    """Put the same drawn weights into a submission's part and the reference's, for each (theirs, ours, inputs).

    A part that cannot be called alone, a list of layers for example, takes them in the order of definition.
    """
    for theirs, ours, inputs in pairs:
        weights = modules.draw_weights(rng, ours, *inputs)
        modules.load(ours, weights, *inputs)
        try:
            modules.load(theirs, weights, *inputs)
        except StudentError:
            modules.load(theirs, weights)


def without_parameters(run: modules.Run) -> modules.Run:
    """The outputs, and the gradients of the inputs, alone."""
    return replace(run, slots=(), parameters=(), buffers=())


def compare_runs(
    student: Proxy,
    reference: Proxy,
    inputs: Sequence[Any],
    upstream: torch.Tensor,
    what: str,
    parts: Sequence[str] = ("outputs", "gradients"),
) -> None:
    """Outputs, and gradients of the inputs, of two modules whose weights were loaded before.

    Args:
        parts: "gradients" alone leaves the outputs out; without "gradients" there are none.
    """
    arriving = upstream if "gradients" in parts else None
    runs = [modules.run(model, *inputs, training=True, upstream=arriving) for model in (student, reference)]
    if len(parts) == 1 and arriving is not None:
        runs = [replace(run, output=torch.zeros(())) for run in runs]
    modules.assert_same_run(*map(without_parameters, runs), what=what)


def compare_parameters(
    student: Proxy,
    reference: Proxy,
    inputs: Sequence[Any],
    upstream: torch.Tensor,
    what: str,
    wrt: Sequence[int] | None = None,
) -> None:
    """Fail unless a module holds its parameters, and gradients arrive where they arrive at the reference's.

    Both have the same weights. The order of parameters is free: the lengths of all gradients of one shape are compared,
    sorted. None is as good as zeros. Where the output is wrong, which other checks say, lengths do not count.
    """
    theirs, ours = (
        modules.run(model, *inputs, training=True, upstream=upstream, wrt=wrt) for model in (student, reference)
    )
    right = _same(theirs.output, ours.output)
    for shape in sorted({slot.shape for slot in ours.slots if not slot.buffer}):
        wanted, found = (_lengths(run, shape) for run in (ours, theirs))
        if len(found) < len(wanted):
            hint = "a layer counts only as an attribute of a module or in an nn.ModuleList, not in a plain list"
            raise CheckFailed(f"{what} does not hold all parameters of its parts", hint)
        if int((found > 0).sum()) < int((wanted > 0).sum()):
            raise CheckFailed(f"no gradient arrives at some of the parameters of {what}", DETACHED)
        if right:
            largest = found.sort(descending=True).values[: len(wanted)]
            name = f"the length of the gradients of {what} with respect to its parameters of one shape"
            assert_matches(largest, wanted.sort(descending=True).values, what=name, rtol=1e-4, atol=1e-6)


def _same(found: Any, wanted: torch.Tensor) -> bool:
    try:
        assert_matches(found, wanted)
    except CheckFailed:
        return False
    return True


def _lengths(run: modules.Run, shape: tuple[int, ...]) -> torch.Tensor:
    """The length of the gradient of each parameter of this shape, below 1e-9 that of no gradient."""
    slots = [slot for slot in run.slots if not slot.buffer]
    lengths = [
        float(value.detach().norm()) if type(value) is torch.Tensor else 0.0
        for slot, value in zip(slots, run.parameters, strict=True)
        if slot.shape == shape
    ]
    return torch.tensor([length if not length < 1e-9 else 0.0 for length in lengths], dtype=torch.float64)


def assert_same_part(
    rng: Draw, student: Proxy, reference: Proxy, inputs: Sequence[Any], upstream: torch.Tensor, what: str
) -> None:
    """Load the same weights by order of use, and compare outputs and gradients; of an empty batch, outputs alone."""
    weights = modules.draw_weights(rng, reference, *inputs)
    theirs, ours = (
        modules.run(model, *inputs, weights=weights, training=True, upstream=upstream if len(upstream) else None)
        for model in (student, reference)
    )
    modules.assert_same_run(theirs, ours, what=what)


def whole_numbers(value: Any) -> Any:
    """A tensor of whole numbers as int64: one check takes points for another dtype, and the others do not."""
    kinds = (torch.int8, torch.int16, torch.int32)
    return value.to(torch.int64) if type(value) is torch.Tensor and value.dtype in kinds else value
