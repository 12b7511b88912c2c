"""Finds the submissions in what the caller names: a class's folder, one zip, or one submission's folder."""

from __future__ import annotations

from pathlib import Path

from autograder.errors import UsageError
from autograder.submission.locate import is_called
from autograder.submission.names import is_litter

__all__ = ["find_submissions", "holds_module"]


def find_submissions(path: Path, module: str) -> list[Path]:
    """The zips and folders to grade, in order of name.

    A folder that itself holds `<module>.py` is one submission. In any other, each zip and each folder is one; a
    folder around nothing but one zip, as learning systems make them, stands for the zip. Everything else is passed
    over: hidden files, links, `submitted.csv`, READMEs, scripts.

    Raises:
        UsageError: there is no such path, or nothing to grade in it.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    if holds_module(path, module):
        return [path]
    try:
        found = [_unwrap(entry) for entry in sorted(path.iterdir(), key=_order) if _is_submission(entry)]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if not found:
        raise UsageError(f"{path}: no submissions here: wanted zips or folders, or a folder that holds {module}.py")
    return found


def holds_module(folder: Path, module: str) -> bool:
    """Whether `<module>.py`, under its own name or one that copying made of it, lies directly in the folder."""
    wanted = f"{module}.py"
    return any(is_called(entry.name, wanted) and entry.is_file() for entry in folder.iterdir())


def _order(path: Path) -> tuple[str, str]:
    return path.name.casefold(), path.name


def _is_submission(entry: Path) -> bool:
    if entry.name.startswith(".") or is_litter(entry.name) or entry.is_symlink():
        return False
    return entry.is_dir() or _is_zip(entry)


def _is_zip(entry: Path) -> bool:
    return entry.suffix.lower() == ".zip" and entry.is_file() and not entry.is_symlink()


def _unwrap(entry: Path) -> Path:
    if not entry.is_dir():
        return entry
    try:
        inside = [inner for inner in entry.iterdir() if not is_litter(inner.name)]
    except OSError:
        return entry  # reading it will tell, and concerns nobody else
    return inside[0] if len(inside) == 1 and _is_zip(inside[0]) else entry
