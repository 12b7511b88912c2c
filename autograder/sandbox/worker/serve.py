"""Imports a submission and carries out the grader's requests, one frame each way.

It runs in a confined fork of the zygote and imports nothing of the grader's side. Its replies are untrusted: the
submission's code shares this process and may have forged them.
"""

from __future__ import annotations

import faulthandler
import importlib
import marshal
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from autograder.course.model import Limits
from autograder.sandbox.channel import control, wire
from autograder.sandbox.channel.bundle import unpacked
from autograder.sandbox.channel.failures import IMPORT_TOO_LONG, describe, ran_out
from autograder.sandbox.channel.frames import FrameReader
from autograder.sandbox.channel.output import redirect_prints
from autograder.sandbox.isolation.paths import WORK
from autograder.sandbox.session.devices import lacks_gpu, without_gpu
from autograder.sandbox.session.importing.absent import forbid_questions
from autograder.sandbox.session.importing.importer import SubmissionFinder
from autograder.sandbox.session.importing.own_names import own_names
from autograder.sandbox.session.importing.standins import MAX_ADDED, StandInFinder, excuse, standing_in, uses
from autograder.sandbox.session.importing.statements import Statements
from autograder.sandbox.session.operations import Session
from autograder.sandbox.worker.guards import Guard
from autograder.sandbox.worker.processes import forbid_processes

__all__ = ["serve"]

NOTEBOOK = ("open_notebook", "run_cell", "written_files")
Array: TypeAlias = "np.ndarray[Any, Any]"
Bundle: TypeAlias = "Mapping[str, Array]"


def serve(channel: int, limits: Limits, rules: Sequence[str], guard: Guard) -> None:
    """Answer requests until the channel is closed. Never returns.

    Args:
        channel: descriptor of a stream socket.
        limits: used only for the size of the output; the other limits are in force already.
        rules: names of the rules for the submission.
        guard: a guard for at least these rules.
    """
    redirect_prints(limits.output_kb << 10)
    forbid_questions()
    sys.breakpointhook = lambda *_, **__: None  # `breakpoint()` does nothing
    guard.keep_only(rules)
    _copy_contents_only()
    worker = _Worker(guard)
    _write(channel, wire.encode("ready"))
    requests = _reader(channel)
    try:
        while (request := _read(requests)) is not None:
            _write(channel, worker.answer(**request))
    except MemoryError:  # too little memory to read a request, or for an error reply
        os._exit(control.OUT_OF_MEMORY)
    os._exit(0)


def _copy_contents_only() -> None:
    """Make `shutil.copy` and similar functions leave modes and times alone, since the system calls for these fail."""

    def leave(source: Any, target: Any, *, follow_symlinks: bool = True) -> None: ...

    vars(shutil).update(copymode=leave, copystat=leave)


