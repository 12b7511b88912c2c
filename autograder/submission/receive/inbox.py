"""Receives submissions: finds them under a path and reads each one's files, author and time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.result import SubmissionInfo
from autograder.errors import ArchiveError, UsageError
from autograder.submission.paths import show
from autograder.submission.receive.archive import ArchiveLimits, Files, read_submission
from autograder.submission.receive.filename import (
    ParsedName,
    is_called,
    may_be_archive,
    name_of,
    name_stem,
    owner,
    safe_names,
)
from autograder.submission.receive.find import Passed, find_submissions
from autograder.submission.receive.identity import Identity, identify
from autograder.submission.receive.lateness import SUBMITTED, ArrivalTime, arrival, key, read_submitted
from autograder.submission.receive.locate import Located, locate
from autograder.submission.receive.look import listed
from autograder.submission.receive.systems import handed_in_at
from autograder.submission.source.text import readable

__all__ = ["Inbox", "Submission", "submitted_in"]

NO_SUBMISSION = f"its row in {SUBMITTED} is not used: no submission has this name"


@dataclass(frozen=True)
class Submission:
    """One received submission.

    Attributes:
        info: author, time, and notes for a person.
        files: bytes by path relative to the modules' folder, ready to import; empty without any module.
        artifacts: bytes of the handed-in artifacts, by their names in the assignment.
        notebooks: bytes of the handed-in notebooks, by their names in the assignment.
        digest: SHA-256 of all the above; equal digests need no second grading.
        modules: the handed-in modules, without `.py`. For a missing one, a note names other files that were found.
        edited, lacking: given files that the student changed, and given files that were not handed in.
        given: the student's copies of given files. Only a notebook that is not made from the handed-out one uses them.
        unread: the reason for each module, notebook and artifact that could not be read (encrypted, too large), by
            its name in the assignment.
    """

    info: SubmissionInfo
    files: Mapping[str, bytes]
    artifacts: Mapping[str, bytes]
    notebooks: Mapping[str, bytes]
    digest: str
    modules: frozenset[str]
    edited: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    given: Mapping[str, bytes] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inbox:
    """The submissions under one path, by unique names that are valid folder names.

    Attributes:
        entries: name → zip or folder, sorted by name.
        clean: the handout's files by path. Students' own copies of given files are not used.
        submitted: the times in `submitted.csv` beside the submissions.
        passed: entries that are no submissions, and rows of `submitted.csv` about no submission, with the reason.
        folder: the folder of tables about the submissions.
    """

    assignment: Assignment
    entries: Mapping[str, Path]
    clean: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    submitted: Mapping[str, datetime] = field(default_factory=dict)
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)
    passed: tuple[Passed, ...] = ()
    folder: Path = Path()

    @classmethod
    def open(
        cls,
        path: Path,
        assignment: Assignment,
        clean: Mapping[str, bytes] | None = None,
        unpack_into: Path | None = None,
    ) -> Inbox:
        """Find the submissions to grade.

        Args:
            path: a folder of zips and folders, or a single zip or folder.
            clean: the handout's files by path, from `read_submission(handout)`.
            unpack_into: the folder to unpack archives of several people's work into.

        Raises:
            UsageError: there is nothing to grade, or `submitted.csv` beside the zips is wrong.
        """
        path = Path(os.path.abspath(path))  # "." has no name
        found = find_submissions(path, assignment.files, unpack_into)
        entries = safe_names(found.paths, found.alone)
        submitted = submitted_in(found.folder, assignment)
        unused = _unused(submitted, found.paths) if found.paths != [path] else ()
        return cls(assignment, entries, clean or {}, submitted, passed=(*found.passed, *unused), folder=found.folder)

    def receive(self, name: str) -> Submission:
        """Read one submission. Raises ArchiveError, with a message of one line, if it cannot be read."""
        path = self._path(name)
        parsed = _parsed(path)
        files, located = self._located(path)
        who = identify(
            parsed,
            self.assignment,
            located.notebooks,
            self.clean,
            located.group,
            expect_form=path.is_file(),
        )
        info = self._info(name, who, parsed, files, (*_beside(path), *files.notes, *located.notes))
        return Submission(
            info=info,
            files=located.files,
            artifacts=located.artifacts,
            notebooks=located.notebooks,
            digest=_digest(info, located),
            modules=located.modules,
            edited=located.edited,
            given=located.given,
            unread=_unread(files, located, self.assignment),
            lacking=located.lacking,
        )

    def unreadable(self, name: str, why: str) -> SubmissionInfo:
        """The info of a submission whose archive cannot be read, from its name and `submitted.csv`."""
        path = self._path(name)
        parsed = _parsed(path)
        who = identify(parsed, self.assignment, {}, {}, None, expect_form=path.is_file())
        return self._info(name, who, parsed, Files({}), (why,))

    def timed(self, name: str, info: SubmissionInfo) -> SubmissionInfo:
        """`info` of an earlier run with the present time of arrival. Files are read only if their times count."""
        path, files = self._path(name), Files({})
        if self.came(name) is None:
            with suppress(ArchiveError):  # an archive that cannot be read has no times
                files, _ = self._located(path)
        return self._arrival(name, _parsed(path), files).onto(info)

    def came(self, name: str) -> datetime | None:
        """The time that a record tells: `submitted.csv`, else the learning system in the name; None without one."""
        listed, named = self._recorded(self._path(name))
        return listed or (named.replace(tzinfo=self.assignment.due.tzinfo) if named else None)

    def _recorded(self, path: Path) -> tuple[datetime | None, datetime | None]:
        """The time in `submitted.csv`, under a submission's name or its system's folder, and the time in the name.

        The folder's name comes from the system. A file in it may have any name that the student gave.
        """
        return self.submitted.get(self._key(path)), handed_in_at(name_stem(owner(path) or path))

    def _key(self, path: Path) -> str:
        folder = owner(path)
        return key(folder.name) if folder and key(path.name) not in self.submitted else key(path.name)

    def _located(self, path: Path) -> tuple[Files, Located]:
        """A submission's files.

        Zips among them are opened if a module or an artifact is missing without them, or a module has no answer.
        """
        files = self._read(path)
        located = locate(files, self.assignment, self.clean)
        graded = {*self.assignment.files, *self.assignment.artifacts}
        wanting = not graded <= located.names or not all(located.answered.values())
        if wanting and any(map(may_be_archive, files.left_out)):
            with_zips = self._read(path, open_zips=True)
            found = locate(with_zips, self.assignment, self.clean)
            answered, more = sum(located.answered.values()), found.names & graded > located.names & graded
            if sum(found.answered.values()) > answered or more:
                return with_zips, found
            closed = {path: why for path, why in with_zips.left_out.items() if may_be_archive(path)}
            others = {path: why for path, why in files.left_out.items() if not may_be_archive(path)}
            return replace(files, left_out={**others, **closed}), located
        return files, located

    def _read(self, path: Path, open_zips: bool = False) -> Files:
        return _as_python_reads(read_submission(path, self.limits, _asked(self.assignment), open_zips))

    def _arrival(self, name: str, parsed: ParsedName, files: Files) -> ArrivalTime:
        listed, named = self._recorded(self._path(name))
        return arrival(listed, named, files.modified.values(), self.assignment.due, parsed.marked_late)

    def _path(self, name: str) -> Path:
        try:
            return self.entries[name]
        except KeyError:
            raise UsageError(f"no submission {name!r} here") from None

    def _info(
        self, name: str, who: Identity, parsed: ParsedName, files: Files, notes: tuple[str, ...]
    ) -> SubmissionInfo:
        came = self._arrival(name, parsed, files)
        return SubmissionInfo(
            submission=name,
            name=who.name,
            id=who.id,
            option=who.option,
            members=who.members,
            submitted_at=came.text,
            late=came.late,
            notes=(*notes, *who.notes, *came.notes),
        )


def _as_python_reads(files: Files) -> Files:
    """The files with all Python files converted to UTF-8. Notes name the changed ones."""
    content, notes = dict(files), []
    for path, data in files.items():
        if path.lower().endswith((".py", ".py.txt")):
            content[path], note = readable(data)
            notes += [f"{show(path)}: {note}"] if note else []
    return replace(files, content=content, notes=(*files.notes, *notes)) if notes else files


def _asked(assignment: Assignment) -> tuple[str, ...]:
    """The names of the files that students hand in."""
    return *assignment.files, *assignment.notebooks, *assignment.artifacts


def _unread(files: Files, located: Located, assignment: Assignment) -> dict[str, str]:
    """The reason for each missing file: its own, else that of an archive that was not opened."""
    missing = [name for name in _asked(assignment) if name not in located.names]
    closed = [f"it may be in {show(path)}: {why}" for path, why in files.left_out.items() if may_be_archive(path)]
    reasons = dict.fromkeys(missing, closed[0]) if closed else {}
    return reasons | {name: why for name in missing for path, why in files.left_out.items() if is_called(path, name)}


def submitted_in(folder: Path, assignment: Assignment) -> dict[str, datetime]:
    """The times in a folder's `submitted.csv`; empty if there is none. Raises UsageError for a wrong one."""
    table = folder / SUBMITTED
    return read_submitted(table, assignment.due.tzinfo) if table.is_file() else {}


