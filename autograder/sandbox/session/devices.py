"""Runs code that asks for a GPU by name on the CPU, if this machine has no GPU.

A hard-coded "cuda" must not hide a right answer. A call that raises for lack of a GPU is repeated with the
CPU in the GPU's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["without_gpu"]

T = TypeVar("T")
COMPLAINTS = (
    *("not compiled with CUDA", "compiled without CUDA", "no NVIDIA driver", "No CUDA GPUs", "CUDA driver"),
    *("Cannot get CUDA generator", "attribute '_cuda_"),
)
# Functions of torch.cuda that programs for a GPU call, with their results on the CPU.
ANSWERS: Mapping[str, Any] = {"synchronize": None, "current_device": 0, "set_device": None, "init": None}


def without_gpu(call: Callable[[], T], told: Callable[[BaseException], None] = lambda error: None) -> T:
    """The result of a call. If it fails for lack of a GPU, it is repeated with the CPU in the GPU's place.

    Args:
        told: called with the error if the call is repeated.
    """
    try:
        return call()
    except (AssertionError, AttributeError, RuntimeError) as error:
        if torch.cuda.is_available() or not any(complaint in str(error) for complaint in COMPLAINTS):
            raise
        told(error)
    with _on_cpu():
        return call()


@contextmanager
def _on_cpu() -> Iterator[None]:
    """Inside this block, every device "cuda" is the CPU, also the default device."""
    try:
        torch.empty(0)
    except (AssertionError, RuntimeError):  # the code made the GPU its default device
        torch.set_default_device(None)
    before = {name: getattr(torch.cuda, name) for name in ANSWERS}, torch.set_default_device
    vars(torch.cuda).update({name: lambda *_, value=value, **__: value for name, value in ANSWERS.items()})
    torch.set_default_device = lambda device: None
    try:
        with _OnCpu():
            yield
    finally:
        vars(torch.cuda).update(before[0])
        torch.set_default_device = before[1]


class _OnCpu(TorchFunctionMode):
    """Replaces the device "cuda" by the CPU in the arguments of torch functions."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.cuda:
            return args[0]
        return func(*map(_instead, args), **{name: _instead(value) for name, value in (kwargs or {}).items()})


def _instead(value: Any) -> Any:
    by_name = type(value) is str and value.partition(":")[0] == "cuda"
    return "cpu" if by_name or (isinstance(value, torch.device) and value.type == "cuda") else value
