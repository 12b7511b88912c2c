"""The zygote: a fork server for workers. It is confined, has torch imported, and runs one thread.

`grader.sandbox.Sandbox` runs it as a program. It holds no secret: it starts before the grader loads one, with its own
environment and file descriptors. It answers spawn requests on a control socket that the grader's forks share. All
messages about one worker use the sockets that come with its request.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from autograder.course.model import Limits
from autograder.course.rule import Rule
from autograder.sandbox.channel import control
from autograder.sandbox.isolation import raw_syscalls
from autograder.sandbox.isolation.levels import Confinement, confine, enter
from autograder.sandbox.isolation.opening import opening
from autograder.sandbox.isolation.paths import WORK
from autograder.sandbox.worker.pages import collapse

if TYPE_CHECKING:
    from autograder.sandbox.worker.guards import Guard

__all__ = ["DESCRIPTORS", "main"]

# Descriptors of a spawn request: the worker's end of the channel, its output file, the zygote's end for reports.
DESCRIPTORS = 3
# The worker's only descriptor besides standard input, output and error.
CHANNEL = 3
PRELOAD = ("numpy", "numpy.random", "torch", "torch.nn.functional", "torch.optim", "torch.utils.data")


def main() -> None:
    """The entry point. Arguments: descriptors of the control socket and of the owner's pidfd, and settings as JSON."""
    control_end = socket.socket(fileno=int(sys.argv[2]))
    owner, settings = int(sys.argv[3]), json.loads(sys.argv[4])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the grader, which then closes the zygote
    try:
        confinement = enter(settings["level"], opening(settings["device"]))
    except BaseException as error:
        control.send(control_end, {"failed": f"{type(error).__name__}: {error}"[:2000]})
        raise
    found = {"level": confinement.level, "layers": confinement.layers, "why_not": dict(confinement.why_not)}
    control.send(control_end, found)
    if confinement.namespaces:
        os.environ.update(TMPDIR=WORK, HOME=WORK)
    _warm_up()  # while the grader does its own imports
    rules = [Rule.read(rule) for rule in settings["rules"]]
    _Zygote(control_end, owner, confinement, settings["preload"], rules).serve()


@dataclass
class _Child:
    """A worker: its process id and pidfd, and the socket for reports to the grader."""

    pid: int
    pidfd: int
    reports: socket.socket
    inherited_kb: int  # resident when it was forked
    watched: bool = True  # the grader's end of `reports` is open
    reaped: bool = False


