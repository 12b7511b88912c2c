"""Attacks that a hostile submission would try. `doctor` loads this file into a worker and calls its functions.

Each function returns the attacks that succeeded, in words. An empty list means that the sandbox held. A worker gets
this file alone, like a submission, so it imports nothing of this package.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = [
    "change_files",
    "change_privileges",
    "fill_disk",
    "find_processes",
    "inherited",
    "make_calls",
    "open_sockets",
    "read_file",
    "signal_process",
    "start_processes",
    "start_threads",
    "take_memory",
    "trace_process",
    "watch_files",
    "write_outside",
]

SOCKET_FAMILIES = ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG")
OWN_DESCRIPTORS = 4  # standard input, output, error, and the channel
CALLS = {  # the number on x86_64, and on newer architectures
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "unshare": (272, 97),
    "mount": (165, 40),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "pidfd_open": (434, 434),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
}
PTRACE_ATTACH = 16
CLONE_NEWUSER = 0x1000_0000


def read_file(path: str) -> list[str]:
    """Read a file that must be unreachable: by its path, by links to it, through the roots of other processes."""
    ways = [path, f"/proc/1/root{path}", f"/proc/self/root{path}", f"/proc/{os.getppid()}/root{path}", f"/old{path}"]
    ways.append("/".join([".."] * 12) + path)
    if os.access(".", os.W_OK):
        for make, name in ((os.symlink, "link"), (os.link, "hard")):
            if _works(lambda make=make, name=name: make(path, name)):  # type: ignore[misc]
                ways.append(name)
    return [f"read {way}" for way in ways if _works(lambda way=way: open(way, "rb").read(1))]  # type: ignore[misc]


def open_sockets() -> list[str]:
    """Open a socket of any family, and an io_uring, which could open one."""
    families = [name for name in SOCKET_FAMILIES if hasattr(socket, name)]
    opened = [name for name in families if _works(lambda name=name: _open_socket(name))]  # type: ignore[misc]
    parameters = ctypes.create_string_buffer(256)
    return [f"opened {name}" for name in opened] + _called("io_uring_setup", 8, parameters)


def signal_process(pid: int) -> list[str]:
    """Signal a process outside the sandbox, by its process id there."""
    if pid == os.getpid():  # the id means this process here, and another one outside
        return []
    tried = {"kill": lambda: os.kill(pid, 0), "killpg": lambda: os.killpg(pid, 0)}
    done = [f"{name}({pid})" for name, action in tried.items() if _works(action)]
    return done + _called("pidfd_open", pid, 0)


def trace_process(pid: int) -> list[str]:
    """Trace a process outside the sandbox, or read its memory, environment or open files."""
    if pid == os.getpid():
        return []
    files = [f"/proc/{pid}/{name}" for name in ("mem", "environ", "maps")]
    done = [f"opened {name}" for name in files if _works(lambda name=name: os.close(os.open(name, os.O_RDONLY)))]  # type: ignore[misc]
    links = [f"/proc/{pid}/{name}" for name in ("cwd", "root", "exe", "fd/0")]
    done += [f"followed {name}" for name in links if _works(lambda name=name: os.readlink(name))]  # type: ignore[misc]
    return done + _called("ptrace", PTRACE_ATTACH, pid, 0, 0) + _called("process_vm_readv", pid, 0, 0, 0, 0, 0)


def find_processes() -> list[str]:
    """See other processes in /proc."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    return [f"process {name}" for name in names if name.isdigit() and int(name) != os.getpid()]


def start_processes() -> list[str]:
    """Fork, or run a program."""
    done = []
    for name in ("fork", "forkpty"):
        try:
            child = getattr(os, name)()
            if (child if isinstance(child, int) else child[0]) == 0:
                os._exit(0)
            done.append(name)
        except OSError:
            pass
    # If execv succeeded, it would replace this process, and the grader would see its end.
    if not _works(lambda: os.execv(sys.executable, [sys.executable, "-c", ""])):
        return done
    return [*done, "execv"]


def start_threads(most: int) -> list[str]:
    """Start threads until the system refuses. More than `most` means that the limit failed."""
    enough = threading.Event()
    count = 0
    try:
        for _ in range(4 * most):
            threading.Thread(target=enough.wait, daemon=True).start()
            count += 1
    except (RuntimeError, MemoryError):
        pass
    finally:
        enough.set()
    return [f"started {count} threads"] if count > most else []


def take_memory(megabytes: int) -> list[str]:
    """Map and write memory, private and shared. Returns only if it got all of it."""
    taken: list[mmap.mmap] = []
    while len(taken) * 16 < megabytes:
        taken.append(mmap.mmap(-1, 16 << 20, flags=mmap.MAP_SHARED if len(taken) % 2 else mmap.MAP_PRIVATE))
        taken[-1].write(b"x" * (16 << 20))
    return [f"took {megabytes} MiB"]


