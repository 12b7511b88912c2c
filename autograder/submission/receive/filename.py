"""Parses the names of handed-in zips and folders, and makes safe names for submissions on disk."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from autograder.submission.paths import decode_name, plain_text
from autograder.submission.receive.systems import BLACKBOARD, SystemName, account_among, system_name

__all__ = [
    "ARCHIVE_ENDS",
    "FORM",
    "MAX_NAME",
    "WRAPPERS",
    "ParsedName",
    "archive_called",
    "is_called",
    "is_taken",
    "may_be_archive",
    "name_of",
    "name_stem",
    "owner",
    "parse_name",
    "plain_name",
    "safe_names",
    "without_archive_end",
]

FORM = "{name}-{id}-A{n}-O{option}.zip"
MAX_NAME_BYTES = 100
MAX_NAME = 255  # characters of a name, as many as a disk allows; an archive may hold far longer ones
MAX_AROUND = 3  # folders around a zip that are searched for the person's name
# Names beside the submissions' folders in a folder of results. No submission gets one of them.
TAKEN = frozenset(
    {"anonymous", "answers.html", "grades.csv", "index.html", "review.csv", "review.html", "run.json"}
    | {"similarity.html", "term.html"}
)
BOOK = re.compile(r"gradebook\.db([-.][^~]*)?")  # and the files beside it: its log, its copies

COPY_BEFORE = re.compile(r"^((copy_of|copy|복사본|사본)_)+")
ALIKE = {".pth": ".pt"}
# One digit at a time: `\d+` inside a repetition would take exponential time on a name full of digits.
COPY_AFTER = re.compile(r"(_?(\(\d+\)|copy|kopie|복사본|(의_)?사본|副本|final|최종|ipynb|v?\d))+$")
# The course's form, strict, and then with any separators that people type. An id starts and ends with a digit.
STRICT = re.compile(r"(?P<name>[^-]+)-(?P<id>[^-]+)-A(?P<number>\d+)-O(?P<option>\d+)(?!\d)", re.IGNORECASE)
LOOSE = re.compile(
    r"(?P<name>.+?)[-_ ]+(?P<id>\d(?:[\d-]*\d)?)[-_ ]+A(?P<number>\d+)[-_ ]+O(?P<option>\d+)(?!\d)", re.IGNORECASE
)
WRAPPERS = ("Submission attachment(s)",)  # folders of Sakai within a person's
ARCHIVE_ENDS = (
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".zip", ".tgz", ".tar", ".rar", ".7z", ".gz", ".xz", ".bz2"),
    *(".tar.zst", ".tzst", ".zst", ".tbz2", ".tbz", ".txz", ".zipx", ".egg", ".alz"),
)


SUFFIX = re.compile(r"\.[^\W\d]\w{0,9}$")


@dataclass(frozen=True)
class ParsedName:
    """The parts of a name; "" or None for parts that it lacks.

    Attributes:
        number: the assignment's number.
        marked_late: True if Canvas wrote LATE into it.
        in_form: True if it follows the course's form, perhaps with other separators or a learning system's additions.
        account: the student's name in the learning system.
        rest: the student's own file name, without a learning system's additions.
        receipt: True if it is a learning system's receipt and no submission.
        full: True if the account is a person's full name, which learning systems give to folders.
        key: the student's number in the learning system, which tells namesakes apart.
        blind: True if the learning system hides the person's name.
        unsure: True if the learning system's additions may be a person's own words.
    """

    name: str = ""
    id: str = ""
    number: int | None = None
    option: str = ""
    marked_late: bool = False
    in_form: bool = False
    account: str = ""
    rest: str = field(default="", compare=False)
    receipt: bool = field(default=False, compare=False)
    full: bool = field(default=False, compare=False)
    key: str = field(default="", compare=False)
    blind: bool = field(default=False, compare=False)
    unsure: bool = field(default=False, compare=False)

    @property
    def person(self) -> str:
        """A key of the person: the account with its number, else the id, else the account, else ""."""
        if self.key:
            return f"{self.account} {self.key}"
        return self.author

    @property
    def author(self) -> str:
        """A key of the person within one person's work, which may hold own downloads: the id, else the account."""
        return self.id.replace("-", "") if self.in_form else self.account

    @property
    def sure(self) -> bool:
        """True if the name is surely one person's: in the course's form, or from a system that names folders."""
        return self.in_form or self.full or self.blind


def archive_called(name: str) -> bool:
    """True if a file has the name of an archive."""
    return name.lower().endswith(ARCHIVE_ENDS)


def may_be_archive(path: str) -> bool:
    """True if a file has the name of an archive, or one in the course's form that lost its `.zip`: `kim-1-A6-O1`."""
    name = path.replace("\\", "/").rpartition("/")[2][-MAX_NAME:]
    return archive_called(name) or (not SUFFIX.search(name) and parse_name(name).in_form)


def without_archive_end(name: str) -> str:
    """A name without `.zip`, `.tar.gz` and the like."""
    return next((name[: -len(end)] for end in ARCHIVE_ENDS if name.lower().endswith(end)), name)


def parse_name(text: str) -> ParsedName:
    """Parse `kim_minsu-2022123456-A6-O1.zip`, with or without the additions of a learning system or a browser."""
    stem = without_archive_end(plain_text(text).strip())[:MAX_NAME]
    system = system_name(stem)
    if system and system.unsure and not _in_form(system.rest) and _in_form(stem):
        system = None  # `park_jane_2022_12345_A6_O1`
    system = system or SystemName("", "", stem)
    stem = system.rest
    match = _in_form(stem)
    return ParsedName(
        name=match["name"].strip() if match else "",
        id=match["id"].strip() if match else "",
        number=int(match["number"][:9]) if match else None,
        option=str(int(match["option"][:9])) if match else "",
        marked_late=system.late,
        in_form=match is not None,
        account=system.account,
        rest=stem,
        receipt=system.receipt,
        full=system.full,
        key=system.key,
        blind=system.blind,
        unsure=system.unsure,
    )


