"""Reads one submission, an archive or a folder, into memory. Nothing is unpacked to disk."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from autograder.errors import ArchiveError
from autograder.submission.receive.archives.packed import directory_end
from autograder.submission.receive.archives.tar import is_tar, read_tar
from autograder.submission.receive.archives.zip import read_zip
from autograder.submission.receive.filename import parse_name, without_archive_end
from autograder.submission.receive.folder import read_folder
from autograder.submission.receive.intake import NESTED_RATIO, ArchiveLimits, Files, Intake

__all__ = ["ArchiveLimits", "Files", "read_submission"]

# Other file formats that students hand in under the name of a zip, by their first bytes.
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
MAX_NESTED = 4
SEVERAL = "one of several people's archives inside the submission; none of them is opened"
PAGES = (b"<!doctype", b"<html")


def read_submission(
    path: Path, limits: ArchiveLimits | None = None, asked: Collection[str] = (), open_zips: bool = False
) -> Files:
    """Read the archive or folder at `path`.

    Some archive entries are left out with a note for a person: names that lead outside, links, special files,
    encrypted or damaged entries, entries that are too large or too many, and kinds of files that grading does not use.
    An inner archive is opened if no source lies beside it, and so are those inside it. Of two entries with the same
    name, or with names that differ only in case, the later one is used.

    Args:
        limits: the limits of size and number; None for the defaults.
        asked: names of the assignment's files. They are read first.
        open_zips: True to open inner archives also if source lies beside them.

    Raises:
        ArchiveError: the format is not supported, the archive is cut off, its entries overlap, or it has far too many
            files. The message is one line.
    """
    intake = Intake(path.name, limits or ArchiveLimits(), asked, open_zips)
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
            intake.note(name, "a tar archive with the name of a zip; it was read nevertheless")
        return read_tar(file, name, intake)
    for magic, kind in OTHERS:
        if start.startswith(magic):
            raise ArchiveError(f"{name}: {kind}, wanted a zip")
    if start.lstrip(b"\xef\xbb\xbf \r\n").lower().startswith(PAGES):
        raise ArchiveError(f"{name}: a web page, perhaps from a download without a login; wanted a zip")
    if not start.strip(b"\0") and not directory_end(file, file.seek(0, io.SEEK_END)):
        raise ArchiveError(f"{name}: only zeros, perhaps from an interrupted copy; wanted a zip")
    return read_zip(file, name, intake)


def _read_inner(where: str, inner: Mapping[str, bytes], intake: Intake, deep: int = 1) -> None:
    """Open the inner archives. A single one counts as the submission; else each gets a folder of its own."""
    around, apart = intake.inside, len(inner) > 1 or intake.open_zips
    if len(_people(inner)) > 1 or deep > MAX_NESTED:
        why = SEVERAL if deep <= MAX_NESTED else f"archives more than {MAX_NESTED} deep are not opened"
        for name in inner:
            intake.leave_out(_below(around, name), why)
        return
    if intake.open_zips:
        why = "it was opened, since the module is not beside it"
    else:
        why = "it was opened: no source beside it" if apart else "it was opened, since it is all there is"
    intake.tar_bytes = min(intake.tar_bytes, NESTED_RATIO * intake.limits.total_bytes)
    for name, data in inner.items():
        shown = _below(around, name)
        intake.inside = without_archive_end(shown) if apart else around
        try:
            deeper = _read(io.BytesIO(data), f"{where}, the archive inside", intake)
        except ArchiveError as problem:
            if not apart and deep == 1:
                raise
            intake.leave_out(shown, str(problem))
        else:
            intake.opened(shown)
            intake.note(shown, f"an archive inside the submission; {why}")
            _read_inner(where, deeper, intake, deep + 1)
    intake.inside = around


def _below(folder: str, name: str) -> str:
    plain = str(PurePosixPath(name.replace("\\", "/"))).lstrip("/")
    return f"{folder}/{plain}" if folder else plain


def _people(names: Iterable[str]) -> set[str]:
    """The people that archives are surely named after."""
    all_parsed = [parse_name(PurePosixPath(name).name) for name in names]
    return {parsed.author for parsed in all_parsed if parsed.sure}
