"""Refuses new processes with one message: shell commands, workers of data loaders, compilers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, NoReturn

__all__ = ["SENTENCE", "NoProcesses", "forbid_processes", "warn"]

SENTENCE = "processes cannot be started here"
STARTERS = ("popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe")


class NoProcesses(OSError):
    """Raised in code that tries to start a process."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise NoProcesses(SENTENCE)


def _not_found(*_: object, **__: object) -> int:
    """The replacement of `os.system`, which never raises: the status of a shell that does not find a command."""
    print(SENTENCE, file=sys.stderr)
    return 127 << 8


def warn(*_: object, **__: object) -> None:
    """Print the message in place of a shell command. A notebook continues after it."""
    print(SENTENCE, file=sys.stderr)


def forbid_processes() -> None:
    """Replace the functions of this process that start processes. They raise NoProcesses from now on, and `os.system`
    returns the status of a command that is not found.

    Data loaders work without workers, and `torch.compile` returns its argument, so that correct code still runs.
    """
    for name in STARTERS:
        setattr(os, name, _refuse)
    os.system = _not_found
    subprocess.Popen.__init__ = _refuse  # type: ignore[method-assign]
    from multiprocessing.synchronize import SemLock

    import torch
    from torch.utils.data import DataLoader

    SemLock.__init__ = _refuse  # type: ignore[method-assign]  # pools, queues and executors make one first

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


# The position of `num_workers` after the data set, and the arguments that only make sense with workers.
WORKERS_PLACE = 5
NEED_WORKERS = ("num_workers", "prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout")


def _uncompiled(model: Any = None, **settings: Any) -> Any:
    """The replacement of `torch.compile`, which would start a compiler."""
    return (lambda function: function) if model is None else model
