"""Runs a notebook in a kernel of its own, once, from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbclient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

__all__ = ["FailedCell", "run_cells"]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class FailedCell:
    """A cell that failed.

    Attributes:
        number: its number, counted from 1; 0 if the kernel did not start.
        begins: its first line.
        reason: `ZeroDivisionError: division by zero`, or the end of the kernel; one line.
        ended: True if no later cell was run.
    """

    number: int
    begins: str
    reason: str
    ended: bool


def run_cells(
    notebook: NotebookNode,
    folder: Path,
    *,
    keep_going: bool,
    cell_seconds: int | None = None,
    before_cell: Callable[[int, NotebookNode], None] | None = None,
) -> list[FailedCell]:
    """Run a notebook's cells, and store their outputs in it.

    Args:
        folder: the kernel's working folder.
        keep_going: True to continue after a cell that raises.
        cell_seconds: the limit for each cell; None for no limit.
        before_cell: called with a cell's number, counted from 1, before the cell is run.

    Returns:
        The cells that raised, did not end, or killed the kernel.

    Raises:
        KeyboardInterrupt: the user stopped the run. The kernel has ended, and the notebook has the outputs so far.
    """
    begun = [0]

    def begin(cell: NotebookNode, cell_index: int, **_: Any) -> None:
        begun[0] = cell_index + 1
        if before_cell:
            before_cell(cell_index + 1, cell)

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        notebook,
        timeout=cell_seconds,
        allow_errors=keep_going,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        shutdown_kernel="immediate",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        on_cell_execute=begin,
    )
    try:
        client.execute()
    except Exception as error:
        # On Ctrl-C the client ends the kernel, and then fails with one of several errors.
        if getattr(client, "_async_cleanup_kernel_future", None) is not None:
            raise KeyboardInterrupt from None
        if isinstance(error, CellExecutionError):
            return _raised(notebook, ended=True)
        if isinstance(error, CellTimeoutError):
            return [*_raised(notebook), _stuck(notebook, begun[0], f"did not end within {cell_seconds} s")]
        if isinstance(error, DeadKernelError):
            return [*_raised(notebook), _stuck(notebook, begun[0], "the kernel died: out of memory, or a crash")]
        if begun[0]:
            raise
        return [_stuck(notebook, 0, f"the kernel did not start: {(str(error).splitlines() or [''])[0]}")]
    return _raised(notebook)


def _raised(notebook: NotebookNode, *, ended: bool = False) -> list[FailedCell]:
    """The cells whose outputs hold an error. `ended`: True if no cell was run after the last of them."""
    failed = []
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                reason = COLOURS.sub("", f"{output.ename}: {output.evalue}").splitlines()[0]
                failed.append(FailedCell(number, _begins(cell), reason, ended=False))
                break
    return [*failed[:-1], replace(failed[-1], ended=ended)] if failed else []


def _stuck(notebook: NotebookNode, number: int, reason: str) -> FailedCell:
    begins = _begins(notebook.cells[number - 1]) if number else "before the first"
    return FailedCell(number, begins, reason, ended=True)


def _begins(cell: NotebookNode) -> str:
    return next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
