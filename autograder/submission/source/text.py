"""Converts Python files that editors, shells and sync clients have saved in other forms to UTF-8."""

from __future__ import annotations

import codecs
import io
import re
import tokenize

__all__ = ["readable"]

# UTF-32 comes first: its mark begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Control characters that no text holds.
BINARY = re.compile(rb"[\0-\x08\x0b\x0e-\x1f]")
COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]*)")  # a declaration of an encoding
UTF_8 = ("utf-8", "utf-8-sig")
READ = "it was read all the same"


def readable(data: bytes) -> tuple[bytes, str]:
    """The file in UTF-8, without NUL bytes at its end, and a note on the change; "" for no change.

    A file that Python can read stays unchanged: with a declared encoding, a byte-order mark of UTF-8, any line ends.
    """
    if encoding := _wide(data):
        try:
            text = _whole(data, int(encoding[4:6]) // 8).decode(encoding).lstrip("\ufeff")
            nuls = len(text) - len(text.rstrip("\0"))
            tail = f"; {nuls} NUL characters at its end were cut" if nuls else ""
            return text.rstrip("\0").encode(), f"saved as {encoding[:6].upper()}; {READ}{tail}"
        except UnicodeError:
            return data, ""
    cut = data.rstrip(b"\0")
    note = f"{len(data) - len(cut)} NUL bytes at its end were cut" if len(cut) < len(data) and cut else ""
    data = cut if note else data
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError):
        if (korean := _korean(data)) is not None:
            return korean, f"saved in the encoding of Korean Windows (CP949), not in UTF-8; {READ}"
        if not _declares(data) and not BINARY.search(data):
            return data.decode("latin-1").encode(), f"not saved in UTF-8; {READ}, but some letters may be wrong"
    return data, note


def _whole(data: bytes, width: int) -> bytes:
    """The data without a last character that is incomplete and holds only NUL bytes."""
    rest = len(data) % width
    return data[:-rest] if rest and not any(data[-rest:]) else data


def _wide(data: bytes) -> str:
    """The encoding of UTF-16 or UTF-32 text, with or without a byte-order mark; "" for any other text."""
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return encoding
    start = data.rstrip(b"\0")[:200]
    if len(start) < 8 or len(_whole(data, 2)) % 2:
        return ""
    if start[1::2].count(0) > 0.8 * len(start[1::2]) and not start[::2].count(0):
        return "utf-16-le"
    return "utf-16-be" if start[::2].count(0) > 0.8 * len(start[::2]) and not start[1::2].count(0) else ""


def _korean(data: bytes) -> bytes | None:
    """The text in UTF-8, if it declares no other encoding and has Korean letters in CP949; else None."""
    if _declares(data):
        return None
    try:
        text = data.decode("cp949")
    except UnicodeError:
        return None
    return text.encode() if re.search("[\uac00-\ud7a3]", text) else None


def _declares(data: bytes) -> bool:
    """True if the first two lines may declare an encoding other than UTF-8."""
    found = [match[1] for line in data.split(b"\n", 2)[:2] if (match := COOKIE.match(line))]
    return any(name.decode().lower().replace("_", "-") not in UTF_8 for name in found)
