"""A GPU that is written into a submission's code, on a machine that has none: the code runs on the CPU instead.

Whether an answer takes the device that it is given is one question, whether it is right another. What asks for "cuda"
by name raises here; it is then carried out once more, with the CPU in the place of the GPU.
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
# What programs for a GPU ask of torch.cuda besides tensors there, and what they get on the CPU.
ANSWERS: Mapping[str, Any] = {"synchronize": None, "current_device": 0, "set_device": None, "init": None}


def without_gpu(call: Callable[[], T], told: Callable[[BaseException], None] = lambda error: None) -> T:
    """What a call returns; where it fails for want of a GPU, what it returns with the CPU in its place.

    Args:
        told: called with what failed, where the CPU takes the GPU's place.
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
    """Every device called "cuda" is the CPU, the default device too."""
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
    """Replaces devices among arguments."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.cuda:
            return args[0]
        return func(*map(_instead, args), **{name: _instead(value) for name, value in (kwargs or {}).items()})


def _instead(value: Any) -> Any:
    by_name = type(value) is str and value.partition(":")[0] == "cuda"
    return "cpu" if by_name or (isinstance(value, torch.device) and value.type == "cuda") else value
