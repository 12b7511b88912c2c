"""Finds the layers of isolation that work on this host, by trying each, and confines processes with them.

    A  root: namespaces, a user id for each worker
    B  an ordinary user with user namespaces
    C  no namespaces: Landlock and a seccomp filter
    D  less than C: too weak for grading

The zygote enters its view of the file system once (`enter`). Each worker then confines itself for good (`confine`).
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType

from autograder.course.model import Limits
from autograder.sandbox.isolation import raw_syscalls
from autograder.sandbox.isolation.filter import allow_syscalls, by_name, library
from autograder.sandbox.isolation.landlock import restrict_files
from autograder.sandbox.isolation.limits import limit_resources
from autograder.sandbox.isolation.namespaces import NAMESPACES, build_view, enter_user_namespace, private_work
from autograder.sandbox.isolation.opening import CLOSED, Opening
from autograder.sandbox.isolation.paths import DEVICES, FACTS, WORK, inside, readable

__all__ = ["UNCONFINED", "Confinement", "confine", "enter"]

# User ids of workers: far above those of people, with a range for each zygote. A container may have only small ids.
USERS = 30_000
UNCONFINED = "D"  # the level of a host that cannot confine workers well enough
FIRST_USER, FIRST_USER_OF_FEW = 1_000_000_000, 20_000


@dataclass(frozen=True)
class Confinement:
    """The layers that confine workers on this host.

    Attributes:
        level: "A" to "D", which is UNCONFINED.
        first_user: the first user id of workers, or None if they keep the grader's.
        readable: the only files and folders that workers may read.
        seccomp: the binding to libseccomp, or None.
        why_not: the reason for each layer that does not hold.
    """

    level: str
    namespaces: bool
    landlock: bool
    seccomp: ModuleType | None
    first_user: int | None
    readable: tuple[str, ...]
    why_not: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> dict[str, bool]:
        """By each layer's name, True if it confines the worker."""
        return {
            "files": self.namespaces or self.landlock,
            "view": self.namespaces,
            "processes": self.namespaces,
            "network": self.namespaces or self.seccomp is not None,
            "landlock": self.landlock,
            "seccomp": self.seccomp is not None,
            "user": self.first_user is not None,
            "privileges": True,
            "limits": True,
        }


def enter(wanted: str | None, open_too: Opening = CLOSED) -> Confinement:
    """Enter the best view of the file system that this host allows, and find the layers that will hold for workers.

    With namespaces it forks: the call returns in process 1 of the new namespace, and the calling process waits for its
    end. Call it early: with one thread, without secrets, before large imports.

    Args:
        wanted: the only level to use, or None for the best.
        open_too: the files and devices that workers with a GPU need.
    """
    paths = readable()
    zygote = os.getpid()  # before a new namespace, in which every zygote has number 1
    seccomp = library()  # before the view: the search for libseccomp runs a program
    entered, no_view = _enter_view(wanted, paths, open_too)
    no_landlock = _attempt(partial(_probe_landlock, paths))
    no_seccomp = "libseccomp and its binding pyseccomp are not both installed"
    if seccomp is not None and (no_seccomp := _attempt(partial(_probe_filter, seccomp))):
        seccomp = None
    if seccomp is not None:
        by_name(seccomp, ())  # made once, for all workers
    first_user, no_user = _workers_users(zygote)
    # Workers with user id 0 could change owners and modes of root's files, which Landlock does not cover.
    root = os.geteuid() == 0 and first_user is None
    enough = not no_landlock and seccomp is not None and wanted in (None, "C") and not root
    reasons = {"view": no_view, "processes": no_view, "landlock": no_landlock, "seccomp": no_seccomp, "user": no_user}
    return Confinement(
        level=entered or ("C" if enough else UNCONFINED),
        namespaces=bool(entered),
        landlock=not no_landlock,
        seccomp=seccomp,
        first_user=first_user,
        readable=paths,
        why_not={layer: reason for layer, reason in reasons.items() if reason},
    )


def confine(to: Confinement, limits: Limits, number: int, open_too: Opening = CLOSED) -> None:
    """Confine the calling process, a new fork of the zygote, for good. The filter comes last: it forbids these calls.

    Raises OSError if a layer that worked in `enter` fails now.
    """
    if to.namespaces:
        private_work(limits.disk_mb, open_too.own)
    with suppress(PermissionError):  # an ordinary user has no capabilities to drop
        raw_syscalls.drop_bounding_set()
    if to.first_user is not None:
        _become(to.first_user + number % USERS)
    raw_syscalls.drop_capabilities()
    raw_syscalls.not_dumpable()
    raw_syscalls.no_new_privileges()
    raw_syscalls.die_with_parent(signal.SIGKILL)
    limit_resources(limits, own_user=to.first_user is not None, boundless=open_too.boundless)
    if to.landlock:
        readable = (*to.readable, *FACTS, *open_too.facts)
        own = open_too.own if to.namespaces else [path for path in open_too.own if inside(path, "/proc")]
        restrict_files(readable, (WORK,) if to.namespaces else (), DEVICES, open_too.nodes, own)
    if to.seccomp is not None:
        allow_syscalls(to.seccomp, open_too.calls)


def _enter_view(wanted: str | None, paths: tuple[str, ...], open_too: Opening) -> tuple[str, str]:
    """Enter namespaces if possible. Returns the level and "", or "" and the reason for none."""
    problem = f"level {wanted} was requested"
    for level in ("A", "B"):
        if wanted in (None, level) and not (problem := _attempt(partial(_enter_namespaces, level, paths, open_too))):
            _enter_namespaces(level, paths, open_too)
            return level, ""
    return "", problem


def _workers_users(zygote: int) -> tuple[int | None, str]:
    """The first user id for this zygote's workers and "", or None and the reason for none."""
    problem = ""
    for first in (FIRST_USER + zygote % USERS * USERS, FIRST_USER_OF_FEW):
        if not (problem := _attempt(partial(_probe_user, first))):
            return first, ""
    return None, problem


def _enter_namespaces(level: str, paths: tuple[str, ...], open_too: Opening) -> None:
    if level == "A" and os.geteuid() != 0:
        raise PermissionError("not root")
    if level == "B":
        enter_user_namespace()
    raw_syscalls.unshare(NAMESPACES)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)  # 128 plus the signal's number, like a shell
    raw_syscalls.die_with_parent(signal.SIGKILL)
    build_view(paths, (*DEVICES, *open_too.nodes), [path for path in open_too.facts if path.startswith("/sys/")])


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _probe_user(user: int) -> None:
    _become(user)
    found = [importlib.util.find_spec(module) for module in ("numpy", "torch", "autograder")]
    for path in (os.__file__, *(spec.origin for spec in found if spec is not None and spec.origin is not None)):
        with open(path, "rb") as file:
            file.read(1)


def _probe_landlock(paths: tuple[str, ...]) -> None:
    raw_syscalls.no_new_privileges()
    restrict_files(paths, (), DEVICES)
    with open(os.__file__, "rb") as file:
        file.read(1)
    with suppress(PermissionError):
        open("/proc/version").close()
        raise OSError("a file outside the allowed folders could be opened")


def _probe_filter(seccomp: ModuleType) -> None:
    raw_syscalls.no_new_privileges()
    allow_syscalls(seccomp)
    with suppress(PermissionError):
        socket.socket().close()
        raise OSError("a socket could be opened")


def _attempt(action: Callable[[], None]) -> str:
    """Try an irreversible action in a child process. Returns the reason of its failure, or "" for success."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            action()
            os.write(writer, b"held")
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode(errors="replace")[:500])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        report = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return "" if report == "held" else report or "the child process died"
