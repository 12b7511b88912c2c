"""What the name of a handed-in zip or folder tells, and the names under which we keep submissions on disk."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FORM", "ParsedName", "parse_name", "safe_names"]

FORM = "{name}-{id}-A{n}-O{option}.zip"
MOST_NAME_BYTES = 100
# What stands beside the submissions' folders in a folder of reports.
TAKEN = frozenset({"answers.html", "grades.csv", "index.html", "review.csv", "review.html", "run.json"})

# The course's form. Strict first; then with any separators, as people type them; an id starts and ends with a digit.
STRICT = re.compile(r"(?P<name>[^-]+)-(?P<id>[^-]+)-A(?P<number>\d+)-O(?P<option>\d+)(?!\d)", re.IGNORECASE)
LOOSE = re.compile(
    r"(?P<name>.+?)[-_ ]+(?P<id>\d(?:[\d-]*\d)?)[-_ ]+A(?P<number>\d+)[-_ ]+O(?P<option>\d+)(?!\d)", re.IGNORECASE
)
# What learning systems put before the student's own name for the file.
CANVAS = re.compile(r"(?P<who>[^_]+)_(?P<late>LATE_)?\d+_\d+_(?P<rest>.+)")
MOODLE = re.compile(r"(?P<who>[^_]+)_\d+_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)")


@dataclass(frozen=True)
class ParsedName:
    """What a name tells; "" and None for what it does not.

    Attributes:
        number: the assignment's number.
        marked_late: Canvas wrote LATE into it.
        in_form: it follows the course's form, perhaps with other separators or a learning system's additions.
        account: the name that a learning system knows the student by.
    """

    name: str = ""
    id: str = ""
    number: int | None = None
    option: str = ""
    marked_late: bool = False
    in_form: bool = False
    account: str = ""


def parse_name(text: str) -> ParsedName:
    """Read `kim_minsu-2022123456-A6-O1.zip`, alone or with what Canvas, Moodle or a browser adds to it."""
    stem = unicodedata.normalize("NFC", text).strip()
    stem = stem[:-4] if stem.lower().endswith(".zip") else stem
    account, late = "", False
    if match := MOODLE.fullmatch(stem):
        account, stem = match["who"], match["rest"]
    elif match := CANVAS.fullmatch(stem):
        account, late, stem = match["who"], bool(match["late"]), match["rest"]
    if match := STRICT.match(stem) or LOOSE.match(stem):
        return ParsedName(
            name=match["name"].strip(),
            id=match["id"].strip(),
            number=int(match["number"][:9]),
            option=str(int(match["option"][:9])),
            marked_late=late,
            in_form=True,
            account=account,
        )
    return ParsedName(marked_late=late, account=account)


def safe_names(paths: Sequence[Path]) -> dict[str, Path]:
    """A unique name for every path, fit for a folder on any system: letters, digits, `-_.+~()` and spaces.

    Composed (NFC), at most 100 bytes of UTF-8, no leading dot. Where several come out the same, each gets a suffix
    made from its own original name, so that the order and the other submissions do not matter.
    """
    plain = [_safe(path) for path in paths]
    caseless = [name.casefold() for name in plain]
    names: dict[str, Path] = {}
    for name, path, fold in zip(plain, paths, caseless, strict=True):
        names[name if caseless.count(fold) == 1 else _suffixed(name, path)] = path
    return names


def _safe(path: Path) -> str:
    name = unicodedata.normalize("NFC", path.name)
    name = name[:-4] if name.lower().endswith(".zip") else name
    cleaned = re.sub(r"[^\w.()+ -]", "_", name).lstrip(". ").rstrip(". ")
    if not cleaned or cleaned.casefold() in TAKEN:
        return _suffixed(cleaned or "submission", path)
    return cleaned if len(cleaned.encode()) <= MOST_NAME_BYTES else _suffixed(cleaned, path)


def _suffixed(name: str, path: Path) -> str:
    original = f"{path.parent.name}/{path.name}"
    suffix = "~" + hashlib.sha256(original.encode(errors="surrogateescape")).hexdigest()[:8]
    room = MOST_NAME_BYTES - len(suffix)
    return name.split("~")[0].encode()[:room].decode(errors="ignore").rstrip(". ") + suffix
