"""The exceptions from isolation that a worker with a GPU needs.

For CUDA a worker may use the GPU's device nodes, with their ioctls, and read the driver's facts about itself. The
driver refuses to start unless it may name its threads (a write to /proc/self/task) and make a socket and memory files
to share with other processes. Nobody can connect to that socket, because connect and accept stay refused.

The worker's address space has no limit: CUDA maps the memory of all devices and of the host into it, far more than it
uses. So only the deadlines limit its use of host memory. The two workers of a race share the GPU with nobody else, and
it is checked to be clean after each race. The driver keeps one worker from reading the other's GPU memory, as between
any two users. The driver's system calls are not documented, so every call that is not refused
(`allowed_syscalls.REFUSED`) is allowed, with any ioctl. Files, users and the network stay as closed as on the CPU.
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
    """The rights that a worker has in addition to those of a worker on the CPU.

    Attributes:
        nodes: device nodes, with their ioctls.
        facts: files and folders to read.
        own: its own folders to write to.
        calls: refused system calls that are allowed. `bind` also allows sockets of the family AF_UNIX.
        boundless: True for no limit of its address space, and for more descriptors and threads.
    """

    nodes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    boundless: bool = False


CLOSED = Opening()


def opening(device: str) -> Opening:
    """The additional rights that `device`, "cpu" or "cuda", needs on this host."""
    if device == "cpu":
        return CLOSED
    nodes = tuple(sorted(path for name in NODES for path in glob(name)))
    return Opening(nodes, FACTS, OWN, CALLS, boundless=True)