class _Worker:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._session: Session | None = None
        self._own: frozenset[str] = frozenset()
        self._lasting = ExitStack()  # contexts that stay open while this process lives
        self._gpu: dict[str, Any] = {}  # the line that asked for a GPU; part of the next reply

    def answer(
        self, id: int, op: str, payload: Mapping[str, Any], first: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> list[bytes | memoryview]:
        """The encoded reply to one request, with the request's number.

        Args:
            first: operations to carry out before it. Their values are dropped. If one raises, its error is the reply,
                and the rest is not carried out.
        """
        try:
            for earlier, with_this in first:
                self._perform(earlier, with_this)
            value = self._perform(op, payload)
            return wire.encode({"id": id, "value": value, **self._observed()}, wire.MAX_REPLY)
        except BaseException as error:
            description = {key: _printable(value) for key, value in describe(error, self._own).items()}
            out_of_memory = ran_out(error)
        return wire.encode({"id": id, "error": description, "memory": out_of_memory, **self._observed()})

    def _observed(self) -> dict[str, Any]:
        """Entries of every reply: the recorded forbidden uses, and the line at which the CPU replaced a GPU."""
        gpu, self._gpu = self._gpu, {}
        return {"used": self._guard.used(self._own), **gpu}

    def _no_gpu(self, error: BaseException) -> None:
        description = describe(error, self._own)
        self._gpu = {"gpu": [description["file"], description["line"]]}

    def _perform(self, op: str, payload: Mapping[str, Any]) -> Any:
        if op == "load":
            return self._load(**payload)
        if op == "compile":
            return _compiled(**payload)
        if op == "begin" and "rules" in payload:
            self._guard.keep_only(payload["rules"])
            payload = {"seed": payload["seed"]}
        if op in NOTEBOOK:
            return self._perform_on_notebook(op, payload)
        if self._session is None:
            raise RuntimeError("nothing is loaded yet")
        return self._session.perform(op, payload)

    def _perform_on_notebook(self, op: str, payload: Mapping[str, Any]) -> Any:
        """Carry out an operation of a worker that runs a notebook instead of a module."""
        from autograder.sandbox.worker.notebook import RunningNotebook  # needs IPython, which few workers do

        if op == "open_notebook":
            self._notebook = RunningNotebook(**payload)
            return None
        return self._notebook.run(**payload) if op == "run_cell" else self._notebook.written()

    def _load(
        self,
        files: Bundle,
        module: str,
        own: Array,
        code: Bundle,
        stand_ins: list[str],
        broken: list[str],
        seconds: float,
    ) -> list[list[Any]]:
        """Import `module`. It can import or read all other `files`.

        Returns file, line and kind of exception of each statement that raised and was skipped.
        """
        contents = unpacked(files)
        self._own = frozenset(f"{WORK}/{name}" for name, is_own in zip(contents, own.tolist(), strict=True) if is_own)
        self._statements = Statements(self._may_skip, self._excuse, self._add, lambda: self._guard.has_seen)
        self._finder = SubmissionFinder(contents, WORK, unpacked(code), self._statements)
        self._finder.install()
        forbid_processes()
        self._stand_ins = StandInFinder(stand_ins)
        self._stand_ins.install()
        if os.access(WORK, os.W_OK):
            os.chdir(WORK)
            _write_files(contents)
        artifacts = {name: content for name, content in contents.items() if not name.endswith(".py")}
        modules = [path.removeprefix(f"{WORK}/") for path in self._own if path.endswith(".py")]
        called = self._lasting.enter_context(own_names(modules, WORK))
        sys.argv = [f"{module}.py"]  # without arguments
        with (
            within(seconds),
            _traceback_after(seconds),
            self._stand_ins.importing(),
            standing_in(map(called, broken)),
            self._statements.importing(),
        ):
            imported = without_gpu(lambda: self._imported(called(module)), self._no_gpu)
        self._session = Session(imported, artifacts, self._no_gpu)
        return [[file, line, _printable(kind)] for file, line, kind in self._statements.skipped]

    def _imported(self, module: str) -> ModuleType:
        """Import the module. A missing module or name only costs the statements that cannot do without it.

        If the import does not find a module that nobody has, it is repeated with a stand-in. If a stand-in is used in a
        way that fails, the import is repeated one statement at a time. A statement that fails for another reason is
        skipped, see `Statements`, and nothing is repeated for it.
        """
        self._module, before = module, uses()
        for _ in range(MAX_ADDED):
            try:
                return self._under_rules(module)
            except ImportTooLong:
                raise
            except BaseException as error:
                failure = error
            if not self._add(failure):
                break
            self._forget()
        if not isinstance(failure, Exception) or not self._excuse(failure, before):
            raise failure
        self._forget()
        with self._guard.importing(), self._statements.one_by_one():
            try:
                return importlib.import_module(module)
            except ImportTooLong:  # no time was left after the first failure
                raise failure from None

    def _is_own(self, name: str) -> bool:
        return name == self._module or self._finder.has(name)

    def _excuse(self, error: BaseException, before: int) -> str:
        return excuse(error, before, self._is_own)

    def _may_skip(self, error: BaseException) -> bool:
        """True if no repeated import, without rules or on the CPU, may do without the error."""
        return not self._guard.has_seen and (bool(self._gpu) or not lacks_gpu(error))

    def _add(self, error: BaseException) -> bool:
        """Add a stand-in for the missing module that an error names; False if it names none."""
        return self._stand_ins.add(error, self._is_own)

    def _under_rules(self, module: str) -> ModuleType:
        """Import the module. If the import uses a forbidden operator, in a self-check for example, repeat it unguarded.

        Rules are about the use of inputs, which an import does not know. A rule about the autograd engine holds during
        imports, too: a statement that uses the engine is skipped, and so are statements that then fail.
        """
        try:
            imported = importlib.import_module(module)
        except ImportTooLong:
            raise
        except BaseException:
            if not self._guard.has_seen:
                raise
        else:
            if not self._guard.has_seen:
                return imported
        self._forget()
        with self._guard.importing():
            try:
                return importlib.import_module(module)
            except ImportTooLong:
                raise
            except BaseException:
                if not self._guard.has_seen:
                    raise
        self._forget()
        with self._guard.importing(), self._statements.one_by_one():
            return importlib.import_module(module)

    def _forget(self) -> None:
        """Remove the submission's modules from sys.modules, so that they are imported again."""
        for name, each in list(sys.modules.items()):
            if getattr(each, "__file__", None) in self._own:
                del sys.modules[name]


class ImportTooLong(BaseException):
    """Raised in the submission's code when an import takes too long. Only the running line is reported."""


assert ImportTooLong.__name__ == IMPORT_TOO_LONG


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise ImportTooLong in this block after `seconds` of CPU time, and repeat it if the code catches it.

    An import that waits, or that computes outside of Python, is ended by the grader; see `_traceback_after`.
    """

    def too_long(*_: Any) -> None:
        raise ImportTooLong

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _traceback_after(seconds: float) -> Iterator[None]:
    """If this block is not over after `seconds`, print the line that runs then. Nothing is interrupted."""
    with suppress(RuntimeError):  # no thread can be started
        faulthandler.dump_traceback_later(seconds, file=1)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _compiled(name: str, source: Array) -> Array | None:
    """The marshalled code of one file; None if it does not compile, which its import will report."""
    try:
        code = compile(source.tobytes(), f"{WORK}/{name}", "exec", dont_inherit=True)
        return np.frombuffer(marshal.dumps(code), np.uint8)
    except Exception:
        return None


def _write_files(contents: Mapping[str, bytes]) -> None:
    """Write the files into the working folder. A file that does not fit is left out."""
    for name, content in contents.items():
        with suppress(OSError):
            os.makedirs(os.path.dirname(f"./{name}"), exist_ok=True)
            with open(name, "wb") as file:
                file.write(content)


def _printable(value: Any) -> Any:
    """Encodable text: a submission may put lone surrogates into a message."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _write(channel: int, parts: list[bytes | memoryview]) -> None:
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(channel, rest) :]


def _reader(channel: int) -> FrameReader:
    def receive(buffers: list[memoryview]) -> int:
        count = os.readv(channel, buffers)
        if count == 0:
            raise EOFError
        return count

    return FrameReader(receive)


def _read(requests: FrameReader) -> Any:
    """The next request, or None if the grader has closed the channel."""
    try:
        return requests.read()
    except (EOFError, OSError):
        return None
