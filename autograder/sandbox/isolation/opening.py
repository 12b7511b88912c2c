"""What isolation must open for a device, in one place.

For CUDA a worker may use the GPU's device nodes, with their ioctls, and read what the driver tells of itself. The
driver names its threads (a write to /proc/self/task), keeps a socket and memory files for what it shares with other
processes, and refuses to start where it may not; nobody can connect to that socket, because to connect and to accept
stay refused. The worker's address space has no limit: CUDA maps the memory of all devices and of the host into it, far
beyond what it uses; so what it takes of the host's memory is bounded by its deadlines alone. The two workers of a race
share the GPU, and none else is on it: it is seen clean after each race. What keeps one from reading the other's memory
there is the driver, as between any two users. Nobody knows what else the driver calls, so every system call that is
not refused (`allowed_syscalls.REFUSED`) may be made there, with any ioctl. Files, users and the network stay as closed
as on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from glob import glob

__all__ = ["CLOSED", "Opening", "opening"]

NODES = (
    *("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset", "/dev/nvidia[0-9]*"),
    *("/dev/nvidia-nvlink", "/dev/nvidia-nvswitchctl", "/dev/nvidia-nvswitch[0-9]*"),
    "/dev/nvidia-caps/nvidia-cap[0-9]*",
)
FACTS = (
    *("/proc/driver/nvidia", "/proc/driver/nvidia-uvm", "/proc/driver/nvidia-nvlink", "/proc/devices", "/proc/modules"),
    *("/proc/sys/vm/mmap_min_addr", "/proc/sys/vm/overcommit_memory"),
    *("/sys/bus/pci", "/sys/devices", "/sys/module/nvidia", "/sys/module/nvidia_uvm"),
)
OWN = ("/proc/self/task", "/dev/shm")
CALLS = ("memfd_create", "bind", "listen")


@dataclass(frozen=True)
class Opening:
    """What a worker may use beyond every other one.

    Attributes:
        nodes: device nodes, with their ioctls.
        facts: files and folders that it may read.
        own: folders that are its own, and that it may write to.
        calls: system calls that others may not make; where `bind` is among them, sockets of the family AF_UNIX too.
        boundless: its address space has no limit, and it may have more descriptors and threads.
    """

    nodes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    boundless: bool = False


CLOSED = Opening()


def opening(device: str) -> Opening:
    """What `device`, "cpu" or "cuda", needs on this host."""
    if device == "cpu":
        return CLOSED
    nodes = tuple(sorted(path for name in NODES for path in glob(name)))
    return Opening(nodes, FACTS, OWN, CALLS, boundless=True)
