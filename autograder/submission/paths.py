"""Validates names inside a submission, and makes untrusted text printable."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from unicodedata import category

__all__ = ["Refused", "decode_name", "is_absolute", "is_litter", "member_path", "plain_text", "show"]

# Names that operating systems, editors and tools leave behind. They are skipped without a note.
LITTER_FOLDERS = frozenset(
    {
        "__macosx",
        "__pycache__",
        ".clean",
        ".git",
        ".idea",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        ".vscode",
        "node_modules",
        "site-packages",
        "venv",
    }
)
LITTER_FILES = frozenset({".ds_store", "desktop.ini", "thumbs.db", ".gitignore", ".gitattributes", ".otter_log"})
LITTER_ENDS = (":zone.identifier",)
# The usual letters of each encoding. Two thirds of all byte pairs are a letter in each of these encodings, so a name
# that can be decoded may still have another encoding.
KANA, COMMON_CJK, HANGUL = "\u3040-\u30ff", "\u4e00-\u9fff", "\uac00-\ud7a3"
USUAL = {
    "cp949": re.compile(f"[{HANGUL}]"),
    "gb2312": re.compile(f"[{COMMON_CJK}]"),
    "cp932": re.compile(f"[{KANA}{COMMON_CJK}]"),
    "big5": re.compile(f"[{COMMON_CJK}]"),
}
SPACES = ("Zs", "Zl", "Zp")
REFUSED = ("Cc", "Cs")  # control characters and lone surrogates
DRIVE = re.compile(r"^[A-Za-z]:")
MAX_PART = 255  # bytes of one part of a path, as many as a disk allows


class Refused(ValueError):
    """A refused name. The message is the reason, to follow `name: `."""


def decode_name(raw: bytes) -> str:
    """Decode a file name of unknown encoding: UTF-8, else an encoding of Windows, else DOS (cp437).

    Korean, Chinese and Japanese are tried in order. The first encoding that gives only usual letters wins.
    """
    with suppress(UnicodeDecodeError):
        return raw.decode("utf-8")
    for encoding, usual in USUAL.items():
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if all(char.isascii() or usual.fullmatch(char) for char in text):
            return text
    return raw.decode("cp437")


def plain_text(name: str) -> str:
    """A name, composed (NFC), with ordinary spaces in place of other spaces, and without invisible characters.

    Other spaces are U+3000 and U+00A0, for example. Invisible characters join or order letters: U+200D, U+200E.
    """
    if name.isascii():
        return name
    kept = "".join(" " if category(char) in SPACES else char for char in name if category(char) != "Cf")
    return unicodedata.normalize("NFC", kept)


def is_absolute(raw: str) -> bool:
    """True if a name begins with a root or a drive: `/home/me/a.py`, `C:\\work\\a.py`."""
    return raw.startswith(("/", "\\")) or DRIVE.match(raw) is not None


def member_path(raw: str, depth: int, name_bytes: int) -> str:
    """The relative POSIX path of a member, in plain text. Backslashes are separators.

    An absolute name loses its root, as in `unzip`. Example: `C:\\work\\a.py` gives `work/a.py`.

    Args:
        raw: the name in the archive or file system.
        depth: the most parts of a path.
        name_bytes: the longest path, in bytes of UTF-8.

    Raises:
        Refused: the name is empty, too long or too deep, holds control characters, or has a part `..`.
    """
    text = DRIVE.sub("", plain_text(raw.replace("\\", "/")))
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused("leads out of the submission")
    if not parts:
        raise Refused("no name at all")
    if not text.isprintable() and any(category(char) in REFUSED for char in text):
        raise Refused("its name holds characters that cannot be shown")
    path = "/".join(parts)
    if len(path.encode()) > name_bytes or any(len(part.encode()) > MAX_PART for part in parts):
        raise Refused("its name is too long")
    if len(parts) > depth:
        raise Refused("lies too deep in folders")
    return path


def is_litter(raw: str) -> bool:
    """True if a name is litter, in any case of letters."""
    parts = [part.casefold() for part in raw.replace("\\", "/").split("/") if part]
    if not parts:
        return False
    last = parts[-1]
    return (
        any(part in LITTER_FOLDERS for part in parts)
        or last in LITTER_FILES
        or last.startswith("._")
        or last.endswith(LITTER_ENDS)
    )


def show(text: str, most: int = 80) -> str:
    """Untrusted text on one line. Characters that cannot be printed become `?`, and long text is cut in the middle."""
    text = "".join(char if char.isprintable() else "?" for char in text[: 4 * most])
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most // 2) :]}"