def _in_form(stem: str) -> re.Match[str] | None:
    return STRICT.match(stem) or LOOSE.match(stem)


def safe_names(paths: Sequence[Path], alone: Collection[Path] = ()) -> dict[str, Path]:
    """A unique name for each path that is a valid folder name on any system: letters, digits, `-_.+~()` and spaces.

    A name is composed (NFC), has at most 100 bytes of UTF-8, and no leading dot. Equal names each get a suffix, a hash
    of the original name, so that a name does not depend on the order or on other submissions.

    Args:
        alone: the paths that are alone in a folder. If such a name has no person, the folder's name is put before it:
            `Kim Minsu/homework.zip` gives `Kim Minsu - homework`.
    """
    plain = [_safe(_telling(path, path in alone)) for path in paths]
    count = Counter(name.casefold() for name in plain)
    once = [
        name if count[name.casefold()] == 1 else _suffixed(name, path) for name, path in zip(plain, paths, strict=True)
    ]
    # Two sections may hold one name in folders of one name. Then the whole path tells them apart.
    count = Counter(name.casefold() for name in once)
    pairs = zip(once, paths, strict=True)
    return {name if count[name.casefold()] == 1 else _suffixed(name, path, whole=True): path for name, path in pairs}


def is_taken(name: str) -> bool:
    """True if a folder of results uses a name for something other than a submission, on any file system."""
    return name.casefold() in TAKEN or BOOK.fullmatch(name.casefold()) is not None


def owner(path: Path) -> Path | None:
    """The folder of one person around a file or folder; None if there is none.

    A learning system made it, or its name has the course's form: `kim_minsu-2022123456-A6-O1/work.zip`. Further folders
    may lie between.
    """
    around = list(path.parents)[:MAX_AROUND]
    return next((folder for folder in around if name_of(folder).sure), None)


def name_of(path: Path) -> ParsedName:
    """The parsed name of a zip or folder, whatever its bytes are.

    Blackboard separates course, assignment and account by `_`, which each of them may hold. The names beside this one
    show where the account begins.
    """
    parsed = parse_name(_text(path.name))
    if not BLACKBOARD.fullmatch(name_stem(path)):
        return parsed
    try:
        keys = _blackboard_keys(path.parent, path.parent.stat().st_mtime_ns)
    except OSError:
        return parsed
    return replace(parsed, account=account_among(parsed.key, keys))


@lru_cache(maxsize=16)
def _blackboard_keys(folder: Path, changed: int) -> frozenset[str]:
    """The keys in the names that Blackboard gave to the entries of a folder.

    Args:
        changed: the time of the folder's last change, so that a later call reads it again.
    """
    matches = (BLACKBOARD.fullmatch(name_stem(Path(name))) for name in os.listdir(folder))
    return frozenset(match["key"] for match in matches if match)


def name_stem(path: Path) -> str:
    """The name of a zip or folder as text, without `.zip`, whatever its bytes are."""
    return without_archive_end(_text(path.name))


def _text(name: str) -> str:
    return plain_text(decode_name(name.encode(errors="surrogateescape"))).strip()


def _telling(path: Path, alone: bool) -> Path:
    """The path whose name contains the person: the path itself, or a person's folder around a name like `work.zip`."""
    folder = owner(path)
    if name_of(path).person:
        return path
    return folder or (path.with_name(f"{path.parent.name} - {path.name}") if alone else path)


def _safe(path: Path) -> str:
    name = without_archive_end(unicodedata.normalize("NFC", path.name))
    cleaned = re.sub(r"[^\w.()+ -]", "_", name).lstrip(". ").rstrip(". ")
    if not cleaned or is_taken(cleaned):
        return _suffixed(cleaned or "submission", path)
    return cleaned if len(cleaned.encode()) <= MAX_NAME_BYTES else _suffixed(cleaned, path)


def _suffixed(name: str, path: Path, whole: bool = False) -> str:
    original = str(path) if whole else f"{path.parent.name}/{path.name}"
    suffix = "~" + hashlib.sha256(original.encode(errors="surrogateescape")).hexdigest()[:8]
    room = MAX_NAME_BYTES - len(suffix)
    return name.split("~")[0].encode()[:room].decode(errors="ignore").rstrip(". ") + suffix


def is_called(path: str, wanted: str) -> bool:
    """True if a file's name is `wanted`, or a copy's name of it: `Two_Layers (1).PY` for `two_layers.py`."""
    return plain_name(path) == plain_name(wanted)


def plain_name(path: str) -> tuple[str, str]:
    """Stem and suffix without the additions of copying: `Two_Layers (1).PY`, `two-layers-2.py`, `two_layers.py.txt`.

    `.pth` is another ending of `.pt`. macOS writes `복사본` in parts (NFD).
    """
    name = PurePosixPath(plain_text(path).casefold())
    if name.suffix == ".txt" and "." in name.stem:
        name = PurePosixPath(name.stem)
    stem = re.sub(r"[\s._-]+", "_", name.stem)
    if len(stem) > MAX_NAME:
        return stem, name.suffix
    return COPY_AFTER.sub("", COPY_BEFORE.sub("", stem)) or stem, ALIKE.get(name.suffix, name.suffix)
