"""What a timing needs of a device, inside the worker: take tensors there, wait for it, its clock.

The submission shares this process and can patch any of it. The grader's own clock decides where the two disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["Accelerator"]

# What is written over between slices, as a multiple of the last-level cache, so that inputs come from memory.
FLUSH = 2
CACHE_UNKNOWN = 64 << 20


class Accelerator:
    """One device.

    Args:
        device: "cpu", where nothing needs doing, or "cuda".
        library: torch.cuda, or what stands in for it.
        place: where its tensors are, `device` itself unless something stands in for it.
    """

    def __init__(self, device: str, library: Any = torch.cuda, place: str = "") -> None:
        self._device, self._library = place or device, library
        self._scratch: torch.Tensor | None = None
        if device == "cuda":
            library.init()
            facts = library.get_device_properties(0)
            size = getattr(facts, "L2_cache_size", 0) or CACHE_UNKNOWN
            self._scratch = torch.empty(FLUSH * size, dtype=torch.uint8, device=self._device)
            # TF32 keeps ten bits of a number: answers of two right styles would differ as if work had been left out.
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
            some = torch.empty((64, 64), device=self._device).zero_()
            torch.matmul(some, some)  # loads and sets up the library of matrix products
            library.synchronize()

    def take(self, value: Any) -> Any:
        """A tensor on this device; anything else as it is."""
        return value.to(self._device) if isinstance(value, torch.Tensor) and self._device != "cpu" else value

    def settle(self, *, flush: bool = False) -> None:
        """Wait until the device has nothing left to do; with `flush`, its cache holds nothing of use either."""
        if self._scratch is not None:
            if flush:
                self._scratch.zero_()
            self._library.synchronize()

    @contextmanager
    def clock(self, told: Callable[[float], None]) -> Iterator[None]:
        """Tells the seconds that the device's own clock counts for the block. The CPU has none, and tells nothing."""
        if self._scratch is None:
            yield
            return
        start, end = self._library.Event(enable_timing=True), self._library.Event(enable_timing=True)
        self._library.synchronize()
        start.record()
        yield
        end.record()
        self._library.synchronize()
        told(float(start.elapsed_time(end)) / 1000)
