"""Remembers, from run to run, that a reference had full marks by its suite in this environment.

With such a verdict, a run need not wait for the grading of the reference. The reference is graded again beside the
first submissions, on the inputs of the run's own seed. The end of the run waits for this unless an earlier run had the
same seed.

A verdict is a small file in the user's cache folder, named by a digest of everything that it depends on. The variable
AUTOGRADER_CACHE names another folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from autograder.files import whole
from autograder.sandbox.grader.sandbox import KERNELS

__all__ = ["Kept", "ReferenceVerdict", "cpu_name"]

# Variables that choose the routines of a library.
DECIDING = (*KERNELS, "CUBLAS_", "CUDA_", "KMP_", "OMP_", "TORCH_")
MAX_SEEDS = 1000
CHANGING = {"gpu_clock_mhz"}  # facts that differ from minute to minute on one machine


@dataclass(frozen=True)
class Kept:
    """A verdict of earlier runs.

    Attributes:
        seconds: the time of each question, by id.
        seeds: the seeds with which the reference had full marks, the newest last.
    """

    seconds: dict[str, float]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class ReferenceVerdict:
    """The file for the verdict on one reference by one suite in one environment."""

    path: Path

    @classmethod
    def of(cls, suite: str, *facts: Mapping[str, Any]) -> ReferenceVerdict:
        """The verdict of the suite with this digest.

        Args:
            facts: plain data on the environment. The processor, the installed packages, and variables that decide how
                libraries compute are added.
        """
        stable = [{key: fact[key] for key in fact if key not in CHANGING} for fact in facts]
        installed = sorted({each.name for folder in sys.path for each in Path(folder).glob("*-info")})
        deciding = {name: value for name, value in sorted(os.environ.items()) if name.startswith(DECIDING)}
        text = json.dumps([suite, *stable, cpu_name(), installed, deciding], sort_keys=True, default=str)
        return cls(_folder() / f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}.json")

    def read(self) -> Kept | None:
        """The verdict of earlier runs; None if there is none."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            seconds = {str(id): float(took) for id, took in kept["seconds"].items()}
            return Kept(seconds, tuple(int(seed) for seed in kept["seeds"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def keep(self, assignment: str, seconds: dict[str, float], seed: int) -> None:
        """Record full marks of the reference under this seed. A folder that cannot be written to keeps nothing."""
        before = self.read()
        earlier = [each for each in before.seeds if each != seed] if before else []
        rounded = {id: round(took, 3) for id, took in seconds.items()}
        kept = {"assignment": assignment, "seconds": rounded, "seeds": [*earlier, seed][-MAX_SEEDS:]}
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with whole(self.path) as file:
                file.write(json.dumps(kept, indent=1).encode())

    def forget(self) -> None:
        """Remove the verdict: the reference failed in this environment after all."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def cpu_name() -> str:
    """The processor's model, which decides how libraries round; its family if the system does not name the model."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _folder() -> Path:
    return Path(os.environ.get("AUTOGRADER_CACHE") or platformdirs.user_cache_dir("autograder"), "references")
