"""Reads the GPU's state with nvidia-smi. The grader cannot use CUDA itself, since it has to fork afterwards."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Sequence

from autograder.errors import UsageError

__all__ = ["Gpu", "find_gpu", "hide", "require_gpu", "visible"]

SECONDS = 20.0
CLEAN_SECONDS, POLL_SECONDS = 10.0, 0.1
FACTS = {
    "gpu": "name",
    "gpu_driver": "driver_version",
    "gpu_memory_mb": "memory.total",
    "gpu_clock_mhz": "clocks.sm",
    "gpu_clock_max_mhz": "clocks.max.sm",
}
Ask = Callable[[Sequence[str]], str]


class Gpu:
    """The first GPU of this machine, or of those that CUDA_VISIBLE_DEVICES names.

    Args:
        ask: runs nvidia-smi with these arguments and returns its output. Raises OSError if it cannot.
    """

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask or _nvidia_smi
        self._which = _chosen()

    def facts(self) -> dict[str, str]:
        """Name, driver, memory and clocks, for a result's environment. Raises OSError if there is no GPU."""
        rows = self._rows("gpu", FACTS.values())
        if not rows or len(rows[0]) != len(FACTS):
            raise OSError("nvidia-smi names no GPU")
        return dict(zip(FACTS, rows[0], strict=True))

    def used_mb(self, pid: int) -> float | None:
        """The MiB that a process holds on the GPU, with contexts and caches; None if nvidia-smi does not report it."""
        try:
            rows = self._rows("compute-apps", ("pid", "used_memory"))
            return next((float(row[1]) for row in rows if row[0] == str(pid)), None)
        except (OSError, ValueError, IndexError):
            return None

    def cleaned(self, pids: Collection[int], seconds: float = CLEAN_SECONDS) -> bool:
        """Wait until none of these processes uses the GPU. Returns False if one still does after `seconds`."""
        deadline = time.monotonic() + seconds
        while any(self.used_mb(pid) is not None for pid in pids):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _rows(self, what: str, columns: Collection[str]) -> list[list[str]]:
        text = self._ask(
            [f"--query-{what}={','.join(columns)}", f"--id={self._which}", "--format=csv,noheader,nounits"]
        )
        return [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]


def visible(device: str) -> dict[str, str]:
    """Additional environment variables of workers that may use a device. For CUDA they select the GPU of `Gpu`."""
    if device == "cpu":
        return {}
    kept = {"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]} if "LD_LIBRARY_PATH" in os.environ else {}
    # nvidia-smi numbers GPUs in PCI order. CUDA's cache of kernels is off, since later workers could read it.
    return {
        **kept,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": _chosen(),
        "CUDA_CACHE_DISABLE": "1",
    }


def hide() -> None:
    """Hide all GPUs from torch in this process and its forks.

    At its first backward pass, autograd starts a thread for each GPU. After that it refuses backward passes in forks.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def _chosen() -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip() or "0"


def find_gpu(ask: Ask | None = None) -> tuple[Gpu | None, str]:
    """The GPU and "", or None and the reason why there is no usable one."""
    gpu = Gpu(ask)
    try:
        gpu.facts()
    except OSError as error:
        return None, str(error)
    return gpu, ""


def require_gpu(ask: Ask | None = None) -> Gpu:
    """The GPU. Raises UsageError if there is none."""
    gpu, why = find_gpu(ask)
    if gpu is None:
        raise UsageError(f"--device cuda: no GPU can be used here: {why}")
    return gpu


def _nvidia_smi(arguments: Sequence[str]) -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        raise OSError("nvidia-smi is not installed")
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise OSError("nvidia-smi does not answer") from None
    if done.returncode:
        raise OSError(f"nvidia-smi says: {(done.stdout or done.stderr).strip().splitlines()[:1]}")
    return done.stdout
