"""Runs a notebook's cells in IPython's shell, and keeps the output of each as plain data.

A cell's output is a list of dicts, in order:

    {"kind": "stream", "name": "stdout" | "stderr", "text": …}
    {"kind": "display" | "result", "data": {MIME type: text, or bytes of a PNG as an array}}
    {"kind": "error", "name": …, "text": …, "trace": …}

Output beyond a limit is left out here, before transport. `grader.displayed` validates and limits it again.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets import Type
from traitlets.config import Config

from autograder.sandbox.channel.bundle import unpacked
from autograder.sandbox.isolation.paths import WORK
from autograder.sandbox.session.importing.absent import forbid_questions
from autograder.sandbox.session.importing.standins import StandInFinder
from autograder.sandbox.worker.processes import forbid_processes, warn

__all__ = ["RunningNotebook"]

TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")
IMAGE, ALT = "image/png", "alt"  # beside an image stands its alternative text
MAX_ALT = 1000  # characters of one
MAX_OUTPUTS = 64  # of one cell
MAX_TEXT = 100_000  # characters of one cell
MAX_IMAGES = 8 << 20  # bytes of one cell
# Notebooks from Colab begin by mounting a drive. A stand-in makes this do nothing.
COLAB = "google.colab"
# Magics that hand their cell or line to another program.
SHELLS = (
    "bash",
    "sh",
    "script",
    "perl",
    "ruby",
    "cmd",
    "pypy",
    "python2",
    "sx",
    "system",
    "conda",
    "mamba",
    "micromamba",
)


class RunningNotebook:
    """Cells that run one after the other in one namespace.

    Args:
        files: the files of the notebook's folder, in the form of `bundle.packed`.
        watched: names of files that the notebook may write; `written` returns those that it wrote.
        stand_ins: packages that the submission imports and that are not installed.
    """

    def __init__(self, files: Mapping[str, np.ndarray[Any, Any]], watched: list[str], stand_ins: list[str]) -> None:
        os.chdir(WORK)
        for name, content in unpacked(files).items():
            with suppress(OSError):  # a file that does not fit is left out
                os.makedirs(os.path.dirname(f"{WORK}/{name}"), exist_ok=True)
                with open(f"{WORK}/{name}", "wb") as file:
                    file.write(content)
        sys.path.insert(0, WORK)
        sys.argv = ["notebook"]
        self._put_out = _PutOut()
        sys.stdout, sys.stderr = _Stream("stdout", self._put_out), _Stream("stderr", self._put_out)
        self._before = {name: _stamp(name) for name in watched}
        StandInFinder((COLAB, *stand_ins)).install()
        settings = Config({"HistoryManager": {"enabled": False}})  # it would keep a database, and a thread
        self._shell = _Shell.instance(config=settings, ipython_dir=f"{WORK}/.ipython")
        self._shell.put_out = self._put_out
        forbid_questions()
        forbid_processes()
        for magic in SHELLS:
            self._shell.register_magic_function(warn, "line_cell", magic)  # type: ignore[arg-type]
        with suppress(Exception):  # a notebook can run without plots
            self._shell.enable_matplotlib("inline")
        signal.signal(signal.SIGALRM, _too_long)

    def run(self, source: str, seconds: float) -> dict[str, Any]:
        """Run one cell. An exception becomes part of its output, also the TimeoutError after `seconds`."""
        self._put_out.begin()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            self._shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return {"outputs": self._put_out.outputs, "left_out": self._put_out.left_out}

    def written(self) -> list[str]:
        """The names of the watched files that have changed since the beginning."""
        return [name for name, before in self._before.items() if _stamp(name) not in (None, before)]


class _PutOut:
    """The output of a cell so far, limited in size."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self.left_out = False
        self._text, self._images = MAX_TEXT, MAX_IMAGES
        self._ids: dict[str | None, int] = {}

    def clear(self) -> None:
        """Drop the output so far, for a cell that redraws its progress in place. Its space becomes free."""
        self.begin()

    def stream(self, name: str, text: str) -> None:
        text = self._bounded(text)
        last = self.outputs[-1] if self.outputs else {}
        if last.get("kind") == "stream" and last["name"] == name:
            last["text"] += text
        elif text:
            self._add({"kind": "stream", "name": name, "text": text})

    def display(self, kind: str, data: Mapping[str, Any], id: str | None = None, update: bool = False) -> None:
        place = self._ids.get(id, -1) if update else len(self.outputs)
        if place < 0:
            return
        if update:  # a plot that is redrawn many times counts once
            self._free(self.outputs[place]["data"])
        kept = dict(filter(None, (self._kept(mime, value) for mime, value in data.items())))
        output = {"kind": kind, "data": kept}
        if update:
            self.outputs[place] = output
        elif kept and self._add(output) and id is not None:
            self._ids[id] = place

    def error(self, name: str, text: str, trace: str) -> None:
        self._text = max(self._text, MAX_TEXT // 10)  # room for an error, even after many prints
        self._add({"kind": "error", "name": name[:200], "text": self._bounded(text), "trace": self._bounded(trace)})

    def _add(self, output: dict[str, Any]) -> bool:
        most = MAX_OUTPUTS if output["kind"] != "error" else MAX_OUTPUTS + 1
        if len(self.outputs) >= most:
            self.left_out = True
            return False
        self.outputs.append(output)
        return True

    def _free(self, data: Mapping[str, Any]) -> None:
        self._text += sum(len(value) for value in data.values() if isinstance(value, str))
        self._images += sum(len(value) for value in data.values() if not isinstance(value, str))

    def _bounded(self, text: str) -> str:
        kept = text[: self._text]
        self.left_out |= len(kept) < len(text)
        self._text -= len(kept)
        return kept.encode("utf-8", "backslashreplace").decode()

    def _kept(self, mime: str, value: Any) -> tuple[str, Any] | None:
        if mime in (*TEXTS, ALT) and isinstance(value, str):
            return mime, self._bounded(value)
        if mime != IMAGE or not isinstance(value, (str, bytes)):
            return None
        try:
            image = base64.b64decode(value) if isinstance(value, str) else value
        except (binascii.Error, ValueError):
            return None
        if len(image) > self._images:
            self.left_out = True
            return None
        self._images -= len(image)
        return mime, np.frombuffer(image, np.uint8)


class _Stream(io.TextIOBase):
    """Standard output or error of the cells."""

    encoding = "utf-8"

    def __init__(self, name: str, put_out: _PutOut) -> None:
        self.name, self._put_out = name, put_out

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._put_out.stream(self.name, text)
        return len(text)


class _Results(DisplayHook):
    """The value of a cell's last line."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        assert isinstance(self.shell, _Shell)
        self.shell.put_out.display("result", _with_alt(format_dict, md_dict))

    def log_output(self, format_dict: dict[str, Any]) -> None:
        pass  # IPython would keep a second copy

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Displays(DisplayPublisher):
    """Receives the displays of a cell: plots, tables."""

    def publish(self, data: Any, metadata: Any = None, *_: Any, transient: Any = None, **more: Any) -> None:
        id = (transient or {}).get("display_id")
        self.shell.put_out.display("display", _with_alt(data, metadata), id, bool(more.get("update")))

    def clear_output(self, wait: bool = False) -> None:
        self.shell.put_out.clear()


class _Shell(InteractiveShell):
    system = system_raw = system_piped = warn  # `!` and `%pip` call it

    def getoutput(self, *_: Any, **__: Any) -> SList:  # `files = !ls`
        warn()
        return SList()

    displayhook_class = Type(_Results)
    display_pub_class = Type(_Displays)
    put_out: _PutOut

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        try:
            text = str(evalue)
        except Exception:
            text = "(its message cannot be printed)"
        self.put_out.error(etype.__name__, text, self.InteractiveTB.stb2text(stb))

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no screen."""

    def enable_matplotlib(self, gui: Any = None) -> Any:
        """Put plots below their cells, whatever window or widget `%matplotlib` asks for."""
        return super().enable_matplotlib("inline")  # type: ignore[no-untyped-call]

    def ask_exit(self) -> None:
        """Continue after `exit()` and `quit()`, which would end a kernel: there is no kernel here."""
        print("the notebook cannot end itself here; the next cells are run", file=sys.stderr)


def _with_alt(data: Mapping[str, Any], metadata: Any) -> Mapping[str, Any]:
    """The displayed data, with the alternative text of its image, if it has one."""
    about = metadata.get(IMAGE) if isinstance(metadata, Mapping) else None
    alt = about.get(ALT) if isinstance(about, Mapping) else None
    return {**data, ALT: alt[:MAX_ALT]} if isinstance(alt, str) and IMAGE in data else data


def _too_long(*_: Any) -> None:
    raise TimeoutError("the cell took too long, and was stopped")


def _stamp(name: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(f"{WORK}/{name}")
    except (OSError, ValueError):
        return None
    return facts.st_size, facts.st_mtime_ns
