"""Reads the clean copy of an assignment: the files as they were handed out, to compare students' files with."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from autograder.course.model import Assignment
from autograder.errors import UsageError
from autograder.submission.paths import is_litter, show

__all__ = ["CLEAN", "clean_part", "read_clean"]

# A hidden folder beside the student's files, so that nobody opens it by mistake.
CLEAN = ".clean"
MAX_FILE = 32 * 1024 * 1024


def clean_part(path: str, assignment: Assignment) -> bool:
    """True if the handout's file at `path` belongs to the clean copy: modules, given files, notebooks, library."""
    return path in (*assignment.files, *assignment.given, *assignment.notebooks) or path.startswith("common/")


def read_clean(source: Path, assignment: Assignment) -> dict[str, bytes]:
    """The clean copy's files, by path.

    Args:
        source: a folder that holds a clean copy, or the handed-out assignment as a folder or zip.

    Raises:
        UsageError: there is no clean copy, it cannot be read, or it lacks a module, a notebook or a given file.
    """
    if (source / CLEAN).is_dir():
        files = _from_folder(source / CLEAN)
    elif source.is_dir():
        files = _from_folder(source)
    else:
        files = _from_zip(source)
    base = _base(files, assignment.files[0])
    inside = {str(PurePosixPath(path).relative_to(base)): data for path, data in files.items() if _below(path, base)}
    clean = {path: data for path, data in sorted(inside.items()) if clean_part(path, assignment)}
    for name in (*assignment.files, *assignment.given, *assignment.notebooks):
        if name not in clean:
            raise UsageError(f"{source}: no clean copy: it lacks {name}; unzip the assignment again")
    return clean


def _base(files: dict[str, bytes], module: str) -> PurePosixPath:
    """The folder that holds the module. Many zips have one folder around all files."""
    found = [PurePosixPath(path).parent for path in files if PurePosixPath(path).name == module]
    if not found:
        raise UsageError(f"no clean copy: it lacks {module}; unzip the assignment again beside your files")
    return min(found, key=lambda folder: (len(folder.parts), folder))


def _below(path: str, base: PurePosixPath) -> bool:
    return PurePosixPath(path).is_relative_to(base)


def _from_folder(folder: Path) -> dict[str, bytes]:
    everything = (*folder.rglob("*"), *(folder / "common").rglob("*"))  # rglob does not follow common if it is a link
    paths = (path for path in everything if path.is_file())
    relative = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in relative.items() if not is_litter(name)}


def _from_zip(source: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [
                info
                for info in archive.infolist()
                if info.filename[-1:] not in ("", "/") and not is_litter(info.filename)
            ]
            if large := [info.filename for info in members if info.file_size > MAX_FILE]:
                raise UsageError(f"{source.name}: {show(large[0])} is far too large for an assignment")
            return {info.filename: archive.read(info) for info in members}
    except FileNotFoundError:
        raise UsageError(f"{source}: no such file or folder") from None
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise UsageError(f"{source}: cannot be read as a zip: {error}") from None