def fill_disk(megabytes: int) -> list[str]:
    """Write to the working folder. More than `megabytes` (MiB) means that the limit failed."""
    written, block = 0, b"x" * (1 << 20)
    for number in range(2 * megabytes):
        try:
            with open(f"junk{number}", "wb") as file:
                written += file.write(block)
        except OSError:
            break
    for number in range(2 * megabytes):
        if os.path.exists(f"junk{number}"):
            os.unlink(f"junk{number}")
    return [f"wrote {written >> 20} MiB"] if written > megabytes << 20 else []


def write_outside(folders: list[str]) -> list[str]:
    """Create or change a file outside the working folder."""
    standard = ["/", "/tmp", "/var/tmp", "/dev/shm", "/home", "/etc", "/usr/lib", "/proc/self", sys.prefix]
    done = []
    for folder in [*standard, *folders, os.path.dirname(os.__file__)]:
        path = f"{folder.rstrip('/')}/autograder-probe"
        if _works(lambda path=path: open(path, "wb").close()):  # type: ignore[misc]
            done.append(f"wrote to {folder}")
            _works(lambda path=path: os.unlink(path))  # type: ignore[misc]
    return done + _called("memfd_create", b"probe", 0)


def change_privileges() -> list[str]:
    """Change the user id or the root, mount, or enter new namespaces."""
    done = _called("unshare", CLONE_NEWUSER) + _called("mount", b"none", b"/", b"tmpfs", 0, 0)
    if os.getuid() != 0 and _works(lambda: os.setuid(0)):
        done.append("setuid(0)")
    if os.getuid() == 0 and _works(lambda: os.setuid(12345)):
        done.append("setuid(12345)")
    if _works(lambda: os.chroot(".")):
        done.append("chroot")
    return done


def change_files(paths: list[str]) -> list[str]:
    """Change owner, mode, times, attributes or length of files of others, by name and through a descriptor."""
    done = []
    for path in [*paths, os.__file__, sys.executable]:
        changes: dict[str, Callable[[Any], object]] = {
            "mode": lambda file: os.chmod(file, 0o4755),
            "owner": lambda file: os.chown(file, os.getuid(), os.getgid()),
            "times": lambda file: os.utime(file),
            "attributes": lambda file: os.setxattr(file, "user.probe", b"1"),
        }
        for what, change in changes.items():
            if _works(lambda path=path, change=change: change(path)):  # type: ignore[misc]
                done.append(f"changed the {what} of {path}")
            if _works(lambda path=path, change=change: _opened(path, change)):  # type: ignore[misc]
                done.append(f"changed the {what} of {path}, opened")
        if _works(lambda path=path: os.truncate(path, os.stat(path).st_size)):  # type: ignore[misc]
            done.append(f"changed the length of {path}")
    return done


def watch_files() -> list[str]:
    """Get notified of other processes' file accesses."""
    return _called("inotify_init1", 0) + _called("fanotify_init", 0, 0)


def make_calls(numbers: dict[str, int]) -> list[str]:
    """Make refused system calls with wrong arguments. Any error but EPERM and ENOSYS means that one got through."""
    libc, done = ctypes.CDLL(None, use_errno=True), []
    wrong = [ctypes.c_long(-1)] * 6
    for name, number in numbers.items():
        ctypes.set_errno(0)
        if libc.syscall(number, *wrong) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            done.append(f"{name} ({errno.errorcode.get(ctypes.get_errno(), 'done')})")
    return done


def inherited(known: list[str]) -> list[str]:
    """Find environment variables other than the `known` ones, or open descriptors of the grader."""
    extra = [f"variable {name}" for name in sorted(set(os.environ) - set(known))]
    return extra + [
        f"descriptor {number}"
        for number in range(OWN_DESCRIPTORS, 1024)
        if _works(lambda number=number: os.fstat(number))  # type: ignore[misc]
    ]


def _opened(path: str, change: Callable[[Any], object]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        change(descriptor)
    finally:
        os.close(descriptor)


def _works(action: Callable[[], object]) -> bool:
    try:
        action()
    except Exception:
        return False
    return True


def _open_socket(family: str) -> None:
    kind = socket.SOCK_RAW if family in ("AF_NETLINK", "AF_PACKET") else socket.SOCK_STREAM
    kind = socket.SOCK_SEQPACKET if family == "AF_ALG" else kind
    socket.socket(getattr(socket, family), kind).close()


def _called(name: str, *arguments: object) -> list[str]:
    number = CALLS[name][0 if platform.machine() == "x86_64" else 1]
    return [name] if ctypes.CDLL(None).syscall(number, *arguments) >= 0 else []
