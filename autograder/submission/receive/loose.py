"""Gathers the loose files of one person in the order of handing in, and explains why other files are skipped."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.submission.paths import decode_name, plain_text
from autograder.submission.receive.filename import ParsedName, archive_called, is_called
from autograder.submission.receive.intake import SOURCES

__all__ = ["LOOSE", "LooseFiles", "gathered", "reason"]

LOOSE = (*SOURCES, ".pt", ".pth", ".npy", ".npz", ".txt")
# Kinds of files that lie beside the work, and never are the work.
DOCUMENTS = frozenset(
    {".pdf", ".doc", ".docx", ".hwp", ".hwpx", ".odt", ".rtf", ".tex", ".txt", ".md", ".html", ".htm", ".xml"}
    | {".csv", ".tsv", ".json", ".yml", ".yaml", ".xls", ".xlsx", ".ppt", ".pptx", ".key", ".pages", ".log"}
    | {".png", ".jpg", ".jpeg", ".gif", ".heic", ".svg", ".webp", ".mp4", ".mov", ".url", ".webloc", ".pyc"}
)
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".filepart")


@dataclass(frozen=True)
class LooseFiles:
    """One person's loose files.

    Attributes:
        name: the name of the folder to make of them.
        files: each file, and its owner's name for it. The assignment's modules come first.
        replaced: each file that was handed in again under the same name, and the name of the later one.
    """

    name: str
    files: tuple[tuple[Path, str], ...]
    replaced: tuple[tuple[str, str], ...]


def gathered(files: Collection[tuple[Path, ParsedName]], modules: Collection[str]) -> LooseFiles:
    """Gather the loose files of one person. Canvas numbers them in the order of handing in."""
    owned: dict[str, Path] = {}
    replaced = []
    first, parsed = next(iter(files))
    for path, each in sorted(files, key=lambda pair: _numbers(*pair)):
        called = each.rest if each.account else _text(path)
        if called in owned:
            replaced.append((owned[called].name, path.name))
        owned[called] = path
    name = _text(first).removesuffix(parsed.rest) + "files" if parsed.account else PurePosixPath(_text(first)).stem
    order = sorted(owned, key=lambda called: (not any(is_called(called, module) for module in modules), called))
    return LooseFiles(name, tuple((owned[called], called) for called in order), tuple(replaced))


def reason(path: Path, parsed: ParsedName, modules: Collection[str]) -> tuple[str, bool]:
    """The reason why a loose file is no submission, and True if it may still be somebody's work."""
    suffix = path.suffix.lower()
    if parsed.receipt:
        return "a learning system's receipt", False
    if suffix in UNFINISHED and (parsed.person or archive_called(path.stem)):
        return "perhaps an unfinished download", True
    if parsed.person and suffix not in DOCUMENTS:
        return "a file of a kind that cannot be read; wanted a zip or a folder", True
    if parsed.account:
        return "a file of a kind that grading does not use, by itself", False
    if any(is_called(path.name, name) for name in modules) or suffix == ".ipynb":
        return "a file by itself, and no name says whose; put it into a folder or zip of its owner's name", True
    return "neither a zip nor a folder", False


def _text(path: Path) -> str:
    return plain_text(decode_name(path.name.encode(errors="surrogateescape"))).strip()


def _numbers(path: Path, parsed: ParsedName) -> tuple[list[int], str]:
    """The numbers that a learning system put before the name, as numbers."""
    before = _text(path).removesuffix(parsed.rest)
    return [int(digits[:18]) for digits in re.findall(r"\d+", before)], path.name
