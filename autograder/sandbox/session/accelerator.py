"""A device inside a worker, for timings: moves tensors to it, waits for it, and reads its clock.

The submission shares this process and can patch this code. If the clocks disagree, the grader's own clock decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["Accelerator"]

# Bytes overwritten between slices, as a multiple of the last-level cache. Then inputs come from memory, not the cache.
FLUSH = 2
CACHE_UNKNOWN = 64 << 20


class Accelerator:
    """One device.

    Args:
        device: "cpu", which needs no action, or "cuda".
        library: torch.cuda, or a replacement in tests.
        place: the device of its tensors; `device` itself unless it is replaced.
    """

    def __init__(self, device: str, library: Any = torch.cuda, place: str = "") -> None:
        self._device, self._library = place or device, library
        self._scratch: torch.Tensor | None = None
        if device == "cuda":
            library.init()
            facts = library.get_device_properties(0)
            size = getattr(facts, "L2_cache_size", 0) or CACHE_UNKNOWN
            self._scratch = torch.empty(FLUSH * size, dtype=torch.uint8, device=self._device)
            # TF32 keeps only ten bits of a number: two right answers could then differ as much as a wrong one.
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
            some = torch.empty((64, 64), device=self._device).zero_()
            torch.matmul(some, some)  # loads and sets up the library of matrix products
            library.synchronize()

    def take(self, value: Any) -> Any:
        """A tensor on this device; any other value unchanged."""
        return value.to(self._device) if isinstance(value, torch.Tensor) and self._device != "cpu" else value

    def settle(self, *, flush: bool = False) -> None:
        """Wait until the device is idle. With `flush`, also overwrite its cache."""
        if self._scratch is not None:
            if flush:
                self._scratch.zero_()
            self._library.synchronize()

    @contextmanager
    def clock(self, report: Callable[[float], None]) -> Iterator[None]:
        """Measure the block with the device's own clock, in seconds. The CPU has none, and nothing is called."""
        if self._scratch is None:
            yield
            return
        start, end = self._library.Event(enable_timing=True), self._library.Event(enable_timing=True)
        self._library.synchronize()
        start.record()
        yield
        end.record()
        self._library.synchronize()
        report(float(start.elapsed_time(end)) / 1000)
