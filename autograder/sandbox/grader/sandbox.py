"""Starts the zygote, the fork server of workers, with a clean environment, and requests workers from it."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autograder.course.model import Limits
from autograder.course.rule import Rule
from autograder.errors import GraderError, IsolationUnavailable
from autograder.sandbox.channel import control
from autograder.sandbox.channel.output import capped_file
from autograder.sandbox.grader.gpu import visible
from autograder.sandbox.grader.package import Package
from autograder.sandbox.isolation.levels import UNCONFINED
from autograder.sandbox.isolation.paths import PACKAGE, inside, readable
from autograder.sandbox.isolation.raw_syscalls import not_dumpable

if TYPE_CHECKING:
    from autograder.sandbox.grader.deadline import Allowance
    from autograder.sandbox.grader.remote import Worker

__all__ = ["KERNELS", "Sandbox", "environment"]

ENTER_SECONDS = 60.0
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from autograder.sandbox.worker.zygote import main; sys.path.pop(0); main()"
)
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "USER": "student",
    "HOME": "/",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
    # The forks of a process that has run an OpenMP region with several threads hang. A worker uses one core.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # A worker's memory limit is one of address space, which an arena per thread would waste.
    "MALLOC_ARENA_MAX": "2",
    "CUDA_VISIBLE_DEVICES": "",  # `gpu.visible` overrides it
}
# Variables that choose a library's routines begin so. Workers get the grader's, so that both sides round alike.
KERNELS = ("ATEN_", "BLIS_", "DNNL_", "MKL_", "NPY_", "ONEDNN_", "OPENBLAS_")


class Sandbox:
    """A source of confined workers; a context manager. Make it before loading anything secret.

    A process that forks may use it in its children at the same time; only the process that made it closes it.

    Args:
        unsafe: True to grade even if this host cannot confine student code well enough.
        level: the only level of isolation to use; None for the best.
        hidden: folders that no worker may see: the course's solutions and tests.
        rules: the rules that workers may have to enforce.
        device: "cuda" if some workers use the GPU.
        preload: modules that the zygote imports for all workers, in addition to torch and numpy.

    Attributes:
        level: "A" root with namespaces, "B" user namespaces, "C" Landlock and seccomp, "D" less than that.
        layers: by name of each layer of isolation, True if it holds on this host.
        why_not: the reason for each layer that does not hold.

    Raises:
        IsolationUnavailable: this host does not confine well enough, or lacks the requested level.
    """

    level: str
    layers: Mapping[str, bool]
    why_not: Mapping[str, str]

    def __init__(
        self,
        *,
        unsafe: bool = False,
        level: str | None = None,
        hidden: Sequence[Path] = (),
        preload: Sequence[str] = (),
        rules: Sequence[Rule] = (),
        device: str = "cpu",
    ) -> None:
        _refuse_visible(hidden)
        self._owner = os.getpid()
        self._control, theirs = control.pair()
        self._says = {rule.name: rule.says for rule in rules}
        settings = {"level": level, "preload": list(preload), "device": device}
        self._zygote = _start_zygote(theirs, {**settings, "rules": [rule.plain() for rule in rules]})
        try:
            found = self._first_word()
            self.level, self.layers, self.why_not = found["level"], found["layers"], found["why_not"]
            reasons = "; ".join(f"{layer}: {reason}" for layer, reason in self.why_not.items())
            if level not in (None, self.level):
                raise IsolationUnavailable(f"isolation of level {level} is not to be had here ({reasons})")
            if self.level == UNCONFINED and not unsafe:
                raise IsolationUnavailable(f"nothing here confines student code well enough ({reasons})")
            if not self.layers["processes"]:
                not_dumpable()  # workers may share this process's user id and see it
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def spawn(
        self,
        package: Package,
        limits: Limits,
        rules: tuple[str, ...] = (),
        device: str = "cpu",
        allowance: Allowance | None = None,
    ) -> Worker:
        """A new confined worker, ready to load a submission.

        Args:
            rules: names of the sandbox's rules that the submission must keep.
            device: "cuda" for a worker that may use the GPU, see `isolation.opening`.
            allowance: the time limit of the whole submission.
        """
        from autograder.sandbox.grader.remote import Worker  # needs torch, whose import must not delay the zygote

        says = {name: self._says[name] for name in rules}
        channel, theirs = socket.socketpair()
        reports, zygotes = control.pair()
        output = capped_file(limits.output_kb << 10)
        with theirs, zygotes:
            request = {"limits": asdict(limits), "rules": list(rules), "device": device}
            try:
                control.send(self._control, request, [theirs.fileno(), output, zygotes.fileno()])
            except OSError as error:
                for end in (channel, reports):
                    end.close()
                os.close(output)
                raise GraderError(f"the zygote is gone: {error}") from error
        return Worker(package, limits, channel, reports, output, says, allowance)

    def require_alive(self) -> None:
        """Raise GraderError if the zygote has ended: errors since then are not the submission's.

        The zygote's socket shows this in forks too, which cannot wait for the zygote: it is not their child.
        """
        poll = select.poll()
        poll.register(self._control, 0)
        if poll.poll(0):
            raise GraderError("the zygote, which workers are forked from, has ended")

    def close(self) -> None:
        """End the zygote and all workers. In a fork of the process that made it, only release the resources."""
        self._control.close()
        if os.getpid() != self._owner:
            return
        self._zygote.kill()
        self._zygote.wait()

    def _first_word(self) -> dict[str, Any]:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if not poll.poll(ENTER_SECONDS * 1000):
            raise IsolationUnavailable(f"the zygote was not ready within {ENTER_SECONDS:.0f} s")
        word = control.receive(self._control)
        if word is None:  # the zygote has closed its end of the socket, so it ends
            with suppress(subprocess.TimeoutExpired):
                self._zygote.wait(timeout=1)
            status = self._zygote.poll() or 0
            signal = -status if status < 0 else status - 128  # in namespaces: 128 plus the signal
            how = f"killed by signal {signal}" if signal > 0 else f"exit status {status}"
            raise GraderError(f"the zygote, which workers are forked from, ended before it was ready ({how})")
        if "failed" in word[0]:
            raise IsolationUnavailable(f"the zygote: {word[0]['failed']}")
        return word[0]


def environment() -> dict[str, str]:
    """The variables of a worker without a GPU."""
    return {name: value for name, value in os.environ.items() if name.startswith(KERNELS)} | ENVIRONMENT


def _start_zygote(end: socket.socket, settings: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    if not hasattr(os, "pidfd_open") or sys.platform != "linux":
        raise IsolationUnavailable("confining student code needs Linux")
    owner = os.pidfd_open(os.getpid())
    try:
        arguments = [str(Path(PACKAGE).parent), str(end.fileno()), str(owner), json.dumps(settings)]
        return subprocess.Popen(
            [sys.executable, "-s", "-P", "-c", START, *arguments],
            env={**environment(), **visible(settings["device"])},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(end.fileno(), owner),
            start_new_session=True,
        )
    finally:
        os.close(owner)
        end.close()


def _refuse_visible(hidden: Sequence[Path]) -> None:
    for folder in hidden:
        with suppress(FileNotFoundError):
            place = str(folder.resolve(strict=True))
            if inside(place, readable()):
                raise IsolationUnavailable(f"{place} lies where every worker can read; keep it elsewhere")
