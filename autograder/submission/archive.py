"""Reads one submission, a zip or a folder, into memory; nothing is ever unpacked to disk."""

from __future__ import annotations

from pathlib import Path

from autograder.errors import ArchiveError
from autograder.submission.folder import read_folder
from autograder.submission.intake import ArchiveLimits, Files, Intake
from autograder.submission.zipped import read_zip

__all__ = ["ArchiveLimits", "Files", "read_submission"]


def read_submission(path: Path, limits: ArchiveLimits | None = None) -> Files:
    """Read the zip or folder at `path`.

    What is harmless is left out with a note for a person: names that lead elsewhere, links, special files, encrypted
    or damaged members, what is too large, archives inside, files of kinds that grading does not use. Of two members
    with the same name, or with names that differ only in case, the later one is taken.

    Raises:
        ArchiveError: not a zip, cut off, overlapping members, too many files or bytes; one clear line.
    """
    intake = Intake(path.name, limits or ArchiveLimits())
    if path.is_dir():
        read_folder(path, intake)
    elif path.is_file():
        read_zip(path, intake)
    else:
        raise ArchiveError(f"{path}: {'neither a zip nor a folder' if path.exists() else 'no such file or folder'}")
    return intake.files()
