"""Runs `autograder` as on a student's machine that is no Linux: `python elsewhere.py check …`.

What third parties need is imported first, since on Windows they have parts of their own for it; then the modules and
functions that only Linux or only Unix has are taken away, and `autograder` is imported.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import os
import platform
import select
import signal
import socket
import sys
from importlib.machinery import ModuleSpec
from typing import NoReturn

import matplotlib.pyplot
import numpy
import pytest
import rich.live
import torch

THIRD_PARTIES = (matplotlib.pyplot, numpy, pytest, rich.live, torch)
MODULES = frozenset({"fcntl", "grp", "posix", "pwd", "pyseccomp", "resource", "syslog", "termios", "tty", "pty"})
# Packages of the grading machine alone: the extras `grader`, `review` and `postgresql`.
GRADERS = frozenset({"alembic", "latex2mathml", "nh3", "psycopg", "sqlalchemy", "starlette", "uvicorn"})
OS = (
    *("fork", "forkpty", "memfd_create", "pidfd_open", "setns", "unshare", "pipe2", "openpty", "mkfifo", "statvfs"),
    *("getuid", "geteuid", "getgid", "getegid", "setuid", "setgid", "setresuid", "setresgid", "setgroups", "chown"),
    *("killpg", "setsid", "setpgid", "getpgid", "WNOHANG", "wait4", "waitid", "sched_setaffinity", "sched_getaffinity"),
    *(
        "sysconf",
        "posix_spawn",
        "splice",
        "eventfd",
        "getpriority",
        "setpriority",
        "O_CLOEXEC",
        "O_NOFOLLOW",
    ),
)
SOCKET = ("AF_UNIX", "SCM_RIGHTS", "SO_PEERCRED", "socketpair", "send_fds", "recv_fds", "AF_NETLINK", "AF_VSOCK")
SELECT = ("poll", "epoll", "kqueue", "POLLIN", "EPOLLIN")
SIGNAL = ("pidfd_send_signal", "pthread_sigmask", "setitimer", "alarm", "SIGKILL", "SIGALRM", "SIGCHLD", "SIGUSR1")


class Nowhere(importlib.abc.MetaPathFinder):
    """Finds none of the modules that are not there."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in MODULES or name.partition(".")[0] in GRADERS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _no_library(*args: object, **kwargs: object) -> NoReturn:
    raise OSError("a library of Linux's")


def leave_linux() -> None:
    """Take away, for whatever is imported from now on, what another system does not have."""
    for module, names in ((os, OS), (socket, SOCKET), (select, SELECT), (signal, SIGNAL)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Nowhere())
    ctypes.CDLL = _no_library
    platform.system = lambda: "Windows"
    sys.platform = "win32"


if __name__ == "__main__":
    assert not any(name.partition(".")[0] == "autograder" for name in sys.modules)
    leave_linux()
    from autograder.cli import main

    status = main()
    sys.stdout.flush()
    os._exit(status)  # what other packages do at the end is not ours to try on a made-up system
