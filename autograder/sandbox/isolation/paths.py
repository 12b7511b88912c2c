"""The files of this host that a worker may read: the interpreter, its packages, this package, system libraries."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["DEVICES", "FACTS", "PACKAGE", "WORK", "inside", "readable"]

# The folder of a submission's files, as its code sees it. With namespaces, it is the only writable one.
WORK = "/submission"
PACKAGE = str(Path(__file__).resolve().parents[2])
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
FACTS = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")

_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/sys/devices/system/cpu",
)


def readable() -> tuple[str, ...]:
    """The existing paths, without those inside another one. A symbolic link is listed beside its target."""
    packages = [path for path in site.getsitepackages() if os.path.isdir(path)]
    wanted = [*_SYSTEM, sys.prefix, sys.base_prefix, *packages, PACKAGE]
    paths = {path for name in wanted for path in (name, os.path.realpath(name)) if os.path.exists(path)}
    return tuple(sorted(path for path in paths if not any(inside(path, other) for other in paths - {path})))


def inside(path: str, folders: Iterable[str] | str) -> bool:
    """True if `path` is one of these folders, or lies in one that is not a symbolic link."""
    names = [folders] if isinstance(folders, str) else folders
    return any(path == name or (path.startswith(name.rstrip("/") + "/") and not os.path.islink(name)) for name in names)
