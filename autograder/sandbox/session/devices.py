"""Runs code that asks for a GPU by name on the CPU, if this machine has no GPU.

A hard-coded "cuda", "mps" or "xpu" must not hide a right answer. A call that raises for lack of a GPU is repeated with
the CPU in the GPU's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["lacks_gpu", "without_gpu"]

T = TypeVar("T")
DEVICES = ("cuda", "mps", "xpu")
COMPLAINTS = (
    *("not compiled with CUDA", "compiled without CUDA", "no NVIDIA driver", "No CUDA GPUs", "CUDA driver"),
    *("Cannot get CUDA generator", "attribute '_cuda_", "without ATen_cuda", "requires CUDA support", "CUDA device"),
    *("dummy base class Event", "dummy base class Stream", "accelerator device when none", "pin_memory=True requires"),
    *("'MPS' backend", "MPS backend", "mps devices", "compiled with XPU", "Cannot get XPU generator"),
    "Storage device not recognized",
)
KINDS = (AssertionError, AttributeError, RuntimeError, TypeError, LookupError)
FACTS = SimpleNamespace(name="CPU", major=0, minor=0, total_memory=1 << 30, multi_processor_count=1)


class _Stream:
    """The replacement of a stream. Work on the CPU is done when the call returns."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None: ...

    def query(self) -> bool:
        return True

    def synchronize(self, *_: Any) -> None: ...

    wait_event = wait_stream = wait = synchronize


class _Event(_Stream):
    """The replacement of an event. It measures time as the GPU's does, in milliseconds."""

    _time = 0.0

    def record(self, *_: Any) -> None:
        self._time = time.perf_counter()

    def elapsed_time(self, end: _Event) -> float:
        return 1000 * (end._time - self._time)


def _gives(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


# Names of torch.cuda, torch.mps and torch.xpu that programs for a GPU use, with their replacements on the CPU.
EVERYWHERE: Mapping[str, Any] = {
    **dict.fromkeys(("synchronize", "set_device", "init", "empty_cache", "ipc_collect", "manual_seed"), _gives(None)),
    **dict.fromkeys(("reset_peak_memory_stats", "reset_max_memory_allocated", "set_rng_state"), _gives(None)),
    **dict.fromkeys(("current_device", "current_allocated_memory", "driver_allocated_memory"), _gives(0)),
    **dict.fromkeys(("utilization", "memory_allocated", "max_memory_allocated"), _gives(0)),
    **dict.fromkeys(("current_stream", "default_stream"), lambda *_: _Stream()),
    **dict.fromkeys(("stream", "device"), lambda *_, **__: nullcontext()),
    "memory_summary": _gives(""),
    "mem_get_info": _gives((FACTS.total_memory, FACTS.total_memory)),
    "get_device_name": _gives(FACTS.name),
    "get_device_capability": _gives((FACTS.major, FACTS.minor)),
    "get_device_properties": _gives(FACTS),
    "get_rng_state": lambda *_: torch.get_rng_state(),
    "Stream": _Stream,
    "Event": _Event,
}


def without_gpu(call: Callable[[], T], report: Callable[[BaseException], None] = lambda error: None) -> T:
    """The result of a call. If it fails for lack of a GPU, it is repeated with the CPU in the GPU's place.

    Args:
        report: called with the error if the call is repeated.
    """
    try:
        return call()
    except KINDS as error:
        if not lacks_gpu(error):
            raise
        report(error)
    with _on_cpu():
        return call()


def lacks_gpu(error: BaseException) -> bool:
    """True if code raised this because it asked for a GPU and this machine has none."""
    known = isinstance(error, KINDS) and any(complaint in str(error) for complaint in COMPLAINTS)
    return known and not torch.cuda.is_available()


@contextmanager
def _on_cpu() -> Iterator[None]:
    """Inside this block, every device of `DEVICES` is the CPU, also the default device."""
    try:
        torch.empty(0)
    except (AssertionError, RuntimeError):  # the code made the GPU its default device
        torch.set_default_device(None)
    modules = [vars(getattr(torch, name)) for name in DEVICES if hasattr(torch, name)]
    set_type, load = torch.set_default_tensor_type, torch.load

    def loaded(f: Any, map_location: Any = None, *values: Any, **named: Any) -> Any:
        return load(f, "cpu", *values, **named)

    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        *((names, {name: value for name, value in EVERYWHERE.items() if name in names}) for names in modules),
        *((names, {name: getattr(torch, name) for name in names if name.endswith("Tensor")}) for names in modules),
        (
            vars(torch),
            {
                "set_default_device": lambda device: None,
                "set_default_tensor_type": lambda kind: set_type(_instead(kind)),
                "Generator": _Generator,
                "load": loaded,
            },
        ),
    ]
    before = [(names, {name: names[name] for name in change}) for names, change in changes]
    for names, change in changes:
        names.update(change)
    try:
        with _OnCpu():
            yield
    finally:
        for names, change in before:
            names.update(change)


class _AnyGenerator(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, torch._C.Generator)


class _Generator(metaclass=_AnyGenerator):
    def __new__(cls, device: Any = "cpu") -> Any:
        return torch._C.Generator("cpu")


class _OnCpu(TorchFunctionMode):
    """Replaces the devices of `DEVICES` by the CPU in the arguments of torch functions."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in (torch.Tensor.cuda, torch.Tensor.xpu, torch.Tensor.pin_memory):
            return args[0]
        named = {name: _instead(value) for name, value in (kwargs or {}).items() if name != "pin_memory"}
        return func(*map(_instead, args), **named)


def _instead(value: Any) -> Any:
    """The CPU for a device of `DEVICES`, the CPU's type for the type of its tensors; any other value unchanged."""
    if isinstance(value, torch.device):
        return "cpu" if value.type in DEVICES else value
    if type(value) is not str:
        return value
    if value.startswith("torch.cuda.") and value.endswith("Tensor"):
        return value.replace("torch.cuda.", "torch.")
    return "cpu" if value.partition(":")[0] in DEVICES else value
