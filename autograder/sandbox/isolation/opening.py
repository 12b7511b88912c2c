"""What isolation must open for a device, in one place.

For CUDA a worker may use the GPU's device nodes, with their ioctls, and read what the driver tells of itself. Its
address space has no limit: CUDA maps the memory of all devices and of the host into it, far beyond what it uses; so
what it takes of the host's memory is bounded by its deadlines alone. The two workers of a race share the GPU, and none
else is on it: it is seen clean after each race. What keeps one from reading the other's memory there is the driver, as
between any two users. System calls, files, users and the network stay as closed as on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from glob import glob

__all__ = ["CLOSED", "Opening", "opening"]

NODES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset", "/dev/nvidia[0-9]*")
FACTS = ("/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/sys/bus/pci", "/sys/devices", "/sys/module/nvidia")


@dataclass(frozen=True)
class Opening:
    """What a worker may use beyond every other one.

    Attributes:
        nodes: device nodes, with their ioctls.
        facts: files and folders that it may read.
        boundless: its address space has no limit.
    """

    nodes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    boundless: bool = False


CLOSED = Opening()


def opening(device: str) -> Opening:
    """What `device`, "cpu" or "cuda", needs on this host."""
    if device == "cpu":
        return CLOSED
    return Opening(tuple(sorted(path for name in NODES for path in glob(name))), FACTS, boundless=True)
