"""One sentence for whatever would start a process, which nothing here may: shell commands, workers of data loaders."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, NoReturn

__all__ = ["SENTENCE", "NoProcesses", "forbid_processes", "said"]

SENTENCE = "processes cannot be started here"
STARTERS = ("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe")


class NoProcesses(OSError):
    """Raised where something would start a process."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise NoProcesses(SENTENCE)


def said(*_: object, **__: object) -> None:
    """Say so in place of a shell command, which a notebook goes on after."""
    print(SENTENCE, file=sys.stderr)


def forbid_processes() -> None:
    """From now on what starts a process in Python says that it cannot, data loaders do their work themselves, and
    `torch.compile` gives back what it was given: all this is nobody's mistake."""
    for name in STARTERS:
        setattr(os, name, _refuse)
    subprocess.Popen.__init__ = _refuse  # type: ignore[method-assign]
    from multiprocessing.synchronize import SemLock

    import torch
    from torch.utils.data import DataLoader

    SemLock.__init__ = _refuse  # type: ignore[method-assign]  # pools, queues and executors begin with one

    begin = DataLoader.__init__

    def alone(self: Any, *values: Any, **named: Any) -> None:
        if len(values) > WORKERS_PLACE:
            values = (*values[:WORKERS_PLACE], 0, *values[WORKERS_PLACE + 1 :])
        for name in NEED_WORKERS:
            named.pop(name, None)
        begin(self, *values, **named)

    DataLoader.__init__ = alone  # type: ignore[method-assign]
    torch.compile = _uncompiled
    torch.nn.Module.compile = lambda self, *_, **__: None  # type: ignore[method-assign]


# Where `num_workers` stands after the data set, and what means something only with workers.
WORKERS_PLACE = 5
NEED_WORKERS = ("num_workers", "prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout")


def _uncompiled(model: Any = None, **settings: Any) -> Any:
    """In place of `torch.compile`, which starts a compiler."""
    return (lambda function: function) if model is None else model
