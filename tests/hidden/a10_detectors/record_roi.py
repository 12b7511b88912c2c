"""Records what torchvision answers on the CPU, into roi_recorded.py. A developer runs this once, and nothing else does.

    pip download --no-deps torchvision==0.28.0 && unzip torchvision-0.28.0-*.whl -d FOLDER
    python record_roi.py FOLDER/torchvision/_C.so > roi_recorded.py

The wheel is made for CUDA, and a machine without it lacks libraries that the operators on the CPU do not need. In
their place stand empty ones, made by the C compiler, with all symbols that are missing.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

# (features' shape, output size, scale, ratio, regions): over borders, outside, without area, smaller than a cell.
GEOMETRIES = (
    ((1, 2, 5, 7), (2, 3), 1.0, 2, [(0, 0.0, 0.0, 7.0, 5.0), (0, 1.3, 0.4, 3.9, 4.2)]),
    ((2, 1, 6, 4), (3, 2), 0.5, 1, [(1, 2.0, 1.0, 7.0, 11.0), (0, 0.5, 3.5, 4.5, 6.0), (1, 0.0, 0.0, 8.0, 12.0)]),
    ((1, 3, 3, 9), (1, 4), 0.25, 3, [(0, -5.0, 2.0, 20.0, 15.0), (0, 30.0, -4.0, 44.0, 9.0)]),
    ((3, 1, 4, 4), (2, 2), 0.3, 2, [(2, 5.0, 5.0, 5.0, 5.0), (0, 1.0, 2.0, 9.0, 8.0), (1, 3.0, 1.0, 4.0, 9.0)]),
    ((1, 1, 8, 3), (3, 4), 1.0, 1, [(0, 0.2, 0.2, 0.7, 0.6), (0, 40.0, 40.0, 50.0, 50.0)]),
    ((2, 2, 1, 5), (1, 1), 1.0, 3, [(1, 1.0, 0.0, 4.0, 1.0), (0, 2.5, -1.3, 6.5, 2.0)]),
    ((1, 1, 11, 8), (3, 3), 0.0625, 2, [(0, 16.0, 16.0, 100.0, 150.0), (0, 8.0, 24.0, 56.0, 88.0)]),
    ((2, 1, 7, 6), (2, 4), 0.5, 2, [(1, 11.0, 3.0, 13.0, 5.0), (1, 3.0, 3.0, 3.0, 9.0), (0, 1.0, 1.0, 5.0, 2.0)]),
)


def load(library: Path) -> None:
    """Load torchvision's operators, with empty libraries in place of those that are missing."""
    own = [*(Path(torch.__file__).parent / "lib").glob("*.so*")]
    said = subprocess.run(["objdump", "-p", library], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"NEEDED\s+(\S+)", said)
    absent = [name for name in needed if re.match(r"lib(torch_cuda|c10_cuda)", name)]
    known = {name for path in own for name in _symbols(path, "--defined-only")}
    strange = [name for name in _symbols(library, "--undefined-only") if name not in known and "cuda" in name.lower()]
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "empty.s"
        bodies = "".join(f".globl {name}\n.type {name}, @function\n{name}:\n" for name in strange)
        source.write_text(f".text\n{bodies}xorl %eax, %eax\nret\n.section .note.GNU-stack\n")
        for name in absent:
            target = Path(scratch) / name
            subprocess.run(["cc", "-shared", "-nostdlib", f"-Wl,-soname,{name}", "-o", target, source], check=True)
            ctypes.CDLL(str(target), ctypes.RTLD_GLOBAL)
        torch.ops.load_library(str(library))


def _symbols(path: Path, which: str) -> list[str]:
    said = subprocess.run(["nm", "-D", which, path], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1].split("@")[0] for line in said.splitlines()]


def features_of(shape: tuple[int, ...]) -> torch.Tensor:
    """Values that everybody can make again: all different, half of them negative."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count, dtype=torch.float64) * 37 % 101) / 8 - 6).reshape(shape)


def main() -> None:
    """Print the module."""
    load(Path(sys.argv[1]))
    rows = []
    for shape, size, scale, ratio, regions in GEOMETRIES:
        features, rois = features_of(shape), torch.tensor(regions, dtype=torch.float64)
        pooled, _ = torch.ops.torchvision.roi_pool(features, rois, scale, *size)
        aligned = torch.ops.torchvision.roi_align(features, rois, scale, *size, ratio, True)
        dout = features_of(tuple(aligned.shape))
        back = torch.ops.torchvision._roi_align_backward(dout, rois, scale, *size, *shape, ratio, True)
        pooled_at = torch.ops.torchvision.roi_pool(features, rois, scale, *size)[1]
        won = torch.ops.torchvision._roi_pool_backward(dout, rois, pooled_at, scale, *size, *shape)
        rows.append([part.flatten().tolist() for part in (pooled, won, aligned, back)])
    print('"""What torchvision 0.28.0 answers on the CPU for the geometries of record_roi.py, which wrote this."""\n')
    print("# fmt: off\nRECORDED = [  # RoI Pool and its gradient, RoI Align (aligned=True) and its gradient")
    for row in rows:
        print("    [")
        for numbers in row:
            print(_wrapped(numbers))
        print("    ],")
    print("]")


def _wrapped(numbers: list[float]) -> str:
    lines, line = [], "        ["
    for text in [f"{number!r}," for number in numbers]:
        if len(line) + len(text) > 116:
            lines.append(line.rstrip())
            line = "         "
        line += f"{text} "
    return "\n".join([*lines, f"{line.rstrip().rstrip(',')}],"])


if __name__ == "__main__":
    main()