def _unused(submitted: Mapping[str, datetime], paths: Iterable[Path]) -> tuple[Passed, ...]:
    """The rows of `submitted.csv` that are about none of the submissions. One of them may be spelled differently."""
    names = {key(each.name) for path in paths for each in (path, owner(path)) if each}
    return tuple(Passed(name, NO_SUBMISSION) for name in submitted if name not in names)


def _parsed(path: Path) -> ParsedName:
    """The parsed name of the zip or folder, completed from the folder that a learning system made around it.

    The person's name in such a folder's name comes from the learning system, so nobody can forge it.
    """
    own, folder = name_of(path), owner(path)
    if not own.in_form and (named := _name_of_zip_in(path)).person:
        own, folder = named, path
    if folder is None:
        return own
    around = name_of(folder)
    if not own.person:
        return around
    return replace(own, account=around.account, name=around.account) if around.full else own


def _name_of_zip_in(folder: Path) -> ParsedName:
    """The parsed name of the only person with a zip of the course's form in the folder; an empty one if none."""
    try:
        files = [entry for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    except OSError:  # reading the submission will report it
        return ParsedName()
    zips = [name_of(file) for file in files if may_be_archive(file.name)]
    people = {parsed.person: parsed for parsed in zips if parsed.in_form}
    return next(iter(people.values())) if len(people) == 1 else ParsedName()


def _beside(path: Path) -> tuple[str, ...]:
    """A note on the other files in a learning system's folder, if there are any."""
    folder = owner(path)
    if folder is None:
        return ()
    others = [name for name in listed(folder) if folder / name != path]
    rest = f" and {len(others) - 3} more" if len(others) > 3 else ""
    shown = ", ".join(show(name) for name in others[:3])
    return (f"beside it, not used in grading: {shown}{rest}",) if others else ()


def _digest(info: SubmissionInfo, located: Located) -> str:
    digest = hashlib.sha256(json.dumps(asdict(info), sort_keys=True).encode())
    parts = {f"file/{path}": data for path, data in located.files.items()}
    parts |= {f"artifact/{path}": data for path, data in located.artifacts.items()}
    parts |= {f"notebook/{name}": data for name, data in located.notebooks.items()}
    for path, data in sorted(parts.items()):
        digest.update(f"\0{path}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()
