"""An earlier run of the notebooks: its times, and the validity of its outputs.

A run is valid until something that it depends on changes: code, given files, checks, data, or installed packages. Text
cells do not count, so that a written answer needs no new run.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import msgspec

from autograder.submission.clean.notebook import CarriedNotebook
from autograder.submission.collect.gather import DATA, STAGE

__all__ = ["RECORD", "EarlierRun", "carried_over", "depends_on", "earlier_run", "record_run"]

RECORD = "run.json"  # in the stage, beside the notebooks that were run
MAX_BYTES = 1 << 20
# Prefixes of environment variables that a notebook or torch may read.
VARIABLES = ("QUICK_", "CUDA_", "OMP_", "MKL_", "PYTORCH_")


@dataclass(frozen=True)
class _Record:
    """The stored record of a run, with the fields of `EarlierRun`. `files` holds digests."""

    depends: str
    at: str
    seconds: Mapping[str, float]
    failed: int
    files: Mapping[str, str]


@dataclass(frozen=True)
class EarlierRun:
    """A complete run of all notebooks.

    Attributes:
        at: the time of its end, in ISO 8601.
        seconds: the seconds that each notebook took, by file name.
        files: the notebooks and the artifacts that they wrote, by name. Empty if a cell failed or a file has changed
            since the run.
        depends: a digest of everything that it depends on, from `depends_on`.
    """

    at: str
    seconds: Mapping[str, float]
    files: Mapping[str, bytes]
    depends: str

    def stands(self, depends: str) -> bool:
        """True if the run is still valid: a new one would give the same result."""
        return bool(self.files) and self.depends == depends


def earlier_run(folder: Path) -> EarlierRun | None:
    """The recorded run in a student's folder; None if there is none, or its record cannot be read."""
    stage = folder / STAGE
    try:
        if (stage / RECORD).stat().st_size > MAX_BYTES:
            return None
        record = msgspec.json.decode((stage / RECORD).read_bytes(), type=_Record)
        datetime.fromisoformat(record.at)
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    paths = {name: stage / name for name in record.files}
    files = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    whole = not record.failed and {name: _digest(data) for name, data in files.items()} == record.files
    return EarlierRun(record.at, record.seconds, files if whole else {}, record.depends)


def record_run(
    stage: Path, depends: str, at: str, seconds: Mapping[str, float], failed: int, names: Iterable[str]
) -> None:
    """Record a run of all notebooks in the stage. `names` are the files that it wrote."""
    files = {name: _digest((stage / name).read_bytes()) for name in names}
    record = _Record(depends, at, dict(seconds), failed, files)
    (stage / RECORD).write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def carried_over(notebook: Mapping[str, Any], ran: bytes) -> dict[str, Any]:
    """A notebook with the outputs of a run of the same code. Raises ValueError if the code differs."""
    before = json.loads(ran)
    outputs = iter([cell for cell in before["cells"] if cell["cell_type"] == "code"])
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            run = next(outputs, {"source": None})
            if run["source"] != cell["source"]:
                raise ValueError("the notebook's code is not the one that was run")
            cell = {**cell, "outputs": run["outputs"], "execution_count": run["execution_count"]}
        cells.append(cell)
    return {**notebook, "cells": cells, "metadata": before["metadata"]}


def depends_on(stage: Path, notebooks: Mapping[str, CarriedNotebook]) -> str:
    """A digest of everything that a run of the notebooks in a stage depends on. Compute it before the run."""
    digest = hashlib.sha256()
    for part in (*_files(stage, notebooks), *_data(stage / DATA), *_machine()):
        digest.update(f"{len(part)}\n".encode() + part)
    return digest.hexdigest()


def _files(stage: Path, notebooks: Mapping[str, CarriedNotebook]) -> Iterator[bytes]:
    """The content of all files but data. Notebooks count by their code alone."""
    for path in _all_files(stage, without=DATA):
        name = path.relative_to(stage).as_posix()
        yield name.encode()
        if name in notebooks:
            cells = notebooks[name].notebook["cells"]
            yield json.dumps([cell["source"] for cell in cells if cell["cell_type"] == "code"]).encode()
        else:
            yield path.read_bytes()


def _data(data: Path) -> Iterator[bytes]:
    """The name, size and time of each data file: hashing large data sets would take too long."""
    for path in _all_files(data):
        facts = path.stat()
        yield f"{path.relative_to(data).as_posix()} {facts.st_size} {facts.st_mtime_ns}".encode()


def _all_files(folder: Path, without: str = "") -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder):
        if without and Path(place) == folder:
            folders[:] = [name for name in folders if name != without]
        found += [Path(place, name) for name in names]
    return sorted(path for path in found if path.is_file())


def _machine() -> Iterator[bytes]:
    """The Python version, installed packages, GPUs, and environment variables."""
    import torch

    yield sys.version.encode()
    yield "\n".join(sorted(f"{each.name} {each.version}" for each in distributions())).encode()
    yield "\n".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())).encode()
    variables = {name: value for name, value in os.environ.items() if name.startswith(VARIABLES)}
    yield json.dumps(variables, sort_keys=True).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
