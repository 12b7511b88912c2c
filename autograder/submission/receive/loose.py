"""Gathers the loose files of one person in the order of handing in, and explains why other files are skipped."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.submission.paths import decode_name, plain_text
from autograder.submission.receive.filename import ParsedName, archive_called, is_called, name_of, plain_name
from autograder.submission.receive.intake import SOURCES
from autograder.submission.receive.signed import signed
from autograder.submission.receive.systems import handed_in_at

__all__ = ["Beside", "LooseFiles", "gathered", "reason", "whose"]

# Kinds of files that lie beside the work, and never are the work.
DOCUMENTS = frozenset(
    {".pdf", ".doc", ".docx", ".hwp", ".hwpx", ".odt", ".rtf", ".tex", ".txt", ".md", ".html", ".htm", ".xml"}
    | {".csv", ".tsv", ".json", ".yml", ".yaml", ".xls", ".xlsx", ".ppt", ".pptx", ".key", ".pages", ".log"}
    | {".png", ".jpg", ".jpeg", ".gif", ".heic", ".svg", ".webp", ".mp4", ".mov", ".url", ".webloc", ".pyc"}
)
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".filepart")


MAILS = (".eml", ".msg", ".emlx", ".mbox")
# What Canvas makes of a text or a link: `kimminsu_51234_text.html`, `LATE_anon_5ZXv2_link.html`
CANVAS_TYPED = re.compile(r"(?:.+_(?:LATE_)?\d+|(?:LATE_)?anon(?:ymous)?_(?:LATE_)?[A-Za-z0-9]+)_(text|link)\.html")
MOODLE_TYPED = "_assignsubmission_onlinetext_"
ALONE = "and no file of the same person lies beside it"
BY_ITSELF = "a file by itself, and no name says whose; put it into a folder or zip of its owner's name"
OTHER_NAME = (
    "a file by itself, and its name is none that a known learning system gives; "
    "put it into a folder or zip of its owner's name"
)


@dataclass(frozen=True)
class Beside:
    """What the names in one folder tell about each other.

    Attributes:
        signed: the parsed names of loose files that hold their owner's name before or after ` - `.
        people: the people with an entry that is no receipt and no typed text.
    """

    signed: Mapping[str, ParsedName]
    people: frozenset[str]

    @classmethod
    def at(cls, entries: Collection[Path], modules: Collection[str]) -> Beside:
        """Look at the entries of one folder."""
        found = (name_of(entry) for entry in entries if MOODLE_TYPED not in entry.name)
        people = frozenset(parsed.person for parsed in found if not parsed.receipt)
        return cls(signed([entry.name for entry in entries], modules), people)


@dataclass(frozen=True)
class LooseFiles:
    """One person's loose files.

    Attributes:
        name: the name of the folder to make of them.
        files: each file, and its owner's name for it. The assignment's modules come first.
        replaced: each file that was handed in again under the same name, and the later one.
    """

    name: str
    files: tuple[tuple[Path, str], ...]
    replaced: tuple[tuple[Path, Path], ...]


def whose(parsed: ParsedName) -> str:
    """The key of a loose file's owner. An id that somebody typed may be wrong, so the name beside it counts too."""
    return parsed.person if parsed.account else f"{parsed.person} {parsed.name.casefold()}"


def gathered(files: Collection[tuple[Path, ParsedName]], modules: Collection[str]) -> LooseFiles:
    """Gather the loose files of one person. Learning systems write the order of handing in into the names."""
    owned: dict[str, Path] = {}
    replaced = []
    for path, each in sorted(files, key=lambda pair: _order(*pair)):
        called = each.rest if each.account else _text(path)
        if called in owned:
            replaced.append((owned[called], path))
        owned[called] = path
    order = sorted(owned, key=lambda called: (not any(is_called(called, module) for module in modules), called))
    return LooseFiles(_name(files), tuple((owned[called], called) for called in order), tuple(replaced))


def _name(files: Collection[tuple[Path, ParsedName]]) -> str:
    """The name of the folder to make of one person's files: the one in the course's form, if there is just one.

    Else the first file gives the name. If names hold times, it is the latest file.
    """
    forms = {(each.name, each.id, each.number, each.option): path for path, each in files if each.in_form}
    if len(forms) == 1:
        return PurePosixPath(_text(next(iter(forms.values())))).stem
    first, parsed = max(files, key=lambda file: handed_in_at(_text(file[0])) or datetime.min)
    text = _text(first)
    if parsed.account and text.endswith(parsed.rest):
        return text.removesuffix(parsed.rest) + "files"
    return f"{parsed.account} - files" if parsed.account else PurePosixPath(text).stem


def reason(path: Path, parsed: ParsedName, modules: Collection[str], beside: Beside) -> tuple[str, bool]:
    """The reason why a loose file is no submission, and True if it may still be somebody's work."""
    suffix, text = path.suffix.lower(), _text(path)
    alone = parsed.person not in beside.people
    if parsed.receipt:
        return f"a learning system's receipt, {ALONE}" if alone else "a learning system's receipt", alone
    if parsed.account and MOODLE_TYPED in text:
        return f"a text typed into Moodle, {ALONE if alone else 'beside the files of the same person'}", alone
    if not parsed.account and (match := CANVAS_TYPED.fullmatch(text)):
        return f"a {match[1]} that was handed in in Canvas, without a file", True
    if suffix in MAILS:
        return "an e-mail, perhaps with work in it; put what is attached into a folder or zip of its owner's name", True
    if suffix in UNFINISHED and (parsed.person or archive_called(path.stem)):
        return "perhaps an unfinished download", True
    if parsed.person and suffix not in DOCUMENTS:
        return "a file of a kind that cannot be read; wanted a zip or a folder", True
    if parsed.account:
        return "a file of a kind that grading does not use, by itself", False
    if any(is_called(path.name, name) for name in modules):
        return BY_ITSELF, True
    if suffix in SOURCES and any(_holds(text, name) for name in modules):
        return OTHER_NAME, True
    return (BY_ITSELF, True) if suffix == ".ipynb" else ("neither a zip nor a folder", False)


def _holds(text: str, module: str) -> bool:
    """True if a file's name begins or ends with that of a module: `kim_two_layers.py`, `two_layers_kim.ipynb`."""
    stem, wanted = plain_name(text)[0], plain_name(module)[0]
    return stem != wanted and (stem.startswith(wanted) or stem.endswith(wanted))


def _text(path: Path) -> str:
    return plain_text(decode_name(path.name.encode(errors="surrogateescape"))).strip()


def _order(path: Path, parsed: ParsedName) -> tuple[datetime, list[int], str]:
    """The time in the name, if it has one, and the numbers that a learning system put before the owner's name."""
    text = _text(path)
    numbers = [int(digits[:18]) for digits in re.findall(r"\d+", text.removesuffix(parsed.rest))]
    return handed_in_at(text) or datetime.min, numbers, path.name
