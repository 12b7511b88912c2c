"""Reads one submission, an archive or a folder, into memory; nothing of it is ever unpacked to disk."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from autograder.errors import ArchiveError
from autograder.submission.receive.archives.packed import directory_end
from autograder.submission.receive.archives.tar import is_tar, read_tar
from autograder.submission.receive.archives.zip import read_zip
from autograder.submission.receive.folder import read_folder
from autograder.submission.receive.intake import ArchiveLimits, Files, Intake

__all__ = ["ArchiveLimits", "Files", "read_submission"]

# What else people hand in under the name of a zip, by its first bytes.
OTHERS = (
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"ALZ\x01", "an ALZip archive"),
    (b"EGGA", "an EGG archive of ALZip"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b'{"cells"', "a notebook"),
    (b"{\n", "a notebook, or other JSON"),
)
PAGES = (b"<!doctype", b"<html")


def read_submission(path: Path, limits: ArchiveLimits | None = None, asked: Collection[str] = ()) -> Files:
    """Read the archive or folder at `path`.

    What is harmless is left out with a note for a person: names that lead elsewhere, links, special files, encrypted
    or damaged members, what is too large or too much, files of kinds that grading does not use. Zips inside are opened
    where no source lies beside them. Of two members with the same name, or with names that differ only in case, the
    later one is taken.

    Args:
        asked: names of the files that the assignment asks for: they are read first, whatever lies beside them.

    Raises:
        ArchiveError: no archive that is read here, cut off, overlapping members, far too many files; one clear line.
    """
    intake = Intake(path.name, limits or ArchiveLimits(), asked)
    if path.is_dir():
        inner: Mapping[str, bytes] = read_folder(path, intake)
    elif path.is_file():
        inner = _read_file(path, intake)
    else:
        raise ArchiveError(f"{path}: {'neither a zip nor a folder' if path.exists() else 'no such file or folder'}")
    _read_inner(path.name, inner, intake)
    return intake.files()


def _read_file(path: Path, intake: Intake) -> Mapping[str, bytes]:
    try:
        with io.FileIO(path) as file:
            return _read(file, path.name, intake)
    except OSError as error:
        raise ArchiveError(f"{path.name}: cannot be read: {error.strerror}") from None


def _read(file: io.FileIO | io.BytesIO, name: str, intake: Intake) -> Mapping[str, bytes]:
    start = file.read(64) or b""
    if not start:
        raise ArchiveError(f"{name}: empty (0 bytes)")
    if not start.startswith(b"PK") and is_tar(file):
        if name.lower().endswith(".zip"):
            intake.note(name, "a tar archive with the name of a zip; it was read all the same")
        read_tar(file, name, intake)
        return {}
    for magic, kind in OTHERS:
        if start.startswith(magic):
            raise ArchiveError(f"{name}: {kind}, wanted a zip")
    if start.lstrip(b"\xef\xbb\xbf \r\n").lower().startswith(PAGES):
        raise ArchiveError(f"{name}: a web page, as a download gives without a login; wanted a zip")
    if not start.strip(b"\0") and not directory_end(file, file.seek(0, io.SEEK_END)):
        raise ArchiveError(f"{name}: nothing but zeros, as an interrupted copy leaves; wanted a zip")
    return read_zip(file, name, intake)


def _read_inner(where: str, inner: Mapping[str, bytes], intake: Intake) -> None:
    """Open the zips inside: a single one stands for the submission, of several each has a folder of its own."""
    for name, data in inner.items():
        if len(inner) > 1:
            intake.inside = str(PurePosixPath(name.replace("\\", "/")).with_suffix("")).lstrip("/")
        try:
            for deeper in _read(io.BytesIO(data), f"{where}, the zip inside", intake):
                intake.leave_out(deeper, "an archive inside an archive inside the submission is not opened")
        except ArchiveError as problem:
            if len(inner) == 1:
                raise
            intake.leave_out(name, str(problem))
        else:
            why = "it was opened, since it is all there is" if len(inner) == 1 else "it was opened: no source beside it"
            intake.opened(name)
            intake.note(name, f"an archive inside the submission; {why}")
    intake.inside = ""
