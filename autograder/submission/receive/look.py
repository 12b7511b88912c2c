"""Decides from file names if a folder or archive holds one person's work or several people's. Opens no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

from autograder.submission.paths import is_litter
from autograder.submission.receive.filename import (
    MAX_NAME,
    WRAPPERS,
    archive_called,
    is_called,
    may_be_archive,
    parse_name,
    plain_name,
    without_archive_end,
)
from autograder.submission.receive.intake import SOURCES
from autograder.submission.receive.signed import signed

__all__ = ["ContentKind", "Look", "listed"]

MAX_LISTED = 50_000
COPY_NUMBER = re.compile(r"\s*\(\d+\)$")
NUMBER = re.compile(r"(?<![vV\d])\d+$")
# The folders of a handout. Beside a student's folder they are nobody's work.
GIVEN = frozenset({"common", "public_checks", "tests", "data"})


class ContentKind(Enum):
    WORK = "one person's or group's work"
    CLASS = "several people's work"
    UNCLEAR = "either"
    MIXED = "one person's by its name or its module, with other people's in it"


def listed(folder: Path) -> list[str]:
    """The relative paths of the files in a folder, without litter, hidden files and links."""
    paths: list[str] = []
    waiting = [folder]
    while waiting and len(paths) < MAX_LISTED:
        here = waiting.pop()
        try:
            entries = sorted(here.iterdir())
        except OSError:
            continue  # reading the submission will report it
        for entry in entries:
            if is_litter(entry.name) or entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                waiting.append(entry)
            else:
                paths.append(entry.relative_to(folder).as_posix())
    return paths


@dataclass(frozen=True)
class Look:
    """The names of the files in a folder or archive.

    Args:
        name: the name of the folder or archive.
        paths: the relative paths of its files.
        wanted: the file names of the assignment's modules, `two_layers.py`.
    """

    name: str
    paths: tuple[str, ...]
    wanted: tuple[str, ...]

    @classmethod
    def at(cls, name: str, paths: Iterable[str], wanted: Iterable[str]) -> Look:
        return cls(name, tuple(path for path in paths if not is_litter(path)), tuple(wanted))

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """The files with a name of a module, or of a copy of one."""
        return tuple(path for path in self.paths if any(is_called(path, name) for name in self.wanted))

    @property
    def by_module(self) -> dict[str, str]:
        """The first file for each module that is present."""
        first = {name: next((path for path in self.modules if is_called(path, name)), "") for name in self.wanted}
        return {name: path for name, path in first.items() if path}

    @cached_property
    def archives(self) -> tuple[str, ...]:
        """The files that are archives by their names, at any depth."""
        return tuple(path for path in self.paths if may_be_archive(path))

    @property
    def holds_source(self) -> bool:
        return any(path.lower().endswith(SOURCES) for path in self.paths)

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The top-level folders."""
        return tuple(dict.fromkeys(path.split("/")[0] for path in self.paths if "/" in path))

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files outside any folder."""
        return tuple(path for path in self.paths if "/" not in path)

    def inside(self, folder: str) -> Look:
        start = f"{folder}/"
        return Look(folder, tuple(path[len(start) :] for path in self.paths if path.startswith(start)), self.wanted)

    @property
    def has_module(self) -> bool:
        """True if a module is at the top level."""
        return any(path in self.files for path in self.modules)

    @property
    def kind(self) -> ContentKind:
        """One person's work, several people's, or unclear, judged by names.

        Ids and account names in the names of folders and archives distinguish people. Several folders that hold the
        same module and have no person's name are unclear: only their notebooks show whose they are.
        """
        parsed = parse_name(self.name)
        own = bool(parsed.person) and not parsed.unsure
        # Canvas names no folders: `A6_1_2_section` is none of its names.
        sure = own and (parsed.sure or archive_called(self.name))
        named, helpers = self._people(sure)
        if sure or self.has_module:
            return ContentKind.MIXED if len(named) > 1 else ContentKind.WORK
        if len(named) > 1:
            return ContentKind.CLASS
        if own:
            return ContentKind.WORK
        if helpers and not named and self._has_nameless_module():
            return ContentKind.UNCLEAR  # `src/two_layers.py` beside `lr_1_2_try.py`
        if named or helpers:
            return ContentKind.CLASS
        archives = [file for file in self.files if archive_called(file)]
        if len({_plain(file) for file in archives}) > 1 and not self._source_here():
            return ContentKind.CLASS
        if len({_numbered(file) for file in archives}) > 1 and not self._source_here():
            return ContentKind.UNCLEAR  # `work1.zip` and `work2.zip`: two versions, or two people
        if len(self.folders) == 1 and not archives and not self._source_here() and self.folders[0] not in WRAPPERS:
            return self.inside(self.folders[0]).kind
        inside = [look for folder in self.folders if (look := self.inside(folder)).modules or look.archives]
        if not any(look.archives for look in inside) and self._is_spread(inside):
            return ContentKind.WORK
        return ContentKind.UNCLEAR if len(inside) > 1 else ContentKind.WORK

    def _people(self, own: bool) -> tuple[set[str], set[str]]:
        """The people that the top level names, and those that only the names of other loose files may mean.

        Canvas writes `kimminsu_51_99_two_layers.py`, but `lr_1_2_try.py` may be a helper of one person. Inside an entry
        with a person's name, only the course's form and a full name mean somebody else.

        Args:
            own: True if the entry itself has a person's name.
        """
        named: set[str] = set()
        helpers: set[str] = set()
        for folder in self.folders:
            parsed = parse_name(folder)
            if parsed.sure or not (own or self.has_module or parsed.unsure):
                named.add(parsed.author if own else parsed.person)
        for file in self.files:
            source = file.lower().endswith(SOURCES)
            if not (source or may_be_archive(file)):
                continue
            parsed = parse_name(file)
            if not source:
                named.update(
                    {parsed.author if own else parsed.person} if parsed.sure or not (own or parsed.unsure) else ()
                )
            elif not own:
                called = parsed.in_form or any(is_called(parsed.rest, name) for name in self.wanted)
                if called or not parsed.unsure:
                    (named if called else helpers).add(parsed.person)
        return (named | self._signed(own)) - {""}, helpers - {""}

    def _signed(self, own: bool) -> set[str]:
        """The people before or after ` - ` in the names of loose files, if there are several of them.

        Args:
            own: True if the entry itself has a person's name.
        """
        people = {} if own else signed(self.files, self.wanted, last=not self.has_module)
        who = {parsed.person for parsed in people.values()}
        return who if len(who) > 1 else set()

    def _has_nameless_module(self) -> bool:
        """True if a module lies in a folder without a person's name."""
        return any("/" in path and not parse_name(path.split("/")[0]).person for path in self.modules)

    @staticmethod
    def _is_spread(folders: Iterable[Look]) -> bool:
        """True if each module is in at most one folder. One student may keep modules in separate folders."""
        held = [name for look in folders for name in look.by_module]
        return len(held) == len(set(held))

    def _source_here(self) -> bool:
        return any(file.lower().endswith(SOURCES) for file in self.files)

    def holders(self) -> Iterator[str]:
        """The top-level archives, and the top-level folders that hold a module or an archive at any depth."""
        yield from (file for file in self.files if may_be_archive(file))
        yield from (folder for folder in self.folders if (look := self.inside(folder)).modules or look.archives)


def _numbered(archive: str) -> tuple[str, ...]:
    """The common name of an archive's copies, and its number. `work (1).zip` and `work_v1.zip` have none."""
    stem = COPY_NUMBER.sub("", without_archive_end(archive)[-MAX_NAME:])
    number = NUMBER.search(stem)
    return _plain(archive), number[0] if number else ""


def _plain(archive: str) -> str:
    """The common name of an archive's copies: `work` for `work.zip` and `work (1).zip`."""
    return plain_name(f"{without_archive_end(archive)}.zip")[0]
