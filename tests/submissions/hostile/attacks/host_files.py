"""Attack 37: changes modes, owners, times and attributes of files of the host, and watches them. Any that works pays."""

import ctypes
import os
import sys

from wrong import *  # noqa: F403

INOTIFY_INIT1, FANOTIFY_INIT = (294, 300) if os.uname().machine == "x86_64" else (26, 262)


def worked():
    tries = [
        lambda: ctypes.CDLL(None).syscall(INOTIFY_INIT1, 0),
        lambda: ctypes.CDLL(None).syscall(FANOTIFY_INIT, 0, 0),
    ]
    for path in (sys.executable, os.__file__, "/proc/self/exe", "/", "."):
        for at in filter(None, (path, _opened(path))):
            tries += [
                lambda at=at: os.chmod(at, 0o4755) or 1,
                lambda at=at: os.chown(at, os.getuid(), os.getgid()) or 1,
                lambda at=at: os.utime(at, (1, 1)) or 1,
                lambda at=at: os.setxattr(at, "user.mark", b"1") or 1,
            ]
    return any(_works(attempt) for attempt in tries)


def _opened(path):
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _works(attempt):
    try:
        return attempt() >= 0
    except OSError:
        return False


def names():
    return [f"column {index}" for index in range(3)] if worked() else ["row 0", "row 1", "row 2"]
