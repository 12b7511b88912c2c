"""What is generated does not depend on the processor, its libraries or the number of threads.

Another machine is pretended by settings that make the same libraries compute by other instructions, which sum in
another order. What they do can be seen: the reference answers other bits.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MACHINES = {
    "old": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "OMP_NUM_THREADS": "1",
    },
    "common": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "2"},
}
SUMS = """
import torch
torch.manual_seed(0)
x, w = torch.rand(64, 500), torch.rand(500, 64)
print((x @ w).tolist())
"""


def on(machine: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    others = {variable for settings in MACHINES.values() for variable in settings}
    environment = {name: value for name, value in os.environ.items() if name not in others} | machine
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("name", MACHINES)
def test_handouts_are_what_solutions_make_there_too(name: str) -> None:
    done = on(MACHINES[name], "-m", "autograder", "build", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_settings_change_bits() -> None:
    """Else the test above would show nothing."""
    assert len({on(machine, "-c", SUMS).stdout for machine in MACHINES.values()}) == 2
