"""Notices, inside a worker, that a submission uses what its question rules out.

Kernels are overridden in torch's dispatcher, which costs nothing, covers every thread and every way to call them;
the autograd engine's entry is replaced. Each use is recorded as well as refused, so that a `try` in the submission
does not hide it. This is evidence, not proof: the submission shares the process and could undo it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection
from contextlib import suppress
from types import FrameType, SimpleNamespace
from typing import Any, NoReturn

import torch

from autograder.course.model import Rule
from autograder.sandbox.channel.failures import LABELS

__all__ = ["ForbiddenOperation", "Guard"]

# Names in the dispatcher, of its `aten` namespace where none is given. What is composed of these needs no entry.
KERNELS = {
    Rule.CONVOLUTION: (
        *("convolution", "convolution_overrideable", "convolution_backward", "_convolution", "mkldnn_convolution"),
        *("im2col", "col2im", "thnn_conv2d", "_slow_conv2d_forward", "_slow_conv2d_backward", "slow_conv3d_forward"),
        *("slow_conv_dilated2d", "slow_conv_dilated3d", "slow_conv_transpose2d", "slow_conv_transpose3d"),
        *("_conv_depthwise2d", "conv_depthwise3d", "conv_tbc", "_nnpack_spatial_convolution"),
        *("cudnn_convolution", "cudnn_convolution_transpose", "cudnn_convolution_relu", "cudnn_convolution_add_relu"),
        *("mkldnn::_convolution_pointwise", "mkldnn::_convolution_transpose_pointwise", "quantized::conv2d"),
    ),
    Rule.POOLING: (
        *(
            "max_pool2d_with_indices",
            "max_pool2d_with_indices_backward",
            "max_pool3d_with_indices",
            "mkldnn_max_pool2d",
        ),
        *("adaptive_max_pool2d", "adaptive_max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d"),
        *("avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "mkldnn_adaptive_avg_pool2d"),
        *("avg_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool1d", "quantized_max_pool2d"),
    ),
    Rule.AUTOGRAD: ("_make_dual",),  # forward mode; backward is caught at the engine
}
KEYS = ("CPU", "AutogradCPU", "MkldnnCPU", "QuantizedCPU")
CUDA_KEYS = ("CUDA", "AutogradCUDA")  # no kernel of a build without CUDA is reached by these
MAX_RECORDS = 16


class ForbiddenOperation(RuntimeError):
    """Raised in the submission's code where it uses what the question rules out."""


class Guard:
    """Watches for some rules from its creation on, until they are lifted.

    A rule that was lifted does not come back: code that ran without it may have kept hold of what it is to watch.
    """

    def __init__(self, rules: Collection[Rule]) -> None:
        self._seen: list[tuple[Rule, list[tuple[str, int]]]] = []
        self._libraries: dict[tuple[Rule, str], torch.library.Library] = {}
        self._engine: list[tuple[Any, str, Any]] = []  # holder, attribute, what was there
        self._keys = KEYS if torch.version.cuda is None else (*KEYS, *CUDA_KEYS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that a kernel is overridden
            for rule in rules:
                refuse = self._refuse(rule)
                for name in KERNELS[rule]:
                    self._override(name, rule, refuse)
        if Rule.AUTOGRAD in rules:
            self._replace_engine()

    def keep_only(self, rules: Collection[Rule]) -> None:
        """Lift every other rule."""
        for rule, namespace in [place for place in self._libraries if place[0] not in rules]:
            self._libraries.pop((rule, namespace))._destroy()  # type: ignore[no-untyped-call]
        if Rule.AUTOGRAD not in rules:
            while self._engine:
                holder, name, original = self._engine.pop()
                setattr(holder, name, original)

    def used(self, own: Collection[str]) -> list[list[Any]]:
        """What was used since the last call: [rule, file, line] of the deepest line in the submission's `own` files.

        The file is "" where none of them is on the stack.
        """
        seen, self._seen = self._seen, []
        return [[rule.value, *next((step for step in stack if step[0] in own), ("", 0))] for rule, stack in seen]

    def _refuse(self, rule: Rule) -> Callable[..., NoReturn]:
        def refuse(*args: object, **kwargs: object) -> NoReturn:
            if len(self._seen) < MAX_RECORDS:
                self._seen.append((rule, _stack()))
            raise ForbiddenOperation(f"{LABELS[rule]} may not be used in this question")

        return refuse

    def _override(self, name: str, rule: Rule, refuse: Callable[..., NoReturn]) -> None:
        namespace, _, operator = name.rpartition("::")
        library = self._library(rule, namespace or "aten")
        packet = getattr(getattr(torch.ops, namespace or "aten"), operator, None)
        for overload in packet.overloads() if packet is not None else ():
            qualified = operator if overload == "default" else f"{operator}.{overload}"
            for key in self._keys:
                # Not every operator takes a kernel for every key; what is composed of others is caught in those.
                with suppress(RuntimeError):
                    library.impl(qualified, refuse, key)  # type: ignore[no-untyped-call]

    def _library(self, rule: Rule, namespace: str) -> torch.library.Library:
        place = rule, namespace
        if place not in self._libraries:
            self._libraries[place] = torch.library.Library(namespace, "IMPL")  # type: ignore[no-untyped-call]
        return self._libraries[place]

    def _replace_engine(self) -> None:
        """Every public way to run backward calls the first, which torch's own modules import by name."""
        refuse = self._refuse(Rule.AUTOGRAD)
        replaced: tuple[tuple[Any, str, Any], ...] = (
            (torch.autograd, "_engine_run_backward", refuse),
            (torch.autograd.graph, "_engine_run_backward", refuse),
            # The engine beneath it. `torch.autograd.variable` as an attribute is a function.
            (torch._C, "_ImperativeEngine", refuse),
            (sys.modules["torch.autograd.variable"], "ImperativeEngine", refuse),
            (torch.autograd.Variable, "_execution_engine", SimpleNamespace(run_backward=refuse)),
        )
        for holder, name, instead in replaced:
            self._engine.append((holder, name, getattr(holder, name)))
            setattr(holder, name, instead)


def _stack() -> list[tuple[str, int]]:
    """File and line of every frame, deepest first."""
    steps: list[tuple[str, int]] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(steps) < 200:
        steps.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return steps
