"""torchvision beside a torch that it was not built for: its operators for the CPU, to measure and compare with.

    pip download --no-deps --dest WHEELS torchvision==0.28.0
    python -m zipfile -e WHEELS/torchvision-*.whl UNPACKED

torchvision's wheel on PyPI is built for CUDA, and does not load beside torch for the CPU: three shared libraries are
missing. Its operators for the CPU need nothing of them. So `load` makes libraries of these names that define the
missing symbols and do nothing, with `nm`, `readelf` and `cc`. For figures in the docs and for values recorded once;
nothing that grades, and no test, needs it.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import torch

__all__ = ["load"]

MISSING = ("libcudart.so.13", "libc10_cuda.so", "libtorch_cuda.so")


def load(unpacked: Path) -> ModuleType:
    """torchvision, imported.

    Args:
        unpacked: the folder that the wheel was unpacked into; `torchvision/_C.so` lies in it.

    Raises:
        OSError: the operators do not load: another version of torch, or not Linux.
    """
    extension = unpacked / "torchvision/_C.so"
    scratch = Path(tempfile.mkdtemp())
    wanted = _symbols("--undefined-only", extension)
    there = {name for library in _libraries() for name, _ in _symbols("--defined-only", library)}
    missing = sorted((name, version) for name, version in wanted if name not in there)
    source, versions = scratch / "empty.c", scratch / "versions"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name, _ in missing), encoding="utf-8")
    groups: dict[str, list[str]] = {}
    for name, version in missing:
        groups.setdefault(version or "", []).append(name)
    versions.write_text(
        "".join(f"{version} {{ global: {'; '.join(names)}; }};\n" for version, names in groups.items() if version),
        encoding="utf-8",
    )
    for soname in MISSING:  # the first defines everything, and is seen by all
        made = scratch / soname
        contents = (
            [str(source), f"-Wl,--version-script={versions}"] if soname == MISSING[0] else ["-x", "c", "/dev/null"]
        )
        subprocess.run(["cc", "-w", "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-o", made, *contents], check=True)
        ctypes.CDLL(str(made), mode=ctypes.RTLD_GLOBAL)
    sys.path.insert(0, str(unpacked))
    torchvision = importlib.import_module("torchvision")
    if not torchvision.extension._has_ops():
        torch.ops.load_library(str(extension))  # says what is missing
    return torchvision


def _symbols(which: str, library: Path) -> set[tuple[str, str]]:
    """(name, version or "") of a library's dynamic symbols."""
    lines = subprocess.run(["nm", "-D", which, library], check=True, capture_output=True, text=True).stdout.splitlines()
    found = (re.fullmatch(r"(?:[0-9a-f]+)?\s*[A-Za-z] (\w+)(?:@+(.*))?", line) for line in lines)
    return {(match[1], match[2] or "") for match in found if match}


def _libraries() -> list[Path]:
    """What this process has loaded, torch's among them."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return sorted({Path(line.split()[-1]) for line in lines if ".so" in line and "/" in line})
