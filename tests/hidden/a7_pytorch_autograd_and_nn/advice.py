"""Recognises the best-known mistakes in a block by the layers that run in it; says nothing where it cannot be sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from autograder.checks import Proxy, StudentError, modules

__all__ = ["advice_on"]

BATCH_NORMS = (
    "pre-activation: a batch norm and a ReLU come before each convolution, and are of the channels that enter it"
)
STRIDES = "another convolution has the stride: with downsample it belongs to the block's first one, and to the shortcut"


def advice_on(theirs: Proxy, ours: Proxy, x: torch.Tensor) -> str:
    """A sentence on the student's module, or "": layers that are written as functions are not seen."""
    try:
        found, wanted = (modules.executed(model, x) for model in (theirs, ours))
    except StudentError:
        return ""
    kinds, others = _kinds(found), _kinds(wanted)
    if sorted(kinds) == sorted(others) and (kinds != others or _norms(found) != _norms(wanted)):
        return BATCH_NORMS
    if _sizes(found) == _sizes(wanted) and _strides(found) != _strides(wanted):
        return STRIDES
    return ""


def _kinds(steps: Sequence[modules.LayerRun]) -> list[str]:
    """Batch norms and wide convolutions, in the order of execution."""
    return [step.layer.kind for step in steps if step.layer.kind == "BatchNorm2d" or step in _wide(steps)]


def _norms(steps: Sequence[modules.LayerRun]) -> list[Any]:
    """Channels of each batch norm, in the order of execution."""
    return [step.layer.settings.get("num_features") for step in steps if step.layer.kind == "BatchNorm2d"]


def _sizes(steps: Sequence[modules.LayerRun]) -> list[str]:
    """Channels and kernel of each convolution, in an order that does not tell when the shortcut runs."""
    return sorted(_words(step, "in_channels", "out_channels", "kernel_size") for step in _convolutions(steps))


def _strides(steps: Sequence[modules.LayerRun]) -> list[list[str]]:
    """Of the wide convolutions in the order of execution; of the 1x1 ones, by channels."""
    wide = _wide(steps)
    narrow = [step for step in _convolutions(steps) if step not in wide]
    return [
        [_words(step, "stride") for step in wide],
        sorted(_words(step, "in_channels", "out_channels", "stride") for step in narrow),
    ]


def _convolutions(steps: Sequence[modules.LayerRun]) -> list[modules.LayerRun]:
    return [step for step in steps if step.layer.kind == "Conv2d"]


def _wide(steps: Sequence[modules.LayerRun]) -> list[modules.LayerRun]:
    return [step for step in _convolutions(steps) if step.layer.settings.get("kernel_size") != (1, 1)]


def _words(step: modules.LayerRun, *settings: str) -> str:
    return str([step.layer.settings.get(name) for name in settings])