class _Zygote:
    def __init__(
        self,
        control_end: socket.socket,
        owner: int,
        confinement: Confinement,
        later: Sequence[str],
        rules: Sequence[Rule],
    ) -> None:
        self._control, self._confinement, self._later, self._rules = control_end, confinement, later, rules
        self._spawned = 0
        self._guard: Guard | None = None
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._events = selectors.DefaultSelector()
        self._events.register(control_end, selectors.EVENT_READ, None)
        self._events.register(owner, selectors.EVENT_READ, None)

    def serve(self) -> None:
        """Serve until the control socket is closed or the owner has ended. Workers die with this process."""
        ahead: list[Callable[[], object]] = [partial(_import, name) for name in self._later]
        ahead += [self._make_guard, _settle]
        while True:
            events = self._events.select(0 if ahead else None)
            if not events:  # nobody waits for a worker
                ahead.pop(0)()
            for key, _ in events:
                if isinstance(key.data, _Child):
                    self._child_event(key, key.data)
                elif key.fileobj is not self._control:
                    return  # the owner's pidfd: it has ended
                elif (request := control.receive(self._control, DESCRIPTORS)) is None:
                    return
                else:
                    self._spawn(*request)

    def _make_guard(self) -> None:
        self._guard = _guard_of(self._rules)

    def _spawn(self, request: dict[str, Any], descriptors: list[int]) -> None:
        channel, output, reports_end = descriptors
        reports = socket.socket(fileno=reports_end)
        self._spawned += 1
        try:
            pid = self._fork(request, channel, output)
        except OSError as error:  # too little memory or too many processes; a later request may succeed
            with suppress(OSError):
                control.send(reports, {"failed": str(error)})
            reports.close()
            return
        finally:
            os.close(channel)
            os.close(output)
        child = _Child(pid, os.pidfd_open(pid), reports, _resident_kb(pid))
        with suppress(OSError):  # the requester has ended, which also causes an event on `reports`
            control.send(reports, {"forked": True}, [child.pidfd])
        self._events.register(child.pidfd, selectors.EVENT_READ, child)
        self._events.register(reports, selectors.EVENT_READ, child)

    def _fork(self, request: dict[str, Any], channel: int, output: int) -> int:
        """Fork a worker, which confines itself and serves. Returns its process id."""
        if self._confinement.namespaces:
            raw_syscalls.unshare(raw_syscalls.CLONE_NEWPID)  # the next fork becomes process 1 of a new namespace
        try:
            pid = os.fork()
            if pid == 0:
                _become_worker(self._confinement, request, self._spawned, channel, output, self._guard_for)
            return pid
        finally:
            if self._confinement.namespaces:
                raw_syscalls.setns(self._own_pids, raw_syscalls.CLONE_NEWPID)  # back, for the next fork

    def _guard_for(self, names: Sequence[str]) -> Guard:
        """In the child: a guard for at least these rules, inherited if the zygote has made one."""
        return self._guard or _guard_of([rule for rule in self._rules if rule.name in names])

    def _child_event(self, key: selectors.SelectorKey, child: _Child) -> None:
        """Handle the end of a worker, or kill it if the grading process has closed its end of `reports`."""
        if child.reaped:
            return  # a second event of the same round
        if key.fileobj is child.reports:
            self._events.unregister(child.reports)
            child.watched = False
            os.kill(child.pid, signal.SIGKILL)
            return
        _, status, usage = os.wait4(child.pid, 0)
        child.reaped = True
        self._events.unregister(child.pidfd)
        if child.watched:
            self._events.unregister(child.reports)
            with suppress(OSError):  # closed meanwhile
                control.send(child.reports, {"status": status, "used_kb": usage.ru_maxrss - child.inherited_kb})
        child.reports.close()
        os.close(child.pidfd)


def _resident_kb(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _become_worker(
    to: Confinement,
    request: dict[str, Any],
    number: int,
    channel: int,
    output: int,
    guard_for: Callable[[Sequence[str]], Guard],
) -> None:
    """In the child: keep three descriptors, confine, and serve. Never returns."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(channel, CHANNEL)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > CHANNEL:
                with suppress(OSError):  # the descriptor of the listing itself
                    os.close(int(name))
        if request.get("device", "cpu") == "cpu":
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # whatever the zygote was started for
        limits = Limits(**request["limits"])
        confine(to, limits, number, opening(request.get("device", "cpu")))
        from autograder.sandbox.worker.serve import serve  # imported by the warm-up, after the view was entered

        serve(CHANNEL, limits, request["rules"], guard_for(request["rules"]))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(98)


def _warm_up() -> None:
    """Import modules and run lazy initializations, so that forks share them."""
    for name in PRELOAD:
        importlib.import_module(name)
    import torch

    import autograder.sandbox.worker.serve  # noqa: F401  (its forks find it imported)

    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.ones(2, 1, 3, 3))
    out = torch.nn.functional.conv2d(torch.ones(1, 1, 4, 4), weight).sum()
    # The first backward pass counts the GPUs for this process and all its forks, and starts a thread for each. If there
    # may be a GPU, the workers do this.
    if os.environ["CUDA_VISIBLE_DEVICES"] == "":
        out.backward()  # type: ignore[no-untyped-call]
    _settle()


def _guard_of(rules: Sequence[Rule]) -> Guard:
    """A guard for these rules. The zygote has one for all: lifting rules in a worker is faster than adding them."""
    from autograder.sandbox.worker.guards import Guard  # needs torch

    return Guard(rules)


def _import(name: str) -> None:
    importlib.import_module(name)
    _require_one_thread()


def _require_one_thread() -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"the zygote must have one thread, or its forks hang; it has {threads}")


def _settle() -> None:
    """Prepare memory for cheap forks."""
    _require_one_thread()
    gc.collect()
    gc.freeze()
    collapse()
